"""One exchange as the logs tell it: every entry about one pull or one bundle, in order of time."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exchange.encoding import Digest, format_instant
from exchange.errors import ExchangeError
from exchange.errors.audit import AuditSubjectError
from exchange.flow.prove import KeptLog
from exchange.log.entry import EntryType
from exchange.reconcile.logs import view_of
from exchange.reconcile.model import LoggedEntry, LogView
from nodes.auditor.report import VERDICTS_RU
from nodes.terminal import Output

_PREFIX = "sha256:"
_TYPES = tuple(EntryType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry, and the first cosigned checkpoint over it: its size and cosigned time, None where there is none."""

    logged: LoggedEntry
    checkpoint: tuple[int, datetime] | None

    def as_json(self) -> dict[str, object]:
        """For a program."""
        entry = self.logged.entry
        return {
            "at": format_instant(entry.at),
            "log": self.logged.member,
            "index": self.logged.index,
            "type": entry.type.value,
            "counterpart": entry.counterpart,
            "pull": None if entry.pull is None else str(entry.pull),
            "bundle": None if entry.bundle is None else str(entry.bundle),
            "evidence": None if entry.evidence is None else str(entry.evidence),
            "code": entry.code,
            "checkpoint": None
            if self.checkpoint is None
            else {"size": self.checkpoint[0], "cosigned_at": format_instant(self.checkpoint[1])},
        }


def steps_about(subject: str, logs: Mapping[str, KeptLog]) -> tuple[Digest, list[Step]]:
    """The pull or bundle that these digits begin, and all entries about it.

    Raises:
        AuditSubjectError: No log names such a one, or there are several.
    """
    digits = subject.removeprefix(_PREFIX).lower()
    named: set[Digest] = set()
    steps: list[Step] = []
    for member, log in sorted(logs.items()):
        with suppress(ExchangeError):  # a log that cannot be read is a finding of its own
            view = view_of(member, log.entries, log.seen)
            for logged in view.of(*EntryType):
                found = {one for one in (logged.entry.pull, logged.entry.bundle) if one and one.hex.startswith(digits)}
                if found:
                    named |= found
                    steps.append(_step(logged, view))
    if len(named) != 1 or not digits:
        raise AuditSubjectError(subject=subject[:80], found=len(named))
    return named.pop(), sorted(steps, key=_order)


def print_steps(steps: Sequence[Step], exchanges: Sequence[Mapping[str, Any]], output: Output) -> None:
    """The entries as a table, then the verdict of the last run."""
    russian = output.language == "ru"
    output.table(
        ["время", "журнал", "запись", "тип", "другая сторона", "код", "контрольная точка", "заверена"]
        if russian
        else ["at", "log", "index", "type", "counterpart", "code", "checkpoint", "cosigned"],
        [_row(step) for step in steps],
    )
    for one in exchanges:
        verdict = VERDICTS_RU[one["verdict"]] if russian else one["verdict"]
        fault = ", ".join(one["codes"]) or "-"
        output.line(f"{one['publisher']} → {one['puller']}: {verdict} [{one['fault'] or '-'}] {fault}")


def _order(step: Step) -> tuple[datetime, int, str, int]:
    """By time; within one second as one step follows from another, which is how the types are listed."""
    logged = step.logged
    return logged.entry.at, _TYPES.index(logged.entry.type), logged.member, logged.index


def _step(logged: LoggedEntry, view: LogView) -> Step:
    covering = [(size, at) for size, at in view.cosigned if size > logged.index]
    return Step(logged=logged, checkpoint=min(covering, key=lambda one: one[1], default=None))


def _row(step: Step) -> list[object]:
    entry, found = step.logged.entry, step.checkpoint
    return [
        format_instant(entry.at),
        step.logged.member,
        step.logged.index,
        entry.type.value,
        entry.counterpart or "-",
        entry.code or "-",
        "-" if found is None else found[0],
        "-" if found is None else format_instant(found[1]),
    ]
