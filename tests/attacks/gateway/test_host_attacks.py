"""Attacks on the connection and the head of a request: over real sockets, before anybody is anybody."""

import asyncio
import contextlib
import gzip
import time

import pytest

from tests.attacks.gateway.conftest import HEAD_BYTES_MAX, REQUEST_S
from tests.world.by_hand import Partner
from tests.world.served import ANSWER_S, HOST, ServedGateway, read_answer, status_of

pytestmark = pytest.mark.asyncio(loop_scope="package")

GET = b"GET /v1/catalogue HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/receipts HTTP/1.1\r\nHost: x\r\n"
TOKEN = b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = TOKEN + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"\r\n"
BOMB = gzip.compress(bytes(10**7))
PACKED = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)

HEADS: list[tuple[str, bytes, int]] = [
    ("no token", GET + END, 401),
    ("a field of a megabyte", GET + b"X: " + b"a" * 1_000_000 + END * 2, 431),
    ("a head longer than its limit, in short fields", GET + b"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 400, 431),
    ("a hundred fields", GET + b"X: 1\r\n" * 100 + END, 431),
    ("an address of 2,000 characters", b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ("an address of a megabyte", b"GET /" + b"a" * 1_000_000, 431),
    ("a query of 2,000 characters", b"GET /v1/catalogue?" + b"a" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ("both lengths: smuggling", POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("two different lengths", POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
    ("a length that is no number", POST + b"Content-Length: 4x\r\n\r\nabcd", 400),
    ("a negative length", POST + b"Content-Length: -1\r\n\r\n", 400),
    ("an unknown transfer coding", POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked, but not last", POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    ("a chunk size that is none", CHUNKED + b"zz\r\n\r\n", 400),
    ("a chunk size beyond 64 bits", CHUNKED + b"fffffffffffffffff\r\n", 400),
    ("an endless chunk extension", CHUNKED + b"1;" + b"a" * 1_000_000, 431),
    ("a field after the body", CHUNKED + b"1\r\na\r\n0\r\nContent-Length: 9\r\n\r\n", 400),
    ("an endless field after the body", CHUNKED + b"1\r\na\r\n0\r\nX: " + b"a" * 1_000_000, 431),
    ("a folded field", GET + b"X: a\r\n b\r\n\r\n", 400),
    ("a space before the colon", GET + b"X : a\r\n\r\n", 400),
    ("a zero byte in a field", GET + b"X: a\x00b\r\n\r\n", 400),
    ("a bare carriage return in a field", GET + b"X: a\rb\r\n\r\n", 400),
    ("a field without a name", GET + b": a\r\n\r\n", 400),
    ("no Host", b"GET /v1/catalogue HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", GET + b"Host: y\r\n\r\n", 400),
    ("HTTP/0.9", b"GET /v1/catalogue\r\n\r\n", 400),
    ("HTTP/9.9", b"GET /v1/catalogue HTTP/9.9\r\nHost: x\r\n\r\n", 400),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("TLS where there is none", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), 400),
    ("noise", bytes(range(256)), 400),
    ("an unknown method", b"HACK /v1/catalogue HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a tunnel", b"CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("TRACE", b"TRACE /v1/catalogue HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    ("another node's address: no proxy", b"GET http://169.254.169.254/v1/catalogue HTTP/1.1\r\nHost: x\r\n\r\n", 401),
    ("an upgrade to a socket of the web", GET + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", 401),
    ("an upgrade to HTTP/2", GET + b"Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n\r\n", 401),
    ("a method in a field", GET + b"X-HTTP-Method-Override: DELETE\r\n\r\n", 401),
    ("an address in a field", GET + b"X-Original-URL: /health/live\r\nX-Rewrite-URL: /health/live\r\n\r\n", 401),
    ("an announced body beyond its limit", POST + b"Content-Length: 99999999\r\n\r\n", 401),
    ("a form beyond its limit", TOKEN + b"Content-Length: 70000\r\n\r\n" + b"a" * 70_000, 413),
    ("a form beyond its limit, in chunks", CHUNKED + b"11170\r\n" + b"a" * 70_000 + b"\r\n0\r\n\r\n", 413),
    ("a compressed bomb", TOKEN + PACKED + BOMB, 415),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "status"), [pytest.param(raw, code, id=name) for name, raw, code in HEADS])
async def test_a_request_that_is_none_is_refused(served: ServedGateway, request_: bytes, status: int) -> None:
    found, answer = await served.raw(request_)

    assert found == status, answer
    head = answer.lower().partition(b"\r\n\r\n")[0]
    assert b"\r\nserver:" not in head
    assert b"uvicorn" not in answer
    assert b"python" not in answer.lower()
    assert b"application/problem+json" in head or b"application/json" in head
    assert (b'"code":"request-head-too-large"' in answer) is (status == 431)


async def test_a_request_that_drips_in_is_cut_off(served: ServedGateway) -> None:
    reader, writer = await asyncio.open_connection(HOST, served.port)
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        for byte in GET:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.1)
            if time.monotonic() - began > REQUEST_S - 0.2:
                break
    answer = await read_answer(reader)
    writer.close()

    assert status_of(answer) == 408
    assert b'"code":"request-too-slow"' in answer
    assert time.monotonic() - began < REQUEST_S + 3


HALVES = [pytest.param(b"", id="nothing"), pytest.param(TOKEN + b"Content-Length: 9\r\n\r\na", id="a body")]


@pytest.mark.parametrize("head", HALVES)
async def test_a_request_that_never_ends_is_cut_off(served: ServedGateway, head: bytes) -> None:
    began = time.monotonic()
    status, _ = await served.raw(head)

    assert status == 408
    assert time.monotonic() - began < REQUEST_S + 3


async def test_half_a_body_is_none(served: ServedGateway) -> None:
    assert (await served.raw(TOKEN + b"Content-Length: 9\r\n\r\na", half_closed=True))[0] in {0, 400, 408}


async def test_a_hundred_requests_at_once_on_one_connection_are_cut_off(served: ServedGateway) -> None:
    _, answer = await served.raw((GET + END) * 100)

    assert answer.count(b"HTTP/1.1 200") == 0


async def test_whoever_holds_every_connection_open_keeps_nobody_out(served: ServedGateway) -> None:
    held = [await asyncio.open_connection(HOST, served.port) for _ in range(100)]
    for _, writer in held[50:]:
        writer.write(GET[:10])
    assert (await (await served.member("KG")).get("/v1/catalogue")).status_code == 200
    ends = (asyncio.wait_for(reader.read(), ANSWER_S) for reader, _ in held[:30])
    # Cut to make room; on a slow machine their second may have been over before that.
    for found in await asyncio.gather(*ends, return_exceptions=True):
        assert isinstance(found, ConnectionError) or (isinstance(found, bytes) and status_of(found) in {0, 408})
    for _, writer in held:
        writer.close()


async def test_a_head_just_within_its_limits_is_heard(served: ServedGateway, kg: Partner) -> None:
    filler = b"X: " + b"a" * (HEAD_BYTES_MAX // 2) + b"\r\n"
    named = f"Authorization: DPoP {kg.token}\r\nDPoP: {kg.proof('GET', '/v1/catalogue')}\r\n"

    assert (await served.raw(GET + named.encode() + filler + END))[0] == 200
