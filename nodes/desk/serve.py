"""`exchange desk serve`, and the invitations that found a desk: one server for its officers' LAN."""

import asyncio
import getpass
import logging
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
import uvloop

from exchange.errors import ExitCode
from exchange.errors.officers import ConsoleUnsafeError
from exchange.errors.settings import CommandLineError
from exchange.signing.password import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, hash_password
from nodes.adapters.clock import SystemClock
from nodes.adapters.tls_files import server_context
from nodes.desk.main import build_desk, guarded
from nodes.settings import DeskSettings, NodeFolder
from nodes.terminal import CommandParser, Invocation
from nodes.web.accounts import Wanted
from nodes.web.roles import Role
from nodes.web.wire import WireLimits, bounded

BACKLOG = 128
KEEP_ALIVE_S = 65
STOP_S = 5
WIRE = WireLimits(
    head_bytes_max=32 * 1024,
    head_fields_max=64,
    request_s=30.0,
    answer_s=60.0,
    connections_max=256,
    connections_of_one_max=64,
)
"""A ministry's officers, not the world: browsers open a few connections each."""


def serve(call: Invocation) -> int:
    """`exchange --node kz desk serve`: run the member's desk for its officers until it is told to end."""
    call.parse(CommandParser(call.command, "run the member's desk for its officers"))
    node = call.require_node()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # whoever sends malformed requests could fill the disk
    context = build_desk(node, clock=SystemClock())
    settings = node.settings.desk
    config = uvicorn.Config(
        guarded(context),
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
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        backlog=BACKLOG,
    )
    _secure(config, node, settings)
    call.output.say(
        en=f"{node.member}: desk at {settings.origin}", ru=f"{node.member}: рабочее место на {settings.origin}"
    )
    uvloop.run(_run(_Server(config)))
    return ExitCode.FINE


def invite(call: Invocation) -> int:
    """`exchange --node kz desk invite NAME`: a code for one of the two administrators who found a desk.

    In a demonstration with passwords also `--role ROLE [--officer ID]`: an account with a password, at once.
    """
    parser = CommandParser(call.command, "A code for one of a desk's first two administrators.")
    parser.add_argument("name", metavar="NAME", help="the person's, for this ministry's own eyes")
    parser.add_argument("--role", action="append", choices=[*Role], help="demonstrations with passwords only")
    parser.add_argument("--officer", metavar="ID", help="as the registry lists it, such as kz-02")
    arguments = call.parse(parser)
    node = call.require_node()
    context = build_desk(node, clock=call.clock)
    roles = frozenset(Role(role) for role in arguments.role or (Role.OPERATOR,))
    wanted = Wanted(name=arguments.name, officer=arguments.officer, roles=roles)
    password = None if arguments.role is None else _password(node)
    code = context.console.accounts.invite(wanted, password=password)
    if password is not None:
        call.output.say(en=f"{arguments.name}: an account with a password", ru=f"{arguments.name}: запись с паролем")
        call.output.result({"name": arguments.name})
        return ExitCode.FINE
    origin = node.settings.desk.origin
    call.output.say(
        en=f"{arguments.name} enrols a passkey at {origin} with", ru=f"{arguments.name}: ключ доступа на {origin}, код"
    )
    call.output.line(f"  {code}")
    call.output.result({"name": arguments.name, "code": code})
    return ExitCode.FINE


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process, which ends with 0 when it is told to."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing."""
        yield


async def _run(server: _Server) -> None:
    def end() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    await server.serve()


def _secure(config: uvicorn.Config, node: NodeFolder, settings: DeskSettings) -> None:
    if settings.tls is not None:
        context = server_context(node.path, settings.tls)
        config.ssl_context_factory = lambda _config, _default: context


def _password(node: NodeFolder) -> str:
    """A password from the terminal or from stdin, as it is kept.

    Raises:
        ConsoleUnsafeError: No demonstration, or one without passwords.
        CommandLineError: Too short or too long.
    """
    if not (node.settings.demo and node.settings.desk.passwords):
        raise ConsoleUnsafeError(setting="desk.passwords", reason="only a demonstration that says so has passwords")
    asked = getpass.getpass("") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not PASSWORD_CHARS_MIN <= len(asked) <= PASSWORD_CHARS_MAX:
        reason = f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters"
        raise CommandLineError(reason=reason, command="exchange desk invite NAME --role ROLE")
    return hash_password(asked, random=secrets.token_bytes)
