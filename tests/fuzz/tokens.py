"""Tokens and signed words whose content is anything at all, rightly signed: what a member of the exchange can send.

An outsider's token ends at its signature. What lies behind it is reached by a member with a key, so here every mutated
payload is signed by the right one.
"""

from collections.abc import Callable, Iterable, Sequence

from exchange.encoding import base64url_decode, base64url_encode, parse_json_object
from exchange.receipt import DELIVERY_TYP, RECEIPT_TYP, open_delivery, open_receipt
from exchange.signing.dpop import open_assertion, open_proof, open_token, peek_member, peek_registry
from exchange.signing.jws import open_compact, sign_compact
from exchange.signing.passkey import parse_passkey_proof
from exchange.signing.passkey_data import check_client_data, parse_assertion_data, parse_registration_data
from exchange.signing.passkey_key import parse_cose_key
from tests.fuzz import seeds
from tests.fuzz.seeds import CALLER, ISSUER, URL
from tests.fuzz.target import Target
from tests.world.bundles import COSIGNED
from tests.world.passkeys import ORIGIN, Authenticator

KEYS = [CALLER.public]
ASCII = "ascii"


def token_targets() -> Iterable[Target]:
    """Assertions, proofs and access tokens: as they come, and with any claims or header under a right signature."""
    words = seeds.words()
    readers: Sequence[tuple[str, bytes, Callable[[str], object]]] = (
        ("assertion", words.assertion, assertion),
        ("DPoP proof", words.proof, proof),
        ("access token", words.token, lambda text: open_token(text, keys=KEYS, issuer=ISSUER, at=COSIGNED)),
    )
    for name, seed, read in readers:
        header, claims = parts(seed)
        yield Target(name, lambda raw, read=read: read(raw.decode("latin-1")), [seed])  # type: ignore[misc]  # bound now
        yield Target(f"{name}: claims", lambda raw, h=header, read=read: read(signed(h, raw)), [claims])  # type: ignore[misc]  # bound now
        yield Target(f"{name}: header", lambda raw, c=claims, read=read: read(signed(raw, c)), [header])  # type: ignore[misc]  # bound now
    yield Target("member of an assertion", lambda raw: peek_member(raw.decode("latin-1")), [words.assertion])
    yield Target(
        "registry of a token", lambda raw: peek_registry(raw.decode("latin-1")), [words.assertion, words.token]
    )


def word_targets() -> Iterable[Target]:
    """Receipts and deliveries rightly signed, and a compact JWS as it comes."""
    receipt, delivery = (sign_compact(raw, typ="fuzz", signer=CALLER) for raw in (seeds.RECEIPT, seeds.DELIVERY))
    yield Target("compact JWS", lambda raw: open_compact(raw.decode("latin-1"), typ="fuzz", keys=KEYS), [
        receipt.encode(), delivery.encode(),
    ])  # fmt: skip
    yield Target(
        "signed receipt",
        lambda raw: open_receipt(sign_compact(raw, typ=RECEIPT_TYP, signer=CALLER), keys=KEYS), [seeds.RECEIPT],
    )  # fmt: skip
    yield Target(
        "signed delivery",
        lambda raw: open_delivery(sign_compact(raw, typ=DELIVERY_TYP, signer=CALLER), keys=KEYS), [seeds.DELIVERY],
    )  # fmt: skip


def passkey_targets() -> Iterable[Target]:
    """What a browser and an authenticator give a page."""
    made, data = seeds.registration()
    asserted = Authenticator("fuzz").prove(bytes(32))
    yield Target("passkey proof", passkey_proof, [seeds.passkey_proof()])
    yield Target(
        "client data",
        lambda raw: check_client_data(raw, ceremony="webauthn.create", challenge=bytes(32), origins=(ORIGIN,)), [made],
    )  # fmt: skip
    yield Target("authenticator data", parse_assertion_data, [asserted.authenticator_data])
    yield Target("registration data", parse_registration_data, [data])
    yield Target("COSE key", parse_cose_key, [Authenticator("fuzz", kind).cose_key for kind in ("ES256", "Ed25519")])


def passkey_proof(raw: bytes) -> object:
    return parse_passkey_proof(parse_json_object(raw, subject="fuzz"), subject="fuzz")


def assertion(text: str) -> object:
    return open_assertion(text, keys=KEYS, audience=ISSUER, at=COSIGNED, life_s=60, skew_s=10)


def proof(text: str) -> object:
    return open_proof(text, keys=KEYS, method="POST", url=URL, at=COSIGNED, age_s=60, skew_s=10)


def signed(header: bytes, payload: bytes) -> str:
    """A compact JWS over any header and payload."""
    signing_input = f"{base64url_encode(header)}.{base64url_encode(payload)}"
    return f"{signing_input}.{base64url_encode(CALLER.sign(signing_input.encode(ASCII)))}"


def parts(token: bytes) -> tuple[bytes, bytes]:
    """Header and payload of a token."""
    header, payload, _ = token.decode(ASCII).split(".")
    return base64url_decode(header, subject="header"), base64url_decode(payload, subject="payload")
