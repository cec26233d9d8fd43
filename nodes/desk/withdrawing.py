"""Taking a published bundle back: proposed by one officer, approved by another, signed and handed to the gateway.

Commands and the desk's routes are thin over these; the rules are `exchange.publication.withdrawal`.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from exchange.clearance import Approval
from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.errors.bundle import ApprovalsMissingError
from exchange.errors.desk import NotPublishedError, WithdrawalNotFoundError, WithdrawalOpenError
from exchange.flow.clear import CandidateState, Event, advance
from exchange.publication.withdrawal import (
    WITHDRAWAL,
    WITHDRAWAL_SIGNATURES,
    Withdrawal,
    WithdrawalCommon,
    format_withdrawal,
    parse_withdrawal,
    propose_withdrawal,
    require_withdrawal_approved,
    sign_withdrawal,
)
from nodes.adapters.desk_store import DeskStore, WithdrawalRow, open_desk
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk.cases import Desk, Find, KeptCase, keep_case
from nodes.desk.gateway_answers import WithdrawalAnswer

PROPOSED, APPROVED, LOGGED, WITHDRAWN = "proposed", "approved", "logged", "withdrawn"
_PUBLISHED = frozenset({CandidateState.PUBLISHED, CandidateState.SUPERSEDED})

Approve: TypeAlias = Callable[[WithdrawalCommon], Approval]
"""An officer's approval of exactly these words, by whichever proof."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """A released case with its withdrawal, if there is one."""

    kept: KeptCase
    contract: DataContract
    bundle: Digest
    row: WithdrawalRow | None

    @property
    def name(self) -> str:
        """The candidate's."""
        return self.kept.case.candidate.name

    @property
    def withdrawal(self) -> Withdrawal:
        """What was proposed, with the approvals so far; only where there is one."""
        assert self.row is not None  # the caller has it from one of the functions below
        return parse_withdrawal(self.row.document)


def proposal(desk: Desk, find: Find, *, reason: str) -> WithdrawalCommon:
    """What officers would be asked to approve now.

    Raises:
        CaseNotFoundError, NotPublishedError: Nothing like it has left.
        WithdrawalOpenError: One was proposed already.
        WithdrawalError: No reason, or too long a one.
    """
    with open_desk(desk.store_file) as store:
        return propose_withdrawal(_without(desk, store, find).bundle, reason=reason, at=desk.now)


def propose(desk: Desk, find: Find, common: WithdrawalCommon, approve_it: Approve) -> Asked:
    """An officer proposes, and approves.

    Raises:
        CaseNotFoundError, NotPublishedError, WithdrawalOpenError: As in `proposal`.
        ClearanceError: The officer's approval does not count.
    """
    with open_desk(desk.store_file) as store:
        asked = _without(desk, store, find)
        _record(desk, store, asked, Withdrawal(common=common, approvals=()), approve_it(common))
    return asked


def proposed(desk: Desk, find: Find) -> Asked:
    """A withdrawal that was proposed.

    Raises:
        CaseNotFoundError, NotPublishedError, WithdrawalNotFoundError: There is none.
    """
    with open_desk(desk.store_file) as store:
        return _with(desk, store, find)


def approve(desk: Desk, find: Find, approve_it: Approve) -> Asked:
    """Another officer approves the same words.

    Raises:
        CaseNotFoundError, NotPublishedError, WithdrawalNotFoundError: Nothing was proposed.
        ClearanceError: The approval does not count, or the officer has approved already.
    """
    with open_desk(desk.store_file) as store:
        asked = _with(desk, store, find)
        begun = asked.withdrawal
        _record(desk, store, asked, begun, approve_it(begun.common))
    return asked


def release(desk: Desk, find: Find, gateway: LocalGateway) -> tuple[Asked, dict[str, Any]]:
    """Sign what officers approved and hand it to the gateway; may be repeated. With the gateway's answer.

    Raises:
        CaseNotFoundError, NotPublishedError, WithdrawalNotFoundError: Nothing was proposed.
        ClearanceError: Too few officers have approved, or their approvals count no more.
        GatewayDownError, GatewayRefusedError, GatewayAnswerError: The gateway does not answer, does not take it, or
            is of another version.
    """
    with open_desk(desk.store_file) as store:
        asked = _with(desk, store, find)
        files = _sealed(desk, asked)
        assert asked.row is not None  # _with found it
        store.keep_withdrawal(asked.row)
    answer = gateway.post(
        "/local/withdrawals",
        {
            "withdrawal": base64.b64encode(files[WITHDRAWAL]).decode("ascii"),
            "signatures": base64.b64encode(files[WITHDRAWAL_SIGNATURES]).decode("ascii"),
        },
    )
    effective = gateway.shaped(answer, WithdrawalAnswer).effective
    _settle(desk, find, WITHDRAWN if effective else LOGGED)
    return asked, answer


def _find(desk: Desk, store: DeskStore, find: Find) -> Asked:
    """The released case that is meant, with its withdrawal if there is one.

    Raises:
        CaseNotFoundError: Nothing like it was submitted.
        NotPublishedError: It has not left.
    """
    kept = find(store)
    row = None if kept.row.bundle is None else store.withdrawal(kept.row.bundle)
    if kept.row.bundle is None or (row is None and kept.case.state not in _PUBLISHED):
        raise NotPublishedError(candidate=kept.case.candidate.name, state=kept.case.state.value)
    contract = desk.shelf.find(kept.case.candidate.contract)
    assert contract is not None  # it was released under it
    bundle = Digest.parse(kept.row.bundle, subject="desk.db: bundle")
    return Asked(kept=kept, contract=contract, bundle=bundle, row=row)


def _without(desk: Desk, store: DeskStore, find: Find) -> Asked:
    asked = _find(desk, store, find)
    if asked.row is not None:
        raise WithdrawalOpenError(candidate=asked.name, reason=asked.withdrawal.common.reason)
    return asked


def _with(desk: Desk, store: DeskStore, find: Find) -> Asked:
    asked = _find(desk, store, find)
    if asked.row is None:
        raise WithdrawalNotFoundError(candidate=asked.name, member=desk.node.member)
    return asked


def _record(desk: Desk, store: DeskStore, asked: Asked, begun: Withdrawal, approval: Approval) -> None:
    """Keep the withdrawal with one more approval.

    Raises:
        ClearanceError: The approval does not count, or the officer has approved already.
    """
    grown = replace(begun, approvals=(*begun.approvals, approval))
    state = APPROVED
    try:
        require_withdrawal_approved(
            grown, provider=desk.node.member, trust=desk.trust, at=desk.now, clause=asked.contract.approvals
        )
    except ApprovalsMissingError:
        state = PROPOSED
    row = asked.row or WithdrawalRow(bundle=str(asked.bundle), document=b"", state=state)
    row.document, row.state = format_withdrawal(grown), state
    store.keep_withdrawal(row)
    event = "withdraw" if asked.row is None else "approve withdrawal"
    store.tell(asked.kept.row, at=desk.now, officer=approval.officer, event=event, reason=begun.common.reason)
    asked.row = row


def _sealed(desk: Desk, asked: Asked) -> dict[str, bytes]:
    """The two files, signed once: ML-DSA-65 signatures are randomised, and a second would be another withdrawal.

    Raises:
        ClearanceError: Officers have not approved it, or their approvals count no more.
    """
    row = asked.row
    assert row is not None  # _with found it
    if row.signatures is not None:
        return {WITHDRAWAL: row.document, WITHDRAWAL_SIGNATURES: row.signatures}
    withdrawal = parse_withdrawal(row.document)
    require_withdrawal_approved(
        withdrawal, provider=desk.node.member, trust=desk.trust, at=desk.now, clause=asked.contract.approvals
    )
    files = sign_withdrawal(withdrawal, signer=desk.bundle_signer())
    row.signatures = files[WITHDRAWAL_SIGNATURES]
    return files


def _settle(desk: Desk, find: Find, state: str) -> None:
    """Write down what the gateway said."""
    with open_desk(desk.store_file) as store:
        fresh = _with(desk, store, find)
        assert fresh.row is not None  # _with found it
        fresh.row.state = state
        store.keep_withdrawal(fresh.row)
        kept = fresh.kept
        if state == WITHDRAWN and kept.case.state in _PUBLISHED:
            keep_case(store, kept, advance(kept.case, Event.WITHDRAW), bundle=fresh.bundle)
            store.tell(kept.row, at=desk.now, officer="-", event=WITHDRAWN)
