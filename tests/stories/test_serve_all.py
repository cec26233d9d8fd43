"""Gateway and desk of one small machine as one program: both answer, and both end together."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from nodes.adapters.clock import SystemClock
from nodes.demo.federation import NAMES, found
from nodes.demo.processes import free_ports
from nodes.settings import NodeFolder, open_node
from tests.stories.federation import ROOT

pytestmark = [pytest.mark.story, pytest.mark.long]

PORT_FIRST = 9151
WAIT_S = 240.0


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> NodeFolder:
    ports = free_ports(len(NAMES) + 1, first=PORT_FIRST)
    made = found(tmp_path_factory.mktemp("together") / "demo", ports=ports[:-1], clock=SystemClock()).nodes["KZ"]
    with (made.path / "node.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[desk]\norigin = "http://localhost:{ports[-1]}"\nport = {ports[-1]}\n')
    return open_node(made.path)


@contextmanager
def program(node: NodeFolder) -> Iterator["subprocess.Popen[str]"]:
    output = (node.path / "all.out").open("w", encoding="utf-8")
    command = [sys.executable, "-m", "nodes.cli", "--lang", "en", "--node", str(node.path), "serve", "all"]
    with output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(WAIT_S)


def children(pid: int) -> dict[str, int]:
    """The processes begun by this one, by what they serve."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        found["desk" if b"desk" in words else "gateway"] = int(child)
    return found


async def until_both_answer(node: NodeFolder) -> None:
    addresses = (f"{node.settings.gateway.issuer}/health/live", f"{node.settings.desk.origin}/sign-in")
    async with asyncio.timeout(WAIT_S), httpx.AsyncClient() as asking:
        for address in addresses:
            while True:
                try:
                    if (await asking.get(address)).is_success:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.2)


def said(node: NodeFolder) -> str:
    return (node.path / "all.out").read_text(encoding="utf-8")


def test_one_command_serves_both_and_both_end_with_it(node: NodeFolder) -> None:
    with program(node) as one:
        asyncio.run(until_both_answer(node))
        parts = children(one.pid)
        assert set(parts) == {"gateway", "desk"}
        one.send_signal(signal.SIGTERM)
        assert one.wait(WAIT_S) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in parts.values())
    assert re.search(r"^KZ: gateway at .*\n(.*\n)*KZ: desk at ", said(node), re.MULTILINE)
