"""What this node cosigned of other logs: one row per origin, compared and advanced in one transaction."""

from sqlalchemy import Connection, select
from sqlmodel import insert

from exchange.log.checkpoint import Checkpoint
from nodes.adapters.tables import WitnessedRow, table_of


def latest_witnessed(connection: Connection, origin: str) -> Checkpoint | None:
    """The checkpoint of this origin that was cosigned last."""
    table = table_of(WitnessedRow)
    row = connection.execute(select(table.c.size, table.c.root).where(table.c.origin == origin)).first()
    return None if row is None else Checkpoint(origin=origin, size=row.size, root=bytes(row.root))


def keep_witnessed(connection: Connection, checkpoint: Checkpoint, note: bytes) -> None:
    """Advance to an accepted checkpoint; in the transaction that read the latest."""
    connection.execute(
        insert(WitnessedRow).prefix_with("OR REPLACE"),
        {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root, "note": note},
    )
