"""A candidate put before the officers, and a cleared one sealed and published: behind commands and pages alike."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from exchange.clearance import format_clearance
from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.errors.desk import CaseOpenError, NotClearedError
from exchange.flow.candidate import CandidateFiles
from exchange.flow.clear import CandidateState, Case, Event, advance, redraft
from exchange.flow.clear import submit as submit_case
from exchange.flow.release import HANDOVER_SUFFIX, hand_over, seal, take_over
from nodes.adapters.desk_store import DeskStore, open_desk
from nodes.adapters.durable import write_durably
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk.cases import OPEN, Desk, Find, KeptCase, keep_case, load_case, numbered, open_case, require_readable
from nodes.desk.finding import Meant, newest_row
from nodes.desk.gateway_answers import PublicationAnswer, PublicationsAnswer
from nodes.desk.ledger import record_release, require_fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A case after its release, and what the gateway said."""

    kept: KeptCase
    answer: dict[str, Any]


def submit(desk: Desk, files: CandidateFiles, *, officer: str) -> KeptCase:
    """Put a candidate before the clearing officers; the desk takes its own copy.

    Args:
        desk: Open now.
        files: As preparation built it.
        officer: Who submits, and is known to be that officer.

    Raises:
        NotPreparerError: Somebody else built it.
        ContractNotInForceError, BundleError: Its contract does not bind, or a partner could not read it.
        StalePooledError: It was audited before something else was released.
        CaseOpenError: Another candidate of this release is before the officers.
    """
    contract = desk.contract_of(files)
    require_readable(files, contract)
    require_fresh(desk, files.candidate, contract)
    valid_until = desk.now + timedelta(days=desk.node.settings.desk.clearance_valid_days)
    with open_desk(desk.store_file) as store:
        draft = _draft(desk, store, files)
        case = submit_case(draft, by=officer, at=desk.now, valid_until=valid_until)
        kept = open_case(desk, files, case)
        keep_case(store, kept, case, bundle=None)
        store.tell(kept.row, at=desk.now, officer=officer, event="submit")
    return kept


def release(desk: Desk, find: Find, gateway: LocalGateway, *, officer: str = "-") -> Released:
    """Seal what was cleared, hand it over, wait until it is published.

    Asked again, it goes on where it stopped: the hand-over that is there is the one that counts.

    Args:
        desk: Open now.
        find: Which case.
        gateway: The member's own.
        officer: Who asks for it, for the case's history.

    Raises:
        NotClearedError: The officers have not cleared it.
        StalePooledError: Something else of its linkage group was released since.
        GatewayDownError, GatewayRefusedError, GatewayAnswerError: The gateway does not answer, does not take it, or
            is of another version.
    """
    with open_desk(desk.store_file) as store:
        kept = find(store)
        contract = desk.contract_of(kept.files)
        if kept.row.bundle is None:
            _require_cleared(kept, contract)
            require_fresh(desk, kept.files.candidate, contract)
            keep_case(store, kept, kept.case, bundle=_hand_over(desk, kept, contract))
            store.tell(kept.row, at=desk.now, officer=officer, event="release")
    answer = _publish(desk, kept, gateway)
    _settle(desk, kept, contract, str(answer["state"]))
    return Released(kept=kept, answer=answer)


def _draft(desk: Desk, store: DeskStore, files: CandidateFiles) -> Case:
    """A new case, or the answer to a return of the same release.

    Raises:
        CaseOpenError: Another candidate of this release is before the officers.
    """
    candidate = files.candidate
    row = newest_row(desk, store, Meant.of(candidate))
    if row is None or row.revision != candidate.revision:
        return Case(candidate=candidate)
    earlier = load_case(desk, row).case
    if earlier.state in OPEN:
        raise CaseOpenError(candidate=candidate.name, state=earlier.state.value)
    if earlier.state is CandidateState.RETURNED:
        return redraft(earlier, candidate)
    return earlier  # submitting it again raises: it was released


def _require_cleared(kept: KeptCase, contract: DataContract) -> None:
    """Refuse to seal what officers have not cleared.

    Raises:
        NotClearedError: With how many approvals there are, and how many the contract asks for.
    """
    case = kept.case
    if case.state is not CandidateState.CLEARED:
        raise NotClearedError(
            candidate=case.candidate.name,
            state=case.state.value,
            expected=contract.approvals.officers_min,
            found=len(case.approvals),
        )


def _hand_over(desk: Desk, kept: KeptCase, contract: DataContract) -> Digest:
    """Write the sealed bundle into the outbox, once: an earlier attempt's file is taken as it is.

    The signature with ML-DSA-65 is randomised, so sealing again would give other bytes of the same bundle.
    """
    files = seal(
        kept.files,
        kept.case.clearance,
        contract=contract,
        trust=desk.trust,
        at=desk.now,
        signer=desk.bundle_signer(),
    )
    name, raw = hand_over(files)
    waiting = desk.node.outbox / name
    if waiting.exists():
        take_over(name, waiting.read_bytes())
    else:
        write_durably(waiting, raw)
    return Digest.parse_hex(name.split(".", 1)[0], subject="hand-over")


def _publish(desk: Desk, kept: KeptCase, gateway: LocalGateway) -> dict[str, Any]:
    """What the gateway says of the bundle, after it was handed over if the gateway does not have it yet.

    The officers' decision goes first: the log must show it before the publication.
    """
    assert kept.row.bundle is not None  # set with the hand-over
    bundle = Digest.parse(kept.row.bundle, subject="desk.db: bundle")
    found = gateway.get(f"/local/publications?bundle={bundle}")
    if gateway.shaped(found, PublicationsAnswer).publications:
        return dict(found["publications"][0])
    clearance = base64.b64encode(format_clearance(kept.case.clearance)).decode("ascii")
    gateway.post("/local/clearances", {"clearance": clearance})
    file = desk.node.outbox / f"{bundle.hex}{HANDOVER_SUFFIX}"
    answer = gateway.post("/local/hand-overs", {"file": str(file.resolve())})
    gateway.shaped(answer, PublicationAnswer)
    return answer


def _settle(desk: Desk, kept: KeptCase, contract: DataContract, state: str) -> None:
    """Write down what the gateway says: from its log entry on the ledger counts the bundle, published or waiting."""
    assert kept.row.bundle is not None  # set with the hand-over
    assert kept.row.id is not None
    bundle = Digest.parse(kept.row.bundle, subject="desk.db: bundle")
    with open_desk(desk.store_file) as store:
        fresh = numbered(desk, kept.row.id)(store)
        # Under the lock that the first read took: two who add to the ledger at once would lose one release.
        record_release(desk, kept.files, contract, bundle)
        case = _caught_up(fresh.case, CandidateState(state))
        if case.state is fresh.case.state:
            return
        keep_case(store, fresh, case, bundle=bundle)
        store.tell(fresh.row, at=desk.now, officer="-", event=case.state.value)
        replaced = store.released_as(str(case.candidate.supersedes))
        if case.state is CandidateState.PUBLISHED and replaced is not None:
            replaced.state = _caught_up(load_case(desk, replaced).case, CandidateState.SUPERSEDED).state.value
            store.keep(replaced)


def _caught_up(case: Case, state: CandidateState) -> Case:
    """The case in the state that its gateway reports, by the steps in between."""
    for event, before in (
        (Event.LOG, CandidateState.CLEARED),
        (Event.PUBLISH, CandidateState.LOGGED),
        (Event.SUPERSEDE if state is CandidateState.SUPERSEDED else Event.WITHDRAW, CandidateState.PUBLISHED),
    ):
        if case.state is before and case.state is not state:
            case = advance(case, event)
    return case
