"""A federation of real gateways in one process: real stores, logs, witnesses and checks; only the network is in memory.

KZ's bundle of `bundle_world` is cleared and on its way; everything else happens between the members as it would over
HTTP. The network can lose a member, or change what passes.
"""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from exchange.bundle import pack_handover
from exchange.encoding import base64_encode
from exchange.log.checkpoint import read_checkpoint
from exchange.log.witness import parse_add_checkpoint
from exchange.publication import HANDOVER_FILES
from exchange.signing.keys import KeyPurpose, SoftwareSigner
from nodes.adapters.key_files import read_signer
from nodes.adapters.partner import Caller, PartnerClient, PartnerLimits
from nodes.adapters.sequencer import Transaction
from nodes.gateway.main import Gateway, GatewayKeys, build_gateway
from nodes.settings import NodeFolder, open_node
from tests.world.bundles import CONTRACTS, COSIGNED, BundleWorld, bundle_world
from tests.world.clock import StillClock
from tests.world.federation import SEVEN, seeded

WAIT_S = 30.0
Change = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Network(httpx.AsyncBaseTransport):
    """Carries requests to the gateways by port, and remembers every address that was asked for."""

    def __init__(self) -> None:
        self.apps: dict[int, httpx.ASGITransport] = {}
        self.down: set[int] = set()
        self.lost: set[str] = set()  # paths whose requests never arrive
        self.asked: list[tuple[str, str]] = []
        self.answered: list[bytes] = []
        self.change: Change | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        port = request.url.port or 80
        self.asked.append((request.method, request.url.path))
        if port in self.down or port not in self.apps or request.url.path in self.lost:
            raise httpx.ConnectError("nobody listens")
        answer = await self.apps[port].handle_async_request(request)
        content = await answer.aread()
        self.answered.append(content)
        answer = httpx.Response(answer.status_code, headers=answer.headers, content=content)
        changed = answer if self.change is None else self.change(request, answer)
        if changed is not answer and not changed.is_closed:
            return changed  # with a body of its own
        return httpx.Response(changed.status_code, headers=changed.headers, stream=Body(changed.content))


class Body(httpx.AsyncByteStream):
    """A body in two parts; it breaks off after the first if told to."""

    def __init__(self, content: bytes, *, breaks_off: bool = False) -> None:
        self._content = content
        self._breaks_off = breaks_off

    async def __aiter__(self) -> AsyncIterator[bytes]:
        half = len(self._content) // 2
        yield self._content[:half]
        if self._breaks_off:
            raise httpx.ReadError("the line went dead")
        yield self._content[half:]


@dataclass
class GatewayWorld:
    """All members' gateways, running."""

    folder: Path
    bundle: BundleWorld
    clock: StillClock
    network: Network
    gateways: dict[str, Gateway] = field(default_factory=dict)

    def node(self, member: str) -> NodeFolder:
        return open_node(self.folder / member.lower())

    def port(self, member: str) -> int:
        return 8100 + SEVEN.index(member)

    async def local(self, member: str, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """What a command of this node asks its own gateway."""
        transport = httpx.ASGITransport(app=self.gateways[member].local)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, path, json=body, timeout=WAIT_S)

    async def health(self, member: str) -> list[str]:
        """Why this node is red."""
        reasons: list[str] = (await self.local(member, "GET", "/local/status")).json()["health"]
        return reasons

    async def pull(self, member: str = "KG", **changes: object) -> httpx.Response:
        body = {"partner": "kz", "contract": "ca-01", "period": "2026-09", **changes}
        return await self.local(member, "POST", "/local/pulls", body)

    @asynccontextmanager
    async def busy_writer(self, member: str) -> AsyncIterator[None]:
        """The one writer of this node is held up: whatever needs it waits until this is left."""
        begun, done = threading.Event(), threading.Event()

        def hold(_: Transaction) -> None:
            begun.set()
            done.wait(WAIT_S)

        held = asyncio.create_task(self.gateways[member].context.sequencer.submit(hold, gated=False))
        await asyncio.to_thread(begun.wait, WAIT_S)
        try:
            yield
        finally:
            done.set()
            await held

    def client(self, member: str, partner: str) -> PartnerClient:
        """A client of `partner` that calls as `member`."""
        signer = read_signer(self.node(member).private, KeyPurpose.TRANSPORT, passphrase=None, demo=True)
        return PartnerClient(
            partner=partner,
            issuer=self.bundle.trust.member(partner).issuer,
            caller=Caller(
                member=member,
                signer=signer,
                clock=self.clock,
                random=seeded(f"{member} to {partner} after {len(self.network.asked)}"),
            ),
            limits=PartnerLimits(timeout_s=WAIT_S, bundle_bytes_max=1024 * 1024),
            transport=self.network,
        )

    async def start(self, member: str) -> None:
        node = self.node(member)

        def key(purpose: KeyPurpose) -> SoftwareSigner:
            return read_signer(node.private, purpose, passphrase=None, demo=True)

        gateway = build_gateway(
            node,
            keys=GatewayKeys(
                transport=key(KeyPurpose.TRANSPORT), log=key(KeyPurpose.LOG), witness=key(KeyPurpose.WITNESS)
            ),
            clock=self.clock,
            random=seeded(f"gateway {member} {len(self.network.asked)}"),
            on_fatal=lambda _: None,
            transport=self.network,
        )
        self.gateways[member] = gateway
        self.network.apps[self.port(member)] = httpx.ASGITransport(app=gateway.app)
        await gateway.start()

    async def stop(self, member: str) -> None:
        self.network.apps.pop(self.port(member), None)
        await self.gateways.pop(member).stop()

    async def agree(self) -> None:
        """Every party says its statement to its own gateway, which carries it to the others."""
        contract, statements = self.bundle.contract, self.bundle.statements
        for statement in statements:
            body = {"statement": base64_encode(statement.raw)}
            answer = await self.local(statement.party, "POST", "/local/statements", body)
            assert answer.is_success, answer.text
        for party in contract.members():
            book = self.gateways[party].context.contracts
            await until(lambda book=book: len(book.require(contract.digest).effective) == len(statements))

    async def publish(self) -> None:
        """KZ's desk hands its cleared bundle over."""
        clearance = self.bundle.files["clearance.json"]
        answer = await self.local("KZ", "POST", "/local/clearances", {"clearance": base64_encode(clearance)})
        assert answer.is_success, answer.text
        file = self.folder / "kz" / "bundle.handover"
        file.write_bytes(pack_handover({name: self.bundle.files[name] for name in HANDOVER_FILES}))
        answer = await self.local("KZ", "POST", "/local/hand-overs", {"file": str(file)})
        assert answer.status_code == 200, answer.text


def no_cosignature(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
    """Witnesses that say which size they know, as a restarted log asks, and never sign."""
    if request.url.path != "/witness/add-checkpoint" or answer.status_code != httpx.codes.OK:
        return answer
    size = read_checkpoint(parse_add_checkpoint(request.content).note)[0].size
    return httpx.Response(httpx.codes.CONFLICT, content=f"{size}\n".encode())


def witnessed_size(node: NodeFolder, origin: str) -> int:
    """The size of a log that a node cosigned last, as it lies in the node's store."""
    with closing(sqlite3.connect(node.state_db)) as connection:
        row = connection.execute("SELECT size FROM witnessed WHERE origin = ?", (origin,)).fetchone()
        return int(row[0]) if row else 0


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what happens in the background."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110  # what is waited for sets no event
            await asyncio.sleep(0.02)


@asynccontextmanager
async def gateway_world(
    folder: Path, *, published: bool = True, bundle: BundleWorld | None = None
) -> AsyncIterator[GatewayWorld]:
    """The seven gateways, agreed on CA-01, with KZ's bundle published; or on the contract of another world."""
    bundle = bundle or bundle_world()
    world = GatewayWorld(folder, bundle, StillClock(COSIGNED), Network())
    for member in SEVEN:
        _lay_out(folder, member, bundle, world.port(member))
    try:
        for member in SEVEN:
            await world.start(member)
        if published:
            await world.agree()
            await world.publish()
        yield world
    finally:
        for member in tuple(world.gateways):
            await world.stop(member)


def _lay_out(folder: Path, member: str, bundle: BundleWorld, port: int) -> None:
    node = folder / member.lower()
    shutil.copytree(bundle.federation.folder / member.lower(), node)
    for part in ("metadata", "targets"):
        shutil.copytree(bundle.federation.registry / part, node / "keys" / part)
    shutil.copytree(CONTRACTS / "codelists", node / "contracts" / "codelists")
    if member in bundle.contract.members():
        kept = node / "contracts" / bundle.contract.id / bundle.contract.version
        kept.mkdir(parents=True)
        (kept / "contract.odcs.yaml").write_bytes(bundle.contract.raw)
    (node / "node.toml").write_text(
        f'v = 1\nmember = "{member}"\ndemo = true\n\n[gateway]\nissuer = "http://127.0.0.1:{port}"\nport = {port}\n'
        "private_addresses = true\nwitness_interval_s = 0.0\nwitness_retry_s = 0.1\n",
        encoding="utf-8",
    )
