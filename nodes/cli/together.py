"""`exchange serve all`: gateway and desk of one small machine as one program, which ends if either does.

They stay two processes: the gateway faces partners and must not hold the desk's keys in its memory. This one only
starts them in order, waits until each answers, hands on the order to end, and says which one failed.
"""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from exchange.errors import ExchangeError, ExitCode
from exchange.errors.settings import ServedPartDownError
from nodes.adapters.local_gateway import LocalGateway
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation

START_S = 180.0
"""A part that does not answer after this long has not come up; a gateway asks other members for their time first."""
STOP_S = 15.0
"""A part that has not ended after this long is ended; each closes its own connections within 5 s."""
POLL_S = 0.1
ANSWER_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the processes.

    Attributes:
        name: For people.
        command: What is run.
        answers: Whether it serves by now.
    """

    name: str
    command: Sequence[str]
    answers: Callable[[], bool]


def serve_all(call: Invocation) -> int:
    """`exchange --node kz serve all`: the member's gateway and desk, until it is told to end.

    Raises:
        ServedPartDownError: One of them did not come up, or ended by itself; the other was ended too.
    """
    call.parse(CommandParser(call.command, "run the member's gateway and desk on one machine"))
    node = call.require_node()
    with _told_to_end() as ending:
        run_together(_parts(node, call.output.language), ending)
    return ExitCode.FINE


def _parts(node: NodeFolder, language: str) -> tuple[Part, ...]:
    program = (sys.executable, "-m", "nodes.cli", "--lang", language, "--node", str(node.path.absolute()))
    desk = node.settings.desk
    return (
        Part(name="gateway", command=(*program, "serve"), answers=lambda: _gateway_answers(node)),
        Part(name="desk", command=(*program, "desk", "serve"), answers=lambda: _listens(desk.host, desk.port)),
    )


def run_together(parts: Sequence[Part], ending: threading.Event) -> None:
    """Run these parts, each begun when the one before answers, until told to end or one of them ends.

    Raises:
        ServedPartDownError: One did not come up, or ended by itself; the others were ended too.
    """
    running: list[tuple[Part, subprocess.Popen[bytes]]] = []
    try:
        for part in parts:
            if ending.is_set():
                return
            if part.answers():
                raise ServedPartDownError(part=part.name, reason="another program answers at its address")
            process = subprocess.Popen(part.command, stdin=subprocess.DEVNULL)  # noqa: S603  # our own program, no shell
            running.append((part, process))
            _await_answer(part, running, ending)
        while not ending.wait(POLL_S):
            _require_running(running)
    finally:
        _end([process for _, process in running])


def _await_answer(
    part: Part, running: Sequence[tuple[Part, "subprocess.Popen[bytes]"]], ending: threading.Event
) -> None:
    """Return when the part answers, or when everything is to end.

    Raises:
        ServedPartDownError: It ended, one before it ended, or it did not answer in time.
    """
    deadline = time.monotonic() + START_S
    while not part.answers():
        if ending.wait(POLL_S):
            return
        _require_running(running)
        if time.monotonic() > deadline:
            raise ServedPartDownError(part=part.name, reason=f"no answer within {START_S:.0f} s")
    _require_running(running)  # else another program has its address


def _require_running(running: Sequence[tuple[Part, "subprocess.Popen[bytes]"]]) -> None:
    for part, process in running:
        code = process.poll()
        if code is not None:
            raise ServedPartDownError(part=part.name, reason=f"it ended with {code}")


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """In reverse order, so that the desk never waits for a gateway that is gone."""
    for process in reversed(processes):
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """SIGTERM, or Ctrl-C; a terminal sends the latter to the parts as well, which end by it too."""
    ending = threading.Event()
    before = {number: signal.signal(number, lambda *_: ending.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _gateway_answers(node: NodeFolder) -> bool:
    try:
        LocalGateway(node, timeout_s=ANSWER_S).get("/local/status")
    except ExchangeError:
        return False
    return True


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=ANSWER_S).close()
    except OSError:
        return False
    return True
