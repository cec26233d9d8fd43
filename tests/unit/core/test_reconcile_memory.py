"""An audit remembers whose signature it found good over which bytes: true for ever, and never more than that."""

from dataclasses import replace

from exchange.encoding import Digest
from exchange.receipt import DELIVERY_TYP, RECEIPT_TYP, evidence_digest
from exchange.reconcile import reconcile
from exchange.reconcile.model import Federation
from tests.world.pull_logs import PullLogs


def broken(token: bytes) -> bytes:
    """The same token with another signature, and so another digest."""
    signed, _, signature = token.rpartition(b".")
    return signed + b"." + b"A" * 11 + signature[11:]


def with_broken_delivery() -> tuple[PullLogs, Digest]:
    """KG took a delivery whose signature does not hold, and says so itself."""
    logs = PullLogs()
    logs.publish()
    pull = logs.request()
    logs.serve(pull)
    token = broken(logs.signed[logs.deliver(pull)])
    delivery = evidence_digest(token.decode())
    logs.signed[delivery] = token
    logs.give(pull, delivery, logs.take(pull, delivery))
    return logs, delivery


def remembering(logs: PullLogs, digest: Digest, typ: str, member: str) -> Federation:
    gathered = logs.gathered()
    proven = {digest: (typ, logs.key(member).public.kid)}
    return replace(gathered, evidence=replace(gathered.evidence, proven=proven))


def codes(federation: Federation) -> list[str]:
    return [found.reason.code for found in reconcile(federation).findings]


def test_an_audit_remembers_each_delivery_and_receipt_with_its_type_and_key() -> None:
    logs = PullLogs()
    logs.publish()
    logs.honest_pull()
    federation = logs.gathered()
    assert codes(federation) == []
    log = {entry.type: entry for member in ("KZ", "KG") for entry in logs.logs[member]}
    assert federation.evidence.proven == {
        log["bundle.received"].evidence: (DELIVERY_TYP, logs.key("KZ").public.kid),  # type: ignore[index]  # StrEnum
        log["receipt.given"].evidence: (RECEIPT_TYP, logs.key("KG").public.kid),  # type: ignore[index]  # StrEnum
    }


def test_a_signature_that_was_found_good_is_not_verified_again() -> None:
    logs, delivery = with_broken_delivery()
    assert codes(logs.gathered()) == ["accepted-without-delivery"]
    assert codes(remembering(logs, delivery, DELIVERY_TYP, "KZ")) == []


def test_a_good_signature_by_a_key_that_does_not_count_proves_nothing() -> None:
    logs, delivery = with_broken_delivery()
    assert codes(remembering(logs, delivery, DELIVERY_TYP, "TJ")) == ["accepted-without-delivery"]


def test_a_good_signature_over_another_kind_of_document_proves_nothing() -> None:
    logs, delivery = with_broken_delivery()
    assert codes(remembering(logs, delivery, RECEIPT_TYP, "KZ")) == ["accepted-without-delivery"]


def test_what_was_found_bad_is_not_remembered() -> None:
    logs, delivery = with_broken_delivery()
    federation = logs.gathered()
    reconcile(federation)
    assert delivery not in federation.evidence.proven
