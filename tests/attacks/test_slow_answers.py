"""Answers that come a byte at a time, never end or say a false length, to each of a node's ways out.

Each is served over a real socket. It is given up in time and named, and the next honest answer is taken.
"""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from tuf.api.exceptions import DownloadError

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import PartnerMalformedError, PartnerUnreachableError
from nodes.adapters.partner import PartnerClient
from nodes.adapters.partner_calls import Caller, PartnerLimits
from nodes.adapters.witness_calls import HttpWitnesses
from nodes.gateway.registry import fetch_file
from tests.world.bundles import COSIGNED
from tests.world.clock import StillClock
from tests.world.federation import seeded, signer

PAUSE_S = 0.05
WAIT_S = 0.3
"""What one wait may take; an answer that drips every 50 ms keeps within it for ever."""
GIVEN_UP_S = 30.0
HONEST = b"honest\n"
BOMB = gzip.compress(bytes(10_000_000))

Served = Callable[[asyncio.StreamWriter], Awaitable[None]]
Asked = Callable[[str], Awaitable[bytes]]


async def drip(writer: asyncio.StreamWriter, content: bytes) -> None:
    for byte in content:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(PAUSE_S)


async def dripping_head(writer: asyncio.StreamWriter) -> None:
    await drip(writer, b"HTTP/1.1 200 OK\r\nX-Pad: " + b"a" * 100_000)


async def dripping_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    await drip(writer, b"a" * 100_000)


async def endless_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"100000\r\n" + bytes(0x100000) + b"\r\n")
        await writer.drain()


async def endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Pad: " + b"a" * 1000 + b"\r\n")
        await writer.drain()


async def longer_than_sent(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
    await writer.drain()


async def two_lengths(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nshorts")
    await writer.drain()


async def around(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def packed(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)
    await writer.drain()


async def honest(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(HONEST) + HONEST)
    await writer.drain()


@asynccontextmanager
async def server(*answers: Served) -> AsyncIterator[str]:
    """Serves each connection with the next of the answers, the last again and again."""
    left, serving = list(answers), set[asyncio.Task[None]]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                await reader.readuntil(b"\r\n\r\n")
                await (left.pop(0) if len(left) > 1 else left[0])(writer)
        finally:
            writer.close()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.ensure_future(answer(reader, writer)))

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        for one in serving:
            one.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)  # closed transports let go of their sockets in the loop's next turn


def limits() -> PartnerLimits:
    return PartnerLimits(timeout_s=WAIT_S, bundle_bytes_max=10_000, private_addresses=True)


async def from_partner(address: str) -> bytes:
    """The first tile of a partner's log."""
    caller = Caller(member="KG", signer=signer("KG/transport"), clock=StillClock(COSIGNED), random=seeded("slow"))
    async with PartnerClient(partner="KZ", issuer=address, caller=caller, limits=limits()) as kz:
        return await kz.tile("tile/0/000")


async def from_witness(address: str) -> bytes:
    async with httpx.AsyncClient(timeout=WAIT_S, trust_env=False) as client:
        status, body = await HttpWitnesses(client, answer_s=10 * WAIT_S).add_checkpoint(address, b"")
    if status != httpx.codes.OK:
        raise ConnectionError(f"HTTP {status}")
    return body


async def from_mirror(address: str) -> bytes:
    """A file of a registry."""
    async with httpx.AsyncClient(timeout=WAIT_S, trust_env=False) as client:
        return await fetch_file(client, f"{address}/trust/metadata/timestamp.json", file_s=10 * WAIT_S)


WAYS = [
    pytest.param(from_partner, id="a partner"),
    pytest.param(from_witness, id="a witness"),
    pytest.param(from_mirror, id="a registry mirror"),
]


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize(
    "attack",
    [dripping_head, dripping_body, endless_body, endless_head, longer_than_sent, two_lengths, around],
    ids=lambda attack: attack.__name__.replace("_", " "),
)
@pytest.mark.asvs("V16.5.2")
async def test_an_answer_that_does_not_end_as_it_should_is_given_up_and_the_next_is_taken(
    ask: Asked, attack: Served
) -> None:
    began = time.monotonic()
    async with server(attack, honest) as address:
        with pytest.raises((PartnerUnreachableError, PartnerMalformedError, ConnectionError, DownloadError)) as refused:
            await ask(address)
        assert time.monotonic() - began < GIVEN_UP_S
        assert await ask(address) == HONEST
    if isinstance(refused.value, ExchangeError):
        assert "KZ" in refused.value.sentence()


@pytest.mark.parametrize("ask", WAYS)
async def test_an_answer_that_is_packed_is_never_unpacked(ask: Asked) -> None:
    """What came is what is read: ten megabytes of zeros stay the ten kilobytes that were sent."""
    async with server(packed, honest) as address:
        with suppress(PartnerMalformedError, ConnectionError, DownloadError):
            assert await ask(address) == BOMB
        assert await ask(address) == HONEST


@pytest.mark.parametrize(
    "attack",
    [dripping_head, dripping_body, endless_body, endless_head, longer_than_sent],
    ids=lambda attack: attack.__name__.replace("_", " "),
)
async def test_a_token_that_drips_in_is_given_up_and_no_evidence_is_waited_for(attack: Served) -> None:
    """What needs a token asks for it first: the partner's endpoint of tokens is read no longer than any other."""
    caller = Caller(member="KG", signer=signer("KG/transport"), clock=StillClock(COSIGNED), random=seeded("slow"))
    began = time.monotonic()
    async with (
        server(attack) as address,
        PartnerClient(partner="KZ", issuer=address, caller=caller, limits=limits()) as kz,
    ):
        with pytest.raises((PartnerUnreachableError, PartnerMalformedError)):
            await kz.evidence(Digest.of(b"any"))
    assert time.monotonic() - began < GIVEN_UP_S
