"""One extract under the codes of two versions of a contract, against a count by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from exchange.contract.model import DataContract
from exchange.disclosure.pool import Recoded
from exchange.encoding import Digest
from exchange.errors.preparation import RecodedContributorsError
from exchange.table import CellKey
from nodes.preparation.extract import Workshop
from nodes.preparation.recoding import recode_extract
from nodes.settings import PreparationSettings
from tests.unit.nodes import preparation_contracts as contracts
from tests.unit.nodes.preparation_tools import BORDER_MAP, mapping

HEADER = "month,direction,citizenship,region,sex,traveller,oblast\n"
OLD_MAP = BORDER_MAP.replace('"region"', '"oblast"')
ROWS = (
    "2026-09,IN,KG,KZ-19,ж,t1,KZ-19",
    "2026-09,IN,KG,KZ-33,ж,t2,KZ-19",
    "2026-09,IN,KG,KZ-33,ж,t3,KZ-19",
    "2026-09,IN,KG,KZ-62,ж,t4,KZ-35",
    "2026-08,IN,KG,KZ-62,ж,t5,KZ-35",
)
"""Four in the period: two of Zhetisu and one of Ulytau, which were parts of Almaty region and of Karaganda."""


def before() -> DataContract:
    """The border contract under the regions of 2018."""
    regions = contracts.codelist("regions_2018")
    now = contracts.border()
    listed = contracts.level("BORDER_REGION", *(code.id for code in regions.codes if code.parent))
    return replace(
        now,
        digest=Digest.of(b"2018"),
        dimensions=tuple(replace(d, codelist=regions) if d.id == "BORDER_REGION" else d for d in now.dimensions),
        tables=tuple(
            replace(table, dimensions=tuple(listed if e.dimension == "BORDER_REGION" else e for e in table.dimensions))
            for table in now.tables
        ),
    )


def recoded(folder: Path, rows: tuple[str, ...]) -> Recoded:
    file = folder / "r.csv"
    file.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    workshop = Workshop(
        settings=PreparationSettings(memory_mb=256, threads=2),
        work=folder / "work",
        bad_rows=folder / "bad-rows.csv",
        show=lambda _cells: None,
        progress=lambda _stage, _share: None,
    )
    return recode_extract(
        file,
        (mapping(BORDER_MAP), contracts.border()),
        (mapping(OLD_MAP), before()),
        provider="KZ",
        period="2026-09",
        workshop=workshop,
    )


def above(region: str) -> set[CellKey]:
    """The cells of the second table that count a woman who comes in through this region."""
    return {("IN", "_T", place, sex) for place in (region, "_T") for sex in ("F", "_T")}


def test_rows_that_the_same_cells_of_both_codings_count_are_one_group(tmp_path: Path) -> None:
    found = recoded(tmp_path, ROWS)
    by_citizenship = {("IN", "KG", "_T", "_T"), ("IN", "_T", "_T", "_T")}
    assert {
        (group.now - by_citizenship, group.then - by_citizenship, group.contributors) for group in found.groups
    } == {
        (frozenset(above("KZ-19") - by_citizenship), frozenset(above("KZ-19") - by_citizenship), 1),
        (frozenset(above("KZ-33") - by_citizenship), frozenset(above("KZ-19") - by_citizenship), 2),
        (frozenset(above("KZ-62") - by_citizenship), frozenset(above("KZ-35") - by_citizenship), 1),
    }
    assert all(by_citizenship <= group.now & group.then for group in found.groups)


def test_the_extract_is_counted_under_the_earlier_codes_too(tmp_path: Path) -> None:
    cells = recoded(tmp_path, ROWS).table.cells
    assert {key[2]: cell.value for key, cell in cells.items() if key[3] == "F" and key[2] != "_T"} == {
        "KZ-19": 3,
        "KZ-35": 1,
    }


def test_a_traveller_of_two_regions_makes_the_groups_no_parts_of_a_whole(tmp_path: Path) -> None:
    with pytest.raises(RecodedContributorsError) as refusal:
        recoded(tmp_path, (*ROWS, "2026-09,IN,KG,KZ-62,ж,t1,KZ-35"))
    assert "t1" not in refusal.value.sentence()
