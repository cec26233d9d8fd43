"""A gateway that is no demonstration, as a real process: transport key sealed, log and witness keys in a token."""

from pathlib import Path

import pytest

from exchange.log.checkpoint import open_checkpoint
from exchange.log.note import SignatureKind, parse_vkey
from nodes.adapters.clock import SystemClock
from nodes.adapters.trust_folder import load_trust
from tests.world.earnest import exchange, in_earnest, serving
from tests.world.tokens import pulled_out

pytestmark = pytest.mark.story

PORTS = list(range(8971, 8978))
UNREACHABLE = 5


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_earnest(tmp_path_factory.mktemp("earnest") / "home", ports=PORTS)


def test_a_gateway_signs_its_log_with_a_key_that_it_never_sees(node: Path, tmp_path: Path) -> None:
    listed = load_trust(node / "keys", at=SystemClock().now()).member("KZ").log_vkey
    with serving(node, port=PORTS[0], output=tmp_path / "output") as (_, signed):
        assert open_checkpoint(signed, logs=[parse_vkey(listed, kind=SignatureKind.LOG)]).origin == listed.split("+")[0]


def test_a_gateway_does_not_start_without_its_token_and_goes_on_with_it(node: Path, tmp_path: Path) -> None:
    with pulled_out():
        refused = exchange(node, "serve")
    assert refused.returncode == UNREACHABLE
    assert refused.stderr.startswith("token-gone: pkcs11:token=")
    with serving(node, port=PORTS[0], output=tmp_path / "output"):
        pass
