"""The database schema by numbered steps: step n brings a store from number n-1 to n, once, in one transaction.

The number is SQLite's `user_version`. A number above the newest step was written by a later program and is refused.
A step that has been released is never changed; whatever comes later is another step.
"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from exchange.errors.node import StoreNewerError

STEP_1 = (
    """CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, root BLOB NOT NULL,
       edge BLOB NOT NULL)""",
    'CREATE TABLE entry ("index" INTEGER PRIMARY KEY, raw BLOB NOT NULL, evidence TEXT, counterpart TEXT)',
    "CREATE INDEX entry_evidence ON entry (evidence) WHERE evidence IS NOT NULL",
    "CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, root BLOB NOT NULL, note BLOB NOT NULL)",
    """CREATE TABLE cosignature (size INTEGER NOT NULL, witness TEXT NOT NULL, line TEXT NOT NULL,
       PRIMARY KEY (size, witness)) WITHOUT ROWID""",
    """CREATE TABLE witnessed (origin TEXT PRIMARY KEY, origin_hash TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
       root BLOB NOT NULL, note BLOB NOT NULL)""",
    """CREATE TABLE spent (kind TEXT NOT NULL, member TEXT NOT NULL, jti TEXT NOT NULL, expires INTEGER NOT NULL,
       PRIMARY KEY (kind, member, jti)) WITHOUT ROWID""",
    "CREATE INDEX spent_expires ON spent (expires)",
    "CREATE TABLE evidence (digest TEXT PRIMARY KEY, media_type TEXT NOT NULL, raw BLOB NOT NULL)",
    """CREATE TABLE publication (bundle TEXT PRIMARY KEY, contract TEXT NOT NULL, contract_id TEXT NOT NULL,
       contract_version TEXT NOT NULL, linkage_group TEXT NOT NULL, period TEXT NOT NULL, recipients TEXT NOT NULL,
       revision INTEGER NOT NULL, supersedes TEXT, not_before TEXT NOT NULL, valid_until TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('logged', 'published', 'superseded', 'withdrawn')),
       "index" INTEGER NOT NULL UNIQUE, at TEXT NOT NULL, zip_sha256 TEXT, zip_bytes INTEGER,
       UNIQUE (contract_id, period, recipients, revision))""",
    """CREATE TABLE pull (pull TEXT PRIMARY KEY, bundle TEXT NOT NULL, contract TEXT NOT NULL, puller TEXT NOT NULL,
       file TEXT NOT NULL, "index" INTEGER NOT NULL, content TEXT NOT NULL, at TEXT NOT NULL, receipt TEXT)""",
    "CREATE INDEX pull_owed ON pull (puller, contract) WHERE receipt IS NULL",
    "CREATE INDEX pull_bundle ON pull (bundle, puller)",
    """CREATE TABLE refusal (member TEXT NOT NULL, bundle TEXT NOT NULL, logged_hour TEXT NOT NULL,
       uncounted INTEGER NOT NULL, code TEXT NOT NULL, pull TEXT NOT NULL, PRIMARY KEY (member, bundle))""",
    """CREATE TABLE receipt (digest TEXT PRIMARY KEY, pull TEXT NOT NULL, bundle TEXT NOT NULL, puller TEXT NOT NULL,
       verdict TEXT NOT NULL, "index" INTEGER NOT NULL, raw BLOB NOT NULL)""",
    """CREATE TABLE pulled (pull TEXT PRIMARY KEY, partner TEXT NOT NULL, bundle TEXT NOT NULL, contract TEXT NOT NULL,
       purpose TEXT NOT NULL, verdict TEXT NOT NULL, settled INTEGER NOT NULL, "index" INTEGER, at TEXT NOT NULL,
       delivery BLOB, receipt BLOB, taken INTEGER NOT NULL, folder TEXT)""",
    """CREATE TABLE contract (digest TEXT PRIMARY KEY, id TEXT NOT NULL, version TEXT NOT NULL, raw BLOB NOT NULL,
       UNIQUE (id, version))""",
    """CREATE TABLE statement (digest TEXT PRIMARY KEY, contract TEXT NOT NULL, party TEXT NOT NULL, raw BLOB NOT NULL,
       "index" INTEGER NOT NULL, effective INTEGER NOT NULL)""",
    "CREATE INDEX statement_contract ON statement (contract)",
    """CREATE TABLE relay (kind TEXT NOT NULL, digest TEXT NOT NULL, member TEXT NOT NULL, taken INTEGER NOT NULL,
       PRIMARY KEY (kind, digest, member)) WITHOUT ROWID""",
)

STEP_2 = (
    """CREATE TABLE withdrawal (bundle TEXT PRIMARY KEY, "index" INTEGER NOT NULL UNIQUE, document BLOB NOT NULL,
       signatures BLOB NOT NULL, proof BLOB)""",
    """CREATE TABLE acknowledged (pull TEXT PRIMARY KEY, partner TEXT NOT NULL, bundle TEXT NOT NULL,
       receipt BLOB NOT NULL, taken INTEGER NOT NULL)""",
)

STEP_3 = (
    """CREATE TABLE rival (origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, origin_hash TEXT NOT NULL,
       note BLOB NOT NULL, PRIMARY KEY (origin, size, root)) WITHOUT ROWID""",
    """CREATE TABLE overdue (bundle TEXT NOT NULL, puller TEXT NOT NULL, "index" INTEGER NOT NULL,
       PRIMARY KEY (bundle, puller)) WITHOUT ROWID""",
)

STEP_4 = (
    "CREATE TABLE shared_secret (name TEXT PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE xroad (proof TEXT PRIMARY KEY, member TEXT NOT NULL, headers TEXT NOT NULL, at TEXT NOT NULL)",
)

STEP_5 = (
    "CREATE INDEX receipt_pull ON receipt (pull)",
    'CREATE INDEX pull_index ON pull ("index")',
)

STEPS: tuple[Sequence[str], ...] = (STEP_1, STEP_2, STEP_3, STEP_4, STEP_5)


def upgrade(connection: Connection, file: Path, *, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Bring the store to the newest number; call it inside a transaction.

    Raises:
        StoreNewerError: The store has a number beyond the newest step; nothing was changed.
    """
    found = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if found > len(steps):
        raise StoreNewerError(file=file.name, known=len(steps), found=found)
    for number, step in enumerate(steps[found:], start=found + 1):
        for statement in step:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA user_version = {number}")
