"""Pulls that this node answered, refusals it counted, receipts it got, and what is owed; as rows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlmodel import insert, text, update

from exchange.encoding import Digest, format_instant, parse_instant
from exchange.receipt import WITHDRAWN
from nodes.adapters.contract_store import keep_evidence
from nodes.adapters.store import driver_of
from nodes.adapters.tables import OverdueRow, PullRow, RefusalRow, table_of

PROOF_MEDIA_TYPE = "application/dpop+jwt"
RECEIPT_MEDIA_TYPE = "application/jose"
_HOUR = "%Y-%m-%dT%H"

_OVERDUE = (
    "SELECT p.bundle AS bundle, MIN(p.at) AS at FROM pull p JOIN publication o ON o.bundle = p.bundle "
    "WHERE p.puller = :puller AND p.contract = :contract AND p.receipt IS NULL AND p.at < :limit "
    "AND NOT (o.contract_id = :contract AND o.period = :period AND o.recipients = :recipients) "
    "AND NOT EXISTS (SELECT 1 FROM pull q WHERE q.bundle = p.bundle AND q.puller = p.puller "
    "AND q.receipt IS NOT NULL) GROUP BY p.bundle ORDER BY 2 LIMIT 1"
)
# Straight to the driver wherever every pull passes: building a statement costs more than SQLite takes to run it.
_KEEP_PULL = (
    'INSERT INTO pull (pull, bundle, contract, puller, file, "index", content, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'
)
_SERVED = (
    'SELECT p.bundle, p.puller, p.file, p."index" AS position, p.content, p.receipt, e.raw, '
    '(SELECT c.note FROM checkpoint c WHERE c.size > p."index" ORDER BY c.size LIMIT 1) AS note '
    'FROM pull p JOIN entry e ON e."index" = p."index" WHERE p.pull = ?'
)
_RECEIPT_INDEX = 'SELECT "index" FROM receipt WHERE digest = ?'
_KEEP_RECEIPT = 'INSERT INTO receipt (digest, pull, bundle, puller, verdict, "index", raw) VALUES (?, ?, ?, ?, ?, ?, ?)'
_DEBTS = text(
    "SELECT p.puller AS puller, p.bundle AS bundle, p.contract AS contract, MIN(p.at) AS at FROM pull p "
    "WHERE p.receipt IS NULL AND NOT EXISTS (SELECT 1 FROM pull q WHERE q.bundle = p.bundle "
    "AND q.puller = p.puller AND q.receipt IS NOT NULL) GROUP BY p.puller, p.bundle, p.contract ORDER BY 4"
)
_UNLOGGED_DEBTS = (
    "SELECT p.pull, p.puller, p.bundle, MIN(p.at) FROM pull p WHERE p.receipt IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM pull q WHERE q.bundle = p.bundle AND q.puller = p.puller "
    "AND q.receipt IS NOT NULL) "
    "AND NOT EXISTS (SELECT 1 FROM overdue o WHERE o.bundle = p.bundle AND o.puller = p.puller) "
    "GROUP BY p.puller, p.bundle ORDER BY 4, 1"
)  # with MIN, SQLite takes the other columns from the row that has it (lang_select.html, "bare columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPull:
    """A pull that this node answered with data."""

    pull: Digest
    bundle: Digest
    contract_id: str
    puller: str
    file: str
    index: int
    content: Digest
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a delivery said: the entry, the checkpoint right after it, the bytes."""

    bundle: Digest
    puller: str
    file: str
    index: int
    content: Digest
    entry: bytes
    note: bytes
    receipt: Digest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """A receipt that a member still owes."""

    puller: str
    bundle: str
    contract_id: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnloggedDebt:
    """A receipt that a member owes and that no entry calls overdue yet, by its oldest pull."""

    pull: Digest
    puller: str
    bundle: Digest
    since: datetime


def keep_pull(connection: Connection, kept: KeptPull, *, proof: str) -> None:
    """Keep a pull, and the proof that asked for it as the evidence of its entry."""
    driver_of(connection).execute(
        _KEEP_PULL,
        (
            str(kept.pull),
            str(kept.bundle),
            kept.contract_id,
            kept.puller,
            kept.file,
            kept.index,
            str(kept.content),
            format_instant(kept.at),
        ),
    )
    keep_evidence(connection, kept.pull, PROOF_MEDIA_TYPE, proof.encode("ascii"))


def pulled_before(connection: Connection, *, bundle: Digest, puller: str) -> bool:
    """Whether this member pulled this bundle already."""
    table = table_of(PullRow)
    found = connection.execute(
        select(table.c.pull).where(table.c.bundle == str(bundle), table.c.puller == puller).limit(1)
    )
    return found.first() is not None


def overdue_receipt(
    connection: Connection, *, puller: str, series: tuple[str, str, tuple[str, ...]], limit: datetime
) -> tuple[str, str] | None:
    """The bundle, and since when, for which this member owes a receipt from before `limit`.

    Args:
        connection: Any.
        puller: Who pulls.
        series: Contract id, period and recipients of what is asked for: its own debts never stand in its way.
        limit: Pulls before this are overdue.
    """
    contract_id, period, recipients = series
    row = (
        driver_of(connection)
        .execute(
            _OVERDUE,
            {
                "puller": puller,
                "contract": contract_id,
                "limit": format_instant(limit),
                "period": period,
                "recipients": " ".join(recipients),
            },
        )
        .fetchone()
    )
    return None if row is None else (row[0], row[1])


def debts(connection: Connection) -> list[Debt]:
    """Every receipt that any member still owes, oldest first."""
    return [
        Debt(puller=row.puller, bundle=row.bundle, contract_id=row.contract, since=row.at)
        for row in connection.execute(_DEBTS)
    ]


def unlogged_debts(connection: Connection) -> list[UnloggedDebt]:
    """Every debt without its `receipt.overdue` entry, oldest first."""
    return [
        UnloggedDebt(
            pull=Digest.parse(pull, subject="store"),
            puller=puller,
            bundle=Digest.parse(bundle, subject="store"),
            since=parse_instant(since, subject="store"),
        )
        for pull, puller, bundle, since in driver_of(connection).execute(_UNLOGGED_DEBTS)
    ]


def keep_overdue(connection: Connection, debt: UnloggedDebt, *, index: int) -> None:
    """The debt has its entry."""
    connection.execute(insert(OverdueRow), {"bundle": str(debt.bundle), "puller": debt.puller, "index": index})


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRefusals:
    """Refused pulls that no entry has counted yet, of an hour that is over."""

    member: str
    bundle: Digest
    code: str
    pull: Digest
    count: int


def past_refusals(connection: Connection, *, at: datetime) -> list[PastRefusals]:
    """What past hours left uncounted; from now on it counts as logged."""
    hour = at.strftime(_HOUR)
    table = table_of(RefusalRow)
    due = (table.c.uncounted > 0) & (table.c.logged_hour < hour)
    rows = connection.execute(select(table).where(due)).mappings().all()
    if rows:
        connection.execute(update(table).where(due).values(uncounted=0, logged_hour=hour))
    return [
        PastRefusals(
            member=row["member"],
            bundle=Digest.parse(row["bundle"], subject="store"),
            code=row["code"],
            pull=Digest.parse(row["pull"], subject="store"),
            count=row["uncounted"],
        )
        for row in rows
    ]


def count_refusal(
    connection: Connection, *, member: str, bundle: Digest, code: str, pull: Digest, at: datetime
) -> int | None:
    """Count a refused pull; the count to log now, or None if this hour has its entry already.

    An entry carries every refusal since the one before it, so that none is lost and an hour has at most one.
    """
    hour = at.strftime(_HOUR)
    table = table_of(RefusalRow)
    of_pair = (table.c.member == member) & (table.c.bundle == str(bundle))
    row = connection.execute(select(table.c.logged_hour, table.c.uncounted).where(of_pair)).first()
    if row is None:
        values = {"member": member, "bundle": str(bundle), "logged_hour": hour, "uncounted": 0}
        connection.execute(insert(RefusalRow), {**values, "code": code, "pull": str(pull)})
        return 1
    due = row.logged_hour < hour
    connection.execute(
        update(table)
        .where(of_pair)
        .values(
            logged_hour=hour if due else row.logged_hour,
            uncounted=0 if due else row.uncounted + 1,
            code=code,
            pull=str(pull),
        )
    )
    return int(row.uncounted) + 1 if due else None


def served(connection: Connection, pull: Digest) -> Served | None:
    """What was said about a pull when it was served."""
    row = driver_of(connection).execute(_SERVED, (str(pull),)).fetchone()
    if row is None:
        return None
    bundle, puller, file, index, content, receipt, entry, note = row
    return Served(
        bundle=Digest.parse(bundle, subject="store"),
        puller=puller,
        file=file,
        index=index,
        content=Digest.parse(content, subject="store"),
        entry=entry,
        note=note,
        receipt=None if receipt is None else Digest.parse(receipt, subject="store"),
    )


def acknowledged(connection: Connection, pull: Digest) -> bool:
    """Whether the withdrawal of this pull's bundle was acknowledged before."""
    query = "SELECT 1 FROM receipt WHERE pull = ? AND verdict = ?"
    return connection.exec_driver_sql(query, (str(pull), WITHDRAWN)).first() is not None


def receipt_index(connection: Connection, digest: Digest) -> int | None:
    """The receipt.got entry of a receipt that was taken before."""
    row = driver_of(connection).execute(_RECEIPT_INDEX, (str(digest),)).fetchone()
    return None if row is None else int(row[0])


def keep_receipt(  # a row has this many columns
    connection: Connection,
    *,
    digest: Digest,
    pull: Digest,
    bundle: Digest,
    puller: str,
    verdict: str,
    index: int,
    raw: bytes,
) -> None:
    """Keep a receipt; the debt for its bundle is paid."""
    driver = driver_of(connection)
    driver.execute(_KEEP_RECEIPT, (str(digest), str(pull), str(bundle), puller, verdict, index, raw))
    driver.execute("UPDATE pull SET receipt = ? WHERE pull = ?", (str(digest), str(pull)))
    keep_evidence(connection, digest, RECEIPT_MEDIA_TYPE, raw)
