"""The node's state in SQLite: one writer, many readers, durable at every commit (WAL, synchronous=FULL).

Only the sequencer's thread writes. Everybody else reads through `read`, in a thread and with a connection of its own
that refuses to write. Transactions are begun by us, not by the driver, so that a savepoint is where we put it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool
from sqlmodel import create_engine

from exchange.errors.settings import FileRefusedError
from nodes.adapters.migrations import upgrade

T = TypeVar("T")

READERS_MAX = 4
BUSY_TIMEOUT_MS = 5000
WAL_PAGES = 4096
"""After how many pages (16 MiB) the WAL is merged: entries are indexed by digests, so that each writes a page of its
own, and a merge costs as many syncs as a group."""


class Store:
    """The state database of one node."""

    def __init__(self, file: Path) -> None:
        """Open or create the database, and bring its schema to the newest number.

        Raises:
            StoreNewerError: A later version of the program wrote it.
            FileRefusedError: The disk is full, or the folder is read-only.
        """
        self.file = file
        address = f"sqlite:///{file}"
        self._writer = create_engine(address, poolclass=NullPool)
        self._readers = create_engine(
            address, poolclass=QueuePool, pool_size=READERS_MAX, connect_args={"check_same_thread": False}
        )
        _prepare(
            self._writer,
            begin="BEGIN IMMEDIATE",
            pragmas=("journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={WAL_PAGES}"),
        )
        _prepare(self._readers, begin="BEGIN", pragmas=("query_only=ON",))
        try:
            with self._writer.begin() as connection:
                upgrade(connection, file)
        except OperationalError as error:
            self.close()
            raise FileRefusedError(path=str(file), reason=str(error.orig)) from error

    def open_writer(self) -> Connection:
        """The connection of the one writer; the caller closes it."""
        return self._writer.connect()

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query in a thread, in one read transaction."""
        return await asyncio.to_thread(self.read_now, query)

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """Run a query here, in one read transaction."""
        with self._readers.begin() as connection:
            return query(connection)

    def close(self) -> None:
        """Close every connection; the WAL is merged by the last one."""
        self._readers.dispose()
        self._writer.dispose()


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, for the few statements that are executed with every group of entries.

    Going through SQLAlchemy costs more than most of them. They raise the driver's errors.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _prepare(engine: Engine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        # The driver's own transaction control begins late and commits at will; ours is explicit.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
