"""The desk's state in SQLite: candidates, approvals, what happened to each, and the disclosure ledger.

One file, `desk/desk.db`, written by short-lived commands of the officers' machine; every command is one transaction
that begins by taking the write lock, so that two officers at once cannot both act on an old state.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Engine, UniqueConstraint, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Field, Session, SQLModel, create_engine, select

from exchange.encoding import Digest, format_instant
from nodes.adapters.migrations import upgrade

STEP_1 = (
    """CREATE TABLE desk_candidate (id INTEGER PRIMARY KEY, contract_id TEXT NOT NULL, contract_version TEXT NOT NULL,
       period TEXT NOT NULL, revision INTEGER NOT NULL, state TEXT NOT NULL, prepared_by TEXT NOT NULL,
       folder TEXT NOT NULL, common BLOB NOT NULL, reason TEXT, bundle TEXT)""",
    "CREATE INDEX desk_candidate_identity ON desk_candidate (contract_id, period, revision)",
    """CREATE TABLE desk_approval (candidate INTEGER NOT NULL REFERENCES desk_candidate (id), officer TEXT NOT NULL,
       raw BLOB NOT NULL, PRIMARY KEY (candidate, officer))""",
    """CREATE TABLE desk_event (id INTEGER PRIMARY KEY, candidate INTEGER NOT NULL REFERENCES desk_candidate (id),
       at TEXT NOT NULL, officer TEXT NOT NULL, action TEXT NOT NULL, reason TEXT)""",
)
STEPS = (STEP_1,)


class CandidateRow(SQLModel, table=True):
    """A candidate before the clearing officers."""

    __tablename__: ClassVar[str] = "desk_candidate"

    id: int | None = Field(default=None, primary_key=True)
    contract_id: str
    contract_version: str
    period: str
    revision: int
    state: str
    prepared_by: str
    folder: str
    common: bytes
    reason: str | None = None
    bundle: str | None = None


class ApprovalRow(SQLModel, table=True):
    """One officer's approval of one candidate."""

    __tablename__: ClassVar[str] = "desk_approval"
    __table_args__ = (UniqueConstraint("candidate", "officer"),)

    candidate: int = Field(primary_key=True)
    officer: str = Field(primary_key=True)
    raw: bytes


class EventRow(SQLModel, table=True):
    """What an officer did to a candidate, and when."""

    __tablename__: ClassVar[str] = "desk_event"

    id: int | None = Field(default=None, primary_key=True)
    candidate: int
    at: str
    officer: str
    action: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCandidate:
    """A candidate as the desk knows it.

    Attributes:
        common: The RFC 8785 bytes of the clearance's common part, fixed at submission.
        approvals: Each officer's approval as stored, by officer.
    """

    id: int
    contract_id: str
    contract_version: str
    period: str
    revision: int
    state: str
    prepared_by: str
    folder: Path
    common: bytes = field(repr=False)
    approvals: dict[str, bytes] = field(repr=False)
    reason: str | None
    bundle: Digest | None


class DeskStore:
    """All reads and writes of the desk; use inside `with store.transaction() as desk`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: CandidateRow) -> int:
        """Keep a newly submitted candidate; its number."""
        self._session.add(row)
        self._session.flush()
        assert row.id is not None  # set by the flush
        return row.id

    def newest(self, contract_id: str, period: str) -> DeskCandidate | None:
        """The candidate submitted last for this contract and period."""
        query = (
            select(CandidateRow)
            .where(CandidateRow.contract_id == contract_id, CandidateRow.period == period)
            .order_by(CandidateRow.id.desc())  # type: ignore[union-attr]  # SQLModel types a column as its Python type
        )
        row = self._session.exec(query).first()
        return None if row is None else self._candidate(row)

    def all(self) -> list[DeskCandidate]:
        """Every candidate, newest first."""
        return [self._candidate(row) for row in reversed(self._session.exec(select(CandidateRow)).all())]

    def set_state(
        self, candidate: DeskCandidate, state: str, *, reason: str | None = None, bundle: Digest | None = None
    ) -> None:
        """Move a candidate to a state that the rules allowed."""
        row = self._session.get_one(CandidateRow, candidate.id)
        row.state = state
        row.reason = reason
        row.bundle = str(bundle) if bundle is not None else row.bundle
        self._session.add(row)

    def add_approval(self, candidate: DeskCandidate, officer: str, raw: bytes) -> None:
        """Keep an approval; a second one by the same officer violates the key and is refused by SQLite."""
        self._session.add(ApprovalRow(candidate=candidate.id, officer=officer, raw=raw))

    def add_event(
        self, candidate_id: int, *, at: datetime, officer: str, action: str, reason: str | None = None
    ) -> None:
        """Write down who did what."""
        self._session.add(
            EventRow(candidate=candidate_id, at=format_instant(at), officer=officer, action=action, reason=reason)
        )

    def _candidate(self, row: CandidateRow) -> DeskCandidate:
        assert row.id is not None  # a stored row has its number
        approvals = self._session.exec(select(ApprovalRow).where(ApprovalRow.candidate == row.id)).all()
        return DeskCandidate(
            id=row.id,
            contract_id=row.contract_id,
            contract_version=row.contract_version,
            period=row.period,
            revision=row.revision,
            state=row.state,
            prepared_by=row.prepared_by,
            folder=Path(row.folder),
            common=row.common,
            approvals={approval.officer: approval.raw for approval in approvals},
            reason=row.reason,
            bundle=None if row.bundle is None else Digest.parse(row.bundle, subject="desk.db: bundle"),
        )


@contextmanager
def open_desk(file: Path) -> Iterator[DeskStore]:
    """One transaction on the desk's state; committed at the end, undone by any error.

    Raises:
        StoreNewerError: A later program wrote this file.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{file}")
    _begin_immediately(engine)
    try:
        with engine.begin() as connection:
            upgrade(connection, file, steps=STEPS)
        with Session(engine) as session, session.begin():
            yield DeskStore(session)
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
