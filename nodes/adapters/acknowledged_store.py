"""Withdrawals of partners that this node acknowledges: one receipt for each of its pulls of the bundle."""

from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy import select as core_select
from sqlmodel import col, insert, select, update

from exchange.encoding import Digest
from nodes.adapters.pulled_store import MEDIA_TYPE, OwedReceipt
from nodes.adapters.tables import AcknowledgedRow, EvidenceRow, PulledRow, table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPull:
    """A settled pull with a delivery, as far as an acknowledgement names it."""

    pull: Digest
    partner: str
    bundle: Digest
    contract: Digest
    purpose: str
    delivery: bytes
    entry: int


def unacknowledged(connection: Connection) -> tuple[HeldPull, ...]:
    """Every pull that brought a delivery and whose withdrawal, if there is one, was not acknowledged."""
    table = table_of(PulledRow)
    done = select(AcknowledgedRow.pull)
    rows = connection.execute(
        core_select(table).where(table.c.settled.is_(True), table.c.delivery.is_not(None), table.c.pull.not_in(done))
    ).mappings()
    return tuple(
        HeldPull(
            pull=_digest(row["pull"]),
            partner=row["partner"],
            bundle=_digest(row["bundle"]),
            contract=_digest(row["contract"]),
            purpose=row["purpose"],
            delivery=bytes(row["delivery"]),
            entry=row["index"],
        )
        for row in rows
    )


def keep_acknowledged(connection: Connection, held: HeldPull, *, token: str) -> None:
    """The receipt stands in the own log; with it, it counts as given."""
    raw = token.encode("ascii")
    evidence = {"digest": str(Digest.of(raw)), "media_type": MEDIA_TYPE, "raw": raw}
    connection.execute(insert(EvidenceRow).prefix_with("OR IGNORE"), evidence)
    row = {
        "pull": str(held.pull),
        "partner": held.partner,
        "bundle": str(held.bundle),
        "receipt": raw,
        "taken": False,
    }
    connection.execute(insert(AcknowledgedRow), row)


def mark_acknowledged(connection: Connection, pull: Digest) -> None:
    """The partner took it."""
    connection.execute(update(AcknowledgedRow).where(col(AcknowledgedRow.pull) == str(pull)).values(taken=True))


def owed_acknowledgements(connection: Connection) -> tuple[OwedReceipt, ...]:
    """Acknowledgements that no partner took yet."""
    rows = connection.execute(
        select(AcknowledgedRow.pull, AcknowledgedRow.partner, AcknowledgedRow.receipt).where(
            col(AcknowledgedRow.taken).is_(False)
        )
    )
    return tuple(
        OwedReceipt(pull=_digest(row.pull), partner=row.partner, token=bytes(row.receipt).decode("ascii"))
        for row in rows
    )


def _digest(text: str) -> Digest:
    return Digest.parse(text, subject="store")
