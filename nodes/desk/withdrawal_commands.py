"""`exchange withdrawal propose|approve|release|list`: officers take a published bundle back.

Two of them, like its clearance. What partners have pulled stays with them; they are told, and acknowledge it.
"""

from argparse import Namespace
from pathlib import Path

from exchange.clearance import CLEARING_ROLE
from exchange.encoding import format_instant
from exchange.errors import ExitCode
from exchange.publication.withdrawal import Withdrawal, approve_withdrawal, parse_withdrawal
from nodes.adapters.desk_store import WithdrawalRow, open_desk
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk import withdrawing
from nodes.desk.cases import Desk
from nodes.desk.finding import CANDIDATE_FORM, asked_for, asked_words
from nodes.desk.withdrawing import APPROVED, LOGGED, PROPOSED, WITHDRAWN, Approve, Asked
from nodes.terminal import CommandParser, Invocation

_STATES_RU = {PROPOSED: "предложен", APPROVED: "одобрен", LOGGED: "записан", WITHDRAWN: "отозван"}


def propose(invocation: Invocation) -> int:
    """`withdrawal propose CONTRACT PERIOD --officer ID --reason TEXT`: an officer proposes, and approves."""
    parser = _parser(invocation, "Propose to withdraw a published bundle; the proposer approves it too.")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="for the partners who pulled it; no figures")
    arguments = _with_officer(invocation, parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    by_key, find = _by_key(desk, arguments), asked_for(desk, arguments.candidate)
    asked = withdrawing.propose(desk, find, withdrawing.proposal(desk, find, reason=arguments.reason), by_key)
    _tell_approved(invocation, desk, asked, arguments.officer)
    return ExitCode.FINE


def approve(invocation: Invocation) -> int:
    """`withdrawal approve CONTRACT PERIOD --officer ID`: another officer approves the same words."""
    arguments = _with_officer(invocation, _parser(invocation, "Approve a proposed withdrawal."))
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    asked = withdrawing.approve(desk, asked_for(desk, arguments.candidate), _by_key(desk, arguments))
    reason = asked.withdrawal.common.reason
    invocation.output.say(en=f"reason: {reason}", ru=f"причина: {reason}")
    _tell_approved(invocation, desk, asked, arguments.officer)
    return ExitCode.FINE


def release(invocation: Invocation) -> int:
    """`withdrawal release CONTRACT PERIOD`: sign what officers approved and hand it to the gateway; may be repeated."""
    arguments = invocation.parse(_parser(invocation, "Sign an approved withdrawal and hand it to the gateway."))
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    gateway = LocalGateway(desk.node, language=invocation.output.language)
    asked, answer = withdrawing.release(desk, asked_for(desk, arguments.candidate), gateway)
    state = WITHDRAWN if answer["effective"] else LOGGED
    index = answer["index"]
    waits_en = "" if answer["effective"] else "; it takes effect once its witnesses have seen it"
    waits_ru = "" if answer["effective"] else "; вступит в силу, когда её увидят свидетели"
    invocation.output.say(
        en=f"{asked.name}: withdrawn, entry {index} of the log{waits_en}",
        ru=f"{asked.name}: отозван, запись журнала {index}{waits_ru}",
    )
    invocation.output.result({"name": asked.name, "state": state, **answer})
    return ExitCode.FINE


def listing(invocation: Invocation) -> int:
    """`withdrawal list`: every withdrawal at the desk, its reason, and who approved it."""
    invocation.parse(CommandParser(invocation.command, "Withdrawals and their states."))
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    with open_desk(desk.store_file) as store:
        rows = [(row, parse_withdrawal(row.document)) for row in store.withdrawals()]
    output = invocation.output
    russian = output.language == "ru"
    if not rows:
        output.say(en="nothing was proposed to be withdrawn", ru="отзывов не предлагалось")
    else:
        output.table(
            ["набор", "состояние", "одобрили", "предложен", "причина"]
            if russian
            else ["bundle", "state", "approved by", "proposed", "reason"],
            [
                [
                    row.bundle,
                    _STATES_RU[row.state] if russian else row.state,
                    _officers(found),
                    format_instant(found.common.at),
                    found.common.reason,
                ]
                for row, found in rows
            ],
        )
    output.result({"withdrawals": [_json(row, found) for row, found in rows]})
    return ExitCode.FINE


def _parser(invocation: Invocation, summary: str) -> CommandParser:
    parser = CommandParser(invocation.command, summary)
    parser.add_argument("candidate", nargs="+", metavar=CANDIDATE_FORM)
    return parser


def _with_officer(invocation: Invocation, parser: CommandParser) -> Namespace:
    parser.add_argument("--officer", required=True, metavar="ID")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the officer's key; by default in the node's folder")
    return invocation.parse(parser)


def _by_key(desk: Desk, arguments: Namespace) -> Approve:
    """The officer's approval, by the registered key."""
    signer = desk.officer_signer(arguments.officer, arguments.key)
    return lambda common: approve_withdrawal(
        common, officer=arguments.officer, role=CLEARING_ROLE, at=desk.now, signer=signer
    )


def _tell_approved(invocation: Invocation, desk: Desk, asked: Asked, officer: str) -> None:
    assert asked.row is not None  # recorded just now
    state, candidate = asked.row.state, asked.kept.case.candidate
    node, following = desk.node.asked, " ".join(asked_words(desk, candidate))
    step = "release" if state == APPROVED else "approve"
    officer_en = "" if state == APPROVED else " --officer …"
    english = "enough officers have approved" if state == APPROVED else "another officer must approve"
    russian = "одобрений достаточно" if state == APPROVED else "нужно ещё одно одобрение"
    invocation.output.say(
        en=f"{officer} approved the withdrawal of {asked.name}: {english}",
        ru=f"{officer}: отзыв {asked.name} одобрен; {russian}",
    )
    invocation.output.say(
        en=f"next: exchange --node {node} withdrawal {step} {following}{officer_en}",
        ru=f"далее: exchange --node {node} withdrawal {step} {following}{officer_en}",
    )
    invocation.output.result(_json(asked.row, parse_withdrawal(asked.row.document)))


def _officers(found: Withdrawal) -> str:
    return " ".join(approval.officer for approval in found.approvals)


def _json(row: WithdrawalRow, found: Withdrawal) -> dict[str, object]:
    return {
        "bundle": row.bundle,
        "state": row.state,
        "reason": found.common.reason,
        "at": format_instant(found.common.at),
        "approved_by": [approval.officer for approval in found.approvals],
    }
