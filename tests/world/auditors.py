"""IOM's console on a federation that was audited, and a person with a passkey at it."""

from dataclasses import replace
from pathlib import Path

from exchange.encoding import base64url_encode, format_instant
from nodes.adapters.account_store import AccountRow, PasskeyRow
from nodes.auditor.commands import AUDIT_DB
from nodes.auditor.main import Auditor, AuditResult
from nodes.auditor.pages.app import AuditorContext, auditor_app, build_auditor_console
from nodes.auditor.program import program_digest
from nodes.auditor.report import as_json
from nodes.auditor.store import AuditStore
from nodes.settings import NodeFolder
from nodes.web.passkeys import format_credential
from tests.world.contracts import codelists
from tests.world.desk_server import ORIGIN, Browser, authenticator
from tests.world.gateways import GatewayWorld
from tests.world.passkeys import Authenticator

AUDITOR = "Auditor of IOM"


async def audited(world: GatewayWorld) -> AuditResult:
    """One run of the audit, kept in IOM's folder as `audit run` keeps it."""
    store = AuditStore(world.node("IOM").path / AUDIT_DB)
    auditor = Auditor(
        trust=world.bundle.trust,
        store=store,
        clients=lambda member: world.client("IOM", member),
        clock=world.clock,
        codelists=codelists(),
        contracts={},
        program=program_digest(),
        quorum_wait_s=5,
    )
    result = await auditor.run(lambda _stage, _share: None)
    store.keep_run(result.at, as_json(result))
    store.close()
    return result


def auditor_console(world: GatewayWorld) -> AuditorContext:
    """IOM's console with one auditor, whose passkey is `authenticator(AUDITOR)`."""
    node = world.node("IOM")
    auditor = node.settings.auditor.model_copy(update={"origin": ORIGIN})
    settings = node.settings.model_copy(update={"auditor": auditor, "demo": True})
    context = build_auditor_console(NodeFolder(Path(node.path), settings), clock=world.clock)
    _enrol(context, authenticator(AUDITOR))
    return context


def browser_of(context: AuditorContext) -> Browser:
    """The auditor, signed in."""
    browser = Browser(auditor_app(context), authenticator(AUDITOR))
    browser.act(browser.sign_in())
    return browser


def _enrol(context: AuditorContext, passkey: Authenticator) -> None:
    at = format_instant(context.console.clock.now())
    credential = replace(passkey.register(), sign_count=0)
    with context.console.db.begin() as store:
        if store.accounts.account_named(AUDITOR) is None:
            store.accounts.keep(AccountRow(id="auditor", name=AUDITOR, roles="auditor", made_at=at))
            row = PasskeyRow(
                credential=base64url_encode(credential.credential_id),
                account="auditor",
                document=format_credential(credential),
                label="key-1",
                sign_count=0,
                added_at=at,
            )
            store.accounts.keep(row)
