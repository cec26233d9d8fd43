"""`exchange withdrawal look PARTNER`: what a partner took back of what this member pulled."""

from exchange.errors import ExitCode
from nodes.adapters.local_gateway import LocalGateway
from nodes.terminal import CommandParser, Invocation


def look(invocation: Invocation) -> int:
    """Ask one partner now; the gateway asks all of them by itself."""
    parser = CommandParser(invocation.command, "Ask a partner what it took back, and acknowledge it.")
    parser.add_argument("partner", metavar="PARTNER", help="a member, such as kz")
    partner = str(invocation.parse(parser).partner).upper()
    node = invocation.require_node()
    gateway = LocalGateway(node, language=invocation.output.language)
    found = gateway.post(f"/local/withdrawals/look?partner={partner}", {})["acknowledged"]
    output = invocation.output
    for one in found:
        output.say(
            en=f"{partner} withdrew {one['bundle']}: {one['reason']}; acknowledged; files in {one['folder']}",
            ru=f"{partner}: отозван {one['bundle']}: {one['reason']}; подтверждено; файлы в {one['folder']}",
        )
    if not found:
        output.say(
            en=f"{partner} took back nothing that was pulled here and not acknowledged yet",
            ru=f"{partner}: неподтверждённых отзывов полученных здесь наборов нет",
        )
    output.result({"partner": partner, "acknowledged": found})
    return ExitCode.FINE
