"""Keys in a token: made there, used there, found again after the token was away, and never another's."""

import threading
from dataclasses import replace
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass

from exchange.errors.keys import TokenGoneError, TokenKeyError, TokenPinError, TokenUriError
from exchange.errors.trust import PrivateKeyFileError, PrivateKeyModeError
from exchange.signing.key_file import TokenReference
from exchange.signing.keys import Algorithm, PublicKey
from exchange.signing.token_uri import TokenUri
from nodes.adapters.key_files import read_private_key, write_reference
from nodes.adapters.token_keys import TokenSigner, bare_point, make_token_key, open_token_signer
from tests.world.federation import signer
from tests.world.tokens import PIN, make_token, pulled_out

MESSAGE = b"what is signed"


@pytest.fixture
def uri(tmp_path: Path) -> TokenUri:
    return make_token(tmp_path)


@pytest.fixture
def key(uri: TokenUri) -> TokenSigner:
    return make_token_key(uri)


def reference(uri: TokenUri, key: TokenSigner) -> TokenReference:
    return TokenReference(purpose="bundle", public=key.public, uri=uri)


def test_a_key_in_a_token_signs_as_rfc_8032_says(key: TokenSigner) -> None:
    signature = key.sign(MESSAGE)
    PublicKey(Algorithm.ED25519, key.public.raw).verify(MESSAGE, signature)
    assert key.sign(MESSAGE) == signature  # Ed25519 is deterministic (RFC 8032 §5.1.6)
    key.public.verify(b"", key.sign(b""))


def test_the_private_half_cannot_be_read(uri: TokenUri, key: TokenSigner) -> None:
    token = next(t for t in pkcs11.lib(uri.module_path).get_tokens(token_label=uri.token))
    found = token.open().get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: "key"})
    private = next(iter(found))
    with pytest.raises(pkcs11.AttributeSensitive):
        private[Attribute.VALUE]
    assert private[Attribute.NEVER_EXTRACTABLE] is True
    assert PIN not in repr(key)
    assert key.public.kid in repr(key)


@pytest.mark.parametrize("point", [bytes(range(32)), b"\x04\x20" + bytes(30)], ids=["a point", "one like a header"])
def test_a_token_gives_its_point_bare_or_in_der(point: bytes) -> None:
    assert bare_point(point) == bare_point(b"\x04\x20" + point) == point


def test_a_reference_finds_the_key_by_any_true_description(uri: TokenUri, key: TokenSigner) -> None:
    described = replace(uri, model="SoftHSM v2", manufacturer="SoftHSM project")
    assert open_token_signer(reference(described, key)).sign(MESSAGE) == key.sign(MESSAGE)


def test_a_key_is_never_made_over_another(uri: TokenUri, key: TokenSigner) -> None:
    with pytest.raises(TokenKeyError, match="expected no object of that name"):
        make_token_key(uri)
    assert open_token_signer(reference(uri, key)).public == key.public


def test_a_new_key_needs_a_label(uri: TokenUri) -> None:
    with pytest.raises(TokenUriError, match="label for the new key"):
        make_token_key(replace(uri, object=None, id=b"\x01"))


def test_several_keys_of_one_token_share_its_session(uri: TokenUri, key: TokenSigner) -> None:
    other = make_token_key(replace(uri, object="other"))
    assert other.public != key.public
    other.public.verify(MESSAGE, other.sign(MESSAGE))
    key.public.verify(MESSAGE, key.sign(MESSAGE))


def test_a_token_that_was_away_is_opened_again(key: TokenSigner) -> None:
    before = key.sign(MESSAGE)
    with pulled_out():
        for _ in range(2):
            with pytest.raises(TokenGoneError):
                key.sign(MESSAGE)
    assert key.sign(MESSAGE) == before


def test_a_library_that_somebody_restarted_is_used_on(uri: TokenUri, key: TokenSigner) -> None:
    pkcs11.lib(uri.module_path).reinitialize()
    key.public.verify(MESSAGE, key.sign(MESSAGE))


def test_many_threads_sign_one_after_the_other(key: TokenSigner) -> None:
    failed: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                message = f"{number} {turn}".encode()
                key.public.verify(message, key.sign(message))
        except Exception as error:  # noqa: BLE001  # whatever happens in a thread fails the test
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_another_key_under_the_same_name_does_not_sign_for_us(uri: TokenUri, key: TokenSigner) -> None:
    pinned = replace(reference(uri, key), public=signer("ours").public)
    with pytest.raises(TokenKeyError, match=f"expected key {pinned.public.kid}, found another"):
        open_token_signer(pinned)


@pytest.mark.parametrize(
    ("change", "refusal", "says"),
    [
        pytest.param({"object": "absent"}, TokenKeyError, "found none", id="no such key"),
        pytest.param({"token": "absent"}, TokenGoneError, "NoSuchToken", id="no such token"),
        pytest.param({"model": "another"}, TokenGoneError, "NoSuchToken", id="another model"),
        pytest.param({"serial": "0"}, TokenGoneError, "NoSuchToken", id="another serial"),
        pytest.param({"module_path": "/absent.so"}, TokenGoneError, "/absent.so", id="no such library"),
    ],
)
def test_what_is_not_there_is_named(
    uri: TokenUri, key: TokenSigner, change: dict[str, str], refusal: type[Exception], says: str
) -> None:
    with pytest.raises(refusal, match=says):
        open_token_signer(reference(replace(uri, **change), key))


def test_two_tokens_of_one_description_are_one_too_many(tmp_path: Path, uri: TokenUri, key: TokenSigner) -> None:
    make_token(tmp_path, label=uri.token)
    pkcs11.lib(uri.module_path).reinitialize()
    with pytest.raises(TokenKeyError, match="one token of that description, found 2"):
        key.sign(MESSAGE)


def test_a_wrong_pin_is_tried_once(uri: TokenUri, key: TokenSigner) -> None:
    Path(uri.pin_source).write_text("another PIN\n")
    pkcs11.lib(uri.module_path).reinitialize()
    with pytest.raises(TokenPinError, match="PinIncorrect"):
        key.sign(MESSAGE)
    for _ in range(20):  # SoftHSM does not lock itself; a card would have by now
        with pytest.raises(TokenPinError, match="refused before"):
            key.sign(MESSAGE)
    Path(uri.pin_source).write_text(PIN + "\n")
    key.public.verify(MESSAGE, key.sign(MESSAGE))


def test_the_pin_is_in_a_file_of_its_owner(uri: TokenUri) -> None:
    Path(uri.pin_source).chmod(0o644)
    with pytest.raises(PrivateKeyModeError):
        make_token_key(uri)
    Path(uri.pin_source).unlink()
    with pytest.raises(PrivateKeyFileError, match="No such file"):
        make_token_key(uri)


def test_a_reference_stands_in_the_place_of_a_sealed_file(tmp_path: Path, uri: TokenUri, key: TokenSigner) -> None:
    path = tmp_path / "bundle.key"
    write_reference(path, reference(uri, key))
    assert path.stat().st_mode & 0o777 == 0o600
    read = read_private_key(path, purpose="bundle", passphrase=None)
    assert read.sign(MESSAGE) == key.sign(MESSAGE)
    with pytest.raises(PrivateKeyFileError, match="not a contract key"):
        read_private_key(path, purpose="contract", passphrase=None)
