"""`make bench`: every figure beside its limit. Arguments name the benchmarks to run; none runs all.

Nothing here is a test: figures move with the machine, ratios measured side by side in one run move less.
"""

import importlib
import sys

from tests.bench.report import machine, show

BENCHES = (
    "aggregate",
    "disclosure",
    "log",
    "proofs",
    "registry",
    "verify",
    "audit",
    "mirror",
    "pulls",
    "access",
    "pages",
)


def main() -> int:
    wanted = sys.argv[1:] or list(BENCHES)
    print(f"machine: {machine()}")
    for name in wanted:
        print(f"\n== {name}")
        show(importlib.import_module(f"tests.bench.bench_{name}").run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
