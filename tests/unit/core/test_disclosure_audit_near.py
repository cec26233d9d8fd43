"""The search near each cell: it proves what there is to prove, and tables of a part are tables of the whole."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from exchange.disclosure.arrays import Integers
from exchange.disclosure.audit import Reason, alone, audit, examination, informed
from exchange.disclosure.audit.alone import WHOLE_NEAR
from exchange.disclosure.audit.attackers import Attackers
from exchange.disclosure.audit.boxes import Boxes
from exchange.disclosure.audit.component import Component, components
from exchange.disclosure.audit.examination import demands_on
from exchange.disclosure.audit.programmes import Meter, Programmes
from exchange.disclosure.audit.proof import OUTSIDER, Proof
from exchange.disclosure.audit.pushing import SEARCHES_MIN, Pushing
from exchange.disclosure.audit.region import NEAR, Region, everywhere, regions
from exchange.disclosure.audit.search import Sweep
from exchange.disclosure.audit.singly import Singly
from exchange.disclosure.audit.solver import Programme
from exchange.disclosure.audit.vicinity import Vicinity
from exchange.disclosure.grid import Grid
from exchange.disclosure.problem import Insider, Needs, View
from exchange.disclosure.relations import System
from exchange.pattern import Relation

SIZE = 7
KNOWN_CELL = ("1", "2", "3")
FRACTIONS = 10
"""Of this seed's table of small counts, some corners are fractions with no whole number around them."""

THIRDS = (["011", "211"], ["311", "411"], ["511", "611"])
"""All others of a row of the cell 111."""

BOX = ["111", "112", "121", "122", "211", "212", "221", "222"]

UP = {"111": 1, "122": 1, "212": 1, "221": 1}


def _cube(size: int = SIZE, *, figures_of: range = range(5, 60), seed: int = 5) -> tuple[System, Integers]:
    """A cube of counts with published margins, of which everything inside is withheld."""
    codes = [str(code) for code in range(size)]
    inner: list[tuple[str, ...]] = [(a, b, c) for a in codes for b in codes for c in codes]
    relations = []
    for place in range(3):
        for first in codes:
            for second in codes:
                rest = [first, second]
                line = [(*rest[:place], code, *rest[place:]) for code in codes]
                whole = (*rest[:place], "T", *rest[place:])
                relations.append(Relation((*((key, 1) for key in line), (whole, -1))))
    keys = sorted({key for relation in relations for key, _ in relation.terms})
    figures: dict[tuple[str, ...], int] = dict(
        zip(inner, np.random.default_rng(seed).choice(np.array(figures_of), len(inner)).tolist(), strict=True)
    )
    for relation in relations:
        *parts, (margin, _) = relation.terms
        figures[margin] = sum(figures[key] for key, _ in parts)
    return System.of(keys, relations), np.array([figures[key] for key in keys], dtype=np.int64)


@pytest.fixture(scope="module")
def whole() -> tuple[Component, Proof, System]:
    return _asked(2)


def _asked(
    far: int, known: Sequence[Sequence[str]] = (("123",),), *, only: str = ""
) -> tuple[Component, Proof, System]:
    """Every cell must be seen so far up and down: two is what any exchange of eight cells of at least five shows.

    Each insider knows the cells of these codes. With `only`, this cell alone must be seen so.
    """
    system, values = _cube()
    size = len(values)
    (component,) = components(_inside_withheld(system, values))
    figures = values.astype(np.float64)
    asked = np.array([not only or "".join(key) == only for key in system.keys], dtype=np.bool_)
    reach = np.where(asked, figures + far, -np.inf).astype(np.float64)
    fall = np.where(asked, figures - far, np.inf).astype(np.float64)
    width = np.where(asked, 2.0 * far, 0.0).astype(np.float64)
    needs = Needs(reach, fall, width)
    insiders = [
        Insider(f"insider {number}", tuple(sorted(system.keys.index(tuple(cell)) for cell in cells)))
        for number, cells in enumerate(known)
    ]
    attackers = Attackers(informed(insiders, values)).of(component)
    demands = demands_on(component, needs, np.ones(size, dtype=np.bool_))
    return component, Proof(component, values[component.cells], demands, attackers), system


def _inside_withheld(system: System, values: Integers) -> View:
    known = np.array(["T" in key for key in system.keys], dtype=np.bool_)
    return View(
        system=system,
        known=known,
        figures=np.where(known, values, 0),
        whole=True,
        low=np.zeros(len(values)),
        high=np.full(len(values), np.inf),
    )


def _everywhere(proof: Proof, meter: Meter) -> Region:
    return everywhere(proof.component, Programmes(proof.component, proof.anchor, meter, Programme))


def test_every_cell_of_a_cube_is_proved_near_itself_against_the_outsider_and_who_knows_a_cell(
    whole: tuple[Component, Proof, System],
) -> None:
    component, proof, system = whole
    own = component.cells.tolist().index(system.keys.index(KNOWN_CELL))
    assert proof.against(own) == OUTSIDER
    assert int(proof.open.sum()) == component.size == SIZE**3
    meter, pushed = Meter(10**9), np.zeros(component.size, dtype=np.int64)
    for region in regions(proof, meter, Programme):
        assert region.core[region.cells].sum() == region.core.sum() > 0
        pushed += region.core
        Sweep(proof, region).run(OUTSIDER)
        Pushing(proof, Singly(proof, region), among=region.core).run()
    assert pushed.max() == 1
    assert not proof.open.any()
    assert meter.programmes < component.size


def test_the_search_ends_where_nothing_is_proved_by_it() -> None:
    component, proof, _ = _asked(100_000)
    meter = Meter(10**9)
    Pushing(proof, Singly(proof, _everywhere(proof, meter))).run()
    assert int(proof.open.sum()) == component.size
    assert meter.programmes == SEARCHES_MIN < component.size


@pytest.mark.parametrize(
    ("known", "open_to"),
    [
        pytest.param([THIRDS[0] + THIRDS[1], THIRDS[1] + THIRDS[2], THIRDS[2] + THIRDS[0]], [], id="two thirds each"),
        pytest.param(
            [THIRDS[0] + THIRDS[1], [*THIRDS[0], *THIRDS[1], *THIRDS[2]], ["321"]], [1], id="one of them all of it"
        ),
    ],
)
def test_a_cell_stays_open_only_to_who_alone_knows_the_rest_of_a_row(
    known: list[list[str]], open_to: list[int]
) -> None:
    component, proof, system = _asked(2, known, only="111")
    cell = component.cells.tolist().index(system.keys.index(("1", "1", "1")))
    Pushing(proof, Singly(proof, _everywhere(proof, Meter(10**9)))).run()
    assert [
        attacker.number for bit, attacker in enumerate(proof.attackers) if proof.against(cell) >> bit & 1
    ] == open_to


def test_every_cell_of_a_cube_is_proved_by_boxes_against_the_outsider_and_who_knows_a_cell() -> None:
    _, proof, system = _asked(2)
    Pushing(proof, Boxes(proof, Grid(system))).run()
    assert not proof.open.any()


def test_boxes_prove_nothing_that_is_too_far() -> None:
    component, proof, system = _asked(100)
    Pushing(proof, Boxes(proof, Grid(system))).run()
    assert int(proof.open.sum()) == component.size


def test_of_more_than_a_thousand_cells_the_audit_finds_the_one_that_lacks_something_and_hardly_asks_a_solver() -> None:
    system, values = _cube(size=11)
    reach = (values + 2.0).astype(np.float64)
    lacking = system.keys.index(KNOWN_CELL)
    reach[lacking] = float(values[system.keys.index(("1", "2", "T"))] + 1)
    needs = Needs(reach, np.full(len(values), np.inf), np.zeros(len(values)))
    outcome = audit(_inside_withheld(system, values), needs, hints=[values.astype(np.float64)])
    assert [(finding.cell, finding.reason) for finding in outcome.findings] == [(lacking, Reason.REACH)]
    assert outcome.cells == 11**3
    assert outcome.programmes < 20


@pytest.mark.parametrize(
    ("change", "is_table"),
    [
        pytest.param({}, True, id="the anchor itself"),
        pytest.param({**UP, "112": -1, "121": -1, "211": -1, "222": -1}, True, id="an exchange of eight cells"),
        pytest.param(UP, False, id="half of one"),
        pytest.param({"111": 1}, False, id="one cell"),
    ],
)
def test_a_table_of_the_part_is_a_table_of_the_whole_and_no_other_is(
    whole: tuple[Component, Proof, System], change: dict[str, int], is_table: bool
) -> None:
    component, proof, system = whole
    place = {"".join(system.keys[cell]): number for number, cell in enumerate(component.cells.tolist())}
    vicinity = Vicinity(component, proof.anchor)
    steps = vicinity.steps(place["111"], (1, *NEAR))
    cells = np.sort(steps[-1])
    assert all(set(near.tolist()) <= set(far.tolist()) for near, far in pairwise(steps))
    assert {place[name] for name in change} <= set(cells.tolist())
    table = proof.anchor.copy()
    for name, amount in change.items():
        table[place[name]] += amount
    assert vicinity.part(cells).holds(table[cells]) == component.holds(table) == is_table


@pytest.mark.parametrize(
    ("among", "movable"),
    [
        pytest.param(BOX, BOX, id="an exchange of eight cells"),
        pytest.param([*BOX, "333"], BOX, id="and a cell that nothing balances"),
        pytest.param([*BOX, "113", "133"], BOX, id="and a chain of two that ends alone"),
        pytest.param(BOX[1:], [], id="an exchange that lacks a corner"),
    ],
)
def test_where_all_other_cells_stay_only_those_can_move_that_no_sum_holds_alone(
    whole: tuple[Component, Proof, System], among: list[str], movable: list[str]
) -> None:
    component, proof, system = whole
    place = {"".join(system.keys[cell]): number for number, cell in enumerate(component.cells.tolist())}
    tied = Vicinity(component, proof.anchor).tied(np.array(sorted(place[name] for name in among)))
    assert tied.tolist() == sorted(place[name] for name in movable)


def test_among_whole_numbers_a_search_near_the_cell_decides_as_a_search_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    system, values = _cube(figures_of=range(3), seed=FRACTIONS)
    inside = np.array(["T" not in key for key in system.keys], dtype=np.bool_)
    withheld = inside & (np.random.default_rng(FRACTIONS).random(len(values)) < 0.45)
    view = replace(_inside_withheld(system, values), known=~withheld, figures=np.where(withheld, 0, values))
    asked = Needs(np.full(len(values), -np.inf), np.full(len(values), np.inf), np.where(withheld, 2.0, 0.0))

    def exposed(near: tuple[int, ...], size_max: int) -> tuple[list[int], int]:
        monkeypatch.setattr(alone, "WHOLE_NEAR", near)
        monkeypatch.setattr(alone, "WHOLE_MAX", size_max)
        found = audit(view, asked).findings
        return [one.cell for one in found], sum(one.reason is Reason.UNFINISHED for one in found)

    in_all = exposed((), len(values))
    assert exposed(WHOLE_NEAR, 0) == in_all
    assert exposed((), 0) != in_all


def test_in_a_large_component_cells_pushed_each_by_itself_are_judged_as_those_pushed_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of half of a cube, against the outsider and two who know some of it; each cell that lacks something is found."""
    system, values = _cube(size=8)
    draw = np.random.default_rng(FRACTIONS)
    inside = np.array(["T" not in key for key in system.keys], dtype=np.bool_)
    withheld = inside & (draw.random(len(values)) < 0.5)
    view = replace(
        _inside_withheld(system, values), known=~withheld, figures=np.where(withheld, 0, values), whole=False
    )
    size = max(component.size for component in components(view))
    far = np.where(withheld, draw.integers(1, 60, len(values)), 0).astype(np.float64)
    needs = Needs(values + far, np.full(len(values), np.inf), far)
    cells = np.flatnonzero(withheld)
    insiders = informed([Insider("a", tuple(cells[::10].tolist())), Insider("b", tuple(cells[5::10].tolist()))], values)

    def exposed(large: int) -> list[tuple[int, Reason, int | None]]:
        monkeypatch.setattr(examination, "LARGE", large)
        found = audit(view, needs, insiders=insiders, hints=[values.astype(np.float64)]).findings
        return [(one.cell, one.reason, one.attacker) for one in found]

    singly = exposed(size - 1)
    assert 0 < len(singly) < len(cells)
    assert singly == exposed(size)
