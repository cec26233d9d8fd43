"""From an entry to its proof with five witnesses, and a log of a million entries: proof, reopening, another's reader.

- **Entry to proof**: a gateway with five of its six witnesses running, each a process with its own disk; an entry is
  appended over the local socket and its proof under a quorum of four is waited for, one after the other. The limit is
  the same without witnesses: the entry alone, durable and answered.
- **A million entries** are appended to a real store by the log's own code, without a request for each.
"""

import os
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from exchange.encoding import Digest
from exchange.log.cosignature import cosign
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import inclusion_proof, leaf_hash, verify_inclusion
from exchange.log.note import SignatureKind, format_note, format_vkey, parse_note
from exchange.log.proof import TlogProof, format_proof
from exchange.log.tiles import hash_reader
from exchange.signing.keys import Algorithm, SoftwareSigner
from exchange.signing.trust import RegistryRef
from nodes.adapters.clock import SystemClock
from nodes.adapters.own_log import OwnLog, entry_at
from nodes.adapters.store import Store
from nodes.adapters.tile_files import TileFiles
from nodes.demo import processes
from nodes.demo.federation import NAMES, found
from tests.bench.report import BenchRow
from tests.world.log_by_hand import vkey_of

PROOFS = 200
WITNESSES = 5
GOAL_MS, GOAL_BYTES, GOAL_REOPEN_S = 300, 2048, 1.0
PORT_FIRST = 8901
MILLION, BATCH = 1_000_000, 50_000
ORIGIN = "kz.exchange.example/log"
SIGNER = SoftwareSigner.from_seed(Algorithm.ED25519, bytes(range(32)))
GO_LIBRARY = Path("/usr/share/gocode")
READER = Path(__file__).resolve().parents[1] / "interop" / "read_log.go"


def run() -> list[BenchRow]:
    """Both, one after the other."""
    return [*_entry_to_proof(), *_million()]


def _entry_to_proof() -> list[BenchRow]:
    with tempfile.TemporaryDirectory() as scratch:
        ports = processes.free_ports(len(NAMES), first=PORT_FIRST)
        federation = found(Path(scratch) / "d", ports=ports, clock=SystemClock())
        running = [member for member in NAMES if member != "GB"]
        started = [processes.start(federation.nodes[member]) for member in running]
        try:
            for one in started:
                processes.await_ready(one, federation.nodes[one.member].path)
            transport = httpx.HTTPTransport(uds=str(federation.nodes["KZ"].socket))
            with httpx.Client(transport=transport, base_url="http://gateway", timeout=60) as gateway:
                proved = [_proved_ms(gateway) for _ in range(PROOFS + 20)][20:]
        finally:
            processes.stop(started)
    entries, proofs = ([one[part] for one in proved] for part in (0, 1))
    p95, alone = quantiles(proofs, n=20)[-1], quantiles(entries, n=20)[-1]
    print(f"entry to proof: p50 {quantiles(proofs, n=2)[0]:.1f} ms, p95 {p95:.1f} ms, longest {max(proofs):.1f} ms")
    return [
        BenchRow(
            name=f"entry to proof, {WITNESSES} witnesses, quorum of 4, p95", value=p95, unit="ms",
            limit_name="the entry alone, p95", limit_value=alone, ratio=p95 / alone,
            goal=f"≤ {GOAL_MS} ms", met=p95 <= GOAL_MS,
        )
    ]  # fmt: skip


def _proved_ms(gateway: httpx.Client) -> tuple[float, float]:
    """Until an entry was durable, and until its proof was there."""
    began = time.perf_counter()
    index = gateway.post("/local/audits", json={}).raise_for_status().json()["index"]
    durable = time.perf_counter() - began
    answer: dict[str, Any] = gateway.get(f"/local/log/proofs/{index}").raise_for_status().json()
    took = time.perf_counter() - began
    if answer["proof"].count("\n— ") < 1 + 4:
        raise SystemExit("a proof came without its quorum")
    return durable * 1000, took * 1000


def _million() -> list[BenchRow]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        began = time.perf_counter()
        _grow(folder)
        grown_s = time.perf_counter() - began
        began = time.perf_counter()
        store = Store(folder / "state.db")
        log = OwnLog(origin=ORIGIN, signer=SIGNER, files=TileFiles(folder / "log"))
        with store.open_writer() as connection:
            with connection.begin():
                log.load(connection)
            log.restore(connection)
            log.finish(connection)
        reopened_s = time.perf_counter() - began
        print(f"{MILLION:,} entries appended in {grown_s:.0f} s, reopened in {reopened_s * 1000:.0f} ms")
        raw = store.read_now(lambda connection: entry_at(connection, 0))
        store.close()
        whole, bare = _proof_bytes(log, raw)
        _read_by_another(folder)
    return [
        BenchRow(
            name=f"a log of {MILLION:,} entries opened again", value=reopened_s, unit="s",
            limit_name="goal", limit_value=GOAL_REOPEN_S, ratio=reopened_s / GOAL_REOPEN_S, goal="≤ 1 s",
            met=reopened_s <= GOAL_REOPEN_S,
        ),
        BenchRow(
            name=f"proof at {MILLION:,} entries, log and {WITNESSES} cosignatures, without the entry's own bytes",
            value=bare, unit="bytes", limit_name="with them (C2SP's extra line)", limit_value=whole,
            ratio=bare / whole, goal=f"≤ {GOAL_BYTES:,} bytes", met=bare <= GOAL_BYTES,
        ),
    ]  # fmt: skip


def _grow(folder: Path) -> None:
    store = Store(folder / "state.db")
    log = OwnLog(origin=ORIGIN, signer=SIGNER, files=TileFiles(folder / "log"))
    with store.open_writer() as connection:
        with connection.begin():
            log.load(connection)
        for first in range(0, MILLION, BATCH):
            with connection.begin():
                staged = log.stage(
                    connection, [(index, _entry(index), None, None) for index in range(first, first + BATCH)]
                )
            log.accept(staged)
            log.finish(connection)
    store.close()


def _entry(index: int) -> bytes:
    """What a bundle's proof is about: 560 bytes."""
    digest = Digest(index.to_bytes(32).hex())
    return format_entry(
        LogEntry(
            type=EntryType.BUNDLE_PUBLISHED,
            at=datetime(2026, 11, 1, tzinfo=UTC),
            node="KZ",
            registry=RegistryRef(version=1, sha256=Digest("a" * 64)),
            salt=index.to_bytes(16),
            contract=Digest("c" * 64),
            bundle=digest,
            evidence=digest,
        )
    )


def _proof_bytes(log: OwnLog, raw: bytes) -> tuple[int, int]:
    """The size of a proof whose path is as long as any, with and without the entry's bytes."""
    note = parse_note(log.files.checkpoint() or b"")
    names = [f"{member}.exchange.example/witness" for member in ("kg", "tj", "tm", "uz", "iom")]
    at = datetime(2026, 11, 1, tzinfo=UTC)
    lines = [cosign(note.text, at=at, name=name, signer=SIGNER) for name in names]
    path = tuple(inclusion_proof(0, MILLION, hash_reader(log.files.read_tile, size=MILLION)))
    root = log.checkpoint.root
    verify_inclusion(leaf_hash(raw), index=0, size=MILLION, path=path, root=root, origin=ORIGIN)
    signed = format_note(note.with_lines(lines))
    whole = TlogProof(index=MILLION - 1, path=path, checkpoint_note=signed, extra=raw)
    bare = TlogProof(index=MILLION - 1, path=path, checkpoint_note=signed)
    return len(format_proof(whole)), len(format_proof(bare))


def _read_by_another(folder: Path) -> None:
    """The Go program of the tests reads it whole, where Go and golang.org/x/mod are at hand."""
    if shutil.which("go") is None or not (GO_LIBRARY / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        print("golang.org/x/mod is not at hand: not read by another program")
        return
    settings = {"GO111MODULE": "off", "GOPATH": str(GO_LIBRARY), "GOCACHE": str(folder / "cache"), "HOME": str(folder)}
    environment = {**settings, "PATH": os.environ["PATH"]}
    subprocess.run(["go", "build", "-o", str(folder / "read_log"), str(READER)], check=True, env=environment)
    (folder / "log.vkey").write_text(format_vkey(vkey_of(ORIGIN, SIGNER, SignatureKind.LOG)) + "\n")
    began = time.perf_counter()
    command = [str(folder / part) for part in ("read_log", "log", "log.vkey", "log/checkpoint")]
    size = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    print(f"golang.org/x/mod accepts it at size {size} in {time.perf_counter() - began:.1f} s")
