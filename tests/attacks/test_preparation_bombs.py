"""Extracts made to burst the preparation: small files that unpack to huge ones, lines without end, altered packing.

Each is refused in words, within bounded memory, leaves nothing of itself behind, and the next honest extract is built.
"""

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from exchange.errors import ExchangeError
from exchange.errors.preparation import BadRowsError, RegisterUnreadableError
from tests.unit.nodes import preparation_contracts as contracts
from tests.unit.nodes.preparation_tools import BORDER_MAP, Bench

HEADER = "month,direction,citizenship,region,sex,traveller\n"
ROW = "2026-09,IN,KZ,KZ-75,м,t1\n"
QUOTE = '"'
UNPACKED = 64 * 1024 * 1024
MEMORY_MAX = 24 * 1024 * 1024
"""Of Python's own; DuckDB's is bounded by the settings."""


def long_line(before: str) -> bytes:
    return gzip.compress(before.encode() + b"a" * UNPACKED + b"\n")


def altered() -> bytes:
    """Packed data with one byte changed in the middle."""
    rows = "".join(f"2026-09,IN,KZ,KZ-75,м,{number * 7919 % 99991}\n" for number in range(20_000))
    packed = bytearray(gzip.compress((HEADER + rows).encode()))
    packed[len(packed) // 2 : len(packed) // 2 + 8] = b"\xff" * 8
    return bytes(packed)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        pytest.param("r.csv.gz", lambda: long_line(""), RegisterUnreadableError, id="a header of 64 MB"),
        pytest.param("r.csv.gz", lambda: long_line(HEADER + ROW), RegisterUnreadableError, id="a row of 64 MB"),
        pytest.param("r.csv.gz", lambda: long_line(HEADER + '"'), RegisterUnreadableError, id="a field never closed"),
        pytest.param(
            "r.csv", (HEADER + QUOTE + "a\n" * 100_000).encode, BadRowsError, id="a field over all lines"
        ),
        pytest.param("r.csv", lambda: b"," * 20_000, RegisterUnreadableError, id="twenty thousand columns"),
        pytest.param(
            "r.csv.gz", lambda: b"\x1f\x8b\x08" + bytes(6) + b"\x03" + b"\xff" * 40, RegisterUnreadableError,
            id="packing that is none",
        ),
        pytest.param("r.csv.gz", altered, RegisterUnreadableError, id="packing altered in the middle"),
        pytest.param("r.csv.gz", lambda: gzip.compress(long_line("")), RegisterUnreadableError, id="packed twice"),
    ],
)  # fmt: skip
def test_an_extract_that_is_made_to_burst_is_refused_in_bounded_memory(
    bench: Bench, name: str, content: Callable[[], bytes], refusal: type[ExchangeError]
) -> None:
    file = bench.file(name, content())
    tracemalloc.start()
    try:
        with pytest.raises(refusal) as refused:
            bench.aggregate(file, BORDER_MAP, contracts.border(), "2026-09")
        assert tracemalloc.get_traced_memory()[1] < MEMORY_MAX
    finally:
        tracemalloc.stop()
    assert len(refused.value.sentence()) < 1000
    assert "aaaa" not in refused.value.sentence()
    honest = bench.file("honest.csv", HEADER + ROW)
    assert bench.aggregate(honest, BORDER_MAP, contracts.border(), "2026-09")[1].rows == 1


def test_parquet_of_a_million_equal_rows_is_counted_and_not_unpacked(bench: Bench) -> None:
    file = bench.folder / "r.parquet"
    values = ", ".join(f"'{value}' AS {name}" for name, value in zip(HEADER.split(","), ROW.split(","), strict=True))
    duckdb.sql(f"COPY (SELECT {values.replace(chr(10), '')} FROM range(1000000)) TO '{file}'")
    assert file.stat().st_size < 100_000
    table, census = bench.aggregate(file, BORDER_MAP, contracts.border(), "2026-09")
    assert census.rows == 1_000_000
    assert {cell.value for cell in table.cells.values()} == {1_000_000}
