"""The demo's consoles: addresses and accounts of this time alone, and no process is left where one does not start."""

from pathlib import Path

import pytest

from exchange.errors.demo import DemoProcessError
from exchange.signing.password import is_password
from nodes.adapters.officer_db import OfficerDb
from nodes.auditor.pages.app import ACCOUNTS_DB
from nodes.demo import consoles, processes
from nodes.demo.federation import DemoFederation, found, open_federation
from nodes.settings import NodeFolder
from tests.world.clock import FOUNDED, StillClock

CLOCK = StillClock(FOUNDED)


class Started:
    """Programs that only seem to run."""

    def __init__(self) -> None:
        self.words: list[tuple[str, ...]] = []
        self.ended: list[str] = []

    def start(self, node: NodeFolder, words: tuple[str, ...], *, address: str, output: str) -> processes.Running:
        assert output == consoles.OUTPUT
        self.words.append(words)
        return processes.Running(member=node.member, pid=0, address=address)

    def stop(self, running: list[processes.Running]) -> None:
        self.ended += [one.member for one in running]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    kept = Started()
    monkeypatch.setattr(processes, "start_program", kept.start)
    monkeypatch.setattr(processes, "stop", kept.stop)
    monkeypatch.setattr(processes, "await_ready", lambda *_args, **_settings: None)
    return kept


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    found(home, ports=list(range(8101, 8108)), clock=CLOCK)
    return home


@pytest.fixture
def federation(founded: Path) -> DemoFederation:
    return open_federation(founded)


def passwords(file: Path, names: tuple[str, ...]) -> list[str | None]:
    with OfficerDb(file).begin() as store:
        rows = [store.accounts.account_named(name) for name in names]
    return [None if row is None else row.password for row in rows]


def test_every_name_that_is_told_signs_in_with_the_password_of_this_time_and_no_other(
    federation: DemoFederation, started: Started
) -> None:
    first, second = (consoles.start_consoles(federation, clock=CLOCK) for _ in range(2))
    assert [one.running.member for one in second] == ["KZ", "KG", "IOM"]
    assert started.words[:3] == [("desk", "serve"), ("desk", "serve"), ("audit", "serve")]
    assert first[0].password != second[0].password
    for one in second:
        node = federation.nodes[one.running.member]
        file = node.path / ACCOUNTS_DB if one.running.member == "IOM" else node.officers_db
        for kept in passwords(file, one.names):
            assert kept is not None
            assert is_password(one.password, kept)
            assert not is_password(first[0].password, kept)


def test_a_node_s_settings_name_its_console_once_however_often_it_is_opened(
    federation: DemoFederation, started: Started
) -> None:
    for _ in range(2):
        opened = consoles.start_consoles(federation, clock=CLOCK)
    again = open_federation(federation.home)
    assert again.nodes["KZ"].settings.desk.origin == opened[0].running.address
    assert again.nodes["IOM"].settings.auditor.origin == opened[2].running.address
    assert (again.nodes["KZ"].path / "node.toml").read_text(encoding="utf-8").count("[desk]") == 1


def test_no_process_is_left_where_one_does_not_start(
    federation: DemoFederation, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(running: processes.Running, *_args: object, **_settings: object) -> None:
        raise DemoProcessError(member=running.member, lines="(no output)")

    monkeypatch.setattr(processes, "await_ready", fail)
    with pytest.raises(DemoProcessError):
        consoles.start_consoles(federation, clock=CLOCK)
    assert started.ended == ["KZ", "KG", "IOM"]
