"""More attacks on the token endpoint and on DPoP, over a real socket: spellings, keys, addresses, and parameters."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from exchange.encoding import Digest, base64url_encode, canonical_json
from exchange.signing.keys import KeyPurpose, Signer
from tests.attacks.test_tokens import STRANGER, assertion, signed
from tests.world.by_hand import ASSERTION_TYPE, Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

CATALOGUE = "/v1/catalogue"
Forge = Callable[[Partner], str]
SMALL_ORDER = {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(b"\x01" + bytes(31))}
"""The identity: everybody can sign for it (research: 48 of 48 messages)."""


LONG = b',"reg":1' + b"0" * 4000 + b"}"


def key_for(kg: Partner, purpose: KeyPurpose) -> Signer:
    """A key of the member that the registry lists for something else."""
    return kg.world.bundle.federation.signer("KG", purpose)


def now(kg: Partner) -> int:
    return int(kg.world.clock.now().timestamp())


def respelt(token: str, *, part: int, respell: Callable[[str], str]) -> str:
    parts = token.split(".")
    parts[part] = respell(parts[part])
    return ".".join(parts)


def other_bits(text: str) -> str:
    """The same bytes in another base64url: the unused bits of its last letter are set."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + letters[letters.index(text[-1]) | 1]


def claims_again(kg: Partner, raw: Callable[[bytes], bytes]) -> str:
    return assertion(kg, raw=lambda claims: raw(canonical_json(claims)))


ASSERTIONS: list[tuple[str, Forge]] = [
    ("an extension that is the algorithm", lambda kg: assertion(kg, header={"crit": ["alg"]})),
    ("a certificate's address", lambda kg: assertion(kg, header={"x5u": "http://169.254.169.254/c.pem"})),
    ("a certificate", lambda kg: assertion(kg, header={"x5c": ["AAAA"]})),
    ("a compressed payload", lambda kg: assertion(kg, header={"zip": "DEF"})),
    ("a token in a token", lambda kg: assertion(kg, header={"cty": "JWT"})),
    ("a kid that is a way", lambda kg: assertion(kg, header={"kid": "../../private/gateway/transport-ed25519.key"})),
    ("a kid that is a statement", lambda kg: assertion(kg, header={"kid": "' OR 1=1 --"})),
    ("a kid that is a number", lambda kg: assertion(kg, header={"kid": 1})),
    ("a kid of five thousand letters", lambda kg: assertion(kg, header={"kid": "a" * 5000})),
    ("algorithms as a list", lambda kg: assertion(kg, header={"alg": ["Ed25519"]})),
    ("alg RS256", lambda kg: assertion(kg, header={"alg": "RS256"})),
    ("alg ES256", lambda kg: assertion(kg, header={"alg": "ES256"})),
    ("alg ML-DSA-65 over an Ed25519 signature", lambda kg: assertion(kg, header={"alg": "ML-DSA-65"})),
    ("alg in other letters", lambda kg: assertion(kg, header={"alg": "ed25519"})),
    ("typ in other letters", lambda kg: assertion(kg, header={"typ": "Client-Authentication+JWT"})),
    ("typ with its tree", lambda kg: assertion(kg, header={"typ": "application/client-authentication+jwt"})),
    ("the signature in another spelling", lambda kg: respelt(assertion(kg), part=2, respell=other_bits)),
    ("the claims in plain base64", lambda kg: respelt(assertion(kg), part=1, respell=lambda text: text + "+/")),
    ("a line's end", lambda kg: assertion(kg) + "\n"),
    ("a space before it", lambda kg: " " + assertion(kg)),
    ("five parts, as if encrypted", lambda kg: assertion(kg) + ".AA.AA"),
    ("a mark of byte order", lambda kg: claims_again(kg, lambda raw: b"\xef\xbb\xbf" + raw)),
    ("UTF-16", lambda kg: claims_again(kg, lambda raw: raw.decode().encode("utf-16"))),
    ("half a letter", lambda kg: claims_again(kg, lambda raw: raw[:-1] + b',"nbf":"\\ud800"}')),
    ("a list of claims", lambda kg: claims_again(kg, lambda raw: b"[" + raw + b"]")),
    ("a number of four thousand digits", lambda kg: claims_again(kg, lambda raw: raw[:-1] + LONG)),
    ("iat as a fraction", lambda kg: assertion(kg, iat=now(kg) + 0.5)),
    ("iat true", lambda kg: assertion(kg, iat=True)),
    ("exp beyond what a number holds", lambda kg: assertion(kg, exp=2**53 + 1)),
    ("exp before iat", lambda kg: assertion(kg, exp=now(kg) - 1)),
    ("not yet valid", lambda kg: assertion(kg, nbf=now(kg) + 3600)),
    ("iss in small letters", lambda kg: assertion(kg, iss="kg", sub="kg")),
    ("iss with a space", lambda kg: assertion(kg, iss="KG ", sub="KG ")),
    ("iss as a list", lambda kg: assertion(kg, iss=["KG"], sub=["KG"])),
    ("an audience with a slash", lambda kg: assertion(kg, aud=kg.issuer + "/")),
    ("an audience in capitals", lambda kg: assertion(kg, aud=kg.issuer.upper())),
    ("no audience", lambda kg: assertion(kg, aud=None)),
    ("a jti with a letter of another script", lambda kg: assertion(kg, jti="аааааааааааааааааааааа")),
    ("a jti of five hundred letters", lambda kg: assertion(kg, jti="a" * 500)),
    ("a registry that nobody has", lambda kg: assertion(kg, reg=10**9)),
    ("a registry below nothing", lambda kg: assertion(kg, reg=-1)),
    ("a registry that is true", lambda kg: assertion(kg, reg=True)),
    ("a registry as a fraction", lambda kg: assertion(kg, reg=1.0)),
    ("a registry as a text", lambda kg: assertion(kg, reg="1")),
    ("by the member's witness key", lambda kg: assertion(kg, signer=key_for(kg, KeyPurpose.WITNESS))),
    ("by the member's log key", lambda kg: assertion(kg, signer=key_for(kg, KeyPurpose.LOG))),
    ("a token of this node", lambda kg: kg.token or ""),
]  # fmt: skip


@pytest.mark.parametrize("forge", [pytest.param(forge, id=name) for name, forge in ASSERTIONS])
@pytest.mark.asvs("V9.1.1", "V9.1.2", "V9.1.3")
async def test_an_assertion_that_is_not_exactly_one_gets_no_token(kg: Partner, forge: Forge) -> None:
    answer = await kg.ask_token(form={"client_assertion": forge(kg)})

    assert answer.status_code in {400, 401, 429}, answer.text
    assert "access_token" not in answer.text


EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
FORMS: list[tuple[str, dict[str, str], str]] = [
    ("another client than the assertion's", {"client_id": "TJ"}, "invalid_client"),
    ("the own client in small letters", {"client_id": "kg"}, "invalid_client"),
    ("a token for another node", {"resource": "http://127.0.0.1:8101"}, "invalid_target"),
    ("a token for an address inside", {"resource": "http://169.254.169.254/"}, "invalid_target"),
    ("a refresh", {"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_request"),
    ("an exchange of tokens", {"grant_type": EXCHANGE}, "unsupported_grant_type"),
    ("a code", {"grant_type": "authorization_code", "code": "x"}, "invalid_request"),
    ("a request by reference", {"request_uri": "http://169.254.169.254/"}, "invalid_request"),
    ("an audience beside the resource", {"audience": "http://127.0.0.1:8101"}, "invalid_request"),
    ("an empty assertion type", {"client_assertion_type": ""}, "invalid_client"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "error"), [pytest.param(form, error, id=name) for name, form, error in FORMS])
@pytest.mark.asvs("V10.4.4")
async def test_a_parameter_that_asks_for_something_else_gets_no_token(
    kg: Partner, form: dict[str, str], error: str
) -> None:
    answer = await kg.ask_token(form=form)

    assert answer.status_code in {400, 401}, answer.text
    assert answer.json()["error"] == error


async def test_what_an_honest_client_may_add_changes_nothing(kg: Partner) -> None:
    answer = await kg.ask_token(form={"client_id": "KG", "resource": kg.issuer})

    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")


async def test_the_parameters_of_a_token_stand_in_the_body_and_nowhere_else(kg: Partner) -> None:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    form |= {"client_assertion": assertion(kg)}
    headers = {"DPoP": kg.proof("POST", "/oauth/token", access_token=None)}
    parts = {name: (None, text) for name, text in form.items()}
    asked = [
        await kg.http.post(kg.issuer + "/oauth/token", params=form, headers=headers),
        await kg.http.post(kg.issuer + "/oauth/token", json=form, headers=headers),
        await kg.http.post(kg.issuer + "/oauth/token", files=parts, headers=headers),
        await kg.http.get(kg.issuer + "/oauth/token", params=form, headers=headers),
    ]  # fmt: skip

    assert all(answer.status_code in {400, 405} for answer in asked)
    assert all("access_token" not in answer.text for answer in asked)


def proof(kg: Partner, *, header: dict[str, Any] | None = None, **changed: object) -> str:
    """A DPoP proof for the catalogue, honest but for what is changed; `None` leaves a member out."""
    head = {"typ": "dpop+jwt", "alg": "Ed25519", "jwk": dict(kg.signer.public.jwk()), **(header or {})}
    ath = base64url_encode(bytes.fromhex(Digest.of((kg.token or "").encode()).hex))
    claims = {"htm": "GET", "htu": kg.issuer + CATALOGUE, "iat": now(kg), "jti": base64url_encode(kg.random(16))}
    claims |= {"nonce": kg.nonce, "ath": ath, **changed}
    kept = {name: value for name, value in claims.items() if value is not None}
    return signed({name: value for name, value in head.items() if value is not None}, kept, kg.signer)


PROOFS: list[tuple[str, Forge]] = [
    ("with its private half", lambda kg: proof(kg, header={"jwk": {**kg.signer.public.jwk(), "d": "A" * 43}})),
    ("with a name for its key", lambda kg: proof(kg, header={"jwk": {**kg.signer.public.jwk(), "kid": "1"}})),
    ("by a key that everybody can sign for", lambda kg: proof(kg, header={"jwk": SMALL_ORDER})),
    ("by a key of another curve", lambda kg: proof(kg, header={"jwk": {**kg.signer.public.jwk(), "crv": "X25519"}})),
    ("by a stranger's key in its head", lambda kg: proof(kg, header={"jwk": dict(STRANGER.public.jwk())})),
    ("by a shared secret", lambda kg: proof(kg, header={"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}})),
    ("without a key", lambda kg: proof(kg, header={"jwk": None})),
    ("with a kid beside the key", lambda kg: proof(kg, header={"kid": kg.signer.public.kid})),
    ("as a token", lambda kg: proof(kg, header={"typ": "at+jwt"})),
    ("as anything", lambda kg: proof(kg, header={"typ": "JWT"})),
    ("alg none", lambda kg: proof(kg, header={"alg": "none"})),
    ("a method in small letters", lambda kg: proof(kg, htm="get")),
    ("of every method", lambda kg: proof(kg, htm="*")),
    ("with the query", lambda kg: proof(kg, htu=f"{kg.issuer}{CATALOGUE}?limit=1")),
    ("with a fragment", lambda kg: proof(kg, htu=f"{kg.issuer}{CATALOGUE}#x")),
    ("at a host in capitals", lambda kg: proof(kg, htu=(kg.issuer + CATALOGUE).replace("http", "HTTP"))),
    ("with somebody before the host", lambda kg: proof(kg, htu=kg.issuer.replace("://", "://kg@") + CATALOGUE)),
    ("with a dot in its way", lambda kg: proof(kg, htu=f"{kg.issuer}/v1/./catalogue")),
    ("with an encoded letter", lambda kg: proof(kg, htu=f"{kg.issuer}/v1/%63atalogue")),
    ("of the way alone", lambda kg: proof(kg, htu=CATALOGUE)),
    ("over TLS where there is none", lambda kg: proof(kg, htu=(kg.issuer + CATALOGUE).replace("http:", "https:"))),
    ("without a time", lambda kg: proof(kg, iat=None)),
    ("iat as a text", lambda kg: proof(kg, iat=str(now(kg)))),
    ("iat as a fraction", lambda kg: proof(kg, iat=now(kg) + 0.5)),
    ("without an id", lambda kg: proof(kg, jti=None)),
    ("a short id", lambda kg: proof(kg, jti="a")),
    ("a nonce as a list", lambda kg: proof(kg, nonce=[kg.nonce])),
    ("two nonces", lambda kg: proof(kg, nonce=f"{kg.nonce},{kg.nonce}")),
    ("the token's hash in hex", lambda kg: proof(kg, ath=Digest.of((kg.token or "").encode()).hex)),
    ("the token itself for its hash", lambda kg: proof(kg, ath=kg.token)),
    ("with a member too many", lambda kg: proof(kg, scope="all")),
    ("two in one header", lambda kg: f"{proof(kg)}, {proof(kg)}"),
    ("cut short", lambda kg: proof(kg)[:-2]),
    ("nothing", lambda _: ""),
]  # fmt: skip


@pytest.mark.parametrize("forge", [pytest.param(forge, id=name) for name, forge in PROOFS])
@pytest.mark.asvs("V10.3.5", "V9.2.2")
async def test_a_proof_in_any_other_form_lets_nobody_in(kg: Partner, forge: Forge) -> None:
    refused = await ask(kg, DPoP=forge(kg))

    assert refused.status_code == 401, refused.text
    assert refused.headers["WWW-Authenticate"].startswith("DPoP ")
    assert (await ask(kg, DPoP=proof(kg))).status_code == 200  # what all of them are but for one thing


async def ask(kg: Partner, **headers: str) -> httpx.Response:
    named = {"Authorization": f"DPoP {kg.token}", "DPoP": proof(kg), **headers}
    return await kg.http.get(kg.issuer + CATALOGUE, headers=named)


async def test_two_proofs_or_two_tokens_are_none(kg: Partner) -> None:
    token = ("Authorization", f"DPoP {kg.token}")
    for headers in (
        [token, ("DPoP", proof(kg)), ("DPoP", proof(kg))],
        [token, token, ("DPoP", proof(kg))],
        [token, ("Authorization", "Basic a2c6eA=="), ("DPoP", proof(kg))],
    ):
        assert (await kg.http.get(kg.issuer + CATALOGUE, headers=headers)).status_code == 401


@pytest.mark.asvs("V10.3.5")
async def test_a_token_counts_in_its_header_and_nowhere_else(kg: Partner) -> None:
    for way in (
        {"params": {"access_token": kg.token}},
        {"cookies": {"access_token": kg.token or ""}},
        {"headers": {"X-Access-Token": kg.token or ""}},
        {"headers": {"Authorization": f"Bearer {kg.token}"}},
        {"headers": {"Authorization": f"dpop{kg.token}"}},
        {"headers": {"Authorization": f"DPoP  {kg.token}"}},
        {"headers": {"Authorization": f"DPoP {json.dumps(kg.token)}"}},
    ):
        more: dict[str, Any] = dict(way)
        more["headers"] = {"DPoP": proof(kg), **more.get("headers", {})}
        request = kg.http.build_request(
            "GET", kg.issuer + CATALOGUE, params=more.get("params"), headers=more["headers"]
        )
        if "cookies" in more:
            request.headers["Cookie"] = f"access_token={kg.token}"
        assert (await kg.http.send(request)).status_code == 401, way
