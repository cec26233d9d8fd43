"""`exchange mirror show|model`: both reports of a flow side by side; what earlier ones let expect of their ratio."""

import gzip
import zlib
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path

from exchange.codes import CODELIST_BYTES_MAX, parse_period
from exchange.contract.model import DataContract
from exchange.errors import ExitCode
from exchange.errors.mirror import FlowFieldError, FlowsTooFewError
from exchange.mirror import FIGURE_MIN, Comparison, Expectation, Pair, RatioModel, fit, overview, parse_flows
from nodes.adapters.plain_files import open_plain
from nodes.desk.cases import Desk
from nodes.desk.mirror_reports import Mirrored, mirrored
from nodes.desk.mirror_words import (
    CONCEPTS_DIFFER,
    HEADERS,
    NO_MIRROR,
    Trial,
    comparison_json,
    habit,
    ratio_text,
    row,
)
from nodes.terminal import CommandParser, Invocation, Output


def show(invocation: Invocation) -> int:
    """`mirror show CONTRACT [--period P] [--partner M] [--member M] [--detail]`: flows as both sides report them."""
    parser = CommandParser(invocation.command, "Both reports of each flow, side by side.")
    parser.add_argument("contract", metavar="CONTRACT")
    parser.add_argument("--period", metavar="P", help="only this one; by default the last of which anything is known")
    parser.add_argument("--partner", metavar="M", type=str.upper, help="only this partner")
    parser.add_argument(
        "--member",
        metavar="M",
        type=str.upper,
        help="whose flows; by default the own, or all of a node that provides none",
    )
    parser.add_argument("--detail", action="store_true", help="what breaks the corridors down too")
    arguments = invocation.parse(parser)
    if arguments.period is not None:
        parse_period(arguments.period)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    found = mirrored(desk, arguments.contract)
    if isinstance(found, DataContract):
        return _tell_none(invocation.output, found)
    own = desk.node.member if desk.node.member in found.members else None
    asked = {member for member in (arguments.member or own, arguments.partner) if member is not None}
    mine = [one for one in found.comparisons if asked <= _ends(one)]
    period = arguments.period or max((one.entry.period for one in mine), default=None)
    chosen = [one for one in mine if one.entry.period == period and (arguments.detail or one.entry.is_whole)]
    _tell(invocation.output, found, chosen)
    return ExitCode.FINE


def model(invocation: Invocation) -> int:
    """`mirror model FILE [--until YEAR] [--all]`: habits learnt from two-sided flows, tried on the years after."""
    parser = CommandParser(invocation.command, "What the ratio of both reports should be, learnt from two-sided flows.")
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV or CSV.gz, see docs/MIRROR.md")
    parser.add_argument("--until", type=_year, metavar="YEAR", help="the last year to learn from, by default the last")
    parser.add_argument("--all", action="store_true", help="every flow of the later years, not only how they come out")
    arguments = invocation.parse(parser)
    flows = parse_flows(_bytes(arguments.file), file=arguments.file.name)
    pairs = [pair for flow in flows if (pair := flow.pair) is not None and pair.figure_min >= FIGURE_MIN]
    until = arguments.until or max(flow.year for flow in flows)
    learnt = [pair for pair in pairs if pair.year <= until]
    if not learnt:
        raise FlowsTooFewError(file=arguments.file.name, until=until, least=FIGURE_MIN, found=0)
    fitted = fit(learnt)
    _tell_model(invocation.output, fitted, learnt, until)
    later = [(pair, fitted.expect_pair(pair)) for pair in pairs if pair.year > until]
    _tell_trial(invocation.output, learnt, later, whole=arguments.all)
    invocation.output.result(
        {
            "until": until,
            "learnt": fitted.pairs,
            "habits": {place: _habit_json(fitted, place, until) for place in _places(learnt)},
            "later": [_pair_json(pair, expected) for pair, expected in later],
        }
    )
    return ExitCode.FINE


def _ends(one: Comparison) -> frozenset[str]:
    return frozenset({one.entry.corridor.origin, one.entry.corridor.destination})


def _tell_none(output: Output, contract: DataContract) -> int:
    output.say(
        en=f"{contract.id} {contract.version}: {NO_MIRROR['en']}",
        ru=f"{contract.id} {contract.version}: {NO_MIRROR['ru']}",
    )
    output.result({"contract": {"id": contract.id, "version": contract.version}, "flag": "M0", "rows": []})
    return ExitCode.FINE


def _tell(output: Output, found: Mirrored, chosen: Sequence[Comparison]) -> None:
    contract, mirror, counterpart = found.contract, found.mirror, found.counterpart
    judged = list(zip(chosen, found.expectations(chosen), strict=True))
    whole = overview(chosen)
    output.line(f"{contract.id} {contract.version} | {counterpart.id} {counterpart.version}: {mirror.rule}")
    if not mirror.exact_concept:
        output.line(CONCEPTS_DIFFER[output.language])
    if judged:
        output.table(HEADERS[output.language], [row(one, expected, output.language) for one, expected in judged])
    else:
        output.say(
            en="nothing to set side by side: no release, or no cell in common",
            ru="сопоставить нечего: нет выпусков или общих ячеек",
        )
    if whole.median_index is not None and whole.weighted is not None:
        output.say(
            en=f"corridors: {whole.compared}; index: median {whole.median_index:.2f}, by volume {whole.weighted:.2f}",
            ru=f"коридоров: {whole.compared}; индекс: медиана {whole.median_index:.2f}, по объёму {whole.weighted:.2f}",
        )
    output.result(
        {
            "contract": {"id": contract.id, "version": contract.version},
            "mirror": {"id": counterpart.id, "version": counterpart.version, "exact": mirror.exact_concept},
            "rule": mirror.rule,
            "rows": [comparison_json(one, expected) for one, expected in judged],
            "compared": whole.compared,
            "median_index": whole.median_index,
            "weighted_index": whole.weighted,
        }
    )


def _tell_model(output: Output, fitted: RatioModel, learnt: Sequence[Pair], until: int) -> None:
    output.say(
        en=f"learnt from {fitted.pairs} pairs up to {until}; what each country counts, beside the average of all:",
        ru=f"по {fitted.pairs} парам до {until} включительно; сколько учитывает каждая страна по сравнению со средним:",
    )
    headers = {
        "en": ["country", "arrivals", "departures"],
        "ru": ["страна", "прибытия", "выбытия"],
    }
    habits = [(place, habit(fitted, place, until)) for place in _places(learnt)]
    output.table(
        headers[output.language],
        [[place, f"x {found.arrivals:.2f}", f"x {found.departures:.2f}"] for place, found in habits],
    )


def _tell_trial(
    output: Output, learnt: Sequence[Pair], later: Sequence[tuple[Pair, Expectation]], *, whole: bool
) -> None:
    known = {(pair.origin, pair.destination) for pair in learnt}
    before = [one for one in later if (one[0].origin, one[0].destination) in known]
    new = [one for one in later if one not in before]
    headers = {
        "en": ["later pairs", "number", "median |ln(I/E)|", "median |ln(I/E) - expected|"],
        "ru": ["более поздние пары", "число", "медиана |ln(I/E)|", "медиана |ln(I/E) - ожидание|"],
    }
    names = ("corridor known", "corridor new") if output.language == "en" else ("коридор известен", "коридор новый")
    trials = [(name, Trial.of(found)) for name, found in zip(names, (before, new), strict=True) if found]
    if trials:
        output.table(
            headers[output.language],
            [[name, trial.pairs, f"{trial.without:.3f}", f"{trial.residual:.3f}"] for name, trial in trials],
        )
    if whole:
        output.table(
            ["year", "from", "to", "I/E", "expected"]
            if output.language == "en"
            else ["год", "из", "в", "I/E", "ожидалось"],
            [
                [
                    f"{pair.year:.0f}",
                    pair.origin,
                    pair.destination,
                    ratio_text(pair.log_ratio),
                    ratio_text(expected.log_ratio, expected.deviation),
                ]
                for pair, expected in later
            ],
        )


def _places(pairs: Sequence[Pair]) -> list[str]:
    return sorted({place for pair in pairs for place in (pair.origin, pair.destination)})


def _habit_json(fitted: RatioModel, place: str, until: int) -> dict[str, float]:
    found = habit(fitted, place, until)
    return {"arrivals": found.arrivals, "departures": found.departures}


def _pair_json(pair: Pair, expected: Expectation) -> dict[str, object]:
    return {
        "year": int(pair.year),
        "origin": pair.origin,
        "destination": pair.destination,
        "log_ratio": pair.log_ratio,
        "expected": expected.log_ratio,
        "deviation": expected.deviation,
    }


def _bytes(file: Path) -> bytes:
    """The file's content, unpacked; one byte more than a file may have is enough to refuse it.

    Raises:
        FlowFieldError: No gzip, though its name says so.
    """
    try:
        with open_plain(file) as packed, gzip.open(packed) if file.suffix == ".gz" else packed as content:
            return content.read(CODELIST_BYTES_MAX + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FlowFieldError(file=file.name, line=0, column="(file)", expected="gzip", found="other bytes") from error


def _year(text: str) -> int:
    """A year as 2013.

    Raises:
        ArgumentTypeError: Anything else.
    """
    if len(text) == len("2013") and text.isascii() and text.isdigit():
        return int(text)
    raise ArgumentTypeError(f"{text[:20]} is no year, as 2013")
