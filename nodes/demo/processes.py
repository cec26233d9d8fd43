"""The demo's processes: one gateway per member, started, watched, stopped; their ids lie in `.demo/processes.json`."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from exchange.errors.demo import DemoProcessError
from nodes.settings import NodeFolder

START_S = 120.0
"""A gateway that does not answer after this long has failed; its last lines are shown."""
STOP_S = 10.0
PORT_FIRST = 8401
GATEWAY_OUTPUT = "gateway.out"
"""In a node's folder: what its gateway prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One process as the demo remembers it."""

    member: str
    pid: int
    address: str


def free_ports(count: int, *, first: int = PORT_FIRST) -> list[int]:
    """`count` ports on loopback: from 8401 on where they are free, so that addresses are easy to say aloud."""
    ports: list[int] = []
    candidate = first
    while len(ports) < count and candidate < first + 1000:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
                ports.append(candidate)
            except OSError:
                pass
        candidate += 1
    return ports


def start(node: NodeFolder) -> Running:
    """Start this node's gateway in the background."""
    return start_program(node, ("serve",), address=node.settings.gateway.issuer, output=GATEWAY_OUTPUT)


def start_program(node: NodeFolder, words: tuple[str, ...], *, address: str, output: str) -> Running:
    """Start a program of this node in the background.

    Args:
        node: Whose.
        words: The command that serves.
        address: Where it will answer.
        output: The file in the node's folder that gets what it prints.
    """
    with (node.path / output).open("ab") as printed:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module, no shell, no input
            [sys.executable, "-m", "nodes.cli", "--node", str(node.path), *words],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(member=node.member, pid=process.pid, address=address)


def await_ready(running: Running, folder: Path, *, path: str = "/health/live", output: str = GATEWAY_OUTPUT) -> None:
    """Wait until the program answers.

    Raises:
        DemoProcessError: It stopped, or did not answer in time.
    """
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if not alive(running.pid):
            break
        try:
            with urllib.request.urlopen(running.address + path, timeout=2):  # noqa: S310  # our own loopback address
                if alive(running.pid):  # else another program took the port between the look and the start
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise DemoProcessError(member=running.member, lines=_last_lines(folder / output))


def alive(pid: int) -> bool:
    """Whether a process of that id runs and is not a zombie of ours."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # not our child: a demo started by another command
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not _is_zombie(pid)


def stop(processes: list[Running]) -> None:
    """Ask every process to end, and end those that do not."""
    for running in processes:
        _signal(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while any(alive(running.pid) for running in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    for running in processes:
        if alive(running.pid):
            _signal(running.pid, signal.SIGKILL)


def await_end() -> None:
    """Wait for Ctrl-C, or for being told to end."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def remember(home: Path, processes: list[Running]) -> None:
    """Write the processes down for `exchange demo status|down`."""
    rows = [{"member": r.member, "pid": r.pid, "address": r.address} for r in processes]
    (home / "processes.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def remembered(home: Path) -> list[Running]:
    """The processes of the last `exchange demo up`, running or not."""
    try:
        rows = json.loads((home / "processes.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [Running(member=row["member"], pid=row["pid"], address=row["address"]) for row in rows]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, IndexError):
        return False


def _last_lines(file: Path) -> str:
    try:
        return " | ".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-6:])
    except FileNotFoundError:
        return "(no output)"
