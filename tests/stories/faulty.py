"""A federation of real processes that can be stopped, killed at a system call, starved of disk, and brought back.

Its registers are small, so that what takes time is the faults. Members act through the command line alone; the test
starts and ends the gateways itself, each by its own process id.
"""

import io
import json
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from exchange.log.merkle import leaf_hash
from exchange.log.tiles import TILE_WIDTH, parse_entry_bundle
from nodes.adapters.clock import SystemClock
from nodes.cli.main import main
from nodes.demo.federation import NAMES, DemoFederation, found, gather_statements
from nodes.demo.processes import PORT_FIRST, Running, await_ready, free_ports
from nodes.terminal import Output
from tests.stories.federation import ROOT, STEP_S, Federation, Ran
from tests.world.log_by_hand import root_of

CONTRACT = "CA-01-BORDER"
PARTIES = ("KZ", "KG", "TJ", "TM", "UZ", "IOM")
WAITS = {"publication_wait_s": 2.0, "witness_timeout_s": 1.0}
"""How long `bundle release` waits for its quorum, and a gateway for one witness: tests need not wait longer."""
SOON_S = 90.0
KILLED = -9

REMOVALS = "CA-07-EXPULSIONS-BANS"
MAPPINGS = {
    CONTRACT: """
v = 1
contract = "CA-01-BORDER"
title = "SYNTHETIC"

[period]
column = "month"
format = "month"

[dimensions]
DIRECTION = { column = "direction" }
CITIZENSHIP = { column = "citizenship" }
COUNTERPART = { column = "counterpart" }
BORDER_REGION = { column = "region" }
MODE = { column = "mode" }
SEX = { column = "sex" }
AGE = { column = "age" }

[contributors]
traveller = { column = "person" }
""",
    REMOVALS: """
v = 1
contract = "CA-07-EXPULSIONS-BANS"
title = "SYNTHETIC"

[period]
column = "month"
format = "quarter"

[dimensions]
MEASURE = { constant = "LEFT" }
CITIZENSHIP = { column = "citizenship" }
RETURN_TYPE = { constant = "VOL" }
SEX = { column = "sex" }
AGE = { constant = "Y_GE18" }

[contributors]
person = { column = "person" }
""",
}
REGIONS = {"KZ": "KZ-11", "KG": "KG-C", "TJ": "TJ-SU", "TM": "TM-A", "UZ": "UZ-TK"}


def register(member: str, period: str) -> str:
    """240 crossings by 240 persons, as CSV; one citizenship has too few to be shown."""
    lines = ["month,direction,citizenship,counterpart,region,mode,sex,age,person"]
    for number in range(240):
        direction = ("IN", "OUT")[number % 2]
        citizenship = "NO" if number < 6 else ("RU", "CN", "TR")[number // 2 % 3]
        counterpart = ("RU", "CN")[number // 6 % 2]
        sex, age = ("M", "F")[number // 4 % 2], ("Y18T34", "Y35T64")[number // 8 % 2]
        lines.append(f"{period},{direction},{citizenship},{counterpart},{REGIONS[member]},ROAD,{sex},{age},t{number}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class FaultyFederation(Federation):
    """The running federation, and the ways to harm it."""

    demo: DemoFederation
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    altered: set[str] = field(default_factory=set)  # bundles that a test altered at rest: found for ever after

    # --- processes -----------------------------------------------------------------------------------------------

    def node(self, member: str) -> Path:
        return self.home / member.lower()

    def begin(self, member: str, *wrapper: str) -> None:
        """Start a gateway, perhaps under a program that watches it; it may not answer yet."""
        with (self.node(member) / "gateway.out").open("ab") as output:
            self.running[member] = subprocess.Popen(
                [*wrapper, sys.executable, "-m", "nodes.cli", "--node", str(self.node(member)), "serve"],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def ready(self, *members: str) -> None:
        for member in members:
            pid, address = self.running[member].pid, self.demo.nodes[member].settings.gateway.issuer
            await_ready(Running(member=member, pid=pid, address=address), self.node(member))

    def start(self, *members: str) -> None:
        for member in members:
            self.begin(member)
        self.ready(*members)

    def stop(self, *members: str) -> None:
        """Ask them to end, as an operator does."""
        for member in members:
            self.running[member].terminate()
        for member in members:
            self.running.pop(member).wait(timeout=SOON_S)

    def heal(self) -> None:
        """Start what a failed test left down."""
        down = [member for member in NAMES if member not in self.running or self.running[member].poll() is not None]
        self.start(*down)

    def kill(self, member: str) -> None:
        self.running[member].kill()
        self.running.pop(member).wait(timeout=SOON_S)

    def died(self, member: str, *, within_s: float = SOON_S) -> bool:
        """Wait until the gateway has been killed."""
        try:
            code = self.running[member].wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            return False
        del self.running[member]
        assert code == KILLED, (self.node(member) / "gateway.out").read_text(encoding="utf-8")[-2000:]
        return True

    @contextmanager
    def without(self, *members: str) -> Iterator[None]:
        """While these are down."""
        self.stop(*members)
        try:
            yield
        finally:
            self.start(*members)

    @contextmanager
    def frozen(self, *members: str) -> Iterator[None]:
        """While these hang: they take connections and never answer."""
        for member in members:
            self.running[member].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for member in members:
                self.running[member].send_signal(signal.SIGCONT)

    # --- what members do -----------------------------------------------------------------------------------------

    def run(self, *words: str, node: str | None = None, timeout_s: float = STEP_S) -> Ran:
        """The same command line as in a process of its own, without waiting for another Python to start."""
        del timeout_s  # pytest's own ends a test that hangs
        out, err = io.StringIO(), io.StringIO()
        output = Output(json="--json" in words, language="en", out=out, err=err)
        command = ["--home", str(self.home), *(["--node", node] if node else []), *words]
        return Ran(int(main(command, output=output)), out.getvalue(), err.getvalue())

    def run_apart(self, *words: str, node: str) -> int:
        """Run a command in a process of its own, since its gateway dies meanwhile; its exit code."""
        return super().run(*words, node=node.lower()).code

    def act(self, *words: str, node: str, code: int = 0) -> dict[str, Any]:
        """Run a command that must end with this code; its JSON."""
        ran = self.run("--json", *words, node=node.lower())
        assert ran.code == code, (words, ran)
        return ran.json

    def refused(self, *words: str, node: str, code: int) -> str:
        """Run a command that must be refused with this code; what it says to a person."""
        ran = self.run(*words, node=node.lower())
        assert ran.code == code, (words, ran)
        return ran.err

    def build(self, member: str, period: str, *words: str, contract: str = CONTRACT) -> Ran:
        folder = self.home / "registers"
        folder.mkdir(exist_ok=True)
        extract, mapping = folder / f"{member.lower()}-{period}-SYNTHETIC.csv", folder / f"{contract}.toml"
        extract.write_text(register(member, period), encoding="utf-8")
        mapping.write_text(MAPPINGS[contract], encoding="utf-8")
        return self.run(
            "bundle", "build", contract, period, "--from", str(extract), "--mapping", str(mapping), *words,
            node=member.lower(),
        )  # fmt: skip

    def clear(self, member: str, period: str) -> None:
        """Build, submit, and two approvals."""
        built = self.build(member, period)
        assert built.code == 0, built
        self.act("bundle", "submit", CONTRACT, period, node=member)
        for officer in ("02", "03"):
            self.act(
                "clearance", "approve", CONTRACT, period, "--officer", f"{member.lower()}-{officer}", node=member
            )  # fmt: skip

    def release(self, member: str, period: str, *, contract: str = CONTRACT) -> dict[str, Any]:
        return self.act("bundle", "release", contract, period, node=member)

    def released(self, member: str, period: str, *, contract: str = CONTRACT) -> dict[str, Any]:
        """Release, however long a busy machine's witnesses take; what the gateway says once it is published."""
        answers: list[dict[str, Any]] = []

        def published() -> bool:
            answers.append(self.release(member, period, contract=contract))
            return bool(answers[-1]["state"] == "published")

        soon(f"{member} {contract} {period} is published", published)
        return answers[-1]

    def published(self, member: str, period: str) -> str:
        """Clear and release; the bundle's digest."""
        self.clear(member, period)
        digest: str = self.released(member, period)["bundle"]
        return digest

    def require_clean_audit(self, *bundles: str) -> None:
        """IOM finds nothing but the bundles that a test altered; every exchange of these bundles is confirmed."""
        ran = self.run("--json", "audit", "run", node="iom")
        audit = ran.json
        findings = [
            finding["message"]["en"]
            for finding in audit["findings"]
            if not any(digest.removeprefix("sha256:") in finding["message"]["en"] for digest in self.altered)
        ]
        assert findings == []
        assert audit["green"] is (ran.code == 0)
        assert {log["verdict"] for log in audit["logs"]} == {"holds"}
        verdicts = {(one["bundle"], one["verdict"]) for one in audit["exchanges"] if one["bundle"] in bundles}
        assert verdicts == {(bundle, "confirmed") for bundle in bundles}

    def offered(self, publisher: str, period: str, *, to: str) -> list[dict[str, Any]]:
        """What the catalogue lists for a period."""
        found = self.act("catalogue", publisher.lower(), node=to)["bundles"]
        return [one for one in found if one["period"] == period]

    def zip_of(self, member: str, digest: str) -> Path:
        return self.node(member) / "bundles" / f"{digest.removeprefix('sha256:')}.zip"

    # --- what lies on the disk -----------------------------------------------------------------------------------

    def entries(self, member: str) -> list[bytes]:
        """Every entry of a log as published: read from its files, and held against its checkpoint."""
        size, root = self.checkpoint(member)
        folder, found = self.node(member) / "log" / "tile" / "entries", list[bytes]()
        for index in range(0, size, TILE_WIDTH):
            width = min(TILE_WIDTH, size - index)
            name = f"{index // TILE_WIDTH:03d}"
            whole = folder / name
            file = whole if whole.exists() else folder / f"{name}.p" / str(width)
            held = TILE_WIDTH if whole.exists() else width
            found += parse_entry_bundle(file.read_bytes(), width=held)[:width]
        assert root_of(leaf_hash(entry) for entry in found) == root, f"{member}: the checkpoint is of other entries"
        return found

    def checkpoint(self, member: str) -> tuple[int, bytes]:
        """Size and root of the published checkpoint (C2SP tlog-checkpoint: three lines)."""
        _, size, root, *_ = (self.node(member) / "log" / "checkpoint").read_text(encoding="utf-8").split("\n")
        return int(size), b64decode(root, validate=True)

    def logged(self, member: str, **members: object) -> list[dict[str, Any]]:
        """The entries of a log that have these members."""
        found = [json.loads(entry) for entry in self.entries(member)]
        return [entry for entry in found if members.items() <= entry.items()]

    def bundle_files(self, member: str) -> set[str]:
        return {path.name for path in (self.node(member) / "bundles").glob("*")}


def soon(what: str, holds: Callable[[], object], *, within_s: float = SOON_S) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.1)


def _settle(node: Path, changes: Mapping[str, object]) -> None:
    """Add settings to the gateway section, which ends node.toml."""
    with (node / "node.toml").open("a", encoding="utf-8") as settings:
        settings.writelines(f"{name} = {json.dumps(value)}\n" for name, value in changes.items())


def _sign(federation: FaultyFederation) -> None:
    with ThreadPoolExecutor(max_workers=3) as pool:
        list(pool.map(lambda party: federation.act("contract", "sign", CONTRACT, node=party), PARTIES))
    soon(f"{CONTRACT} in force everywhere", lambda: all(in_force(federation, party) for party in PARTIES))
    gather_statements(federation.demo)


def in_force(federation: FaultyFederation, member: str) -> bool:
    statements = federation.node(member) / "contracts" / CONTRACT / "1.0.0" / "statements"
    return len(list(statements.glob("*.jws"))) == len(PARTIES)


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyFederation]:
    """Founded once for all faults; CA-01 is signed by all parties and nothing is published yet."""
    home = tmp_path_factory.mktemp("faulty") / "demo"
    ports = free_ports(len(NAMES), first=PORT_FIRST + 300)
    demo = found(home, ports=ports, clock=SystemClock())
    for member in NAMES:
        _settle(home / member.lower(), WAITS)
    federation = FaultyFederation(home, demo)
    try:
        federation.start(*NAMES)
        _sign(federation)
        yield federation
    finally:
        federation.stop(*federation.running)


@pytest.fixture
def faulty(founded: FaultyFederation) -> FaultyFederation:
    """All gateways run, whatever an earlier test did."""
    founded.heal()
    return founded
