"""A contract's text that an officer proposes: everything wrong with it, what it changes, and holding it at the gateway.

The others get the text with this member's first statement about it; until then it lies at this node alone.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from exchange.contract.diff import ContractDiff, diff_contracts
from exchange.contract.model import DataContract
from exchange.contract.parse import contract_findings, parse_contract
from exchange.encoding import Digest
from exchange.errors.contract import ContractError, ContractVersionError
from exchange.errors.exchange_ import NotAPartyError
from exchange.flow.amend import require_amendment, versions_before
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk.cases import Desk
from nodes.desk.contract_sources import codelists


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A text that holds, against the version before it.

    Attributes:
        before: What binds now, else the newest earlier draft here, if there is one; `found` is what changes from it.
        refusal: Why its number does not fit what it changes; then nobody could sign it.
        held: Whether this very text lies here already.
    """

    contract: DataContract
    before: DataContract | None
    found: ContractDiff | None
    refusal: ContractVersionError | None
    held: bool


def findings(desk: Desk, raw: bytes) -> tuple[ContractError, ...]:
    """Everything that is wrong with a contract's text; empty if it is a valid contract."""
    return contract_findings(raw, codelists=_codelists(desk))


def read_proposal(desk: Desk, raw: bytes) -> Proposal:
    """A text, and what it changes.

    Raises:
        ContractError: It is not a contract.
        NotAPartyError: This member is no party to it.
    """
    contract = parse_contract(raw, codelists=_codelists(desk))
    if desk.node.member not in contract.members():
        raise NotAPartyError(contract=contract.id, member=desk.node.member)
    before = next(iter(versions_before(contract, desk.shelf.versions(contract), at=desk.now)), None)
    return Proposal(
        contract=contract,
        before=before,
        found=None if before is None else diff_contracts(before, contract),
        refusal=_refusal(contract, desk),
        held=contract.digest in desk.shelf.kept,
    )


def propose(desk: Desk, raw: bytes, gateway: LocalGateway) -> DataContract:
    """Hold a contract's text at the member's gateway; the same text again changes nothing.

    Raises:
        ContractError, NotAPartyError: As in `read_proposal`.
        ContractVersionError: Its number hides a loosening.
        GatewayDownError, GatewayRefusedError: The gateway does not take it.
    """
    proposal = read_proposal(desk, raw)
    if proposal.refusal is not None:
        raise proposal.refusal
    gateway.post("/local/contracts", {"contract": base64.b64encode(raw).decode("ascii")})
    return proposal.contract


def _codelists(desk: Desk) -> Mapping[Digest, bytes]:
    return codelists([desk.node.contracts / "codelists"])


def _refusal(contract: DataContract, desk: Desk) -> ContractVersionError | None:
    try:
        require_amendment(contract, desk.shelf.versions(contract), at=desk.now)
    except ContractVersionError as error:
        return error
    return None
