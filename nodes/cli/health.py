"""`exchange health`: whether the node's own gateway is well, or every reason why not; for supervisors too."""

from exchange.errors import ExitCode
from exchange.errors.settings import GatewayDownError
from nodes.adapters.local_gateway import LocalGateway
from nodes.terminal import CommandParser, Invocation

TIMEOUT_S = 4.0
"""Below the five seconds that docker-compose.yml gives."""


def health(invocation: Invocation) -> int:
    """`health`: 0 if the gateway answers and is well, else 1 with the reasons as stable codes."""
    invocation.parse(CommandParser(invocation.command, "Whether the own gateway is well, or why not."))
    node, output = invocation.require_node(), invocation.output
    gateway = LocalGateway(node, timeout_s=TIMEOUT_S, language=output.language)
    try:
        status = gateway.get("/local/status")
        reasons = [str(reason) for reason in status["health"]]
        for warning in status["warnings"]:
            output.say(en=f"{node.member}: warning: {warning}", ru=f"{node.member}: предупреждение: {warning}")
    except GatewayDownError as error:
        status, reasons = {}, [error.code]
        output.line(error.sentence(output.language))
    if reasons:
        output.say(
            en=f"{node.member}: red: {', '.join(reasons)}", ru=f"{node.member}: неисправен: {', '.join(reasons)}"
        )
    else:
        size, cosigned = status["log"]["size"], status["log"]["cosigned_size"]
        output.say(
            en=f"{node.member}: well; log of {size} entries, {cosigned} of them cosigned",
            ru=f"{node.member}: исправен; записей в журнале {size}, из них заверено {cosigned}",
        )
    output.result(
        {
            "member": node.member,
            "healthy": not reasons,
            "reasons": reasons,
            "log": status.get("log"),
            "warnings": status.get("warnings", []),
        }
    )
    return ExitCode.ERROR if reasons else ExitCode.FINE
