"""Verified bundles a second, offline, every check included, beside the signatures alone that it must verify."""

import time
from collections.abc import Callable

from exchange.bundle import open_bundle, pack_zip, unpack_zip
from exchange.manifest import MANIFEST
from exchange.publication import SIGNATURES
from exchange.publication.verify import BUNDLE_TYP
from exchange.signing.jws import verify_detached
from exchange.signing.keys import HYBRID, KeyPurpose
from tests.bench.report import BenchRow
from tests.world.bundles import bundle_world

SECONDS = 3.0
GOAL = 0.05
"""A bundle has two signatures, two approvals, a checkpoint and a quorum of cosignatures, and a table."""


def run() -> list[BenchRow]:
    """Measure both in the same run."""
    world = bundle_world()
    raw = pack_zip(world.files)
    jws, payload = world.files[SIGNATURES], world.files[MANIFEST]
    keys = world.trust.keys("KZ", KeyPurpose.BUNDLE, at=None)
    ours = _per_second(lambda: open_bundle(unpack_zip(raw), trust=world.trust, contracts=world.shelf))
    limit = _per_second(lambda: verify_detached(jws, payload, typ=BUNDLE_TYP, keys=keys, algorithms=HYBRID))
    return [
        BenchRow(
            name=f"verified bundles, every check ({len(raw):,} bytes)",
            value=ours,
            unit="/s",
            limit_name="its Ed25519 and ML-DSA-65 signatures alone",
            limit_value=limit,
            ratio=ours / limit,
            goal=f"≥ {GOAL:g}",
            met=ours / limit >= GOAL,
        )
    ]


def _per_second(work: Callable[[], object]) -> float:
    work()
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        work()
        done += 1
    return done / (time.perf_counter() - began)
