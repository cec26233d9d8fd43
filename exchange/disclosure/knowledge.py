"""What every reader knows of a release before any figure: which withheld cells cannot be empty (decision 11).

A row stands for a cell that is not empty, or for one that is withheld. An empty inner cell may be withheld to hide
others, a margin never: so a withheld inner cell may be empty, and a withheld margin is not.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from exchange.contract.levels import PROVIDER_SCOPE
from exchange.contract.model import DataContract, Zeros
from exchange.pattern import Shape
from exchange.table import CellKey

_AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class _Sum:
    """A margin with a row, and those of its parts that have one."""

    whole: CellKey
    parts: tuple[CellKey, ...]
    exact: bool
    covers: bool


def least_possible(contract: DataContract, keys: Collection[CellKey], *, revision: int) -> dict[CellKey, int]:
    """By key, the least figure that the rules alone allow where it is above zero, in units of 10^-decimals.

    Args:
        contract: Its tables, and whether a row may stand for an empty margin.
        keys: The keys that have a row; a reader for whom keys are excluded counts them too.
        revision: Of the release; what was withheld stays so in a revision, and may be empty by now.
    """
    if revision or _margins_may_be_empty(contract):
        return {}
    sums = _sums(contract, keys)
    least = {found.whole: 10**contract.decimals for found in sums}
    changed = True
    while changed:
        before = dict(least)
        for found in sums:
            _follow(found, least)
        changed = least != before
    return least


def empty_complements(contract: DataContract, provider: str, present: Collection[CellKey]) -> list[CellKey]:
    """The empty cells that may be withheld to hide others: inner cells all of whose margins are not empty.

    Any other empty cell is a published zero for another reason, or would need its margins hidden too.

    Args:
        contract: Its tables.
        provider: Whose part of a list scoped by provider is meant.
        present: Every cell that is not empty.
    """
    if contract.disclosure.zeros is not Zeros.PUBLISHED:
        return []
    shape, known = Shape(contract), frozenset(present)
    seen = {place: frozenset(key[place] for key in known) for place in range(len(contract.dimensions))}
    found: list[CellKey] = []
    for key in shape.keys(allowed=_scoped(contract, provider, shape, seen)):
        if key in known:
            continue
        wholes = [margin.whole for margin in shape.margins([key])]
        if wholes and key not in wholes and known.issuperset(wholes):
            found.append(key)
    return sorted(found)


def possible_keys(contract: DataContract, provider: str) -> Iterable[CellKey]:
    """Every key that is not structurally empty: within the provider's own part of a list where the contract says so."""
    shape = Shape(contract)
    return shape.keys(allowed=_scoped(contract, provider, shape, {}))


def _margins_may_be_empty(contract: DataContract) -> bool:
    """Whether a rule of the contract can withhold an empty margin, or an amount of nothing counts as something."""
    rules = contract.disclosure
    by_group = rules.group_disclosure_k is not None and bool(rules.sensitive_dimensions)
    return by_group or rules.zeros is Zeros.SENSITIVE or contract.concept.counting_unit == _AMOUNT


def _sums(contract: DataContract, keys: Collection[CellKey]) -> list[_Sum]:
    present = frozenset(keys)
    found: list[_Sum] = []
    for margin in Shape(contract).margins(sorted(present)):
        parts = tuple(part for code in margin.codes if (part := margin.part(code)) in present and part != margin.whole)
        if margin.whole in present and parts:
            found.append(_Sum(margin.whole, parts, margin.exact, margin.covers))
    return found


def _follow(found: _Sum, least: dict[CellKey, int]) -> None:
    """A whole is at least its parts together; the only part that a whole has is at least the whole."""
    parts = [least.get(part, 0) for part in found.parts]
    least[found.whole] = max(least[found.whole], sum(parts) if found.exact else max(parts))
    if found.covers and len(parts) == 1:
        least[found.parts[0]] = max(parts[0], least[found.whole])


def _scoped(
    contract: DataContract, provider: str, shape: Shape, seen: Mapping[int, frozenset[str]]
) -> dict[int, frozenset[str]]:
    allowed = dict(seen)
    for place, dimension in enumerate(contract.dimensions):
        if dimension.scope == PROVIDER_SCOPE:
            below = shape.below(place, provider)
            allowed[place] = below & allowed[place] if place in allowed else below
    return allowed
