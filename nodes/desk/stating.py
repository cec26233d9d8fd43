"""What a party says about a contract, signed by its contract key and handed to its gateway: commands and pages alike.

The gateway logs the statement, has it cosigned and relays it to the other parties. Saying the same again is no harm:
the statement that is there already stays the one that counts.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from exchange.contract.model import DataContract
from exchange.errors.contract import ContractNoticeError
from exchange.flow.amend import require_amendment
from exchange.signing.keys import KeyPurpose
from exchange.statement import Statement, StatementType, require_about, sign_statement
from nodes.adapters.key_files import read_hybrid_signer, read_passphrase
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk.cases import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A statement that the gateway took; `effective` once its entry counts."""

    contract: DataContract
    statement: Statement
    effective: bool


def sign(desk: Desk, contract: DataContract, gateway: LocalGateway) -> Stated:
    """Agree to a contract for the member.

    Raises:
        ContractVersionError: Its number hides a loosening against an earlier version that binds anybody.
        TrustError, GatewayDownError, GatewayRefusedError: No key, or the gateway does not take it.
    """
    require_amendment(contract, desk.shelf.versions(contract), at=desk.now)
    starts = max(desk.now, datetime.combine(contract.effective, time.min, UTC))
    said = _said_already(desk, contract, StatementType.SIGNED)
    return _say(contract, said or _signed(desk, contract, StatementType.SIGNED, starts), gateway)


def end(desk: Desk, contract: DataContract, gateway: LocalGateway, *, on: date | None) -> Stated:
    """End a contract for all its parties, after the notice agreed in it.

    The notice binds who ends a contract, not who receives the word: a statement that ends one sooner stops the exchange
    all the same (nobody is made to share), and everybody sees whose breach it is.

    Args:
        desk: Open now.
        contract: Which.
        gateway: The member's own.
        on: The first day without it, in UTC; None is the soonest.

    Raises:
        ContractNoticeError: Sooner than the notice allows.
        TrustError, GatewayDownError, GatewayRefusedError: As in `sign`.
    """
    soonest = desk.now + timedelta(days=contract.notice_days)
    ends = soonest if on is None else datetime.combine(on, time.min, UTC)
    if on is not None and ends < soonest:
        raise ContractNoticeError(
            contract=contract.id,
            version=contract.version,
            days=contract.notice_days,
            expected=(soonest + timedelta(days=1)).date().isoformat(),
            found=on.isoformat(),
        )
    said = _said_already(desk, contract, StatementType.ENDED)
    return _say(contract, said or _signed(desk, contract, StatementType.ENDED, ends), gateway)


def suspend(desk: Desk, contract: DataContract, gateway: LocalGateway) -> Stated:
    """Stop first pulls and publications under a contract, from now until this party resumes; errors as in `sign`."""
    return _say(contract, _signed(desk, contract, StatementType.SUSPENDED, desk.now), gateway)


def resume(desk: Desk, contract: DataContract, gateway: LocalGateway) -> Stated:
    """Take back this party's own suspension; errors as in `sign`."""
    return _say(contract, _signed(desk, contract, StatementType.RESUMED, desk.now), gateway)


def _said_already(desk: Desk, contract: DataContract, kind: StatementType) -> Statement | None:
    """The member's statement of this kind that is there already."""
    kept = desk.shelf.kept[contract.digest].statements
    return next((s for s in kept if s.party == desk.node.member and s.type is kind), None)


def _signed(desk: Desk, contract: DataContract, kind: StatementType, effective: datetime) -> Statement:
    """A new statement by the node's contract key."""
    node = desk.node
    passphrase = None if node.passphrase_file is None else read_passphrase(node.passphrase_file)
    signer = read_hybrid_signer(node.private, KeyPurpose.CONTRACT, passphrase=passphrase, demo=node.settings.demo)
    return sign_statement(
        type=kind, contract=contract.digest, party=node.member, at=desk.now, effective=effective, signer=signer
    )


def _say(contract: DataContract, statement: Statement, gateway: LocalGateway) -> Stated:
    """Hand text and statement to the gateway."""
    require_about(statement, contract)
    gateway.post("/local/contracts", {"contract": base64.b64encode(contract.raw).decode("ascii")})
    answer = gateway.post("/local/statements", {"statement": base64.b64encode(statement.raw).decode("ascii")})
    return Stated(contract=contract, statement=statement, effective=bool(answer.get("effective")))
