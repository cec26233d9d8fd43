"""A gateway outside the demonstration starts with sealed keys that are for its own account alone, or not at all."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.signing.keys import KeyPurpose
from nodes.adapters.key_files import key_path, write_private_key
from tests.world.federation import seeded, signer
from tests.world.keeping import PASSPHRASE, Ran, keeping, run, write_passphrase

TOML = 'v = 1\nmember = "KZ"\n{more}[gateway]\nissuer = "https://127.0.0.1:8100"\nport = 8100\n'
NAMED = 'passphrase_file = "private/passphrase"\n'
PURPOSES = (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node whose gateway has all of its keys, sealed under the passphrase that its settings name."""
    folder = tmp_path_factory.mktemp("sealed") / "kz"
    for purpose in PURPOSES:
        path = key_path(folder / "private", purpose, signer(purpose).public.algorithm)
        write_private_key(path, signer(purpose), purpose=purpose, passphrase=PASSPHRASE, random=seeded(purpose))
    write_passphrase(folder / "private" / "passphrase")
    (folder / "node.toml").write_text(TOML.format(more=NAMED))
    return folder


@pytest.fixture
def node(sealed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sealed, tmp_path / "kz")  # modes too


def serve(node: Path) -> Ran:
    return run("--node", node, "serve")


def require_refused(node: Path, code: str, path: str) -> None:
    """The gateway does not start, for this reason and because of this path."""
    ran = serve(node)
    assert ran.code != ExitCode.FINE
    assert ran.err.startswith(f"{code}: {node / path}: "), ran.err


def plain(path: Path, purpose: str) -> None:
    path.unlink(missing_ok=True)
    write_private_key(path, signer("plain"), purpose=purpose, passphrase=None, random=seeded("plain"))


def test_a_gateway_with_sealed_keys_gets_past_them(node: Path) -> None:
    assert serve(node).err.startswith("registry-file: ")  # the next thing a node needs, which this one lacks


def test_no_key_file_is_open_to_the_group(node: Path) -> None:
    (node / "private/gateway/log-ed25519.key").chmod(0o640)
    require_refused(node, "private-key-readable", "private/gateway/log-ed25519.key")


def test_no_key_file_is_writable_by_others(node: Path) -> None:
    (node / "private/gateway/log-ed25519.key").chmod(0o602)
    require_refused(node, "private-key-readable", "private/gateway/log-ed25519.key")


def test_no_other_file_in_the_zone_is_open_to_others(node: Path) -> None:
    (node / "private/gateway/notes").write_text("x")
    (node / "private/gateway/notes").chmod(0o644)
    require_refused(node, "private-key-readable", "private/gateway/notes")


def test_the_zone_s_folder_is_closed(node: Path) -> None:
    (node / "private/gateway").chmod(0o750)
    require_refused(node, "private-key-readable", "private/gateway")


def test_the_private_folder_is_closed(node: Path) -> None:
    (node / "private").chmod(0o711)
    require_refused(node, "private-key-readable", "private")


def test_another_zone_s_folder_is_closed(node: Path) -> None:
    (node / "private/desk").mkdir()
    (node / "private/desk").chmod(0o755)
    require_refused(node, "private-key-readable", "private/desk")


def test_no_key_in_use_is_in_clear(node: Path) -> None:
    plain(node / "private/gateway/log-ed25519.key", "log")
    require_refused(node, "private-key-plain", "private/gateway/log-ed25519.key")


def test_no_key_that_lies_about_is_in_clear(node: Path) -> None:
    plain(node / "private/gateway/log-ed25519.next.key", "log")
    require_refused(node, "private-key-plain", "private/gateway/log-ed25519.next.key")


def test_sealed_keys_need_a_passphrase_file(node: Path) -> None:
    (node / "node.toml").write_text(TOML.format(more=""))
    require_refused(node, "private-key-file", "private/gateway/transport-ed25519.key")
    assert "no passphrase file was given" in serve(node).err


def test_the_passphrase_file_is_there(node: Path) -> None:
    (node / "private/passphrase").unlink()
    require_refused(node, "private-key-file", "private/passphrase")


def test_the_passphrase_file_is_for_its_owner_alone(node: Path) -> None:
    (node / "private/passphrase").chmod(0o644)
    require_refused(node, "private-key-readable", "private/passphrase")


def test_the_passphrase_opens_the_keys(node: Path) -> None:
    write_passphrase(node / "private/passphrase", b"four words make a guess")
    require_refused(node, "passphrase-wrong", "private/gateway/transport-ed25519.key")


def test_a_key_lies_in_the_place_of_its_purpose(node: Path) -> None:
    (node / "private/gateway/log-ed25519.key").replace(node / "private/gateway/transport-ed25519.key")
    require_refused(node, "private-key-file", "private/gateway/transport-ed25519.key")
    assert "a log key, not a transport key" in serve(node).err


def test_a_key_is_there(node: Path) -> None:
    (node / "private/gateway/transport-ed25519.key").unlink()
    require_refused(node, "private-key-file", "private/gateway/transport-ed25519.key")


def test_a_key_is_no_link_to_elsewhere(node: Path, tmp_path: Path) -> None:
    elsewhere = (node / "private/gateway/transport-ed25519.key").rename(tmp_path / "elsewhere.key")
    (node / "private/gateway/transport-ed25519.key").symlink_to(elsewhere)
    require_refused(node, "private-key-file", "private/gateway/transport-ed25519.key")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize(
    "path", ["private", "private/gateway", "private/gateway/log-ed25519.key", "private/passphrase"]
)
def test_everything_belongs_to_the_account_that_runs_the_gateway(node: Path, path: str) -> None:
    os.chown(node / path, 65534, 65534)
    require_refused(node, "private-key-owner", path)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(lambda pin: pin.chmod(0o644), "private-key-readable", id="a PIN that others can read"),
        pytest.param(lambda pin: pin.unlink(), "private-key-file", id="no PIN"),
        pytest.param(lambda pin: pin.write_text("another"), "token-pin", id="another PIN"),
    ],
)
def test_a_key_in_a_token_needs_its_pin(node: Path, tmp_path: Path, spoil: Callable[[Path], object], code: str) -> None:
    kept = keeping("token", tmp_path)
    assert kept.token is not None
    (node / "private/gateway/transport-ed25519.key").unlink()
    made = run("--node", node, "key", "new", "transport", *kept.new("transport"))
    assert made.code == ExitCode.FINE, made.err
    kept.forget()
    spoil(Path(kept.token.pin_source))
    assert serve(node).err.startswith(f"{code}: ")
