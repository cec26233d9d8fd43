"""`exchange bundle submit|diff|release`: a candidate before the officers, what would leave, and the hand-over."""

from pathlib import Path
from typing import Any

from exchange.bundle.difference import Difference
from exchange.contract.model import DataContract
from exchange.encoding import format_instant
from exchange.errors import ExitCode
from exchange.flow.candidate import CandidateFiles
from exchange.flow.clear import CandidateState
from exchange.report import parse_report
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk.cases import Desk, KeptCase
from nodes.desk.finding import CANDIDATE_FORM, asked_for, asked_words, find_candidate, find_shown
from nodes.desk.releasing import release as release_case
from nodes.desk.releasing import submit as submit_candidate
from nodes.desk.sheet import print_difference, sheet_of
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
    kept = submit_candidate(desk, files, officer=officer)
    _tell_submitted(invocation, desk, kept, desk.contract_of(files))
    return ExitCode.FINE


def diff(invocation: Invocation) -> int:
    """`bundle diff FOLDER|CONTRACT PERIOD [--all]`: what leaves against the last release, and who may pull it."""
    parser = _candidate_parser(invocation, "What would leave, against the last release.")
    parser.add_argument("--all", action="store_true", help="every cell, not only the first of each kind")
    arguments = invocation.parse(parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    files, case = find_shown(desk, arguments.candidate)
    sheet = sheet_of(desk, files, case)
    found, contract = sheet.found, sheet.contract
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
    gateway = LocalGateway(desk.node, language=invocation.output.language)
    released = release_case(desk, asked_for(desk, arguments.candidate), gateway)
    _tell_released(invocation, released.kept, released.answer)
    return ExitCode.FINE


def _candidate_parser(invocation: Invocation, summary: str) -> CommandParser:
    parser = CommandParser(invocation.command, summary)
    parser.add_argument("candidate", nargs="+", metavar=CANDIDATE_FORM)
    return parser


def _tell_submitted(invocation: Invocation, desk: Desk, kept: KeptCase, contract: DataContract) -> None:
    case, output = kept.case, invocation.output
    report = parse_report(kept.files.disclosure)
    node, asked = desk.node.asked, " ".join(asked_words(desk, case.candidate))
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
