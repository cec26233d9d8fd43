"""A founded federation with its consoles: gateways, two desks and IOM's page, each a process, people with passkeys.

Consoles are founded as `exchange desk invite` and `audit invite` do it: two administrators by a code from the machine,
everybody else by the two of them. Clearing officers show at the desk the passkeys that KZ's delegation lists.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from exchange.flow.ceremony import rotate_keys
from nodes.adapters.clock import SystemClock
from nodes.adapters.trust_folder import load_trust, write_trust_files
from nodes.cli.main import PRIVATE_UMASK
from nodes.demo.federation import NAMES, found
from nodes.demo.processes import free_ports
from nodes.web.roles import Role
from tests.browser.chromium import Browser as Window
from tests.browser.site import Site
from tests.stories.faulty import CONTRACT, PARTIES, SOON_S, FaultyFederation, in_force, soon
from tests.stories.federation import ROOT
from tests.world.ceremonies import Living
from tests.world.desk_server import Browser
from tests.world.federation import Federation
from tests.world.passkey_bundles import apply_for
from tests.world.passkeys import Authenticator

PORT_FIRST = 9301  # apart from every story: the longest ones run beside the browser
OUTPUT = "console.out"
STARTED_S = 300.0
OPERATORS = ("operator A", "operator B")
CLEARERS = ("kz-02", "kz-03")
CONSOLES: Mapping[str, tuple[str, Mapping[str, Role]]] = {
    "KZ": ("desk", {"kz-01": Role.DATA, "kz-02": Role.CLEARING, "kz-03": Role.CLEARING}),
    "KG": ("desk", {"kg-01": Role.DATA}),
    "IOM": ("audit", {"Auditor": Role.AUDITOR}),
}
"""Whose console, the program that serves it, and who works there."""


@dataclass
class Consoles:
    """The running federation, and its people's passkeys by name."""

    nodes: FaultyFederation
    origins: Mapping[str, str]
    passkeys: dict[str, Authenticator] = field(default_factory=dict)

    def site(self, member: str, window: Window) -> Site:
        return Site(self.passkeys, window, self.origins[member])


@contextmanager
def consoles(home: Path) -> Iterator[Consoles]:
    """CA-01 is in force, everybody is enrolled, nothing is published."""
    os.umask(PRIVATE_UMASK)
    members = [member for member in NAMES if member in PARTIES]
    ports = free_ports(len(NAMES) + len(CONSOLES), first=PORT_FIRST)
    demo = found(home, ports=ports[: len(NAMES)], clock=SystemClock())
    origins = {
        member: _settle(home / member.lower(), section="desk" if program == "desk" else "auditor", port=port)
        for (member, (program, _)), port in zip(CONSOLES.items(), ports[len(NAMES) :], strict=True)
    }
    found_here = Consoles(FaultyFederation(home, demo), origins)
    _list_passkeys(found_here)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for member in members:
            found_here.nodes.begin(member)
        for member in members:
            _await(found_here.nodes.running[member], f"{demo.nodes[member].settings.gateway.issuer}/health/live")
        for member in members:
            found_here.nodes.act("contract", "sign", CONTRACT, node=member)
        for member in CONSOLES:
            running[member] = _serve(found_here, member)
            _await(running[member], f"{origins[member]}/sign-in")
            _enrol(found_here, member)
        soon(f"{CONTRACT} in force", lambda: all(in_force(found_here.nodes, member) for member in members))
        yield found_here
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(timeout=SOON_S)
        found_here.nodes.stop(*found_here.nodes.running)


def _await(process: "subprocess.Popen[bytes]", address: str) -> None:
    """Until it answers there, however busy the machine; at once a failure where the process has ended."""

    def answers() -> bool:
        assert process.poll() is None, address
        try:
            return httpx.get(address, timeout=SOON_S).is_success
        except httpx.TransportError:
            return False

    soon(address, answers, within_s=STARTED_S)


def _settle(node: Path, *, section: str, port: int) -> str:
    """The console's address, in the node's settings."""
    origin = f"http://localhost:{port}"
    with (node / "node.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[{section}]\norigin = "{origin}"\nport = {port}\n')
    return origin


def _list_passkeys(consoles: Consoles) -> None:
    """KZ's delegation lists its clearing officers' passkeys, before any node starts."""
    home = consoles.nodes.home
    at = SystemClock().now().replace(microsecond=0)
    living = Living(Federation(folder=home, trust=load_trust(home / "keys", at=at)), at=at)
    for officer in CLEARERS:
        consoles.passkeys[officer] = Authenticator(officer, rp_id="localhost", origin=consoles.origins["KZ"])
    application = apply_for(living, [(officer, consoles.passkeys[officer]) for officer in CLEARERS])
    living.decide(rotate_keys(living.base, application, overlap=timedelta(0), at=at), living.pair("KZ"))
    for member in NAMES:
        write_trust_files(home / member.lower() / "keys", living.files)
    write_trust_files(home / "keys", living.files)


def _serve(consoles: Consoles, member: str) -> "subprocess.Popen[bytes]":
    node = consoles.nodes.node(member)
    with (node / OUTPUT).open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "nodes.cli", "--node", str(node), CONSOLES[member][0], "serve"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _enrol(consoles: Consoles, member: str) -> None:
    """Everybody of this console, by their passkeys, over its own interface."""
    origin = consoles.origins[member]
    program, people = CONSOLES[member]

    def device(name: str) -> Browser:
        passkey = Authenticator(name, rp_id="localhost", origin=origin)
        return Browser(origin, consoles.passkeys.setdefault(name, passkey))

    proposer, approver = (device(f"{member} {name}") for name in OPERATORS)
    for operator in (proposer, approver):
        invited = consoles.nodes.act(program, "invite", operator.passkey.label, node=member)
        operator.act(operator.enrol(invited["code"]))
        operator.act(operator.sign_in())
    for name, role in people.items():
        wanted = {"name": name, "officer": None if role is Role.AUDITOR else name, "roles": [role]}
        proposed = proposer.act(proposer.post("/api/enrolments", wanted))
        code = approver.act(approver.post(f"/api/enrolments/{proposed['enrolment']}/approval"))["code"]
        person = device(name)
        person.act(person.enrol(code))
