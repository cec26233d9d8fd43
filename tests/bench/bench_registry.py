"""The registry: refreshed over loopback, cold and warm; an agreement of twenty parties, every signature verified."""

import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from tuf.api.exceptions import DownloadHTTPError

from exchange.encoding import Digest
from exchange.signing.keys import KeyPurpose
from exchange.statement import open_statement, sign_statement
from nodes.adapters.clock import SystemClock
from nodes.adapters.trust_updater import Fetch, refresh_registry
from tests.bench.report import BenchRow
from tests.world.clock import StillClock
from tests.world.federation import SEVEN, Federation, found

ROUNDS = 15
PARTIES = 20
WARM_MS, COLD_MS, AGREEMENT_MS = 20.0, 500.0, 100.0
NOW = SystemClock().now().replace(microsecond=0)


def run() -> list[BenchRow]:
    """Measure; the limit beside each is fetching the same bytes without looking at them."""
    with tempfile.TemporaryDirectory(prefix="bench-registry-") as name:
        home = Path(name)
        federation = found(home / "seven", StillClock(NOW - timedelta(hours=1)), SEVEN)
        with _serving(federation.registry, home / "site") as (source, fetch):
            cold = _median_ms(lambda: _cold(federation, home / "cold", source, fetch))
            _cold(federation, home / "warm", source, fetch)
            warm = _median_ms(lambda: refresh_registry(home / "warm", source=source, fetch=fetch, now=_now))
            bare = _median_ms(lambda: _fetch_all(federation.registry, source, fetch))
            two = _median_ms(lambda: fetch(f"{source}/trust/metadata/timestamp.json"))
        parties = (*(f"P{number:02}" for number in range(1, PARTIES)), "IOM")
        agreement = _agreement_ms(found(home / "twenty", StillClock(NOW - timedelta(hours=1)), parties), parties)
    return [
        _row("registry refreshed, cold, 7 members", cold, "its files fetched alone", bare, COLD_MS),
        _row("registry refreshed, warm", warm, "one file fetched", two, WARM_MS),
        _row(
            f"an agreement of {PARTIES} parties verified",
            agreement[0],
            "its signatures alone",
            agreement[1],
            AGREEMENT_MS,
        ),
    ]


def _row(name: str, value: float, limit_name: str, limit: float, goal_ms: float) -> BenchRow:
    return BenchRow(
        name=name, value=value, unit="ms of CPU", limit_name=limit_name, limit_value=limit, ratio=value / limit,
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
    whole = _median_ms(lambda: [open_statement(one.raw, trust=federation.trust, at=NOW) for one in statements])
    return whole, _median_ms(lambda: [public.verify(b"x", signature) for public, signature in pairs])


@contextmanager
def _serving(registry: Path, site: Path) -> Iterator[tuple[str, Fetch]]:
    shutil.copytree(registry, site / "trust")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with httpx.Client(trust_env=False) as client:

        def fetch(url: str) -> bytes:
            answer = client.get(url)
            if answer.status_code != httpx.codes.OK:
                raise DownloadHTTPError(f"status {answer.status_code}", answer.status_code)
            return answer.content

        try:
            yield f"http://127.0.0.1:{server.server_port}", fetch
        finally:
            server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

    def log_message(self, *_: object) -> None:
        pass


def _now() -> datetime:
    return NOW


def _median_ms(work: Callable[[], object]) -> float:
    """CPU of this process, in which the server runs too: the wall's share moves with whoever else is at work."""
    work()
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        taken.append((time.process_time() - began) * 1000)
    return statistics.median(taken)
