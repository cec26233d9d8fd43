"""`exchange init` and `exchange health`: a node's folder and whether its gateway is well."""

import io
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import ExitCode
from nodes.adapters.contract_folder import read_contracts
from nodes.adapters.trust_folder import load_trust
from nodes.cli.main import main
from nodes.settings import open_node
from nodes.terminal import Output
from tests.world.clock import FOUNDED, StillClock
from tests.world.contracts import NAMES
from tests.world.federation import Federation, found
from tests.world.local_gateway import listening

ISSUER = "http://127.0.0.1:8100"  # KZ's in tests.world.federation


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("federation"), StillClock())


def run(*argv: str, clock: StillClock | None = None, language: str = "en") -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json="--json" in argv, language="ru" if language == "ru" else "en", out=out, err=err)
    return main(argv, clock=clock or StillClock(), output=output), out.getvalue(), err.getvalue()


def words(federation: Federation, folder: Path, **changed: str) -> tuple[str, ...]:
    options = {"member": "KZ", "issuer": ISSUER, "registry": str(federation.registry), **changed}
    return ("init", str(folder), *(word for name, value in options.items() for word in (f"--{name}", value)))


def test_only_the_account_that_runs_it_can_read_what_a_command_writes(federation: Federation, tmp_path: Path) -> None:
    before = os.umask(0o022)  # as most systems set it: files that everybody can read
    try:
        assert run(*words(federation, tmp_path / "kz"))[0] == ExitCode.FINE
        (tmp_path / "state").touch()  # and what the process writes from here on
    finally:
        os.umask(before)
    # The registry and the contracts are public, and copied as they are.
    own = [path for path in (tmp_path / "kz").iterdir() if path.name not in {"keys", "contracts"}]
    written = [tmp_path / "state", *own, *(inner for path in own for inner in path.rglob("*"))]
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_init_makes_a_node_that_every_command_can_read(federation: Federation, tmp_path: Path) -> None:
    code, out, _ = run(*words(federation, tmp_path / "kz"))
    assert code == ExitCode.FINE
    node = open_node(tmp_path / "kz")
    assert (node.member, node.settings.gateway.issuer, node.settings.gateway.port) == ("KZ", ISSUER, 8100)
    assert (node.settings.demo, node.settings.gateway.private_addresses) == (False, False)
    trust = load_trust(node.keys, at=FOUNDED)
    assert trust.ref == federation.trust.ref
    shelf = read_contracts(node.contracts, trust=trust)
    assert sorted((kept.contract.id, kept.contract.version) for kept in shelf.kept.values()) == sorted(NAMES)
    assert f"exchange --node {tmp_path / 'kz'} serve" in out


def test_private_zones_are_the_owner_s_alone(federation: Federation, tmp_path: Path) -> None:
    run(*words(federation, tmp_path / "kz"))
    private = tmp_path / "kz" / "private"
    zones = [private, *(private / zone for zone in ("preparation", "gateway", "desk", "officers"))]
    assert {stat.S_IMODE(zone.stat().st_mode) for zone in zones} == {0o700}
    secret = private / "preparation" / "secret"
    assert (stat.S_IMODE(secret.stat().st_mode), len(secret.read_bytes())) == (0o600, 32)


def test_two_nodes_have_two_secrets(federation: Federation, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(*words(federation, tmp_path / name))
    one, two = ((tmp_path / name / "private/preparation/secret").read_bytes() for name in ("one", "two"))
    assert one != two


@pytest.mark.parametrize(
    ("options", "port"),
    [
        pytest.param({}, 8100, id="the address's port"),
        pytest.param({"port": "9000"}, 9000, id="the port that was named"),
    ],
)
def test_the_gateway_s_port_is_named_or_follows_the_address(
    federation: Federation, tmp_path: Path, options: dict[str, str], port: int
) -> None:
    run(*words(federation, tmp_path / "kz", **options))
    assert open_node(tmp_path / "kz").settings.gateway.port == port


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        pytest.param({"member": "XX"}, ExitCode.DOES_NOT_HOLD, "XX is not a member", id="no member"),
        pytest.param({"issuer": "http://127.0.0.1:1"}, ExitCode.USAGE, "issuer-differs: ", id="elsewhere"),
        pytest.param({"issuer": "http://h:port"}, ExitCode.USAGE, "--issuer: ", id="a port that is no number"),
        pytest.param({"port": "70000"}, ExitCode.USAGE, "setting gateway.port", id="a port beyond measure"),
        pytest.param({"port": "x"}, ExitCode.USAGE, "invalid int value: 'x'", id="a port in letters"),
        pytest.param({"registry": "absent"}, ExitCode.DOES_NOT_HOLD, "no such folder", id="no registry"),
    ],
)
def test_a_refused_init_leaves_nothing(
    federation: Federation, tmp_path: Path, changed: dict[str, str], code: int, message: str
) -> None:
    ended, _, err = run(*words(federation, tmp_path / "kz", **changed))
    assert (ended, message in err) == (code, True), err
    assert not (tmp_path / "kz").exists()


def test_init_refuses_a_registry_that_does_not_verify(federation: Federation, tmp_path: Path) -> None:
    for name in ("metadata", "targets"):
        for file in (federation.registry / name).rglob("*.*"):
            kept = tmp_path / "keys" / file.relative_to(federation.registry)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(file.read_bytes().replace(b'"KZ"', b'"KX"'))
    code, _, _ = run(*words(federation, tmp_path / "kz", registry=str(tmp_path / "keys")))
    assert code == ExitCode.DOES_NOT_HOLD
    assert not (tmp_path / "kz").exists()


def test_init_refuses_an_expired_registry(federation: Federation, tmp_path: Path) -> None:
    clock = StillClock()
    clock.move(days=8)
    code, _, err = run(*words(federation, tmp_path / "kz"), clock=clock)
    assert (code, "timestamp.json" in err) == (ExitCode.DOES_NOT_HOLD, True)


def test_init_takes_an_empty_folder_and_no_other(federation: Federation, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    assert run(*words(federation, tmp_path / "volume"))[0] == ExitCode.FINE
    secret = (tmp_path / "volume/private/preparation/secret").read_bytes()
    code, _, err = run(*words(federation, tmp_path / "volume"))
    assert (code, err.startswith("folder-taken: ")) == (ExitCode.USAGE, True)
    assert (tmp_path / "volume/private/preparation/secret").read_bytes() == secret


WELL: dict[str, Any] = {"log": {"size": 12, "cosigned_size": 11}, "health": [], "warnings": []}


@pytest.mark.parametrize(
    ("status", "code", "line"),
    [
        pytest.param(WELL, 0, "KZ: well; log of 12 entries, 11 of them cosigned\n", id="well"),
        pytest.param(
            {**WELL, "health": ["log-uncosigned", "bundle-damaged"]},
            1,
            "KZ: red: log-uncosigned, bundle-damaged\n",
            id="red",
        ),
    ],
)
def test_health_says_well_or_why_not(
    federation: Federation, tmp_path: Path, status: Mapping[str, Any], code: int, line: str
) -> None:
    run(*words(federation, tmp_path / "kz"))
    node = open_node(tmp_path / "kz")
    with listening(node.socket, {"/local/status": dict(status)}):
        assert run("--node", str(node.path), "health")[:2] == (code, line)
        told = json.loads(run("--json", "--node", str(node.path), "health")[1])
    assert (told["healthy"], told["reasons"]) == (code == 0, status["health"])


def test_doctor_says_where_the_cure_of_a_red_node_is_written(federation: Federation, tmp_path: Path) -> None:
    run(*words(federation, tmp_path / "kz"))
    node = open_node(tmp_path / "kz")
    status = {**WELL, "health": ["log-behind-witness", "publication-stuck"]}
    with listening(node.socket, {"/local/status": status, "/local/doctor": {"partners": []}}):
        code, out, _ = run("--node", str(node.path), "doctor")
    assert code == ExitCode.ERROR
    assert out.splitlines()[:2] == [
        "KZ: red: log-behind-witness, publication-stuck",
        "  → what to do: exchange errors log-behind-witness",
    ]
    cure = run("errors", "log-behind-witness")[1]
    assert "log recover" in cure
    assert "docs/ceremony.md" in cure  # where no mirror has what the backup lacks
    assert "exchange errors publication-stuck" not in out  # no page has that code


def test_health_without_a_gateway_is_red(federation: Federation, tmp_path: Path) -> None:
    run(*words(federation, tmp_path / "kz"))
    code, out, _ = run("--node", str(tmp_path / "kz"), "health", language="ru")
    assert code == ExitCode.ERROR
    assert out == "шлюз KZ не отвечает на локальном сокете\nKZ: неисправен: own-gateway-down\n"
