"""The demo's consoles: KZ's desk, a partner's, and IOM's, each a process of its own, with accounts to look around with.

Officers of a demonstration sign in with a password that is made anew each time. What signs for a state asks for a
passkey all the same: here it is signed on the command line, with the throw-away keys.
"""

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path

from exchange.errors import ExitCode
from exchange.errors.demo import DemoAbsentError
from exchange.signing.password import hash_password
from nodes.adapters.clock import Clock
from nodes.adapters.durable import write_durably
from nodes.auditor.pages.app import ACCOUNTS_DB, build_auditor_console
from nodes.demo import processes
from nodes.demo.federation import AUDITOR, DemoFederation, open_federation
from nodes.desk.main import build_desk
from nodes.settings import SETTINGS_FILE, NodeFolder, open_node
from nodes.terminal import CommandParser, Invocation, Output
from nodes.web.accounts import Wanted
from nodes.web.roles import Role

PORT_FIRST = 8601
DESKS = ("KZ", "KG")
PASSWORD_BYTES = 15
OUTPUT = "console.out"
"""In a node's folder: what its console prints."""

_OFFICERS = (("01", Role.DATA), ("02", Role.CLEARING), ("03", Role.CLEARING), ("04", Role.CONTRACT))
_SECTION, _COMMAND = ("desk", "auditor"), (("desk", "serve"), ("audit", "serve"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedConsole:
    """One console that runs.

    Attributes:
        names: Who can sign in; every name with the same password.
    """

    running: processes.Running
    names: tuple[str, ...]
    password: str


def console(invocation: Invocation) -> int:
    """Two desks and the auditor's console over the demo's state, until Ctrl-C."""
    invocation.parse(CommandParser(invocation.command, "Look at the demo in a browser: two desks, and the auditor."))
    if not processes.remembered(invocation.home):
        raise DemoAbsentError(home=str(invocation.home))
    opened = start_consoles(open_federation(invocation.home), clock=invocation.clock)
    try:
        _tell(invocation.output, opened)
        processes.await_end()
    finally:
        processes.stop([one.running for one in opened])
    return ExitCode.FINE


def start_consoles(federation: DemoFederation, *, clock: Clock) -> list[OpenedConsole]:
    """Start the desks and the auditor's console beside the federation; accounts of an earlier time are gone.

    Raises:
        DemoProcessError: One did not start.
    """
    members = (*DESKS, AUDITOR)
    ports = processes.free_ports(len(members), first=PORT_FIRST)
    password = base64.b32encode(secrets.token_bytes(PASSWORD_BYTES)).decode("ascii").lower()
    opened: list[OpenedConsole] = []
    try:
        for member, port in zip(members, ports, strict=True):
            node = _with_console(federation.nodes[member].path, auditor=member == AUDITOR, port=port)
            names = _accounts(node, password, clock=clock)
            settings = node.settings.auditor if member == AUDITOR else node.settings.desk
            running = processes.start_program(node, _COMMAND[member == AUDITOR], address=settings.origin, output=OUTPUT)
            opened.append(OpenedConsole(running=running, names=names, password=password))
        for one in opened:
            folder = federation.nodes[one.running.member].path
            processes.await_ready(one.running, folder, path="/sign-in", output=OUTPUT)
    except BaseException:
        processes.stop([one.running for one in opened])
        raise
    return opened


def _with_console(folder: Path, *, auditor: bool, port: int) -> NodeFolder:
    """The node with its console's address in its settings: the last section of `node.toml`."""
    file = folder / SETTINGS_FILE
    head = file.read_text(encoding="utf-8").partition(f"\n[{_SECTION[auditor]}]\n")[0]
    section = f'[{_SECTION[auditor]}]\norigin = "http://localhost:{port}"\nport = {port}\npasswords = true\n'
    write_durably(file, f"{head.rstrip()}\n\n{section}".encode())
    return open_node(folder)


def _accounts(node: NodeFolder, password: str, *, clock: Clock) -> tuple[str, ...]:
    """Accounts for whoever looks around."""
    auditor = node.member == AUDITOR
    kept = node.path / ACCOUNTS_DB if auditor else node.officers_db
    for file in kept.parent.glob(f"{kept.name}*"):
        file.unlink()
    console = (build_auditor_console if auditor else build_desk)(node, clock=clock).console
    hashed = hash_password(password, random=secrets.token_bytes)
    if auditor:
        console.accounts.invite(Wanted(name="auditor", officer=None, roles=frozenset({Role.AUDITOR})), password=hashed)
        return ("auditor",)
    names = []
    for number, role in _OFFICERS:
        officer = f"{node.member.lower()}-{number}"
        console.accounts.invite(Wanted(name=officer, officer=officer, roles=frozenset({role})), password=hashed)
        names.append(officer)
    return tuple(names)


def _tell(output: Output, opened: list[OpenedConsole]) -> None:
    for one in opened:
        output.line(f"  {one.running.member:<4} {one.running.address}  {', '.join(one.names)}")
    output.say(
        en=f"sign in under any of these names with {opened[0].password}; serving until Ctrl-C",
        ru=f"вход под любым из этих имён, пароль {opened[0].password}; работает до Ctrl-C",
    )
    output.result(
        {
            "consoles": [
                {"member": one.running.member, "address": one.running.address, "names": list(one.names)}
                for one in opened
            ],
            "password": opened[0].password,
        }
    )
