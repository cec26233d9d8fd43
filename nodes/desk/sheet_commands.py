"""`exchange clearance print`: the sheet of a candidate on paper, to read, to sign by hand, to file."""

from collections.abc import Callable, Mapping
from pathlib import Path

from exchange.encoding import Digest
from exchange.errors import ExitCode
from nodes.adapters.durable import write_durably
from nodes.desk.cases import Desk
from nodes.desk.finding import CANDIDATE_FORM, find_shown
from nodes.desk.sheet import sheet_of
from nodes.desk.sheet_document import sheet_document
from nodes.paper import Document, html_bytes, pdf_bytes
from nodes.terminal import CommandParser, Invocation

FORMATS: Mapping[str, Callable[[Document], bytes]] = {"pdf": pdf_bytes, "html": html_bytes}


def print_sheet(invocation: Invocation) -> int:
    """`clearance print FOLDER|CONTRACT PERIOD -o FILE`: written whole, or not at all."""
    parser = CommandParser(invocation.command, "What would leave, on paper: table, difference, readers, digest words.")
    parser.add_argument("candidate", nargs="+", metavar=CANDIDATE_FORM)
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE")
    parser.add_argument("--format", choices=[*FORMATS], default="pdf")
    arguments = invocation.parse(parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    files, case = find_shown(desk, arguments.candidate)
    raw = FORMATS[arguments.format](sheet_document(sheet_of(desk, files, case), invocation.output.language))
    write_durably(arguments.output, raw)
    size, name = len(raw), files.candidate.name
    invocation.output.say(
        en=f"{arguments.output}: {name}, {size} bytes", ru=f"{arguments.output}: {name}, байт: {size}"
    )
    invocation.output.result(
        {"file": str(arguments.output), "name": name, "bytes": size, "sha256": str(Digest.of(raw))}
    )
    return ExitCode.FINE
