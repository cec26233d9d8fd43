"""What one connection may cost while its answer is on its way, and who gives way when there are too many."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from exchange.errors.settings import SettingsError
from nodes.gateway.serve import GatewayServer
from nodes.settings import parse_settings
from nodes.web.wire import PIPELINED_MAX, WireLimits, bounded

HOST = "127.0.0.1"
ANSWER = bytes(16 * 1024 * 1024)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with more than any socket's buffers hold."""
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(ANSWER)).encode())]}
    await send(head)
    await send({"type": "http.response.body", "body": ANSWER})


async def never(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Answers nothing until the caller goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def listening(app: object, **changed: object) -> AsyncIterator[int]:
    limits = {
        "head_bytes_max": 8192,
        "head_fields_max": 64,
        "request_s": 0.5,
        "answer_s": 0.5,
        "connections_max": 100,
        "connections_of_one_max": 4,
        **changed,
    }
    protocol = bounded(WireLimits(**limits))  # type: ignore[arg-type]  # a table of a test
    config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None, port=0, host=HOST)  # type: ignore[arg-type]
    server = GatewayServer(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn sets no event
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            while part := await reader.read(1 << 20):
                found += part
    return found


async def test_an_answer_that_nobody_takes_is_not_kept() -> None:
    async with listening(large) as port:
        reader, writer = await asyncio.open_connection(HOST, port, limit=1024)
        writer.write(GET)
        await asyncio.sleep(1.5)
        found = await until_closed(reader)
        writer.close()
    assert len(found) < len(ANSWER)


async def test_an_answer_that_is_taken_arrives_whole_and_the_connection_goes_on() -> None:
    async with listening(large) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        for _ in range(2):
            writer.write(GET)
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(ANSWER)) == ANSWER
        writer.close()


async def test_requests_that_wait_for_an_answer_before_theirs_are_few() -> None:
    async with listening(never) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(GET * (PIPELINED_MAX + 2))
        began = time.monotonic()
        assert await until_closed(reader) == b""
        assert time.monotonic() - began < 5
        writer.close()


async def test_the_one_that_never_asked_gives_way_first() -> None:
    async with listening(never, request_s=30.0) as port:
        asking = [await asyncio.open_connection(HOST, port) for _ in range(2)]
        for _, writer in asking:
            writer.write(GET)
        silent = [await asyncio.open_connection(HOST, port) for _ in range(2)]
        await asyncio.sleep(0.1)
        newest = await asyncio.open_connection(HOST, port)
        assert await asyncio.wait_for(silent[0][0].read(1), 5) == b""
        for reader, _ in (*asking, silent[1], newest):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.1)
        for _, writer in (*asking, *silent, newest):
            writer.close()


async def test_the_newest_never_gives_way_to_idle_ones() -> None:
    async with listening(large, answer_s=30.0, request_s=30.0) as port:
        idle = [await asyncio.open_connection(HOST, port) for _ in range(4)]
        for reader, writer in idle:
            writer.write(GET)
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(ANSWER))
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await asyncio.wait_for(idle[0][0].read(1), 5) == b""
        for _, one in (*idle, (reader, writer)):
            one.close()


async def test_a_proxy_of_ours_stands_for_many() -> None:
    async with listening(never, request_s=30.0, unbounded=(ip_network("127.0.0.0/8"),)) as port:
        held = [await asyncio.open_connection(HOST, port) for _ in range(8)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(held[0][0].read(1), 0.2)
        for _, writer in held:
            writer.close()


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        ('trusted_proxies = ["10.0.0.0/33"]', "gateway.trusted_proxies"),
        ('xroad_security_servers = ["proxy.example"]', "gateway.xroad_security_servers"),
        ("limits = { request_s = 0.0 }", "gateway.limits.request_s"),
        ("limits = { patience = 1 }", "gateway.limits.patience"),
        ('tls = { certificate = "a.pem" }', "gateway.tls.certificate_key"),
    ],
)
def test_a_limit_that_is_none_stops_the_node_with_its_name(line: str, setting: str) -> None:
    text = f'v = 1\nmember = "KZ"\n[gateway]\nissuer = "https://kz.example"\nport = 443\n{line}\n'
    with pytest.raises(SettingsError) as refused:
        parse_settings(text, file=Path("node.toml"))
    assert refused.value.facts["setting"] == setting


def test_addresses_of_proxies_are_read() -> None:
    text = 'v = 1\nmember = "KZ"\n[gateway]\nissuer = "https://kz.example"\nport = 443\n'
    text += 'trusted_proxies = ["10.0.0.0/8", "::1"]\n'
    assert parse_settings(text, file=Path("node.toml")).gateway.trusted_proxies == ("10.0.0.0/8", "::1")
