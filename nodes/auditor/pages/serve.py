"""`exchange audit serve` and `audit invite`: IOM's console for its auditors, on a port of its own."""

from exchange.errors import ExitCode
from nodes.adapters.clock import SystemClock
from nodes.adapters.trust_folder import load_trust
from nodes.auditor.main import require_auditor_node
from nodes.auditor.pages.app import auditor_app, build_auditor_console
from nodes.terminal import CommandParser, Invocation
from nodes.web.accounts import Wanted
from nodes.web.roles import Role
from nodes.web.serving import serve_console


def serve(call: Invocation) -> int:
    """`exchange --node iom audit serve`: the last audit's pages, until it is told to end.

    Raises:
        NotAuditorError: The registry names another member as auditor.
    """
    call.parse(CommandParser(call.command, "run the auditor's console"))
    node = call.require_node()
    require_auditor_node(node, load_trust(node.keys, at=call.clock.now(), expired="notice"))
    settings = node.settings.auditor
    app = auditor_app(build_auditor_console(node, clock=SystemClock()))
    call.output.say(en=f"{node.member}: audit at {settings.origin}", ru=f"{node.member}: аудит на {settings.origin}")
    serve_console(app, settings, folder=node.path)
    return ExitCode.FINE


def invite(call: Invocation) -> int:
    """`exchange --node iom audit invite NAME`: a code for one of the two administrators who found the console.

    Raises:
        NotAuditorError: The registry names another member as auditor.
    """
    parser = CommandParser(call.command, "A code for one of the console's first two administrators.")
    parser.add_argument("name", metavar="NAME", help="the person's, for IOM's own eyes")
    name = str(call.parse(parser).name)
    node = call.require_node()
    require_auditor_node(node, load_trust(node.keys, at=call.clock.now()))
    console = build_auditor_console(node, clock=call.clock).console
    code = console.accounts.invite(Wanted(name=name, officer=None, roles=frozenset({Role.OPERATOR})))
    enrol = f"{node.settings.auditor.origin}/enrol"
    call.output.say(en=f"{name} enrols a passkey at {enrol} with", ru=f"{name}: ключ доступа на {enrol}, код")
    call.output.line(f"  {code}")
    call.output.result({"name": name, "code": code})
    return ExitCode.FINE
