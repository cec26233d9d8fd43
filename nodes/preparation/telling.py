"""What the data officer is told of a build: on the terminal, or as one JSON object."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from exchange.disclosure import Loss
from exchange.flow.prepare import Prepared
from exchange.report import parse_report
from nodes.preparation.aggregate import Census
from nodes.terminal import Invocation, Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A candidate that was written, and where."""

    prepared: Prepared
    folder: Path
    loss: Path


def tell_build(invocation: Invocation, built: Sequence[Built], census: Census) -> None:
    """What came of a build, what it lost, and what comes next; several candidates where recipients get other cells."""
    candidate, say = built[0].prepared.files.candidate, invocation.output.say
    say(
        en=f"{candidate.title}: from {census.in_period} of {census.rows} rows",
        ru=f"{candidate.title}: из {census.in_period} строк ({census.rows} в файле)",
    )
    found = [_tell_candidate(invocation, one) for one in built]
    if len(built) > 1:
        say(
            en="release them one after the other: once one is published, build the next again with --for",
            ru="выпускайте по одному: после публикации одного следующий собирается заново с --for",
        )
    rows = {"all": census.rows, "in_scope": census.in_scope, "in_period": census.in_period}
    single = found[0] if len(found) == 1 else {}
    invocation.output.result(
        {
            "contract": candidate.contract.as_json(),
            "period": candidate.period,
            "rows": rows,
            **single,
            "candidates": found,
        }
    )


def _tell_candidate(invocation: Invocation, built: Built) -> dict[str, object]:
    files, loss, say = built.prepared.files, built.prepared.loss, invocation.output.say
    candidate, report = files.candidate, parse_report(files.disclosure)
    node, readers = invocation.require_node().asked, ", ".join(candidate.recipients)
    following = f"exchange --node {node} bundle submit {built.folder}"
    say(
        en=f"for {readers}: revision {candidate.revision}, {report.cells} cells, {len(report.withheld)} withheld; "
        "the audit holds: no withheld cell can be computed",
        ru=f"для {readers}: редакция {candidate.revision}, ячеек {report.cells}, скрыто {len(report.withheld)}; "
        "проверка: ни одну скрытую ячейку нельзя вычислить",
    )
    if report.excluded:
        say(
            en=f"  without the {len(report.excluded)} cells that the contract bars them from",
            ru=f"  без ячеек, исключённых договором: {len(report.excluded)}",
        )
    _tell_loss(invocation.output, loss, built.loss)
    say(en=f"candidate: {built.folder}", ru=f"кандидат: {built.folder}")
    say(en=f"next: {following}", ru=f"далее: {following}")
    return {
        "candidate": str(built.folder),
        "name": candidate.name,
        "recipients": list(candidate.recipients),
        "revision": candidate.revision,
        "cells": report.cells,
        "withheld": len(report.withheld),
        "excluded": len(report.excluded),
        "loss": asdict(loss),
        "data": str(candidate.data),
        "disclosure": str(candidate.disclosure),
        "pooled": str(candidate.pooled),
        "next": following,
    }


def _tell_loss(output: Output, loss: Loss, file: Path) -> None:
    output.say(
        en=f"for you alone (and in {file}): {loss.primary} cells withheld by a rule, {loss.secondary} to hide those",
        ru=f"только для вас (и в {file}): скрыто по правилам {loss.primary}, чтобы их укрыть ещё {loss.secondary}",
    )
    for table in loss.tables:
        share, part = table.withheld / max(table.cells, 1), table.hidden / max(table.measured, 1)
        output.say(
            en=f"  {table.table}: {share:.0%} of {table.cells} cells, {part:.1%} of the inner figures",
            ru=f"  {table.table}: {share:.0%} ячеек из {table.cells}, {part:.1%} внутренних значений",
        )
    if loss.gap < 1:
        output.say(
            en=f"  at most {loss.gap:.1%} of this cost could be saved by any other safe pattern",
            ru=f"  никакой другой безопасный набор не сэкономит больше {loss.gap:.1%} этой цены",
        )
