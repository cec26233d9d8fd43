"""Signed pulls with a held token, 32 clients, beside a bare route of the same server returning the same bytes.

A pull here is everything: DPoP proof checked and spent, rights asked of contracts and registry, the stored bundle
hashed, `pull.served` durable, the delivery signed, the bundle sent; then the signed receipt, checked, `receipt.got`
durable. Six other members run and witness meanwhile. Server and clients share the machine, so the breakdown says
whose CPU time is whose; a waiting disk spends none.
"""

import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from exchange.signing.keys import Algorithm, KeyPurpose
from nodes.adapters.clock import SystemClock
from nodes.adapters.key_files import key_path, read_signer
from nodes.adapters.partner import Caller, PartnerClient, PartnerLimits
from nodes.demo import processes
from nodes.demo.commands import _registers
from nodes.demo.federation import NAMES, DemoFederation, found
from nodes.demo.stage import Stage
from nodes.demo.story import Release, _await_in_force, _clear_and_release, build_one
from nodes.terminal import Output
from tests.bench.cpu import Steps, spent, steps
from tests.bench.report import BenchRow

CLIENTS = 32
BARE = 6_400
PULLS = 1_600
"""Of one round: proofs are signed before it, and live a minute."""
PULLS_MEMORY = 10_000
ROUNDS = 3
GOAL_RATIO, GOAL_PER_S, GOAL_MB = 0.12, 110, 200
CONTRACT = "CA-05-WORK-PERMITS/1.0.0"


def run() -> list[BenchRow]:
    """Found a federation, publish one bundle of KZ, let KG pull it thousands of times."""
    with tempfile.TemporaryDirectory() as scratch:
        federation = found(Path(scratch) / "demo", ports=processes.free_ports(len(NAMES)), clock=SystemClock())
        started = [processes.start(node) for node in federation.nodes.values()]
        try:
            for running in started:
                processes.await_ready(running, federation.nodes[running.member].path)
            stored = _publish(federation)
            return _measure(federation, stored, {running.member: running.pid for running in started})
        finally:
            processes.stop(started)


def _publish(federation: DemoFederation) -> Path:
    stage = Stage(federation=federation, clock=SystemClock(), output=Output(json=True, language="en"))
    for member in ("KZ", "KG", "TJ", "TM", "UZ", "IOM"):
        stage.act("nodes.desk.contract_life_commands:sign", CONTRACT, member=member)
    for member in ("KZ", "KG"):
        _await_in_force(stage, CONTRACT, member)
    register = _registers(federation.home, "KZ")[1]
    release = Release(member="KZ", register=register)
    built = build_one(federation.home, release)
    if built.code:
        raise SystemExit(f"the bundle was not built: {built.message}")
    _clear_and_release(stage, release)
    return next(federation.nodes["KZ"].bundles.glob("*.zip"))


def _measure(federation: DemoFederation, stored: Path, pids: dict[str, int]) -> list[BenchRow]:
    bare, pulls = [], []
    for _ in range(ROUNDS):
        bare.append(_bare(stored))
        pulls.append(_watched(federation, stored, pids))
    best, limit = max(pulls, key=lambda p: p["per_s"]), max(bare, key=lambda b: b["per_s"])
    pulls += [_pulls(federation, stored, PULLS) for _ in range(ROUNDS * PULLS, PULLS_MEMORY, PULLS)]
    failed = sum(p["failed"] for p in pulls)
    print(f"pull p50 {best['p50_ms']:.0f} ms, p99 {best['p99_ms']:.0f} ms; {best['bytes']:,.0f} bytes; failed {failed}")
    _show_breakdown(best, limit, steps(stored))
    resident = _resident_mb(pids["KZ"])
    return [
        BenchRow(
            name=f"signed pulls with receipt, {CLIENTS} clients",
            value=best["per_s"], unit="/s", limit_name="bare route, same bytes", limit_value=limit["per_s"],
            ratio=best["per_s"] / limit["per_s"], goal=f"≥ {GOAL_RATIO:g}, floor {GOAL_PER_S}/s",
            met=best["per_s"] / limit["per_s"] >= GOAL_RATIO and best["per_s"] >= GOAL_PER_S and not failed,
        ),
        BenchRow(
            name=f"resident memory of the gateway after {PULLS_MEMORY:,} pulls",
            value=resident, unit="MB", limit_name="goal", limit_value=GOAL_MB,
            ratio=resident / GOAL_MB, goal="≤ 1", met=resident <= GOAL_MB,
        ),
    ]  # fmt: skip


def _watched(federation: DemoFederation, stored: Path, pids: dict[str, int]) -> dict[str, float]:
    """A round of pulls, and the CPU time that each process spent on it, in milliseconds a pull."""
    before = {member: spent(pid) for member, pid in pids.items()}
    figures = _pulls(federation, stored, PULLS)
    each = {member: spent(pid).since(before[member]) for member, pid in pids.items()}
    publisher = each.pop("KZ")
    figures["loop_ms"] = publisher.loop_s / PULLS * 1000
    figures["writer_ms"] = publisher.others_s / PULLS * 1000
    figures["witnesses_ms"] = sum(one.all_s for one in each.values()) / PULLS * 1000
    return figures


def _show_breakdown(pull: dict[str, float], bare: dict[str, float], alone: Steps) -> None:
    """Where the time of a pull with its receipt goes; the steps are measured alone, so the rest is what is left."""
    verified, signed = 3 * alone.verify_ms, alone.sign_ms
    rest = pull["loop_ms"] - verified - signed - alone.read_ms - bare["loop_ms"]
    server = pull["loop_ms"] + pull["writer_ms"]
    print("CPU ms of one pull with its receipt:")
    print(f"  {pull['loop_ms']:6.3f}  the gateway's event loop; of it, by steps measured alone:")
    for what, ms in (
        ("two proofs and the receipt verified", verified),
        ("the delivery signed", signed),
        ("the stored bundle read and hashed", alone.read_ms),
        ("an answer of the bare route", bare["loop_ms"]),
        ("the rest: the receipt's own request, formats, rights, asking the witnesses", rest),
    ):
        print(f"          {ms:6.3f}  {what}")
    print(f"  {pull['writer_ms']:6.3f}  the log's writer: two transactions, their part of tiles and checkpoints")
    print(f"  {pull['witnesses_ms']:6.3f}  the six other members together")
    print(f"  {pull['cpu_ms']:6.3f}  the clients; a bare answer takes them {bare['cpu_ms']:.3f}")
    total = server + pull["witnesses_ms"] + pull["cpu_ms"]
    clock = 1000 / pull["per_s"]
    print(f"  {total:6.3f}  all together; by the clock {clock:.3f} ms, so {total / clock:.1f} cores were busy with it")
    ratio = bare["loop_ms"] / server
    print(f"by the server's CPU: bare {bare['loop_ms']:.3f} ms, pull and receipt {server:.3f} ms, ratio {ratio:.3f}")


def _bare(stored: Path) -> dict[str, float]:
    port = processes.free_ports(20)[-1]
    server = subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(port), str(stored)])
    try:
        time.sleep(1.5)
        before = spent(server.pid)
        figures = _load({"kind": "bare", "host": "127.0.0.1", "port": port, "clients": CLIENTS, "count": BARE})
        figures["loop_ms"] = spent(server.pid).since(before).all_s / BARE * 1000
        return figures
    finally:
        server.terminate()
        server.wait()


def _pulls(federation: DemoFederation, stored: Path, count: int) -> dict[str, float]:
    token, nonce = asyncio.run(_token(federation))
    node = federation.nodes["KZ"]
    contract = json.loads(_manifest(stored))["exchange"]["contract"]["digest"]
    return _load(
        {
            "kind": "pulls",
            "host": "127.0.0.1",
            "port": node.settings.gateway.port,
            "clients": CLIENTS,
            "count": count,
            "bundle": stored.stem,
            "contract": contract,
            "member": "KG",
            "token": token,
            "nonce": nonce,
            "salt": secrets.token_hex(4),
            "key": str(key_path(federation.nodes["KG"].private, KeyPurpose.TRANSPORT, Algorithm.ED25519)),
        }
    )


def _manifest(stored: Path) -> bytes:
    raw = stored.read_bytes()
    start = raw.index(b"{")
    end = raw.index(b"PK", start)
    return raw[start:end]


async def _token(federation: DemoFederation) -> tuple[str, str]:
    """A token and nonce that KG got the ordinary way."""
    node, partner = federation.nodes["KG"], federation.nodes["KZ"].settings.gateway.issuer
    caller = Caller(
        member="KG",
        signer=read_signer(node.private, KeyPurpose.TRANSPORT, passphrase=None, demo=True),
        clock=SystemClock(),
        random=secrets.token_bytes,
    )
    limits = PartnerLimits(timeout_s=10, bundle_bytes_max=32 << 20, private_addresses=True)
    async with PartnerClient(partner="KZ", issuer=partner, caller=caller, limits=limits) as client:
        await client.catalogue()
        token, nonce = await client._token(), client._session.nonce
        assert nonce is not None
        return token, nonce


def _load(job: dict[str, Any]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"], input=json.dumps(job), capture_output=True, text=True, check=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
