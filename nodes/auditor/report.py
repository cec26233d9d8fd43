"""The result of an audit as one JSON document, and as the tables that a person reads."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from exchange.encoding import format_instant
from exchange.reconcile.model import UNDECIDED, Exchange, Finding, Verdict
from nodes.auditor.main import AuditResult
from nodes.terminal import Output

VERDICTS_RU: Mapping[str, str] = {
    Verdict.CONFIRMED: "подтверждён",
    Verdict.PENDING: "ожидается",
    Verdict.BROKEN_OFF: "прерван",
    Verdict.REJECTED: "отклонён",
    Verdict.DISPUTED: "спорный",
    Verdict.VIOLATED: "нарушен",
    Verdict.REFUSED: "отказан",
}
HOLDS, FAILS = "holds", "fails"
_SHOWN_DIGITS = 12
_HIDDEN_EN = "An exchange that both sides hide leaves no trace in any log and cannot be found."
_HIDDEN_RU = "Обмен, который скрывают обе стороны, не оставляет следа ни в одном журнале и не может быть найден."


def as_json(result: AuditResult) -> dict[str, object]:
    """The result for a program, for the store, and for the report; sentences in both languages."""
    return {
        "at": format_instant(result.at),
        "registry": {"version": result.registry.version, "sha256": str(result.registry.sha256)},
        "green": result.green,
        "publications": result.publications,
        "logs": [
            {
                "member": log.member,
                "size": log.size,
                "root": None if log.seen is None else log.seen.checkpoint.root.hex(),
                "cosigned_at": None if log.cosigned_at is None else format_instant(log.cosigned_at),
                "verdict": FAILS if log.findings else HOLDS,
            }
            for log in result.logs
        ],
        "exchanges": [_exchange(one) for one in result.reconciliation.exchanges],
        "findings": [_finding(one) for one in result.findings],
        "unanswered": [{"member": member, "digest": str(digest)} for member, digest in sorted(result.unanswered)],
    }


def print_run(run: Mapping[str, Any], output: Output) -> None:
    """The tables of logs and exchanges, the findings, and what an audit cannot know."""
    russian = output.language == "ru"
    output.table(
        ["журнал", "записей", "заверен", "вердикт"] if russian else ["log", "entries", "cosigned", "verdict"],
        [
            [log["member"], log["size"], log["cosigned_at"] or "-", _held(log["verdict"], russian=russian)]
            for log in run["logs"]
        ],
    )
    output.line()
    output.table(
        ["публикатор", "договор", "период", "получатель", "вердикт", "виновная сторона"]
        if russian
        else ["publisher", "contract", "period", "puller", "verdict", "fault"],
        [
            [
                one["publisher"],
                one["contract"] or one["bundle"].removeprefix("sha256:")[:_SHOWN_DIGITS],
                one["period"] or "-",
                one["puller"],
                VERDICTS_RU[one["verdict"]] if russian else one["verdict"],
                one["fault"] or "-",
            ]
            for one in run["exchanges"]
        ],
    )
    output.line()
    print_findings(run["findings"], output)
    output.say(en=_HIDDEN_EN, ru=_HIDDEN_RU)


def print_findings(findings: Sequence[Mapping[str, Any]], output: Output) -> None:
    """Each finding with the party at fault, the sentence, and the digests that prove it."""
    if not findings:
        output.say(en="No findings: everything holds.", ru="Замечаний нет: всё подтверждено.")
        return
    output.say(en=f"findings: {len(findings)}", ru=f"Замечаний: {len(findings)}")
    for number, found in enumerate(findings, 1):
        party = found["party"]
        shown = "не решено" if party == UNDECIDED and output.language == "ru" else party
        output.line(f"{number:3}. {found['code']} [{shown}]")
        output.line(f"     {found['message'][output.language]}")
        if found["evidence"]:
            proof = ", ".join(found["evidence"])
            output.say(en=f"     proof: {proof}", ru=f"     доказательство: {proof}")
        if found["entries"]:
            entries = ", ".join(f"{one['member']} {one['index']}" for one in found["entries"])
            output.say(en=f"     entries: {entries}", ru=f"     записи: {entries}")


def _exchange(one: Exchange) -> dict[str, object]:
    return {
        "pull": None if one.pull is None else str(one.pull),
        "publisher": one.publisher,
        "puller": one.puller,
        "bundle": str(one.bundle),
        "contract": one.contract_id,
        "period": one.period,
        "at": format_instant(one.at),
        "verdict": one.verdict.value,
        "fault": one.fault,
        "codes": _codes(one.findings),
    }


def _finding(found: Finding) -> dict[str, object]:
    return {
        "code": found.reason.code,
        "party": found.party,
        "message": {"en": found.reason.sentence("en"), "ru": found.reason.sentence("ru")},
        "mend": {"en": found.reason.mend("en"), "ru": found.reason.mend("ru")},
        "evidence": [str(digest) for digest in found.evidence],
        "entries": [{"member": member, "index": index} for member, index in found.entries],
    }


def _codes(findings: Iterable[Finding]) -> list[str]:
    return sorted({found.reason.code for found in findings})


def _held(verdict: str, *, russian: bool) -> str:
    if not russian:
        return verdict
    return "подтверждён" if verdict == HOLDS else "не подтверждён"
