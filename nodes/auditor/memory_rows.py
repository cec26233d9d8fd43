"""What an audit found in order, as rows of `audit.db` (decision 56)."""

from typing import ClassVar

from sqlalchemy import Connection
from sqlmodel import Field, SQLModel, delete, insert, select

from exchange.encoding import Digest, format_instant, parse_instant
from exchange.reconcile.memory import Memory

MEMORY_TABLES = (
    "CREATE TABLE verified_publication (digest TEXT PRIMARY KEY, cosigned_at TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE silent_pattern (digest TEXT PRIMARY KEY) WITHOUT ROWID",
)
_SUBJECT = "audit store"


class VerifiedPublicationRow(SQLModel, table=True):
    """A publication that verified, by the digest of all that was looked at, and when it was cosigned."""

    __tablename__: ClassVar[str] = "verified_publication"

    digest: str = Field(primary_key=True)
    cosigned_at: str


class SilentPatternRow(SQLModel, table=True):
    """Patterns from which nothing follows, by the digest of all that was looked at."""

    __tablename__: ClassVar[str] = "silent_pattern"

    digest: str = Field(primary_key=True)


def read_memory(connection: Connection, judged_by: Digest) -> Memory:
    """What the last run found in order, for one that judges by this program and registry."""
    verified = connection.execute(select(VerifiedPublicationRow.digest, VerifiedPublicationRow.cosigned_at))
    silent = connection.execute(select(SilentPatternRow.digest))
    return Memory(
        judged_by=judged_by,
        verified={Digest.parse(row[0], subject=_SUBJECT): parse_instant(row[1], subject=_SUBJECT) for row in verified},
        silent=frozenset(Digest.parse(row[0], subject=_SUBJECT) for row in silent),
    )


def write_memory(connection: Connection, memory: Memory) -> None:
    """Keep what this run rests on, and nothing of the runs before."""
    forget_memory(connection)
    verified = [{"digest": str(one), "cosigned_at": format_instant(at)} for one, at in memory.verified_now.items()]
    if verified:
        connection.execute(insert(VerifiedPublicationRow), verified)
    if memory.silent_now:
        connection.execute(insert(SilentPatternRow), [{"digest": str(one)} for one in memory.silent_now])


def forget_memory(connection: Connection) -> None:
    """Believe nothing of it any more."""
    connection.execute(delete(VerifiedPublicationRow))
    connection.execute(delete(SilentPatternRow))
