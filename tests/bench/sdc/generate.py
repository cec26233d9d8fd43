"""`python -m tests.bench.sdc.generate NAME FOLDER`: write one seeded instance; without arguments, list them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.sdc.microdata import Cell, Tree, draw, every_key, tabulate

P_PERCENT = 0.15
"""A cell is primary if what the two largest leave is less than this share of the largest (p% rule)."""
SMALL = 3
"""A count from 1 to this is primary."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an instance is made.

    Attributes:
        trees: Branching of each dimension.
        contributors: How many.
        tables: Places of the dimensions of each table; none: one table of all.
        counts: Whether the figure is the number of contributors.
        zeros: Whether empty combinations have a row.
        decimals: Places after the point of a magnitude.
        units_per_holding: More than 1: a column `holder`.
    """

    trees: tuple[tuple[int, ...], ...]
    contributors: int
    tables: tuple[tuple[int, ...], ...] = ()
    counts: bool = False
    zeros: bool = False
    decimals: int = 0
    units_per_holding: float = 1.0


RECIPES = {
    "syn2d_1k": Recipe(((4, 4), (6, 8)), 3_000, zeros=True),
    "syn2d_10k": Recipe(((5, 5, 5), (8, 8)), 40_000),
    "syn3d_1k": Recipe(((3, 3), (8,), (7,)), 2_500),
    "syn3d_4k": Recipe(((4, 4), (3, 4), (10,)), 10_000),
    "syn3d_14k": Recipe(((5, 5), (4, 4), (4, 4)), 45_000),
    "syn3d_30k": Recipe(((5, 5), (5, 5), (5, 5)), 80_000),
    "syn3d_100k": Recipe(((6, 7), (6, 6), (7, 7)), 800_000),
    "linked4": Recipe(((5, 7), (6, 6), (8,), (9,)), 4_000, tables=((0, 2), (0, 3), (1, 2), (1, 3)), decimals=2),
    "holdings2d_1k": Recipe(((4, 4), (6, 8)), 4_000, units_per_holding=2.5),
    "counts2d_1k": Recipe(((3, 12), (4,), (2, 2)), 3_000, counts=True, zeros=True),
    "counts3d_4k": Recipe(((4, 4), (3, 4), (10,)), 12_000, counts=True),
    "counts3d_14k": Recipe(((5, 5), (4, 4), (4, 4)), 45_000, counts=True),
    "counts2d_10k": Recipe(((5, 5, 5), (8, 8)), 40_000, counts=True),
}


def instance(name: str, *, seed: int = 1) -> dict[str, bytes]:
    """The two files of an instance; another seed is another instance of the same kind."""
    recipe = RECIPES[name]
    trees = [Tree(chr(ord("a") + place), branching) for place, branching in enumerate(recipe.trees)]
    data = draw(trees, recipe.contributors, seed=seed, units_per_holding=recipe.units_per_holding)
    tables = recipe.tables or (tuple(range(len(trees))),)
    cells = {cell.key: cell for table in tables for cell in tabulate(data, table)}
    if recipe.zeros:
        for table in tables:
            for key in every_key(trees, table):
                cells.setdefault(key, Cell(key, 0, 0, 0, 0, -1))
    document: dict[str, object] = {
        "name": name if seed == 1 else f"{name}#{seed}",
        "integer": recipe.counts,
        "dims": {tree.name: {"total": "T", "children": tree.children()} for tree in trees},
    }
    if recipe.tables:
        document["tables"] = [[trees[place].name for place in table] for table in recipe.tables]
    header, rows = (_counts if recipe.counts else _magnitudes)(list(cells.values()), recipe)
    lines = [",".join([*(tree.name for tree in trees), *header])]
    lines += [",".join([*key, *row]) for key, row in zip(cells, rows, strict=True)]
    return {
        "instance.json": json.dumps(document).encode(),
        "cells.csv": ("\n".join(lines) + "\n").encode(),
    }


def _counts(cells: Sequence[Cell], _: Recipe) -> tuple[list[str], list[list[str]]]:
    """As ssb_z3: the interval of a small count is at least 1 wide and reaches up."""
    rows = []
    for cell in cells:
        small = 0 < cell.freq <= SMALL
        level = "1" if small else "0"
        rows.append([str(cell.freq), str(cell.freq), str(int(small)), "0", level, level])
    return ["value", "freq", "primary", "lpl", "upl", "spl"], rows


def _magnitudes(cells: Sequence[Cell], recipe: Recipe) -> tuple[list[str], list[list[str]]]:
    """As syn2d_1k: the p% rule and its levels, at least one unit."""
    unit = 10**recipe.decimals
    rows = []
    for cell in cells:
        short = P_PERCENT * cell.top1 - (cell.value - cell.top1 - cell.top2)
        primary = cell.freq > 0 and short > 0
        level = f"{max(1.0, short) / unit:.6f}" if primary else "0"
        figures = [_figure(number, recipe.decimals) for number in (cell.value, cell.top1, cell.top2)]
        row = [figures[0], str(cell.freq), figures[1], figures[2], str(int(primary)), level, level]
        if recipe.units_per_holding > 1:
            row.append(f"h{cell.holder}" if cell.holder >= 0 else "")
        rows.append(row)
    columns = ["value", "freq", "top1", "top2", "primary", "lpl", "upl"]
    return [*columns, "holder"] if recipe.units_per_holding > 1 else columns, rows


def _figure(number: int, decimals: int) -> str:
    return f"{number // 10**decimals}.{number % 10**decimals:0{decimals}d}" if decimals else str(number)


def main() -> int:
    if len(sys.argv) < 3:
        print(f"{__doc__}\n{' '.join(RECIPES)}")
        return 2
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in instance(sys.argv[1], seed=seed).items():
        (folder / file).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
