"""What was refused at a console, in SQLite: one row for equal attempts of one minute, with their count.

Whoever can fail can ask for rows, so they are bounded twice: so many in a minute, beyond which only a count is kept,
and so many in all, beyond which the oldest go. Nothing that was typed is in them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, Session, SQLModel, col, delete, func, select

from exchange.encoding import format_instant

ROWS_OF_A_MINUTE_MAX = 20
ROWS_MAX = 50_000
"""About 8 MB: two days of an attack that never pauses, or years of people who touch the wrong passkey."""
FORGOTTEN_AT_ONCE = 1000
MANY = "*"
"""In the place of an address or a reason: several, beyond what a minute's rows tell apart."""

STEP_2 = (
    """CREATE TABLE attempt (id INTEGER PRIMARY KEY, minute TEXT NOT NULL, act TEXT NOT NULL, reason TEXT NOT NULL,
       address TEXT NOT NULL, account TEXT NOT NULL, count INTEGER NOT NULL, last_at TEXT NOT NULL,
       UNIQUE (minute, act, reason, address, account))""",
)


class AttemptRow(SQLModel, table=True):
    """Equal attempts of one minute; `account` is empty where nobody can be named."""

    __tablename__: ClassVar[str] = "attempt"

    id: int | None = Field(default=None, primary_key=True)
    minute: str
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
    """

    act: str
    reason: str
    address: str
    account: str | None = None


class AttemptStore:
    """All reads and writes of refused attempts; inside one transaction of `nodes.adapters.officer_db`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def note(self, refused: Refused, *, at: datetime) -> int:
        """Count one attempt; how many of the oldest rows went to make room for it."""
        minute = format_instant(at.replace(second=0, microsecond=0))
        row = self._kept(minute, refused)
        if row is None and self._rows_of(minute) >= ROWS_OF_A_MINUTE_MAX:
            refused = Refused(act=refused.act, reason=MANY, address=MANY)
            row = self._kept(minute, refused)
        forgotten = 0
        if row is None:
            forgotten = self._make_room()
            row = AttemptRow(
                minute=minute,
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

    def attempts(self, *, before: int | None, most: int) -> list[AttemptRow]:
        """The last rows, newest first; `before` a number of a row, for the page after it."""
        asked = select(AttemptRow).order_by(col(AttemptRow.id).desc()).limit(most)
        if before is not None:
            asked = asked.where(col(AttemptRow.id) < before)
        return list(self._session.exec(asked).all())

    def _kept(self, minute: str, refused: Refused) -> AttemptRow | None:
        asked = select(AttemptRow).where(
            AttemptRow.minute == minute,
            AttemptRow.act == refused.act,
            AttemptRow.reason == refused.reason,
            AttemptRow.address == refused.address,
            AttemptRow.account == (refused.account or ""),
        )
        return self._session.exec(asked).first()

    def _rows_of(self, minute: str) -> int:
        return self._session.exec(select(func.count()).where(AttemptRow.minute == minute)).one()

    def _make_room(self) -> int:
        """Forget the oldest rows if there are as many as there may be; the numbers of rows have no gaps."""
        oldest, newest = self._session.exec(select(func.min(AttemptRow.id), func.max(AttemptRow.id))).one()
        if oldest is None or newest is None or newest - oldest + 1 < ROWS_MAX:
            return 0
        self._session.exec(delete(AttemptRow).where(col(AttemptRow.id) < oldest + FORGOTTEN_AT_ONCE))
        return FORGOTTEN_AT_ONCE
