"""`exchange desk serve`, and the invitations that found a desk: one server for its officers' LAN."""

import getpass
import secrets
import sys

from exchange.errors import ExitCode
from exchange.errors.officers import ConsoleUnsafeError
from exchange.errors.settings import CommandLineError
from exchange.signing.password import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, hash_password
from nodes.adapters.clock import SystemClock
from nodes.desk.main import build_desk, guarded
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation
from nodes.web.accounts import Wanted
from nodes.web.roles import Role
from nodes.web.serving import serve_console


def serve(call: Invocation) -> int:
    """`exchange --node kz desk serve`: run the member's desk for its officers until it is told to end."""
    call.parse(CommandParser(call.command, "run the member's desk for its officers"))
    node = call.require_node()
    context = build_desk(node, clock=SystemClock())
    settings = node.settings.desk
    call.output.say(
        en=f"{node.member}: desk at {settings.origin}", ru=f"{node.member}: рабочее место на {settings.origin}"
    )
    serve_console(guarded(context), settings, folder=node.path)
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
