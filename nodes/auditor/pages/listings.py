"""What each of the auditor's lists says in files: codes, ids, times and verdicts, and no figure of a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from exchange.contract.model import DataContract
from exchange.encoding import format_instant
from nodes.auditor.pages.kept import Board, KeptAudit, Occurrence, Published
from nodes.auditor.pages.proofs import Proof
from nodes.auditor.steps import Step
from nodes.web.pages.lists import Listing

Document: TypeAlias = Mapping[str, Any]
"""A part of a run's document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place of the board: a release that was made or is due, and under which contract."""

    contract: DataContract
    provider: str
    recipients: tuple[str, ...]
    period: str
    occurrence: Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One entry of a timeline with its proof, where there is one."""

    step: Step
    proof: Proof | None


BOARD: Listing[Place] = Listing(
    name="board",
    page="/",
    columns={
        "contract": lambda one: one.contract.id,
        "version": lambda one: one.contract.version,
        "provider": lambda one: one.provider,
        "recipients": lambda one: one.recipients,
        "period": lambda one: one.period,
        "due": lambda one: None if one.occurrence.due is None else one.occurrence.due.due.isoformat(),
        "lateness": lambda one: None if one.occurrence.lateness is None else one.occurrence.lateness.value,
        "bundle": lambda one: None if one.occurrence.published is None else str(one.occurrence.published.bundle),
        "published": lambda one: (
            None if one.occurrence.published is None else format_instant(one.occurrence.published.at)
        ),
        "withdrawn": lambda one: one.occurrence.published is not None and one.occurrence.published.withdrawn,
    },
    filters=("contract", "provider", "period", "lateness"),
)
EXCHANGES: Listing[Document] = Listing(
    name="exchanges",
    page="/exchanges",
    columns={
        "at": lambda one: one["at"],
        "publisher": lambda one: one["publisher"],
        "puller": lambda one: one["puller"],
        "contract": lambda one: one["contract"] or None,
        "period": lambda one: one["period"] or None,
        "verdict": lambda one: one["verdict"],
        "fault": lambda one: one["fault"],
        "codes": lambda one: tuple(one["codes"]),
        "pull": lambda one: one["pull"],
        "bundle": lambda one: one["bundle"],
    },
    filters=("publisher", "puller", "contract", "period", "verdict"),
)
ENTRIES: Listing[Told] = Listing(
    name="entries",
    page="",
    files="/exchanges/{subject}/entries",
    columns={
        "at": lambda one: format_instant(one.step.logged.entry.at),
        "log": lambda one: one.step.logged.member,
        "index": lambda one: one.step.logged.index,
        "type": lambda one: one.step.logged.entry.type.value,
        "counterpart": lambda one: one.step.logged.entry.counterpart,
        "code": lambda one: one.step.logged.entry.code,
        "evidence": lambda one: None if one.step.logged.entry.evidence is None else str(one.step.logged.entry.evidence),
        "checkpoint_size": lambda one: None if one.proof is None else one.proof.checkpoint.size,
        "checkpoint_root": lambda one: None if one.proof is None else one.proof.checkpoint.root.hex(),
        "cosigned_at": lambda one: (
            None if one.proof is None or one.proof.cosigned_at is None else format_instant(one.proof.cosigned_at)
        ),
        "proof": lambda one: None if one.proof is None else one.proof.held.value,
    },
)
FINDINGS: Listing[tuple[int, Document]] = Listing(
    name="findings",
    page="/findings",
    columns={
        "number": lambda one: one[0],
        "code": lambda one: one[1]["code"],
        "party": lambda one: one[1]["party"],
        "message_en": lambda one: one[1]["message"]["en"],
        "message_ru": lambda one: one[1]["message"]["ru"],
        "entries": lambda one: tuple(f"{entry['member']}/{entry['index']}" for entry in one[1]["entries"]),
        "evidence": lambda one: tuple(one[1]["evidence"]),
    },
    filters=("party", "code"),
)
LOGS: Listing[Document] = Listing(
    name="logs",
    page="/logs",
    columns={
        "member": lambda one: one["member"],
        "entries": lambda one: one["size"],
        "root": lambda one: one["root"],
        "cosigned_at": lambda one: one["cosigned_at"],
        "verdict": lambda one: one["verdict"],
    },
    filters=("verdict",),
)
PATTERNS: Listing[Published] = Listing(
    name="patterns",
    page="/patterns",
    columns={
        "provider": lambda one: one.manifest.provider,
        "contract": lambda one: one.manifest.contract.id,
        "period": lambda one: one.manifest.period,
        "revision": lambda one: one.manifest.revision,
        "recipients": lambda one: one.manifest.recipients,
        "cells": lambda one: None if one.report is None else one.report.cells,
        "withheld": lambda one: None if one.report is None else len(one.report.withheld),
        "attacker": lambda one: None if one.report is None else str(one.report.audit.attacker),
        "bundle": lambda one: str(one.bundle),
    },
    filters=("provider", "contract", "period"),
)


def places(kept: KeptAudit) -> list[Place]:
    """Every place of the board, row by row."""
    return [place for board in kept.boards() for place in _of(board)]


def _of(board: Board) -> Iterator[Place]:
    for provider, recipients, row in board.rows:
        for period, occurrence in sorted(row.items()):
            yield Place(
                contract=board.contract,
                provider=provider,
                recipients=recipients,
                period=period,
                occurrence=occurrence,
            )


def matrix(found: list[Place]) -> tuple[Board, ...]:
    """Places as the board shows them: by contract, a row for each provider and its recipients."""
    rows: dict[str, dict[tuple[str, tuple[str, ...]], dict[str, Occurrence]]] = {}
    contracts: dict[str, DataContract] = {}
    for one in found:
        key = str(one.contract.digest)
        contracts[key] = one.contract
        rows.setdefault(key, {}).setdefault((one.provider, one.recipients), {})[one.period] = one.occurrence
    return tuple(
        Board(
            contract=contracts[key],
            periods=tuple(sorted({period for row in lines.values() for period in row})),
            rows=tuple((provider, recipients, row) for (provider, recipients), row in lines.items()),
        )
        for key, lines in rows.items()
    )
