"""`python -m tests.mutants [--functions] [MODULE…]`: change exchange/log, and name what no test notices.

Without modules all of them; with --functions only what stands in functions, which takes a tenth of the time (the rest
takes a fresh import each). 1 if anything survives that docs/mutation.md does not explain.
"""

import ast
import sys
import time
from pathlib import Path

from tests.mutants.changes import Mutant, mutants
from tests.mutants.running import try_all, watch

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "exchange" / "log"
TESTS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/unit/core").glob("test_log_*.py"))
EXPLAINED = ROOT / "docs" / "mutation.md"


def main(arguments: list[str]) -> int:
    """Try every change; print the survivors."""
    functions, names = "--functions" in arguments, [one for one in arguments if one != "--functions"]
    began, watcher = time.process_time(), watch(PACKAGE, TESTS)
    explained, unexplained, tried = EXPLAINED.read_text(encoding="utf-8"), 0, 0
    for file in sorted(PACKAGE.glob("*.py")):
        if names and file.stem not in names:
            continue
        source, module = file.read_text(encoding="utf-8"), f"exchange.log.{file.stem}"
        changes = [mutant for mutant in mutants(source) if mutant.function is not None or not functions]
        if not tried:
            same = Mutant(function=None, line=0, what="", tree=ast.parse(source))
            if not try_all(module, file, [same], watcher, TESTS).survivors:
                raise SystemExit(f"{module}: the tests fail without any change")
        trials = try_all(module, file, changes, watcher, TESTS)
        tried += trials.tried
        for mutant in trials.survivors:
            known = _row(file, mutant) in explained
            unexplained += not known
            _say(f"{'explained' if known else 'SURVIVED'}: {_row(file, mutant)}")
    _say(f"{tried} changes tried, {unexplained} survived without explanation; {time.process_time() - began:.0f} s here")
    return int(unexplained > 0)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _row(file: Path, mutant: Mutant) -> str:
    """How docs/mutation.md names a survivor: without a line number, so that it stays true when code moves."""
    return f"`{file.stem}.{mutant.function or 'module'}`: `{mutant.what}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
