"""The way to the own gateway: wherever the node lies, whatever answers, and what its refusals become."""

import os
import socket
import stat
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.errors.settings import GatewayAnswerError, GatewayDownError
from nodes.adapters.local_gateway import GatewayRefusedError, LocalGateway
from nodes.gateway.serve import listen_local
from nodes.settings import NodeFolder, parse_settings
from tests.world.local_gateway import listening

SETTINGS = 'v = 1\nmember = "KZ"\n[gateway]\nissuer = "http://127.0.0.1:8100"\nport = 8100\n'
OPEN = Path("/proc/self/fd")


def node(folder: Path) -> NodeFolder:
    (folder / "private").mkdir(parents=True, exist_ok=True)
    return NodeFolder(folder, parse_settings(SETTINGS, file=folder / "node.toml"))


def test_an_answer_is_a_document(tmp_path: Path) -> None:
    kz = node(tmp_path)
    with listening(kz.socket, {"/local/statements": {"index": 3}}) as posted:
        assert LocalGateway(kz).post("/local/statements", {"statement": "e30="}) == {"index": 3}
    assert posted == [("/local/statements", {"statement": "e30="})]


def test_a_node_may_lie_deeper_than_a_socket_s_address_reaches(tmp_path: Path) -> None:
    kz = node(tmp_path / ("d" * 100) / ("e" * 100))
    with listening(kz.socket, {"/local/status": {"member": "KZ"}}):
        assert LocalGateway(kz).get("/local/status") == {"member": "KZ"}


@pytest.mark.parametrize("left", ["nothing", "a file open to all"])
@pytest.mark.asvs("V12.3.3")
def test_the_socket_is_its_owners_alone_whatever_the_process_was_told_and_whatever_was_left(
    tmp_path: Path, left: str
) -> None:
    kz = node(tmp_path / ("d" * 100))
    if left != "nothing":
        kz.socket.touch()
        kz.socket.chmod(0o777)
    before = os.umask(0)  # as a careless supervisor starts it
    try:
        with listen_local(kz.socket) as listening_here:
            found = kz.socket.lstat()
            assert listening_here.family is socket.AF_UNIX
            assert stat.S_ISSOCK(found.st_mode)
            assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o600, os.geteuid())
        assert os.umask(0) == 0  # and it is as it was
    finally:
        os.umask(before)


@pytest.mark.parametrize("left", ["nothing", "no folder", "a stale socket", "a file"])
def test_without_a_gateway_the_refusal_says_how_to_start_it(tmp_path: Path, left: str) -> None:
    kz = node(tmp_path)
    if left == "no folder":
        (tmp_path / "private").rmdir()
    elif left == "a file":
        kz.socket.touch()
    elif left == "a stale socket":
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(kz.socket))
    with pytest.raises(GatewayDownError) as refused:
        LocalGateway(kz).get("/local/status")
    assert refused.value.exit_code == ExitCode.UNREACHABLE
    assert refused.value.mend() == "start it: exchange --node kz serve"


def test_what_somebody_typed_stays_within_its_place_in_the_address(tmp_path: Path) -> None:
    kz = node(tmp_path)
    quoted = "/local/look?partner=%D0%9A%20G%0D%0AX-Evil:%201"
    with listening(kz.socket, {quoted: {}}) as posted:
        LocalGateway(kz).post("/local/look?partner=К G\r\nX-Evil: 1", {})
    assert posted == [(quoted, {})]


def test_nothing_stays_open_where_nobody_listens(tmp_path: Path) -> None:
    kz = node(tmp_path)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(kz.socket))
    before = len(list(OPEN.iterdir()))
    for _ in range(3):
        with pytest.raises(GatewayDownError):
            LocalGateway(kz).get("/local/status")
    assert len(list(OPEN.iterdir())) == before


def test_a_problem_keeps_its_code_and_its_exit(tmp_path: Path) -> None:
    kz = node(tmp_path)
    problem = {"status": 409, "code": "revision-order", "detail": "not the next", "mend": "wait", "exit_code": 6}
    with listening(kz.socket, {"/local/status": problem}), pytest.raises(GatewayRefusedError) as refused:
        LocalGateway(kz).get("/local/status")
    error = refused.value
    assert (error.code, error.exit_code, str(error), error.mend()) == ("revision-order", 6, "not the next", "wait")
    assert error.as_json() == {"code": "revision-order", "message": "not the next", "mend": "wait", "facts": {}}


@pytest.mark.parametrize("stated", [99, "x", None])
def test_an_exit_code_that_nobody_knows_is_an_error_like_any_other(tmp_path: Path, stated: object) -> None:
    kz = node(tmp_path)
    problem = {"status": 500, "code": "internal", "detail": "failed", "exit_code": stated}
    with listening(kz.socket, {"/local/status": problem}), pytest.raises(GatewayRefusedError) as refused:
        LocalGateway(kz).get("/local/status")
    assert refused.value.exit_code == ExitCode.ERROR


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"raw": b"<html>"}, id="no JSON"),
        pytest.param({"raw": b"\xff"}, id="no text"),
        pytest.param({"raw": b"[]"}, id="a list"),
        pytest.param({"status": 502, "raw": b"{}"}, id="an error without a code"),
    ],
)
def test_what_is_no_answer_is_refused(tmp_path: Path, answer: dict[str, object]) -> None:
    kz = node(tmp_path)
    with listening(kz.socket, {"/local/status": answer}), pytest.raises(GatewayAnswerError) as refused:
        LocalGateway(kz).get("/local/status")
    assert refused.value.mend() == "its output and exchange --node kz health may say more"
