"""A party's word about a contract: signed, ended, suspended or resumed. It stands alone, and any party may relay it.

A statement is an attached JWS with both signatures of the party's contract key over the RFC 8785 form of
`{"type","contract","party","at","effective"}` (DESIGN.md §4). Nothing else makes a contract bind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from exchange.contract.model import DataContract
from exchange.encoding import (
    Digest,
    canonical_json,
    format_instant,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.contract import StatementError, StatementPartyError
from exchange.signing.jws import open_attached, peek_attached, sign_attached
from exchange.signing.keys import HYBRID, HybridSigner, KeyPurpose
from exchange.signing.trust import Trust

STATEMENT_TYP = "exchange-statement+jws"
STATEMENT_BYTES_MAX = 64 * 1024
_MEMBERS = {"type", "contract", "party", "at", "effective"}


class StatementType(StrEnum):
    """What a party can say about a contract."""

    SIGNED = "contract.signed"
    ENDED = "contract.ended"
    SUSPENDED = "contract.suspended"
    RESUMED = "contract.resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A verified statement; `digest` is the SHA-256 of its bytes, under which it is kept and logged."""

    type: StatementType
    contract: Digest
    party: str
    at: datetime
    effective: datetime
    raw: bytes = field(repr=False)
    digest: Digest


def sign_statement(
    *,
    type: str,  # noqa: A002  # the statement's own word for it
    contract: Digest,
    party: str,
    at: datetime,
    effective: datetime,
    signer: HybridSigner,
) -> Statement:
    """Make a party's statement.

    Args:
        type: One of `StatementType`.
        contract: The digest of the contract's RFC 8785 form.
        party: The member that speaks.
        at: When it is said.
        effective: From when it counts; an end or a suspension never counts from before it was said.
        signer: The party's contract key.

    Raises:
        StatementError: It would count from before it was said.
    """
    kind = StatementType(type)
    _check_order(kind, contract, party, at, effective)
    payload = {
        "type": kind.value,
        "contract": str(contract),
        "party": party,
        "at": format_instant(at),
        "effective": format_instant(effective),
    }
    raw = sign_attached(canonical_json(payload), typ=STATEMENT_TYP, signers=signer.signers)
    return _read(canonical_json(payload), raw)


def open_statement(raw: bytes, *, trust: Trust, at: datetime | None = None) -> Statement:
    """Read a statement and verify both signatures with the party's contract keys.

    Args:
        raw: The JWS.
        trust: Who has which keys.
        at: When the keys must be valid; None takes keys of any time, for what was logged before a revocation.

    Raises:
        TrustError: The party is no member, or a signature does not hold.
        EncodingError: Another spelling than `sign_statement` writes.
        StatementError: It would count from before it was said.
    """
    claimed = _members(peek_attached(raw))
    party = text_member(claimed, "party", subject="statement")
    keys = trust.keys(party, KeyPurpose.CONTRACT, at=at)
    return _read(open_attached(raw, typ=STATEMENT_TYP, keys=keys, algorithms=HYBRID), raw)


def require_about(statement: Statement, contract: DataContract) -> None:
    """Refuse a statement that is about another contract, or by somebody who is no party of this one.

    Raises:
        StatementError: Another contract's digest.
        StatementPartyError: Not a party.
    """
    if statement.contract != contract.digest:
        raise StatementError(
            contract=str(statement.contract),
            party=statement.party,
            expected=str(contract.digest),
            found="another digest",
        )
    if statement.party not in contract.members():
        raise StatementPartyError(contract=contract.id, party=statement.party, parties=", ".join(contract.members()))


def _read(payload: bytes, raw: bytes) -> Statement:
    members = _members(payload)
    kind = text_member(members, "type", subject="statement")
    contract = Digest.parse(members["contract"], subject="statement")
    party = text_member(members, "party", subject="statement")
    if kind not in set(StatementType):
        raise StatementError(contract=str(contract), party=party, expected=" or ".join(StatementType), found=kind[:40])
    at = parse_instant(members["at"], subject="statement: at")
    effective = parse_instant(members["effective"], subject="statement: effective")
    _check_order(StatementType(kind), contract, party, at, effective)
    return Statement(
        type=StatementType(kind),
        contract=contract,
        party=party,
        at=at,
        effective=effective,
        raw=raw,
        digest=Digest.of(raw),
    )


def _members(payload: bytes) -> Mapping[str, object]:
    members = parse_canonical_object(payload, subject="statement", bytes_max=STATEMENT_BYTES_MAX)
    require_members(members, _MEMBERS, subject="statement")
    return members


def _check_order(kind: StatementType, contract: Digest, party: str, at: datetime, effective: datetime) -> None:
    # A signature may name the contract's own first day, however long ago. Anything that stops or restarts an exchange
    # works forward only: an end dated back would make pulls unlawful that were lawful when they happened.
    if kind is not StatementType.SIGNED and effective < at:
        raise StatementError(
            contract=str(contract),
            party=party,
            expected=f"effective from {format_instant(at)} on, when it is said",
            found=format_instant(effective),
        )
