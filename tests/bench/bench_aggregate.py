"""The aggregation step on 910,730 person records, beside raw DuckDB with the same margins and distinct counts.

Ours reads the file, maps and checks every field of every row, then makes both tables of CA-07 with all margins and
exact distinct persons. The limit is what an analyst would type: GROUP BY CUBE with count(DISTINCT person), one query
per table over the same Parquet file, nothing checked and nothing mapped. Both may use the same threads and memory.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from nodes.preparation.extract import Workshop, aggregate_extract
from nodes.preparation.mapping import parse_mapping
from nodes.settings import PreparationSettings
from tests.bench.report import BenchRow
from tests.shared import SHARED
from tests.world.contracts import contract

RECORDS = 910_730
LARGE_RECORDS = 10_000_000
ROUNDS = 3
GOAL = 2.0
SETTINGS = PreparationSettings(memory_mb=1024, threads=2)

NATIONALITIES = Path(__file__).resolve().parents[2] / "nodes" / "demo" / "mappings" / "uk-returns.toml"
RETURNS = SHARED / "data" / "uk-returns" / "returns_2004_2018.parquet"


def run() -> list[BenchRow]:
    """Measure both in turns, the best of each; then the memory of a process that aggregates ten million rows."""
    if not RETURNS.exists():
        print("not measured: the Home Office's table is not beside this checkout")
        return []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        records = folder / "records.parquet"
        _expand(records, RECORDS)
        mapping = _mapping(folder)
        ours, raw = _best(lambda: _ours(records, mapping, folder)), _best(lambda: _raw(records))
        ratio = ours / raw
        large = folder / "large.parquet"
        _expand(large, LARGE_RECORDS)
        return [
            BenchRow(
                name=f"aggregate {RECORDS:,} records: read, map, check, margins, distinct persons",
                value=ours, unit="s", limit_name="raw DuckDB, same margins and distinct counts", limit_value=raw,
                ratio=ratio, goal=f"≤ {GOAL:g} ×", met=ratio <= GOAL,
            ),
            _memory(large, folder),
        ]  # fmt: skip


def _memory(large: Path, folder: Path) -> BenchRow:
    """Peak resident memory of a process of its own."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom tests.bench import bench_aggregate as bench\n"
        "bench.large(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(large), str(folder)], capture_output=True, text=True, check=True
    )
    seconds, megabytes = map(float, done.stdout.split())
    # DuckDB's limit does not count Python, the libraries and some of its own buffers.
    bound = SETTINGS.memory_mb + 512.0
    return BenchRow(
        name=f"peak memory on {LARGE_RECORDS:,} records ({seconds:.1f} s)",
        value=megabytes, unit="MB", limit_name="memory_mb of the settings + 512", limit_value=bound,
        ratio=megabytes / bound, goal="≤ 1 ×", met=megabytes <= bound,
    )  # fmt: skip


def large(records: Path, folder: Path) -> None:
    """Aggregate once and print seconds and peak megabytes; run in a process of its own."""
    begin = time.perf_counter()
    _ours(records, _mapping(folder), folder)
    seconds = time.perf_counter() - begin
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)


def _ours(records: Path, mapping: Path, folder: Path) -> int:
    workshop = Workshop(
        settings=SETTINGS, work=folder / "work", bad_rows=folder / "bad.csv", show=lambda _: None,
        progress=lambda _stage, _share: None,
    )  # fmt: skip
    table, _ = aggregate_extract(
        records,
        parse_mapping(mapping.read_bytes(), file=mapping.name),
        contract("CA-07-EXPULSIONS-BANS", "2.0.0"),
        provider="GB",
        period="2018-Q4",
        workshop=workshop,
    )
    return len(table.cells)


def _raw(records: Path) -> int:
    cells = 0
    with duckdb.connect(config={"threads": SETTINGS.threads, "memory_limit": f"{SETTINGS.memory_mb}MB"}) as connection:
        for third in ("sex", "age"):
            cells += len(
                connection.execute(
                    f"SELECT nationality, return_type_group, {third}, count(*), count(DISTINCT person) "
                    f"FROM '{records}' GROUP BY CUBE (nationality, return_type_group, {third})"
                ).fetchall()
            )
    return cells


def _best(measure: Callable[[], object]) -> float:
    found = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        measure()
        found.append(time.perf_counter() - begin)
    return min(found)


def _expand(records: Path, total: int) -> None:
    """Each row of the table of counts repeated by its count, with a pseudonym; again from the start if too few."""
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT nationality, return_type_group, age, sex, substr(md5(n::VARCHAR), 1, 12) AS person FROM ("
            "SELECT *, row_number() OVER () AS n "
            f"FROM '{RETURNS}', range(number_of_returns) AS persons, range({-(-total // RECORDS)}) AS times)"
            f" WHERE n <= {total}) TO '{records}' (FORMAT parquet)"
        )


def _mapping(folder: Path) -> Path:
    """The shipped mapping, for all periods at once and with persons counted by pseudonym.

    Refusals at the port count as voluntary here, so that all 910,730 records are aggregated.
    """
    shipped = NATIONALITIES.read_text(encoding="utf-8")
    changes = {
        '[[filter]]\ncolumn = "return_type_group"\ndrop = ["Refused entry at port and subsequently departed"]\n': "",
        'column = "quarter"\nformat = "quarter"\n': 'whole_extract = "2018-Q4"\n',
        "person = { each_row = true }": 'person = { column = "person" }',
        '"Voluntary return" = "VOL"': (
            '"Voluntary return" = "VOL"\n"Refused entry at port and subsequently departed" = "VOL"'
        ),
    }
    for old, new in changes.items():
        assert old in shipped, old
        shipped = shipped.replace(old, new)
    file = folder / "MAP.toml"
    file.write_text(shipped, encoding="utf-8")
    return file
