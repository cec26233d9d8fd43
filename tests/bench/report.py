"""How a benchmark is told: each figure beside its limit, measured in the same run on the same machine."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """One measured figure and the limit it is compared with.

    Attributes:
        ratio: `value` over `limit_value`, or the other way round where less is better; `goal` says which way.
    """

    name: str
    value: float
    unit: str
    limit_name: str
    limit_value: float
    ratio: float
    goal: str
    met: bool


def machine() -> str:
    """The machine the figures were measured on, without its name."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return f"{os.cpu_count()} cores ({model}), {int(memory) // 1024 // 1024} GiB, Python {platform.python_version()}"


def show(rows: list[BenchRow]) -> None:
    """Print the rows as a table."""
    for row in rows:
        mark = "met   " if row.met else "MISSED"
        print(
            f"{mark} {row.name}: {row.value:,.1f} {row.unit} | {row.limit_name}: {row.limit_value:,.1f} {row.unit} "
            f"| ratio {row.ratio:.3f} (goal {row.goal})"
        )


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
