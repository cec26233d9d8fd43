"""The printed sheet says exactly what leaves the country, read back from the PDF and held against data.csv."""

import csv
import io
from pathlib import Path

import pytest
from pypdf import PdfReader

from exchange.errors import ExitCode
from exchange.signing.words import digest_words
from tests.world.bundles import CONTRACTS
from tests.world.desk import ASKED, DeskWorld, desk_world, figure, table

KG_TOTAL = ("IN", "KG", "_T", "_T", "_T", "_T", "_T")


@pytest.fixture
def desk(tmp_path: Path) -> DeskWorld:
    return desk_world(tmp_path / "kz")


def printed(desk: DeskWorld, language: str = "en") -> str:
    """The words of every sheet, squeezed."""
    file = desk.node.path / "sheet.pdf"
    ran = desk.run("clearance", "print", *ASKED, "-o", str(file), language=language)
    assert ran.code == ExitCode.FINE, ran.err
    return squeezed("".join(page.extract_text() for page in PdfReader(file).pages))


def squeezed(text: str) -> str:
    return "".join(text.split())


LISTS = {
    "DIRECTION": "direction",
    "CITIZENSHIP": "countries",
    "COUNTERPART": "countries",
    "BORDER_REGION": "regions",
    "MODE": "transport_mode",
    "SEX": "sex",
    "AGE": "age_child_adult",
}
"""The dimensions of CA-01, with the files that name their codes."""


def name_of(dimension: str, code: str, language: str) -> str:
    with (CONTRACTS / "codelists" / f"{LISTS[dimension]}.csv").open(encoding="utf-8", newline="") as lines:
        found = {row["code"]: row[f"name_{language}"] for row in csv.DictReader(lines)}
    return found.get(code) or {"en": "Total", "ru": "Всего"}[language]


@pytest.mark.parametrize(("language", "withheld"), [("en", "withheld"), ("ru", "скрыто")])
def test_every_row_of_data_csv_stands_on_the_sheet_and_withheld_ones_in_words(
    desk: DeskWorld, language: str, withheld: str
) -> None:
    said = printed(desk, language)
    rows = list(csv.DictReader(io.StringIO(desk.candidate().data.decode())))
    assert len(rows) == len(table())
    for row in rows:
        assert bool(row["OBS_VALUE"]) is (row["OBS_STATUS"] != "Q")
        names = [name_of(dimension, row[dimension], language) for dimension in LISTS]
        assert squeezed("".join([*names, row["OBS_VALUE"] or withheld])) in said


def test_the_sheet_names_readers_preparer_digest_words_and_clauses(desk: DeskWorld) -> None:
    candidate, said = desk.candidate().candidate, printed(desk)
    for text in (", ".join(candidate.recipients), "kz-01", digest_words(candidate.data), str(candidate.data)):
        assert squeezed(text) in said
    assert "firstrelease" in said
    assert squeezed(str(desk.contract.digest)) in said
    assert "nobodyyet" in said


def test_who_approved_stands_on_the_sheet(desk: DeskWorld) -> None:
    desk.act("bundle", "submit", *ASKED)
    assert desk.approve("kz-02").code == ExitCode.FINE
    assert squeezed("approved by: kz-02 2026-10-02T09:00:00Z") in printed(desk)


def test_what_changed_against_the_last_release_stands_before_the_table(desk: DeskWorld) -> None:
    before = table({KG_TOTAL: figure(4711)})
    bundle = desk.release_earlier(before)
    desk.build(desk.candidate(revision=1, supersedes=bundle))
    said = printed(desk)
    value = table()[KG_TOTAL].value
    assert said.index(squeezed("Another figure: 1")) < said.index(squeezed("What leaves the country"))
    assert f"4711{value}" in said


def test_the_same_candidate_gives_the_same_bytes(desk: DeskWorld) -> None:
    files = [desk.node.path / f"{number}.pdf" for number in (1, 2)]
    for file in files:
        desk.act("clearance", "print", *ASKED, "-o", str(file))
    assert files[0].read_bytes() == files[1].read_bytes()
