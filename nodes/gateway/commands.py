"""`exchange pull` and `exchange catalogue`: asked of the node's own gateway, which holds the key and the log."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from exchange.codes import parse_period
from exchange.errors import ExitCode
from exchange.flow.offer import PURPOSE_DEFAULT
from nodes.adapters.local_gateway import LocalGateway
from nodes.terminal import CommandParser, Invocation

SHOWN_DIGITS = 16
PULL_TIMEOUT_S = 600.0
"""A slow partner has its own limits in the gateway; this one only ends a wait for a gateway that hangs."""


def pull(call: Invocation) -> int:
    """`exchange --node kg pull kz CA-01 2026-09 [-o FOLDER] [--purpose PURPOSE]`."""
    parser = CommandParser(call.command, "pull, verify, log and receipt the newest revision of a partner's bundle")
    parser.add_argument("partner", help="the providing member, such as kz")
    parser.add_argument("contract", help="contract id or its beginning, such as CA-01")
    parser.add_argument("period", help="such as 2026-09, 2018-Q4 or 2024")
    parser.add_argument("-o", "--output", type=Path, help="folder that becomes the bundle; must be new or empty")
    parser.add_argument("--purpose", default=PURPOSE_DEFAULT, help="what it is used for; the contract permits which")
    asked = call.parse(parser)
    node = call.require_node()
    body: dict[str, object] = {
        "partner": asked.partner,
        "contract": asked.contract,
        "period": parse_period(asked.period).text,
        "purpose": asked.purpose,
    }
    if asked.output is not None:
        body["folder"] = str(asked.output.absolute())
    pulled = LocalGateway(node, timeout_s=PULL_TIMEOUT_S).post("/local/pulls", body)
    _show(call, pulled)
    return ExitCode.FINE


def catalogue(call: Invocation) -> int:
    """`exchange --node kg catalogue kz [--contract CA-01]`."""
    parser = CommandParser(call.command, "what a partner offers this member")
    parser.add_argument("partner", help="the providing member, such as kz")
    parser.add_argument("--contract", help="only this one: its id or a beginning of it")
    asked = call.parse(parser)
    query = "?" + urlencode({"contract": asked.contract}) if asked.contract else ""
    found = LocalGateway(call.require_node()).get(f"/local/catalogues/{quote(asked.partner, safe='')}{query}")
    bundles: list[dict[str, Any]] = found["bundles"]
    if not bundles:
        call.output.say(
            en=f"{asked.partner.upper()} offers nothing", ru=f"{asked.partner.upper()} ничего не предлагает"
        )
    else:
        russian = call.output.language == "ru"
        call.output.table(
            ["договор", "версия", "период", "пересмотр", "состояние", "набор"]
            if russian
            else ["contract", "version", "period", "revision", "state", "bundle"],
            [
                [
                    item["contract"]["id"],
                    item["contract"]["version"],
                    item["period"],
                    item["revision"],
                    item["state"],
                    _short(item["bundle"]),
                ]
                for item in bundles
            ],
        )
    call.output.result(found)
    return ExitCode.FINE


def _show(call: Invocation, pulled: dict[str, Any]) -> None:
    contract, period, revision = pulled["contract"]["id"], pulled["period"], pulled["revision"]
    subject = f"{pulled['provider']} {contract} {period} r{revision}"
    output = call.output
    if pulled["already_there"]:
        output.say(
            en=f"{subject}: pulled again and verified; this very bundle already lay in {pulled['folder']}",
            ru=f"{subject}: получен повторно и проверен; этот же набор уже был в {pulled['folder']}",
        )
    else:
        output.say(
            en=f"{subject}: pulled, verified, logged: {pulled['folder']}",
            ru=f"{subject}: получен, проверен, записан: {pulled['folder']}",
        )
    output.say(en=f"bundle   {pulled['bundle']}", ru=f"набор      {pulled['bundle']}")
    if pulled["receipt_taken"]:
        output.say(en=f"receipt  taken by {pulled['provider']}", ru=f"квитанция  принята: {pulled['provider']}")
    else:
        output.say(
            en=f"receipt  logged; {pulled['provider']} has not taken it yet, the gateway sends it again",
            ru=f"квитанция  записана; {pulled['provider']} ещё не принял её, шлюз отправит снова",
        )
    output.result(pulled)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:SHOWN_DIGITS]
