"""The form of a clearance: common part, approvals, and the bytes that an officer signs; nothing here is verified."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from exchange.codes import parse_period
from exchange.contract.reference import member_id, member_ids, officer_id
from exchange.encoding import (
    Digest,
    Json,
    JsonObject,
    canonical_json,
    format_instant,
    int_member,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.bundle import SameOfficerError
from exchange.errors.encoding import FieldError
from exchange.manifest import require_supersedes
from exchange.signing.members import ProofKind
from exchange.signing.passkey import PROOF_MEMBERS, PasskeyProof, parse_passkey_proof

CLEARANCE_TYPE = "clearance/1"
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
        labels: SHA-256 over title, sources and licences (`exchange.manifest.labels_digest`).
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
    labels: Digest
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
            "labels": str(self.labels),
            "prepared_by": self.prepared_by,
            "valid_until": format_instant(self.valid_until),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProof:
    """A signature by a registered officer key: the one entry of a detached JWS's `signatures`, base64url both."""

    protected: str
    signature: str = field(repr=False)

    @property
    def signatures(self) -> list[Json]:
        """The bare `signatures` member, as `exchange.signing.jws.verify_signatures` takes it."""
        return [{"protected": self.protected, "signature": self.signature}]

    def as_json(self) -> JsonObject:
        """The members beside the proof's type."""
        return {"signatures": self.signatures}


Proof: TypeAlias = KeyProof | PasskeyProof
"""What shows that the officer decided so; both are over the same statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One officer's decision and its proof."""

    officer: str
    role: str
    at: datetime
    proof: Proof

    @property
    def proof_kind(self) -> ProofKind:
        """Which kind of proof it is; the contract says which kinds count."""
        return ProofKind.OFFICER_KEY if isinstance(self.proof, KeyProof) else ProofKind.WEBAUTHN

    def as_json(self) -> JsonObject:
        """The object under `approvals`."""
        proof: JsonObject = {"type": self.proof_kind.value, **self.proof.as_json()}
        return {**decision(officer=self.officer, role=self.role, at=self.at), "proof": proof}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """The common part and the approvals, sorted by officer."""

    common: ClearanceCommon
    approvals: tuple[Approval, ...]


def decision(*, officer: str, role: str, at: datetime) -> JsonObject:
    """What an officer adds to the common part before signing."""
    return {"decision": "approved", "officer": officer, "role": role, "at": format_instant(at)}


def approval_statement(common: ClearanceCommon, *, officer: str, role: str, at: datetime) -> bytes:
    """The bytes that an officer signs: RFC 8785 of the common part plus the decision."""
    return canonical_json({**common.as_json(), **decision(officer=officer, role=role, at=at)})


def approval_by_passkey(statement: bytes, proof: PasskeyProof) -> Approval:
    """The approval that a statement and an officer's assertion over it make; whether it counts is asked later.

    Args:
        statement: As `approval_statement`, or `exchange.publication.withdrawal.withdrawal_statement`, wrote it.
        proof: The assertion over its digest.

    Raises:
        EncodingError: It is no such statement.
    """
    subject = "statement of an approval"
    said = parse_canonical_object(statement, subject=subject, bytes_max=CLEARANCE_BYTES_MAX)
    return Approval(
        officer=officer_id(said, "officer", subject=subject),
        role=text_member(said, "role", subject=subject),
        at=parse_instant(said.get("at"), subject=f"{subject}: at"),
        proof=proof,
    )


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
    clearance = Clearance(
        common=_parse_common(document["common"]), approvals=parse_approvals(document["approvals"], subject=_SUBJECT)
    )
    if format_clearance(clearance) != raw:
        raise FieldError(subject=_SUBJECT, field="approvals", expected="sorted by officer", found="another order")
    return clearance


def require_distinct(approvals: tuple[Approval, ...]) -> None:
    """Refuse two approvals by one officer.

    Raises:
        SameOfficerError: Names the officer.
    """
    officers = [approval.officer for approval in approvals]
    for index, officer in enumerate(officers):
        if officer in officers[:index]:
            raise SameOfficerError(officer=officer)


def _parse_common(value: Json) -> ClearanceCommon:
    subject = f"{_SUBJECT}: common"
    common = _object(value, subject)
    names = {
        "type", "provider", "contract", "period", "revision", "supersedes", "not_before", "recipients", "data",
        "disclosure", "pooled", "labels", "prepared_by", "valid_until",
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
        labels=Digest.parse(common["labels"], subject=f"{subject}: labels"),
        prepared_by=officer_id(common, "prepared_by", subject=subject),
        valid_until=parse_instant(common["valid_until"], subject=f"{subject}: valid_until"),
    )


def parse_approvals(value: Json, *, subject: str) -> tuple[Approval, ...]:
    """Read a list of approvals, unverified, in the order they stand.

    Raises:
        FieldError, InstantError: Not the one legal form.
        SameOfficerError: Two approvals by one officer.
    """
    if not isinstance(value, list) or len(value) > APPROVALS_MAX:
        expected = f"a list of at most {APPROVALS_MAX}"
        raise FieldError(subject=subject, field="approvals", expected=expected, found=type(value).__name__)
    approvals = tuple(_parse_approval(item, f"{subject}: approval") for item in value)
    require_distinct(approvals)
    return approvals


def _parse_approval(value: Json, subject: str) -> Approval:
    approval = _object(value, subject)
    require_members(approval, {"decision", "officer", "role", "at", "proof"}, subject=subject)
    if approval["decision"] != "approved":
        raise FieldError(subject=subject, field="decision", expected="approved", found="another decision")
    return Approval(
        officer=officer_id(approval, "officer", subject=subject),
        role=text_member(approval, "role", subject=subject),
        at=parse_instant(approval["at"], subject=f"{subject}: at"),
        proof=_parse_proof(_object(approval["proof"], subject), f"{subject}: proof"),
    )


def _parse_proof(proof: JsonObject, subject: str) -> Proof:
    match text_member(proof, "type", subject=subject):
        case ProofKind.OFFICER_KEY:
            require_members(proof, {"type", "signatures"}, subject=subject)
            return _parse_signatures(proof["signatures"], f"{subject}: signatures")
        case ProofKind.WEBAUTHN:
            require_members(proof, {"type", *PROOF_MEMBERS}, subject=subject)
            return parse_passkey_proof({name: proof[name] for name in PROOF_MEMBERS}, subject=subject)
        case other:
            raise FieldError(subject=subject, field="type", expected=", ".join(ProofKind), found=other[:32])


def _parse_signatures(value: Json, subject: str) -> KeyProof:
    if not isinstance(value, list) or len(value) != 1:
        raise FieldError(subject=subject, field="signatures", expected="one signature", found=type(value).__name__)
    signature = _object(value[0], subject)
    require_members(signature, {"protected", "signature"}, subject=subject)
    return KeyProof(
        protected=text_member(signature, "protected", subject=subject),
        signature=text_member(signature, "signature", subject=subject),
    )


def _object(value: Json, subject: str) -> JsonObject:
    if not isinstance(value, dict):
        raise FieldError(subject=subject, field="value", expected="an object", found=type(value).__name__)
    return value
