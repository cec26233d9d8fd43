"""What was refused at a console, in SQLite: one row for equal attempts of one minute, with their count.

Whoever can fail can ask for rows, so rows have budgets, and nobody spends another's: what an account did while signed
in, what was aimed at an account by somebody who proved nothing, what strangers tried. Each is bounded twice: so many
rows in a minute, beyond which only a count is kept, and so many in all, beyond which its own oldest go. Nothing that
was typed is in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ColumnElement
from sqlmodel import Field, Session, SQLModel, col, delete, func, select

from exchange.encoding import format_instant

ROWS_OF_A_MINUTE_MAX = 20
"""Of one budget, and one count for each act beyond them."""
MANY = "*"
"""In the place of an address or a reason: several, beyond what a minute's rows tell apart."""


class Source(StrEnum):
    """Whose attempts they are."""

    ACCOUNT = "account"
    AIMED = "aimed"
    STRANGER = "stranger"


ROWS_MAX = {Source.ACCOUNT: 2_000, Source.AIMED: 1_000, Source.STRANGER: 20_000}
"""Of an account's own, of those aimed at one account, of all strangers': about 0.2 KB each."""
FORGOTTEN_SHARE = 20
"""When a budget is full, one row of so many goes, the oldest first."""

STEP_2 = (
    """CREATE TABLE attempt (id INTEGER PRIMARY KEY, minute TEXT NOT NULL, source TEXT NOT NULL, act TEXT NOT NULL,
       reason TEXT NOT NULL, address TEXT NOT NULL, account TEXT NOT NULL, count INTEGER NOT NULL,
       last_at TEXT NOT NULL, UNIQUE (source, account, minute, act, reason, address))""",
    "CREATE INDEX attempt_budget ON attempt (source, account, id)",
)


class AttemptRow(SQLModel, table=True):
    """Equal attempts of one minute; `account` is empty where nobody can be named."""

    __tablename__: ClassVar[str] = "attempt"

    id: int | None = Field(default=None, primary_key=True)
    minute: str
    source: str
    act: str
    reason: str
    address: str
    account: str
    count: int
    last_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One refused attempt.

    Attributes:
        act: What was tried: `sign in`, `enrol`, or an action of `nodes.web.roles`.
        reason: A stable code of why; the caller was not told.
        address: Where it came from.
        account: Whose it would have been, by the account's id, if anybody's.
        proved: Whether it was that account, signed in, and nobody who only named it.
    """

    act: str
    reason: str
    address: str
    account: str | None = None
    proved: bool = False

    @property
    def source(self) -> Source:
        """Whose budget it is charged to."""
        if self.account is None:
            return Source.STRANGER
        return Source.ACCOUNT if self.proved else Source.AIMED


class AttemptStore:
    """All reads and writes of refused attempts.

    Args:
        session: One transaction of `nodes.adapters.officer_db`.
        rows_max: How many rows each budget has.
    """

    def __init__(self, session: Session, rows_max: Mapping[Source, int] = ROWS_MAX) -> None:
        self._session = session
        self._rows_max = rows_max

    def note(self, refused: Refused, *, at: datetime) -> int:
        """Count one attempt; how many of the budget's oldest rows went to make room for it."""
        minute = format_instant(at.replace(second=0, microsecond=0))
        row = self._kept(minute, refused)
        if row is None and self._rows_of(minute, refused) >= ROWS_OF_A_MINUTE_MAX:
            refused = replace(refused, reason=MANY, address=MANY)
            row = self._kept(minute, refused)
        forgotten = 0
        if row is None:
            forgotten = self._make_room(refused)
            row = AttemptRow(
                minute=minute,
                source=refused.source,
                act=refused.act,
                reason=refused.reason,
                address=refused.address,
                account=refused.account or "",
                count=0,
                last_at="",
            )
        row.count, row.last_at = row.count + 1, format_instant(at)
        self._session.add(row)
        self._session.flush()
        return forgotten

    def attempts(self, *, before: int | None, most: int, source: Source | None = None) -> list[AttemptRow]:
        """The last rows, newest first.

        Args:
            before: A number of a row, for the page after it.
            most: How many.
            source: Only those of this kind.
        """
        asked = select(AttemptRow).order_by(col(AttemptRow.id).desc()).limit(most)
        if before is not None:
            asked = asked.where(col(AttemptRow.id) < before)
        if source is not None:
            asked = asked.where(AttemptRow.source == source)
        return list(self._session.exec(asked).all())

    def _kept(self, minute: str, refused: Refused) -> AttemptRow | None:
        asked = select(AttemptRow).where(
            *_budget(refused),
            AttemptRow.minute == minute,
            AttemptRow.act == refused.act,
            AttemptRow.reason == refused.reason,
            AttemptRow.address == refused.address,
        )
        return self._session.exec(asked).first()

    def _rows_of(self, minute: str, refused: Refused) -> int:
        return self._session.exec(select(func.count()).where(*_budget(refused), AttemptRow.minute == minute)).one()

    def _make_room(self, refused: Refused) -> int:
        """Forget the budget's oldest rows if it has as many as it may."""
        budget, most = _budget(refused), self._rows_max[refused.source]
        if self._session.exec(select(func.count()).where(*budget)).one() < most:
            return 0
        oldest = select(AttemptRow.id).where(*budget).order_by(col(AttemptRow.id)).limit(most // FORGOTTEN_SHARE)
        ids = self._session.exec(oldest).all()
        self._session.exec(delete(AttemptRow).where(col(AttemptRow.id).in_(ids)))
        return len(ids)


def _budget(refused: Refused) -> tuple[ColumnElement[bool], ...]:
    return col(AttemptRow.source) == refused.source.value, col(AttemptRow.account) == (refused.account or "")
