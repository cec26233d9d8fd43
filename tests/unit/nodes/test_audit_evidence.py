"""`exchange audit evidence`, `verify`, `show`, `report`: what the auditor hands to others, and what they can prove."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.errors.audit import AuditSubjectError, FindingUnknownError, NotAuditorError
from exchange.errors.evidence import (
    EvidenceFileError,
    EvidenceLogError,
    EvidenceUnprovenError,
    EvidenceWordError,
    ReportPageError,
)
from exchange.errors.log import LogError
from exchange.errors.trust import TrustError
from exchange.reconcile.dossier import format_dossier, parse_dossier
from exchange.reconcile.model import Reconciliation
from nodes.auditor import report as reports
from nodes.auditor.commands import AUDIT_DB, show
from nodes.auditor.evidence_commands import evidence, verify
from nodes.auditor.main import AuditResult
from nodes.auditor.report_commands import report
from nodes.auditor.store import AuditStore
from nodes.settings import NodeFolder
from tests.unit.nodes.test_audit_collect import HONEST, Source, collect, entry
from tests.unit.nodes.test_audit_commands import call, node
from tests.world.bundles import COSIGNED, bundle_world
from tests.world.local_gateway import listening

REWRITTEN = [*HONEST[:3], entry(3, salt=9), *HONEST[4:], entry(5)]


async def audited(folder: NodeFolder, *shown: Source) -> AuditStore:
    """The auditor's store after it saw these logs of KZ, one after the other, and kept the last result."""
    store = AuditStore(folder.path / AUDIT_DB)
    for source in shown:
        found = await collect(store, source)
    result = AuditResult(
        at=COSIGNED,
        registry=bundle_world().trust.ref,
        logs=(found,),
        publications=0,
        reconciliation=Reconciliation(exchanges=(), findings=()),
    )
    store.keep_run(result.at, reports.as_json(result))
    return store


async def filed(tmp_path: Path, *shown: Source) -> Path:
    """The evidence file of the first finding."""
    folder, file = node(tmp_path, "IOM"), tmp_path / "finding.evidence"
    await audited(folder, *shown)
    assert evidence(call(folder, "1", "-o", str(file))[0]) == ExitCode.FINE
    return file


def judged(file: Path, *, as_json: bool = False, language: str = "en") -> str:
    """What a third party's `audit verify` prints, without a node."""
    invocation, out = call(
        None, str(file), "--trust", str(bundle_world().trust_folder), as_json=as_json, language=language
    )
    assert verify(invocation) == ExitCode.FINE
    return out.getvalue()


CONVICTING = {
    "log-rewritten": (Source(HONEST), Source(REWRITTEN)),
    "log-forked": (Source(HONEST), Source([*HONEST[:4], entry(4, salt=9)])),
    "log-rolled-back": (Source(HONEST), Source(HONEST[:3])),
    "log-malformed": (Source([*HONEST, b"{}"]),),
}


@pytest.mark.parametrize("code", CONVICTING)
async def test_a_log_that_contradicts_itself_is_convicted_before_anybody_by_what_its_member_signed(
    tmp_path: Path, code: str
) -> None:
    proven = json.loads(judged(await filed(tmp_path, *CONVICTING[code]), as_json=True))
    assert (proven["holds"], proven["finding"]["code"], proven["finding"]["party"]) == (True, code, "KZ")
    assert proven["checkpoints"][0]["cosigned_at"] == "2026-10-02T12:00:00Z"
    assert ("order" in proven["word"]) == (code == "log-rolled-back")  # which was shown later is not signed here


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Proven: log-forked [KZ]"), ("ru", "Доказано: log-forked [KZ]")],
    ids=["English", "Russian"],
)
async def test_a_verified_file_says_the_finding_its_checkpoints_and_whose_word_it_is(
    tmp_path: Path, language: str, words: str
) -> None:
    printed = judged(await filed(tmp_path, *CONVICTING["log-forked"]), language=language)
    assert words in printed
    assert "2026-10-02T12:00:00Z" in printed


async def test_a_finding_about_what_was_not_shown_has_nothing_to_prove(tmp_path: Path) -> None:
    folder = node(tmp_path, "IOM")
    await audited(folder, Source(HONEST, witnesses=("KG", "TJ", "TM")))
    with pytest.raises(EvidenceWordError) as refusal:
        evidence(call(folder, "1", "-o", str(tmp_path / "file"))[0])
    assert refusal.value.exit_code is ExitCode.DOES_NOT_HOLD
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("number", ["0", "2"])
async def test_a_finding_is_named_by_its_number(tmp_path: Path, number: str) -> None:
    folder = node(tmp_path, "IOM")
    await audited(folder, *CONVICTING["log-forked"])
    with pytest.raises(FindingUnknownError):
        evidence(call(folder, number, "-o", str(tmp_path / "file"))[0])


def charge_another(raw: bytes) -> bytes:
    return raw.replace(b'"party":"KZ"', b'"party":"KG"')


def shorten(raw: bytes) -> bytes:
    document = json.loads(raw)
    del document["logs"][0]["entries"][-2:]
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def sign_by_nobody(raw: bytes) -> bytes:
    """The log's own signature line is replaced by a witness's."""
    document = json.loads(raw)
    notes = document["logs"][0]["checkpoints"]
    notes[0] = notes[0][:-8] + ("A" * 8 if notes[0][-8:] != "A" * 8 else "B" * 8)
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [(charge_another, EvidenceLogError), (shorten, EvidenceLogError), (sign_by_nobody, LogError)],
    ids=["another member charged", "entries left out", "a checkpoint changed"],
)
async def test_a_changed_evidence_file_convicts_nobody(
    tmp_path: Path, change: Callable[[bytes], bytes], refusal: type[Exception]
) -> None:
    file = await filed(tmp_path, *CONVICTING["log-rewritten"])
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(refusal):
        judged(file)


async def test_leaving_the_convicting_checkpoint_out_leaves_nothing_proven(tmp_path: Path) -> None:
    file = await filed(tmp_path, *CONVICTING["log-rewritten"])
    dossier = parse_dossier(file.read_bytes())
    (log,) = dossier.logs
    object.__setattr__(log, "checkpoints", log.checkpoints[-1:])
    file.write_bytes(format_dossier(dossier))
    with pytest.raises(EvidenceUnprovenError):
        judged(file)


def test_a_file_that_is_not_there_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(EvidenceFileError):
        judged(tmp_path / "nothing")


@pytest.mark.parametrize("subject", ["ff", ""], ids=["named by no log", "no digits"])
async def test_show_wants_one_pull_or_bundle_that_a_log_names(tmp_path: Path, subject: str) -> None:
    folder = node(tmp_path, "IOM")
    await audited(folder, Source(HONEST))
    with pytest.raises(AuditSubjectError):
        show(call(folder, subject)[0])


Posted = list[tuple[str, dict[str, str]]]


async def reported(tmp_path: Path, *shown: Source, exit_code: ExitCode) -> tuple[Path, Posted]:
    folder = node(tmp_path, "IOM")
    await audited(folder, *shown)
    with listening(folder.socket, {"/local/audits": {"index": 7}}) as posted:
        folder.socket.chmod(0o600)
        assert report(call(folder, "-o", str(tmp_path / "report"))[0]) == exit_code
        return tmp_path / "report", list(posted)


async def test_a_report_is_signed_logged_and_says_the_same_on_every_page(tmp_path: Path) -> None:
    folder, posted = await reported(tmp_path, *CONVICTING["log-forked"], exit_code=ExitCode.DOES_NOT_HOLD)
    document = json.loads((folder / "report.json").read_bytes())
    assert [found["code"] for found in document["findings"]] == ["log-forked"]
    assert [path for path, _ in posted] == ["/local/audits"]
    assert posted[0][1]["evidence"].startswith("sha256:")
    for name, hidden in (("report.en.html", "both sides hide"), ("report.ru.html", "скрывают обе стороны")):
        page = (folder / name).read_text(encoding="utf-8")
        assert hidden in page
        assert document["logs"][0]["root"] in page
        assert document["findings"][0]["message"][name.split(".")[1]] in page
        assert "<script" not in page
        assert "http" not in page.replace("http-equiv", "")
    assert "Signed by IOM" in judged(folder)


async def test_a_report_on_nothing_found_leaves_with_zero(tmp_path: Path) -> None:
    folder, _ = await reported(tmp_path, Source(HONEST), exit_code=ExitCode.FINE)
    assert json.loads(judged(folder, as_json=True))["green"] is True


@pytest.mark.parametrize(
    ("file", "old", "new", "refusal"),
    [
        ("report.json", b"log-forked", b"log-honest", TrustError),
        ("report.json", b'"auditor":"IOM"', b'"auditor":"KG"', NotAuditorError),
        ("report.ru.html", "Замечания".encode(), "Пожелания".encode(), ReportPageError),
    ],
    ids=["the document", "the auditor", "a page"],
)
async def test_a_changed_report_is_refused(
    tmp_path: Path, file: str, old: bytes, new: bytes, refusal: type[Exception]
) -> None:
    folder, _ = await reported(tmp_path, *CONVICTING["log-forked"], exit_code=ExitCode.DOES_NOT_HOLD)
    (folder / file).write_bytes((folder / file).read_bytes().replace(old, new))
    with pytest.raises(refusal):
        judged(folder)


async def test_a_report_without_one_of_its_files_is_refused(tmp_path: Path) -> None:
    folder, _ = await reported(tmp_path, Source(HONEST), exit_code=ExitCode.FINE)
    (folder / "report.jws").unlink()
    with pytest.raises(EvidenceFileError):
        judged(folder)
