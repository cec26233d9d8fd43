"""`exchange clearance approve|statement|return|show|list`: what clearing officers do."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from exchange.clearance import CLEARING_ROLE, Approval, approval_by_passkey
from exchange.clearance import approve as sign_approval
from exchange.clearance.passkey import challenge_of
from exchange.encoding import Digest, base64url_encode, format_instant, parse_json_object
from exchange.errors import ExitCode
from exchange.errors.settings import CommandLineError, FileRefusedError
from exchange.flow.candidate import Candidate
from exchange.flow.clear import CandidateState
from exchange.labels import licences_json, sources_json
from exchange.report import parse_report
from exchange.signing.passkey import parse_passkey_proof
from exchange.signing.words import digest_words
from nodes.adapters.desk_store import open_desk
from nodes.adapters.durable import write_durably
from nodes.adapters.plain_files import read_plain
from nodes.desk.cases import Desk, KeptCase, load_case
from nodes.desk.deciding import approvals_missing, ask_approval, take_approval, take_return
from nodes.desk.finding import CANDIDATE_FORM, asked_words, find_case, find_shown
from nodes.desk.sheet import print_table
from nodes.terminal import CommandParser, Invocation, Output

ASSERTION_BYTES_MAX = 16 * 1024

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
    """`clearance approve CONTRACT PERIOD --officer ID`: an officer's approval of exactly these bytes."""
    arguments = _approve_arguments(invocation)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    with open_desk(desk.store_file) as store:
        kept = find_case(desk, store, arguments.candidate)
        case = take_approval(desk, store, kept, _approval(desk, kept, arguments))
    needed, cleared = approvals_missing(desk, kept), case.state is CandidateState.CLEARED
    invocation.output.say(
        en=f"{arguments.officer} approved {case.candidate.name}: "
        + ("cleared" if cleared else f"{needed} more approval needed"),
        ru=f"{arguments.officer}: одобрено {case.candidate.name}: "
        + ("согласовано" if cleared else f"нужно ещё одобрений: {needed}"),
    )
    _next(invocation, desk, kept, cleared=cleared)
    invocation.output.result(_case_json(kept))
    return ExitCode.FINE


def statement(invocation: Invocation) -> int:
    """`clearance statement CONTRACT PERIOD --officer ID -o FILE`: what a passkey is asked for, and its challenge."""
    parser = _parser(invocation, "Write the statement that an officer's passkey answers.")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="the statement")
    arguments = invocation.parse(parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    with open_desk(desk.store_file) as store:
        kept = find_case(desk, store, arguments.candidate)
    asked = ask_approval(desk, kept, arguments.officer)
    passkey = desk.officer_passkey(arguments.officer)
    write_durably(arguments.output, asked)
    challenge = base64url_encode(challenge_of(asked))
    output = invocation.output
    output.say(en=f"statement: {arguments.output}", ru=f"заявление: {arguments.output}")
    output.line(f"  {digest_words(Digest.of(asked))}")
    output.say(en=f"challenge: {challenge}", ru=f"вызов: {challenge}")
    output.say(en=f"to be answered on {' '.join(passkey.origins)}", ru=f"ответить на {' '.join(passkey.origins)}")
    output.result(
        {
            "statement": str(arguments.output),
            "challenge": challenge,
            "credential_id": base64url_encode(passkey.credential_id),
            "rp_id": passkey.rp_id,
            "origins": list(passkey.origins),
        }
    )
    return ExitCode.FINE


def send_back(invocation: Invocation) -> int:
    """`clearance return CONTRACT PERIOD --officer ID --reason TEXT`: back to the preparer; approvals are gone."""
    parser = _with_key(_parser(invocation, "Return a candidate to its preparer."))
    parser.add_argument("--reason", required=True, metavar="TEXT")
    arguments = invocation.parse(parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    desk.officer_signer(arguments.officer, arguments.key)
    with open_desk(desk.store_file) as store:
        kept = find_case(desk, store, arguments.candidate)
        case = take_return(desk, store, kept, officer=arguments.officer, reason=arguments.reason)
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


def _parser(invocation: Invocation, summary: str) -> CommandParser:
    parser = CommandParser(invocation.command, summary)
    parser.add_argument("candidate", nargs="+", metavar=CANDIDATE_FORM)
    parser.add_argument("--officer", required=True, metavar="ID")
    return parser


def _with_key(parser: CommandParser) -> CommandParser:
    parser.add_argument("--key", type=Path, metavar="FILE", help="the officer's key; by default in the node's folder")
    return parser


def _approve_arguments(invocation: Invocation) -> Namespace:
    parser = _with_key(_parser(invocation, "Approve exactly these bytes."))
    parser.add_argument("--statement", type=Path, metavar="FILE", help="by passkey: what clearance statement wrote")
    parser.add_argument("--assertion", type=Path, metavar="FILE", help="by passkey: its answer, as JSON")
    arguments = invocation.parse(parser)
    if (arguments.statement is None) != (arguments.assertion is None):
        command = f"exchange {invocation.command} … --statement FILE --assertion FILE"
        raise CommandLineError(reason="a passkey's answer comes with its statement", command=command)
    return arguments


def _approval(desk: Desk, kept: KeptCase, arguments: Namespace) -> Approval:
    """The officer's approval, by passkey if an answer of one is given, else by key.

    Raises:
        FileRefusedError, EncodingError: A file that cannot be read, or is another.
    """
    if arguments.assertion is None:
        signer = desk.officer_signer(arguments.officer, arguments.key)
        common, role = kept.case.common, CLEARING_ROLE
        return sign_approval(common, officer=arguments.officer, role=role, at=desk.now, signer=signer)
    proof = parse_json_object(_read(arguments.assertion), subject="assertion", bytes_max=ASSERTION_BYTES_MAX)
    approval = approval_by_passkey(_read(arguments.statement), parse_passkey_proof(proof, subject="assertion"))
    return replace(approval, officer=arguments.officer)


def _read(path: Path) -> bytes:
    try:
        return read_plain(path)
    except OSError as error:
        raise FileRefusedError(path=str(path), reason=error.strerror or "not readable") from error


def _next(invocation: Invocation, desk: Desk, kept: KeptCase, *, cleared: bool) -> None:
    following = " ".join(asked_words(desk, kept.case.candidate))
    node = desk.node.asked
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
