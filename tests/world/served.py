"""One gateway of a federation in memory behind a real socket, served as `exchange serve` does, wire limits and all."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
from sqlalchemy import Connection, text

from nodes.gateway.serve import GatewayServer, outward_config
from tests.world.by_hand import Partner
from tests.world.gateways import GatewayWorld

HOST = "127.0.0.1"
ANSWER_S = 20.0
EFFECTS = ("publication", "pull", "receipt", "pulled", "contract", "statement", "withdrawal", "acknowledged", "relay")
"""Tables that only something granted changes."""


class Wire(httpx.AsyncBaseTransport):
    """Carries whatever is asked of the gateway to its real socket, by the address that the caller named."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(host=HOST, port=self._port)
        sent = httpx.Request(request.method, url, headers=request.headers, stream=request.stream)
        return await self._inner.handle_async_request(sent)

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass
class ServedGateway:
    """KZ's gateway on a socket; the other members in memory."""

    world: GatewayWorld
    port: int
    opened: list[Partner] = field(default_factory=list)

    def partner(self, member: str) -> Partner:
        partner = Partner(self.world, member)
        partner.http = httpx.AsyncClient(transport=Wire(self.port), timeout=ANSWER_S)
        self.opened.append(partner)
        return partner

    async def member(self, member: str) -> Partner:
        partner = self.partner(member)
        await partner.log_in()
        return partner

    async def raw(self, content: bytes, *, half_closed: bool = False) -> tuple[int, bytes]:
        """What comes back for these bytes until the server closes or falls silent; the first answer's status, or 0."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            with contextlib.suppress(ConnectionError):
                writer.write(content)
                await writer.drain()
                if half_closed:
                    writer.write_eof()
            got = await read_answer(reader, bodiless=content.startswith(b"HEAD "))
        finally:
            writer.close()
        return status_of(got), got

    async def effects(self) -> Mapping[str, object]:
        """All that an attack must leave as it was: what was granted, and the log but for refusals that it counts."""
        context = self.world.gateways["KZ"].context

        def read(connection: Connection) -> dict[str, object]:
            found: dict[str, object] = {
                name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))] for name in EFFECTS
            }
            entries = [bytes(row[0]) for row in connection.execute(text("SELECT raw FROM entry"))]
            found["entries"] = [raw for raw in entries if b'"pull.refused"' not in raw]
            return found

        return await context.store.read(read)


def status_of(answer: bytes) -> int:
    """The status of an HTTP/1.1 answer's first line; 0 if there is none."""
    first = answer.split(b"\r\n", 1)[0].split()
    return int(first[1]) if len(first) > 1 and first[0] == b"HTTP/1.1" else 0


async def read_answer(reader: asyncio.StreamReader, *, bodiless: bool = False) -> bytes:
    """One answer: its head, and as much of a body as it announces."""
    try:
        async with asyncio.timeout(ANSWER_S):
            head = await reader.readuntil(b"\r\n\r\n")
            sizes = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            return head + await reader.readexactly(int(sizes[0]) if sizes and not bodiless else 0)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except ConnectionError:
        return b""


@asynccontextmanager
async def socket_of(world: GatewayWorld, **limits: float) -> AsyncIterator[ServedGateway]:
    """KZ's gateway behind a socket with these limits on the wire."""
    node = world.node("KZ")
    gateway = node.settings.gateway
    changed = gateway.model_copy(update={"limits": gateway.limits.model_copy(update=limits)})
    node = replace(node, settings=node.settings.model_copy(update={"gateway": changed}))
    listening = socket.create_server((HOST, 0))
    server = GatewayServer(outward_config(world.gateways["KZ"].app, node))
    task = asyncio.create_task(server.serve([listening]))
    while not server.started:  # noqa: ASYNC110  # uvicorn sets no event
        await asyncio.sleep(0.01)
    served = ServedGateway(world, listening.getsockname()[1])
    try:
        yield served
    finally:
        for partner in served.opened:
            await partner.http.aclose()
        server.should_exit = server.force_exit = True
        await task
