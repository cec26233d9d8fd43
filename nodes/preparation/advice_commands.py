"""`exchange bundle advise`: before anything is withheld, which breakdown of a contract's tables costs most."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

from exchange.contract.model import DataContract
from exchange.disclosure.adviser import Advice, sentence
from exchange.disclosure.coarsening import advise_contract
from exchange.errors import ExitCode
from exchange.flow.prepare import secret_parameters
from exchange.table import AggregateTable
from nodes.adapters.contract_folder import read_contracts
from nodes.adapters.plain_files import read_plain
from nodes.adapters.preparation_notes import keep_note
from nodes.adapters.trust_folder import load_trust
from nodes.preparation.candidate import read_secret
from nodes.preparation.extract import Workshop, aggregate_extract
from nodes.preparation.mapping import RegisterMapping, parse_mapping
from nodes.preparation.note import advice_note
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation


def advise(invocation: Invocation) -> int:
    """Run `exchange bundle advise CONTRACT PERIOD --from FILE --mapping MAP.toml`."""
    parser = CommandParser(invocation.command, "what each breakdown costs, before anything is withheld")
    parser.add_argument("contract", metavar="CONTRACT", help="id or its beginning, such as CA-07")
    parser.add_argument("period", metavar="PERIOD", help="2026-09, 2018-Q4 or 2024")
    parser.add_argument("--from", dest="extract", type=Path, required=True, metavar="FILE", help=".csv, .parquet, …")
    parser.add_argument("--mapping", type=Path, required=True, metavar="MAP.toml", help="which column is what")
    arguments = invocation.parse(parser)
    node, now = invocation.require_node(), invocation.clock.now()
    shelf = read_contracts(node.contracts, trust=load_trust(node.keys, at=now))
    contract = shelf.chosen(arguments.contract, provider=node.member, at=now)
    mapping = parse_mapping(read_plain(arguments.mapping), file=arguments.mapping.name)
    aggregate = partial(_aggregated, node=node, extract=arguments.extract, mapping=mapping, period=arguments.period)
    advice = advise_contract(
        aggregate(contract),
        contract,
        secret_parameters(contract, period=arguments.period, secret=read_secret(node.private)),
        aggregate=aggregate,
        progress=lambda share: invocation.output.progress("advise", share),
    )
    keep_note(node.work, advice_note(advice, contract, period=arguments.period, at=now))
    _tell(invocation, advice)
    return ExitCode.FINE


def _aggregated(
    contract: DataContract, *, node: NodeFolder, extract: Path, mapping: RegisterMapping, period: str
) -> AggregateTable:
    workshop = Workshop(
        settings=node.settings.preparation,
        work=node.work,
        bad_rows=node.work / f"{extract.name}.bad-rows.csv",
        show=lambda _: None,
        progress=lambda _stage, _share: None,
    )
    table, _ = aggregate_extract(extract, mapping, contract, provider=node.member, period=period, workshop=workshop)
    return table


def _tell(invocation: Invocation, advice: Advice) -> None:
    output, now = invocation.output, advice.now
    output.say(
        en=f"as agreed: {now.withheld} of {now.cells} cells would be withheld ({now.share:.0%}); the best first:",
        ru=f"по договору скрыто было бы {now.withheld} ячеек из {now.cells} ({now.share:.0%}); лучшее первым:",
    )
    for option in advice.options:
        output.line(f"  {sentence(advice, option, output.language)}")
    output.say(
        en="trials against anybody, not cleaned up and not audited: a release may cost a little more or less",
        ru="пробы против любого читателя, без доводки и проверки: у выпуска цена может немного отличаться",
    )
    output.result({"now": asdict(now), "options": [asdict(option) for option in advice.options]})
