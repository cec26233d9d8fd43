"""A publisher, or whoever sits on the line, against a puller: nothing that does not hold is ever shown."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from exchange.bundle import pack_handover
from exchange.encoding import Digest, base64_encode, base64url_decode, base64url_encode
from exchange.publication import HANDOVER_FILES
from exchange.receipt import open_delivery, sign_delivery
from exchange.signing.keys import KeyPurpose
from tests.world.by_hand import Partner, address
from tests.world.gateways import GatewayWorld, gateway_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELIVERY = "Exchange-Delivery"
Attack = Callable[[GatewayWorld, httpx.Response], httpx.Response]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as running:
        yield running


def answer(honest: httpx.Response, *, content: bytes | None = None, **headers: str) -> httpx.Response:
    named = {**honest.headers, **{name.replace("_", "-").lower(): value for name, value in headers.items()}}
    return httpx.Response(200, headers=named, content=honest.content if content is None else content)


def swapped(_: GatewayWorld, honest: httpx.Response) -> httpx.Response:
    content = bytearray(honest.content)
    content[len(content) // 2] ^= 1
    return answer(honest, content=bytes(content))


def resigned(world: GatewayWorld, honest: httpx.Response) -> httpx.Response:
    """The publisher itself alters a figure and signs for what it sends."""
    content = honest.content.replace(b",A,N,", b",E,N,", 1)
    assert content != honest.content
    key = world.bundle.federation.signer("KZ", KeyPurpose.TRANSPORT)
    says = open_delivery(honest.headers[DELIVERY], keys=[key.public])
    lied = type(says)(**{**{name: getattr(says, name) for name in says.__slots__}, "content": Digest.of(content)})
    return answer(honest, content=content, Exchange_Delivery=sign_delivery(lied, signer=key))


def undelivered(_: GatewayWorld, honest: httpx.Response) -> httpx.Response:
    headers = {name: value for name, value in honest.headers.items() if name.lower() != DELIVERY.lower()}
    return httpx.Response(200, headers=headers, content=honest.content)


def forged(world: GatewayWorld, honest: httpx.Response) -> httpx.Response:
    key = world.bundle.federation.signer("KZ", KeyPurpose.TRANSPORT)
    says = open_delivery(honest.headers[DELIVERY], keys=[key.public])
    thief = world.bundle.federation.signer("UZ", KeyPurpose.TRANSPORT)
    return answer(honest, Exchange_Delivery=sign_delivery(says, signer=thief))


def misspelt(_: GatewayWorld, honest: httpx.Response) -> httpx.Response:
    header, payload, signature = honest.headers[DELIVERY].split(".")
    members = json.loads(base64url_decode(payload, subject="test"))
    spaced = base64url_encode(json.dumps(members).encode())
    return answer(honest, Exchange_Delivery=f"{header}.{spaced}.{signature}")


def bombed(_: GatewayWorld, honest: httpx.Response) -> httpx.Response:
    packed = gzip.compress(bytes(10_000_000))
    return httpx.Response(
        200, headers={DELIVERY: honest.headers[DELIVERY], "Content-Encoding": "gzip"}, stream=_Raw(packed)
    )


class _Raw(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def endless(_: GatewayWorld, honest: httpx.Response) -> httpx.Response:
    return httpx.Response(200, headers={DELIVERY: honest.headers[DELIVERY]}, stream=_Endless())


class _Endless(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield bytes(1024 * 1024)


def redirected(_: GatewayWorld, __: httpx.Response) -> httpx.Response:
    return httpx.Response(302, headers={"Location": "http://127.0.0.1:8101/v1/bundles/x"}, content=b"")


def attack(name: str, how: Attack, code: str, exit_code: int) -> object:
    return pytest.param(how, code, exit_code, id=name)


@pytest.mark.parametrize(
    ("how", "code", "exit_code"),
    [
        attack("bytes changed on the line", swapped, "delivery-content", 3),
        attack("a figure's status changed and signed for by the publisher", resigned, "pull-bundle", 3),
        attack("no delivery", undelivered, "pull-delivery", 3),
        attack("a delivery signed by another member", forged, "pull-delivery", 3),
        attack("a delivery in another spelling", misspelt, "pull-delivery", 3),
        attack("a compressed bomb, which is not unpacked", bombed, "delivery-content", 3),
        attack("a body without end", endless, "pull-overlong", 3),
        attack("a redirect", redirected, "partner-malformed", 3),
    ],
)
@pytest.mark.asvs("V16.5.2", "V16.5.3")
async def test_what_does_not_hold_is_never_shown_and_the_next_pull_works(
    world: GatewayWorld, tmp_path: Path, how: Attack, code: str, exit_code: int
) -> None:
    def change(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        return how(world, honest) if request.url.path.startswith("/v1/bundles/") else honest

    world.network.change = change
    refused = (await world.pull(folder=str(tmp_path / "out"))).json()
    world.network.change = None
    assert (refused["code"], refused["exit_code"]) == (code, exit_code)
    assert "KZ" in refused["detail"]
    assert left_in(tmp_path) == []
    assert (await world.pull(folder=str(tmp_path / "out"))).status_code == 200


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_another_pullers_delivery_and_an_older_one_are_replays(world: GatewayWorld, tmp_path: Path) -> None:
    kept: list[str] = []

    def keep(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        if request.url.path.startswith("/v1/bundles/"):
            kept.append(honest.headers[DELIVERY])
        return honest

    world.network.change = keep
    for member in ("TJ", "KG"):
        assert (await world.pull(member)).status_code == 200
    for old in tuple(kept):
        world.network.change = lambda request, honest, old=old: (
            answer(honest, Exchange_Delivery=old) if request.url.path.startswith("/v1/bundles/") else honest
        )
        refused = (await world.pull(folder=str(tmp_path / "out"))).json()
        assert (refused["code"], refused["facts"]["field"]) == ("pull-delivery", "pull")
    world.network.change = None
    assert left_in(tmp_path) == []


async def test_a_catalogue_that_names_another_contract_text_is_refused_before_anything_is_asked_for(
    world: GatewayWorld,
) -> None:
    def lie(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        if request.url.path != "/v1/catalogue":
            return honest
        document = json.loads(honest.content)
        document["bundles"][0]["contract"]["digest"] = str(Digest.of(b"a looser text"))
        return answer(honest, content=json.dumps(document).encode())

    world.network.change = lie
    before = len(world.network.asked)
    refused = (await world.pull()).json()
    world.network.change = None
    assert (refused["code"], refused["exit_code"]) == ("pull-contract-unknown", 6)
    assert not [path for _, path in world.network.asked[before:] if path.startswith("/v1/bundles/")]


@pytest.mark.parametrize("folder", ["relative", "../up", ""])
async def test_a_folder_is_an_absolute_path_or_nothing(world: GatewayWorld, folder: str) -> None:
    assert (await world.pull(folder=folder)).status_code == 400


@pytest.mark.parametrize("partner", ["kz/../..", "K", "kz?x=1", "a" * 40])
async def test_a_partner_is_a_member_id_and_nothing_else(world: GatewayWorld, partner: str) -> None:
    assert (await world.pull(partner=partner)).status_code == 400


# --- the gateway itself ----------------------------------------------------------------------------------------------


async def test_a_gateway_publishes_no_other_members_bundle(world: GatewayWorld) -> None:
    file = world.folder / "kg" / "stolen.handover"
    file.write_bytes(pack_handover({name: world.bundle.files[name] for name in HANDOVER_FILES}))
    refused = await world.local("KG", "POST", "/local/hand-overs", {"file": str(file)})
    clearance = base64_encode(world.bundle.files["clearance.json"])
    unlogged = await world.local("KG", "POST", "/local/clearances", {"clearance": clearance})

    assert [answer.json()["code"] for answer in (refused, unlogged)] == ["not-our-bundle", "not-our-bundle"]


async def test_a_bundle_whose_contract_is_not_known_to_be_signed_by_all_is_not_handed_out(world: GatewayWorld) -> None:
    kg, held = Partner(world, "KG"), world.gateways["KZ"].context.contracts.require(world.bundle.contract.digest)
    await kg.log_in()
    complete, held.effective = held.effective, held.effective[1:]  # as in a store restored from a backup
    try:
        refused = await kg.get(address(world))
    finally:
        held.effective = complete

    assert (refused.status_code, refused.json()["code"]) == (403, "contract-not-in-force-here")
    assert (await kg.get(address(world))).status_code == 200


async def test_after_a_start_nothing_is_signed_before_a_quorum_has_confirmed_the_log(world: GatewayWorld) -> None:
    others = {world.port(member) for member in world.gateways if member != "TJ"}
    await world.stop("TJ")
    world.network.down |= others
    try:
        await world.start("TJ")
        assert "log-not-confirmed" in await world.health("TJ")
    finally:
        world.network.down -= others
