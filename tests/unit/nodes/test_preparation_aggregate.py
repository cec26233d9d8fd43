"""Aggregation: values, margins, distinct contributors and the two largest, against counting by hand and one by one."""

from collections import Counter, defaultdict
from itertools import product
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.codes import parse_period
from exchange.contract.model import TOTAL
from exchange.errors.contract import PeriodError
from exchange.errors.preparation import NotAProviderError, RegisterChangedError
from exchange.table import AggregateCell, CellKey
from nodes.demo.registers import make_registers
from nodes.preparation.aggregate import Aggregation
from nodes.preparation.coding import bind
from nodes.preparation.register import database, open_register
from nodes.settings import PreparationSettings
from tests.shared import shared
from tests.unit.nodes import preparation_contracts as contracts
from tests.unit.nodes.preparation_tools import BORDER_MAP, PERMITS_MAP, RETURNS_MAP, Bench, mapping
from tests.world.contracts import contract

BORDER_HEADER = "month,direction,citizenship,region,sex,traveller\n"
PERMITS_HEADER = "day,region,activity,worker,employer,type\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_shuttle_trader_is_one_traveller_of_many_crossings(bench: Bench) -> None:
    # t1 crosses in, out, in; t2 comes in once through another oblast.
    rows = [
        "2026-09,IN,KZ,KZ-75,м,t1",
        "2026-09,OUT,KZ,KZ-75,м,t1",
        "2026-09,IN,KZ,KZ-19,м,t1",
        "2026-09,IN,NO,KZ-19,ж,t2",
        "2026-08,IN,NO,KZ-19,ж,t3",
    ]
    file = bench.file("r.csv", BORDER_HEADER + "\n".join(rows) + "\n")
    table, census = bench.aggregate(file, BORDER_MAP, contracts.border(), "2026-09")
    assert (census.rows, census.in_period) == (5, 4)
    found = {key: (cell.value, cell.contributors) for key, cell in table.cells.items()}
    assert found == {
        ("IN", "KZ", "_T", "_T"): (2, (1,)),
        ("IN", "NO", "_T", "_T"): (1, (1,)),
        ("IN", "_T", "_T", "_T"): (3, (2,)),
        ("OUT", "KZ", "_T", "_T"): (1, (1,)),
        ("OUT", "_T", "_T", "_T"): (1, (1,)),
        ("IN", "_T", "KZ-75", "M"): (1, (1,)),
        ("IN", "_T", "KZ-19", "M"): (1, (1,)),
        ("IN", "_T", "KZ-19", "F"): (1, (1,)),
        ("IN", "_T", "KZ-75", "_T"): (1, (1,)),
        ("IN", "_T", "KZ-19", "_T"): (2, (2,)),
        ("IN", "_T", "_T", "M"): (2, (1,)),
        ("IN", "_T", "_T", "F"): (1, (1,)),
        ("OUT", "_T", "KZ-75", "M"): (1, (1,)),
        ("OUT", "_T", "KZ-75", "_T"): (1, (1,)),
        ("OUT", "_T", "_T", "M"): (1, (1,)),
    }


def test_the_two_largest_employers_are_found_in_every_margin(bench: Bench) -> None:
    # Agriculture in Almaty: e1 three permits, e2 one, and two patents that are employers of their own.
    permits = ["KZ-75,A,w1,e1,QUOTA", "KZ-75,A,w2,e1,QUOTA", "KZ-75,A,w3,e1,QUOTA", "KZ-75,A,w3,e2,QUOTA",
               "KZ-75,A,w4,,PATENT", "KZ-75,A,w5,,SELF", "KZ-71,B,w1,e2,QUOTA", "KZ-71,B,w1,e2,QUOTA"]  # fmt: skip
    file = bench.file("r.csv", PERMITS_HEADER + "".join(f"2026-09-01,{row}\n" for row in permits))
    table, _ = bench.aggregate(file, PERMITS_MAP, contracts.permits(), "2026-09")
    assert table.cells["KZ-75", "AGR"] == AggregateCell(value=6, contributors=(5, 4), largest=(3, 1))
    assert table.cells["KZ-71", "IND"] == AggregateCell(value=2, contributors=(1, 1), largest=(2, 0))
    assert table.cells["_T", "_T"] == AggregateCell(value=8, contributors=(5, 4), largest=(3, 3))


def test_employers_of_one_owner_are_one_contributor(bench: Bench) -> None:
    # e1 and e2 belong to h; e3 to nobody; the owner h employs under its own name too.
    rows = ["KZ-75,A,w1,e1,QUOTA,h", "KZ-75,A,w2,e2,QUOTA,h", "KZ-75,A,w3,e3,QUOTA,", "KZ-75,A,w4,h,QUOTA,",
            "KZ-71,B,w5,e2,QUOTA,h", "KZ-71,A,w6,,PATENT,h"]  # fmt: skip
    text = PERMITS_MAP.replace('column = "employer"', 'column = "employer", holding = "owner"')
    header = PERMITS_HEADER.replace("type", "type,owner")
    file = bench.file("r.csv", header + "".join(f"2026-09-01,{row}\n" for row in rows))
    cells = bench.aggregate(file, text, contracts.permits(), "2026-09")[0].cells
    assert cells["KZ-75", "AGR"] == AggregateCell(value=4, contributors=(4, 2), largest=(3, 1))
    # The patent without an employer has nobody whom h could own.
    assert cells["_T", "_T"] == AggregateCell(value=6, contributors=(6, 3), largest=(4, 1))
    assert cells["KZ-71", "IND"].sole[1] == cells["KZ-75", "AGR"].largest_by == cells["_T", "_T"].largest_by


def test_a_row_of_no_contributor_is_known_again_in_every_cell_that_it_alone_makes(bench: Bench) -> None:
    file = bench.file("r.csv", "quarter,nationality,type,sex\n2026-Q3,Namibia,court,M\n2026-Q3,Afghanistan,court,F\n")
    cells = bench.aggregate(file, RETURNS_MAP, contracts.returns(), "2026-Q3")[0].cells
    who = {cells["LEFT", "NA", kind, sex].sole for kind in ("FORCED", "_T") for sex in ("M", "_T")}
    assert len(who) == 1
    assert who.isdisjoint({cells["LEFT", "AF", "FORCED", "F"].sole, (None,)})
    assert cells["LEFT", "_T", "_T", "_T"].sole == (None,)


def test_what_a_level_does_not_cover_goes_to_its_residual(bench: Bench) -> None:
    file = bench.file("r.csv", PERMITS_HEADER + "2026-09-01,KZ-75,G,w1,e1,QUOTA\n2026-09-01,KZ-75,F,w1,e1,QUOTA\n")
    table, _ = bench.aggregate(file, PERMITS_MAP, contracts.permits(), "2026-09")
    assert {key for key in table.cells if key[0] == "KZ-75"} == {("KZ-75", "_U"), ("KZ-75", "CON"), ("KZ-75", "_T")}


def test_a_row_can_stand_for_many_records(bench: Bench) -> None:
    text = RETURNS_MAP.replace("v = 1", 'v = 1\nrecords = "n"')
    rows = "2026-Q3,Namibia,court,M,3\n2026-Q3,Namibia,enforced,M,2\n2026-Q3,Namibia,assisted,F,1\n"
    file = bench.file("r.csv", "quarter,nationality,type,sex,n\n" + rows)
    table, _ = bench.aggregate(file, text, contracts.returns(), "2026-Q3")
    assert table.cells["LEFT", "NA", "FORCED", "M"] == AggregateCell(value=5, contributors=(5,))
    assert table.cells["LEFT", "_T", "_T", "_T"] == AggregateCell(value=6, contributors=(6,))


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["KZ-75", "KZ-71"]),
        st.sampled_from(["A", "B", "C", "F", "G", "_U"]),
        st.sampled_from(["w1", "w2", "w3"]),
        st.sampled_from(["e1", "e2", "e3", ""]),
    ),
    min_size=1,
    max_size=25,
)
BROAD = {"A": "AGR", "B": "IND", "C": "IND", "F": "CON", "G": "_U", "_U": "_U"}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_aggregation_agrees_with_counting_every_cell_alone(bench: Bench, rows: list[tuple[str, ...]]) -> None:
    file = bench.file("r.csv", PERMITS_HEADER + "".join(f"2026-09-01,{','.join(row)},PATENT\n" for row in rows))
    table, _ = bench.aggregate(file, PERMITS_MAP, contracts.permits(), "2026-09")
    members: dict[CellKey, list[tuple[str, str]]] = defaultdict(list)
    for number, (region, activity, worker, employer) in enumerate(rows):
        for key in product((region, TOTAL), (BROAD[activity], TOTAL)):
            members[key].append((worker, employer or f"own {number}"))
    expected = {}
    for key, found in members.items():
        by_employer = Counter(employer for _, employer in found)
        first, second = [*sorted(by_employer.values(), reverse=True), 0][:2]
        workers = len({worker for worker, _ in found})
        expected[key] = AggregateCell(
            value=len(found), contributors=(workers, len(by_employer)), largest=(first, second)
        )
    assert table.cells == expected
    for unit in (0, 1):
        alone = {key: {pair[unit] for pair in found} for key, found in members.items()}
        numbers = {key: cell.sole[unit] for key, cell in table.cells.items()}
        assert {key for key, number in numbers.items() if number is not None} == {
            key for key, names in alone.items() if len(names) == 1
        }
        pairs = {(numbers[key], *names) for key, names in alone.items() if len(names) == 1}
        # One number for each name, and one name for each number.
        assert len(pairs) == len({number for number, _ in pairs}) == len({name for _, name in pairs})


def test_gb_register_gives_the_published_totals(bench: Bench) -> None:
    source = shared("data/uk-returns/returns_2004_2018.parquet")
    (register,) = make_registers("GB", bench.folder, uk_returns=source)
    text = register.mapping.read_text(encoding="utf-8")
    table, census = bench.aggregate(
        register.file, text, contract("CA-07-EXPULSIONS-BANS", "2.0.0"), "2018-Q4", provider="GB"
    )
    assert (census.rows, census.bad) == (910_730, 0)
    published = duckdb.sql(
        f"SELECT return_type_group, sum(number_of_returns)::INT FROM '{source}' WHERE year = 2018 AND quarter = 4 "
        "GROUP BY 1"
    ).fetchall()
    by_type = dict(published)
    assert table.cells["LEFT", "_T", "FORCED", "_T", "_T"].value == by_type["Enforced return"]
    assert table.cells["LEFT", "_T", "VOL", "_T", "_T"].value == by_type["Voluntary return"]
    children = duckdb.sql(
        f"SELECT sum(number_of_returns)::INT FROM '{source}' WHERE date = '2018-12-31' AND nationality = 'Albania' "
        "AND return_type_group <> 'Refused entry at port and subsequently departed' AND age = '17 and under'"
    ).fetchall()
    assert [(table.cells["LEFT", "AL", "_T", "_T", "Y_LT18"].value,)] == children


def test_a_member_that_is_no_provider_builds_nothing(bench: Bench) -> None:
    file = bench.file("r.csv", BORDER_HEADER)
    with pytest.raises(NotAProviderError):
        bench.aggregate(file, BORDER_MAP, contracts.border(), "2026-09", provider="IOM")


def test_a_period_of_another_frequency_builds_nothing(bench: Bench) -> None:
    file = bench.file("r.csv", BORDER_HEADER)
    with pytest.raises(PeriodError):
        bench.aggregate(file, BORDER_MAP, contracts.border(), "2026-Q3")


def test_a_register_that_changes_while_it_is_read_is_refused(bench: Bench) -> None:
    row = "2026-09,IN,KZ,KZ-75,м,t1\n"
    file = bench.file("r.csv", BORDER_HEADER + row)
    mapped, agreed = mapping(BORDER_MAP), contracts.border()
    with database(file, bench.settings, work=bench.folder / "work") as connection:
        register = open_register(connection, file, mapped)
        coding = bind(mapped, agreed, provider="KZ", period="2026-09")
        step = Aggregation.of(connection, register, coding, parse_period("2026-09"))
        census = step.census()
        assert census is not None
        file.write_text(BORDER_HEADER + row + row, encoding="utf-8")
        with pytest.raises(RegisterChangedError):
            step.aggregate(census, progress=lambda _stage, _share: None)


def test_the_database_reaches_one_file_and_nothing_else(bench: Bench) -> None:
    allowed, other = bench.file("a.csv", "x\n1\n"), bench.file("b.csv", "x\n2\n")
    with database(allowed, PreparationSettings(memory_mb=128), work=bench.folder / "work") as connection:
        assert connection.execute(f"SELECT * FROM read_csv('{allowed}')").fetchall() == [(1,)]
        for statement in (
            f"SELECT * FROM read_csv('{other}')",
            f"COPY (SELECT 1) TO '{allowed.with_name('out.csv')}'",
            "SELECT * FROM read_csv('https://example.org/x.csv')",
            "INSTALL httpfs",
            "LOAD httpfs",
            f"ATTACH '{allowed.with_name('x.db')}'",
            "SET enable_external_access = true",
            "SET threads = 64",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)


def test_spilled_micro_data_are_removed_also_after_a_kill(bench: Bench) -> None:
    work = bench.folder / "work"
    (work / "spill-4194305").mkdir(parents=True)  # beyond the largest process number: nobody's
    with database(bench.file("a.csv", "x\n"), PreparationSettings(), work=work):
        assert not (work / "spill-4194305").exists()
        (spill,) = work.iterdir()
        assert spill.stat().st_mode & 0o077 == 0
    assert list(work.iterdir()) == []
