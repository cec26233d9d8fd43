"""A withdrawal: officers take a published bundle back, signed, logged and witnessed like the bundle itself.

    withdrawal.json         what, why, when, and two approvals
    withdrawal.jws          detached, over its bytes, by the provider's bundle keys
    withdrawal.tlog-proof   the `bundle.withdrawn` entry, cosigned

An officer signs the RFC 8785 form of `{"common": {type, bundle, reason, at}, decision, officer, role, at}`. What was
pulled cannot be unseen: a withdrawal stops further pulls, and every puller acknowledges it with a receipt.

Source: DESIGN.md §7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from exchange.clearance import Approval, ApprovalClause, decision, parse_approvals, require_proven, sign_with_key
from exchange.clearance.form import require_distinct
from exchange.clearance.rules import CLOCK_SKEW_S_MAX, require_enough
from exchange.encoding import (
    Digest,
    JsonObject,
    canonical_json,
    format_instant,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.bundle import BundleFilesError, WithdrawalError
from exchange.errors.encoding import FieldError
from exchange.log.entry import EntryType, LogEntry
from exchange.log.proof import verify_proof
from exchange.publication.logged import bundle_signers, read_logged, require_counting, require_witnessed
from exchange.signing.jws import sign_detached
from exchange.signing.keys import HybridSigner, Signer
from exchange.signing.trust import Trust

WITHDRAWAL = "withdrawal.json"
WITHDRAWAL_SIGNATURES = "withdrawal.jws"
WITHDRAWAL_PROOF = "withdrawal.tlog-proof"
WITHDRAWAL_FILES = (WITHDRAWAL, WITHDRAWAL_SIGNATURES, WITHDRAWAL_PROOF)
"""What every party may fetch once a bundle is withdrawn."""

WITHDRAWAL_TYPE = "withdrawal/1"
WITHDRAWAL_TYP = "exchange-withdrawal+jws"
WITHDRAWAL_BYTES_MAX = 64 * 1024
REASON_CHARACTERS_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalCommon:
    """What officers approve: this bundle, for this reason.

    Attributes:
        bundle: The bundle's digest.
        reason: For the pullers' eyes, in the provider's words; never a figure.
        at: When it was proposed.
    """

    bundle: Digest
    reason: str
    at: datetime

    def as_json(self) -> JsonObject:
        """The members that stand at the top of `withdrawal.json`."""
        return {
            "type": WITHDRAWAL_TYPE,
            "bundle": str(self.bundle),
            "reason": self.reason,
            "at": format_instant(self.at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """The common part and the approvals, sorted by officer."""

    common: WithdrawalCommon
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedWithdrawal:
    """A withdrawal that took effect, with what the log and its witnesses say of it."""

    withdrawal: Withdrawal
    digest: Digest
    entry: LogEntry
    cosigned_at: datetime


def propose_withdrawal(bundle: Digest, *, reason: str, at: datetime) -> WithdrawalCommon:
    """What officers will be asked to approve.

    Raises:
        WithdrawalError: No reason, or too long a one.
    """
    common = WithdrawalCommon(bundle=bundle, reason=reason.strip(), at=at)
    _require_reason(common)
    return common


def approve_withdrawal(common: WithdrawalCommon, *, officer: str, role: str, at: datetime, signer: Signer) -> Approval:
    """An officer's approval of exactly this, by a registered Ed25519 key."""
    statement = withdrawal_statement(common, officer=officer, role=role, at=at)
    return Approval(officer=officer, role=role, at=at, proof=sign_with_key(statement, signer=signer))


def withdrawal_statement(common: WithdrawalCommon, *, officer: str, role: str, at: datetime) -> bytes:
    """The bytes that an officer signs, or answers with a passkey (`exchange.clearance.passkey.challenge_of`)."""
    return canonical_json({"common": common.as_json(), **decision(officer=officer, role=role, at=at)})


def sign_withdrawal(withdrawal: Withdrawal, *, signer: HybridSigner) -> dict[str, bytes]:
    """The two files that the desk hands to the gateway."""
    raw = format_withdrawal(withdrawal)
    parse_withdrawal(raw)  # nothing is signed that a reader would refuse
    return {
        WITHDRAWAL: raw,
        WITHDRAWAL_SIGNATURES: sign_detached(raw, typ=WITHDRAWAL_TYP, signers=signer.signers),
    }


def format_withdrawal(withdrawal: Withdrawal) -> bytes:
    """The RFC 8785 bytes of `withdrawal.json`."""
    approvals = sorted(withdrawal.approvals, key=lambda approval: approval.officer)
    return canonical_json({**withdrawal.common.as_json(), "approvals": [one.as_json() for one in approvals]})


def parse_withdrawal(raw: bytes) -> Withdrawal:
    """Read `withdrawal.json`, unverified.

    Raises:
        EncodingError, FieldError: Not the one legal form.
        SameOfficerError: Two approvals by one officer.
        WithdrawalError: No reason, or too long a one.
    """
    document = parse_canonical_object(raw, subject=WITHDRAWAL, bytes_max=WITHDRAWAL_BYTES_MAX)
    require_members(document, {"type", "bundle", "reason", "at", "approvals"}, subject=WITHDRAWAL)
    if document["type"] != WITHDRAWAL_TYPE:
        found = str(document["type"])[:80]
        raise FieldError(subject=WITHDRAWAL, field="type", expected=WITHDRAWAL_TYPE, found=found)
    common = WithdrawalCommon(
        bundle=Digest.parse(document["bundle"], subject=f"{WITHDRAWAL}: bundle"),
        reason=text_member(document, "reason", subject=WITHDRAWAL),
        at=parse_instant(document["at"], subject=f"{WITHDRAWAL}: at"),
    )
    _require_reason(common)
    withdrawal = Withdrawal(common=common, approvals=parse_approvals(document["approvals"], subject=WITHDRAWAL))
    if format_withdrawal(withdrawal) != raw:
        raise FieldError(subject=WITHDRAWAL, field="approvals", expected="sorted by officer", found="another order")
    return withdrawal


def verify_signed(
    files: Mapping[str, bytes],
    *,
    bundle: Digest,
    provider: str,
    trust: Trust,
    at: datetime,
    clause: ApprovalClause | None,
) -> Withdrawal:
    """A withdrawal as the gateway takes it from the desk: approved and signed, not logged yet.

    Args:
        files: `withdrawal.json` and `withdrawal.jws` by name.
        bundle: The bundle that it must be about.
        provider: Whose bundle that is.
        trust: The registry.
        at: When keys and officers are judged: now, or the cosigned time.
        clause: The contract's clause on approvals; None where the contract is absent: then the least rules hold.

    Raises:
        BundleFilesError: A file is missing.
        WithdrawalError: About another bundle, or dated ahead.
        TrustError: A signature does not hold, or its key does not count at this time.
        ClearanceError: An approval does not count, or there are too few.
    """
    raw = _file(files, WITHDRAWAL)
    withdrawal = parse_withdrawal(raw)
    common = withdrawal.common
    if common.bundle != bundle:
        raise WithdrawalError(bundle=str(bundle), field="bundle", expected=str(bundle), found=str(common.bundle))
    if common.at > at + timedelta(seconds=CLOCK_SKEW_S_MAX):
        raise WithdrawalError(
            bundle=str(bundle), field="at", expected=f"{format_instant(at)} or before", found=format_instant(common.at)
        )
    signatures = _file(files, WITHDRAWAL_SIGNATURES)
    signed_by = bundle_signers(signatures, raw, typ=WITHDRAWAL_TYP, provider=provider, trust=trust)
    require_counting(signed_by, file=WITHDRAWAL_SIGNATURES, provider=provider, trust=trust, at=at)
    require_withdrawal_approved(withdrawal, provider=provider, trust=trust, at=at, clause=clause)
    return withdrawal


def require_withdrawal_approved(
    withdrawal: Withdrawal, *, provider: str, trust: Trust, at: datetime, clause: ApprovalClause | None
) -> None:
    """Refuse a withdrawal that lacks approvals, or has one that does not count; arguments as in `verify_signed`.

    Raises:
        ClearanceError: A leaf for each rule.
    """
    require_distinct(withdrawal.approvals)
    require_enough(
        [
            require_proven(
                withdrawal_statement(withdrawal.common, officer=one.officer, role=one.role, at=one.at),
                one,
                provider=provider,
                trust=trust,
                at=at,
                clause=clause,
            )
            for one in withdrawal.approvals
        ],
        clause=clause,
    )


def verify_withdrawal(
    files: Mapping[str, bytes],
    *,
    bundle: Digest,
    contract: Digest,
    provider: str,
    trust: Trust,
    clause: ApprovalClause | None,
) -> PublishedWithdrawal:
    """A withdrawal as everybody verifies it, at the time that the witnesses' cosignatures give it.

    Args:
        files: The three files by name.
        bundle: The bundle that it must be about.
        contract: The digest of that bundle's contract.
        provider: Whose bundle that is.
        trust: The registry; one opened with expired="notice" serves for old withdrawals.
        clause: The contract's clause on approvals; None where the contract is absent.

    Raises:
        ExchangeError: The first check that does not hold; as in `verify_signed`, and
        WithdrawalError: The logged entry says something else.
        LogError: The entry is not in the witnessed log.
    """
    proof, entry = read_logged(_file(files, WITHDRAWAL_PROOF))
    required: dict[str, tuple[str, str]] = {
        "type": (EntryType.BUNDLE_WITHDRAWN.value, entry.type.value),
        "node": (provider, entry.node),
        "bundle": (str(bundle), str(entry.bundle)),
        "contract": (str(contract), str(entry.contract)),
        "evidence": (str(Digest.of(_file(files, WITHDRAWAL_SIGNATURES))), str(entry.evidence)),
    }
    for field, (expected, found) in required.items():
        if expected != found:
            raise WithdrawalError(bundle=str(bundle), field=f"entry: {field}", expected=expected, found=found)
    policy, cosigned = require_witnessed(proof.checkpoint_note, provider=provider, trust=trust)
    verify_proof(proof, proof.extra or b"", policy)
    withdrawal = verify_signed(
        files, bundle=bundle, provider=provider, trust=trust, at=cosigned.cosigned_at, clause=clause
    )
    return PublishedWithdrawal(
        withdrawal=withdrawal,
        digest=Digest.of(files[WITHDRAWAL]),
        entry=entry,
        cosigned_at=cosigned.cosigned_at,
    )


def _require_reason(common: WithdrawalCommon) -> None:
    if not 0 < len(common.reason) <= REASON_CHARACTERS_MAX or common.reason != common.reason.strip():
        raise WithdrawalError(
            bundle=str(common.bundle),
            field="reason",
            expected=f"1 to {REASON_CHARACTERS_MAX} characters without outer spaces",
            found=f"{len(common.reason)} characters",
        )


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise BundleFilesError(expected=name, found=", ".join(sorted(files)) or "nothing")
    return files[name]
