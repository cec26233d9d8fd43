"""Primary suppression: which cells are sensitive in themselves, and which empty ones must be hidden beside them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exchange.contract.model import TOTAL, DataContract, Zeros
from exchange.disclosure.knowledge import empty_complements, least_possible, possible_keys
from exchange.disclosure.protection import (
    NOTHING,
    Requirement,
    SecretParameters,
    dominance_floor,
    dominance_requirement,
    requirement,
)
from exchange.errors.disclosure import CellMalformedError, CellOutsideContractError, RequestOutsideContractError
from exchange.pattern import Margin, Shape
from exchange.table import AggregateCell, AggregateTable, CellKey

Request: TypeAlias = Mapping[str, str]
"""A duty to withhold, from a law or a court: code by dimension; every cell that has all of these codes is meant."""

NO_REQUEST: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Sensitive:
    """What the rules alone decide.

    Attributes:
        values: Every cell that is a variable: the non-empty ones, the empty ones that may not show as zero, and those
            that may be withheld to hide others.
        primary: What each primary cell needs in the attacker's view.
        least: By key, what every reader knows it to be at least, where that is above zero.
    """

    values: dict[CellKey, int]
    primary: dict[CellKey, Requirement]
    least: dict[CellKey, int]


def primary_suppressions(
    table: AggregateTable,
    contract: DataContract,
    parameters: SecretParameters,
    *,
    requests: Sequence[Request] = NO_REQUEST,
    revision: int = 0,
) -> Sensitive:
    """Apply every primary rule of the contract (Hundepool et al. 2012, §4.2).

    - minimum contributors, in any contributor unit;
    - (n,k) dominance and p%, in the tables that have the rule;
    - group disclosure, along the sensitive dimensions: the complement of a part that is nearly the whole is hidden
      with it, empty cells too, or "all of them" could be read off;
    - empty cells, where zeros are sensitive;
    - what must be withheld by request.

    Raises:
        CellOutsideContractError: A key that no table of the contract releases.
        CellMalformedError: Contributors or contributions missing, or impossible.
        RequestOutsideContractError: A request names what no table of the contract releases.
    """
    shape = Shape(contract)
    _require_well_formed(table, contract, shape)
    values = {key: cell.value for key, cell in sorted(table.cells.items()) if not _empty(cell)}
    present = list(values)
    primary: dict[CellKey, Requirement] = {}

    def hide(key: CellKey, need: Requirement = NOTHING) -> None:
        values.setdefault(key, 0)
        primary[key] = primary.get(key, requirement(contract, values[key])).union(need)

    for key in _few_contributors(table, contract, parameters):
        hide(key)
    for key, need in _dominated(table, contract, shape, parameters):
        hide(key, need)
    if contract.disclosure.zeros is Zeros.SENSITIVE:
        for key in possible_keys(contract, table.provider):
            if key not in values:
                hide(key)
    for key in (*_group_disclosures(table, contract, shape), *_requested(requests, contract, present)):
        hide(key)
    for key in empty_complements(contract, table.provider, present):
        values.setdefault(key, 0)
    least = least_possible(contract, values.keys(), revision=revision)
    needs = {key: need.above(least.get(key, 0)) for key, need in sorted(primary.items())}
    return Sensitive(dict(sorted(values.items())), needs, least)


def _few_contributors(table: AggregateTable, contract: DataContract, parameters: SecretParameters) -> Iterator[CellKey]:
    minima = parameters.contributors_min
    for key, cell in table.cells.items():
        if any(0 < found < least for found, least in zip(cell.contributors, minima, strict=True)):
            yield key
        # A cell that has a value has somebody behind it, whatever the count in one unit says.
        elif cell.value and not any(cell.contributors):
            raise CellMalformedError(
                contract=contract.id,
                period=table.period,
                cell=shown(key),
                member="contributors",
                expected="above 0 for a cell that is not empty",
            )


def _dominated(
    table: AggregateTable, contract: DataContract, shape: Shape, parameters: SecretParameters
) -> Iterator[tuple[CellKey, Requirement]]:
    for ruled in contract.tables:
        rule = ruled.dominance
        if rule is None:
            continue
        unit = contract.disclosure.contributors.index(rule.contributor)
        for key, cell in table.cells.items():
            if _empty(cell) or not shape.table_holds(ruled.id, key):
                continue
            if cell.largest is None:
                raise CellMalformedError(
                    contract=contract.id,
                    period=table.period,
                    cell=shown(key),
                    member="largest",
                    expected=f"the two largest contributions of the {rule.contributor}",
                )
            need = dominance_requirement(rule, cell.value, cell.largest, parameters)
            if need is not None or 0 < cell.contributors[unit] < rule.contributors_min:
                promised = dominance_floor(rule, cell.value)
                yield key, promised if need is None else promised.union(need)


def _group_disclosures(table: AggregateTable, contract: DataContract, shape: Shape) -> list[CellKey]:
    """The parts that hold (nearly) all of their whole, and the complements that must be hidden with them.

    Counted in the first contributor unit. An empty complement helps only where it is not zero for another published
    reason: a margin above it that is absent, or all of its own parts, are published zeros. Where that is so for every
    complement of a part, those around are hidden too.
    """
    k = contract.disclosure.group_disclosure_k
    sensitive = {
        place for place, d in enumerate(contract.dimensions) if d.id in contract.disclosure.sensitive_dimensions
    }
    if k is None or not sensitive:
        return []
    persons = {key: cell.contributors[0] for key, cell in table.cells.items() if not _empty(cell)}
    found: dict[CellKey, None] = {}
    complements: list[list[CellKey]] = []
    for margin in shape.margins(sorted(persons)):
        if margin.position not in sensitive or persons.get(margin.whole, 0) == 0:
            continue
        for code in margin.codes:
            inside = persons.get(margin.part(code), 0)
            if inside and persons[margin.whole] - inside < k:
                complement = [margin.part(other) for other in margin.codes if other != code]
                found.update(dict.fromkeys([margin.part(code), *(key for key in complement if key in persons)]))
                complements.append(complement)
    empty = dict.fromkeys(key for keys in complements for key in keys if key not in persons)
    free = _not_implied(empty, persons, shape)
    found.update(free)
    for complement in complements:
        if not any(key in found for key in complement):
            found.update(dict.fromkeys(_opened(complement, {**persons, **found}, shape)))
    return list(found)


def _not_implied(empty: Mapping[CellKey, None], present: Mapping[CellKey, int], shape: Shape) -> dict[CellKey, None]:
    """The empty cells that no published zero around them shows to be zero, once all of them are hidden."""
    kept = dict(empty)
    around = {key: list(shape.margins([key])) for key in kept}
    while True:
        implied = [key for key in kept if not all(_undecided(key, margin, {*present, *kept}) for margin in around[key])]
        if not implied:
            return kept
        for key in implied:
            del kept[key]


def _undecided(key: CellKey, margin: Margin, possible: Collection[CellKey]) -> bool:
    """Whether an empty cell could be more than zero as far as this one margin says."""
    if key == margin.whole:
        return any(margin.part(code) in possible for code in margin.codes)
    return margin.whole in possible


def _opened(empty: Iterable[CellKey], possible: Collection[CellKey], shape: Shape) -> list[CellKey]:
    """These empty cells, with all those around them that must be hidden too or would show them to be zero."""
    found: dict[CellKey, None] = dict.fromkeys(empty)
    queue = list(found)
    while queue:
        key = queue.pop()
        for margin in shape.margins([key]):
            if _undecided(key, margin, {*possible, *found}):
                continue
            more = [margin.part(code) for code in margin.codes] if key == margin.whole else [margin.whole]
            queue += more
            found.update(dict.fromkeys(more))
    return list(found)


def _requested(requests: Sequence[Request], contract: DataContract, present: Iterable[CellKey]) -> Iterator[CellKey]:
    place = {dimension.id: number for number, dimension in enumerate(contract.dimensions)}
    released = list(present)
    for request in requests:
        strange = [name for name, code in request.items() if name not in place or not _released(contract, name, code)]
        if strange or not request:
            raise RequestOutsideContractError(contract=contract.id, found=", ".join(strange) or "nothing")
        yield from (key for key in released if all(key[place[name]] == code for name, code in request.items()))


def _released(contract: DataContract, dimension: str, code: str) -> bool:
    """Whether a table shows this code of a dimension."""
    listed = [entry for table in contract.tables for entry in table.dimensions if entry.dimension == dimension]
    total = code == TOTAL and contract.dimension(dimension).has_total
    return total or any(code in entry.codes or code == entry.residual for entry in listed)


def _require_well_formed(table: AggregateTable, contract: DataContract, shape: Shape) -> None:
    units = len(contract.disclosure.contributors)
    for key, cell in table.cells.items():
        if not shape.holds(key):
            raise CellOutsideContractError(contract=contract.id, period=table.period, cell=shown(key))
        wrong = None
        if cell.value < 0:
            wrong = ("value", "0 or more")
        elif len(cell.contributors) != units or any(count < 0 for count in cell.contributors):
            wrong = ("contributors", f"{units} counts of 0 or more")
        elif cell.largest is not None and not 0 <= cell.largest[1] <= cell.largest[0] <= cell.value:
            wrong = ("largest", "two contributions, the larger first, neither above the value")
        if wrong is not None:
            raise CellMalformedError(
                contract=contract.id, period=table.period, cell=shown(key), member=wrong[0], expected=wrong[1]
            )


def shown(key: CellKey) -> str:
    """A key as a reader knows it from the rows: its codes, joined by points (as an SDMX series key)."""
    return ".".join(key)


def _empty(cell: AggregateCell) -> bool:
    return cell.value == 0 and not any(cell.contributors)
