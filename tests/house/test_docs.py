"""What the pages say exists: every command in a code span or block, and every path in a table."""

import re
from pathlib import Path

import pytest

from exchange.log.entry import EntryType
from nodes.cli.table import find, group
from nodes.web.problems import STATUS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "keys/README.md", "docker-compose.yml")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TOP = ("exchange/", "nodes/", "contracts/", "keys/", "tests/", "docs/")
OPTIONS_WITH_VALUE = {"--node", "--home", "--lang"}


def commands_in(text: str) -> list[list[str]]:
    """The words after `exchange` in code spans, in fenced blocks and in comments of the compose file."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [
        line
        for block in re.findall(r"```(?:sh|console|text)?\n(.*?)```", text, re.DOTALL)
        for line in block.split("\n")
    ]
    found = []
    for piece in (*spans, *lines):
        called = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?exchange((?: +[^\s#]+)+)", piece)
        if called is not None:
            found.append(words(called[1].split()))
    return [command for command in found if command]


def words(argv: list[str]) -> list[str]:
    """The command's words and arguments without the global options; an ellipsis stands for options left out."""
    kept: list[str] = []
    rest = iter(argv)
    for word in rest:
        if word in OPTIONS_WITH_VALUE:
            next(rest, None)
        elif not word.startswith(("-", "…", "[")):
            kept.append(word)
    return kept


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_exists(page: Path) -> None:
    for command in commands_in(page.read_text(encoding="utf-8")):
        known = find(command) is not None or bool(group(command[0]) and len(command) == 1)
        assert known, " ".join(command)


def test_the_pages_do_name_commands() -> None:
    named = {" ".join(command[:2]) for page in PAGES for command in commands_in(page.read_text(encoding="utf-8"))}
    assert {"clearance show", "bundle diff", "audit run"} <= named


def paths_in_tables(text: str) -> list[str]:
    """What looks like a path of the repository in the rows of tables."""
    rows = [line for line in text.split("\n") if line.startswith("|")]
    spans = [span for row in rows for span in re.findall(r"`([^`]+)`", row)]
    return [span for span in spans if span.startswith(TOP) and re.fullmatch(r"[\w./-]+", span)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_in_a_page_s_tables_exists(page: Path) -> None:
    for path in paths_in_tables(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


def test_the_readme_s_tables_do_name_paths() -> None:
    assert len(paths_in_tables((ROOT / "README.md").read_text(encoding="utf-8"))) >= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_the_protocol_names_every_code_that_has_a_status_of_its_own_beside_it() -> None:
    rows = [line for line in (ROOT / "docs/PROTOCOL.md").read_text(encoding="utf-8").split("\n") if line[:2] == "| "]
    for code, status in STATUS.items():
        assert any(f"`{code}`" in row and str(status.value) in row.split("|")[1] for row in rows), code


def test_the_protocol_names_every_type_of_entry() -> None:
    protocol = (ROOT / "docs/PROTOCOL.md").read_text(encoding="utf-8")
    assert [kind.value for kind in EntryType if f"`{kind.value}`" not in protocol] == []


def test_the_first_decision_names_every_adapter() -> None:
    page = (ROOT / "docs/decisions/0001-modules-beyond-the-design.md").read_text(encoding="utf-8")
    named = {*re.findall(r"\w+", page), "clock"}  # the clock is the design's own
    assert {file.stem for file in (ROOT / "nodes/adapters").glob("[!_]*.py")} <= named


def test_the_index_of_decisions_names_every_page_by_its_number_and_title_in_order() -> None:
    folder = ROOT / "docs/decisions"
    titles = [(page.name, page.read_text(encoding="utf-8").split("\n", 1)[0]) for page in sorted(folder.glob("0*.md"))]
    expected = [f"- [{title[2:].split('.')[0]}]({name}): {title.split('. ', 1)[1]}" for name, title in titles]
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("- ")] == expected
