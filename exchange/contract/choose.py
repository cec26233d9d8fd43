"""From what a person types to a contract: `ca-01`, `CA-07-EXPULSIONS-BANS`, `ca-07/2.0.0`."""

from collections.abc import Iterable
from typing import TypeAlias

from exchange.errors.contract import ContractAmbiguousError, ContractNotAtHandError

Name: TypeAlias = tuple[str, str]
"""Id and version."""


def choose(names: Iterable[Name], asked: str) -> tuple[Name, ...]:
    """The versions of the one contract that was asked for, oldest first.

    Args:
        names: What is at hand.
        asked: An id or an unambiguous beginning of one, in either case; `/` and a version, or its first numbers, may
            follow.

    Raises:
        ContractNotAtHandError: Nothing fits.
        ContractAmbiguousError: Two ids begin like this.
    """
    known = sorted(set(names), key=lambda name: (name[0], version_number(name[1])))
    beginning, _, version = asked.upper().partition("/")
    exact = [name for name in known if name[0] == beginning]
    fitting = exact or [name for name in known if beginning and name[0].startswith(beginning)]
    ids = sorted({name[0] for name in fitting})
    if len(ids) > 1:
        raise ContractAmbiguousError(found=asked[:60], fitting=", ".join(ids))
    chosen = tuple(name for name in fitting if not version or f"{name[1]}.".startswith(f"{version}."))
    if not chosen:
        raise ContractNotAtHandError(found=asked[:60], known=", ".join("/".join(name) for name in known) or "-")
    return chosen


def choose_one(names: Iterable[Name], asked: str) -> Name:
    """The one version that was asked for.

    Raises:
        ContractNotAtHandError: Nothing fits.
        ContractAmbiguousError: Two ids begin like this, or the id has several versions and none is named.
    """
    chosen = choose(names, asked)
    if len(chosen) > 1:
        raise ContractAmbiguousError(found=asked[:60], fitting=", ".join("/".join(name) for name in chosen))
    return chosen[0]


def version_number(version: str) -> tuple[int, ...]:
    """A version as numbers, so that 1.10.0 comes after 1.9.0."""
    return tuple(int(part) for part in version.split("."))
