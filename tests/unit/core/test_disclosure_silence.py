"""The report says nothing that the bundle does not: whoever has the table alone could have written it."""

import json

from exchange.encoding import Digest, canonical_json
from exchange.report import parse_report
from exchange.sdmx.data import parse_data
from tests.world.bundles import bundle_world

CONSTANT = {"type", "engine", "method", "profile", "dimensions", "zeros", "excluded", "pooling"}


def test_the_report_follows_from_the_table_the_contract_and_the_commitment_alone() -> None:
    world = bundle_world()
    files = world.candidate
    table = parse_data(files.data, world.contract, provider="KZ", period=files.candidate.period).table
    written = json.loads(files.disclosure)
    withheld = sorted(table.withheld_keys())
    share = (20_000 * len(withheld) + len(table.rows)) // (2 * len(table.rows))
    rebuilt = {name: written[name] for name in CONSTANT} | {
        "provider": "KZ",
        "contract": files.candidate.contract.as_json(),
        "period": files.candidate.period,
        "revision": 0,
        "cells": len(table.rows),
        "withheld": [list(key) for key in withheld],
        "withheld_share": f"{share // 10_000}.{share % 10_000:04d}",
        "pooled": str(Digest.of(b"")),
        "parameters_commitment": written["parameters_commitment"],
        "audit": {
            "verdict": "safe",
            "attacker": "insiders",
            "solver": written["audit"]["solver"],
            "intervals_checked": len(withheld),
        },
    }
    # Byte for byte: so bundle and report together narrow no interval, and tell no primary cell, no p and no true table.
    assert canonical_json(rebuilt) == files.disclosure
    assert written["excluded"] == []


def test_the_words_of_the_report_are_the_contract_s_and_the_program_s() -> None:
    world = bundle_world()
    report, rules = parse_report(world.candidate.disclosure), world.contract.disclosure
    assert (report.method, report.profile, report.zeros) == (rules.method, rules.profile, rules.zeros.value)
    assert report.dimensions == tuple(dimension.id for dimension in world.contract.dimensions)
    assert report.engine[0] == "exchange.disclosure"
