"""Table instances and publications: read strictly, refused with the place and the mend, written canonically."""

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure.tabular import (
    AttackerModel,
    Instance,
    Publication,
    format_publication,
    insiders_of,
    parse_instance,
    parse_publication,
    problem_of,
)
from exchange.disclosure.tabular.blind import determined_cells, parse_pattern
from exchange.disclosure.tabular.coarsening import options_of, without_dimension, without_level
from exchange.errors import ExitCode
from exchange.errors.tabular import (
    CellMissingError,
    CellTwiceError,
    HierarchyCycleError,
    InstanceFieldError,
    InstanceNotAdditiveError,
    PublicationContradictsError,
    TableFieldError,
    TabularError,
    UnknownCellCodeError,
)
from tests.shared import shared

DIMS = {"r": {"total": "T", "children": {"T": ["a", "b"]}}, "c": {"total": "T", "children": {"T": ["1", "2"]}}}
ROWS = ["T,T,10", "T,1,6", "T,2,4", "a,T,7", "a,1,5", "a,2,2", "b,T,3", "b,1,1", "b,2,2"]


def structure(**members: object) -> bytes:
    return json.dumps({"name": "t", "integer": True, "dims": DIMS, **members}).encode()


def cells(rows: list[str] = ROWS, header: str = "r,c,value", newline: str = "\n") -> bytes:
    return newline.join([header, *rows, ""]).encode()


def read(rows: list[str] = ROWS, header: str = "r,c,value", **members: object) -> Instance:
    return parse_instance(structure(**members), cells(rows, header))


def of_shared(name: str) -> Instance:
    folder = shared(f"sdc/{name}")
    return parse_instance((folder / "instance.json").read_bytes(), (folder / "cells.csv").read_bytes())


@pytest.mark.parametrize(
    ("name", "size", "primary", "sums"),
    [
        pytest.param("rt_act_size", 414, 77, 228, id="INSEE, activity by size: as its study counts"),
        pytest.param("rt_nuts_cj", 452, 65, 210, id="INSEE, region by legal form"),
        pytest.param("ssb_z3", 1200, 333, 960, id="Statistics Norway, counts in three dimensions"),
        pytest.param("syn2d_1k", 1155, 282, 422, id="the seeded one"),
        pytest.param("t1", 16, 1, 8, id="three by three, with CRLF"),
    ],
)
def test_the_peers_instances_are_read_and_are_additive(name: str, size: int, primary: int, sums: int) -> None:
    instance = of_shared(name)
    assert (instance.size, int(instance.cells.primary.sum()), len(instance.sums)) == (size, primary, sums)


def test_tau_argus_s_sample_is_refused_naming_the_sums_that_do_not_hold() -> None:
    with pytest.raises(InstanceNotAdditiveError) as refused:
        of_shared("tau_pp")
    sentence = refused.value.sentence()
    assert "(Total, Os) by Size; (Total, 4) by Size" in sentence
    assert "rows with a code of no hierarchy: 9" in sentence
    assert refused.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("rows", "header", "error", "words"),
    [
        pytest.param([*ROWS[:8], "b,2,3"], "r,c,value", InstanceNotAdditiveError, "2 not", id="sums that do not hold"),
        pytest.param([*ROWS, "z,1,0"], "r,c,value", UnknownCellCodeError, "line 11, column r", id="an unknown code"),
        pytest.param([*ROWS, "b,2,2"], "r,c,value", CellTwiceError, "after line 10", id="a cell twice"),
        pytest.param(ROWS[1:], "r,c,value", CellMissingError, "(T, T)", id="a missing total"),
        pytest.param(["T,T,3"], "r,c,value", CellMissingError, "(a, T)", id="a whole without a part"),
        pytest.param([], "r,c,value", TableFieldError, "a row a cell", id="no row at all"),
        pytest.param(ROWS, "\ufeffr,c,value", TableFieldError, "byte order mark", id="a byte order mark"),
        pytest.param([*ROWS[:8], "b,2,-2"], "r,c,value", TableFieldError, "line 10, column value", id="negative"),
        pytest.param([*ROWS[:8], "b,2,x"], "r,c,value", TableFieldError, "no number", id="a text for a number"),
        pytest.param([*ROWS[:8], "b,2,nan"], "r,c,value", TableFieldError, "no number", id="not a number"),
        pytest.param([*ROWS[:8], "b,2,"], "r,c,value", TableFieldError, "found nothing", id="an empty figure"),
        pytest.param([*ROWS[:8], "b,2,2.5"], "r,c,value", TableFieldError, "whole number", id="a fraction of a count"),
        pytest.param([*ROWS[:8], "b,2"], "r,c,value", TableFieldError, "2 fields", id="a short row"),
        pytest.param(ROWS, "r,c,valeu", TableFieldError, "column value", id="no column of figures"),
        pytest.param(ROWS, "r,r,value", TableFieldError, "column c", id="a dimension without a column"),
        pytest.param([f"{row},1" for row in ROWS], "r,c,value,note", TableFieldError, "note", id="an unknown column"),
        pytest.param([f"{row},k" for row in ROWS], "r,c,value,upl", TableFieldError, "upl", id="a level that is none"),
        pytest.param([f"{row},2" for row in ROWS], "r,c,value,primary", TableFieldError, "0 or 1", id="a strange mark"),
        pytest.param([f"{row},3" for row in ROWS], "r,c,value,ub", TableFieldError, "column ub", id="beyond its bound"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_place(
    rows: list[str], header: str, error: type[TabularError], words: str
) -> None:
    with pytest.raises(error) as refused:
        read(rows, header)
    assert words in refused.value.sentence()
    assert refused.value.mend()
    assert refused.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("members", "error", "words"),
    [
        pytest.param({"note": 1}, InstanceFieldError, "note", id="an unknown member"),
        pytest.param({"integer": 1}, InstanceFieldError, "integer", id="a number for true"),
        pytest.param({"dims": {}}, InstanceFieldError, "dims", id="no dimension"),
        pytest.param({"tables": [["q"]]}, InstanceFieldError, "tables[0]", id="a table of no dimension"),
        pytest.param({"equations": [[["+", 99]]]}, InstanceFieldError, "equations[0]", id="an equation of no row"),
        pytest.param({"equations": [[[0, 1]]]}, InstanceFieldError, "equations[0]", id="a coefficient of nothing"),
        pytest.param(
            {"dims": {**DIMS, "r": {"total": "T", "children": {"T": ["a"], "a": ["b"], "b": ["a"]}}}},
            HierarchyCycleError,
            "dims.r",
            id="a code below itself",
        ),
        pytest.param(
            {"dims": {**DIMS, "r": {"total": "T", "children": {"T": ["a", "a"]}}}},
            InstanceFieldError,
            "a twice",
            id="a child twice",
        ),
        pytest.param(
            {"dims": {**DIMS, "r": {"total": "T", "children": {"T": ["a", "b"], "z": ["y"]}}}},
            InstanceFieldError,
            "dims.r.children.z",
            id="a branch that hangs below nothing",
        ),
        pytest.param({"tables": [["r"], ["c"]]}, TableFieldError, "one of the tables", id="a cell of no table"),
    ],
)
def test_a_structure_that_is_wrong_is_refused_with_its_place(
    members: dict[str, object], error: type[TabularError], words: str
) -> None:
    with pytest.raises(error) as refused:
        read(**members)
    assert words in refused.value.sentence()


def test_no_refusal_repeats_a_figure() -> None:
    rows = ["T,T,7919", "a,T,7907", "b,T,5"]
    for wrong in (rows, [*rows[:2], "b,T,12x7901"], [*rows[:2], "b,T,-7901"]):
        with pytest.raises(TabularError) as refused:
            read(wrong)
        assert "79" not in refused.value.sentence()


def test_an_empty_combination_may_be_left_out_with_its_margins() -> None:
    instance = read(["T,T,7", "T,1,5", "T,2,2", "a,T,7", "a,1,5", "a,2,2"])
    assert instance.size == 6
    assert [entry.whole for entry in instance.sums] == [0, 0, 1, 2, 3]


def test_a_further_equation_is_checked_and_counts_rows_from_0() -> None:
    holds = [["+", 4], ["-", 5], [-3, 7]]  # 5 − 2 − 3 × 1
    assert len(problem_of(read(equations=[holds]), attackers=AttackerModel.OUTSIDER, floor=False).system.exact) == 7
    with pytest.raises(InstanceNotAdditiveError, match=r"equations\[0\]"):
        read(equations=[[["+", 4], ["-", 5]]])


def test_a_dimension_left_out_of_a_table_stands_at_its_total() -> None:
    instance = read([row for row in ROWS if "T" in row], tables=[["r"], ["c"]])
    assert [entry.parts for entry in instance.sums] == [(3, 4), (1, 2)]


def test_levels_become_needs_and_the_floor_is_one_unit_or_a_hundredth() -> None:
    header = "r,c,value,primary,lpl,upl,spl"
    rows = [f"{row},0,0,0,0" for row in ROWS[:8]] + ["b,2,2,1,0.5,1.5,0"]
    problem = problem_of(read(rows, header), attackers=AttackerModel.OUTSIDER, floor=True)
    assert (problem.needs.reach[8], problem.needs.fall[8], problem.needs.width[8]) == (3.5, 1.5, 1.0)
    assert (problem.needs.reach[0], problem.needs.fall[0], problem.needs.width[0]) == (-np.inf, np.inf, 1.0)
    bare = problem_of(read(rows, header), attackers=AttackerModel.OUTSIDER, floor=False)
    assert bare.needs.width.max() == 0
    magnitudes = read(["T,T,500.5", "a,T,500", "b,T,0.5"], integer=False, tables=[["r"]])
    problem = problem_of(magnitudes, attackers=AttackerModel.OUTSIDER, floor=True)
    assert problem.values.tolist() == [5005, 5000, 5]
    assert problem.needs.width.tolist() == pytest.approx([50.05, 50.0, 1.0])


def test_every_withheld_cell_keeps_the_floor_and_primary_cells_keep_it_against_insiders_as_well() -> None:
    rows = [f"{row},0,0" for row in ROWS[:8]] + ["b,2,2,1,1"]
    problem = problem_of(read(rows, "r,c,value,primary,upl"), attackers=AttackerModel.INSIDERS, floor=True)
    assert problem.needs.width.tolist() == [1.0] * 9
    assert problem.guarded is not None
    assert problem.guarded.tolist() == [False] * 8 + [True]


def test_a_sole_contributor_of_a_cell_and_of_its_margin_is_one_attacker() -> None:
    header = "r,c,value,freq,top1"
    freq = ["9,4", "6,3", "3,2", "8,4", "5,3", "3,2", "1,3", "1,1", "1,2"]
    found = insiders_of(read([f"{row},{extra}" for row, extra in zip(ROWS, freq, strict=True)], header))
    assert (6, 7, 8) in [insider.known for insider in found]


def test_the_largest_contributor_of_a_margin_is_that_of_the_one_part_where_the_amount_stands() -> None:
    header = "r,c,value,freq,top1"
    extra = ["9,4", "6,4", "3,2", "5,4", "3,4", "2,1", "4,1", "2,1", "2,1"]
    found = insiders_of(read([f"{row},{one}" for row, one in zip(ROWS, extra, strict=True)], header))
    assert [cell for cell, _ in found[0].least] == [0, 1, 3, 4]
    assert found[0].known == ()


def test_all_cells_of_one_holder_are_one_attacker_s() -> None:
    holders = ["", "", "", "", "h", "", "", "", "h"]
    found = insiders_of(read([f"{row},{one}" for row, one in zip(ROWS, holders, strict=True)], "r,c,value,holder"))
    assert [(insider.name, insider.known) for insider in found] == [("h", (4, 8))]


@settings(max_examples=50)
@given(
    figures=st.lists(st.integers(0, 10**9), min_size=4, max_size=4),
    places=st.integers(0, 4),
    hidden=st.sets(st.integers(0, 8)),
    newline=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from(["", "x"]),
)
def test_what_is_written_of_a_publication_is_read_again(
    figures: list[int], places: int, hidden: set[int], newline: str, mark: str
) -> None:
    a, b, c, d = figures
    values = [a + b + c + d, a + c, b + d, a + b, a, b, c + d, c, d]
    texts = [str(Decimal(value).scaleb(-places)) for value in values]
    keys = [",".join(row.split(",")[:2]) for row in ROWS]
    rows = [f"{key},{text}" for key, text in zip(keys, texts, strict=True)]
    instance = read(rows, integer=False)
    published = [mark if place in hidden else text for place, text in enumerate(texts)]
    foreign = cells([f"{key},{text}" for key, text in zip(keys, published, strict=True)], "r,c,published", newline)
    publication = parse_publication(foreign, instance, file="p.csv")
    assert set(np.flatnonzero(~publication.known).tolist()) == hidden
    written = format_publication(instance, publication)
    again = parse_publication(written, instance, file="p.csv")
    assert b"\r" not in written
    assert b"x" not in written
    assert format_publication(instance, again) == written
    assert again.figures.tolist() == publication.figures.tolist()


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        pytest.param([*ROWS[:8], "b,2,3"], PublicationContradictsError, id="a figure that is another"),
        pytest.param(ROWS[:8], CellMissingError, id="a cell without a row"),
        pytest.param([*ROWS[:8], "b,2,?"], TableFieldError, id="a figure that is no number"),
        pytest.param([*ROWS, "b,2,"], CellTwiceError, id="a cell twice"),
        pytest.param([*ROWS[:8], "b,9,2"], UnknownCellCodeError, id="an unknown code"),
    ],
)
def test_a_publication_of_another_table_is_refused(rows: list[str], error: type[TabularError]) -> None:
    with pytest.raises(error):
        parse_publication(cells(rows, "r,c,published"), read(), file="p.csv")


def test_the_shortest_decimal_is_written() -> None:
    instance = read(["T,T,10.50", "a,T,10.0", "b,T,0.5"], integer=False, tables=[["r"]])
    written = format_publication(instance, Publication(np.ones(3, dtype=np.bool_), instance.cells.values))
    assert written == b"r,c,published\nT,T,10.5\na,T,10\nb,T,0.5\n"


def test_the_value_blind_audit_needs_no_figure() -> None:
    folder = shared("sdc/t1")
    raw = (folder / "instance.json").read_bytes()
    one = parse_pattern(raw, (folder / "pub1.csv").read_bytes().replace(b"190", b"secret"), file="pub1.csv")
    two = parse_pattern(raw, (folder / "pub2.csv").read_bytes(), file="pub2.csv")
    alone = parse_pattern(raw, (folder / "pub0.csv").read_bytes(), file="pub0.csv")
    assert determined_cells(one) == determined_cells(two) == []
    assert determined_cells(alone) == [("b", "3")]
    assert determined_cells(one.pooled([two])) == [("b", "1"), ("b", "3")]


def test_a_coarser_instance_keeps_rows_and_their_primary_marks() -> None:
    instance = of_shared("ssb_z3")
    coarser = without_dimension(instance, 1)
    assert {key[1] for key in coarser.cells.keys} == {"Total"}
    assert coarser.size == 1200 // 5
    higher = without_level(instance, 0)
    assert {key[0] for key in higher.cells.keys} == {"Total", "f11", "f12", "f14"}
    marks = dict(zip(instance.cells.keys, instance.cells.primary.tolist(), strict=True))
    assert all(marks[key] == mark for key, mark in zip(higher.cells.keys, higher.cells.primary.tolist(), strict=True))
    _, options = options_of(instance, attackers=AttackerModel.OUTSIDER, floor=True)
    assert [(option.coarsening.value, option.subject) for option in options] == [
        ("dimension", "region"),
        ("level", "region"),
        ("dimension", "hovedint"),
        ("dimension", "mnd"),
        ("level", "mnd"),
    ]
