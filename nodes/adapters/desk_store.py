"""The desk's state in SQLite: candidates, their approvals so far, and what happened to each.

One file, `desk/desk.db`, written by short-lived commands of the officers' machine; every command is one transaction
that begins by taking the write lock, so that two officers at once cannot both act on an old state.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Field, Session, SQLModel, create_engine, select

from exchange.encoding import format_instant
from exchange.errors.settings import FileRefusedError
from nodes.adapters.migrations import upgrade

NUMBER_MAX = 2**63 - 1
"""Of a row, in SQLite."""

STEP_1 = (
    """CREATE TABLE desk_case (id INTEGER PRIMARY KEY, contract_id TEXT NOT NULL, contract_version TEXT NOT NULL,
       period TEXT NOT NULL, revision INTEGER NOT NULL, state TEXT NOT NULL, folder TEXT NOT NULL, clearance BLOB,
       returned_by TEXT, returned_at TEXT, reason TEXT, bundle TEXT)""",
    "CREATE INDEX desk_case_identity ON desk_case (contract_id, period, revision)",
    """CREATE TABLE desk_event (id INTEGER PRIMARY KEY, "case" INTEGER NOT NULL REFERENCES desk_case (id),
       at TEXT NOT NULL, officer TEXT NOT NULL, event TEXT NOT NULL, reason TEXT)""",
)
STEP_2 = (
    """CREATE TABLE desk_withdrawal (bundle TEXT PRIMARY KEY, document BLOB NOT NULL, signatures BLOB,
       state TEXT NOT NULL)""",
)
STEPS = (STEP_1, STEP_2)


class CaseRow(SQLModel, table=True):
    """A candidate before the clearing officers.

    `clearance` is a `clearance.json` with the approvals so far, none before the first; empty where nothing is before
    the officers. `folder` is relative to the desk's own folder.
    """

    __tablename__: ClassVar[str] = "desk_case"

    id: int | None = Field(default=None, primary_key=True)
    contract_id: str
    contract_version: str
    period: str
    revision: int
    state: str
    folder: str
    clearance: bytes | None = None
    returned_by: str | None = None
    returned_at: str | None = None
    reason: str | None = None
    bundle: str | None = None


class WithdrawalRow(SQLModel, table=True):
    """A withdrawal before the officers: `withdrawal.json` with the approvals so far, signed once there are enough."""

    __tablename__: ClassVar[str] = "desk_withdrawal"

    bundle: str = Field(primary_key=True)
    document: bytes
    signatures: bytes | None = None
    state: str


class EventRow(SQLModel, table=True):
    """What an officer did to a candidate, and when."""

    __tablename__: ClassVar[str] = "desk_event"

    id: int | None = Field(default=None, primary_key=True)
    case: int
    at: str
    officer: str
    event: str
    reason: str | None = None


class DeskStore:
    """All reads and writes of the desk; use inside `with open_desk(file) as desk`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def keep(self, row: CaseRow) -> CaseRow:
        """Add or change a case; with its number."""
        self._session.add(row)
        self._session.flush()
        return row

    def of(self, contract_id: str, period: str) -> list[CaseRow]:
        """The cases of this contract and period, the one opened last first."""
        rows = self._session.exec(
            select(CaseRow).where(CaseRow.contract_id == contract_id, CaseRow.period == period)
        ).all()
        return sorted(rows, key=lambda row: -(row.id or 0))

    def numbered(self, number: int) -> CaseRow | None:
        """The case of this number, if the database can count so far."""
        return self._session.get(CaseRow, number) if 0 < number <= NUMBER_MAX else None

    def events(self, number: int) -> list[EventRow]:
        """What happened to a case, in order."""
        rows = self._session.exec(select(EventRow).where(EventRow.case == number)).all()
        return sorted(rows, key=lambda row: row.id or 0)

    def released_as(self, bundle: str) -> CaseRow | None:
        """The case that became this bundle."""
        return self._session.exec(select(CaseRow).where(CaseRow.bundle == bundle)).first()

    def cases(self) -> list[CaseRow]:
        """Every case, newest first."""
        return sorted(self._session.exec(select(CaseRow)).all(), key=lambda row: -(row.id or 0))

    def withdrawal(self, bundle: str) -> WithdrawalRow | None:
        """The withdrawal of this bundle, if one was proposed."""
        return self._session.get(WithdrawalRow, bundle)

    def withdrawals(self) -> list[WithdrawalRow]:
        """Every withdrawal at the desk."""
        return sorted(self._session.exec(select(WithdrawalRow)).all(), key=lambda row: row.bundle)

    def keep_withdrawal(self, row: WithdrawalRow) -> None:
        """Add or change a withdrawal."""
        self._session.add(row)
        self._session.flush()

    def tell(self, row: CaseRow, *, at: datetime, officer: str, event: str, reason: str | None = None) -> None:
        """Write down who did what."""
        assert row.id is not None  # kept before
        self._session.add(EventRow(case=row.id, at=format_instant(at), officer=officer, event=event, reason=reason))


@contextmanager
def open_desk(file: Path) -> Iterator[DeskStore]:
    """One transaction on the desk's state; committed at the end, undone by any error.

    Raises:
        StoreNewerError: A later program wrote this file.
        FileRefusedError: The disk is full, or the folder is read-only; nothing has changed.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{file}")
    _begin_immediately(engine)
    try:
        with engine.begin() as connection:
            upgrade(connection, file, steps=STEPS)
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield DeskStore(session)
    except OperationalError as error:
        raise FileRefusedError(path=str(file), reason=str(error.orig)) from error
    finally:
        engine.dispose()


def _begin_immediately(engine: Engine) -> None:
    """Take the write lock at the start of each transaction, and make each commit durable."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]  # the event passes a Connection
