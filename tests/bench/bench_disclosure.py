"""Disclosure control apart: protecting GB's real register (2018-Q4), beside the exact audit of its result alone."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from exchange.bundle.floor import audit_floor
from exchange.disclosure import SecretParameters, protect
from nodes.demo.registers import make_registers
from nodes.preparation.extract import Workshop, aggregate_extract
from nodes.preparation.mapping import parse_mapping
from nodes.settings import PreparationSettings, uk_returns_table
from tests.bench.report import BenchRow
from tests.world.contracts import contract

GOAL = 10.0
T = TypeVar("T")


def run() -> list[BenchRow]:
    """Measure protection (which has its own audit in it) and a reader's audit of the publication."""
    returns = uk_returns_table()
    if returns is None:
        print("not measured: the Home Office's table is not beside this checkout")
        return []
    agreed = contract("CA-07-EXPULSIONS-BANS", "2.0.0")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (register,) = make_registers("GB", folder, uk_returns=returns)
        workshop = Workshop(
            settings=PreparationSettings(),
            work=folder,
            bad_rows=folder / "bad-rows.csv",
            show=lambda _: None,
            progress=lambda _stage, _share: None,
        )
        mapping = parse_mapping(register.mapping.read_bytes(), file=register.mapping.name)
        table, _ = aggregate_extract(register.file, mapping, agreed, provider="GB", period="2018-Q4", workshop=workshop)
    parameters = SecretParameters.public_minima(agreed, salt=bytes(32))
    protection, protected = _timed(
        lambda: protect(table, agreed, parameters=parameters, progress=lambda _stage, _share: None)
    )
    audit, _ = _timed(lambda: audit_floor(protected.safe, agreed))
    cells, withheld = len(protected.safe.rows), len(protected.safe.withheld_keys())
    return [
        BenchRow(
            name=f"protect and audit {cells:,} cells of the real register ({withheld:,} withheld)",
            value=protection,
            unit="s",
            limit_name="a reader's exact audit of the result",
            limit_value=audit,
            ratio=protection / audit,
            goal=f"≤ {GOAL:g} ×",
            met=protection / audit <= GOAL,
        )
    ]


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result
