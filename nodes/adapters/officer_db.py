"""The database of officers' accounts and sessions of one console: `accounts.db`, one transaction per act.

Every transaction begins by taking the write lock, so that of two uses of one challenge or enrolment one finds nothing.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlmodel import Session, create_engine

from exchange.errors.settings import FileRefusedError
from nodes.adapters import account_store, attempt_store, session_store
from nodes.adapters.account_store import AccountStore
from nodes.adapters.attempt_store import AttemptStore
from nodes.adapters.migrations import upgrade
from nodes.adapters.session_store import SessionStore

STEPS = ((*account_store.STEP_1, *session_store.STEP_1), attempt_store.STEP_2)
BUSY_TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class OfficerStore:
    """What one transaction sees."""

    accounts: AccountStore
    sessions: SessionStore
    attempts: AttemptStore


class OfficerDb:
    """The accounts and sessions of one console.

    Args:
        file: Where; made with its folder if absent.

    Raises:
        StoreNewerError: A later program wrote this file.
        FileRefusedError: The disk is full, or the folder is read-only.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._one_at_a_time = threading.RLock()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
        _prepare(self._engine)
        with self._refusing(), self._engine.begin() as connection:
            upgrade(connection, file, steps=STEPS)

    @contextmanager
    def begin(self) -> Iterator[OfficerStore]:
        """One transaction; committed at the end, undone by any error.

        Raises:
            FileRefusedError: The disk is full, or the folder is read-only; nothing has changed.
        """
        with (
            self._one_at_a_time,  # SQLite's own wait for the lock is a poll; this process's threads queue here instead
            self._refusing(),
            Session(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield OfficerStore(AccountStore(session), SessionStore(session), AttemptStore(session))

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise FileRefusedError(path=str(self._file), reason=str(error.orig)) from error


def _prepare(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}")
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def began(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]  # the event passes a Connection
