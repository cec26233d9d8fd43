"""`exchange audit run`, `findings` and `show`: what the auditor collects, finds, and has of one exchange."""

import asyncio
import gc
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from exchange.errors import ExitCode
from exchange.errors.audit import NoAuditYetError
from exchange.errors.settings import FileRefusedError
from nodes.adapters.local_gateway import LocalGateway
from nodes.auditor.filing import logs_of
from nodes.auditor.main import build_auditor
from nodes.auditor.report import as_json, print_findings, print_run
from nodes.auditor.steps import print_steps, steps_about
from nodes.auditor.store import AuditStore
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation

AUDIT_DB = "audit.db"


def run(call: Invocation) -> int:
    """`exchange --node iom audit run [--anew]`: exit 0 if everything holds, 3 if something was found."""
    parser = CommandParser(call.command, "collect every log, pair every exchange, and say who is at fault")
    parser.add_argument("--anew", action="store_true", help="verify again all that earlier runs verified")
    asked = call.parse(parser)
    node = call.require_node()
    with open_store(node) as store, _no_search_for_cycles():
        auditor = build_auditor(node, clock=call.clock, random=secrets.token_bytes, store=store)
        # The audit itself is an entry before it asks anybody: nobody's log is read in secret.
        LocalGateway(node).post("/local/audits", {})
        result = asyncio.run(auditor.run(call.output.progress, anew=asked.anew))
        document = as_json(result)
        store.keep_run(result.at, document)
    print_run(document, call.output)
    call.output.result(document)
    return ExitCode.FINE if result.green else ExitCode.DOES_NOT_HOLD


def findings(call: Invocation) -> int:
    """`exchange --node iom audit findings`: what the last run found, with the same exit code."""
    call.parse(CommandParser(call.command, "what the last audit found"))
    node = call.require_node()
    with open_store(node) as store:
        last = last_run(node, store)
    found = last["findings"]
    assert isinstance(found, list)
    call.output.say(en=f"Audit of {last['at']}", ru=f"Аудит от {last['at']}")
    print_findings(found, call.output)
    call.output.result({"at": last["at"], "findings": found})
    return ExitCode.DOES_NOT_HOLD if found else ExitCode.FINE


def show(call: Invocation) -> int:
    """`exchange --node iom audit show PULL|BUNDLE`: what all logs say about one exchange, as collected last."""
    parser = CommandParser(call.command, "one exchange: both sides' entries in order of time")
    parser.add_argument("subject", metavar="PULL|BUNDLE", help="the first digits of its digest")
    asked = call.parse(parser)
    node = call.require_node()
    with open_store(node) as store:
        run = last_run(node, store)
        digest, steps = steps_about(asked.subject, logs_of(run, store))
    exchanges = run["exchanges"]
    assert isinstance(exchanges, list)
    about = [one for one in exchanges if str(digest) in {one["pull"], one["bundle"]}]
    print_steps(steps, about, call.output)
    call.output.result({"subject": str(digest), "entries": [one.as_json() for one in steps], "exchanges": about})
    return ExitCode.DOES_NOT_HOLD if any(one["codes"] for one in about) else ExitCode.FINE


def last_run(node: NodeFolder, store: AuditStore) -> dict[str, object]:
    """The document of the newest run.

    Raises:
        NoAuditYetError: There was none.
    """
    last = store.last_run()
    if last is None:
        raise NoAuditYetError(member=node.member)
    return last


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """An audit holds millions of entries to its end: looking for cycles among them takes a fifth of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def open_store(node: NodeFolder) -> Iterator[AuditStore]:
    """What the auditor keeps, closed at the end.

    Raises:
        FileRefusedError: The disk is full, or the folder is read-only.
    """
    file = node.path / AUDIT_DB
    try:
        store = AuditStore(file)
        try:
            yield store
        finally:
            store.close()
    except OperationalError as error:
        raise FileRefusedError(path=str(file), reason=str(error.orig)) from error
