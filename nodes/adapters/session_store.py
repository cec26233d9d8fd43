"""Officers' sessions and the challenges they were given: in SQLite, by digests of their secrets.

A copy of this file signs nobody in: of a session's token and of a challenge's handle only the SHA-256 is kept.
"""

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, Session, SQLModel, col, delete, func, select

from exchange.encoding import format_instant

CHALLENGES_MAX = 10_000
"""Of those that anybody may ask for: at a disk's few hundred transactions a second, half a minute of an attack."""
FORGOTTEN_SHARE = 20
"""When they are that many, one of so many goes, the oldest first."""

STEP_1 = (
    """CREATE TABLE session (token_sha256 TEXT PRIMARY KEY, handle TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
       method TEXT NOT NULL, began_at TEXT NOT NULL, seen_at TEXT NOT NULL, stepped_up_at TEXT) WITHOUT ROWID""",
    "CREATE INDEX session_account ON session (account)",
    """CREATE TABLE challenge (handle_sha256 TEXT PRIMARY KEY, kind TEXT NOT NULL, account TEXT,
       statement BLOB NOT NULL, expires_at TEXT NOT NULL) WITHOUT ROWID""",
)


class SessionRow(SQLModel, table=True):
    """A session: `began_at` is its login's, kept when a step-up gives it a new token."""

    __tablename__: ClassVar[str] = "session"

    token_sha256: str = Field(primary_key=True)
    handle: str
    account: str
    method: str
    began_at: str
    seen_at: str
    stepped_up_at: str | None = None


class ChallengeRow(SQLModel, table=True):
    """A statement that somebody was asked to prove; it goes with its first use, whatever comes of that."""

    __tablename__: ClassVar[str] = "challenge"

    handle_sha256: str = Field(primary_key=True)
    kind: str
    account: str | None = None
    statement: bytes
    expires_at: str


class SessionStore:
    """All reads and writes of sessions; inside one transaction of `nodes.adapters.officer_db`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def keep_session(self, row: SessionRow) -> None:
        """Add or change a session."""
        self._session.add(row)
        self._session.flush()

    def session(self, token_sha256: str) -> SessionRow | None:
        """The session of this token."""
        return self._session.get(SessionRow, token_sha256)

    def sessions_of(self, account: str) -> list[SessionRow]:
        """Every session of an account, the newest first."""
        rows = self._session.exec(select(SessionRow).where(SessionRow.account == account)).all()
        return sorted(rows, key=lambda row: row.began_at, reverse=True)

    def end_session(self, row: SessionRow) -> None:
        """It is no session any more."""
        self._session.delete(row)
        self._session.flush()

    def end_sessions_of(self, account: str) -> None:
        """None of the account's sessions is one any more."""
        self._session.exec(delete(SessionRow).where(col(SessionRow.account) == account))

    def keep_challenge(self, row: ChallengeRow, *, at: datetime, most: int = CHALLENGES_MAX) -> None:
        """Add a challenge; what has run out goes, and of those that no account asked for the oldest beyond `most`."""
        self._session.exec(delete(ChallengeRow).where(col(ChallengeRow.expires_at) < format_instant(at)))
        if row.account is None:
            self._make_room(most)
        self._session.add(row)
        self._session.flush()

    def take_challenge(self, handle_sha256: str, kind: str) -> ChallengeRow | None:
        """The challenge of this kind, which is taken away with it: the write lock makes one use of many."""
        found = self._session.get(ChallengeRow, handle_sha256)
        if found is None or found.kind != kind:
            return None
        self._session.delete(found)
        self._session.flush()
        return found

    def _make_room(self, most: int) -> None:
        nobodys = col(ChallengeRow.account).is_(None)
        if self._session.exec(select(func.count()).where(nobodys)).one() < most:
            return
        oldest = select(ChallengeRow.handle_sha256).where(nobodys).order_by(col(ChallengeRow.expires_at))
        handles = self._session.exec(oldest.limit(most // FORGOTTEN_SHARE)).all()
        self._session.exec(delete(ChallengeRow).where(col(ChallengeRow.handle_sha256).in_(handles)))
