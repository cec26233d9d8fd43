"""Pulls from partners as rows: on their way, settled, receipted, and the evidence that the own entries name."""

from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy import select as core_select
from sqlmodel import col, delete, insert, select, update

from exchange.encoding import Digest, format_instant
from exchange.flow.pull import Outcome
from exchange.receipt import INCOMPLETE, Receipt
from nodes.adapters.tables import EvidenceRow, PulledRow, table_of

MEDIA_TYPE = "application/jose"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedReceipt:
    """A receipt that stands in the own log and that the partner has not taken yet."""

    pull: Digest
    partner: str
    token: str


def begin_pull(connection: Connection, outcome: Outcome, *, at: str) -> None:
    """A request that is about to leave; unless something better becomes known it is `incomplete`."""
    row = {
        "pull": str(outcome.pull),
        "partner": outcome.partner,
        "bundle": str(outcome.bundle),
        "contract": str(outcome.contract),
        "purpose": outcome.purpose,
        "verdict": INCOMPLETE,
        "settled": False,
        "index": None,
        "at": at,
        "delivery": None,
        "receipt": None,
        "taken": False,
        "folder": None,
    }
    connection.execute(insert(PulledRow), row)


def forget_pull(connection: Connection, pull: Digest) -> None:
    """The request became no pull; a settled one stays."""
    connection.execute(delete(PulledRow).where(col(PulledRow.pull) == str(pull), col(PulledRow.settled).is_(False)))


def settle_pull(connection: Connection, outcome: Outcome, *, receipt: Receipt, token: str) -> None:
    """What became of a pull, with the receipt for it and the evidence that both entries name."""
    delivery = None if outcome.delivery is None else outcome.delivery.encode("ascii")
    settled = {
        "verdict": outcome.verdict,
        "settled": True,
        "index": receipt.entry,
        "at": format_instant(receipt.at),
        "delivery": delivery,
        "receipt": token.encode("ascii"),
        "folder": outcome.folder,
    }
    connection.execute(update(PulledRow).where(col(PulledRow.pull) == str(outcome.pull)).values(settled))
    for raw in (delivery, token.encode("ascii")):
        if raw is not None:
            evidence = {"digest": str(Digest.of(raw)), "media_type": MEDIA_TYPE, "raw": raw}
            connection.execute(insert(EvidenceRow).prefix_with("OR IGNORE"), evidence)


def mark_taken(connection: Connection, pull: Digest) -> None:
    """The partner took the receipt."""
    connection.execute(update(PulledRow).where(col(PulledRow.pull) == str(pull)).values(taken=True))


def unsettled_pulls(connection: Connection) -> tuple[Outcome, ...]:
    """Pulls of which nothing is known but that their request was about to leave."""
    table = table_of(PulledRow)
    rows = connection.execute(core_select(table).where(table.c.settled.is_(False))).mappings()
    return tuple(
        Outcome(
            pull=_digest(row["pull"]),
            partner=row["partner"],
            bundle=_digest(row["bundle"]),
            contract=_digest(row["contract"]),
            purpose=row["purpose"],
            delivery=None,
            code=INCOMPLETE,
        )
        for row in rows
    )


def owed_receipts(connection: Connection, *, pull: Digest | None = None) -> tuple[OwedReceipt, ...]:
    """Receipts not taken yet: all, or that of one pull."""
    query = select(PulledRow.pull, PulledRow.partner, PulledRow.receipt).where(
        col(PulledRow.settled).is_(True), col(PulledRow.taken).is_(False)
    )
    if pull is not None:
        query = query.where(col(PulledRow.pull) == str(pull))
    return tuple(
        OwedReceipt(pull=_digest(row.pull), partner=row.partner, token=bytes(row.receipt).decode("ascii"))
        for row in connection.execute(query)
    )


def _digest(text: str) -> Digest:
    return Digest.parse(text, subject="store")
