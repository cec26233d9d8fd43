"""`exchange doctor`: is this node well, and the whole path to each partner and back."""

from collections.abc import Mapping
from typing import Any

from exchange.errors import ExitCode
from exchange.errors.catalogue import every_leaf
from nodes.adapters.local_gateway import LocalGateway
from nodes.terminal import CommandParser, Invocation, Output


def doctor(invocation: Invocation) -> int:
    """`doctor`: 0 if all is well, 1 if this node is not, 5 if a partner cannot be reached, 4 if one lets it not in."""
    invocation.parse(CommandParser(invocation.command, "Is this node well, and the path to each partner and back."))
    node, output = invocation.require_node(), invocation.output
    gateway = LocalGateway(node, language=output.language)
    status = gateway.get("/local/status")
    partners = gateway.get("/local/doctor")["partners"]
    _print_own(node.member, status, output)
    _print_partners(partners, output)
    problems = [one["problem"] for one in partners if one["problem"] is not None]
    output.result(
        {
            "member": node.member,
            "reasons": status["health"],
            "warnings": status["warnings"],
            "log": status["log"],
            "partners": partners,
        }
    )
    if status["health"]:
        return ExitCode.ERROR
    return ExitCode(max((problem["exit_code"] for problem in problems), default=ExitCode.FINE))


def _print_own(member: str, status: Mapping[str, Any], output: Output) -> None:
    reasons, warned = ", ".join(status["health"]), ", ".join(status["warnings"])
    if reasons:
        output.say(en=f"{member}: red: {reasons}", ru=f"{member}: неисправен: {reasons}")
        described = {leaf.code for leaf in every_leaf()}
        for code in status["health"]:
            if code in described:
                output.say(en=f"  → what to do: exchange errors {code}", ru=f"  → что делать: exchange errors {code}")
    else:
        output.say(en=f"{member}: well", ru=f"{member}: исправен")
    if warned:
        output.say(en=f"soon: {warned}", ru=f"скоро: {warned}")


def _print_partners(partners: list[Mapping[str, Any]], output: Output) -> None:
    russian = output.language == "ru"
    output.table(
        ["партнёр", "путь туда", "мс", "заверяет наш журнал", "был здесь"]
        if russian
        else ["partner", "path there", "ms", "witnesses our log", "was here at"],
        [
            [
                one["member"],
                "ok" if one["problem"] is None else one["problem"]["code"],
                one["milliseconds"],
                one["witness_trouble"] or ("да" if russian else "yes"),
                one["was_here_at"] or "-",
            ]
            for one in partners
        ],
    )
    for one in partners:
        if one["problem"] is not None:
            output.line(f"{one['member']}: {one['problem']['message'][output.language]}")
            if one["problem"]["mend"][output.language]:
                output.line(f"  → {one['problem']['mend'][output.language]}")
