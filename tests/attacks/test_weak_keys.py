"""A key under which anybody can sign must not enter anywhere: OpenSSL would take all of these."""

import ast
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Delegations, Role, Root, Targets

from exchange.encoding import base64_encode, base64url_encode, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.trust import WeakKeyError
from exchange.log.note import SignatureKind, parse_vkey
from exchange.log.policy import parse_policy
from exchange.reconcile.evidence import _open_request
from exchange.signing.admission import open_application
from exchange.signing.authority import authorities, root_authorities
from exchange.signing.ceremony_form import parse_signature
from exchange.signing.key_file import parse_reference
from exchange.signing.keys import Algorithm, PublicKey, parse_public_jwk
from exchange.signing.members import parse_member_keys
from exchange.signing.passkey import open_registration
from nodes.adapters.account_store import PasskeyRow
from nodes.adapters.token_keys import bare_point
from nodes.desk.enrolling import parse_request
from nodes.web.passkeys import read_credential
from tests.shared import shared

ROOT = Path(__file__).resolve().parents[2]

P = 2**255 - 19
SIGN = 1 << 255
# The y of all eight points of small order, with both signs, and their encodings that are not reduced
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = {
    "the identity": 1,
    "the identity with a sign": 1 | SIGN,
    "the identity, not reduced": P + 1,
    "the identity, not reduced, with a sign": P + 1 | SIGN,
    "order 2": P - 1,
    "order 2 with a sign": P - 1 | SIGN,
    "order 4": 0,
    "order 4, the other": 0 | SIGN,
    "order 4, not reduced": P,
    "order 4, the other, not reduced": P | SIGN,
    "order 8, first": ORDER_8,
    "order 8, second": ORDER_8 | SIGN,
    "order 8, third": P - ORDER_8,
    "order 8, fourth": P - ORDER_8 | SIGN,
}


def encoded(y: int) -> bytes:
    return y.to_bytes(32, "little")


def test_the_list_is_the_one_that_others_made() -> None:
    vectors = json.loads(shared("tlog-vectors/cctv-ed25519/ed25519vectors.json").read_text(encoding="utf-8"))
    theirs = {vector["key"] for vector in vectors if "low_order_A" in (vector["flags"] or [])}
    assert {encoded(y).hex() for y in SMALL_ORDER.values()} == theirs
    assert len(theirs) == 14


@pytest.mark.parametrize("y", [pytest.param(y, id=name) for name, y in SMALL_ORDER.items()])
def test_a_key_of_small_order_does_not_exist(y: int) -> None:
    with pytest.raises(WeakKeyError):
        PublicKey(Algorithm.ED25519, encoded(y))
    with pytest.raises(WeakKeyError):
        parse_public_jwk({"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(encoded(y))})


def test_no_signature_made_without_a_private_key_counts() -> None:
    vectors = json.loads(shared("tlog-vectors/cctv-ed25519/ed25519vectors.json").read_text(encoding="utf-8"))
    forged = [vector for vector in vectors if "low_order_A" in (vector["flags"] or [])]
    for vector in forged:
        with pytest.raises(WeakKeyError):
            PublicKey(Algorithm.ED25519, bytes.fromhex(vector["key"]))
    assert len(forged) > 400


@pytest.mark.parametrize("extra", range(19))
@pytest.mark.parametrize("sign", [0, SIGN], ids=["even", "odd"])
def test_a_y_that_is_not_reduced_is_refused(extra: int, sign: int) -> None:
    with pytest.raises(WeakKeyError, match="not reduced"):
        PublicKey(Algorithm.ED25519, encoded(P + extra | sign))


def test_bytes_that_are_no_point_are_refused() -> None:
    # RFC 8032 §5.1.3 step 3: y = 2 has no x, since (4-1)/(4d+1) is no square
    with pytest.raises(WeakKeyError, match="no point"):
        PublicKey(Algorithm.ED25519, encoded(2))


def jwk_of(raw: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(raw)}


def vkey_of(raw: bytes, kind: int, name: str = "kz.exchange.example/log") -> str:
    """C2SP signed-note, "Verifier keys", with the key id that fits: nothing but the key is wrong."""
    typed = bytes([kind]) + raw
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).hexdigest()[:8]
    return f"{name}+{key_id}+{base64_encode(typed)}"


def policy(raw: bytes, kind: int) -> None:
    line = f"log {vkey_of(raw, 1)}" if kind == 1 else f"witness kg {vkey_of(raw, 4)}"
    parse_policy(f"{line}\nquorum none\n".encode())


PAGE = "https://desk.example"
PASSKEY = {
    "credential_id": base64url_encode(bytes(16)),
    "rp_id": "desk.example",
    "origins": [PAGE],
    "sign_count": 0,
}


def member_keys(raw: bytes, **place: object) -> None:
    listed = {"purpose": "transport", "jwk": jwk_of(raw), "valid_from": "2026-10-01T09:00:00Z", **place}
    document = {"type": "member-keys/1", "member": "KZ", "issuer": "http://kz", "log": "", "keys": [listed]}
    parse_member_keys(canonical_json(document), member_id="KZ", kind="state", name={"en": "x", "ru": "x"})


def officer_keys(raw: bytes, **passkey: object) -> None:
    member_keys(raw, purpose="officer", officer="kz-02", roles=["clearing"], **passkey)


def application(raw: bytes) -> None:
    asked = {"purpose": "transport", "jwk": jwk_of(raw), "proof": ""}
    document = {"type": "key-application/1", "member": "KZ", "at": "2026-10-01T09:00:00Z", "keys": [asked]}
    open_application(canonical_json(document), trust=None)


def reference(raw: bytes) -> None:
    document = {"v": 1, "alg": "Ed25519", "kid": "x", "purpose": "log", "jwk": jwk_of(raw), "token": "pkcs11:"}
    parse_reference(canonical_json(document), purpose="log", path="log.key")


def signature_file(raw: bytes) -> None:
    document = {"type": "registry-signature/1", "change": f"sha256:{0:064}", "role": "root", "key": jwk_of(raw)}
    parse_signature(canonical_json(document | {"signature": ""}))


def registration(raw: bytes) -> None:
    """What an authenticator answers to a page: COSE key type OKP, algorithm EdDSA, curve Ed25519 (RFC 9053 §7.2)."""
    client_data = canonical_json({"type": "webauthn.create", "challenge": "AA", "origin": PAGE})
    head = hashlib.sha256(b"desk.example").digest() + b"\x45" + bytes(4) + bytes(16) + b"\x00\x10" + bytes(16)
    cose = bytes.fromhex("a4010103272006215820") + raw
    open_registration(client_data, head + cose, challenge=b"\x00", rp_id="desk.example", origins=(PAGE,))


def kept_passkey(raw: bytes) -> None:
    row = PasskeyRow(credential="x", account="x", document=b"", label="x", sign_count=0, added_at="x")
    row.document = canonical_json({"jwk": jwk_of(raw), "place": PASSKEY})
    read_credential(row)


def asked_passkey(raw: bytes) -> None:
    document = {
        "type": "passkey-request/1", "member": "KZ", "at": "2026-10-01T09:00:00Z", "officer": "kz-02",
        "roles": ["clearing"], "jwk": jwk_of(raw), "passkey": PASSKEY,
    }  # fmt: skip
    parse_request(canonical_json(document))


def pull_request(raw: bytes) -> None:
    """The DPoP proof of a pull, as evidence; a live one is compared with the registered keys and never parsed."""
    header = {"alg": "Ed25519", "jwk": jwk_of(raw), "typ": "dpop+jwt"}
    proof = ".".join(base64url_encode(part) for part in (canonical_json(header), b"{}", bytes(64)))
    _open_request(proof, keys=(), bundle="0")


GOOD = {
    "root": "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "timestamp": "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "snapshot": "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
    "targets": "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
}
"""A key for each role of a root: RFC 8032 §7.1, the tests 2, 3, 1024 and SHA(abc)."""


def tuf_key(key: str) -> dict[str, object]:
    return {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": key}}


def whole_root(keys: dict[str, str]) -> Root:
    return Root(
        keys={role: Key.from_dict(role, tuf_key(key)) for role, key in keys.items()},
        roles={role: Role([role], 1) for role in keys},
    )


def registry_role(raw: bytes, role: str = "root") -> None:
    """A root whose role lists this key, as TUF writes it."""
    root_authorities(whole_root({**GOOD, role: raw.hex()}))


def delegation(raw: bytes) -> None:
    keys = {"0": Key.from_dict("0", tuf_key(raw.hex()))}
    role = DelegatedRole("kz", ["0"], 1, terminating=True, paths=["members/kz/*"])
    authorities(whole_root(GOOD), Targets(delegations=Delegations(keys, {"kz": role})))


def token_point(raw: bytes) -> None:
    """What a token says its new key is."""
    PublicKey(Algorithm.ED25519, bare_point(b"\x04\x20" + raw))


PLACES: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "a JWK": ("exchange/signing/keys.py: parse_public_jwk", lambda raw: parse_public_jwk(jwk_of(raw))),
    "a root key of the registry": ("exchange/signing/authority.py: _admit", registry_role),
    "a timestamp key": ("exchange/signing/authority.py: _admit", lambda raw: registry_role(raw, "timestamp")),
    "a delegation in targets.json": ("exchange/signing/authority.py: _admit", delegation),
    "a member's keys.json": ("exchange/signing/members.py: parse_listed_key", member_keys),
    "an officer's key in it": ("exchange/signing/members.py: parse_listed_key", officer_keys),
    "an officer's passkey in it": (
        "exchange/signing/passkey_key.py: parse_passkey_jwk",
        lambda raw: officer_keys(raw, passkey=PASSKEY),
    ),
    "an application for keys": ("exchange/signing/application.py: _parse_listed", application),
    "a signature under a change": ("exchange/signing/ceremony_form.py: parse_signature", signature_file),
    "a key file that names a token": ("exchange/signing/key_file.py: parse_reference", reference),
    "a token's new key": ("nodes/adapters/token_keys.py: make_token_key", token_point),
    "a passkey's COSE key": ("exchange/signing/passkey_key.py: parse_cose_key", registration),
    "a passkey at its registration": ("exchange/signing/passkey.py: open_registration", registration),
    "a passkey that a desk keeps": ("nodes/web/passkeys.py: read_credential", kept_passkey),
    "a passkey that is applied for": ("nodes/desk/enrolling.py: parse_credential", asked_passkey),
    "the proof of a pull, as evidence": ("exchange/reconcile/evidence.py: _open_request", pull_request),
    "the verifier key of a log": (
        "exchange/log/note.py: parse_vkey",
        lambda raw: parse_vkey(vkey_of(raw, 1), kind=SignatureKind.LOG),
    ),
    "the verifier key of a witness": (
        "exchange/log/note.py: parse_vkey",
        lambda raw: parse_vkey(vkey_of(raw, 4), kind=SignatureKind.COSIGNATURE),
    ),
    "a log of a witness policy": ("exchange/log/policy.py: _log", lambda raw: policy(raw, 1)),
    "a witness of a witness policy": ("exchange/log/policy.py: _witness", lambda raw: policy(raw, 4)),
}
"""Where a key comes in: the function that reads it, and how it gets there."""
READ_AGAIN = {
    "exchange/signing/keys.py: __init__": "the public half of a seed that this process holds",
    "exchange/signing/members.py: _parse_member_key": "by parse_listed_key",
    "exchange/flow/ceremony_policy.py": "keys of a registry that was opened",
    "exchange/flow/pull.py": "keys of a registry that was opened",
    "exchange/reconcile/logs.py": "keys of a registry that was opened",
    "nodes/gateway/witness.py: logs_of": "keys of a registry that was opened",
    "nodes/gateway/log_commands.py: _checkpoint": "the node's own file, by parse_vkey",
    "nodes/custody/trust_words.py": "keys of a proposal, to be said aloud, by parse_listed_key",
}
"""Functions, or whole files, that read text which a place above has judged, or that end in one."""
READERS = {
    "PublicKey", "P256Key", "parse_public_jwk", "parse_passkey_jwk", "parse_cose_key", "parse_listed_key", "parse_vkey",
}  # fmt: skip
"""Whoever calls one of these reads a key."""
FOREIGN = {
    "from_public_bytes", "from_encoded_point", "load_der_public_key", "load_pem_public_key", "load_ssh_public_key",
    "public_key", "SSlibKey", "EllipticCurvePublicNumbers",
}  # fmt: skip
"""By these the libraries make a public key that nobody has judged."""
FOREIGN_PLACES = {
    "exchange/signing/keys.py: __post_init__",  # the admission itself
    "exchange/signing/keys.py: __init__",  # the public half of a seed, admitted at once
    "exchange/signing/passkey_key.py: __post_init__",  # the admission of P-256
    "exchange/signing/authoring.py: registry_key",  # of a PublicKey, to be written
}
ODD = {
    **{name: encoded(y) for name, y in SMALL_ORDER.items()},
    "not reduced": encoded(P + 3),
    "not reduced, odd": encoded(P + 3 | SIGN),
    "no point": encoded(2),
}


@pytest.mark.parametrize("place", [pytest.param(place, id=name) for name, (_, place) in PLACES.items()])
@pytest.mark.asvs("V11.6.1")
def test_such_a_key_enters_nowhere(place: Callable[[bytes], object]) -> None:
    for raw in ODD.values():
        with pytest.raises(ExchangeError, match="canonical point of large order"):
            place(raw)


@pytest.mark.parametrize("place", [pytest.param(place, id=name) for name, (_, place) in PLACES.items()])
def test_at_each_place_the_key_alone_was_wrong(place: Callable[[bytes], object]) -> None:
    good = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")  # RFC 8032 §7.1, test 1
    refusal = ""
    try:
        place(good)
    except ExchangeError as error:  # the file around it is not whole
        refusal = error.code
    assert refusal in {"", "field-malformed", "private-key-file", "key-possession", "dpop-refused"}


def callers(names: set[str]) -> set[str]:
    """Every function of the program in which one of these names is called, as `file: function`."""
    found = set()
    for file in sorted([*ROOT.glob("exchange/**/*.py"), *ROOT.glob("nodes/**/*.py")]):
        where = file.relative_to(ROOT).as_posix()
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
                called = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
                found |= {f"{where}: {function.name}"} if called & names else set()
    return found


def test_whoever_reads_a_key_stands_in_the_table() -> None:
    listed = {reader for reader, _ in PLACES.values()} | READ_AGAIN.keys()
    unlisted = {reader for reader in callers(READERS) if not {reader, reader.partition(":")[0]} & listed}
    assert unlisted == set()
    files = {listing.partition(":")[0] for listing in listed}
    assert {file for file in files if not (ROOT / file).is_file()} == set()


def test_nobody_else_makes_a_public_key_of_bytes() -> None:
    assert callers(FOREIGN) == FOREIGN_PLACES
