"""Two load generators at a fixed pace on loopback: an honest member's signed requests, and bad ones.

`python -m tests.bench.flood` reads one JSON job on stdin and prints figures. Requests are made before the clock starts;
each leaves at its own time, whether earlier ones were answered or not (on another connection), so that a slow server
does not slow the flood down.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvloop

from exchange.encoding import base64url_encode
from exchange.signing.dpop import make_assertion, make_proof, make_token
from exchange.signing.keys import Algorithm, Signer, SoftwareSigner
from nodes.adapters.key_files import read_private_key
from tests.bench.load import Connection

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
STRANGER = SoftwareSigner.from_seed(Algorithm.ED25519, b"\x07" * 32)


def main() -> None:
    job = json.load(sys.stdin)
    made = {"honest": honest, "tokens": tokens, "bad": bad}[job["kind"]](job)
    print(json.dumps(uvloop.run(paced(job, made))))


def honest(job: dict[str, Any]) -> list[bytes]:
    """Signed requests of the member for its catalogue."""
    signer = read_private_key(Path(job["key"]), purpose="transport", passphrase=None, demo=True)
    return [_get(job, _proof(job, signer, "GET", "/v1/catalogue", f"h{n}"), job["token"]) for n in range(job["count"])]


def tokens(job: dict[str, Any]) -> list[bytes]:
    """Token requests of the member."""
    signer = read_private_key(Path(job["key"]), purpose="transport", passphrase=None, demo=True)
    return [_token(job, signer, f"t{n}") for n in range(job["count"])]


def bad(job: dict[str, Any]) -> list[bytes]:
    """In turn: nothing to show, a forged token, a stolen token with a stranger's proof, a forged assertion."""
    forged = make_token(
        signer=STRANGER, issuer=job["issuer"], member="KG", thumbprint=STRANGER.public.kid, at=datetime.now(UTC),
        jti="A" * 22, life_s=300, registry=1,
    )  # fmt: skip
    kinds = (
        b"GET /v1/catalogue HTTP/1.1\r\nHost: x\r\n\r\n",
        _get(job, _proof(job, STRANGER, "GET", "/v1/catalogue", "b1"), forged),
        _get(job, _proof(job, STRANGER, "GET", "/v1/catalogue", "b2"), job["token"]),
        _token(job, STRANGER, "b3", kid=job["kid"]),
    )
    return [kinds[number % len(kinds)] for number in range(job["count"])]


async def paced(job: dict[str, Any], requests: Sequence[bytes]) -> dict[str, Any]:
    """Send each request at its time over the next free connection; what came back, and how long it took."""
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    for _ in range(job["clients"]):
        free.put_nowait(Connection(job["host"], job["port"]))
    statuses: Counter[int] = Counter()
    latencies: list[float] = []

    async def one(request: bytes, due: float) -> None:
        connection = await free.get()
        try:
            status, _, _ = await connection.ask(request)
        except (OSError, asyncio.IncompleteReadError):
            status, connection = 0, Connection(job["host"], job["port"])
        statuses[status] += 1
        latencies.append(time.perf_counter() - due)
        free.put_nowait(connection)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = began + number / job["per_s"]
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            group.create_task(one(request, due))
    took = time.perf_counter() - began
    ordered = sorted(latencies)
    return {
        "per_s": len(ordered) / took,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p95_ms": ordered[len(ordered) * 95 // 100] * 1000,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
    }


def _proof(job: dict[str, Any], signer: Signer, method: str, path: str, name: str) -> str:
    return make_proof(
        signer=signer,
        method=method,
        url=job["issuer"] + path,
        at=datetime.now(UTC),
        jti=_jti(job, name),
        nonce=job["nonce"],
        access_token=None if method == "POST" else job["token"],
    )


def _jti(job: dict[str, Any], name: str) -> str:
    return base64url_encode(f"{job['salt']}{name}".encode().ljust(24, b"."))


def _get(job: dict[str, Any], proof: str, token: str) -> bytes:
    named = f"Authorization: DPoP {token}\r\nDPoP: {proof}\r\n"
    return f"GET /v1/catalogue HTTP/1.1\r\nHost: {job['host']}\r\n{named}\r\n".encode()


def _token(job: dict[str, Any], signer: Signer, name: str, *, kid: str | None = None) -> bytes:
    made = make_assertion(
        signer=signer, member="KG", audience=job["issuer"], at=datetime.now(UTC), jti=_jti(job, f"a{name}")
    )
    if kid is not None:  # under the member's own kid, so that its signature must be verified to be refused
        header = base64url_encode(
            json.dumps({"alg": "Ed25519", "kid": kid, "typ": "client-authentication+jwt"}).encode()
        )
        made = ".".join((header, *made.split(".")[1:]))
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": made}
    body = urlencode(form)
    proof = _proof(job, signer, "POST", "/oauth/token", f"p{name}")
    head = f"POST /oauth/token HTTP/1.1\r\nHost: {job['host']}\r\nDPoP: {proof}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}".encode()


if __name__ == "__main__":
    main()
