"""The registry refreshed from a served gateway, cold and warm; an agreement of twenty parties verified."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from tuf.api.exceptions import DownloadHTTPError

from exchange.encoding import Digest
from exchange.signing.keys import KeyPurpose
from exchange.statement import open_statement, sign_statement
from nodes.adapters.clock import SystemClock
from nodes.adapters.trust_updater import Fetch, refresh_registry
from nodes.demo.processes import await_ready, free_ports, start, stop
from nodes.settings import open_node
from tests.bench.report import BenchRow
from tests.world.clock import StillClock
from tests.world.federation import SEVEN, Federation, found

ROUNDS = 15
PARTIES = 20
PORT_FIRST = 8871
WARM_MS, COLD_MS, AGREEMENT_MS = 20.0, 500.0, 100.0
NOW = SystemClock().now().replace(microsecond=0)


def run() -> list[BenchRow]:
    """Measure; the limit beside each is fetching the same bytes without looking at them."""
    with tempfile.TemporaryDirectory(prefix="bench-registry-") as name:
        home = Path(name)
        federation = found(home / "seven", StillClock(NOW - timedelta(hours=1)), SEVEN)
        with _serving(federation) as (source, fetch):
            cold = _median_ms(lambda: _cold(federation, home / "cold", source, fetch), time.perf_counter)
            _cold(federation, home / "warm", source, fetch)
            warm = _median_ms(
                lambda: refresh_registry(home / "warm", source=source, fetch=fetch, now=_now), time.perf_counter
            )
            bare = _median_ms(lambda: _fetch_all(federation.registry, source, fetch), time.perf_counter)
            two = _median_ms(lambda: fetch(f"{source}/trust/metadata/timestamp.json"), time.perf_counter)
        parties = (*(f"P{number:02}" for number in range(1, PARTIES)), "IOM")
        agreement = _agreement_ms(found(home / "twenty", StillClock(NOW - timedelta(hours=1)), parties), parties)
    return [
        _row("registry refreshed from a gateway, cold, 7 members", cold, "its files fetched alone", bare, COLD_MS),
        _row("registry refreshed from a gateway, warm", warm, "one file fetched", two, WARM_MS),
        _row(
            f"an agreement of {PARTIES} parties verified",
            agreement[0],
            "its signatures alone",
            agreement[1],
            AGREEMENT_MS,
            unit="ms of CPU",
        ),
    ]


def _row(name: str, value: float, limit_name: str, limit: float, goal_ms: float, unit: str = "ms") -> BenchRow:
    return BenchRow(
        name=name, value=value, unit=unit, limit_name=limit_name, limit_value=limit, ratio=value / limit,
        goal=f"≤ {goal_ms:g} ms", met=value <= goal_ms,
    )  # fmt: skip


def _cold(federation: Federation, folder: Path, source: str, fetch: Fetch) -> None:
    """A node that has the first root alone."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "metadata").mkdir(parents=True)
    (folder / "targets").mkdir()
    shutil.copy(federation.registry / "metadata" / "1.root.json", folder / "metadata" / "1.root.json")
    refresh_registry(folder, source=source, fetch=fetch, now=_now)


def _fetch_all(registry: Path, source: str, fetch: Fetch) -> None:
    for path in registry.rglob("*"):
        if path.is_file():
            fetch(f"{source}/trust/{path.relative_to(registry).as_posix()}")


def _agreement_ms(federation: Federation, parties: tuple[str, ...]) -> tuple[float, float]:
    contract = Digest.of(b"a contract of twenty")
    statements = [
        sign_statement(
            type="contract.signed", contract=contract, party=party, at=NOW, effective=NOW,
            signer=federation.hybrid(party, KeyPurpose.CONTRACT),
        )
        for party in parties
    ]  # fmt: skip
    pairs = [
        (signer.public, signer.sign(b"x"))
        for party in parties
        for signer in federation.hybrid(party, KeyPurpose.CONTRACT).signers
    ]

    def signatures_alone() -> None:
        for public, signature in pairs:
            public.verify(b"x", signature)

    def agreement() -> None:
        for one in statements:
            open_statement(one.raw, trust=federation.trust, at=NOW)

    return _median_ms(agreement, time.process_time), _median_ms(signatures_alone, time.process_time)


@contextmanager
def _serving(federation: Federation) -> Iterator[tuple[str, Fetch]]:
    """A member's gateway as `exchange serve` starts it, in a process of its own, and a client that asks it."""
    folder, (port,) = federation.folder / "kz", free_ports(1, first=PORT_FIRST)
    shutil.copytree(federation.registry, folder / "keys")
    (folder / "contracts" / "codelists").mkdir(parents=True)
    source = f"http://127.0.0.1:{port}"
    (folder / "node.toml").write_text(
        f'v = 1\nmember = "KZ"\ndemo = true\n\n[gateway]\nissuer = "{source}"\nport = {port}\n'
        "private_addresses = true\n",
        encoding="utf-8",
    )
    running = start(open_node(folder))
    with httpx.Client(trust_env=False) as client:

        def fetch(url: str) -> bytes:
            answer = client.get(url)
            if answer.status_code != httpx.codes.OK:
                raise DownloadHTTPError(f"status {answer.status_code}", answer.status_code)
            return answer.content

        try:
            await_ready(running, folder)
            yield source, fetch
        finally:
            stop([running])


def _now() -> datetime:
    return NOW


def _median_ms(work: Callable[[], object], clock: Callable[[], float]) -> float:
    work()
    taken = []
    for _ in range(ROUNDS):
        began = clock()
        work()
        taken.append((clock() - began) * 1000)
    return statistics.median(taken)
