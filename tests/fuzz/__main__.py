"""`python -m tests.fuzz [NAME…]`: mutate documents at every parser, each for FUZZ_SECONDS (600) of processor time.

A failure is shrunk by hypothesis, printed, and ends the run with 1. FUZZ_SEED begins another sequence.
"""

import os
import sys
from time import process_time

from hypothesis import HealthCheck, Verbosity, given, seed, settings

from tests.fuzz.mutation import mutated
from tests.fuzz.parsers import targets
from tests.fuzz.target import Target

ROUND = 1000
"""Examples of one call of hypothesis: between them the clock is read."""


def main(names: list[str]) -> int:
    seconds, first = float(os.environ.get("FUZZ_SECONDS", "600")), int(os.environ.get("FUZZ_SEED", "1"))
    known = targets()
    unknown = set(names) - known.keys()
    if unknown:
        sys.stderr.write(f"no parser {', '.join(sorted(unknown))}; there are: {', '.join(known)}\n")
        return 2
    for name in names or known:
        began = process_time()
        tried, accepted, number = 0, 0, first
        while process_time() - began < seconds:
            more, taken = attempt(known[name], number)
            tried, accepted, number = tried + more, accepted + taken, number + 1
        sys.stdout.write(f"{name}: {tried} documents, {accepted} accepted, {process_time() - began:.0f} s of CPU\n")
        sys.stdout.flush()
    return 0


def attempt(target: Target, number: int) -> tuple[int, int]:
    """One round of examples: how many, and how many of them the parser accepted."""
    tried, accepted = 0, 0

    @seed(number)
    @settings(
        max_examples=max(10, min(ROUND, target.rate * 5)),
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated(target.seeds))
    def one(raw: bytes) -> None:
        nonlocal tried, accepted
        tried += 1
        accepted += target.check(raw)

    one()
    return tried, accepted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
