"""Secrets stay where they are: after an attack run, every output is swept for keys, tokens, figures and what was sent.

What is looked for (the canaries): the private keys of every member in each spelling, tokens and assertions that were
given or sent, a marker that stood in every place of a request, and rows of the published table.
"""

import asyncio
import base64
import json
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from nodes.adapters.clock import SystemClock
from nodes.cli.own_memory import keep_memory_closed
from nodes.demo.federation import found
from tests.attacks.test_tokens import ASSERTIONS
from tests.world.by_hand import Partner, address
from tests.world.federation import SEVEN
from tests.world.gateways import GatewayWorld, gateway_world

MARKER = "CANARY7f3a91c5"
ROOT = Path(__file__).resolve().parents[2]
PORTS = list(range(8951, 8958))
START_S = 60.0


def spellings(secret: bytes) -> list[bytes]:
    """As it is, in hex, and in both kinds of base64."""
    plain = [base64.b64encode(secret), base64.urlsafe_b64encode(secret)]
    return [secret, secret.hex().encode(), *(text.rstrip(b"=") for text in plain)]


def found_in(content: bytes, canaries: dict[str, bytes]) -> list[str]:
    return [name for name, secret in canaries.items() if any(spelling in content for spelling in spellings(secret))]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as made:
        yield made


def private_keys(world: GatewayWorld) -> dict[str, bytes]:
    """The seed of every key in clear that a member's folder holds: the demonstration's."""
    keys: dict[str, bytes] = {}
    for member in SEVEN:
        for file in (world.folder / member.lower() / "private").rglob("*.key"):
            keys[f"{member} {file.name}"] = seed_of(file)
    assert len(keys) > 40
    return keys


def seed_of(file: Path) -> bytes:
    """The private key in a demonstration's key file, which is in clear."""
    seed: str = json.loads(file.read_bytes())["seed"]
    return base64.urlsafe_b64decode(seed + "==")


def rows(world: GatewayWorld) -> dict[str, bytes]:
    """Rows of the table with a figure."""
    lines = world.bundle.files["data.csv"].splitlines()[1:]
    return {f"row {number}": line for number, line in enumerate(lines) if b",A," in line}


async def attack(world: GatewayWorld, kg: Partner) -> dict[str, bytes]:
    """Attacks with a marker in every place, and honest calls between them; what was secret in them."""
    sent: dict[str, bytes] = {}
    for name, forge in ASSERTIONS:
        assertion = forge(kg)
        await kg.ask_token(form={"client_assertion": assertion})
        if len(assertion) > 100 and "nothing" not in name:
            sent[f"assertion: {name}"] = assertion.encode()
    places = [
        ("GET", f"/v1/{MARKER}"), ("GET", f"/v1/bundles/{MARKER}"), ("GET", f"/v1/catalogue?since={MARKER}"),
        ("GET", f"/log/tile/0/{MARKER}"), ("GET", f"/trust/metadata/{MARKER}.json"), ("POST", "/v1/receipts"),
        ("POST", "/v1/contracts"), ("POST", "/oauth/token"), ("POST", "/witness/add-checkpoint"),
        ("GET", f"/errors/{MARKER}"), ("GET", f"/log/evidence/{MARKER}"),
    ]  # fmt: skip
    headers = {
        "Authorization": f"DPoP {MARKER}", "DPoP": MARKER, "Cookie": MARKER, "X-Forwarded-For": MARKER,
        "User-Agent": MARKER, "Accept-Language": MARKER, "If-None-Match": f'"{MARKER}"', "X-Road-Client": MARKER,
    }  # fmt: skip
    for method, path in places:
        for content in (MARKER.encode(), json.dumps({MARKER: MARKER}).encode(), f"{MARKER}={MARKER}".encode()):
            await kg.http.request(method, kg.issuer + path, headers=headers, content=content)
    for path in (address(world), address(world, "data.csv"), "/v1/catalogue"):
        assert (await kg.get(path)).status_code == 200
    sent["access token"] = (kg.token or "").encode()
    return sent


@pytest.mark.asvs("V16.2.5", "V16.5.1")
@pytest.mark.asyncio(loop_scope="module")
async def test_no_output_of_an_attacked_gateway_holds_a_secret(
    world: GatewayWorld, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    kg = Partner(world, "KG")
    await kg.log_in()
    world.network.answered.clear()
    sent = await attack(world, kg)
    keys, figures = private_keys(world), rows(world)
    printed = capfd.readouterr()
    records = [record for record in caplog.records if record.name != "httpx"]  # the attacker's own client
    logs = "\n".join(logging.Formatter("%(name)s %(message)s").format(record) for record in records)
    said = (logs + printed.out + printed.err).encode()
    assert found_in(said, keys | sent | figures | {"marker": MARKER.encode()}) == []

    answers = [raw for raw in world.network.answered if raw != world.bundle.files["data.csv"] and raw[:2] != b"PK"]
    given = [raw for raw in answers if b'"access_token"' not in raw]
    assert len(given) > 60
    for raw in given:
        assert found_in(raw, keys | sent | figures | {"marker": MARKER.encode()}) == []

    for member in SEVEN:
        for file in (world.folder / member.lower()).rglob("*"):
            if file.is_file() and "private" not in file.parts:
                kept = file.read_bytes()
                assert found_in(kept, keys | {"marker": MARKER.encode()}) == [], file
                if file.suffix != ".handover" and not {"bundles", "pulled"} & set(file.parts):
                    assert found_in(kept, sent | figures) == [], file


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """KZ's gateway as a process."""
    home = tmp_path_factory.mktemp("canaries") / "home"
    found(home, ports=PORTS, clock=SystemClock())
    output = home / "output.txt"
    with output.open("w") as file:
        command = [sys.executable, "-m", "nodes.cli", "--home", str(home), "--node", "kz", "serve"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, text=True)
        try:
            asyncio.run(until_live(PORTS[0]))
            yield process, home
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_S)


async def until_live(port: int) -> None:
    async with asyncio.timeout(START_S), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/health/live")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.2)


@pytest.mark.asvs("V11.7.1")
@pytest.mark.story
def test_a_process_leaves_no_core_dump_and_its_memory_is_closed(
    served: tuple["subprocess.Popen[str]", Path],
) -> None:
    process, _ = served
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    # proc(5): the files of an undumpable process belong to root, whoever it runs as.
    assert Path(f"/proc/{process.pid}/environ").stat().st_uid == 0


@pytest.mark.story
def test_the_process_list_and_the_environment_show_no_secret(served: tuple["subprocess.Popen[str]", Path]) -> None:
    process, home = served
    shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    if os.geteuid() == 0:
        shown += Path(f"/proc/{process.pid}/environ").read_bytes()
    seeds = {file.name: seed_of(file) for file in (home / "kz/private").rglob("*.key")}
    assert len(seeds) > 5
    assert found_in(shown, seeds) == []


@pytest.mark.story
def test_what_a_process_prints_holds_nothing_that_was_sent_to_it(
    served: tuple["subprocess.Popen[str]", Path],
) -> None:
    process, home = served
    for path in (f"/{MARKER}", f"/v1/bundles/{MARKER}", f"/%00{MARKER}", f"/v1/catalogue?contract={MARKER}"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORTS[0]}{path}", headers={"Authorization": f"DPoP {MARKER}", "DPoP": MARKER}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)
        with refused.value as answer:
            assert MARKER.encode() not in answer.read()
    assert MARKER not in (home / "output.txt").read_text()
    assert process.poll() is None


def test_an_image_holds_only_code_contracts_and_the_lock() -> None:
    copied = [
        line.split()[1:-1] for line in (ROOT / "nodes/Dockerfile").read_text().splitlines() if line[:5] == "COPY "
    ]
    assert sorted(name for names in copied for name in names) == sorted(
        ["requirements.lock", "pyproject.toml", "README.md", "LICENSE", "exchange", "nodes", "contracts"]
    )
    assert re.search(r"^(ARG|ADD) ", (ROOT / "nodes/Dockerfile").read_text(), re.MULTILINE) is None


def test_nothing_secret_is_passed_by_the_environment_of_a_container() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert re.search(r"(?i)(passphrase|secret|token|password|pin)\s*[:=]\s*[\"']?[A-Za-z0-9]{8,}", compose) is None


def test_a_command_forbids_its_own_core_dump() -> None:
    keep_memory_closed()
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
