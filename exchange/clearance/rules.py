"""The rules of clearing: four eyes, of the right country, in the right role, in time, over exactly these bytes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from exchange.clearance.form import (
    Approval,
    Clearance,
    ClearanceCommon,
    KeyProof,
    approval_statement,
    parse_clearance,
    require_distinct,
)
from exchange.clearance.passkey import verify_passkey
from exchange.contract.model import DataContract
from exchange.encoding import base64url_encode, format_instant
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
    UnregisteredOfficerError,
)
from exchange.errors.trust import TrustError, UnknownOfficerError
from exchange.signing.jws import sign_signatures, verify_signatures
from exchange.signing.keys import Algorithm, PublicKey, Signer
from exchange.signing.members import ProofKind
from exchange.signing.passkey import PasskeyCredential, PasskeyProof
from exchange.signing.trust import MemberKey, Trust

APPROVAL_TYP = "exchange-approval+jws"
CLEARING_ROLE = "clearing"

OFFICERS_MIN = 2
"""Four eyes: no contract may ask for fewer."""
VALIDITY_DAYS_MAX = 30
CLOCK_SKEW_S_MAX = 300
"""A desk's clock may run ahead of the witnesses' by this much."""


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


def approve(common: ClearanceCommon, *, officer: str, role: str, at: datetime, signer: Signer) -> Approval:
    """An officer's approval of exactly this common part, by a registered Ed25519 key.

    Raises:
        PreparerApprovesError: The officer who made the candidate.
        ClearanceExpiredError, ClearanceValidityError: `valid_until` lies before `at`, or over 30 days after it.
    """
    statement = statement_to_approve(common, officer=officer, role=role, at=at)
    return Approval(officer=officer, role=role, at=at, proof=sign_with_key(statement, signer=signer))


def statement_to_approve(common: ClearanceCommon, *, officer: str, role: str, at: datetime) -> bytes:
    """The bytes that an officer is asked to sign, or to answer with a passkey (`challenge_of`).

    Raises:
        PreparerApprovesError: The officer who made the candidate.
        ClearanceExpiredError, ClearanceValidityError: `valid_until` lies before `at`, or over 30 days after it.
    """
    _require_not_preparer(common, officer)
    require_valid_until(common.valid_until, at=at)
    require_valid_until_within(common.valid_until, at=at)
    return approval_statement(common, officer=officer, role=role, at=at)


def sign_with_key(statement: bytes, *, signer: Signer) -> KeyProof:
    """A registered officer key's proof over a statement."""
    (signed,) = sign_signatures(statement, typ=APPROVAL_TYP, signers=[signer])
    return KeyProof(protected=signed["protected"], signature=signed["signature"])


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
    _require_registered_preparer(common, trust=trust, at=at)
    keys = [require_counting(common, approval, trust=trust, at=at, clause=clause) for approval in clearance.approvals]
    require_distinct(clearance.approvals)
    require_enough(keys, clause=clause)


def require_counting(
    common: ClearanceCommon, approval: Approval, *, trust: Trust, at: datetime, clause: ApprovalClause | None
) -> MemberKey:
    """The registered key behind an approval that counts.

    Raises:
        PreparerApprovesError, UnregisteredOfficerError, ForeignOfficerError, OfficerRoleError, ProofKindError,
        ApprovalTimeError, ClearanceValidityError, ApprovalSignatureError: Each for its rule.
    """
    _require_not_preparer(common, approval.officer)
    _require_time(approval, latest=min(common.valid_until, at + timedelta(seconds=CLOCK_SKEW_S_MAX)))
    require_valid_until_within(common.valid_until, at=approval.at)
    statement = approval_statement(common, officer=approval.officer, role=approval.role, at=approval.at)
    return require_proven(statement, approval, provider=common.provider, trust=trust, at=at, clause=clause)


def require_proven(
    statement: bytes, approval: Approval, *, provider: str, trust: Trust, at: datetime, clause: ApprovalClause | None
) -> MemberKey:
    """The registered key or passkey of an officer of the provider who may decide, and stated exactly this.

    Raises:
        UnregisteredOfficerError, ForeignOfficerError, OfficerRoleError, ProofKindError, ApprovalTimeError,
        ApprovalSignatureError: Each for its rule.
    """
    _require_proof_kind(approval, clause)
    key = _officer_key(provider, approval.officer, trust=trust, at=at, by=approval.proof_kind)
    _require_role(approval.officer, approval.role, key, () if clause is None else clause.roles)
    _require_time(approval, latest=at + timedelta(seconds=CLOCK_SKEW_S_MAX))
    try:
        _verify_proof(statement, approval, key)
    except TrustError as error:
        raise ApprovalSignatureError(officer=approval.officer, reason=error.code) from error
    return key


def _verify_proof(statement: bytes, approval: Approval, listed: MemberKey) -> None:
    match approval.proof, listed.key:
        case KeyProof() as proof, PublicKey() as key:
            signed_over = base64url_encode(statement)
            verify_signatures(
                proof.signatures, signed_over, typ=APPROVAL_TYP, keys=[key], algorithms=[Algorithm.ED25519]
            )
        case PasskeyProof() as proof, PasskeyCredential() as credential:
            verify_passkey(proof, statement, credential)
        case _:
            raise AssertionError("the registry was asked for a key of this kind")


def require_enough(keys: Sequence[MemberKey], *, clause: ApprovalClause | None) -> None:
    """Refuse fewer pairs of eyes than the contract asks for; one key under two officer ids is one pair.

    Raises:
        ApprovalsMissingError: Expected and found.
    """
    needed = max(OFFICERS_MIN, 0 if clause is None else clause.officers_min)
    found = len({key.key.kid for key in keys})
    if found < needed:
        raise ApprovalsMissingError(expected=needed, found=found)


def require_clearing_officer(common: ClearanceCommon, officer: str, *, trust: Trust, at: datetime) -> None:
    """Refuse an officer who may not decide on this: what a return needs, which nobody outside ever sees signed.

    Raises:
        PreparerApprovesError, UnregisteredOfficerError, ForeignOfficerError, OfficerRoleError: Each for its rule.
    """
    _require_not_preparer(common, officer)
    key = _officer_key(common.provider, officer, trust=trust, at=at, by=None)
    _require_role(officer, CLEARING_ROLE, key, ())


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


def _require_registered_preparer(common: ClearanceCommon, *, trust: Trust, at: datetime) -> None:
    # Of any time, since people leave; but a name that nobody bears would let the preparer approve under the own one.
    try:
        member, _ = trust.officer(common.prepared_by, at=None)
    except UnknownOfficerError as error:
        raise UnregisteredOfficerError(officer=common.prepared_by, at=format_instant(at)) from error
    if member != common.provider:
        raise ForeignOfficerError(officer=common.prepared_by, expected=common.provider, found=member)


def _officer_key(provider: str, officer: str, *, trust: Trust, at: datetime, by: ProofKind | None) -> MemberKey:
    try:
        member, key = trust.officer(officer, at=at, by=by)
    except UnknownOfficerError as error:
        raise UnregisteredOfficerError(officer=officer, at=format_instant(at)) from error
    if member != provider:
        raise ForeignOfficerError(officer=officer, expected=provider, found=member)
    return key


def _require_role(officer: str, role: str, key: MemberKey, roles: Sequence[str]) -> None:
    allowed = set(key.roles) & set(roles or (CLEARING_ROLE,))
    if role not in allowed:
        expected = ", ".join(sorted(allowed)) or "no role of this officer"
        raise OfficerRoleError(officer=officer, expected=expected, found=role)


def _require_proof_kind(approval: Approval, clause: ApprovalClause | None) -> None:
    allowed = tuple(ProofKind) if clause is None else clause.proofs
    if approval.proof_kind not in allowed:
        raise ProofKindError(officer=approval.officer, expected=", ".join(sorted(allowed)), found=approval.proof_kind)


def _require_time(approval: Approval, *, latest: datetime) -> None:
    if approval.at > latest:
        raise ApprovalTimeError(
            officer=approval.officer, expected=format_instant(latest), found=format_instant(approval.at)
        )
