"""Private keys at rest: sealed, for their owner alone, whole or not there."""

import json
from collections.abc import Callable
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from exchange.encoding import base64url_decode, base64url_encode, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.trust import (
    PassphraseError,
    PlainPrivateKeyError,
    PrivateKeyFileError,
    PrivateKeyModeError,
)
from exchange.signing.keys import Algorithm, KeyPurpose
from exchange.signing.sealing import open_private, seal_private
from nodes.adapters.key_files import key_path, read_passphrase, read_private_key, write_private_key
from tests.world.federation import seeded, signer

PASSPHRASE = b"four words make a phrase"
KEY = signer("sealed")
SEALED = seal_private(KEY, purpose="bundle", passphrase=PASSPHRASE, random=seeded("seal"))
PLAIN = seal_private(KEY, purpose="bundle", passphrase=None, random=seeded("seal"))


def test_a_sealed_key_opens_with_its_passphrase_only() -> None:
    assert open_private(SEALED, purpose="bundle", passphrase=PASSPHRASE).public == KEY.public
    with pytest.raises(PassphraseError):
        open_private(SEALED, purpose="bundle", passphrase=b"four words make a guess")


@pytest.mark.asvs("V11.3.3", "V11.4.4")
def test_the_envelope_is_scrypt_and_chacha20_poly1305_as_documented() -> None:
    envelope = json.loads(SEALED)
    salt = base64url_decode(envelope["kdf"]["salt"], subject="salt")
    secret = Scrypt(salt=salt, length=32, n=131072, r=8, p=1).derive(PASSPHRASE)
    bound = b'{"alg":"Ed25519","kid":"' + KEY.public.kid.encode() + b'","purpose":"bundle","v":1}'
    opened = ChaCha20Poly1305(secret).decrypt(
        base64url_decode(envelope["aead"]["nonce"], subject="nonce"),
        base64url_decode(envelope["sealed"], subject="sealed"),
        bound,
    )
    assert opened == KEY.seed
    assert base64url_encode(KEY.seed) not in SEALED.decode()


@pytest.mark.asvs("V11.3.4")
def test_two_sealings_of_one_key_share_neither_salt_nor_nonce() -> None:
    made = [seal_private(KEY, purpose="bundle", passphrase=PASSPHRASE, random=token_bytes) for _ in range(2)]
    first, second = (json.loads(one) for one in made)
    assert first["kdf"]["salt"] != second["kdf"]["salt"]
    assert first["aead"]["nonce"] != second["aead"]["nonce"]
    assert first["sealed"] != second["sealed"]


def altered(change: Callable[[dict[str, Any]], object], raw: bytes = SEALED) -> bytes:
    envelope = json.loads(raw)
    change(envelope)
    return canonical_json(envelope)


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        pytest.param(altered(lambda e: e.update(purpose="contract")), PrivateKeyFileError, id="another purpose"),
        pytest.param(altered(lambda e: e["kdf"].update(n=1024)), PrivateKeyFileError, id="a cheaper derivation"),
        pytest.param(altered(lambda e: e["kdf"].update(n=2**30)), PrivateKeyFileError, id="all our memory"),
        pytest.param(altered(lambda e: e["kdf"].update(name="pbkdf2")), PrivateKeyFileError, id="PBKDF2"),
        pytest.param(altered(lambda e: e["kdf"].update(salt="AA")), PrivateKeyFileError, id="a short salt"),
        pytest.param(altered(lambda e: e["aead"].update(name="none")), PrivateKeyFileError, id="no encryption"),
        pytest.param(altered(lambda e: e["aead"].pop("nonce")), PrivateKeyFileError, id="no nonce"),
        pytest.param(altered(lambda e: e.update(v=2)), PrivateKeyFileError, id="a newer format"),
        pytest.param(altered(lambda e: e.update(alg="RSA")), PrivateKeyFileError, id="another algorithm"),
        pytest.param(altered(lambda e: e.update(more=1)), PrivateKeyFileError, id="a member too many"),
        pytest.param(altered(lambda e: e.update(kid="x")), PassphraseError, id="another key id"),
        pytest.param(altered(lambda e: e.update(sealed=e["sealed"][:-4])), PassphraseError, id="cut"),
        pytest.param(SEALED + b"\n", PrivateKeyFileError, id="a newline after it"),
        pytest.param(b"", PrivateKeyFileError, id="nothing"),
        pytest.param(b"x" * 5000, PrivateKeyFileError, id="too large"),
        pytest.param(PLAIN, PlainPrivateKeyError, id="in clear"),
    ],
)
@pytest.mark.asvs("V11.3.3", "V11.2.5")
def test_an_altered_envelope_is_refused(raw: bytes, refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        open_private(raw, purpose="bundle", passphrase=PASSPHRASE)


def test_a_key_in_clear_is_for_demonstrations() -> None:
    assert open_private(PLAIN, purpose="bundle", passphrase=None, demo=True).public == KEY.public
    exchanged = altered(lambda e: e.update(kid=signer("other").public.kid), PLAIN)
    with pytest.raises(PrivateKeyFileError, match="not the one whose id"):
        open_private(exchanged, purpose="bundle", passphrase=None, demo=True)


def test_a_sealed_key_does_not_open_without_a_passphrase() -> None:
    with pytest.raises(PrivateKeyFileError, match="no passphrase file"):
        open_private(SEALED, purpose="bundle", passphrase=None, demo=True)


def test_a_passphrase_has_at_least_twelve_bytes() -> None:
    with pytest.raises(PrivateKeyFileError, match="12 bytes"):
        seal_private(KEY, purpose="bundle", passphrase=b"short", random=seeded("x"))


def write(path: Path) -> None:
    write_private_key(path, KEY, purpose="bundle", passphrase=None, random=seeded("file"))


def read(path: Path) -> None:
    read_private_key(path, purpose="bundle", passphrase=None, demo=True)


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = key_path(tmp_path / "private", KeyPurpose.BUNDLE, Algorithm.ED25519)
    write(path)
    assert path == tmp_path / "private" / "desk" / "bundle-ed25519.key"
    assert oct(path.stat().st_mode) == "0o100600"
    assert oct(path.parent.stat().st_mode) == oct((tmp_path / "private").stat().st_mode) == "0o40700"
    assert [file.name for file in path.parent.iterdir()] == ["bundle-ed25519.key"]
    read(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o777])
def test_a_key_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "bundle.key"
    write(path)
    path.chmod(mode)
    with pytest.raises(PrivateKeyModeError) as caught:
        read(path)
    assert caught.value.mend() == f"chmod 600 {path}"


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "bundle.key"
    write(path)
    before = path.read_bytes()
    with pytest.raises(PrivateKeyFileError, match="exists"):
        write_private_key(path, signer("new"), purpose="bundle", passphrase=None, random=seeded("x"))
    assert path.read_bytes() == before


def test_a_key_is_a_plain_file(tmp_path: Path) -> None:
    path = tmp_path / "bundle.key"
    write(path)
    (tmp_path / "link.key").symlink_to(path)
    for other in (tmp_path / "link.key", tmp_path, tmp_path / "absent.key"):
        with pytest.raises((PrivateKeyFileError, PrivateKeyModeError)):
            read(other)


def test_what_a_crash_left_behind_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "bundle.key.partial").write_bytes(b"half")
    write(tmp_path / "bundle.key")
    read(tmp_path / "bundle.key")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PrivateKeyFileError, match=r"file/bundle\.key"):
        write(tmp_path / "file" / "bundle.key")


def test_a_passphrase_comes_from_a_file_of_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(PASSPHRASE + b"\n")
    path.chmod(0o600)
    assert read_passphrase(path) == PASSPHRASE
    path.chmod(0o640)
    with pytest.raises(PrivateKeyModeError):
        read_passphrase(path)
