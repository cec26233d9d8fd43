"""Who looks at a release and knows more than it shows: its own contributors.

The only contributor of a cell, and of every margin in which nobody else is, knows those figures; a holding knows the
cells of all its units; the largest contributor of a cell that a dominance rule covers knows a part of it.

Source: Salazar, "Extending cell suppression to protect tabular data against several attackers".
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from exchange.contract.model import DataContract
from exchange.disclosure.problem import Insider
from exchange.pattern import Shape
from exchange.table import AggregateTable, CellKey

_Who: TypeAlias = tuple[int, int]
"""A contributor unit, by its place in the contract, and the aggregate's number of one contributor."""


def insiders_of(table: AggregateTable, contract: DataContract, keys: Sequence[CellKey]) -> tuple[Insider, ...]:
    """Every contributor who knows more than is published, in the order of the first cell they know.

    Args:
        table: With the numbers of only and of largest contributors.
        contract: Its contributor units and dominance rules.
        keys: The cells, in the order of the columns.
    """
    number = {key: place for place, key in enumerate(keys)}
    return (*_sole(table, contract, number), *_largest(table, contract, number))


def _sole(table: AggregateTable, contract: DataContract, number: Mapping[CellKey, int]) -> Iterator[Insider]:
    alone: dict[_Who, set[CellKey]] = defaultdict(set)
    for key in number:
        for unit, who in enumerate(table.cells[key].sole if key in table.cells else ()):
            if who is not None:
                alone[unit, who].add(key)
    shape = Shape(contract)
    known = {who: _with_empty_parts(keys, number, shape) for who, keys in alone.items()}
    for (unit, _), keys in sorted(known.items(), key=lambda item: (min(item[1]), item[0][0])):
        name = f"{contract.disclosure.contributors[unit]}: the only one of {'.'.join(min(keys))}"
        yield Insider(name, tuple(sorted(number[key] for key in keys)))


def _with_empty_parts(keys: set[CellKey], number: Mapping[CellKey, int], shape: Shape) -> set[CellKey]:
    """These cells, and all parts of those among them that are margins: nobody else is in any of them."""
    found, queue = set(keys), list(keys)
    while queue:
        key = queue.pop()
        for margin in shape.margins([key]):
            if margin.whole == key:
                more = {part for code in margin.codes if (part := margin.part(code)) in number} - found
                found |= more
                queue += more
    return found


def _largest(table: AggregateTable, contract: DataContract, number: Mapping[CellKey, int]) -> Iterator[Insider]:
    """One insider for each largest contributor; where two share that place, each such cell has one of its own."""
    shape = Shape(contract)
    parts: dict[tuple[int, int | CellKey], dict[int, float]] = defaultdict(dict)
    for ruled in contract.tables:
        if ruled.dominance is None:
            continue
        unit = contract.disclosure.contributors.index(ruled.dominance.contributor)
        for key, place in number.items():
            cell = table.cells.get(key)
            if cell is None or cell.largest is None or not shape.table_holds(ruled.id, key):
                continue
            if cell.contributors[unit] > 1:
                who = key if cell.largest_by is None else cell.largest_by
                parts[unit, who][place] = float(cell.largest[0])
    for (unit, _), least in sorted(parts.items(), key=lambda item: (min(item[1]), item[0][0])):
        first = ".".join(next(key for key, place in number.items() if place == min(least)))
        name = f"{contract.disclosure.contributors[unit]}: the largest of {first}"
        yield Insider(name, (), tuple(sorted(least.items())))
