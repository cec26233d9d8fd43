"""A load generator for HTTP/1.1 on loopback: raw connections, so that the client takes as little as can be.

`python -m tests.bench.load` is a process of its own, as clients are; it reads one JSON job on stdin and prints figures.
A job names the requests of each client; a pull's request is followed by its signed receipt. DPoP proofs are signed
before the clock starts; a receipt quotes the delivery it answers, so it is signed in between, in this process.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from exchange.encoding import Digest, base64url_encode
from exchange.receipt import Receipt, evidence_digest, pull_id, sign_receipt
from exchange.signing.dpop import make_proof
from exchange.signing.keys import SoftwareSigner
from nodes.adapters.key_files import read_private_key


@dataclass(slots=True)
class Figures:
    """What the clients saw."""

    done: int = 0
    failed: int = 0
    bytes: int = 0
    latencies_s: list[float] = field(default_factory=list)


class Connection:
    """One kept-alive connection."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def close(self) -> None:
        """Close it."""
        if self._writer is not None:
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()

    async def ask(self, request: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        """Send one request; status, headers in lower case, body."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status, *lines = head[:-4].split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        body = await self._reader.readexactly(int(headers.get(b"content-length", b"0")))
        return int(status.split()[1]), headers, body


def main() -> None:
    job = json.load(sys.stdin)
    run = _pulls if job["kind"] == "pulls" else _bare
    print(json.dumps(uvloop.run(run(job))))


async def _bare(job: dict[str, Any]) -> dict[str, float]:
    request = f"GET /bare HTTP/1.1\r\nHost: {job['host']}:{job['port']}\r\n\r\n".encode()

    async def one(connection: Connection, figures: Figures) -> None:
        status, _, body = await connection.ask(request)
        _count(figures, status == 200, len(body))

    return await _drive(job, lambda _: one)


async def _pulls(job: dict[str, Any]) -> dict[str, float]:
    """Each cycle: a DPoP-bound GET of the bundle, then the receipt for its delivery."""
    signer = read_private_key(Path(job["key"]), purpose="transport", passphrase=None, demo=True)
    issuer = f"http://{job['host']}:{job['port']}"
    path = f"/v1/bundles/{job['bundle']}"
    each = job["count"] // job["clients"] + 1

    def prepare(client: int) -> Callable[[Connection, Figures], Any]:
        gets = [_request(job, signer, issuer, "GET", path, f"g{client}-{n}") for n in range(each)]
        posts = [_proof(job, signer, issuer, "POST", "/v1/receipts", f"p{client}-{n}") for n in range(each)]

        async def one(connection: Connection, figures: Figures) -> None:
            proof, request = gets.pop()
            status, headers, body = await connection.ask(request)
            if status != 200:
                _count(figures, ok=False, size=0)
                return
            receipt = _receipt(job, signer, proof, headers[b"exchange-delivery"].decode("ascii"))
            posted, _, _ = await connection.ask(_post(job, posts.pop(), receipt))
            _count(figures, posted == 201, len(body))

        return one

    return await _drive(job, prepare)


async def _drive(
    job: dict[str, Any], prepare: Callable[[int], Callable[[Connection, Figures], Any]]
) -> dict[str, float]:
    figures = Figures()
    ones = [prepare(client) for client in range(job["clients"])]
    each = job["count"] // job["clients"]

    async def client(one: Callable[[Connection, Figures], Any]) -> None:
        connection = Connection(job["host"], job["port"])
        for _ in range(each):
            asked = time.perf_counter()
            await one(connection, figures)
            figures.latencies_s.append(time.perf_counter() - asked)

    began, worked = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client(one) for one in ones))
    took, cpu = time.perf_counter() - began, time.process_time() - worked
    ordered = sorted(figures.latencies_s)
    return {
        "per_s": figures.done / took,
        "took_s": took,
        "cpu_ms": cpu / max(figures.done, 1) * 1000,
        "failed": figures.failed,
        "bytes": figures.bytes / max(figures.done, 1),
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
    }


def _count(figures: Figures, ok: bool, size: int) -> None:  # a tally, not an interface
    figures.done += ok
    figures.failed += not ok
    figures.bytes += size


def _proof(job: dict[str, Any], signer: SoftwareSigner, issuer: str, method: str, path: str, name: str) -> str:
    return make_proof(
        signer=signer,
        method=method,
        url=issuer + path,
        at=datetime.now(UTC),
        jti=base64url_encode(f"{job['salt']}{name}".encode().ljust(24, b".")),
        nonce=job["nonce"],
        access_token=job["token"],
    )


def _request(
    job: dict[str, Any], signer: SoftwareSigner, issuer: str, method: str, path: str, name: str
) -> tuple[str, bytes]:
    proof = _proof(job, signer, issuer, method, path, name)
    return proof, f"{method} {path} HTTP/1.1\r\n{_headers(job, proof)}\r\n".encode("ascii")


def _post(job: dict[str, Any], proof: str, body: str) -> bytes:
    head = f"POST /v1/receipts HTTP/1.1\r\n{_headers(job, proof)}Content-Length: {len(body)}\r\n\r\n"
    return (head + body).encode("ascii")


def _headers(job: dict[str, Any], proof: str) -> str:
    return f"Host: {job['host']}:{job['port']}\r\nAuthorization: DPoP {job['token']}\r\nDPoP: {proof}\r\n"


def _receipt(job: dict[str, Any], signer: SoftwareSigner, proof: str, delivery: str) -> str:
    receipt = Receipt(
        pull=pull_id(proof),
        delivery=evidence_digest(delivery),
        bundle=Digest(job["bundle"]),
        contract=Digest.parse(job["contract"], subject="job"),
        purpose="official_statistics",
        verdict="accepted",
        entry=0,
        by=job["member"],
        at=datetime.now(UTC).replace(microsecond=0),
    )
    return sign_receipt(receipt, signer=signer)


if __name__ == "__main__":
    main()
