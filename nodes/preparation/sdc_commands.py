"""`exchange sdc`: tables of statisticians, without a contract: protect, audit, advise, round, look at the pattern."""

import json
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np

from exchange.disclosure.adviser import Advice, advise, sentence
from exchange.disclosure.optimise import Effort
from exchange.disclosure.problem import Problem
from exchange.disclosure.rounding import RoundingMethod
from exchange.disclosure.tabular import (
    AttackerModel,
    Instance,
    ProtectedInstance,
    Publication,
    Verdict,
    format_publication,
    judge,
    options_of,
    parse_instance,
    parse_publication,
    problem_of,
    protect_instance,
    protection_report,
    round_instance,
    shown,
    verdict_report,
    withhold,
)
from exchange.disclosure.tabular.blind import determined_cells, parse_pattern
from exchange.errors import ExitCode
from exchange.errors.settings import CommandLineError
from exchange.errors.tabular import InstanceFileError
from nodes.adapters.durable import write_durably
from nodes.adapters.plain_files import read_plain
from nodes.terminal import CommandParser, Invocation

EXPOSED_SHOWN_MAX = 20
"""How many cells the terminal names; `--json` has all."""

ADVICE_EFFORT = Effort(vicinity=400, clean_up=200)
"""A trial is protected by the fast stages; programmes."""


def protect(invocation: Invocation) -> int:
    """Run `exchange sdc protect INSTANCE -o PUB.csv --report R.json`."""
    parser = _parser(invocation, "withhold enough cells of a table that each of them is safe")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PUB.csv", help="what may be published")
    parser.add_argument("--report", type=Path, metavar="R.json", help="how it was protected")
    parser.add_argument("--time-limit", type=float, metavar="S", help="seconds; then the last finished stage counts")
    arguments = invocation.parse(parser)
    stop, incumbents = _stop_after(arguments.time_limit, invocation), _Incumbents(invocation)
    instance = _instance(arguments.instance)
    problem = _problem(instance, arguments)
    protected = protect_instance(
        instance, problem, stop=stop, progress=invocation.output.progress, cheaper=incumbents.found
    )
    publication = format_publication(instance, protected.publication)
    report = protection_report(
        instance, protected, publication, attackers=_model(arguments), floor=not arguments.no_floor
    )
    write_durably(arguments.output, publication)
    if arguments.report is not None:
        write_durably(arguments.report, (json.dumps(report, ensure_ascii=False, indent=2) + "\n").encode())
    _tell_protected(invocation, instance, protected, arguments.output)
    invocation.output.result({**report, "incumbents": incumbents.told})
    return ExitCode.FINE


def audit(invocation: Invocation) -> int:
    """Run `exchange sdc audit INSTANCE PUB.csv…`."""
    parser = _parser(invocation, "what an attacker can compute of every withheld cell, each publication and pooled")
    parser.add_argument("publications", type=Path, nargs="+", metavar="PUB.csv", help="publications of the instance")
    arguments = invocation.parse(parser)
    instance = _instance(arguments.instance)
    problem = _problem(instance, arguments)
    read = [parse_publication(_bytes(path), instance, file=path.name) for path in arguments.publications]
    views = list(zip([str(path) for path in arguments.publications], [one.known for one in read], strict=True))
    if len(views) > 1:
        views.append(("(pooled)", np.logical_or.reduce([known for _, known in views])))
    verdicts = []
    for name, known in views:
        verdict = judge(problem, known, progress=lambda share: invocation.output.progress("audit", share))
        _tell_verdict(invocation, instance, name, verdict)
        verdicts.append((name, verdict))
    safe = all(verdict.safe for _, verdict in verdicts)
    found = [{"publication": name, **verdict_report(instance, verdict)} for name, verdict in verdicts]
    invocation.output.result(
        {
            "instance": instance.structure.name,
            "attacker": _model(arguments).value,
            "floor": not arguments.no_floor,
            "safe": safe,
            "publications": found[: len(read)],
            "pooled": found[-1] if len(read) > 1 else None,
        }
    )
    return ExitCode.FINE if safe else ExitCode.DOES_NOT_HOLD


def advise_release(invocation: Invocation) -> int:
    """Run `exchange sdc advise INSTANCE`."""
    arguments = invocation.parse(
        _parser(invocation, "which dimension or level costs most, before anything is withheld")
    )
    instance = _instance(arguments.instance)
    now, options = options_of(instance, attackers=_model(arguments), floor=not arguments.no_floor)
    advice = advise(
        now,
        options,
        protect=lambda problems: withhold(problems[0], effort=ADVICE_EFFORT),
        progress=lambda share: invocation.output.progress("advise", share),
    )
    _tell_advice(invocation, advice)
    return ExitCode.FINE


def round_counts(invocation: Invocation) -> int:
    """Run `exchange sdc round INSTANCE --method small-count|controlled --base B -o PUB.csv`."""
    parser = CommandParser(invocation.command, "round counts instead of withholding them")
    parser.add_argument("instance", type=Path, metavar="INSTANCE", help="folder of instance.json and cells.csv")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PUB.csv", help="what may be published")
    parser.add_argument("--method", choices=[method.value for method in RoundingMethod], required=True)
    parser.add_argument("--base", type=int, required=True, metavar="B", help="2 or more")
    arguments = invocation.parse(parser)
    if arguments.base < 2:  # noqa: PLR2004  # a base of 1 changes nothing
        raise CommandLineError(reason="--base is 2 or more", command=" ".join(parser.format_usage().split()))
    instance = _instance(arguments.instance)
    rounded, verdict = round_instance(
        instance,
        method=RoundingMethod(arguments.method),
        base=arguments.base,
        progress=lambda share: invocation.output.progress("audit", share),
    )
    known = np.ones(instance.size, dtype=np.bool_)
    write_durably(arguments.output, format_publication(instance, Publication(known, rounded.figures)))
    invocation.output.say(
        en=f"{instance.size} figures rounded; largest change {rounded.changed_max}, mean {rounded.changed_mean:.3f}",
        ru=f"округлено чисел: {instance.size}; наибольшее изменение {rounded.changed_max}, "
        f"среднее {rounded.changed_mean:.3f}",
    )
    invocation.output.result(
        {
            "instance": instance.structure.name,
            "method": arguments.method,
            "base": arguments.base,
            "cells": instance.size,
            "changed_max": rounded.changed_max,
            "changed_mean": rounded.changed_mean,
            "audit": {"verdict": "safe", "attackers": verdict.attackers, "programmes": verdict.programmes},
        }
    )
    return ExitCode.FINE


def pattern(invocation: Invocation) -> int:
    """Run `exchange sdc pattern INSTANCE PUB.csv…`: the hierarchies and who is withheld, never a figure."""
    parser = CommandParser(invocation.command, "which withheld cells follow by sums alone, without any figure")
    parser.add_argument("instance", type=Path, metavar="INSTANCE", help="folder of instance.json")
    parser.add_argument("publications", type=Path, nargs="+", metavar="PUB.csv", help="publications of the instance")
    arguments = invocation.parse(parser)
    structure = _bytes(arguments.instance / "instance.json")
    patterns = [parse_pattern(structure, _bytes(path), file=path.name) for path in arguments.publications]
    names = [str(path) for path in arguments.publications]
    if len(patterns) > 1:
        patterns.append(patterns[0].pooled(patterns[1:]))
        names.append("(pooled)")
    found = []
    for name, one in zip(names, patterns, strict=True):
        cells = determined_cells(one)
        invocation.output.say(
            en=f"{name}: {len(one.withheld)} of {len(one.keys)} cells withheld, {len(cells)} follow by sums alone",
            ru=f"{name}: скрыто {len(one.withheld)} из {len(one.keys)} ячеек, из сумм следуют {len(cells)}",
        )
        _tell_cells(invocation, [shown(key) for key in cells])
        found.append(
            {
                "publication": name,
                "cells": len(one.keys),
                "withheld": len(one.withheld),
                "determined": [list(key) for key in cells],
            }
        )
    holds = not any(one["determined"] for one in found)
    count = len(arguments.publications)
    invocation.output.result(
        {"holds": holds, "publications": found[:count], "pooled": found[-1] if count > 1 else None}
    )
    return ExitCode.FINE if holds else ExitCode.DOES_NOT_HOLD


def _parser(invocation: Invocation, summary: str) -> CommandParser:
    parser = CommandParser(invocation.command, summary)
    parser.add_argument("instance", type=Path, metavar="INSTANCE", help="folder of instance.json and cells.csv")
    parser.add_argument(
        "--attacker",
        choices=[model.value for model in AttackerModel],
        default=AttackerModel.INSIDERS.value,
        help="who tries to look behind the table; insiders (the default) includes the outsider",
    )
    parser.add_argument("--no-floor", action="store_true", help="the instance's own levels only")
    return parser


def _instance(folder: Path) -> Instance:
    return parse_instance(_bytes(folder / "instance.json"), _bytes(folder / "cells.csv"))


def _bytes(path: Path) -> bytes:
    try:
        return read_plain(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise InstanceFileError(path=str(path)) from error


def _problem(instance: Instance, arguments: Namespace) -> Problem:
    return problem_of(instance, attackers=_model(arguments), floor=not arguments.no_floor)


def _model(arguments: Namespace) -> AttackerModel:
    return AttackerModel(arguments.attacker)


def _stop_after(seconds: float | None, invocation: Invocation) -> Callable[[], bool]:
    if seconds is None:
        return lambda: False
    if not 0 < seconds < float("inf"):
        raise CommandLineError(reason="--time-limit is a number of seconds above 0", command=invocation.command)
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


class _Incumbents:
    """When each pattern was found that was cheaper than all before it: the one thing in a result that is timed."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation, self._began = invocation, time.monotonic()
        self.told: list[dict[str, float]] = []

    def found(self, cost: float) -> None:
        """Tell it."""
        if self.told and cost >= self.told[-1]["cost"]:
            return
        seconds = round(time.monotonic() - self._began, 3)
        self.told.append({"cost": cost, "seconds": seconds})
        self._invocation.output.say(
            en=f"cost {cost:,.4f} after {seconds:.1f} s", ru=f"цена {cost:,.4f} через {seconds:.1f} с"
        )


def _tell_protected(invocation: Invocation, instance: Instance, protected: ProtectedInstance, output: Path) -> None:
    found, primary = protected.suppressed, int(instance.cells.primary.sum())
    withheld = int(found.withheld.sum())
    bound = "–" if not np.isfinite(found.bound) else f"{found.bound:,.4f}"
    say = invocation.output.say
    say(
        en=f"{instance.size} cells, {primary} primary, {withheld - primary} withheld beside them",
        ru=f"ячеек {instance.size}, первично скрытых {primary}, вторично {withheld - primary}",
    )
    say(
        en=f"cost {found.cost:,.4f}, proven bound {bound}, stage {found.stage}",
        ru=f"цена {found.cost:,.4f}, доказанная граница {bound}, стадия {found.stage}",
    )
    attackers = protected.verdict.attackers
    say(
        en=f"the audit holds (attackers: {attackers}): {output}",
        ru=f"проверка пройдена, атакующих {attackers}: {output}",
    )


def _tell_verdict(invocation: Invocation, instance: Instance, name: str, verdict: Verdict) -> None:
    exposed = len(verdict.exposed)
    invocation.output.say(
        en=f"{name}: {verdict.withheld} withheld, {exposed} not safe; attackers: {verdict.attackers}",
        ru=f"{name}: скрыто {verdict.withheld}, не защищено {exposed}, атакующих {verdict.attackers}",
    )
    cells = [
        f"{shown(instance.cells.keys[found.cell])}: {found.reason}{' (insider)' if found.insider else ''}"
        for found in verdict.exposed
    ]
    _tell_cells(invocation, cells)


def _tell_cells(invocation: Invocation, cells: list[str]) -> None:
    for line in cells[:EXPOSED_SHOWN_MAX]:
        invocation.output.line(f"  {line}")
    if len(cells) > EXPOSED_SHOWN_MAX:
        rest = len(cells) - EXPOSED_SHOWN_MAX
        invocation.output.say(en=f"  … and {rest} more", ru=f"  … и ещё {rest}")


def _tell_advice(invocation: Invocation, advice: Advice) -> None:
    now, language = advice.now, invocation.output.language
    invocation.output.say(
        en=f"as it is: {now.withheld} of {now.cells} cells would be withheld ({now.share:.0%})",
        ru=f"как есть: скрыто будет {now.withheld} из {now.cells} ячеек ({now.share:.0%})",
    )
    for number, option in enumerate(advice.options, start=1):
        invocation.output.line(f"{number}. {sentence(advice, option, language)}")
    invocation.output.result(
        {
            "now": {"cells": now.cells, "withheld": now.withheld, "share": now.share, "protectable": now.protectable},
            "options": [
                {
                    "coarsening": option.coarsening.value,
                    "subject": option.subject,
                    "cells": option.cells,
                    "withheld": option.withheld,
                    "share": option.share,
                    "protectable": option.protectable,
                    "sentence": sentence(advice, option, language),
                }
                for option in advice.options
            ],
        }
    )
