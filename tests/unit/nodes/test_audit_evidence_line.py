"""Logs that take each other's place: what convicts their member does so before anybody (decision 44)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.evidence import EvidenceUnprovenError
from exchange.flow import ceremony
from exchange.flow.prove import Kept, KeptLog, smallest_proof
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import cosign
from exchange.log.entry import EntryType
from exchange.log.merkle import leaf_hash
from exchange.log.note import format_note
from exchange.log.succession import BEGUN, ENDED
from exchange.reconcile.dossier import Charge, LogCopy
from exchange.reconcile.logs import read_seen
from exchange.signing.keys import KeyPurpose
from tests.unit.nodes.test_audit_evidence_revision import (
    AUDITED,
    WORLD,
    entry,
)
from tests.unit.nodes.test_audit_evidence_told import decided
from tests.world.bundles import COSIGNED
from tests.world.ceremonies import Living
from tests.world.federation import SEVEN
from tests.world.log_by_hand import root_of

EARLIER, NEXT = "kz.exchange.example/log", "kz-2.exchange.example/log"
BEATS = [entry("KZ", EntryType.HEARTBEAT, number) for number in range(4)]
CLOSES = entry("KZ", EntryType.KEY_CHANGED, 10, code=ENDED, evidence=Digest.of(b"keys.json"))
OPENS = entry("KZ", EntryType.KEY_CHANGED, 11, code=BEGUN, evidence=Digest.of(b"closing checkpoint"))


class Line:
    """KZ's log, and the next one that the members name; checkpoints of both, cosigned by all others."""

    def __init__(self, *, cut: int | None = None) -> None:
        self.living = Living(WORLD.federation, at=COSIGNED)
        note = None if cut is None else self.note(EARLIER, BEATS[:cut])
        proposal = ceremony.next_log(
            self.living.base,
            self.living.next_log("KZ", NEXT),
            cut=note,
            overlap=timedelta(hours=72),
            at=self.living.at,
        )
        self.living.decide(proposal, [*self.living.pair("KZ"), *self.living.signers("targets", SEVEN[:4])])

    def note(self, origin: str, entries: list[bytes]) -> bytes:
        """The checkpoint over these entries, signed by this log's key."""
        first = WORLD.federation.signer("KZ", KeyPurpose.LOG)
        signer = first if origin == EARLIER else self.living.log_key(origin)
        head = Checkpoint(origin=origin, size=len(entries), root=root_of([leaf_hash(raw) for raw in entries]))
        note = sign_checkpoint(head, signer=signer)
        names = {other: f"{other.lower()}.exchange.example/witness" for other in sorted({*SEVEN} - {"KZ"})}
        lines = [
            cosign(note.text, at=AUDITED, name=name, signer=WORLD.federation.signer(other, KeyPurpose.WITNESS))
            for other, name in names.items()
        ]
        return format_note(note.with_lines(lines))


def continued() -> tuple[Line, list[bytes], list[bytes]]:
    """The earlier log was closed by its third entry, and its key signed a fourth."""
    line, shown = Line(), [*BEATS[:2], CLOSES, OPENS]
    return line, shown, [line.note(EARLIER, [*BEATS[:2], CLOSES, BEATS[2]]), line.note(NEXT, shown)]


def cut_off() -> tuple[Line, list[bytes], list[bytes]]:
    """The members cut the log after two entries; its key had signed four, more than there are now."""
    line, shown = Line(cut=2), [*BEATS[:2], OPENS]
    return line, shown, [line.note(EARLIER, BEATS), line.note(NEXT, shown)]


def never_opened() -> tuple[Line, list[bytes], list[bytes]]:
    """The next log goes on with a heartbeat where its opening belongs."""
    line, shown = Line(), [*BEATS[:2], CLOSES, BEATS[2]]
    return line, shown, [line.note(NEXT, shown)]


SUCCEEDED: dict[str, tuple[Callable[[], tuple[Line, list[bytes], list[bytes]]], int, dict[str, object]]] = {
    "log-continued": (continued, 3, {"end": 3, "seen": 4}),
    "log-cut": (cut_off, 2, {"end": 2, "seen": 4}),
    "log-succession": (never_opened, 3, {"index": 3, "expected": BEGUN}),
}
"""Who tells it, where the earlier log ended, and what the finding says."""


@pytest.mark.parametrize("code", SUCCEEDED)
def test_a_log_that_did_not_end_where_the_next_begins_is_convicted_by_its_own_checkpoints(code: str) -> None:
    story, end, facts = SUCCEEDED[code]
    line, entries, notes = story()
    trust = line.living.trust
    kept = Kept(
        at=AUDITED,
        logs={"KZ": KeptLog(seen=[read_seen("KZ", note, trust=trust) for note in notes], entries=entries)},
        signed={},
        unanswered=frozenset(),
        publications={},
        contracts={},
    )
    dossier, _ = smallest_proof(kept, Charge(code=code, party="KZ", entries=()), trust=trust, codelists={})
    again = decided(dossier, trust)
    assert (again.finding.reason.code, again.finding.party) == (code, "KZ")
    assert facts.items() <= again.finding.reason.facts.items()
    assert again.word == frozenset()
    (log,) = dossier.logs
    ended = LogCopy(member="KZ", checkpoints=(line.note(EARLIER, entries[:end]),), entries=log.entries[:end])
    with pytest.raises(EvidenceUnprovenError):  # as it stood at its end, and nothing signed beyond
        decided(replace(dossier, logs=(ended,)), trust)
    unsigned = replace(log, checkpoints=tuple(note.replace(b"exchange.example/log\n", b"x/log\n") for note in notes))
    with pytest.raises(ExchangeError):
        decided(replace(dossier, logs=(unsigned,)), trust)
