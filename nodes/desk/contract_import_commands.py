"""`exchange contract import`: a draft of our contract from somebody else's plain ODCS file, and what it lacks."""

import errno
import json
import os
from pathlib import Path

from exchange.encoding import Json
from exchange.errors import ExitCode
from nodes.adapters.durable import write_durably
from nodes.adapters.plain_files import read_plain
from nodes.desk.contract_import_draft import Draft, draft_contract
from nodes.terminal import CommandParser, Invocation, Output, printable

_SHOWN_MAX = 60
"""Characters of an example in the table; the whole of it is in the draft and in `--json`."""


def import_odcs(invocation: Invocation) -> int:
    """`contract import FILE -o DRAFT`: writes the draft, never over a file that is there, and signs nothing."""
    parser = CommandParser(invocation.command, "Make a draft of our contract from a plain ODCS 3.1 file.")
    parser.add_argument("file", type=Path, metavar="FILE", help="somebody's ODCS 3.1 contract")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="DRAFT")
    parser.add_argument("--object", metavar="NAME", help="which schema object, where the file has several")
    arguments = invocation.parse(parser)
    draft = draft_contract(read_plain(arguments.file), chosen=arguments.object)
    if arguments.output.exists():  # it may be a draft in which somebody has decided terms
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(arguments.output))
    write_durably(arguments.output, draft.raw)
    _tell(invocation.output, arguments.output, draft)
    invocation.output.result(_json(arguments.output, draft))
    return ExitCode.FINE


def _tell(output: Output, file: Path, draft: Draft) -> None:
    russian = output.language == "ru"
    if draft.lacking:
        output.table(
            ["строка", "предстоит решить", "пример", "в файле"]
            if russian
            else ["line", "to decide", "example", "file has"],
            [[term.line, printable(term.where), _short(term.example), _found(term.found)] for term in draft.lacking],
        )
    if draft.left_out:
        output.line()
        output.table(
            ["строка файла", "не перенесено", "почему"] if russian else ["line of file", "not taken over", "why"],
            [
                [left.line or "-", printable(left.where), left.reason.ru if russian else left.reason.en]
                for left in draft.left_out
            ],
        )
    output.line()
    output.say(
        en=f"{file}: a draft, not a contract: {len(draft.taken)} terms taken, {len(draft.lacking)} to decide "
        f"(TO_DECIDE); then: exchange contract check {file}",
        ru=f"{file}: черновик, не договор: перенесено условий {len(draft.taken)}, предстоит решить "
        f"{len(draft.lacking)} (TO_DECIDE); затем: exchange contract check {file}",
    )


def _json(file: Path, draft: Draft) -> dict[str, object]:
    return {
        "draft": str(file),
        "taken": [{"where": term.where, "fileLine": term.line} for term in draft.taken],
        "lacking": [
            {"where": term.where, "line": term.line, "example": term.example, "found": term.found}
            for term in draft.lacking
        ],
        "leftOut": [{"where": left.where, "fileLine": left.line, "reason": left.reason.en} for left in draft.left_out],
    }


def _found(found: Json) -> str:
    return "-" if found is None else _short(found)


def _short(value: Json) -> str:
    text = printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"
