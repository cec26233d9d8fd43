"""Attacks on the token endpoint and on bound tokens: each is refused and changes nothing; honest calls go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import Connection, text

from exchange.encoding import base64url_decode, base64url_encode, canonical_json
from exchange.receipt import pull_id
from exchange.signing.dpop import make_proof
from exchange.signing.keys import Algorithm, KeyPurpose, Signer, SoftwareSigner
from tests.world.by_hand import ASSERTION_TYPE, Partner, address
from tests.world.gateways import GatewayWorld, gateway_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEEP = b"[" * 200 + b"]" * 200
STRANGER = SoftwareSigner.from_seed(Algorithm.ED25519, b"\x07" * 32)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def kg(world: GatewayWorld) -> Partner:
    partner = Partner(world, "KG")
    await partner.log_in()
    return partner


def signed(header: dict[str, Any], claims: dict[str, Any] | bytes, signer: Signer) -> str:
    """A compact JWS with whatever header and claims, signed for real."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    text = base64url_encode(json.dumps(header).encode()) + "." + base64url_encode(payload)
    return text + "." + base64url_encode(signer.sign(text.encode()))


def assertion(kg: Partner, **changed: Any) -> str:  # noqa: ANN401  # whatever an attack bends
    """A client assertion, honest but for what is changed; `None` leaves a member out."""
    now = int(kg.world.clock.now().timestamp())
    header = {"typ": "client-authentication+jwt", "alg": "Ed25519", "kid": kg.signer.public.kid}
    claims = {"iss": "KG", "sub": "KG", "aud": kg.issuer, "iat": now, "exp": now + 60}
    claims |= {"jti": base64url_encode(kg.random(16))}
    signer = changed.pop("signer", kg.signer)
    raw = changed.pop("raw", None)
    header |= changed.pop("header", {})
    claims |= changed
    kept_header = {name: value for name, value in header.items() if value is not None}
    kept = {name: value for name, value in claims.items() if value is not None}
    return signed(kept_header, raw(kept) if raw else kept, signer)


ASSERTIONS: list[tuple[str, Callable[[Partner], str]]] = [
    ("signed by a stranger", lambda kg: assertion(kg, signer=STRANGER)),
    ("under a stranger's own kid", lambda kg: assertion(kg, signer=STRANGER, header={"kid": STRANGER.public.kid})),
    ("in another member's name", lambda kg: assertion(kg, iss="TJ", sub="TJ")),
    ("iss and sub differ", lambda kg: assertion(kg, sub="TJ")),
    ("by a member nobody knows", lambda kg: assertion(kg, iss="XX", sub="XX")),
    ("alg none", lambda kg: assertion(kg, header={"alg": "none"})),
    ("alg HS256 with the public key as secret", lambda kg: assertion(kg, header={"alg": "HS256"})),
    ("the old alg name EdDSA", lambda kg: assertion(kg, header={"alg": "EdDSA"})),
    ("another typ", lambda kg: assertion(kg, header={"typ": "JWT"})),
    ("a DPoP proof's typ", lambda kg: assertion(kg, header={"typ": "dpop+jwt"})),
    ("no typ", lambda kg: assertion(kg, header={"typ": None})),
    ("no kid", lambda kg: assertion(kg, header={"kid": None})),
    ("its own key in the header", lambda kg: assertion(kg, signer=STRANGER, header={"jwk": STRANGER.public.jwk()})),
    ("a key address in the header", lambda kg: assertion(kg, header={"jku": "http://127.0.0.1:9/keys"})),
    ("an empty crit", lambda kg: assertion(kg, header={"crit": []})),
    ("b64 false", lambda kg: assertion(kg, header={"b64": False})),
    ("a list of audiences", lambda kg: assertion(kg, aud=[kg.issuer])),
    ("another node's audience", lambda kg: assertion(kg, aud="http://127.0.0.1:8101")),
    ("the token endpoint as audience", lambda kg: assertion(kg, aud=kg.issuer + "/oauth/token")),
    ("expired", lambda kg: assertion(kg, iat=1, exp=61)),
    ("lives an hour", lambda kg: assertion(kg, exp=int(kg.world.clock.now().timestamp()) + 3600)),
    ("issued in the future", lambda kg: assertion(kg, iat=int(kg.world.clock.now().timestamp()) + 30)),
    ("no exp", lambda kg: assertion(kg, exp=None)),
    ("exp as a text", lambda kg: assertion(kg, exp="9999999999")),
    ("no jti", lambda kg: assertion(kg, jti=None)),
    ("a short jti", lambda kg: assertion(kg, jti="a")),
    ("a member too many", lambda kg: assertion(kg, scope="everything")),
    ("a member twice", lambda kg: assertion(kg, raw=lambda c: canonical_json(c)[:-1] + b',"sub":"KG"}')),
    ("not JSON", lambda kg: assertion(kg, raw=lambda _: b"{")),
    ("NaN", lambda kg: assertion(kg, raw=lambda c: canonical_json(c)[:-1] + b',"nbf":NaN}')),
    ("deep JSON", lambda kg: assertion(kg, raw=lambda c: canonical_json(c)[:-1] + b',"nbf":' + DEEP + b"}")),
    ("padding", lambda kg: assertion(kg) + "="),
    ("four parts", lambda kg: assertion(kg) + ".a"),
    ("two parts", lambda kg: assertion(kg).rpartition(".")[0]),
    ("a megabyte of nothing", lambda _: "a" * 60_000),
    ("empty", lambda _: ""),
]  # fmt: skip


@pytest.mark.parametrize("attack", [pytest.param(attack, id=name) for name, attack in ASSERTIONS])
@pytest.mark.asvs("V9.1.1", "V9.1.2", "V9.1.3", "V9.2.1", "V9.2.3", "V10.4.10", "V10.4.16")
async def test_a_forged_assertion_gets_no_token(kg: Partner, attack: Callable[[Partner], str]) -> None:
    answer = await kg.ask_token(form={"client_assertion": attack(kg)})

    assert answer.status_code in {400, 401}, answer.text
    assert "access_token" not in answer.text
    assert answer.json()["error"] in {"invalid_client", "invalid_request"}
    assert (await kg.ask_token()).status_code == 200


FORMS: list[tuple[str, dict[str, str]]] = [
    ("another grant", {"grant_type": "password"}),
    ("no grant", {"grant_type": ""}),
    ("a client secret", {"client_secret": "x"}),
    ("another assertion type", {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}),
]


@pytest.mark.parametrize("form", [pytest.param(form, id=name) for name, form in FORMS])
@pytest.mark.asvs("V10.4.4", "V10.4.10")
async def test_another_way_to_authenticate_gets_no_token(kg: Partner, form: dict[str, str]) -> None:
    answer = await kg.ask_token(form=form)

    assert answer.status_code in {400, 401}
    assert "access_token" not in answer.text


async def test_a_parameter_twice_gets_no_token(kg: Partner) -> None:
    body = f"grant_type=client_credentials&grant_type=client_credentials&client_assertion_type={ASSERTION_TYPE}"
    headers = {
        "DPoP": kg.proof("POST", "/oauth/token", access_token=None),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = await kg.http.post(
        kg.issuer + "/oauth/token", content=body + f"&client_assertion={assertion(kg)}", headers=headers
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_who_does_not_authenticate_never_reaches_the_writer(kg: Partner) -> None:
    forged = assertion(kg, signer=STRANGER)
    async with kg.world.busy_writer("KZ"), asyncio.timeout(5):
        answer = await kg.ask_token(form={"client_assertion": forged})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


@pytest.mark.asvs("V10.4.16")
async def test_an_assertion_is_good_once_even_for_thirty_two_at_a_time(kg: Partner) -> None:
    same = assertion(kg)

    answers = await asyncio.gather(*(kg.ask_token(form={"client_assertion": same}) for _ in range(32)))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 31


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64url_decode(token.split(".")[1], subject="test"))
    return found


def tampered(token: str) -> str:
    head, _, signature = token.split(".")
    claims = {**claims_of(token), "sub": "TJ", "client_id": "TJ"}
    return ".".join((head, base64url_encode(canonical_json(claims)), signature))


PROOFS: list[tuple[str, dict[str, Any]]] = [
    ("for another address", {"url": "http://127.0.0.1:8100/v1/catalogue/"}),
    ("for another host", {"url": "http://evil.example/v1/catalogue"}),
    ("without the token's hash", {"access_token": None}),
    ("with another token's hash", {"access_token": "another"}),
    ("without a nonce", {"nonce": None}),
    ("with a foreign nonce", {"nonce": "AAAAAAAAAAAAAAAAAAAAAA"}),
    ("by a stranger's key", {"signer": STRANGER}),
]


@pytest.mark.parametrize("bent", [pytest.param(bent, id=name) for name, bent in PROOFS])
@pytest.mark.asvs("V9.2.2", "V10.3.5")
async def test_a_proof_that_is_not_of_this_request_lets_nobody_in(kg: Partner, bent: dict[str, Any]) -> None:
    answer = await kg.get("/v1/catalogue", proof=kg.proof("GET", "/v1/catalogue", **bent))

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
    assert answer.headers["DPoP-Nonce"]
    assert (await kg.get("/v1/catalogue")).status_code == 200


@pytest.mark.parametrize("seconds", [pytest.param(-61, id="too old"), pytest.param(11, id="from the future")])
async def test_a_proof_of_another_time_lets_nobody_in(kg: Partner, seconds: int) -> None:
    kg.world.clock.move(seconds=seconds)
    proof = kg.proof("GET", "/v1/catalogue")
    kg.world.clock.move(seconds=-seconds)

    assert (await kg.get("/v1/catalogue", proof=proof)).status_code == 401


async def test_a_proof_is_good_once_even_for_thirty_two_pulls_at_a_time(kg: Partner, world: GatewayWorld) -> None:
    size = world.gateways["KZ"].context.sequencer.log.size
    proof = kg.proof("GET", address(world))

    answers = await asyncio.gather(*(kg.get(address(world), proof=proof) for _ in range(32)))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 31
    assert world.gateways["KZ"].context.sequencer.log.size == size + 1


async def test_a_spent_proof_stays_spent_after_a_restart(kg: Partner, world: GatewayWorld) -> None:
    proof = kg.proof("GET", "/v1/catalogue")
    assert (await kg.get("/v1/catalogue", proof=proof)).status_code == 200
    await world.stop("KZ")
    await world.start("KZ")
    await world.gateways["KZ"].context.sequencer.gate.opened.wait()

    again = await kg.get("/v1/catalogue", proof=proof)
    kg.nonce = again.headers["DPoP-Nonce"]

    assert again.status_code == 401
    assert (await kg.get("/v1/catalogue")).status_code == 200


async def test_a_proof_for_another_method_lets_nobody_in(kg: Partner) -> None:
    assert (await kg.get("/v1/catalogue", proof=kg.proof("POST", "/v1/catalogue"))).status_code == 401


async def headers_of(kg: Partner, **changed: str) -> httpx.Response:
    headers = {"Authorization": f"DPoP {kg.token}", "DPoP": kg.proof("GET", "/v1/catalogue"), **changed}
    return await kg.http.get(kg.issuer + "/v1/catalogue", headers=headers)


@pytest.mark.asvs("V10.3.5", "V10.4.14")
async def test_a_token_is_no_bearer_token(kg: Partner) -> None:
    assert (await headers_of(kg, Authorization=f"Bearer {kg.token}")).status_code == 401
    bare = await kg.http.get(kg.issuer + "/v1/catalogue", headers={"Authorization": f"DPoP {kg.token}"})
    assert bare.status_code == 401


@pytest.mark.asvs("V10.3.5", "V8.4.1", "V8.3.3")
async def test_a_stolen_token_is_worthless_with_another_members_key(kg: Partner, world: GatewayWorld) -> None:
    tj = Partner(world, "TJ")
    await tj.log_in()
    tj.token = kg.token

    assert (await tj.get("/v1/catalogue")).status_code == 401


AT = {"alg": "Ed25519", "typ": "at+jwt"}
TOKENS: list[tuple[str, Callable[[Partner], str]]] = [
    ("with another name in it", lambda kg: tampered(kg.token or "")),
    ("cut short", lambda kg: (kg.token or "")[:-2]),
    ("signed by the caller itself", lambda kg: signed({**AT, "kid": kg.signer.public.kid}, {"sub": "KG"}, kg.signer)),
    ("an assertion in its place", assertion),
    ("a proof in its place", lambda kg: kg.proof("GET", "/v1/catalogue")),
    ("nothing", lambda _: ""),
    ("not ASCII", lambda _: "\u00e9"),
]  # fmt: skip


@pytest.mark.parametrize("attack", [pytest.param(attack, id=name) for name, attack in TOKENS])
@pytest.mark.asvs("V9.1.1", "V9.2.2")
async def test_a_token_that_this_node_did_not_give_lets_nobody_in(
    kg: Partner, attack: Callable[[Partner], str]
) -> None:
    token = attack(kg)
    proof = kg.proof("GET", "/v1/catalogue", access_token=token if token.isascii() else "x")

    answer = await kg.http.get(
        kg.issuer + "/v1/catalogue", headers={"Authorization": f"DPoP {token}".encode(), "DPoP": proof}
    )

    assert answer.status_code == 401


CLAIMS: list[tuple[str, dict[str, Any], int]] = [
    ("what the node itself gives", {}, 200),
    ("for another node", {"aud": "http://127.0.0.1:8101"}, 401),
    ("for this node and another", {"aud": ["http://127.0.0.1:8100", "http://127.0.0.1:8101"]}, 401),
    ("for nobody", {"aud": None}, 401),
    ("by another node", {"iss": "http://127.0.0.1:8101"}, 401),
    ("about another member, bound to its caller's key", {"sub": "TJ", "client_id": "TJ"}, 401),
    ("about one member for another", {"client_id": "TJ"}, 401),
    ("about nobody", {"sub": None}, 401),
    ("about a member that nobody knows", {"sub": "XX", "client_id": "XX"}, 401),
    ("over", {"exp": 1}, 401),
    ("without an end", {"exp": None}, 401),
    ("for a day", {"exp": 86_400}, 401),
    ("bound to a stranger's key", {"cnf": {"jkt": STRANGER.public.kid}}, 401),
    ("bound to no key", {"cnf": {}}, 401),
]  # fmt: skip


@pytest.mark.parametrize(("said", "status"), [pytest.param(*rest, id=name) for name, *rest in CLAIMS])
@pytest.mark.asvs("V9.2.1", "V9.2.3", "V9.2.4", "V10.3.1", "V10.3.3", "V10.4.14")
async def test_the_node_s_own_signature_makes_no_token_of_claims_that_are_not_for_here(
    kg: Partner, said: dict[str, Any], status: int
) -> None:
    """The key that signs tokens signs other things for others too: what it signed counts where it was meant."""
    node = kg.world.bundle.federation.signer("KZ", KeyPurpose.TRANSPORT)
    given, now = claims_of(kg.token or ""), int(kg.world.clock.now().timestamp())
    changed = given | {"jti": base64url_encode(kg.random(16))} | said
    if said.get("exp") is not None:
        changed["exp"] = now + said["exp"] if said["exp"] > 1 else now - said["exp"]
    kg.token = signed({**AT, "kid": node.public.kid}, {k: v for k, v in changed.items() if v is not None}, node)

    assert (given["aud"], given["sub"], given["cnf"]) == (kg.issuer, "KG", {"jkt": kg.signer.public.kid})
    assert (await kg.get("/v1/catalogue")).status_code == status


@pytest.mark.asvs("V10.4.14")
async def test_without_a_proof_of_its_key_nobody_is_given_a_token(kg: Partner) -> None:
    for proof in ("", kg.proof("POST", "/oauth/token", access_token=None, signer=STRANGER)):
        answer = await kg.ask_token(headers={"DPoP": proof})
        assert answer.status_code in {400, 401}, answer.text
        assert "access_token" not in answer.text
    assert (await kg.ask_token()).status_code == 200


@pytest.mark.asvs("V9.1.3")
async def test_a_token_of_another_node_is_worthless_here(kg: Partner, world: GatewayWorld) -> None:
    elsewhere = Partner(world, "KG", publisher="TJ")
    await elsewhere.log_in()
    kg.token = elsewhere.token

    assert (await kg.get("/v1/catalogue")).status_code == 401


@pytest.mark.asvs("V9.2.1")
async def test_a_token_ends(kg: Partner) -> None:
    kg.world.clock.move(seconds=301)
    kg.nonce = (await kg.get("/v1/catalogue")).headers["DPoP-Nonce"]

    assert (await kg.get("/v1/catalogue")).status_code == 401
    kg.token = None
    await kg.log_in()
    assert (await kg.get("/v1/catalogue")).status_code == 200


async def test_the_host_header_decides_nothing(kg: Partner) -> None:
    proof = make_proof(
        signer=kg.signer,
        method="GET",
        url="http://evil.example/v1/catalogue",
        at=kg.world.clock.now(),
        jti=base64url_encode(kg.random(16)),
        nonce=kg.nonce,
        access_token=kg.token,
    )

    answer = await headers_of(kg, Host="evil.example", DPoP=proof)

    assert answer.status_code == 401
    for name in ("X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"):
        assert (await headers_of(kg, **{name: "evil.example"})).status_code == 200


@pytest.mark.asvs("V16.5.1")
async def test_nothing_of_a_request_comes_back_in_a_refusal(kg: Partner) -> None:
    canary = "c4nary-c4nary-c4nary-c4nary"
    answers = [
        await kg.ask_token(form={"client_assertion": canary}),
        await kg.ask_token(headers={"DPoP": canary}),
        await kg.ask_token(form={"client_assertion": assertion(kg, **{canary: canary})}),
        await headers_of(kg, DPoP=canary),
        await headers_of(kg, Authorization=f"DPoP {canary}"),
        await kg.get(f"/v1/bundles/{canary}"),
        await kg.get(f"/v1/contracts/{canary}/{canary}"),
        await kg.post("/v1/receipts", canary.encode()),
    ]

    assert all(answer.status_code >= 400 for answer in answers)
    assert all(canary not in answer.text + str(answer.headers) for answer in answers)


async def test_what_the_security_server_says_is_kept_beside_the_proof_and_from_others_it_is_nothing(
    kg: Partner, world: GatewayWorld
) -> None:
    said = {"X-Road-Client": "KG/GOV/1", "X-Road-Id": "m-1", "X-Road-UserId": "KG37702211234"}
    settings = world.folder / "kz" / "node.toml"
    plain = settings.read_text()
    assert (await headers_of(kg, **said)).status_code == 200
    settings.write_text(plain + 'xroad_security_servers = ["127.0.0.1/32"]\n')
    await world.stop("KZ")
    await world.start("KZ")
    proof = kg.proof("GET", "/v1/catalogue")
    assert (await headers_of(kg, DPoP=proof, **said)).status_code == 200

    def rows(connection: Connection) -> list[tuple[str, str, str]]:
        found = connection.execute(text("SELECT proof, member, headers FROM xroad"))
        return [(row.proof, row.member, row.headers) for row in found]

    kept = '{"x-road-client":"KG/GOV/1","x-road-id":"m-1"}'
    assert await world.gateways["KZ"].context.store.read(rows) == [(str(pull_id(proof)), "KG", kept)]
    settings.write_text(plain)
