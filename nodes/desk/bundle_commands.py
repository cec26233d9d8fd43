"""`exchange bundle submit|diff|release`: a candidate before the officers, what would leave, and the hand-over."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

from exchange.bundle.difference import Difference, difference
from exchange.clearance import format_clearance
from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant
from exchange.errors import ExitCode
from exchange.errors.desk import CaseOpenError, NotClearedError
from exchange.flow.candidate import CandidateFiles
from exchange.flow.clear import CandidateState, Case, Event, advance, redraft
from exchange.flow.clear import submit as submit_case
from exchange.flow.release import HANDOVER_SUFFIX, hand_over, seal, take_over
from exchange.report import parse_report
from exchange.sdmx.data import read_data
from exchange.table import SafeTable
from nodes.adapters.desk_store import DeskStore, open_desk
from nodes.adapters.durable import write_durably
from nodes.adapters.ledger_file import read_ledger, released_file
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk.cases import (
    CANDIDATE_FORM,
    OPEN,
    Desk,
    KeptCase,
    Meant,
    asked_words,
    find_candidate,
    find_case,
    find_shown,
    keep_case,
    load_case,
    newest_row,
    open_case,
    require_readable,
)
from nodes.desk.ledger import record_release, require_fresh
from nodes.desk.sheet import print_difference, read_table
from nodes.terminal import CommandParser, Invocation

_STATES_RU = {"published": "опубликовано", "superseded": "заменено", "withdrawn": "отозвано"}


def submit(invocation: Invocation) -> int:
    """`bundle submit FOLDER|CONTRACT PERIOD --officer ID`: the preparer puts a candidate before the officers."""
    parser = _candidate_parser(invocation, "Put a candidate before the clearing officers.")
    parser.add_argument("--officer", metavar="ID", help="the officer who built it, by default the one it names")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the officer's key; by default in the node's folder")
    arguments = invocation.parse(parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    files = find_candidate(desk, arguments.candidate)
    officer = arguments.officer or files.candidate.prepared_by
    desk.officer_signer(officer, arguments.key)
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
    _tell_submitted(invocation, desk, kept, contract)
    return ExitCode.FINE


def diff(invocation: Invocation) -> int:
    """`bundle diff FOLDER|CONTRACT PERIOD [--all]`: what leaves against the last release, and who may pull it."""
    parser = _candidate_parser(invocation, "What would leave, against the last release.")
    parser.add_argument("--all", action="store_true", help="every cell, not only the first of each kind")
    arguments = invocation.parse(parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    files, _ = find_shown(desk, arguments.candidate)
    contract = desk.contract_of(files)
    found = difference(_previous(desk, files), read_table(files, contract))
    candidate, output = files.candidate, invocation.output
    before = "the last release" if candidate.revision else "nothing: this is the first release"
    earlier = "последним выпуском" if candidate.revision else "ничем: это первый выпуск"
    output.say(en=f"{candidate.title}: against {before}", ru=f"{candidate.title}: в сравнении с {earlier}")
    output.say(
        en=f"may be pulled by {', '.join(candidate.recipients)}", ru=f"получат {', '.join(candidate.recipients)}"
    )
    print_difference(output, found, contract, whole=arguments.all)
    output.result(_difference_json(files, found))
    return ExitCode.FINE


def release(invocation: Invocation) -> int:
    """`bundle release CONTRACT PERIOD`: seal what was cleared, hand it over, wait until it is published.

    Asked again, it goes on where it stopped: the hand-over that is there is the one that counts.
    """
    arguments = invocation.parse(_candidate_parser(invocation, "Seal a cleared candidate and publish it."))
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    with open_desk(desk.store_file) as store:
        kept = find_case(desk, store, arguments.candidate)
        contract = desk.contract_of(kept.files)
        if kept.row.bundle is None:
            _require_cleared(kept, contract)
            require_fresh(desk, kept.files.candidate, contract)
            keep_case(store, kept, kept.case, bundle=_hand_over(desk, kept, contract))
    answer = _publish(desk, kept, LocalGateway(desk.node, language=invocation.output.language))
    _settle(desk, kept, contract, str(answer["state"]))
    _tell_released(invocation, kept, answer)
    return ExitCode.FINE


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


def _candidate_parser(invocation: Invocation, summary: str) -> CommandParser:
    parser = CommandParser(invocation.command, summary)
    parser.add_argument("candidate", nargs="+", metavar=CANDIDATE_FORM)
    return parser


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
    known: list[dict[str, Any]] = gateway.get(f"/local/publications?bundle={bundle}")["publications"]
    if known:
        return known[0]
    clearance = base64.b64encode(format_clearance(kept.case.clearance)).decode("ascii")
    gateway.post("/local/clearances", {"clearance": clearance})
    file = desk.node.outbox / f"{bundle.hex}{HANDOVER_SUFFIX}"
    return gateway.post("/local/hand-overs", {"file": str(file.resolve())})


def _settle(desk: Desk, kept: KeptCase, contract: DataContract, state: str) -> None:
    """Write down what the gateway says: from its log entry on the ledger counts the bundle, published or waiting."""
    assert kept.row.bundle is not None  # set with the hand-over
    bundle = Digest.parse(kept.row.bundle, subject="desk.db: bundle")
    record_release(desk, kept.files, contract, bundle)
    with open_desk(desk.store_file) as store:
        fresh = find_case(desk, store, asked_words(desk, kept.case.candidate))
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


def _previous(desk: Desk, files: CandidateFiles) -> SafeTable | None:
    """The table of the release that this candidate would replace."""
    candidate = files.candidate
    for released in read_ledger(desk.ledger):
        if released.bundle == candidate.supersedes:
            contract = desk.shelf.find(released.contract)
            if contract is not None:
                raw = released_file(desk.ledger, released.data).read_bytes()
                return read_data(raw, contract, provider=released.provider, period=released.period)
    return None


def _tell_submitted(invocation: Invocation, desk: Desk, kept: KeptCase, contract: DataContract) -> None:
    case, output = kept.case, invocation.output
    report = parse_report(kept.files.disclosure)
    node, asked = case.candidate.provider.lower(), " ".join(asked_words(desk, case.candidate))
    output.say(
        en=f"submitted {case.candidate.name}: {report.cells} cells, {len(report.withheld)} withheld; "
        f"{contract.approvals.officers_min} officers must approve it",
        ru=f"передано {case.candidate.name}: ячеек {report.cells}, скрыто {len(report.withheld)}; "
        f"нужно одобрений: {contract.approvals.officers_min}",
    )
    output.say(
        en=f"next: exchange --node {node} bundle diff {asked}, then clearance approve {asked} --officer …",
        ru=f"далее: exchange --node {node} bundle diff {asked}, затем clearance approve {asked} --officer …",
    )
    output.result(
        {
            "name": case.candidate.name,
            "state": case.state.value,
            "valid_until": format_instant(case.common.valid_until),
            "cells": report.cells,
            "withheld": len(report.withheld),
        }
    )


def _tell_released(invocation: Invocation, kept: KeptCase, answer: dict[str, Any]) -> None:
    name, index = kept.case.candidate.name, answer["index"]
    if answer["state"] == CandidateState.LOGGED:
        english, russian = "it waits for its witnesses and is published by itself", "ждёт свидетелей и выйдет само"
    else:
        english, russian = str(answer["state"]), _STATES_RU[answer["state"]]
    invocation.output.say(
        en=f"{name}: entry {index} of the log; {english}", ru=f"{name}: запись журнала {index}; {russian}"
    )
    invocation.output.result({"name": name, **answer})


def _difference_json(files: CandidateFiles, found: Difference) -> dict[str, object]:
    return {
        "name": files.candidate.name,
        "recipients": list(files.candidate.recipients),
        "added": [list(key) for key in found.added],
        "removed": [list(key) for key in found.removed],
        "changed": [list(key) for key in found.changed],
        "newly_withheld": [list(key) for key in found.newly_withheld],
        "newly_unwithheld": [list(key) for key in found.newly_unwithheld],
    }
