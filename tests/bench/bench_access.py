"""What it costs to be let in, and what an attack of 1,000 bad requests a second costs an honest member.

One gateway of a founded federation runs; the honest member's signed requests (proof verified and durably spent) come at
a steady pace from one process, the bad ones from another, from the same address. Calm and attacked rounds alternate.
"""

import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

from exchange.signing.keys import Algorithm, KeyPurpose
from nodes.adapters.clock import SystemClock
from nodes.adapters.key_files import key_path, read_signer
from nodes.adapters.partner import Caller, PartnerClient, PartnerLimits
from nodes.demo import processes
from nodes.demo.federation import NAMES, DemoFederation, found
from tests.bench.cpu import spent
from tests.bench.report import BenchRow

SECONDS = 8
HONEST_PER_S, BAD_PER_S, TOKENS_PER_S = 40, 1000, 20
ROUNDS = 3
PORT_FIRST = 8601
GOAL_P99, GOAL_TOKEN_MS = 3.0, 25.0


def run() -> list[BenchRow]:
    """Found a federation, run KZ's gateway alone, ask it as KG."""
    with tempfile.TemporaryDirectory() as scratch:
        federation = found(
            Path(scratch) / "demo", ports=processes.free_ports(len(NAMES), first=PORT_FIRST), clock=SystemClock()
        )
        running = processes.start(federation.nodes["KZ"])
        try:
            processes.await_ready(running, federation.nodes["KZ"].path)
            return _measure(federation, running.pid)
        finally:
            processes.stop([running])


def _measure(federation: DemoFederation, pid: int) -> list[BenchRow]:
    token = _load(federation, "tokens", TOKENS_PER_S)
    bare_ms, access_ms = _cpu_of_open(federation, pid), _cpu_of_signed(federation, pid)
    calm, attacked, floods = [], [], []
    for _ in range(ROUNDS):
        calm.append(_load(federation, "honest", HONEST_PER_S))
        flood = _start(federation, "bad", BAD_PER_S, seconds=SECONDS + 2)
        time.sleep(1)
        attacked.append(_load(federation, "honest", HONEST_PER_S))
        floods.append(_end(flood))
    print(f"calm     {calm}\nattacked {attacked}\nflood    {floods}")
    still, under = median(one["p99_ms"] for one in calm), median(one["p99_ms"] for one in attacked)
    refused = sum(count for one in attacked for status, count in one["statuses"].items() if status != "200")
    return [
        BenchRow(
            name="token request, p95", value=token["p95_ms"], unit="ms", limit_name="goal", limit_value=GOAL_TOKEN_MS,
            ratio=token["p95_ms"] / GOAL_TOKEN_MS, goal="≤ 1", met=token["p95_ms"] <= GOAL_TOKEN_MS,
        ),
        BenchRow(
            name="signed request, gateway's CPU", value=access_ms, unit="ms", limit_name="the same server's open route",
            limit_value=bare_ms, ratio=access_ms / bare_ms, goal="told", met=True,
        ),
        BenchRow(
            name=f"honest p99 under {min(one['per_s'] for one in floods):,.0f} bad requests/s ({refused} refused)",
            value=under, unit="ms", limit_name="calm", limit_value=still, ratio=under / still,
            goal=f"≤ {GOAL_P99:g}", met=under <= GOAL_P99 * still and not refused,
        ),
    ]  # fmt: skip


def _cpu_of_signed(federation: DemoFederation, pid: int) -> float:
    """The gateway's CPU for one signed request, its share of the writer included."""
    before = spent(pid)
    _load(federation, "honest", HONEST_PER_S * 5)
    return spent(pid).since(before).all_s / (HONEST_PER_S * 5 * SECONDS) * 1000


def _cpu_of_open(federation: DemoFederation, pid: int) -> float:
    before, issuer = spent(pid), federation.nodes["KZ"].settings.gateway.issuer
    count = 500
    for _ in range(count):
        with urllib.request.urlopen(f"{issuer}/health/live") as answer:
            answer.read()
    return spent(pid).since(before).all_s / count * 1000


def _load(federation: DemoFederation, kind: str, per_s: int) -> dict[str, Any]:
    return _end(_start(federation, kind, per_s, seconds=SECONDS))


def _start(federation: DemoFederation, kind: str, per_s: int, *, seconds: int) -> "subprocess.Popen[str]":
    token, nonce = asyncio.run(_token(federation))
    gateway, key = federation.nodes["KZ"].settings.gateway, federation.nodes["KG"].private
    job = {
        "kind": kind,
        "host": "127.0.0.1",
        "port": gateway.port,
        "issuer": gateway.issuer,
        "clients": 32,
        "count": per_s * seconds,
        "per_s": per_s,
        "token": token,
        "nonce": nonce,
        "salt": secrets.token_hex(4),
        "kid": read_signer(key, KeyPurpose.TRANSPORT, passphrase=None, demo=True).public.kid,
        "key": str(key_path(key, KeyPurpose.TRANSPORT, Algorithm.ED25519)),
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.flood"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdin is not None
    started.stdin.write(json.dumps(job))
    started.stdin.close()
    started.stdin = None
    return started


def _end(started: "subprocess.Popen[str]") -> dict[str, Any]:
    out, _ = started.communicate()
    figures: dict[str, Any] = json.loads(out)
    return figures


async def _token(federation: DemoFederation) -> tuple[str, str]:
    """A token and nonce that KG got the ordinary way."""
    caller = Caller(
        member="KG",
        signer=read_signer(federation.nodes["KG"].private, KeyPurpose.TRANSPORT, passphrase=None, demo=True),
        clock=SystemClock(),
        random=secrets.token_bytes,
    )
    limits = PartnerLimits(timeout_s=10, bundle_bytes_max=32 << 20, private_addresses=True)
    issuer = federation.nodes["KZ"].settings.gateway.issuer
    async with PartnerClient(partner="KZ", issuer=issuer, caller=caller, limits=limits) as client:
        await client.catalogue()
        token, nonce = await client._token(), client._session.nonce
        assert nonce is not None
        return token, nonce
