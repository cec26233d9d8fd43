"""What a contract makes due: by whom, to whom, for which period, until when; and how late something is.

A provider owes a period if it began on or after the contract's effective date, ended while the contract was in force,
and the contract still ran on the due day: outside that time nothing may be published, so nothing is owed.

Source: punctuality, ESS Handbook for Quality and Metadata Reports (2021), S.14: the lag behind the agreed date.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from exchange.codes import Frequency, Period, parse_period
from exchange.contract.model import DataContract, Role


class Lateness(StrEnum):
    """The rungs of the ladder, lowest first. From LATE on, the provider is in breach of the calendar."""

    IN_TIME = "in-time"  # up to and with the due day
    DUE = "due"  # after it, within what the contract tolerates
    LATE = "late"
    OVERDUE = "overdue"
    DELINQUENT = "delinquent"

    @property
    def breach(self) -> bool:
        """Whether the contract calls this late."""
        return self in {Lateness.LATE, Lateness.OVERDUE, Lateness.DELINQUENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One publication that a provider owes: revision 0 of one identity.

    Attributes:
        recipients: To whom, sorted, as the bundle names them.
        earliest: The first day on which it may be published (UTC): after the period and the embargo.
        due: The last day in time.
        late: The first day on which it is late; likewise `overdue` and `delinquent`.
    """

    contract_id: str
    version: str
    provider: str
    recipients: tuple[str, ...]
    period: str
    earliest: date
    due: date
    late: date
    overdue: date
    delinquent: date


def due_dates(
    contract: DataContract, *, since: date, until: date | None = None, due_from: date, due_to: date
) -> tuple[Due, ...]:
    """Every publication with a due day in a span of days, by due day, provider and recipients.

    Args:
        contract: One version of a contract.
        since: The day on which it came into force: its effective date, or the last signature's if that was later.
        until: The day from which it no longer is in force, by an end or a later version; None if it goes on. The end
            written in the contract counts besides.
        due_from: The first due day asked for.
        due_to: The last one.
    """
    ends = min((day for day in (until, contract.ends) if day is not None), default=None)
    found = [
        _due(contract, period, provider, recipients)
        for period in _periods(Frequency(contract.calendar.frequency), contract.effective, due_to)
        if period.end >= since
        for provider in contract.members(Role.PROVIDER)
        for recipients in contract.recipient_sets(provider)
    ]
    kept = [due for due in found if due_from <= due.due <= due_to and (ends is None or due.due < ends)]
    return tuple(sorted(kept, key=lambda due: (due.due, due.period, due.provider, due.recipients)))


def lateness(due: Due, at: datetime) -> Lateness:
    """How late a publication is that was made at this moment, or that is still missing then.

    Args:
        due: What is owed.
        at: The cosigned time of its entry, or now; days are those of UTC.
    """
    return _rung(at, due=due.due, late=due.late, overdue=due.overdue, delinquent=due.delinquent)


def lateness_since(contract: DataContract, due: date, at: datetime) -> Lateness:
    """How late something is that the contract's ladder counts from another day than a period's: as `lateness`."""
    calendar = contract.calendar
    return _rung(
        at,
        due=due,
        late=due + timedelta(days=calendar.late_days),
        overdue=due + timedelta(days=calendar.overdue_days),
        delinquent=due + timedelta(days=calendar.delinquent_days),
    )


def earliest_day(contract: DataContract, period: Period) -> date:
    """The first day on which figures of a period may be published: the one after it, and the embargo."""
    return period.end + timedelta(days=1 + contract.embargo_days)


def _rung(at: datetime, *, due: date, late: date, overdue: date, delinquent: date) -> Lateness:
    day = at.astimezone(UTC).date()
    rungs = (
        (delinquent, Lateness.DELINQUENT),
        (overdue, Lateness.OVERDUE),
        (late, Lateness.LATE),
        (due + timedelta(days=1), Lateness.DUE),
    )
    return next((rung for first, rung in rungs if day >= first), Lateness.IN_TIME)


def _due(contract: DataContract, period: Period, provider: str, recipients: tuple[str, ...]) -> Due:
    calendar = contract.calendar
    due = period.end + timedelta(days=calendar.due_days)
    return Due(
        contract_id=contract.id,
        version=contract.version,
        provider=provider,
        recipients=recipients,
        period=period.text,
        earliest=earliest_day(contract, period),
        due=due,
        late=due + timedelta(days=calendar.late_days),
        overdue=due + timedelta(days=calendar.overdue_days),
        delinquent=due + timedelta(days=calendar.delinquent_days),
    )


def _periods(frequency: Frequency, first: date, last: date) -> Iterator[Period]:
    """The periods of a frequency that begin on or after one day and end on or before another."""
    texts = {
        Frequency.MONTH: [f"-{month:02}" for month in range(1, 13)],
        Frequency.QUARTER: [f"-Q{quarter}" for quarter in range(1, 5)],
        Frequency.YEAR: [""],
    }
    for year in range(first.year, last.year + 1):
        for text in texts[frequency]:
            period = parse_period(f"{year}{text}", frequency=frequency)
            if period.start >= first and period.end <= last:
                yield period
