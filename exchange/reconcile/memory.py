"""What an earlier audit found in order, believed only where all that it was decided from is the same (decision 56).

Remembered is that a publication verified, with the cosigned time that its proof gave it, and that nothing follows from
a set of patterns; never that something was wrong, which is looked at again each time. Each stands under the digest of
all that went into it: the program that judges, the registry, the contract, the bundle's files. So nothing has to be
forgotten in time: what changed has another digest, and is not found.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import Enum

from exchange.encoding import Digest, Json, canonical_json
from exchange.pattern import Pattern
from exchange.signing.trust import Trust


@dataclass(slots=True, kw_only=True)
class Memory:
    """What was found in order; an audit reads it, and leaves in `verified_now` and `silent_now` what it rests on.

    Attributes:
        judged_by: The digest of program and registry.
        verified: Cosigned times of publications that verified, by the digest of all that was looked at.
        silent: Digests of sets of patterns from which nothing follows.
    """

    judged_by: Digest
    verified: Mapping[Digest, datetime] = field(default_factory=dict, repr=False)
    silent: frozenset[Digest] = field(default=frozenset(), repr=False)
    verified_now: dict[Digest, datetime] = field(default_factory=dict, repr=False)
    silent_now: set[Digest] = field(default_factory=set, repr=False)

    def publication(self, files: Mapping[str, bytes], contract: Digest | None) -> Digest:
        """What stands for a publication's files, and the contract that they are read by; None: without its text."""
        return _digest(
            {
                "judged_by": str(self.judged_by),
                "contract": None if contract is None else str(contract),
                "files": {name: str(Digest.of(raw)) for name, raw in files.items()},
            }
        )

    def patterns(self, group: Iterable[Pattern]) -> Digest:
        """What stands for a set of patterns, in the order in which they are judged."""
        return _digest({"judged_by": str(self.judged_by), "patterns": [_pattern(one) for one in group]})

    def cosigned_at(self, publication: Digest) -> datetime | None:
        """When a publication that verified was cosigned; None if it has to be verified."""
        return self.verified.get(publication)

    def is_silent(self, patterns: Digest) -> bool:
        """Whether nothing followed from these patterns."""
        return patterns in self.silent

    def note_verified(self, publication: Digest, cosigned_at: datetime) -> None:
        """It verified, in this audit or in the one that said so."""
        self.verified_now[publication] = cosigned_at

    def note_silent(self, patterns: Digest) -> None:
        """Nothing follows from them, in this audit or in the one that said so."""
        self.silent_now.add(patterns)


def judged_by(program: Digest, trust: Trust) -> Digest:
    """What stands for the rules and for the registry: all of it that a signature, a member or a policy is judged by.

    Its archive too, with which the snapshot that an entry names is compared (decision 84).
    When the registry expires, and how often its timestamp was renewed, is left out: no verdict rests on it.
    """
    registry = {
        "ref": trust.ref,
        "issued": trust.issued,
        "members": trust.members,
        "former": trust.former,
        "memberships": trust.memberships,
        "policies": trust.policies,
        "earlier_policies": trust.earlier_policies,
    }
    archive: Json = {name: str(digest) for name, digest in trust.archive.contents().items()}
    return _digest({"program": str(program), "registry": _plain(registry), "archive": archive})


def _pattern(one: Pattern) -> Json:
    withheld, excluded = (sorted(map(list, keys)) for keys in (one.withheld, one.excluded))
    return {
        "bundle": one.bundle,
        "contract": str(one.contract.digest),
        "provider": one.provider,
        "period": one.period,
        "revision": one.revision,
        "recipients": list(one.recipients),
        "withheld": [list[Json](key) for key in withheld],
        "excluded": [list[Json](key) for key in excluded],
    }


def _plain(value: object) -> Json:
    """A value of the registry as JSON, with everything by which it equals another.

    Raises:
        TypeError: A kind of value that the registry had not when this was written.
    """
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, bytes | datetime):
        return value.hex() if isinstance(value, bytes) else value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.compare}
    raise TypeError(type(value).__name__)


def _digest(document: Json) -> Digest:
    return Digest.of(canonical_json(document))
