"""A contract with several measures: each row of the register is counted in the tables of its own measure only."""

from pathlib import Path

import pytest

from exchange.errors.preparation import BadRowsError, MappingCodeError
from tests.unit.nodes.preparation_tools import Bench
from tests.world.contracts import contract

CA07 = contract("CA-07-EXPULSIONS-BANS")
MAP = """v = 1
contract = "CA-07-EXPULSIONS-BANS"
[period]
column = "quarter"
format = "quarter"
[dimensions]
MEASURE = { column = "measure" }
CITIZENSHIP = { column = "citizenship" }
RETURN_TYPE = { column = "type" }
BAN_LENGTH = { column = "ban" }
SEX = { column = "sex" }
AGE = { column = "age" }
[contributors]
person = { column = "person" }
"""
HEADER = "quarter,measure,citizenship,type,ban,sex,age,person\n"
# Two leave, one of them by court; one is ordered to leave; three bans of two persons, one of them twice.
ROWS = """2026-Q3,LEFT,AF,EXP_COURT,,M,Y18T34,p1
2026-Q3,LEFT,AF,AVRR,,F,Y_LT14,p2
2026-Q3,ORDERED,KG,,,M,Y18T34,p3
2026-Q3,BAN_NEW,KG,,Y5,M,Y18T34,p3
2026-Q3,BAN_NEW,KG,,PERM,M,Y18T34,p3
2026-Q3,BAN_NEW,UZ,,Y5,F,Y35T64,p4
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_each_measure_is_counted_in_its_own_tables_alone(bench: Bench) -> None:
    table, census = bench.aggregate(bench.file("r.csv", HEADER + ROWS), MAP, CA07, "2026-Q3")
    assert (census.rows, census.bad) == (6, 0)
    found = {key: (cell.value, cell.contributors[0]) for key, cell in table.cells.items()}
    # MEASURE, CITIZENSHIP, RETURN_TYPE, BAN_LENGTH, SEX, AGE; counted by hand.
    assert found["LEFT", "AF", "FORCED", "_T", "M", "_T"] == (1, 1)
    assert found["LEFT", "AF", "VOL", "_T", "_T", "Y_LT18"] == (1, 1)
    assert found["LEFT", "_T", "_T", "_T", "_T", "_T"] == (2, 2)
    assert found["ORDERED", "KG", "_T", "_T", "M", "_T"] == (1, 1)
    assert found["BAN_NEW", "KG", "_T", "_T", "_T", "_T"] == (2, 1)  # one person, two bans
    assert found["BAN_NEW", "_T", "_T", "Y5", "_T", "_T"] == (2, 2)
    assert found["BAN_NEW", "_T", "_T", "_T", "_T", "_T"] == (3, 2)
    assert {key[0] for key in found} == {"LEFT", "ORDERED", "BAN_NEW"}
    assert not [key for key in found if key[0] != "LEFT" and key[2] != "_T"]  # nobody is banned by type of return
    assert not [key for key in found if key[0] != "BAN_NEW" and key[3] != "_T"]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("2026-Q3,LEFT,AF,,,M,Y18T34,p1", "type"),
        ("2026-Q3,BAN_NEW,AF,,,M,Y18T34,p1", "ban"),
        ("2026-Q3,ORDERED,AF,,,,Y18T34,p1", "sex"),
        ("2026-Q3,LIFTED,AF,EXP_COURT,Y5,M,Y18T34,p1", "measure"),
    ],
)
def test_a_row_lacks_what_a_table_of_its_own_measure_asks_for(bench: Bench, row: str, column: str) -> None:
    with pytest.raises(BadRowsError) as refused:
        bench.aggregate(bench.file("r.csv", f"{HEADER}{ROWS}{row}\n"), MAP, CA07, "2026-Q3")
    assert refused.value.facts["rows"] == 1
    assert [(cell.line, cell.column) for cell in bench.bad] == [(8, column)]


def test_a_measure_that_no_table_has_is_refused_in_the_mapping(bench: Bench) -> None:
    constant = MAP.replace('MEASURE = { column = "measure" }', 'MEASURE = { constant = "LIFTED" }')
    with pytest.raises(MappingCodeError, match="code LIFTED fits no table"):
        bench.aggregate(bench.file("r.csv", HEADER + ROWS), constant, CA07, "2026-Q3")


def test_a_register_of_one_measure_fills_its_tables_alone(bench: Bench) -> None:
    constant = MAP.replace('MEASURE = { column = "measure" }', 'MEASURE = { constant = "LEFT" }')
    constant = constant.replace('RETURN_TYPE = { column = "type" }', 'RETURN_TYPE = { constant = "AVRR" }')
    table, _ = bench.aggregate(bench.file("r.csv", HEADER + ROWS.splitlines()[1] + "\n"), constant, CA07, "2026-Q3")
    assert {key[0] for key in table.cells} == {"LEFT"}
    assert table.cells["LEFT", "AF", "VOL", "_T", "F", "_T"].value == 1
