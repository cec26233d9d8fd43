"""`exchange contract export`, called as a person calls it."""

import io
import json
import re
import shutil
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from exchange.contract.parse import parse_contract
from exchange.encoding import Digest
from exchange.errors import ExitCode
from exchange.signing.keys import KeyPurpose
from exchange.statement import StatementType, sign_statement
from nodes.adapters.contract_folder import keep_statement
from nodes.cli.main import main
from nodes.terminal import Output
from tests.world.clock import StillClock
from tests.world.contracts import CONTRACTS, codelists, contract
from tests.world.federation import Federation, found

NOW = datetime(2026, 10, 2, 8, 0, tzinfo=UTC)
CA05 = contract("CA-05-WORK-PERMITS")


def run(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json="--json" in argv, language="en", out=out, err=err)
    code = main(argv, clock=StillClock(NOW), output=output)
    return code, out.getvalue(), err.getvalue()


def export(folder: Path, *argv: str) -> tuple[bytes, dict[str, Any]]:
    file = folder / "out"
    code, out, err = run("--json", "contract", "export", *argv, "-o", str(file))
    assert code == ExitCode.FINE, err
    return file.read_bytes(), json.loads(out)


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    """KZ's registry, and in its trust folder the project's contracts; KZ and KG have signed CA-05."""
    made = found(tmp_path_factory.mktemp("federation"), StillClock())
    shutil.copytree(CONTRACTS, made.registry / "contracts", ignore=shutil.ignore_patterns("CA-0[!5]*", "CA-1*"))
    for member in ("KZ", "KG"):
        statement = sign_statement(
            type=StatementType.SIGNED,
            contract=CA05.digest,
            party=member,
            at=NOW,
            effective=NOW,
            signer=made.hybrid(member, KeyPurpose.CONTRACT),
        )
        keep_statement(made.registry / "contracts", CA05, statement)
    return made


@pytest.mark.parametrize(
    ("form", "begins"),
    [("sdmx-ml", b"<?xml version='1.0' encoding='UTF-8'?>\n<mes:Structure "), ("sdmx-json", b'{\n "meta": {')],
)
def test_structures_are_written_to_the_file_named(tmp_path: Path, form: str, begins: bytes) -> None:
    raw, told = export(tmp_path, "CA-05", "--format", form)
    assert raw.startswith(begins)
    assert told["id"] == "CA-05-WORK-PERMITS"
    assert told["version"] == "1.0.0"
    assert told["sha256"] == str(Digest.of(raw))
    assert told["digest"] == str(CA05.digest)


def test_the_version_may_stand_apart(tmp_path: Path) -> None:
    raw, told = export(tmp_path, "CA-07", "2.0.0", "--format", "sdmx-json")
    assert told["version"] == "2.0.0"
    assert json.loads(raw)["data"]["dataflows"][0]["version"] == "2.0.0"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["CA-99", "--format", "html", "-o", "x"], "no contract at hand has this id"),
        (["CA-07", "--format", "html", "-o", "x"], "fits"),
        (["CA-05", "--format", "pdf", "-o", "x"], "invalid choice"),
        (["CA-05", "--format", "html"], "-o/--output"),
    ],
)
def test_what_cannot_be_exported_is_a_usage_error(argv: list[str], says: str) -> None:
    code, _, err = run("contract", "export", *argv)
    assert code == ExitCode.USAGE
    assert says in err


def test_a_page_shows_what_was_agreed_in_the_language_asked_for(tmp_path: Path) -> None:
    english, _ = export(tmp_path, "CA-05", "--format", "html")
    russian, _ = export(tmp_path, "CA-05", "--format", "html", "--language", "ru")
    assert '<html lang="en">' in english.decode()
    assert "<h1>Work permits, patents and notified contracts of foreign workers</h1>" in english.decode()
    assert "<h1>Разрешения на работу, патенты, уведомления о договорах</h1>" in russian.decode()
    for text in ("ячейки, где меньше 5 единиц", "официальная статистика", "Гражданство", "Узбекистан"):
        assert text in russian.decode()


def test_every_table_and_every_code_list_stands_on_the_page(tmp_path: Path) -> None:
    page = export(tmp_path, "CA-05", "--format", "html")[0].decode()
    for table in ("citizenship-activity-decision", "region-activity", "citizenship-occupation-sex"):
        assert table in page
    for file in ("countries", "isic4_section", "decision", "regions", "isco08_major", "sex"):
        assert str(Digest.of((CONTRACTS / "codelists" / f"{file}.csv").read_bytes())) in page


def test_the_page_has_all_that_is_signed_word_by_word(tmp_path: Path) -> None:
    page = export(tmp_path, "CA-05", "--format", "html", "--language", "ru")[0].decode()
    shown = unescape(page.split("<pre>")[1].split("</pre>")[0]).strip().encode()
    assert parse_contract(shown, codelists=codelists()).digest == CA05.digest


def test_a_page_runs_nothing_and_asks_nothing_from_anywhere(tmp_path: Path) -> None:
    page = export(tmp_path, "CA-05", "--format", "html")[0].decode()
    assert "default-src 'none'" in page
    assert re.search(r"<(script|img|link|iframe|object|form|a)\b|https?:|url\(|@import|\bon[a-z]+=", page) is None


def test_a_letter_of_markup_in_a_contract_is_shown_not_obeyed(tmp_path: Path) -> None:
    file = tmp_path / "contract.odcs.yaml"
    text = (CONTRACTS / "CA-05-WORK-PERMITS" / "1.0.0" / "contract.odcs.yaml").read_text(encoding="utf-8")
    text = text.replace("en: Work permits, patents", "en: <script>alert(1)</script> Work permits, patents")
    file.write_text(text, encoding="utf-8")
    page = export(tmp_path, str(file), "--format", "html")[0].decode()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Work permits" in page


def test_the_foot_of_every_sheet_bears_the_digest_that_is_signed(tmp_path: Path) -> None:
    page = export(tmp_path, "CA-05", "--format", "html")[0].decode()
    assert f'@bottom-left {{ content: "CA-05-WORK-PERMITS 1.0.0 · {CA05.digest}"' in page


def test_without_statements_the_page_says_that_it_did_not_look(tmp_path: Path) -> None:
    page, again = (export(tmp_path, "CA-05", "--format", "html")[0] for _ in range(2))
    assert b"not looked up" in page
    assert page == again


def test_with_statements_the_page_says_who_has_signed_and_where_that_leaves_the_contract(
    tmp_path: Path, federation: Federation
) -> None:
    page = export(tmp_path, "CA-05", "--format", "html", "--trust", str(federation.registry))[0].decode()
    assert "<th scope=row>KZ</th><td>2026-10-02T08:00:00Z</td>" in page
    assert "<th scope=row>UZ</th><td>not signed</td>" in page
    assert "state: proposed; signed by: KG KZ; because of: IOM TJ TM UZ (as of 2026-10-02T08:00:00Z)" in page


def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    code, _, err = run("contract", "export", "CA-05", "--format", "html", "-o", str(tmp_path / "file" / "page.html"))
    assert code == ExitCode.ERROR
    assert "file" in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
