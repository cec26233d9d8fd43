"""Which findings an evidence file proves to anybody: every code stands in one of the tables here, tried as it says.

Bundles, logs, checkpoints and statements are real (`test_audit_evidence_revision`); those of pulls that went another
way are real but for witnesses and bundles' files (`tests/world/pull_stories.py`).
"""

import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.encoding import Digest
from exchange.errors import audit, audit_holders, audit_logs
from exchange.errors.audit import FindingError
from exchange.flow.audit import ForceBook, charge_of, decide_again, read_publication, read_statements
from exchange.flow.prove import WORD_ALONE, Kept, KeptLog, smallest_proof
from exchange.log.entry import EntryType
from exchange.manifest import DATA, MANIFEST, bundle_digest
from exchange.publication import SIGNATURES
from exchange.reconcile import reconcile
from exchange.reconcile.dossier import format_dossier, parse_dossier
from exchange.reconcile.logs import view_of
from exchange.reconcile.model import Evidence, Federation
from tests.unit.core.test_dossier import decided, filed
from tests.unit.core.test_reconcile_rules import receipt, receipt_late, receipt_unlogged
from tests.unit.nodes.test_audit_evidence_line import SUCCEEDED
from tests.unit.nodes.test_audit_evidence_revision import (
    AUDITED,
    FIRST,
    PULL,
    WORLD,
    entry,
    logs,
    publishing,
    revision,
    shown,
)
from tests.unit.nodes.test_audit_evidence_told import TOLD
from tests.world import pull_stories
from tests.world.bundles import COSIGNED
from tests.world.contracts import codelists
from tests.world.pull_logs import PullLogs

Logs = dict[str, list[bytes]]

COMMAND_ERRORS = {"audit-not-run", "audit-not-auditor", "audit-finding-unknown", "audit-subject"}
"""Codes of this family that are refusals of a command, and no findings."""

BY_ITS_CHECKPOINTS = {"log-forked", "log-rewritten", "log-rolled-back", "log-malformed"}
"""Tried in `test_audit_evidence.py`, as `stored-bundle-altered` is in `test_auditor.py`."""

BY_ITS_WORLD = set(TOLD) | set(SUCCEEDED)
"""Tried in `test_audit_evidence_told.py` and `…_line.py`: what takes a registry, a contract or a day of its own."""

PULLS: dict[str, Callable[[PullLogs], object]] = {
    "accepted-without-delivery": pull_stories.accepted_without_delivery,
    "delivered-two-contents": pull_stories.accepted_two_contents,
    "digest-differs": pull_stories.puller_names_another_bundle,
    "evidence-withheld": pull_stories.delivery_withheld,
    "pull-invented-by-publisher": pull_stories.served_unasked,
    "pull-invented-by-puller": pull_stories.received_from_nobody,
    "pull-logged-twice": pull_stories.received_twice,
    "pull-not-logged-by-publisher": pull_stories.delivered_unlogged,
    "pull-not-logged-by-puller": pull_stories.served_and_silent,
    "receipt-not-given": pull_stories.received_without_receipt,
    "receipt-late": receipt_late,
    "receipt-not-logged": receipt_unlogged,
    "receipt-forged": lambda logs: receipt(logs, signed_by="KZ", logged=False),
    "receipt-contradicts": lambda logs: receipt(logs, verdict="rejected:data-form"),
    "rejected-wrongly": pull_stories.rejected_what_it_accepted,
    "rejection-disputed": pull_stories.rejected,
}


def uncleared(found: Logs, _: dict[Digest, dict[str, bytes]]) -> None:
    found["KZ"] = [raw for raw in found["KZ"] if b'"clearance.decided"' not in raw]


def revision_alone(found: Logs, _: dict[Digest, dict[str, bytes]]) -> None:
    first = publishing(WORLD.files, 100)[1]
    found["KZ"] = [raw for raw in found["KZ"] if raw != first]


def foreign(found: Logs, _: dict[Digest, dict[str, bytes]]) -> None:
    published = {"bundle": FIRST, "evidence": Digest.of(WORLD.files[SIGNATURES])}
    found["KG"].append(entry("KG", EntryType.BUNDLE_PUBLISHED, 300, contract=WORLD.contract.digest, **published))


def served_to(number: int, bundle: Digest, counterpart: str) -> bytes:
    asked = Digest.of(f"request {number}".encode())
    facts = {"contract": WORLD.contract.digest, "bundle": bundle, "pull": asked, "evidence": asked}
    return entry("KZ", EntryType.PULL_SERVED, number, counterpart=counterpart, **facts)


def to_a_stranger(found: Logs, _: dict[Digest, dict[str, bytes]]) -> None:
    found["KZ"].append(served_to(300, FIRST, "GB"))


def after_withdrawal(found: Logs, _: dict[Digest, dict[str, bytes]]) -> None:
    facts = {"contract": WORLD.contract.digest, "bundle": FIRST, "evidence": Digest.of(b"withdrawal")}
    found["KZ"] += [entry("KZ", EntryType.BUNDLE_WITHDRAWN, 300, **facts), served_to(301, FIRST, "KG")]


def never_published(found: Logs, _: dict[Digest, dict[str, bytes]]) -> None:
    found["KZ"].append(served_to(300, Digest.of(b"a bundle that nobody published"), "KG"))


def altered(found: Logs, _: dict[Digest, dict[str, bytes]]) -> None:
    facts = {"contract": WORLD.contract.digest, "bundle": FIRST, "pull": PULL, "evidence": PULL}
    found["KZ"].append(
        entry("KZ", EntryType.PULL_REFUSED, 300, counterpart="KG", code="bundle-damaged", count=1, **facts)
    )


def nobody_signed(found: Logs, _: dict[Digest, dict[str, bytes]]) -> None:
    found["KZ"] = [raw for raw in found["KZ"] if b'"contract.signed"' not in raw]


def dated_ahead(found: Logs, _: dict[Digest, dict[str, bytes]]) -> None:
    found["KZ"].append(entry("KZ", EntryType.HEARTBEAT, 2 * 3600))  # witnesses had seen it an hour before


def unverifiable(_: Logs, files: dict[Digest, dict[str, bytes]]) -> None:
    files[FIRST] = {**files[FIRST], SIGNATURES: b"{}"}


BUNDLES: dict[str, Callable[[Logs, dict[Digest, dict[str, bytes]]], None]] = {
    "published-without-clearance": uncleared,
    "revision-out-of-order": revision_alone,
    "pooled-differs": revision_alone,
    "published-for-another": foreign,
    "wrong-recipient": to_a_stranger,
    "served-after-withdrawal": after_withdrawal,
    "served-without-publication": never_published,
    "stored-bundle-altered": altered,
    "publication-unverifiable": unverifiable,
    "published-without-contract": nobody_signed,
    "served-without-contract": nobody_signed,
    "clock-skew": dated_ahead,
    "revision-not-taken": lambda *_: None,
}


def leaves(module: object) -> set[str]:
    return {
        one.code
        for _, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, FindingError) and one is not FindingError
    }


def test_every_finding_is_tried_or_is_named_as_what_it_is() -> None:
    every = leaves(audit) | leaves(audit_logs) | leaves(audit_holders)
    tables = [COMMAND_ERRORS, WORD_ALONE, BY_ITS_CHECKPOINTS, BY_ITS_WORLD, set(PULLS), set(BUNDLES)]
    assert set().union(*tables) == every
    assert sum(map(len, tables)) == len(every)  # each in one table


@pytest.mark.parametrize(("code", "story"), PULLS.items(), ids=PULLS)
def test_a_pull_that_went_another_way_is_proven_to_anybody(code: str, story: Callable[[PullLogs], object]) -> None:
    said = PullLogs(audited_after=timedelta(days=20))
    story(said)
    finding = next(one for one in reconcile(said.gathered()).findings if one.reason.code == code)
    dossier = replace(filed(said, finding, *said.logs), unanswered=frozenset(said.withheld))
    proven = decided(dossier, said)
    assert (proven.finding.reason.sentence(), proven.finding.party) == (finding.reason.sentence(), finding.party)


@pytest.mark.parametrize(("code", "change"), BUNDLES.items(), ids=BUNDLES)
def test_what_is_wrong_with_a_bundle_or_its_log_is_proven_to_anybody(
    code: str, change: Callable[[Logs, dict[Digest, dict[str, bytes]]], None]
) -> None:
    found = logs()
    both = (WORLD.files, revision())
    files = {bundle_digest(one[MANIFEST]): {name: raw for name, raw in one.items() if name != DATA} for one in both}
    change(found, files)
    for member, entries in found.items():
        entries.append(entry(member, EntryType.HEARTBEAT, int((AUDITED - COSIGNED).total_seconds())))
    seen = {member: shown(member, entries) for member, entries in found.items()}
    views = {member: view_of(member, entries, seen[member]) for member, entries in found.items()}
    signed = {one.digest: one.raw for one in WORLD.statements}
    contracts = {WORLD.contract.digest: WORLD.contract}
    statements = read_statements(views.values(), signed, trust=WORLD.trust)
    federation = Federation(
        at=AUDITED,
        trust=WORLD.trust,
        logs=views,
        publications={
            bundle: read_publication(bundle, one, trust=WORLD.trust, contracts=contracts)
            for bundle, one in files.items()
        },
        contracts=contracts,
        evidence=Evidence(signed=signed),
        force_at=ForceBook(contracts=contracts, statements=statements).force_at,
    )
    finding = next(one for one in reconcile(federation).findings if one.reason.code == code)
    kept = Kept(
        at=AUDITED,
        logs={member: KeptLog(seen=seen[member], entries=entries) for member, entries in found.items()},
        signed=signed,
        unanswered=frozenset(),
        publications=files,
        contracts={WORLD.contract.digest: WORLD.contract.raw},
    )
    dossier, _ = smallest_proof(kept, charge_of(finding), trust=WORLD.trust, codelists=codelists())
    again = decide_again(parse_dossier(format_dossier(dossier)), trust=WORLD.trust, codelists=codelists())
    assert (again.finding.reason.sentence(), again.finding.party) == (finding.reason.sentence(), finding.party)
