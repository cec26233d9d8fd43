"""What changed between two versions of a contract, and whether the new one may bear its version number.

Items of a list are known by their own name (a column, a table, a party, a code), so that moving one changes nothing but
the order. A loosening needs a new major version; every other change needs a higher version. All parties sign either.

Source: DESIGN.md §4; semantic versioning as `datacontract-cli` applies it to schemas, extended to every clause.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from exchange.contract.choose import version_number
from exchange.contract.effects import ABSENT, Absent, Effect, Pattern, Value, effect_of
from exchange.contract.model import DataContract
from exchange.encoding import Json, JsonObject, canonical_json
from exchange.errors.contract import ContractsUnrelatedError, ContractVersionError

_NAMES = ("property", "username", "name", "id", "dimension", "unit", "role")
"""The members by which an item of a list is known, the first that it has."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs.

    Attributes:
        path: Where, with the names of the items: `team.members.GB.customProperties.roles`.
        before: RFC 8785 text of the old value; None where there was none.
        after: RFC 8785 text of the new value; None where there is none.
        effect: What the change does.
    """

    path: str
    before: str | None
    after: str | None
    effect: Effect


@dataclass(frozen=True, slots=True)
class ContractDiff:
    """Every change between two versions of one contract."""

    changes: tuple[Change, ...]

    @property
    def effect(self) -> Effect:
        """The strongest effect among the changes; neutral if there is none."""
        found = {change.effect for change in self.changes}
        return next((e for e in (Effect.LOOSENING, Effect.TIGHTENING) if e in found), Effect.NEUTRAL)


def diff_contracts(before: DataContract, after: DataContract) -> ContractDiff:
    """Compare two versions field by field.

    Raises:
        ContractsUnrelatedError: They are not versions of one contract.
    """
    if before.id != after.id:
        raise ContractsUnrelatedError(expected=before.id, found=after.id)
    return ContractDiff(diff_documents(before.document, after.document))


def diff_documents(before: JsonObject, after: JsonObject) -> tuple[Change, ...]:
    """Every field that differs between two parsed contracts, in the order of the first."""
    found = tuple(_changes((), (), before, after))
    if not found and canonical_json(before) != canonical_json(after):
        return (Change("order of the items", None, None, Effect.NEUTRAL),)
    return found


def require_version_step(before: DataContract, after: DataContract) -> ContractDiff:
    """Refuse a later version whose number hides what changed; the comparison otherwise.

    Raises:
        ContractsUnrelatedError: They are not versions of one contract.
        ContractVersionError: The number does not rise, or only its lower parts do although a clause was loosened.
    """
    found = diff_contracts(before, after)
    old, new = version_number(before.version), version_number(after.version)
    loosened = [change for change in found.changes if change.effect is Effect.LOOSENING]
    least = f"{old[0] + 1}.0.0" if loosened else f"above {before.version}"
    if new <= old or (loosened and new[0] == old[0]):
        raise ContractVersionError(
            contract=after.id,
            found=after.version,
            expected=least,
            count=len(loosened),
            first=loosened[0].path if loosened else found.changes[0].path if found.changes else "-",
        )
    return found


def _changes(path: Pattern, pattern: Pattern, before: Value, after: Value) -> Iterator[Change]:
    if before == after and type(before) is type(after):
        return
    old, new = _children(before), _children(after)
    if old is None or new is None:
        yield Change(".".join(path), _shown(before), _shown(after), effect_of(pattern, before, after))
        return
    named = isinstance(before, list) and not _is_property_list(before)
    for name in [*old, *(name for name in new if name not in old)]:
        step = "*" if named else name
        yield from _changes((*path, name), (*pattern, step), old.get(name, ABSENT), new.get(name, ABSENT))


def _children(value: Value) -> "dict[str, Value] | None":
    """The members of an object, or the items of a list by their names; None for what has no parts."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return {_name(item, position): item for position, item in enumerate(value)}
    return None


def _name(item: Json, position: int) -> str:
    if isinstance(item, dict):
        return str(next((item[name] for name in _NAMES if name in item), position))
    return str(item)


def _is_property_list(items: "list[Json]") -> bool:
    """Whether a list holds ODCS properties, whose names are the profile's own."""
    return bool(items) and all(isinstance(item, dict) and "property" in item for item in items)


def _shown(value: Value) -> str | None:
    return None if isinstance(value, Absent) else canonical_json(value).decode("utf-8")
