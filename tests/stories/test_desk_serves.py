"""A ministry founds its desk: two administrators invited at the machine, a server, others let in, an end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from nodes.adapters.clock import SystemClock
from nodes.adapters.node_folder import NewNode, copy_contracts, copy_registry, make_node_folder
from tests.world.desk_server import Browser
from tests.world.federation import found, seeded
from tests.world.passkeys import Authenticator

pytestmark = [pytest.mark.story, pytest.mark.long]

STARTED_S = 60.0


def exchange(node: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "nodes.cli", "--node", str(node), *words]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def ministry(folder: Path, port: int) -> Path:
    """KZ's node folder with a registry of today."""
    node = folder / "node"
    new = NewNode(member="KZ", issuer="http://127.0.0.1:8100", host="127.0.0.1", port=8100, demo=True)
    make_node_folder(node, new, random=seeded("secret"))
    with (node / "node.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[desk]\nport = {port}\norigin = "http://localhost:{port}"\n')
    federation = found(folder / "federation", SystemClock())
    copy_registry(federation.registry, node / "keys")
    copy_contracts(node / "contracts", names=[("CA-01-BORDER", "1.0.0")])
    return node


@contextmanager
def serving(node: Path, port: int, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as file:
        process = subprocess.Popen(exchange(node, "desk", "serve"), stdout=file, stderr=file)
        try:
            until = time.monotonic() + STARTED_S
            while True:
                assert process.poll() is None, output.read_text(encoding="utf-8")
                try:
                    httpx.get(f"http://127.0.0.1:{port}/api/session")
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < until, "the desk did not start"
                    time.sleep(0.1)
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_desk_is_founded_served_and_stopped(tmp_path: Path) -> None:
    os.umask(0o077)
    port = free_port()
    node, output = ministry(tmp_path, port), tmp_path / "output"
    codes = []
    for name in ("Anna", "Boris"):
        done = subprocess.run(exchange(node, "--json", "desk", "invite", name), capture_output=True, check=True)
        codes.append(json.loads(done.stdout)["code"])
    with serving(node, port, output) as process:
        origin = f"http://localhost:{port}"
        browsers = [
            Browser(f"http://127.0.0.1:{port}", Authenticator(label=name, rp_id="localhost", origin=origin))
            for name in ("Anna", "Boris")
        ]
        for browser, code in zip(browsers, codes, strict=True):
            browser.act(browser.enrol(code))
            browser.act(browser.sign_in())
        anna, boris = browsers
        proposed = anna.act(anna.post("/api/enrolments", {"name": "Vera", "officer": "kz-02", "roles": ["clearing"]}))
        codes.append(boris.act(boris.post(f"/api/enrolments/{proposed['enrolment']}/approval"))["code"])
        answer = anna.get("/api/contracts")
        assert answer.json()["contracts"][0]["state"] == "proposed"
        assert "server" not in answer.headers
        refused = subprocess.run(exchange(node, "desk", "invite", "Third"), capture_output=True, check=False)
        assert (refused.returncode, refused.stderr.partition(b":")[0]) == (6, b"founding-over")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    said = output.read_text(encoding="utf-8")
    secrets = [*codes, *(value for browser in browsers for value in browser.cookies.values())]
    assert [secret for secret in secrets if secret in said] == []  # the process prints no secret
    assert (node / "desk" / "accounts.db").stat().st_mode & 0o077 == 0
