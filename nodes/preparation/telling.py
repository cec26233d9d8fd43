"""What the data officer is told of a build: on the terminal, or as one JSON object."""

from dataclasses import asdict
from pathlib import Path

from exchange.disclosure import Loss
from exchange.flow.prepare import Prepared
from exchange.report import parse_report
from nodes.preparation.aggregate import Census
from nodes.terminal import Invocation, Output


def tell_build(invocation: Invocation, prepared: Prepared, census: Census, *, folder: Path, loss_file: Path) -> None:
    """What came of a build, what it lost, and what comes next."""
    candidate, report = prepared.files.candidate, parse_report(prepared.files.disclosure)
    node = invocation.require_node().member.lower()
    following = f"exchange --node {node} bundle submit {folder}"
    say = invocation.output.say
    say(
        en=f"{candidate.title}: revision {candidate.revision}, from {census.in_period} of {census.rows} rows",
        ru=f"{candidate.title}: редакция {candidate.revision}, из {census.in_period} строк ({census.rows} в файле)",
    )
    say(
        en=f"{report.cells} cells, {len(report.withheld)} withheld; the audit holds: no withheld cell can be computed",
        ru=f"ячеек {report.cells}, скрыто {len(report.withheld)}; проверка: ни одну скрытую ячейку нельзя вычислить",
    )
    _tell_loss(invocation.output, prepared.loss, loss_file)
    say(en=f"candidate: {folder}", ru=f"кандидат: {folder}")
    say(en=f"next: {following}", ru=f"далее: {following}")
    invocation.output.result(
        {
            "candidate": str(folder),
            "name": candidate.name,
            "contract": candidate.contract.as_json(),
            "period": candidate.period,
            "revision": candidate.revision,
            "rows": {
                "all": census.rows,
                "in_scope": census.in_scope,
                "in_period": census.in_period,
            },
            "cells": report.cells,
            "withheld": len(report.withheld),
            "loss": asdict(prepared.loss),
            "data": str(candidate.data),
            "disclosure": str(candidate.disclosure),
            "pooled": str(candidate.pooled),
            "next": following,
        }
    )


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
