"""The clearance `clearance.json`: what exactly officers let leave the country, and each officer's proof (DESIGN.md §6).

The common part names the digests of the table and of its disclosure report, the readers and the last day. Each officer
signs the RFC 8785 form of the common part plus `{decision, officer, role, at}`. Nothing is approved in general: change
one byte of what leaves and every approval is void, because the signatures are over its digest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from exchange.codes import parse_period
from exchange.contract.model import DataContract
from exchange.contract.reference import member_id, member_ids, officer_id
from exchange.encoding import (
    Digest,
    Json,
    JsonObject,
    base64url_encode,
    canonical_json,
    format_instant,
    int_member,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.bundle import (
    ApprovalSignatureError,
    ApprovalsMissingError,
    ApprovalTimeError,
    ClearanceExpiredError,
    ClearanceValidityError,
    ForeignOfficerError,
    OfficerRoleError,
    PreparerApprovesError,
    ProofKindError,
    SameOfficerError,
    UnregisteredOfficerError,
)
from exchange.errors.encoding import FieldError
from exchange.errors.trust import TrustError, UnknownOfficerError
from exchange.manifest import require_supersedes
from exchange.signing.jws import sign_signatures, verify_signatures
from exchange.signing.keys import Algorithm, Signer
from exchange.signing.trust import MemberKey, Trust

CLEARANCE_TYPE = "clearance/1"
APPROVAL_TYP = "exchange-approval+jws"
OFFICER_KEY = "officer-key"
CLEARING_ROLE = "clearing"

OFFICERS_MIN = 2
"""Four eyes: no contract may ask for fewer."""
VALIDITY_DAYS_MAX = 30
CLOCK_SKEW_S_MAX = 300
"""A desk's clock may run ahead of the witnesses' by this much."""
CLEARANCE_BYTES_MAX = 64 * 1024
APPROVALS_MAX = 16

_SUBJECT = "clearance.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearanceCommon:
    """What every officer of one clearance approves: these bytes, for these readers, until then.

    Attributes:
        contract: The contract's digest.
        data: SHA-256 of data.csv.
        disclosure: SHA-256 of disclosure.json.
        pooled: What the disclosure ledger held when it was audited (`exchange.report.pooled_digest`).
        prepared_by: The officer who made the candidate, and who therefore cannot approve it.
        valid_until: The cosigned time of the publication may not lie after it.
    """

    provider: str
    contract: Digest
    period: str
    revision: int
    supersedes: Digest | None
    not_before: datetime
    recipients: tuple[str, ...]
    data: Digest
    disclosure: Digest
    pooled: Digest
    prepared_by: str
    valid_until: datetime

    def as_json(self) -> JsonObject:
        """The object under `common`."""
        return {
            "type": CLEARANCE_TYPE,
            "provider": self.provider,
            "contract": str(self.contract),
            "period": self.period,
            "revision": self.revision,
            "supersedes": None if self.supersedes is None else str(self.supersedes),
            "not_before": format_instant(self.not_before),
            "recipients": list(self.recipients),
            "data": str(self.data),
            "disclosure": str(self.disclosure),
            "pooled": str(self.pooled),
            "prepared_by": self.prepared_by,
            "valid_until": format_instant(self.valid_until),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One officer's decision and its proof: the bare `signatures` member of a detached JWS."""

    officer: str
    role: str
    at: datetime
    proof_kind: str
    signatures: tuple[tuple[str, str], ...]  # (protected, signature), both base64url

    def as_json(self) -> JsonObject:
        """The object under `approvals`."""
        signatures: list[Json] = [{"protected": head, "signature": signed} for head, signed in self.signatures]
        return {**self.decision(), "proof": {"type": self.proof_kind, "signatures": signatures}}

    def decision(self) -> JsonObject:
        """What the officer adds to the common part before signing."""
        return {"decision": "approved", "officer": self.officer, "role": self.role, "at": format_instant(self.at)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """The common part and the approvals, sorted by officer."""

    common: ClearanceCommon
    approvals: tuple[Approval, ...]


class ApprovalClause(Protocol):
    """What a clearance needs of a contract; `ApprovalRules` is one."""

    @property
    def officers_min(self) -> int:
        """How many officers."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """In which roles."""
        ...

    @property
    def proofs(self) -> tuple[str, ...]:
        """By which kinds of proof."""
        ...


def approval_payload(common: ClearanceCommon, approval: Approval) -> bytes:
    """The bytes that an officer signs: RFC 8785 of the common part plus the decision."""
    return canonical_json({**common.as_json(), **approval.decision()})


def approve(common: ClearanceCommon, *, officer: str, role: str, at: datetime, signer: Signer) -> Approval:
    """An officer's approval of exactly this common part, by a registered Ed25519 key.

    Raises:
        PreparerApprovesError: The officer who made the candidate.
        ClearanceExpiredError, ClearanceValidityError: `valid_until` lies before `at`, or over 30 days after it.
    """
    bare = Approval(officer=officer, role=role, at=at, proof_kind=OFFICER_KEY, signatures=())
    _require_not_preparer(common, officer)
    require_valid_until(common.valid_until, at=at)
    require_valid_until_within(common.valid_until, at=at)
    signatures = sign_signatures(approval_payload(common, bare), typ=APPROVAL_TYP, signers=[signer])
    return replace(bare, signatures=tuple((signed["protected"], signed["signature"]) for signed in signatures))


def format_clearance(clearance: Clearance) -> bytes:
    """The RFC 8785 bytes of `clearance.json`."""
    approvals = sorted(clearance.approvals, key=lambda approval: approval.officer)
    return canonical_json(
        {"common": clearance.common.as_json(), "approvals": [approval.as_json() for approval in approvals]}
    )


def parse_clearance(raw: bytes) -> Clearance:
    """Read `clearance.json`, unverified.

    Raises:
        JsonError, CanonicalJsonError, FieldError, DigestError, InstantError, SupersedesError: Not the one legal form.
        SameOfficerError: Two approvals by one officer.
    """
    document = parse_canonical_object(raw, subject=_SUBJECT, bytes_max=CLEARANCE_BYTES_MAX)
    require_members(document, {"common", "approvals"}, subject=_SUBJECT)
    listed = document["approvals"]
    if not isinstance(listed, list) or len(listed) > APPROVALS_MAX:
        expected = f"a list of at most {APPROVALS_MAX}"
        raise FieldError(subject=_SUBJECT, field="approvals", expected=expected, found=type(listed).__name__)
    clearance = Clearance(
        common=_parse_common(document["common"]), approvals=tuple(_parse_approval(item) for item in listed)
    )
    _require_distinct([approval.officer for approval in clearance.approvals])
    if format_clearance(clearance) != raw:
        raise FieldError(
            subject=_SUBJECT, field="approvals", expected="sorted by officer", found=f"{len(listed)} out of order"
        )
    return clearance


def verify_clearance(raw: bytes, *, trust: Trust, at: datetime, contract: DataContract | None) -> Clearance:
    """The clearance, if enough registered officers of the provider approved exactly this (DESIGN.md §6).

    Args:
        raw: The bytes of `clearance.json`.
        trust: The registry.
        at: When it takes effect: the cosigned time of the publication, or now at the desk and the gateway.
        contract: The contract in force, or None where it is absent: then the least rules hold.

    Raises:
        ClearanceError: A leaf for each rule.
    """
    clearance = parse_clearance(raw)
    require_approved(clearance, trust=trust, at=at, clause=None if contract is None else contract.approvals)
    return clearance


def require_approved(clearance: Clearance, *, trust: Trust, at: datetime, clause: ApprovalClause | None) -> None:
    """Refuse a clearance that lacks approvals, or has one that does not count; see `verify_clearance`."""
    common = clearance.common
    require_valid_until(common.valid_until, at=at)
    keys = [require_counting(common, approval, trust=trust, at=at, clause=clause) for approval in clearance.approvals]
    _require_distinct([approval.officer for approval in clearance.approvals])
    needed = max(OFFICERS_MIN, 0 if clause is None else clause.officers_min)
    found = len({key.key.kid for key in keys})  # one key under two officer ids is one pair of eyes
    if found < needed:
        raise ApprovalsMissingError(expected=needed, found=found)


def require_counting(
    common: ClearanceCommon, approval: Approval, *, trust: Trust, at: datetime, clause: ApprovalClause | None
) -> MemberKey:
    """The registered key behind an approval that counts.

    Raises:
        PreparerApprovesError, UnregisteredOfficerError, ForeignOfficerError, OfficerRoleError, ProofKindError,
        ApprovalTimeError, ClearanceValidityError, ApprovalSignatureError: Each for its rule.
    """
    _require_not_preparer(common, approval.officer)
    try:
        member, key = trust.officer(approval.officer, at=at)
    except UnknownOfficerError as error:
        raise UnregisteredOfficerError(officer=approval.officer, at=format_instant(at)) from error
    if member != common.provider:
        raise ForeignOfficerError(officer=approval.officer, expected=common.provider, found=member)
    _require_role(approval, key, clause)
    _require_proof_kind(approval, clause)
    _require_time(common, approval, at)
    payload = base64url_encode(approval_payload(common, approval))
    shown: Json = [{"protected": head, "signature": signed} for head, signed in approval.signatures]
    try:
        verify_signatures(shown, payload, typ=APPROVAL_TYP, keys=[key.key], algorithms=[Algorithm.ED25519])
    except TrustError as error:
        raise ApprovalSignatureError(officer=approval.officer, reason=error.code) from error
    return key


def require_valid_until(valid_until: datetime, *, at: datetime) -> None:
    """Refuse a clearance that ran out.

    Raises:
        ClearanceExpiredError: `at` lies after `valid_until`.
    """
    if at > valid_until:
        raise ClearanceExpiredError(valid_until=format_instant(valid_until), at=format_instant(at))


def require_valid_until_within(valid_until: datetime, *, at: datetime) -> None:
    """Refuse an approval that would hold for too long.

    Raises:
        ClearanceValidityError: More than 30 days.
    """
    if valid_until - at > timedelta(days=VALIDITY_DAYS_MAX):
        raise ClearanceValidityError(
            valid_until=format_instant(valid_until), days_max=VALIDITY_DAYS_MAX, at=format_instant(at)
        )


def _require_not_preparer(common: ClearanceCommon, officer: str) -> None:
    if officer == common.prepared_by:
        raise PreparerApprovesError(officer=officer)


def _require_distinct(officers: Sequence[str]) -> None:
    for index, officer in enumerate(officers):
        if officer in officers[:index]:
            raise SameOfficerError(officer=officer)


def _require_role(approval: Approval, key: MemberKey, clause: ApprovalClause | None) -> None:
    allowed = set(key.roles) & set((CLEARING_ROLE,) if clause is None else clause.roles)
    if approval.role not in allowed:
        expected = ", ".join(sorted(allowed)) or "no role of this officer"
        raise OfficerRoleError(officer=approval.officer, expected=expected, found=approval.role)


def _require_proof_kind(approval: Approval, clause: ApprovalClause | None) -> None:
    # The one kind that this version verifies; a contract may forbid it, and then nothing of it counts.
    allowed = {OFFICER_KEY} & set((OFFICER_KEY,) if clause is None else clause.proofs)
    if approval.proof_kind not in allowed:
        expected = ", ".join(sorted(allowed)) or "no kind of proof known here"
        raise ProofKindError(officer=approval.officer, expected=expected, found=approval.proof_kind)


def _require_time(common: ClearanceCommon, approval: Approval, at: datetime) -> None:
    latest = min(common.valid_until, at + timedelta(seconds=CLOCK_SKEW_S_MAX))
    if approval.at > latest:
        raise ApprovalTimeError(
            officer=approval.officer, expected=format_instant(latest), found=format_instant(approval.at)
        )
    require_valid_until_within(common.valid_until, at=approval.at)


def _parse_common(value: Json) -> ClearanceCommon:
    subject = f"{_SUBJECT}: common"
    common = _object(value, subject)
    names = {
        "type", "provider", "contract", "period", "revision", "supersedes", "not_before", "recipients", "data",
        "disclosure", "pooled", "prepared_by", "valid_until",
    }  # fmt: skip
    require_members(common, names, subject=subject)
    if common["type"] != CLEARANCE_TYPE:
        raise FieldError(subject=subject, field="type", expected=CLEARANCE_TYPE, found=str(common["type"])[:80])
    revision = int_member(common, "revision", subject=subject)
    supersedes = None if common["supersedes"] is None else Digest.parse(common["supersedes"], subject=subject)
    require_supersedes(revision, supersedes, subject=_SUBJECT)
    period = text_member(common, "period", subject=subject)
    parse_period(period)
    return ClearanceCommon(
        provider=member_id(common, "provider", subject=subject),
        contract=Digest.parse(common["contract"], subject=f"{subject}: contract"),
        period=period,
        revision=revision,
        supersedes=supersedes,
        not_before=parse_instant(common["not_before"], subject=f"{subject}: not_before"),
        recipients=member_ids(common, "recipients", subject=subject),
        data=Digest.parse(common["data"], subject=f"{subject}: data"),
        disclosure=Digest.parse(common["disclosure"], subject=f"{subject}: disclosure"),
        pooled=Digest.parse(common["pooled"], subject=f"{subject}: pooled"),
        prepared_by=officer_id(common, "prepared_by", subject=subject),
        valid_until=parse_instant(common["valid_until"], subject=f"{subject}: valid_until"),
    )


def _parse_approval(value: Json) -> Approval:
    subject = f"{_SUBJECT}: approval"
    approval = _object(value, subject)
    require_members(approval, {"decision", "officer", "role", "at", "proof"}, subject=subject)
    if approval["decision"] != "approved":
        raise FieldError(subject=subject, field="decision", expected="approved", found="another decision")
    proof = _object(approval["proof"], subject)
    require_members(proof, {"type", "signatures"}, subject=f"{subject}: proof")
    return Approval(
        officer=officer_id(approval, "officer", subject=subject),
        role=text_member(approval, "role", subject=subject),
        at=parse_instant(approval["at"], subject=f"{subject}: at"),
        proof_kind=text_member(proof, "type", subject=subject),
        signatures=_parse_signatures(proof["signatures"]),
    )


def _parse_signatures(value: Json) -> tuple[tuple[str, str], ...]:
    subject = f"{_SUBJECT}: signatures"
    if not isinstance(value, list) or len(value) != 1:
        raise FieldError(subject=subject, field="signatures", expected="one signature", found=type(value).__name__)
    signature = _object(value[0], subject)
    require_members(signature, {"protected", "signature"}, subject=subject)
    return (
        (text_member(signature, "protected", subject=subject), text_member(signature, "signature", subject=subject)),
    )


def _object(value: Json, subject: str) -> JsonObject:
    if not isinstance(value, dict):
        raise FieldError(subject=subject, field="value", expected="an object", found=type(value).__name__)
    return value
