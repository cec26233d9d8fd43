"""`exchange withdrawal propose|approve|release|list`: officers take a published bundle back.

Two of them, like its clearance. What partners have pulled stays with them; they are told, and acknowledge it.
"""

import base64
from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exchange.clearance import CLEARING_ROLE, Approval
from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant
from exchange.errors import ExitCode
from exchange.errors.bundle import ApprovalsMissingError
from exchange.errors.desk import NotPublishedError, WithdrawalNotFoundError, WithdrawalOpenError
from exchange.flow.clear import CandidateState, Event, advance
from exchange.publication.withdrawal import (
    WITHDRAWAL,
    WITHDRAWAL_SIGNATURES,
    Withdrawal,
    approve_withdrawal,
    format_withdrawal,
    parse_withdrawal,
    propose_withdrawal,
    require_withdrawal_approved,
    sign_withdrawal,
)
from nodes.adapters.desk_store import DeskStore, WithdrawalRow, open_desk
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk.cases import CANDIDATE_FORM, Desk, KeptCase, asked_words, find_case, keep_case
from nodes.terminal import CommandParser, Invocation

PROPOSED, APPROVED, LOGGED, WITHDRAWN = "proposed", "approved", "logged", "withdrawn"
_STATES_RU = {PROPOSED: "предложен", APPROVED: "одобрен", LOGGED: "записан", WITHDRAWN: "отозван"}
_PUBLISHED = frozenset({CandidateState.PUBLISHED, CandidateState.SUPERSEDED})


@dataclass(slots=True, kw_only=True)
class _Asked:
    """A released case with its withdrawal, if there is one."""

    kept: KeptCase
    contract: DataContract
    bundle: Digest
    row: WithdrawalRow | None

    @property
    def name(self) -> str:
        return self.kept.case.candidate.name


def propose(invocation: Invocation) -> int:
    """`withdrawal propose CONTRACT PERIOD --officer ID --reason TEXT`: an officer proposes, and approves."""
    parser = _parser(invocation, "Propose to withdraw a published bundle; the proposer approves it too.")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="for the partners who pulled it; no figures")
    arguments = _with_officer(invocation, parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    signer = desk.officer_signer(arguments.officer, arguments.key)
    with open_desk(desk.store_file) as store:
        asked = _find(desk, store, arguments.candidate)
        if asked.row is not None:
            reason = parse_withdrawal(asked.row.document).common.reason
            raise WithdrawalOpenError(candidate=asked.name, reason=reason)
        common = propose_withdrawal(asked.bundle, reason=arguments.reason, at=desk.now)
        first = approve_withdrawal(common, officer=arguments.officer, role=CLEARING_ROLE, at=desk.now, signer=signer)
        proposed = Withdrawal(common=common, approvals=())
        state = _record(desk, store, asked, proposed, first)
    _tell_approved(invocation, desk, asked, arguments.officer, state)
    return ExitCode.FINE


def approve(invocation: Invocation) -> int:
    """`withdrawal approve CONTRACT PERIOD --officer ID`: another officer approves the same words."""
    arguments = _with_officer(invocation, _parser(invocation, "Approve a proposed withdrawal."))
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    signer = desk.officer_signer(arguments.officer, arguments.key)
    with open_desk(desk.store_file) as store:
        asked = _find(desk, store, arguments.candidate)
        begun = parse_withdrawal(_require_row(desk, asked).document)
        approval = approve_withdrawal(
            begun.common, officer=arguments.officer, role=CLEARING_ROLE, at=desk.now, signer=signer
        )
        state = _record(desk, store, asked, begun, approval)
    invocation.output.say(en=f"reason: {begun.common.reason}", ru=f"причина: {begun.common.reason}")
    _tell_approved(invocation, desk, asked, arguments.officer, state)
    return ExitCode.FINE


def release(invocation: Invocation) -> int:
    """`withdrawal release CONTRACT PERIOD`: sign what officers approved and hand it to the gateway; may be repeated."""
    arguments = invocation.parse(_parser(invocation, "Sign an approved withdrawal and hand it to the gateway."))
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    with open_desk(desk.store_file) as store:
        asked = _find(desk, store, arguments.candidate)
        row = _require_row(desk, asked)
        files = _sealed(desk, asked, row)
        store.keep_withdrawal(row)
    gateway = LocalGateway(desk.node, language=invocation.output.language)
    answer: dict[str, Any] = gateway.post(
        "/local/withdrawals",
        {
            "withdrawal": base64.b64encode(files[WITHDRAWAL]).decode("ascii"),
            "signatures": base64.b64encode(files[WITHDRAWAL_SIGNATURES]).decode("ascii"),
        },
    )
    state = WITHDRAWN if answer["effective"] else LOGGED
    _settle(desk, arguments.candidate, state)
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


def _find(desk: Desk, store: DeskStore, asked: list[str]) -> _Asked:
    """The released case that is meant, with its withdrawal if there is one.

    Raises:
        CaseNotFoundError: Nothing like it was submitted.
        NotPublishedError: It has not left.
    """
    kept = find_case(desk, store, asked)
    row = None if kept.row.bundle is None else store.withdrawal(kept.row.bundle)
    if kept.row.bundle is None or (row is None and kept.case.state not in _PUBLISHED):
        raise NotPublishedError(candidate=kept.case.candidate.name, state=kept.case.state.value)
    contract = desk.shelf.find(kept.case.candidate.contract)
    assert contract is not None  # it was released under it
    bundle = Digest.parse(kept.row.bundle, subject="desk.db: bundle")
    return _Asked(kept=kept, contract=contract, bundle=bundle, row=row)


def _require_row(desk: Desk, asked: _Asked) -> WithdrawalRow:
    if asked.row is None:
        raise WithdrawalNotFoundError(candidate=asked.name, member=desk.node.member)
    return asked.row


def _record(desk: Desk, store: DeskStore, asked: _Asked, begun: Withdrawal, approval: Approval) -> str:
    """Keep the withdrawal with one more approval; its state.

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
    return state


def _sealed(desk: Desk, asked: _Asked, row: WithdrawalRow) -> dict[str, bytes]:
    """The two files, signed once: ML-DSA-65 signatures are randomised, and a second would be another withdrawal.

    Raises:
        ClearanceError: Officers have not approved it, or their approvals count no more.
    """
    if row.signatures is not None:
        return {WITHDRAWAL: row.document, WITHDRAWAL_SIGNATURES: row.signatures}
    withdrawal = parse_withdrawal(row.document)
    require_withdrawal_approved(
        withdrawal, provider=desk.node.member, trust=desk.trust, at=desk.now, clause=asked.contract.approvals
    )
    files = sign_withdrawal(withdrawal, signer=desk.bundle_signer())
    row.signatures = files[WITHDRAWAL_SIGNATURES]
    return files


def _settle(desk: Desk, asked: list[str], state: str) -> None:
    """Write down what the gateway said."""
    with open_desk(desk.store_file) as store:
        fresh = _find(desk, store, asked)
        row = _require_row(desk, fresh)
        row.state = state
        store.keep_withdrawal(row)
        kept = fresh.kept
        if state == WITHDRAWN and kept.case.state in _PUBLISHED:
            keep_case(store, kept, advance(kept.case, Event.WITHDRAW), bundle=fresh.bundle)
            store.tell(kept.row, at=desk.now, officer="-", event=WITHDRAWN)


def _tell_approved(invocation: Invocation, desk: Desk, asked: _Asked, officer: str, state: str) -> None:
    candidate = asked.kept.case.candidate
    node, following = candidate.provider.lower(), " ".join(asked_words(desk, candidate))
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
    assert asked.row is not None  # recorded just now
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
