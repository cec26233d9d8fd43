"""A member that speaks HTTP by hand, so that a test sees and bends every request; and a node's log read from tiles."""

from itertools import count
from typing import Any

import httpx

from exchange.bundle import pack_handover
from exchange.encoding import Digest, base64url_encode
from exchange.log.checkpoint import read_checkpoint
from exchange.log.entry import EntryType, LogEntry, parse_entry
from exchange.log.tiles import parse_entry_bundle
from exchange.manifest import MANIFEST
from exchange.publication import HANDOVER_FILES
from exchange.signing.dpop import make_assertion, make_proof
from exchange.signing.keys import KeyPurpose
from tests.world.federation import seeded
from tests.world.gateways import GatewayWorld

_PARTNERS = count()
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Partner:
    """A member that speaks HTTP by hand, so that a test sees and bends every request."""

    def __init__(self, world: GatewayWorld, member: str, publisher: str = "KZ") -> None:
        self.world = world
        self.member = member
        self.issuer = world.bundle.trust.member(publisher).issuer
        self.signer = world.bundle.federation.signer(member, KeyPurpose.TRANSPORT)
        self.random = seeded(f"by hand {member} {next(_PARTNERS)}")
        self.http = httpx.AsyncClient(transport=world.network)
        self.nonce: str | None = None
        self.token: str | None = None

    def proof(self, method: str, path: str, **changed: Any) -> str:  # noqa: ANN401  # whatever a test bends
        claims: dict[str, Any] = {
            "signer": self.signer,
            "method": method,
            "url": self.issuer + path,
            "at": self.world.clock.now(),
            "jti": base64url_encode(self.random(16)),
            "nonce": self.nonce,
            "access_token": self.token,
        }
        return make_proof(**{**claims, **changed})

    async def log_in(self) -> None:
        for _ in range(2):
            answer = await self.ask_token()
            self.nonce = answer.headers["DPoP-Nonce"]
            if answer.status_code == 200:
                self.token = answer.json()["access_token"]
                return
        raise AssertionError(answer.text)

    async def ask_token(self, **changed: Any) -> httpx.Response:  # noqa: ANN401  # whatever a test bends
        assertion = make_assertion(
            signer=self.signer,
            member=self.member,
            audience=self.issuer,
            at=self.world.clock.now(),
            jti=base64url_encode(self.random(16)),
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            **changed.pop("form", {}),
        }
        headers = {"DPoP": self.proof("POST", "/oauth/token", access_token=None), **changed.pop("headers", {})}
        return await self.http.post(self.issuer + "/oauth/token", data=form, headers=headers)

    async def get(self, path: str, *, proof: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"DPoP {self.token}", "DPoP": proof or self.proof("GET", path)}
        return await self.http.get(self.issuer + path, headers=headers)

    async def post(self, path: str, content: bytes) -> httpx.Response:
        headers = {"Authorization": f"DPoP {self.token}", "DPoP": self.proof("POST", path)}
        return await self.http.post(self.issuer + path, content=content, headers=headers)


def digest_of(world: GatewayWorld) -> Digest:
    return Digest.of(world.bundle.files[MANIFEST])


def address(world: GatewayWorld, file: str = "") -> str:
    return f"/v1/bundles/{digest_of(world).hex}" + (f"/{file}" if file else "")


def entries(world: GatewayWorld, member: str = "KZ") -> list[LogEntry]:
    """The member's log as its tiles give it, up to the checkpoint in place: what it covers was written before it."""
    context = world.gateways[member].context
    note = context.files.checkpoint()
    size = 0 if note is None else read_checkpoint(note)[0].size
    found: list[LogEntry] = []
    for number in range(-(-size // 256)):
        width = min(256, size - 256 * number)
        path = f"tile/entries/{number:03d}" + (f".p/{width}" if width < 256 else "")
        raw = context.files.read(path) or b""
        found += [parse_entry(one) for one in parse_entry_bundle(raw, width=width)]
    return found


class NewEntries:
    """What KZ's log has gained since this was made."""

    def __init__(self, world: GatewayWorld) -> None:
        self._world = world
        self._first = world.gateways["KZ"].context.sequencer.log.size

    def of(self, kind: EntryType) -> list[LogEntry]:
        return [entry for entry in entries(self._world)[self._first :] if entry.type is kind]


async def hand_over(world: GatewayWorld) -> httpx.Response:
    file = world.folder / "kz" / "again.handover"
    file.write_bytes(pack_handover({name: world.bundle.files[name] for name in HANDOVER_FILES}))
    return await world.local("KZ", "POST", "/local/hand-overs", {"file": str(file)})
