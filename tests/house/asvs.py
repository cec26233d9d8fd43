"""`python -m tests.house.asvs` writes docs/asvs.md: each requirement of OWASP ASVS 5.0 with its tests or its reason.

What a test shows it says itself (`@pytest.mark.asvs("V9.1.1")`); asvs.toml beside this file lists the requirements.
"""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/asvs.md"
HEADER = "| id | level | what | shown by, or why not |\n|---|---|---|---|"
CHAPTERS = {
    "V6": "Authentication",
    "V7": "Session management",
    "V8": "Authorization",
    "V9": "Self-contained tokens",
    "V10": "OAuth and OIDC",
    "V11": "Cryptography",
    "V12": "Secure communication",
    "V16": "Security logging and error handling",
}


@dataclass(frozen=True)
class Requirement:
    """One requirement: its level, our short words, and why no test shows it or what stands beside the tests."""

    id: str
    level: int
    what: str
    reason: str = ""


def requirements() -> dict[str, list[Requirement]]:
    """All, by chapter, in the standard's order."""
    document = tomllib.loads((ROOT / "tests/house/asvs.toml").read_text(encoding="utf-8"))
    return {
        chapter: [Requirement(id=name, **members) for name, members in listed.items()]
        for chapter, listed in document.items()
    }


def marked() -> dict[str, list[tuple[Path, str]]]:
    """The tests that say they show a requirement, by its id."""
    found: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if ".mark.asvs(" in text:
            for name, test in marks_in(ast.parse(text)):
                found[name].append((file, test))
    return dict(found)


def marks_in(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Each id and the test that bears it."""
    for test in module.body:
        if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in test.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.asvs":
                    yield from ((ast.literal_eval(argument), test.name) for argument in mark.args)


def page() -> str:
    """docs/asvs.md."""
    tests, chapters = marked(), requirements()
    listed = [one for chapter in chapters.values() for one in chapter]
    shown = sum(one.id in tests for one in listed)
    parts = [
        f"""# OWASP ASVS 5.0

Every requirement of the chapters V6 to V12 and V16 of the OWASP Application Security Verification Standard 5.0.0, all
three levels, in short words of our own; its text is the standard's. Each has the tests that show it, or the reason why
none does: {len(listed)} requirements, {shown} shown by tests, {len(listed) - shown} with a reason alone. Written by
`python -m tests.house.asvs` from the tests' own marks; a house test holds it true.
"""
    ]
    for chapter, found in chapters.items():
        rows = "\n".join(_row(one, tests) for one in found)
        parts.append(f"## {chapter} {CHAPTERS[chapter]}\n\n{HEADER}\n{rows}\n")
    return "\n".join(parts)


def _row(one: Requirement, tests: Mapping[str, list[tuple[Path, str]]]) -> str:
    links = [
        f"[{test.removeprefix('test_').replace('_', ' ')}](../{file.relative_to(ROOT)})"
        for file, test in tests.get(one.id, ())
    ]
    said = "; ".join([*links, *([one.reason] if one.reason else [])])
    return f"| {one.id} | {one.level} | {one.what} | {said} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
