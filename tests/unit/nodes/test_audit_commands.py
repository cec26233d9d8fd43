"""`exchange audit`: who may run it, what it prints, and the exit code that a script reads."""

import io
import json
import shutil
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.errors.audit import NoAuditYetError, NotAuditorError, ReceiptNotGivenError
from exchange.reconcile.model import Finding, Reconciliation
from nodes.auditor.commands import AUDIT_DB, findings
from nodes.auditor.main import Auditor, AuditResult, build_auditor
from nodes.auditor.pages.app import ACCOUNTS_DB
from nodes.auditor.pages.serve import invite, serve
from nodes.auditor.report import as_json, print_run
from nodes.auditor.store import AuditStore
from nodes.settings import NodeFolder, open_node
from nodes.terminal import Invocation, Output
from tests.world.bundles import COSIGNED, bundle_world
from tests.world.clock import StillClock
from tests.world.federation import seeded

OWED = Finding(
    party="KG",
    reason=ReceiptNotGivenError(pull="a" * 64, party="KG", bundle="b" * 64, publisher="KZ", due="2026-10-16T11:00:00Z"),
    entries=(("KZ", 7),),
)


def node(folder: Path, member: str) -> NodeFolder:
    federation = bundle_world().federation
    shutil.copytree(federation.folder / member.lower(), folder / member.lower())
    for part in ("metadata", "targets"):
        shutil.copytree(federation.registry / part, folder / member.lower() / "keys" / part)
    (folder / member.lower() / "node.toml").write_text(
        f'v = 1\nmember = "{member}"\ndemo = true\n[gateway]\nissuer = "http://127.0.0.1:8100"\nport = 8100\n'
    )
    return open_node(folder / member.lower())


def call(
    folder: NodeFolder | None, *argv: str, as_json: bool = False, language: str = "en"
) -> tuple[Invocation, io.StringIO]:
    out = io.StringIO()
    output = Output(json=as_json, language="ru" if language == "ru" else "en", out=out, err=io.StringIO())
    invocation = Invocation(
        command="audit findings",
        argv=argv,
        home=Path() if folder is None else folder.path.parent,
        node=folder,
        clock=StillClock(COSIGNED),
        output=output,
    )
    return invocation, out


def result(*found: Finding) -> AuditResult:
    registry = bundle_world().trust.ref
    reconciliation = Reconciliation(exchanges=(), findings=found)
    return AuditResult(at=COSIGNED, registry=registry, logs=(), publications=1, reconciliation=reconciliation)


def keep(folder: NodeFolder, found: AuditResult) -> None:
    store = AuditStore(folder.path / AUDIT_DB)
    store.keep_run(COSIGNED, as_json(found))
    store.close()


@pytest.mark.parametrize(("member", "may"), [("IOM", True), ("KG", False)], ids=["the auditor", "another member"])
def test_only_the_auditor_that_the_registry_names_may_audit(tmp_path: Path, member: str, may: bool) -> None:
    folder, store = node(tmp_path, member), AuditStore(tmp_path / AUDIT_DB)
    if may:
        assert isinstance(
            build_auditor(folder, clock=StillClock(COSIGNED), random=seeded("audit"), store=store), Auditor
        )
        return
    with pytest.raises(NotAuditorError) as refusal:
        build_auditor(folder, clock=StillClock(COSIGNED), random=seeded("audit"), store=store)
    assert refusal.value.exit_code is ExitCode.NOT_AUTHORISED


def test_nobody_is_invited_to_an_auditors_console_on_another_members_node(tmp_path: Path) -> None:
    folder = node(tmp_path, "KG")
    with pytest.raises(NotAuditorError) as refusal:
        invite(call(folder, "B. Auditor", as_json=False)[0])
    assert refusal.value.exit_code is ExitCode.NOT_AUTHORISED
    assert not (folder.path / ACCOUNTS_DB).exists()


def test_an_auditors_console_is_not_served_on_another_members_node(tmp_path: Path) -> None:
    folder = node(tmp_path, "KG")
    with pytest.raises(NotAuditorError) as refusal:
        serve(call(folder)[0])
    assert refusal.value.exit_code is ExitCode.NOT_AUTHORISED
    assert not (folder.path / ACCOUNTS_DB).exists()


def test_findings_before_the_first_audit_say_so(tmp_path: Path) -> None:
    with pytest.raises(NoAuditYetError):
        findings(call(node(tmp_path, "IOM"), as_json=False)[0])


@pytest.mark.parametrize(
    ("kept", "exit_code"), [((), ExitCode.FINE), ((OWED,), ExitCode.DOES_NOT_HOLD)], ids=["none", "one"]
)
def test_the_exit_code_says_whether_anything_was_found(
    tmp_path: Path, kept: tuple[Finding, ...], exit_code: ExitCode
) -> None:
    folder = node(tmp_path, "IOM")
    keep(folder, result(*kept))
    invocation, out = call(folder, as_json=True)
    assert findings(invocation) == exit_code
    assert [one["code"] for one in json.loads(out.getvalue())["findings"]] == [one.reason.code for one in kept]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "owes KZ the receipt"), ("ru", "должен KZ квитанцию")], ids=["English", "Russian"]
)
def test_a_finding_is_read_in_the_language_asked_for_with_party_and_entries(
    tmp_path: Path, language: str, words: str
) -> None:
    folder = node(tmp_path, "IOM")
    keep(folder, result(OWED))
    invocation, out = call(folder, as_json=False, language=language)
    findings(invocation)
    assert "receipt-not-given [KG]" in out.getvalue()
    assert words in out.getvalue()
    assert "KZ 7" in out.getvalue()


def test_a_run_says_what_no_audit_can_know() -> None:
    out = io.StringIO()
    document = as_json(result())
    print_run(document, Output(json=False, language="en", out=out))
    assert "both sides hide" in out.getvalue()
    assert document["green"] is True
