"""An instance from its two files: parsed, complete and additive, or refused with the place and the mend."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from exchange.disclosure.arrays import Floats, Integers, Mask
from exchange.disclosure.tabular.model import Cells, Instance, Structure, Sum
from exchange.disclosure.tabular.rows import CELLS, CellRows, read_rows, shown
from exchange.disclosure.tabular.structure import parse_structure
from exchange.disclosure.tabular.sums import (
    require_complete,
    require_inside_tables,
    require_rows,
    sums_of,
    system_of,
)
from exchange.errors.tabular import InstanceNotAdditiveError

OPTIONAL = ("freq", "primary", "lpl", "upl", "spl", "weight", "lb", "ub", "top1", "top2", "holder")
"""Columns of cells.csv beside the dimensions and `value`."""

DECIMALS_MAX = 9
"""Places after the point."""

UNITS_MAX = 2**53
"""Largest figure in units of the last place: beyond it no solver's number is exact."""

EXAMPLES_MAX = 3
"""How many sums that fail are named."""


def parse_instance(structure_raw: bytes, cells_raw: bytes) -> Instance:
    """Read `instance.json` and `cells.csv`.

    Raises:
        TabularError: Either is refused; the sentence names file, place, what was expected and what found.
    """
    structure = parse_structure(structure_raw)
    rows = read_rows(cells_raw, structure, file=CELLS, required=("value",), optional=OPTIONAL)
    require_inside_tables(structure, rows.keys, rows.lines, file=CELLS)
    require_rows(structure, len(rows.keys))
    figures = [Decimal(0) if number is None else number for number in _full(rows, "value")]
    decimals = _decimals(figures, rows, structure)
    values = _units(figures, decimals, rows)
    sums = sums_of(structure, rows.keys)
    _require_additive(structure, rows, values, sums)
    rows.require_known()
    require_complete(sums, values, structure)
    return Instance(structure, decimals, _cells(rows, figures, values, decimals), sums)


def _full(rows: CellRows, column: str) -> list[Decimal | None]:
    numbers = rows.numbers(column)
    for number, line in zip(numbers, rows.lines, strict=True):
        if number is None:
            raise rows.refused(line, column, "a number from 0", "nothing")
    return numbers


def _decimals(figures: Sequence[Decimal], rows: CellRows, structure: Structure) -> int:
    places = 0
    allowed = 0 if structure.whole else DECIMALS_MAX
    for figure, line in zip(figures, rows.lines, strict=True):
        found = max(0, -int(figure.normalize().as_tuple().exponent))
        if found > allowed:
            expected = "a whole number" if structure.whole else f"at most {DECIMALS_MAX} places after the point"
            raise rows.refused(line, "value", expected, "more places")
        places = max(places, found)
    return places


def _units(figures: Sequence[Decimal], decimals: int, rows: CellRows) -> Integers:
    units = [int(figure.scaleb(decimals)) for figure in figures]
    for unit, line in zip(units, rows.lines, strict=True):
        if unit > UNITS_MAX:
            raise rows.refused(line, "value", f"at most 2^53 units of 10^-{decimals}", "more")
    return np.array(units, dtype=np.int64)


def _require_additive(structure: Structure, rows: CellRows, values: Integers, sums: Sequence[Sum]) -> None:
    """Refuse figures that contradict each other, before rows with a strange code: both are then named.

    Raises:
        InstanceNotAdditiveError: A whole is not the sum of its parts, or a further equation does not hold.
    """
    broken = [row for row in system_of(rows.keys, sums, structure).broken(values).tolist() if _is_sum(row, sums)]
    if not broken:
        return
    names = [_named(row, sums, structure) for row in broken[:EXAMPLES_MAX]]
    strange = 0 if rows.strange is None else rows.strange.facts["count"]
    raise InstanceNotAdditiveError(file=rows.file, count=len(broken), examples="; ".join(names), strange=strange)


def _is_sum(row: int, sums: Sequence[Sum]) -> bool:
    """Not a whole or parts without a row: what is missing there is another refusal."""
    return row >= len(sums) or (sums[row].whole >= 0 and bool(sums[row].parts))


def _named(row: int, sums: Sequence[Sum], structure: Structure) -> str:
    if row >= len(sums):
        return f"equations[{row - len(sums)}]"
    return f"{shown(sums[row].key)} by {structure.dims[sums[row].dimension].name}"


def _cells(rows: CellRows, figures: Sequence[Decimal], values: Integers, decimals: int) -> Cells:
    size = len(rows.keys)
    low = _levels(rows, "lb", decimals, 0.0)
    high = _levels(rows, "ub", decimals, np.inf)
    for outside, column in ((low > values, "lb"), (high < values, "ub")):
        if outside.any():
            line = rows.lines[int(np.flatnonzero(outside)[0])]
            raise rows.refused(line, column, "a bound that the figure keeps", "another")
    top1, top2 = _levels(rows, "top1", decimals, -1.0), _levels(rows, "top2", decimals, -1.0)
    return Cells(
        keys=rows.keys,
        values=values,
        primary=_marks(rows),
        freq=_counts(rows),
        lpl=_levels(rows, "lpl", decimals, 0.0),
        upl=_levels(rows, "upl", decimals, 0.0),
        spl=_levels(rows, "spl", decimals, 0.0),
        weights=_weights(rows, figures),
        low=low,
        high=high,
        top1=top1,
        top2=top2,
        holders=rows.columns.get("holder", ("",) * size),
    )


def _levels(rows: CellRows, column: str, decimals: int, default: float) -> Floats:
    if column not in rows.columns:
        return np.full(len(rows.keys), default)
    numbers = rows.numbers(column, finite=column != "ub")
    return np.array([default if number is None else float(number.scaleb(decimals)) for number in numbers])


def _weights(rows: CellRows, figures: Sequence[Decimal]) -> Floats:
    given = rows.numbers("weight") if "weight" in rows.columns else [None] * len(figures)
    return np.array(
        [float(figure if number is None else number) for number, figure in zip(given, figures, strict=True)]
    )


def _counts(rows: CellRows) -> Integers:
    if "freq" not in rows.columns:
        return np.full(len(rows.keys), -1, dtype=np.int64)
    counts = []
    for number, line in zip(rows.numbers("freq"), rows.lines, strict=True):
        if number is not None and (number != int(number) or number > UNITS_MAX):
            raise rows.refused(line, "freq", "a whole number of contributors", "another number")
        counts.append(-1 if number is None else int(number))
    return np.array(counts, dtype=np.int64)


def _marks(rows: CellRows) -> Mask:
    texts = rows.columns.get("primary", ("0",) * len(rows.keys))
    for text, line in zip(texts, rows.lines, strict=True):
        if text not in {"0", "1"}:
            raise rows.refused(line, "primary", "0 or 1", "another text")
    return np.array([text == "1" for text in texts], dtype=np.bool_)
