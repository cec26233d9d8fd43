"""The demo's registers: SYNTHETIC in every name, published ratios, and shapes that make disclosure control matter."""

import csv
from pathlib import Path

import duckdb
import pytest

from nodes.demo.figures import read_figures
from nodes.demo.registers import FIVE, MAPPINGS, make_registers
from nodes.demo.synthetic import allotted
from nodes.preparation.mapping import parse_mapping
from tests.shared import shared
from tests.unit.nodes.preparation_tools import Bench
from tests.world.contracts import contract

AGREED = {
    "CA-01": contract("CA-01-BORDER"),
    "CA-05": contract("CA-05-WORK-PERMITS"),
    "CA-07": contract("CA-07-EXPULSIONS-BANS", "1.1.0"),
}


@pytest.mark.parametrize("member", ["KZ", "TM"])
def test_a_synthetic_register_builds_under_its_contract_as_shipped(tmp_path: Path, member: str) -> None:
    bench, rows = Bench(tmp_path), 0
    for register in make_registers(member, tmp_path / "registers"):
        assert "SYNTHETIC" in register.file.name
        text = register.mapping.read_text(encoding="utf-8")
        assert 'title = "SYNTHETIC"' in text
        agreed = AGREED[register.contract]
        table, census = bench.aggregate(register.file, text, agreed, register.period, provider=member)
        rows += census.rows
        assert census.rows > census.in_period > 0
        assert 100 < len(table.cells) <= 1_500
        least = agreed.disclosure.contributors_min
        assert any(min(cell.contributors) < least for cell in table.cells.values())
        if register.contract == "CA-01":
            total = table.cells["IN", *["_T"] * 6]
            assert total.contributors[0] < total.value  # travellers are fewer than crossings
        if register.contract == "CA-05":
            tops = [(cell.value, cell.largest[0]) for cell in table.cells.values() if cell.largest and cell.value > 20]
            assert any(first > 0.85 * value for value, first in tops)
    assert rows == 200_000


def test_registers_are_the_same_at_every_call(tmp_path: Path) -> None:
    first, second = (make_registers("TJ", tmp_path / name) for name in "ab")
    for one, other in zip(first, second, strict=True):
        read = (
            "SELECT * FROM '{}' ORDER BY ALL"
            if one.file.suffix == ".parquet"
            else "SELECT * FROM read_csv('{}') ORDER BY ALL"
        )
        assert duckdb.sql(read.format(one.file)).fetchall() == duckdb.sql(read.format(other.file)).fetchall()


def test_the_border_register_meets_the_published_arrivals_and_corridors(tmp_path: Path) -> None:
    border = make_registers("KZ", tmp_path)[0]
    counts = dict(
        duckdb.sql(f"SELECT направление, count(*) FROM '{border.file}' WHERE месяц = '2026-09' GROUP BY 1").fetchall()
    )
    # 4,001,714 arrivals to 3,832,829 departures in 2024-Q2 (Border Service via IOM).
    assert counts["въезд"] / sum(counts.values()) == pytest.approx(4_001_714 / 7_834_543, abs=1e-5)
    uz = make_registers("UZ", tmp_path)[0]
    corridors = dict(duckdb.sql(f"SELECT \"сопредельная страна\", count(*) FROM '{uz.file}' GROUP BY 1").fetchall())
    # 257,000 from Russia, 129,000 from Kazakhstan, 14,000 from Turkey (kun.uz 2020-12-17).
    assert corridors["RUS"] / corridors["KAZ"] == pytest.approx(257 / 129, rel=1e-3)
    assert corridors["KAZ"] / corridors["TUR"] == pytest.approx(129 / 14, rel=1e-3)


def test_every_figure_is_one_of_the_published_ones() -> None:
    with (shared("data/calibration/published_figures.csv")).open(encoding="utf-8", newline="") as text:
        published = {
            (r["country"], r["counterpart"], r["indicator"], r["period"], int(r["value"]), r["reporter"], r["source"])
            for r in csv.DictReader(text)
            if r["value"].isdecimal()
        }
    figures = read_figures()
    for f in figures.figure:
        assert (f.country, f.counterpart, f.indicator, f.period, f.value, f.reporter, f.source) in published
    used = {
        weight.figure
        for member in figures.members.values()
        for group in (member.corridors, member.workers, member.removed, {"": member.arrivals}, {" ": member.departures})
        for weight in group.values()
    }
    assert used - {None} == {figure.id for figure in figures.figure}
    assert set(figures.members) == {*FIVE, "GB"}


def test_without_the_home_offices_table_gb_is_synthetic_too(tmp_path: Path) -> None:
    (register,) = make_registers("GB", tmp_path)
    assert register.synthetic
    assert "SYNTHETIC" in register.file.name
    table, _ = Bench(tmp_path).aggregate(
        register.file,
        register.mapping.read_text(encoding="utf-8"),
        contract("CA-07-EXPULSIONS-BANS", "2.0.0"),
        "2018-Q4",
        provider="GB",
    )
    assert table.cells["LEFT", "XU", "_T", "_T", "_T"].value > 0


def test_the_mapping_of_the_home_offices_table_knows_every_nationality_in_it() -> None:
    source = shared("data/uk-returns/returns_2004_2018.parquet")
    named = parse_mapping((MAPPINGS / "uk-returns.toml").read_bytes(), file="uk-returns.toml").codes["CITIZENSHIP"]
    found = {row[0] for row in duckdb.sql(f"SELECT DISTINCT nationality FROM '{source}'").fetchall()}
    assert set(named) == found
    # Looked up by hand in ISO 3166-1.
    known = {"Ivory Coast": "CI", "Congo": "CG", "Congo (Democratic Republic)": "CD", "Namibia": "NA", "Norway": "NO"}
    assert {name: named[name] for name in known} == known
    historic = {"Former Yugoslavia", "Serbia and Montenegro", "British overseas citizens", "Refugee", "Kosovo",
                "Cyprus (Northern part of)", "Other and unknown"}  # fmt: skip
    assert {name for name, code in named.items() if code == "XU"} == historic


def test_a_total_is_allotted_to_the_last_one() -> None:
    assert allotted(10, [1, 1, 1]).tolist() == [4, 3, 3]
    assert allotted(7, [1000, 1, 1]).tolist() == [5, 1, 1]
    assert allotted(100, [60, 30, 10]).tolist() == [60, 30, 10]
