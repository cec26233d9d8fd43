"""What officers decide on a case: the statement they are asked for, their approval, their return.

Commands and the desk's routes are thin over these; the rules are `exchange.clearance` and `exchange.flow.clear`.
"""

from exchange.clearance import CLEARING_ROLE, Approval, statement_to_approve
from exchange.encoding import Digest
from exchange.flow.clear import CandidateState, Case, Event, advance, record_approval, require_possible, send_back
from exchange.flow.release import HANDOVER_SUFFIX
from nodes.adapters.desk_store import DeskStore
from nodes.desk.cases import Desk, KeptCase, keep_case
from nodes.desk.ledger import is_recorded, require_fresh


def ask_approval(desk: Desk, kept: KeptCase, officer: str) -> bytes:
    """The statement that an officer signs, or answers with a passkey, to approve exactly these bytes now.

    Raises:
        IllegalTransitionError: It is not before the officers. Judged first: of what was released the ledger has
            always moved on, and nobody shall build that again.
        ContractError, StalePooledError: The contract is not in force, or the ledger has moved on.
        ClearanceError: The preparer asks, or the time has run out.
    """
    require_possible(kept.case, Event.APPROVE)
    require_fresh(desk, kept.files.candidate, desk.contract_of(kept.files))
    return statement_to_approve(kept.case.common, officer=officer, role=CLEARING_ROLE, at=desk.now)


def take_approval(desk: Desk, store: DeskStore, kept: KeptCase, approval: Approval) -> Case:
    """Record an approval that counts; with enough of them the case is cleared.

    Args:
        desk: The desk now.
        store: In its transaction.
        kept: The case.
        approval: By whichever kind of proof.

    Raises:
        IllegalTransitionError: It is not before the officers.
        ContractError, StalePooledError: The contract is not in force, or the ledger has moved on.
        ClearanceError: It does not count; nothing has changed.
    """
    require_possible(kept.case, Event.APPROVE)
    contract = desk.contract_of(kept.files)
    require_fresh(desk, kept.files.candidate, contract)
    case = record_approval(kept.case, approval, trust=desk.trust, contract=contract, at=desk.now)
    keep_case(store, kept, case, bundle=None)
    store.tell(kept.row, at=desk.now, officer=approval.officer, event="approve")
    return case


def approvals_missing(desk: Desk, kept: KeptCase) -> int:
    """How many more officers the contract asks for; 0 where none."""
    return max(0, desk.contract_of(kept.files).approvals.officers_min - len(kept.case.approvals))


def take_return(desk: Desk, store: DeskStore, kept: KeptCase, *, officer: str, reason: str) -> Case:
    """Send a case back to its preparer; approvals are gone, and so is a hand-over that the gateway has not taken.

    The caller knows that the officer is who is named: by the officer's key, or by a session.

    Raises:
        ClearanceError, IllegalTransitionError: Not a clearing officer, no reason, or nothing to return.
    """
    begun = advance(kept.case, Event.LOG) if _is_logged(desk, kept) else kept.case
    case = send_back(begun, officer=officer, reason=reason, trust=desk.trust, at=desk.now)
    _take_back(desk, kept)
    keep_case(store, kept, case, bundle=None)
    store.tell(kept.row, at=desk.now, officer=officer, event="return", reason=reason)
    return case


def _is_logged(desk: Desk, kept: KeptCase) -> bool:
    """Whether the ledger has it though the case says cleared: the desk broke off after the gateway's answer."""
    bundle = kept.row.bundle
    cleared = kept.case.state is CandidateState.CLEARED
    return cleared and bundle is not None and is_recorded(desk, Digest.parse(bundle, subject="desk.db: bundle"))


def _take_back(desk: Desk, kept: KeptCase) -> None:
    """Remove a hand-over that waits in the outbox; one that the gateway has taken bars a second of its identity."""
    if kept.row.bundle is not None:
        bundle = Digest.parse(kept.row.bundle, subject="desk.db: bundle")
        (desk.node.outbox / f"{bundle.hex}{HANDOVER_SUFFIX}").unlink(missing_ok=True)
