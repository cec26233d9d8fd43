"""A fork that was shown to one partner alone convicts its owner for ever; a stolen log key frames nobody."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from exchange.encoding import Digest
from exchange.errors.evidence import EvidenceUnprovenError
from exchange.flow.audit import decide_again
from exchange.flow.prove import Kept, KeptLog, smallest_proof
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import cosign
from exchange.log.entry import format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignatureKind, VerifierKey, format_note, parse_vkey
from exchange.log.policy import format_policy, quorum_policy
from exchange.log.tree import TreeState
from exchange.reconcile.dossier import Charge, format_dossier, parse_dossier
from exchange.reconcile.logs import read_seen
from exchange.signing.keys import NOTE_COSIGNATURE, NOTE_ED25519, KeyPurpose, SoftwareSigner, note_vkey
from exchange.signing.members import Member, MemberKey
from exchange.signing.trust import Trust
from tests.world.federation import signer
from tests.world.pull_logs import NOON, PullLogs

COSIGNED, ENDED, ISSUED = (NOON + timedelta(minutes=minutes) for minutes in (1, 10, 60))
KZ, KG = "kz.example/log", "kg.example/log"
WITNESSES = ("TJ", "IOM")
FORKED = Charge(code="log-forked", party="KZ", entries=())


def checkpoint(origin: str, key: str, size: int, root: bytes, *, cosigned: datetime | None = None) -> bytes:
    note = sign_checkpoint(Checkpoint(origin=origin, size=size, root=root), signer=signer(key))
    names = WITNESSES if cosigned is not None else ()
    lines = [cosign(note.text, at=cosigned or NOON, name=name, signer=signer(f"{name}/witness")) for name in names]
    return format_note(note.with_lines(lines))


def root_over(entries: Sequence[bytes]) -> bytes:
    return TreeState().append([leaf_hash(entry) for entry in entries])[0].root()


def log_key(origin: str, name: str, *, begins: datetime = NOON, ends: datetime | None = None) -> MemberKey:
    key: SoftwareSigner = signer(name)
    vkey = note_vkey(origin, key.public, NOTE_ED25519)
    return MemberKey(purpose=KeyPurpose.LOG, key=key.public, vkey=vkey, valid_from=begins, revoked_at=ends)


def registry(logs: PullLogs, *, transport_ends: datetime | None = None) -> Trust:
    """KZ's first log key was revoked at ENDED and replaced; KG's log has two witnesses."""
    bare = logs.gathered().trust

    def logging(member: Member) -> Member:
        if member.id == "KZ":
            transport = (replace(one, revoked_at=transport_ends) for one in member.keys)
            keys = (*transport, log_key(KZ, "KZ/log", ends=ENDED), log_key(KZ, "KZ/log 2", begins=ENDED))
        else:
            keys = (*member.keys, log_key(f"{member.id.lower()}.example/log", f"{member.id}/log"))
        return replace(member, log_vkey=keys[-1].vkey or "", keys=keys)

    def vkey(text: str, kind: SignatureKind) -> VerifierKey:
        return parse_vkey(text, kind=kind)

    members = {name: logging(member) for name, member in bare.members.items()}
    witnesses = {
        name: vkey(note_vkey(name, signer(f"{name}/witness").public, NOTE_COSIGNATURE), SignatureKind.COSIGNATURE)
        for name in WITNESSES
    }
    policy = quorum_policy(vkey(members["KG"].log_vkey, SignatureKind.LOG), witnesses)
    return replace(bare, members=members, issued=ISSUED, policies={"KG": format_policy(policy)})


def kept(*, cosigned: datetime | None = COSIGNED, signed_by: str = "KZ", named: bool = True) -> tuple[PullLogs, Kept]:
    """What an auditor has that heard of the fork from KG's delivery only."""
    logs = PullLogs()
    pull = logs.request()
    index = logs.serve(pull)
    entries = {member: [format_entry(one) for one in logs.logs[member]] for member in ("KZ",)}
    honest = checkpoint(KZ, "KZ/log 2", index + 1, root_over(entries["KZ"]))
    fork = checkpoint(KZ, "KZ/log", index + 1, bytes(32))
    delivery = logs.deliver(pull, checkpoint=fork.decode(), signed_by=signed_by)
    logs.take(pull, delivery if named else Digest.of(b"another delivery"))
    entries["KG"] = [format_entry(one) for one in logs.logs["KG"]]
    taken = checkpoint(KG, "KG/log", len(entries["KG"]), root_over(entries["KG"]), cosigned=cosigned)
    trust = registry(logs)
    seen = {
        "KZ": [read_seen("KZ", honest, trust=trust), read_seen("KZ", fork, trust=trust, vouched=True)],
        "KG": [read_seen("KG", taken, trust=trust)],
    }
    everything = Kept(
        at=ISSUED,
        logs={member: KeptLog(seen=seen[member], entries=entries[member]) for member in ("KG", "KZ")},
        signed={**logs.signed, Digest.of(b"statement"): b"statement"},
        unanswered=frozenset(),
        publications={},
        contracts={},
    )
    return logs, everything


@pytest.mark.parametrize(
    ("cosigned", "transport_ends"),
    [
        pytest.param(COSIGNED, None, id="witnessed before the log key ended"),
        pytest.param(ENDED + timedelta(minutes=1), None, id="handed out after it, by KZ's living transport key"),
        pytest.param(COSIGNED, ENDED, id="witnessed before both keys ended"),
    ],
)
def test_a_fork_in_a_partners_delivery_is_proven_to_anybody_after_the_log_key_was_revoked(
    cosigned: datetime, transport_ends: datetime | None
) -> None:
    logs, everything = kept(cosigned=cosigned)
    trust = registry(logs, transport_ends=transport_ends)
    dossier, _ = smallest_proof(everything, FORKED, trust=trust, codelists={})
    assert [log.member for log in dossier.logs] == ["KG", "KZ"]  # whom it was shown, and whose it is
    proven = decide_again(parse_dossier(format_dossier(dossier)), trust=trust, codelists={})
    assert (proven.finding.reason.code, proven.finding.party) == ("log-forked", "KZ")
    assert "two histories" in proven.finding.reason.sentence()


FRAMED: dict[str, tuple[Callable[[], tuple[PullLogs, Kept]], datetime | None]] = {
    "nobody witnessed that the partner had it": (lambda: kept(cosigned=None), None),
    "witnessed after both keys had ended": (lambda: kept(cosigned=ENDED + timedelta(minutes=1)), ENDED),
    "a delivery that another member signed": (lambda: kept(signed_by="TJ"), None),
    "a delivery that the partner's log does not name": (lambda: kept(named=False), None),
}


@pytest.mark.parametrize(("stage", "transport_ends"), FRAMED.values(), ids=FRAMED)
def test_a_stolen_log_key_and_a_willing_partner_frame_nobody(
    stage: Callable[[], tuple[PullLogs, Kept]], transport_ends: datetime | None
) -> None:
    logs, everything = stage()
    with pytest.raises(EvidenceUnprovenError):
        smallest_proof(everything, FORKED, trust=registry(logs, transport_ends=transport_ends), codelists={})
