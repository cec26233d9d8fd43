"""`exchange audit serve` and `audit invite`: IOM's console for its auditors, on a port of its own."""

import logging
import sys

import uvicorn

from exchange.errors import ExitCode
from nodes.adapters.clock import SystemClock
from nodes.adapters.tls_files import server_context
from nodes.auditor.pages.app import auditor_app, build_auditor_console
from nodes.terminal import CommandParser, Invocation
from nodes.web.accounts import Wanted
from nodes.web.roles import Role
from nodes.web.wire import WireLimits, bounded

STOP_S = 5
WIRE = WireLimits(
    head_bytes_max=32 * 1024,
    head_fields_max=64,
    request_s=30.0,
    answer_s=60.0,
    connections_max=64,
    connections_of_one_max=32,
)
"""A few auditors: browsers open a few connections each."""


def serve(call: Invocation) -> int:
    """`exchange --node iom audit serve`: the last audit's pages, until it is told to end."""
    call.parse(CommandParser(call.command, "run the auditor's console"))
    node = call.require_node()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    settings = node.settings.auditor
    config = uvicorn.Config(
        auditor_app(build_auditor_console(node, clock=SystemClock())),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=bounded(WIRE),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_S,
    )
    if settings.tls is not None:
        context = server_context(node.path, settings.tls)
        config.ssl_context_factory = lambda _config, _default: context
    call.output.say(en=f"{node.member}: audit at {settings.origin}", ru=f"{node.member}: аудит на {settings.origin}")
    uvicorn.Server(config).run()
    return ExitCode.FINE


def invite(call: Invocation) -> int:
    """`exchange --node iom audit invite NAME`: a code for one of the two administrators who found the console."""
    parser = CommandParser(call.command, "A code for one of the console's first two administrators.")
    parser.add_argument("name", metavar="NAME", help="the person's, for IOM's own eyes")
    name = str(call.parse(parser).name)
    node = call.require_node()
    console = build_auditor_console(node, clock=call.clock).console
    code = console.accounts.invite(Wanted(name=name, officer=None, roles=frozenset({Role.OPERATOR})))
    enrol = f"{node.settings.auditor.origin}/enrol"
    call.output.say(en=f"{name} enrols a passkey at {enrol} with", ru=f"{name}: ключ доступа на {enrol}, код")
    call.output.line(f"  {code}")
    call.output.result({"name": name, "code": code})
    return ExitCode.FINE
