"""What a party says about a contract stands in the logs of all its parties, or the audit says in whose it does not."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from exchange.encoding import Digest
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.reconcile.logs import view_of
from exchange.reconcile.model import UNDECIDED, Evidence, Federation
from exchange.reconcile.statements import judge_statements
from exchange.signing.trust import RegistryRef
from tests.world.contracts import contract
from tests.world.statements import SIGNED, trust

CONTRACT = contract("CA-01-BORDER")
STATEMENT = Digest.of(b"UZ suspends")
REGISTRY = RegistryRef(version=1, sha256=Digest.of(b"snapshot"))
LATER = SIGNED + timedelta(days=1, hours=1)


def entry(node: str, kind: EntryType, at: datetime) -> bytes:
    said: dict[str, object] = {}
    if kind is not EntryType.HEARTBEAT:
        counterpart = None if node == "UZ" else "UZ"
        said = {"contract": CONTRACT.digest, "evidence": STATEMENT, "counterpart": counterpart}
    return format_entry(LogEntry(type=kind, at=at, node=node, registry=REGISTRY, salt=bytes(16), **said))  # type: ignore[arg-type]  # chosen by type


def federation(
    *, without: str = "", last: datetime = LATER, kind: EntryType = EntryType.CONTRACT_SUSPENDED, known: bool = True
) -> Federation:
    """Every party's log with UZ's statement, but for one; each goes on with a heartbeat."""
    logs = {}
    for member in CONTRACT.members():
        raws = [entry(member, kind, SIGNED)] if member != without else []
        logs[member] = view_of(member, [*raws, entry(member, EntryType.HEARTBEAT, last)], [])
    return Federation(
        at=LATER + timedelta(days=1),
        trust=trust(),
        logs=logs,
        publications={},
        contracts={CONTRACT.digest: CONTRACT} if known else {},
        evidence=Evidence(signed={}),
        force_at=lambda *_: "in-force",
    )


@pytest.mark.parametrize(
    "kind",
    [
        EntryType.CONTRACT_SIGNED,
        EntryType.CONTRACT_SUSPENDED,
        EntryType.CONTRACT_RESUMED,
        EntryType.CONTRACT_ENDED,
    ],
)
def test_a_statement_in_every_party_s_log_is_in_order_and_one_that_a_log_goes_on_without_is_found(
    kind: EntryType,
) -> None:
    assert judge_statements(federation(kind=kind)) == ()
    (found,) = judge_statements(federation(kind=kind, without="KG"))
    assert (found.party, found.reason.code) == (UNDECIDED, "contract-statement-unlogged")
    facts = found.reason.facts
    assert (facts["speaker"], facts["member"], facts["statement"]) == ("UZ", "KG", str(STATEMENT))
    assert found.evidence == (STATEMENT,)


def test_a_party_that_keeps_its_own_word_out_of_its_log_is_at_fault() -> None:
    (found,) = judge_statements(federation(without="UZ"))
    assert (found.party, found.reason.facts["member"]) == ("UZ", "UZ")


def test_a_statement_may_be_on_its_way_for_a_day() -> None:
    assert judge_statements(federation(without="KG", last=SIGNED + timedelta(days=1))) == ()


def test_a_log_that_could_not_be_collected_and_a_contract_that_is_not_known_blame_nobody() -> None:
    whole = federation(without="KG")
    assert judge_statements(replace(whole, logs={m: log for m, log in whole.logs.items() if m != "KG"})) == ()
    assert judge_statements(federation(without="KG", known=False)) == ()


def test_who_is_no_party_needs_no_entry() -> None:
    whole = federation()
    gb = view_of("GB", [entry("GB", EntryType.HEARTBEAT, LATER)], [])
    assert judge_statements(replace(whole, logs={**whole.logs, "GB": gb})) == ()
