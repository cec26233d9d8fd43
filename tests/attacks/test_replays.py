"""Thirty-two replays at once over two workers, a hundred times: one success each; and a restart forgets nothing."""

import asyncio
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from tests.attacks.test_tokens import assertion
from tests.bench.load import Connection
from tests.world.by_hand import ASSERTION_TYPE, Partner
from tests.world.gateways import GatewayWorld, gateway_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.story]

ROUNDS, AT_ONCE = 100, 32
STARTED_S = 240
ROOT = Path(__file__).resolve().parents[2]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    """A federation whose KZ has stopped: its folder is the workers' now."""
    async with gateway_world(tmp_path_factory.mktemp("federation")) as made:
        await made.stop("KZ")
        yield made


@contextmanager
def workers(world: GatewayWorld, count: int) -> Iterator[list[int]]:
    """So many processes over KZ's folder, and their ports."""
    ports = [free_port() for _ in range(count)]
    command = [sys.executable, "-m", "tests.attacks.worker", str(world.folder / "kz")]
    started = [subprocess.Popen([*command, str(port)], cwd=ROOT) for port in ports]
    try:
        yield ports
    finally:
        for one in started:
            one.kill()
            one.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def connect(ports: Sequence[int], count: int) -> list[Connection]:
    """Connections to the workers in turn, once they all listen."""
    for port in ports:
        async with asyncio.timeout(STARTED_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except ConnectionError:
                    await asyncio.sleep(0.1)
    return [Connection("127.0.0.1", ports[number % len(ports)]) for number in range(count)]


def token_request(kg: Partner) -> bytes:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(kg),
    }
    body = urlencode(form).encode()
    proof = kg.proof("POST", "/oauth/token", access_token=None)
    head = f"POST /oauth/token HTTP/1.1\r\nHost: x\r\nDPoP: {proof}\r\nContent-Length: {len(body)}\r\n"
    return (head + "Content-Type: application/x-www-form-urlencoded\r\n\r\n").encode() + body


def catalogue_request(kg: Partner) -> bytes:
    named = f"Authorization: DPoP {kg.token}\r\nDPoP: {kg.proof('GET', '/v1/catalogue')}\r\n"
    return f"GET /v1/catalogue HTTP/1.1\r\nHost: x\r\n{named}\r\n".encode()


async def at_once(connections: Sequence[Connection], request: bytes) -> list[int]:
    answers = await asyncio.gather(*(connection.ask(request) for connection in connections))
    return sorted(status for status, _, _ in answers)


async def log_in(kg: Partner, worker: Connection) -> None:
    """With the nonce of one worker, a token of it; both count at every worker."""
    _, headers, _ = await worker.ask(token_request(kg))
    kg.nonce = headers[b"dpop-nonce"].decode()
    status, _, body = await worker.ask(token_request(kg))
    assert status == 200, body
    kg.token = body.split(b'"access_token":"')[1].split(b'"')[0].decode()


async def test_of_thirty_two_replays_over_two_workers_one_succeeds_and_a_restart_forgets_none(
    world: GatewayWorld,
) -> None:
    kg = Partner(world, "KG")
    found: Counter[tuple[str, tuple[int, ...]]] = Counter()
    with workers(world, 2) as ports:
        connections = await connect(ports, AT_ONCE)
        await log_in(kg, connections[0])
        for number in range(ROUNDS):
            make = token_request if number % 2 else catalogue_request
            spent = make(kg)
            found[make.__name__, tuple(await at_once(connections, spent))] += 1
        for connection in connections:
            await connection.close()
    one_of_all = (200, *[401] * (AT_ONCE - 1))
    assert found == {("token_request", one_of_all): ROUNDS // 2, ("catalogue_request", one_of_all): ROUNDS // 2}
    with workers(world, 1) as ports:
        (restarted,) = await connect(ports, 1)
        assert (await restarted.ask(spent))[0] == 401
        assert (await restarted.ask(catalogue_request(kg)))[0] == 200
        await restarted.close()
