"""A file has one purpose and at most 400 lines, a function at most 50, and nothing is left open."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(p for top in ("exchange", "nodes", "tests") for p in (ROOT / top).rglob("*.py"))
SOURCE = [p for p in FILES if "tests" not in p.relative_to(ROOT).parts]


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_has_at_most_400_lines(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("file", SOURCE, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_function_has_at_most_50_lines(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 <= 50, node.name


@pytest.mark.parametrize("file", SOURCE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_open_end_is_a_comment(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert re.search(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b", text) is None


@pytest.mark.parametrize("file", SOURCE, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_silenced_check_says_why(file: Path) -> None:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if "# noqa" in line or "type: ignore" in line:
            assert re.search(r"(noqa|type: ignore)[^#]*#\s*\w+", line), f"line {number}: {line.strip()}"
