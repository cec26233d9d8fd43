"""A node that would be unsafe does not start: one test for each condition (decision 63).

Keys open to others, in clear or in the wrong place have a file of their own: tests/unit/nodes/test_start_refusals.py.
"""

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import duckdb
import pytest

from exchange.errors import ExitCode
from exchange.errors.officers import ConsoleUnsafeError
from exchange.errors.start import ClockOffError, DoorInClearError
from exchange.log.entry import EntryType
from exchange.signing.keys import KeyPurpose, SoftwareSigner
from nodes.adapters.clock import SystemClock
from nodes.adapters.key_files import key_path, read_signer, write_private_key
from nodes.adapters.sequencer import LogDraft
from nodes.demo.federation import found
from nodes.desk.main import build_desk
from nodes.gateway.main import GatewayKeys, build_gateway
from nodes.gateway.safe_start import require_agreement, require_closed_channel
from nodes.preparation.register import database
from nodes.settings import PreparationSettings, open_node
from tests.world.clock import StillClock
from tests.world.federation import seeded, signer
from tests.world.gateways import Network
from tests.world.keeping import PASSPHRASE, Ran, run, write_passphrase

PORTS = list(range(8961, 8968))


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of seven members, founded now."""
    home = tmp_path_factory.mktemp("founded") / "home"
    found(home, ports=PORTS, clock=SystemClock())
    return home


@pytest.fixture
def node(founded: Path, tmp_path: Path) -> Path:
    """KZ's folder, in a demonstration."""
    return shutil.copytree(founded / "kz", tmp_path / "kz")


@pytest.fixture
def earnest(tmp_path: Path) -> Path:
    """A folder outside any demonstration; it has no keys yet."""
    folder = tmp_path / "earnest"
    folder.mkdir()
    return folder


def serve(folder: Path) -> Ran:
    return run("--node", folder, "serve")


def require_refused(ran: Ran, code: str) -> None:
    assert ran.code != ExitCode.FINE
    assert ran.err.startswith(f"{code}: "), ran.err


def settle(folder: Path, **gateway: object) -> None:
    """Write a node.toml without `demo`."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in {"port": PORTS[0], **gateway}.items()]
    text = 'v = 1\nmember = "KZ"\npassphrase_file = "private/passphrase"\n[gateway]\n'
    (folder / "node.toml").write_text(text + "\n".join(lines) + "\n")


@pytest.mark.asvs("V12.2.1")
def test_no_gateway_outside_a_demonstration_is_reached_over_http(earnest: Path) -> None:
    for purpose in (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS):
        path = key_path(earnest / "private", purpose, signer(purpose).public.algorithm)
        write_private_key(path, signer(purpose), purpose=purpose, passphrase=PASSPHRASE, random=seeded(purpose))
    write_passphrase(earnest / "private" / "passphrase")
    settle(earnest, issuer="http://kz.exchange.example")
    require_refused(serve(earnest), "start-issuer-in-clear")


@pytest.mark.asvs("V12.2.1", "V12.3.1")
def test_no_gateway_listens_in_clear_to_other_machines_without_a_proxy_named(earnest: Path) -> None:
    settle(earnest, issuer="https://kz.exchange.example", host="0.0.0.0")
    with pytest.raises(DoorInClearError):
        require_closed_channel(open_node(earnest))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"host": "127.0.0.1"}, id="this machine alone"),
        pytest.param({"host": "::1"}, id="this machine alone, IPv6"),
        pytest.param({"host": "0.0.0.0", "trusted_proxies": ["10.0.0.1"]}, id="behind a named proxy"),
    ],
)
def test_a_gateway_whose_tls_ends_before_it_gets_past_this(earnest: Path, more: dict[str, object]) -> None:
    settle(earnest, issuer="https://kz.exchange.example", **more)
    require_closed_channel(open_node(earnest))


def test_no_registry_is_believed_that_too_few_signed(node: Path) -> None:
    file = node / "keys/metadata/1.root.json"
    document = json.loads(file.read_bytes())
    document["signatures"] = document["signatures"][:1]
    file.write_bytes(json.dumps(document).encode())
    require_refused(serve(node), "registry-signatures")


def test_no_registry_is_believed_past_its_life(tmp_path: Path) -> None:
    found(tmp_path / "home", ports=PORTS, clock=StillClock(datetime.now(UTC) - timedelta(days=30)))
    require_refused(serve(tmp_path / "home/kz"), "registry-expired")


@contextmanager
def members_at(times: dict[int, timedelta]) -> Iterator[None]:
    """Other members, by port, that say the time is another one."""

    class Member(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            assert timestamp is None
            return format_datetime(datetime.now(UTC) + times[self.server.server_port], usegmt=True)  # type: ignore[attr-defined]  # an HTTPServer

        def log_message(self, *_: object) -> None:
            """Nothing."""

    servers = [HTTPServer(("127.0.0.1", port), Member) for port in times]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.mark.parametrize("hours", [1, -1])
@pytest.mark.asvs("V16.2.2")
def test_no_gateway_starts_with_a_clock_that_the_others_find_off(node: Path, hours: int) -> None:
    with members_at(dict.fromkeys(PORTS[1:4], timedelta(hours=hours))):
        require_refused(serve(node), "start-clock-off")


@pytest.mark.parametrize(
    ("offsets", "refused"),
    [
        pytest.param({}, False, id="nobody answers: it may be the first"),
        pytest.param({"KG": 3600.0}, False, id="one member alone stops nobody"),
        pytest.param({"KG": 3600.0, "TJ": 3600.0}, True, id="two of two"),
        pytest.param({"KG": 3600.0, "TJ": 3600.0, "UZ": 0.2, "TM": -0.4}, False, id="two of four"),
        pytest.param({"KG": -6.0, "TJ": -7.0, "UZ": 0.2}, True, id="two of three, six seconds"),
        pytest.param({"KG": 3600.0, "TJ": -3600.0, "UZ": 0.2}, False, id="two that contradict each other"),
        pytest.param({"KG": 4.9, "TJ": 4.9, "UZ": 4.9}, False, id="within five seconds"),
    ],
)
def test_a_clock_is_off_if_most_and_at_least_two_say_so(offsets: dict[str, float], refused: bool) -> None:
    if not refused:
        require_agreement("KZ", offsets)
        return
    with pytest.raises(ClockOffError):
        require_agreement("KZ", offsets)


def test_no_gateway_starts_before_the_time_of_its_own_log(node: Path) -> None:
    asyncio.run(log_tomorrow(node))
    require_refused(serve(node), "start-clock-behind-log")


async def log_tomorrow(folder: Path) -> None:
    """The node ran with a clock a day ahead, and logged."""
    opened = open_node(folder)

    def key(purpose: KeyPurpose) -> SoftwareSigner:
        return read_signer(opened.private, purpose, passphrase=None, demo=True)  # type: ignore[return-value]  # files here

    gateway = build_gateway(
        opened,
        keys=GatewayKeys(transport=key(KeyPurpose.TRANSPORT), log=key(KeyPurpose.LOG), witness=key(KeyPurpose.WITNESS)),
        clock=StillClock(datetime.now(UTC) + timedelta(days=1)),
        random=seeded("tomorrow"),
        on_fatal=lambda _: None,
        transport=Network(),
    )
    await gateway.start()
    await gateway.context.sequencer.submit(
        lambda transaction: transaction.append(LogDraft(type=EntryType.HEARTBEAT)), gated=False
    )
    await gateway.stop()


def test_no_register_is_opened_by_a_database_with_access_to_anything_else(tmp_path: Path) -> None:
    register, other = tmp_path / "register.csv", tmp_path / "other.csv"
    for file in (register, other):
        file.write_text("a\n1\n")
    with database(register, PreparationSettings(), work=tmp_path / "work") as connection:
        assert connection.execute("SELECT current_setting('enable_external_access')").fetchone() == (False,)
        assert connection.execute(f"SELECT count(*) FROM read_csv('{register}')").fetchone() == (1,)
        for statement in (f"FROM read_csv('{other}')", "SET enable_external_access = true", "INSTALL httpfs"):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)


@pytest.mark.parametrize(
    "unsafe",
    [
        pytest.param('origin = "https://desk.kz.example"\npasswords = true', id="the demonstration's passwords"),
        pytest.param('origin = "http://desk.kz.example"', id="pages over http"),
    ],
)
def test_no_desk_outside_a_demonstration_starts_with_a_login_that_is_one(node: Path, unsafe: str) -> None:
    file = node / "node.toml"
    file.write_text(file.read_text().replace("demo = true\n", "") + f"\n[desk]\n{unsafe}\n")
    with pytest.raises(ConsoleUnsafeError):
        build_desk(open_node(node), clock=SystemClock())
