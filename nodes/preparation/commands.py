"""`exchange bundle build`: from a register extract to a candidate that is safe to show to officers."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exchange.contract.model import DataContract
from exchange.disclosure.pool import Recoded
from exchange.errors import ExitCode
from exchange.errors.preparation import MappingValueError, PreparerError
from exchange.flow.prepare import Attribution, History, Preparation, Prepared, prepare
from nodes.adapters.contract_folder import read_contracts
from nodes.adapters.plain_files import read_plain
from nodes.adapters.preparation_notes import drop_note, keep_note
from nodes.adapters.trust_folder import load_trust
from nodes.preparation.aggregate import Census
from nodes.preparation.candidate import read_secret, write_candidate, write_loss
from nodes.preparation.extract import Workshop, aggregate_extract
from nodes.preparation.mapping import RegisterMapping, parse_mapping
from nodes.preparation.note import refusal_note
from nodes.preparation.past import read_history
from nodes.preparation.recoding import recode_extract
from nodes.preparation.rows import BadCell
from nodes.preparation.telling import Built, tell_build
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation, Output

BAD_ROWS_SHOWN_MAX = 20
"""How many bad fields the terminal shows; the report file has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What to build from what.

    Attributes:
        earlier: Of the same extract to the codes of an earlier contract, where a boundary moved within the period.
    """

    contract: DataContract
    period: str
    extract: Path
    mapping: RegisterMapping
    officer: str
    at: datetime
    reader: str | None
    output: Path | None
    earlier: RegisterMapping | None = None


def build(invocation: Invocation) -> int:
    """Run `exchange bundle build CONTRACT PERIOD --from FILE --mapping MAP.toml`."""
    arguments = invocation.parse(_parser(invocation))
    node = invocation.require_node()
    now = invocation.clock.now()
    trust = load_trust(node.keys, at=now)
    shelf = read_contracts(node.contracts, trust=trust)
    contract = shelf.chosen(arguments.contract, provider=node.member, at=now)
    shelf.require_in_force(contract, node.member, now)
    officer = arguments.officer or f"{node.member.lower()}-01"
    member, _ = trust.officer(officer, at=now)
    if member != node.member:
        raise PreparerError(officer=officer, expected=node.member, found=member)
    request = _request(arguments, contract, officer, now)
    history = read_history(node, contract, period=request.period, shelf=shelf, trust=trust)
    candidates, census = build_candidates(node, request, history=history, output=invocation.output)
    built = []
    for prepared in candidates:
        name = prepared.files.candidate.name
        place = request.output or node.work / "candidates"
        folder = write_candidate(prepared.files, place if request.output and len(candidates) == 1 else place / name)
        built.append(Built(prepared=prepared, folder=folder, loss=write_loss(prepared.loss, node.work, name=name)))
    tell_build(invocation, built, census)
    return ExitCode.FINE


def build_candidates(
    node: NodeFolder, request: BuildRequest, *, history: History, output: Output
) -> tuple[tuple[Prepared, ...], Census]:
    """Check, aggregate and protect one extract; nothing is written but the report of bad rows and the note to the desk.

    Raises:
        PreparationError: The mapping, the extract or its rows are refused.
        RecipientUnknownError: It is asked for a reader who receives nothing.
        DisclosureError: No safe candidate can be made.
    """
    secret = read_secret(node.private)
    workshop = Workshop(
        settings=node.settings.preparation,
        work=node.work,
        bad_rows=node.work / f"{request.extract.name}.bad-rows.csv",
        show=lambda cells: _tell_bad_rows(output, cells, node, request),
        progress=output.progress,
    )
    table, census = aggregate_extract(
        request.extract,
        request.mapping,
        request.contract,
        provider=node.member,
        period=request.period,
        workshop=workshop,
    )
    drop_note(node.work, refusal_note((), request.contract, period=request.period, at=request.at))
    mapping = request.mapping
    recoded = None if request.earlier is None else _recoded(request, request.earlier, history, node.member, workshop)
    prepared = prepare(
        Preparation(
            table=table,
            contract=request.contract,
            history=history,
            attribution=Attribution(title=mapping.title, sources=mapping.sources, licences=mapping.licences),
            prepared_by=request.officer,
            secret=secret,
            requests=mapping.withhold,
            recoded=recoded,
            progress=output.progress,
        ),
        reader=request.reader,
    )
    return prepared, census


def _recoded(
    request: BuildRequest, earlier: RegisterMapping, history: History, provider: str, workshop: Workshop
) -> Recoded:
    """The extract under the version of the contract that this period was released under before."""
    contract = request.contract
    before = [
        release
        for release in history.pool.releases
        if (release.contract.id, release.table.period) == (contract.id, request.period)
        and release.contract.digest != contract.digest
    ]
    if not before:
        expected = f"another version of {contract.id} under which {request.period} was released"
        raise MappingValueError(file=earlier.file, key="contract", expected=expected, found="none")
    newest = max(before, key=lambda release: release.revision)
    return recode_extract(
        request.extract,
        (request.mapping, contract),
        (earlier, newest.contract),
        provider=provider,
        period=request.period,
        workshop=workshop,
    )


def _parser(invocation: Invocation) -> CommandParser:
    parser = CommandParser(invocation.command, "aggregate and protect a register extract")
    parser.add_argument("contract", metavar="CONTRACT", help="id or its beginning, such as CA-01")
    parser.add_argument("period", metavar="PERIOD", help="2026-09, 2018-Q4 or 2024")
    parser.add_argument(
        "--from", dest="extract", type=Path, required=True, metavar="FILE", help=".csv, .csv.gz, .parquet"
    )
    parser.add_argument("--mapping", type=Path, required=True, metavar="MAP.toml", help="which column is what")
    parser.add_argument(
        "--earlier-mapping",
        type=Path,
        metavar="OLD.toml",
        help="the same columns in the codes of the version that this period was released under before",
    )
    parser.add_argument("--officer", metavar="ID", help="the data officer who builds, by default <member>-01")
    parser.add_argument("--for", dest="reader", metavar="MEMBER", help="only the candidate that this recipient gets")
    parser.add_argument("--output", type=Path, metavar="DIR", help="the candidate's folder, by default in the node's")
    return parser


def _request(arguments: Namespace, contract: DataContract, officer: str, at: datetime) -> BuildRequest:
    mapping: Path = arguments.mapping
    earlier: Path | None = arguments.earlier_mapping
    return BuildRequest(
        contract=contract,
        period=arguments.period,
        extract=arguments.extract,
        mapping=parse_mapping(read_plain(mapping), file=mapping.name),
        officer=officer,
        at=at,
        reader=arguments.reader and arguments.reader.upper(),
        output=arguments.output,
        earlier=None if earlier is None else parse_mapping(read_plain(earlier), file=earlier.name),
    )


def _tell_bad_rows(output: Output, cells: Sequence[BadCell], node: NodeFolder, request: BuildRequest) -> None:
    """Show them to the data officer; the desk is told where they stand, and not what they hold."""
    keep_note(node.work, refusal_note(cells, request.contract, period=request.period, at=request.at))
    shown = cells[:BAD_ROWS_SHOWN_MAX]
    output.table(
        ["line", "column", "allowed", "found"],
        [[cell.line, cell.column, cell.allowed, cell.found.replace("\n", "⏎")] for cell in shown],
    )
    if len(cells) > len(shown):
        rest = len(cells) - len(shown)
        output.say(en=f"… and {rest} more in the report", ru=f"… и ещё {rest} в отчёте")
    output.line()
