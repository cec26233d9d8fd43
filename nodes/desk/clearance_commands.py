"""`exchange clearance approve|return|show|list`: what clearing officers do."""

from argparse import Namespace
from pathlib import Path

from exchange.clearance import CLEARING_ROLE
from exchange.clearance import approve as sign_approval
from exchange.encoding import Digest, format_instant
from exchange.errors import ExitCode
from exchange.flow.candidate import Candidate
from exchange.flow.clear import CandidateState, Event, advance, record_approval
from exchange.flow.clear import send_back as return_case
from exchange.flow.release import HANDOVER_SUFFIX
from exchange.labels import licences_json, sources_json
from exchange.report import parse_report
from exchange.signing.words import digest_words
from nodes.adapters.desk_store import open_desk
from nodes.desk.cases import CANDIDATE_FORM, Desk, KeptCase, asked_words, find_case, find_shown, keep_case, load_case
from nodes.desk.ledger import is_recorded, require_fresh
from nodes.desk.sheet import print_table
from nodes.terminal import CommandParser, Invocation, Output

_STATES_RU = {
    CandidateState.DRAFT: "черновик",
    CandidateState.SUBMITTED: "подан",
    CandidateState.RETURNED: "возвращён",
    CandidateState.CLEARED: "согласован",
    CandidateState.LOGGED: "записан",
    CandidateState.PUBLISHED: "опубликован",
    CandidateState.SUPERSEDED: "заменён",
    CandidateState.WITHDRAWN: "отозван",
}


def approve(invocation: Invocation) -> int:
    """`clearance approve CONTRACT PERIOD --officer ID`: an officer's signature over exactly these bytes."""
    arguments = _arguments(invocation, "Approve exactly these bytes.", reason=False)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    signer = desk.officer_signer(arguments.officer, arguments.key)
    with open_desk(desk.store_file) as store:
        kept = find_case(desk, store, arguments.candidate)
        contract = desk.contract_of(kept.files)
        require_fresh(desk, kept.files.candidate, contract)
        approval = sign_approval(
            kept.case.common, officer=arguments.officer, role=CLEARING_ROLE, at=desk.now, signer=signer
        )
        case = record_approval(kept.case, approval, trust=desk.trust, contract=contract, at=desk.now)
        keep_case(store, kept, case, bundle=None)
        store.tell(kept.row, at=desk.now, officer=arguments.officer, event="approve")
    needed = contract.approvals.officers_min - len(case.approvals)
    cleared = case.state is CandidateState.CLEARED
    invocation.output.say(
        en=f"{arguments.officer} approved {case.candidate.name}: "
        + ("cleared" if cleared else f"{needed} more approval needed"),
        ru=f"{arguments.officer}: одобрено {case.candidate.name}: "
        + ("согласовано" if cleared else f"нужно ещё одобрений: {needed}"),
    )
    _next(invocation, desk, kept, cleared=cleared)
    invocation.output.result(_case_json(kept))
    return ExitCode.FINE


def send_back(invocation: Invocation) -> int:
    """`clearance return CONTRACT PERIOD --officer ID --reason TEXT`: back to the preparer; approvals are gone."""
    arguments = _arguments(invocation, "Return a candidate to its preparer.", reason=True)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    desk.officer_signer(arguments.officer, arguments.key)
    with open_desk(desk.store_file) as store:
        kept = find_case(desk, store, arguments.candidate)
        begun = kept.case if not _is_logged(desk, kept) else advance(kept.case, Event.LOG)
        case = return_case(begun, officer=arguments.officer, reason=arguments.reason, trust=desk.trust, at=desk.now)
        _take_back(desk, kept)
        keep_case(store, kept, case, bundle=None)
        store.tell(kept.row, at=desk.now, officer=arguments.officer, event="return", reason=arguments.reason)
    invocation.output.say(
        en=f"{arguments.officer} returned {case.candidate.name}: {arguments.reason}",
        ru=f"{arguments.officer}: возвращено {case.candidate.name}: {arguments.reason}",
    )
    invocation.output.result(_case_json(kept))
    return ExitCode.FINE


def show(invocation: Invocation) -> int:
    """`clearance show FOLDER|CONTRACT PERIOD`: table and digest words, to compare elsewhere before signing."""
    parser = CommandParser(invocation.command, "The table that would leave, and its digests as words.")
    parser.add_argument("candidate", nargs="+", metavar=CANDIDATE_FORM)
    arguments = invocation.parse(parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    files, case = find_shown(desk, arguments.candidate)
    contract = desk.contract_of(files)
    print_table(invocation.output, files, contract)
    candidate, report = files.candidate, parse_report(files.disclosure)
    output = invocation.output
    output.line()
    _print_labels(output, candidate)
    output.say(en=f"for {', '.join(candidate.recipients)}", ru=f"для {', '.join(candidate.recipients)}")
    output.say(en=f"prepared by {candidate.prepared_by}", ru=f"подготовил(а) {candidate.prepared_by}")
    approved = " ".join(approval.officer for approval in case.approvals) or "-"
    output.say(en=f"{case.state}; approved by {approved}", ru=f"{_STATES_RU[case.state]}; одобрили: {approved}")
    output.line(f"data.csv         {digest_words(candidate.data)}")
    output.line(f"disclosure.json  {digest_words(candidate.disclosure)}")
    output.line(f"labels           {digest_words(candidate.labels)}")
    output.result(
        {
            "name": candidate.name,
            "state": case.state.value,
            "data": str(candidate.data),
            "data_words": digest_words(candidate.data),
            "disclosure": str(candidate.disclosure),
            "disclosure_words": digest_words(candidate.disclosure),
            "labels": str(candidate.labels),
            "labels_words": digest_words(candidate.labels),
            "title": candidate.title,
            "sources": sources_json(candidate.sources),
            "licenses": licences_json(candidate.licences),
            "cells": report.cells,
            "withheld": len(report.withheld),
        }
    )
    return ExitCode.FINE


def _print_labels(output: Output, candidate: Candidate) -> None:
    """Every word of the manifest that somebody wrote: what an officer does not read here, a partner would."""
    output.say(en=f"title: {candidate.title}", ru=f"заголовок: {candidate.title}")
    for source in candidate.sources:
        named = " ".join(filter(None, (source.title, source.path)))
        output.say(en=f"source: {named}", ru=f"источник: {named}")
    for licence in candidate.licences:
        named = " ".join(filter(None, (licence.name, licence.path)))
        output.say(en=f"licence: {named}", ru=f"лицензия: {named}")
    if not candidate.sources and not candidate.licences:
        output.say(en="no sources, no licences", ru="без источников и лицензий")


def listing(invocation: Invocation) -> int:
    """`clearance list`: every candidate at the desk and where it stands."""
    invocation.parse(CommandParser(invocation.command, "Candidates and their states."))
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    with open_desk(desk.store_file) as store:
        cases = [load_case(desk, row) for row in store.cases()]
    output = invocation.output
    russian = output.language == "ru"
    if not cases:
        output.say(en="no candidate has been submitted", ru="ни один кандидат не подан")
        output.result({"candidates": []})
        return ExitCode.FINE
    output.table(
        ["кандидат", "состояние", "подготовил(а)", "одобрили", "действует до"]
        if russian
        else ["candidate", "state", "prepared by", "approved by", "valid until"],
        [
            [
                kept.case.candidate.name,
                _STATES_RU[kept.case.state] if russian else kept.case.state.value,
                kept.case.candidate.prepared_by,
                " ".join(approval.officer for approval in kept.case.approvals) or "-",
                format_instant(kept.case.valid_until) if kept.case.valid_until else "-",
            ]
            for kept in cases
        ],
    )
    output.result({"candidates": [_case_json(kept) for kept in cases]})
    return ExitCode.FINE


def _arguments(invocation: Invocation, summary: str, *, reason: bool) -> Namespace:
    parser = CommandParser(invocation.command, summary)
    parser.add_argument("candidate", nargs="+", metavar=CANDIDATE_FORM)
    parser.add_argument("--officer", required=True, metavar="ID")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the officer's key; by default in the node's folder")
    if reason:
        parser.add_argument("--reason", required=True, metavar="TEXT")
    return invocation.parse(parser)


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


def _next(invocation: Invocation, desk: Desk, kept: KeptCase, *, cleared: bool) -> None:
    candidate = kept.case.candidate
    following = " ".join(asked_words(desk, candidate))
    node = candidate.provider.lower()
    if cleared:
        invocation.output.say(
            en=f"next: exchange --node {node} bundle release {following}",
            ru=f"далее: exchange --node {node} bundle release {following}",
        )


def _case_json(kept: KeptCase) -> dict[str, object]:
    case = kept.case
    return {
        "name": case.candidate.name,
        "contract": case.candidate.contract.as_json(),
        "period": case.candidate.period,
        "revision": case.candidate.revision,
        "state": case.state.value,
        "prepared_by": case.candidate.prepared_by,
        "approved_by": [approval.officer for approval in case.approvals],
        "valid_until": format_instant(case.valid_until) if case.valid_until else None,
        "returned": None if case.returned is None else {"by": case.returned.officer, "reason": case.returned.reason},
        "bundle": kept.row.bundle,
    }
