"""What the registry says of a node's keys: shown by `key list`, and asked before a next key is taken into use."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.encoding import format_instant
from exchange.errors import ExitCode
from nodes.adapters.node_folder import copy_registry
from nodes.adapters.trust_folder import write_trust_files
from tests.world.clock import FOUNDED, StillClock
from tests.world.federation import Federation, found
from tests.world.keeping import run
from tests.world.registry import Registry, keys_of

TOML = 'v = 1\nmember = "KZ"\ndemo = true\n[gateway]\nissuer = "http://127.0.0.1:8100"\nport = 8100\n'
MEMBERS = ("KZ", "KG", "IOM")


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("federation"), StillClock(), members=MEMBERS)


@pytest.fixture
def node(federation: Federation, tmp_path: Path) -> Path:
    """KZ's node with a next transport key that nobody has listed yet."""
    folder = tmp_path / "kz"
    shutil.copytree(federation.folder / "kz", folder)
    copy_registry(federation.registry, folder / "keys")
    (folder / "node.toml").write_text(TOML)
    assert run("--node", folder, "key", "new", "transport", "--next").code == ExitCode.FINE
    return folder


def publish(federation: Federation, node: Path, **entry: str) -> None:
    """The next key in KZ's keys.json, as both delegation keys of KZ sign it."""
    (key,) = [key for key in run("--node", node, "key", "show", "transport", "--json").keys if ".next" in key["file"]]
    registry = Registry(federation, members=MEMBERS)
    listed = {"purpose": "transport", "jwk": key["jwk"], **entry}
    changed = keys_of(registry, "kz", lambda document: document["keys"].append(listed))
    write_trust_files(node / "keys", registry.publish(keys={"kz": changed}))


def state(node: Path, purpose: str, *, is_next: bool) -> tuple[str, str]:
    keys = run("--node", node, "key", "list", "--json").keys
    (key,) = [key for key in keys if (key["purpose"], key["next"]) == (purpose, is_next)]
    return key["registry"], key["at"]


def test_a_key_that_is_not_listed_is_not_taken_into_use(node: Path) -> None:
    assert state(node, "transport", is_next=False) == ("listed", format_instant(FOUNDED))
    assert state(node, "transport", is_next=True) == ("absent", "")
    refused = run("--node", node, "key", "use", "transport")
    assert refused.code == ExitCode.DOES_NOT_HOLD
    assert "key-not-listed: KZ: transport key" in refused.err
    assert "found: not listed" in refused.err
    assert state(node, "transport", is_next=True) == ("absent", "")


def test_a_key_that_is_listed_from_tomorrow_waits_until_then(federation: Federation, node: Path) -> None:
    tomorrow = format_instant(FOUNDED + timedelta(days=1))
    publish(federation, node, valid_from=tomorrow)
    assert state(node, "transport", is_next=True) == ("later", tomorrow)
    refused = run("--node", node, "key", "use", "transport")
    assert refused.code == ExitCode.DOES_NOT_HOLD
    assert f"found: listed from {tomorrow}" in refused.err


def test_a_key_that_is_listed_is_taken_into_use(federation: Federation, node: Path) -> None:
    publish(federation, node, valid_from=format_instant(FOUNDED))
    assert run("--node", node, "key", "use", "transport").code == ExitCode.FINE
    assert state(node, "transport", is_next=False) == ("listed", format_instant(FOUNDED))
    assert "в реестре с" in run("--node", node, "key", "list", language="ru").out


def test_a_key_that_was_revoked_is_shown_so(federation: Federation, node: Path) -> None:
    publish(federation, node, valid_from=format_instant(FOUNDED), revoked_at=format_instant(FOUNDED))
    assert state(node, "transport", is_next=True) == ("revoked", format_instant(FOUNDED))
    assert run("--node", node, "key", "use", "transport").code == ExitCode.DOES_NOT_HOLD


def test_a_node_without_a_registry_shows_what_it_has(node: Path) -> None:
    shutil.rmtree(node / "keys")
    assert state(node, "transport", is_next=True) == ("unknown", "")
    assert "–" in run("--node", node, "key", "list", language="ru").out
