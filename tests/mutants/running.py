"""Running the tests against a changed module: each mutant in a process of its own, forked where all is imported.

A function is changed in place, by its code; whatever has imported it then runs the change. What a module says outside
of functions takes a fresh import, and so does a function that no test calls.
"""

import importlib
import importlib.abc
import importlib.machinery
import io
import os
import resource
import sys
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import _lru_cache_wrapper, partial
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType

import pytest
from hypothesis import settings

from tests.mutants.changes import Mutant

CPU_S_MAX = 120
"""Of one mutant."""
CPU_S_MORE, CPU_TIMES_MAX = 3, 4
"""How much longer than without a change a test may take: a loop without an end is noticed too."""
OPTIONS = (
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:randomly",
    "--no-header",
    "--tb=no",
    "--hypothesis-profile=mutants",
)

settings.register_profile("mutants", derandomize=True, database=None, deadline=None)


class Watcher:
    """A pytest plugin: how long each test takes, and which functions of a package it calls."""

    def __init__(self, package: Path) -> None:
        self._package = str(package)
        self.seconds: dict[str, float] = {}
        self.callers: dict[tuple[str, str], set[str]] = defaultdict(set)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Watch one test, its fixtures included."""
        called: set[CodeType] = set()

        def note(frame: FrameType, event: str, _: object) -> None:
            if event == "call":
                called.add(frame.f_code)

        began = time.process_time()
        sys.setprofile(note)
        try:
            return (yield)
        finally:
            sys.setprofile(None)
            self.seconds[item.nodeid] = time.process_time() - began
            for code in called:
                if code.co_filename.startswith(self._package):
                    self.callers[code.co_filename, code.co_qualname.partition(".<locals>")[0]].add(item.nodeid)


def watch(package: Path, tests: Sequence[str]) -> Watcher:
    """Run all tests once, unchanged.

    Raises:
        SystemExit: One of them fails.
    """
    watcher = Watcher(package)
    if pytest.main([*OPTIONS, *tests], plugins=[watcher]) != 0:
        raise SystemExit("the tests fail without any change")
    return watcher


class Trials:
    """A pytest plugin: when all tests are collected, tries every change on those that call what it changes."""

    def __init__(self, module: str, file: Path, changes: Iterable[Mutant], watcher: Watcher) -> None:
        self._module, self._file, self._changes, self._watcher = module, file, changes, watcher
        self.tried = 0
        self.survivors: list[Mutant] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of the tests."""
        items = {item.nodeid: item for item in session.items}
        every = sorted(items, key=lambda test: self._watcher.seconds.get(test, 0.0))
        for mutant in self._changes:
            callers = self._watcher.callers[str(self._file), mutant.function or ""]
            anew = mutant.function is None or not callers  # a function that no test calls may be called by the import
            tests = every if anew else [test for test in every if test in callers]
            self.tried += 1
            if not _is_noticed(partial(self._try, mutant, [items[test] for test in tests], anew=anew)):
                self.survivors.append(mutant)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """In the child: one failure is enough."""
        if report.failed:
            os._exit(1)

    def _try(self, mutant: Mutant, items: Sequence[pytest.Item], *, anew: bool) -> int:
        """In the child: 0 if all pass."""
        code = compile(mutant.tree, str(self._file), "exec")
        if anew or mutant.function is None:
            _import_anew(self._module, code)
            return int(pytest.main([*OPTIONS, *(item.nodeid for item in items)]))
        _change_in_place(importlib.import_module(self._module), mutant.function, code)
        for item in items:
            allowed = time.process_time() + CPU_TIMES_MAX * self._watcher.seconds[item.nodeid] + CPU_S_MORE
            resource.setrlimit(resource.RLIMIT_CPU, (int(allowed), CPU_S_MAX))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return 0


def try_all(module: str, file: Path, changes: Iterable[Mutant], watcher: Watcher, tests: Sequence[str]) -> Trials:
    """Each change in a process of its own."""
    trials = Trials(module, file, changes, watcher)
    with redirect_stdout(io.StringIO()):
        pytest.main([*OPTIONS, *tests], plugins=[trials])
    return trials


def _is_noticed(attempt: Callable[[], int]) -> bool:
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            try:
                os._exit(attempt())
            except BaseException:  # noqa: BLE001  # whatever it is, the change was noticed
                os._exit(1)
    _, status = os.waitpid(child, 0)
    return status != 0


def _change_in_place(module: ModuleType, function: str, code: CodeType) -> None:
    place: object = module
    for name in function.split("."):
        place = vars(place)[name]
        code = next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)
    if isinstance(place, property):
        place = place.fget
    place = getattr(place, "__func__", place)
    place = getattr(place, "__wrapped__", place)
    assert isinstance(place, FunctionType)
    place.__code__ = code
    for known in list(sys.modules.values()):
        for cached in list(vars(known).values()) if known.__name__.startswith("exchange.") else ():
            if isinstance(cached, _lru_cache_wrapper):
                cached.cache_clear()


def _import_anew(module: str, code: CodeType) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] in {"exchange", "nodes", "tests"}:
            del sys.modules[name]
    sys.meta_path.insert(0, _Finder(module, code))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, module: str, code: CodeType) -> None:
        self._module, self._code = module, code

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The changed module, and no other."""
        return importlib.machinery.ModuleSpec(fullname, self) if fullname == self._module else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        exec(self._code, vars(module))
