"""`exchange errors`: what a code means and how to mend it; and the pages of docs/errors/."""

from pathlib import Path

from exchange.errors import ExchangeError, ExitCode
from exchange.errors.catalogue import every_leaf
from exchange.errors.settings import CodeUnknownError
from nodes.terminal import CommandParser, Invocation
from nodes.web.error_pages import cause, index, page, status

INDEX = "README.md"


def errors(call: Invocation) -> int:
    """`errors [CODE]`: the page of one code, or the list of all; `--pages FOLDER` writes them."""
    parser = CommandParser(call.command, "what a code means, who can mend it, and how")
    parser.add_argument("code", nargs="?", help="such as receipt-owed; without it: all codes")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="write a page for each code")
    asked = call.parse(parser)
    leaves = {leaf.code: leaf for leaf in every_leaf()}
    if asked.pages is not None:
        _write(asked.pages, leaves)
        call.output.say(en=f"{len(leaves)} pages in {asked.pages}", ru=f"страниц в {asked.pages}: {len(leaves)}")
        call.output.result({"pages": len(leaves)})
        return ExitCode.FINE
    if asked.code is None:
        call.output.table(
            ["code", "", "exit"], [[leaf.code, leaf.side, int(leaf.exit_code)] for leaf in leaves.values()]
        )
        call.output.result({"errors": [_described(leaf) for leaf in leaves.values()]})
        return ExitCode.FINE
    if asked.code not in leaves:
        raise CodeUnknownError(found=asked.code)
    call.output.text(page(leaves[asked.code]).rstrip())
    call.output.result(_described(leaves[asked.code]))
    return ExitCode.FINE


def _write(folder: Path, leaves: dict[str, type[ExchangeError]]) -> None:
    """Write all pages; a page of a code that is gone goes too."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.stem not in leaves:
            old.unlink()
    for code, leaf in leaves.items():
        (folder / f"{code}.md").write_text(page(leaf), encoding="utf-8")
    (folder / INDEX).write_text(index(), encoding="utf-8")


def _described(leaf: type[ExchangeError]) -> dict[str, object]:
    return {
        "code": leaf.code,
        "side": leaf.side.value,
        "exit_code": int(leaf.exit_code),
        "status": status(leaf),
        "cause": cause(leaf),
        "sentence": {"en": leaf.en, "ru": leaf.ru},
        "mend": {"en": leaf.mend_en, "ru": leaf.mend_ru},
    }
