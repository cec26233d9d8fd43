"""`exchange contract export`: a contract for other people's programs (SDMX 3.0) and for paper (HTML).

What is written follows from the signed text alone; only the foot of a printed page adds who has signed so far.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.errors import ExitCode, Language
from exchange.sdmx.structures import contract_structures
from exchange.sdmx.structures_write import write_json, write_ml
from nodes.adapters.durable import write_durably
from nodes.desk.contract_export_page import Signing, contract_page
from nodes.desk.contract_sources import read_contract, read_shelf
from nodes.terminal import CommandParser, Invocation

FORMATS: Mapping[str, Callable[[DataContract], bytes]] = {
    "sdmx-ml": lambda contract: write_ml(contract_structures(contract)),
    "sdmx-json": lambda contract: write_json(contract_structures(contract)),
}
PAGE = "html"


def export(invocation: Invocation) -> int:
    """`contract export CONTRACT [VERSION] --format sdmx-ml|sdmx-json|html -o FILE`: written whole, or not at all."""
    parser = CommandParser(invocation.command, "Write a contract as SDMX 3.0 structures, or as a page to print.")
    parser.add_argument("contract", metavar="CONTRACT", help="a file, or ID, or ID/VERSION")
    parser.add_argument("version", metavar="VERSION", nargs="?", help="where the ID alone does not say it")
    parser.add_argument("--format", required=True, choices=[*FORMATS, PAGE])
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE")
    parser.add_argument("--language", choices=["en", "ru"], help="of the page; by default that of this command")
    parser.add_argument("--trust", type=Path, metavar="FOLDER", help="whose statements the page's foot tells")
    arguments = invocation.parse(parser)
    asked = arguments.contract if arguments.version is None else f"{arguments.contract}/{arguments.version}"
    contract = read_contract(invocation, asked)
    if arguments.format == PAGE:
        language: Language = arguments.language or invocation.output.language
        raw = contract_page(contract, language, _signing(invocation, arguments.trust, contract))
    else:
        raw = FORMATS[arguments.format](contract)
    write_durably(arguments.output, raw)
    _tell(invocation, contract, arguments.output, raw)
    return ExitCode.FINE


def _tell(invocation: Invocation, contract: DataContract, file: Path, raw: bytes) -> None:
    size = len(raw)
    invocation.output.say(
        en=f"{file}: {contract.id} {contract.version}, {size} bytes",
        ru=f"{file}: {contract.id} {contract.version}, байт: {size}",
    )
    invocation.output.result(
        {
            "file": str(file),
            "id": contract.id,
            "version": contract.version,
            "digest": str(contract.digest),
            "bytes": size,
            "sha256": str(Digest.of(raw)),
        }
    )


def _signing(invocation: Invocation, trust: Path | None, contract: DataContract) -> Signing | None:
    """Who has signed, by the trust folder or the node; None where neither is named, or it lacks the contract."""
    if trust is None and invocation.node is None:
        return None
    now = invocation.clock.now()
    shelf = read_shelf(invocation, trust, now)
    if contract.digest not in shelf.kept:
        return None
    return Signing.of(contract, shelf.kept[contract.digest].statements, shelf.standing(contract, at=now), now)
