"""A real register through the whole of disclosure control, audited again by code that shares nothing with it."""

from collections import Counter
from itertools import product

import duckdb
import highspy
import numpy as np
import pytest

from exchange.bundle.floor import audit_floor
from exchange.contract.model import TOTAL, DataContract
from exchange.disclosure import Protected
from exchange.pattern import determined, equations
from exchange.table import AggregateCell, AggregateTable, CellKey
from tests.shared import shared
from tests.unit.core.sdc import contract_of, protected

T = TOTAL
FLOOR = 10


@pytest.fixture(scope="module")
def table() -> AggregateTable:
    """UK returns of 2018-Q4 without refusals at the port: citizenship × forced or voluntary × sex, and × age."""
    source = shared("data/uk-returns/returns_2004_2018.parquet")
    rows = duckdb.sql(f"""
        select nationality, if(return_type_group = 'Enforced return', 'FORCED', 'VOL'),
               case sex when 'Male' then 'M' when 'Female' then 'F' else '_U' end,
               case age when '17 and under' then 'Y_LT18' when 'Unknown' then '_U' else 'Y_GE18' end,
               sum(number_of_returns)::int
        from '{source}'
        where year = 2018 and quarter = 4 and return_type_group not like 'Refused%'
        group by all
    """).fetchall()
    counts: Counter[CellKey] = Counter()
    for nation, kind, sex, age, persons in rows:
        for who, how in product((nation, T), (kind, T)):
            for key in {(who, how, sex, T), (who, how, T, age), (who, how, T, T)}:
                counts[key] += persons
    cells = {key: AggregateCell(value=n, contributors=(n,)) for key, n in counts.items()}
    return AggregateTable(provider="KZ", contract_id="CT-01-TEST", period="2018-Q4", cells=cells)


@pytest.fixture(scope="module")
def contract(table: AggregateTable) -> DataContract:
    """The clauses of CA-07: at least ten persons, a floor of ten, returns of one kind a group disclosure."""
    nations = sorted({key[0] for key in table.cells} - {T})
    return contract_of(
        {"CITIZENSHIP": nations, "TYPE": ["FORCED", "VOL"], "SEX": ["M", "F", "_U"], "AGE": ["Y_LT18", "Y_GE18", "_U"]},
        [("CITIZENSHIP", "TYPE", "SEX"), ("CITIZENSHIP", "TYPE", "AGE")],
        minimum=10,
        floor=FLOOR,
        sensitive_dimensions=("TYPE",),
        group_disclosure_k=3,
    )


@pytest.fixture(scope="module")
def protection(contract: DataContract, table: AggregateTable) -> Protected:
    return protected(contract, table)


def test_the_register_is_the_one_of_the_home_office(table: AggregateTable) -> None:
    assert table.cells[T, T, T, T].value == 5671
    assert len({key[0] for key in table.cells}) == 149 + 1


def test_no_small_count_and_no_group_is_shown(protection: Protected, table: AggregateTable) -> None:
    shown = {key: row.value for key, row in protection.safe.rows.items() if row.value is not None}
    assert all(value == table.cells[key].value and value >= FLOOR for key, value in shown.items())
    for (nation, kind, sex, age), cell in table.cells.items():
        if kind != T:
            other = (nation, "VOL" if kind == "FORCED" else "FORCED", sex, age)
            alone = table.cells[nation, T, sex, age].value - cell.value < 3
            assert not alone or protection.safe.rows[other].withheld


def test_what_is_shown_is_worth_pulling(protection: Protected) -> None:
    # 1,468 of the 1,884 rows are sensitive in themselves: three in four citizenships have fewer than ten in some part.
    assert protection.summary.withheld / protection.summary.cells < 0.92


def test_nothing_follows_by_sums_alone(contract: DataContract, protection: Protected) -> None:
    hidden = protection.safe.withheld_keys()
    assert determined(equations(contract, hidden), hidden) == frozenset()


def test_a_puller_finds_the_floor_kept(contract: DataContract, protection: Protected) -> None:
    assert audit_floor(protection.safe, contract) == protection.summary.withheld


def test_an_attacker_with_other_code_finds_no_cell_too_close(protection: Protected, table: AggregateTable) -> None:
    rows = {key: row.value for key, row in protection.safe.rows.items()}
    hidden = sorted(key for key, value in rows.items() if value is None)
    solver = _attack(rows, hidden)
    draw = np.random.default_rng(5)
    for cell in draw.choice(len(hidden), 40, replace=False).tolist():
        low, high = _extreme(solver, cell, 1.0), _extreme(solver, cell, -1.0)
        true = table.cells[hidden[cell]].value if hidden[cell] in table.cells else 0
        assert low <= true <= high
        assert high >= FLOOR
        assert high - low >= FLOOR


def _attack(rows: dict[CellKey, int | None], hidden: list[CellKey]) -> highspy.Highs:
    """A linear programme of the withheld cells, written from the layout of the two tables alone."""
    number = {key: place for place, key in enumerate(hidden)}
    parts = {
        1: ["FORCED", "VOL"],
        2: ["M", "F", "_U"],
        3: ["Y_LT18", "Y_GE18", "_U"],
        0: sorted({k[0] for k in rows} - {T}),
    }
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.addVars(len(hidden), np.zeros(len(hidden)), np.full(len(hidden), highspy.kHighsInf))
    wholes = set(product([*parts[0], T], [*parts[1], T], [*parts[2], T], [T]))
    wholes |= set(product([*parts[0], T], [*parts[1], T], [T], [*parts[3], T]))
    for whole in sorted(wholes):
        for place in (0, 1, 2, 3):
            if whole[place] != T or (place == 2 and whole[3] != T) or (place == 3 and whole[2] != T):
                continue
            terms = [(whole, -1)] + [((*whole[:place], code, *whole[place + 1 :]), 1) for code in parts[place]]
            known = sum(sign * (rows.get(key, 0) or 0) for key, sign in terms)
            columns = [(number[key], sign) for key, sign in terms if key in number]
            if columns:
                indices = np.array([column for column, _ in columns], dtype=np.int32)
                factors = np.array([sign for _, sign in columns], dtype=np.float64)
                solver.addRow(-known, -known, len(columns), indices, factors)
    return solver


def _extreme(solver: highspy.Highs, cell: int, sign: float) -> float:
    """The least (1) or the largest (−1) value of one cell."""
    solver.changeColCost(cell, sign)
    solver.run()
    status = solver.getModelStatus()
    solver_value = solver.getInfo().objective_function_value * sign
    solver.changeColCost(cell, 0.0)
    if status == highspy.HighsModelStatus.kUnbounded:
        return float("inf")
    assert status == highspy.HighsModelStatus.kOptimal
    return float(solver_value)
