"""What this node saw of other logs: the checkpoint it cosigned last, one row an origin, and rivals of it, for ever."""

from sqlalchemy import Connection, select
from sqlmodel import insert

from exchange.log.checkpoint import Checkpoint
from exchange.signing.members import Member
from nodes.adapters.tables import RivalRow, WitnessedRow, table_of


def latest_witnessed(connection: Connection, origin: str) -> Checkpoint | None:
    """The checkpoint of this origin that was cosigned last."""
    table = table_of(WitnessedRow)
    row = connection.execute(select(table.c.size, table.c.root).where(table.c.origin == origin)).first()
    return None if row is None else Checkpoint(origin=origin, size=row.size, root=bytes(row.root))


def known_of(connection: Connection, origin: str, operator: Member) -> Checkpoint | None:
    """From which checkpoint a log must go on: the one cosigned last, its own or of the log whose place it takes.

    Where the members had that one cut, it is where they cut it (decision 44).
    """
    latest, before = latest_witnessed(connection, origin), operator.before(origin)
    if latest is not None or before is None:
        return latest
    if before.cut is not None:
        return Checkpoint(origin=origin, size=before.cut.size, root=before.cut.root)
    return known_of(connection, before.origin, operator)


def is_over(connection: Connection, origin: str, operator: Member) -> bool:
    """Whether another log took this one's place: it was cut, or its successor was cosigned here."""
    successor = operator.after(origin)
    if successor is None:
        return False
    before = operator.before(successor)
    cut = before is not None and before.cut is not None
    return cut or latest_witnessed(connection, successor) is not None or is_over(connection, successor, operator)


def witnessed_note(connection: Connection, origin_hash: str) -> bytes | None:
    """That checkpoint with the log's line and this witness's own, by the SHA-256 of its origin in hex."""
    table = table_of(WitnessedRow)
    row = connection.execute(select(table.c.note).where(table.c.origin_hash == origin_hash)).first()
    return None if row is None else bytes(row.note)


def keep_witnessed(connection: Connection, checkpoint: Checkpoint, note: bytes) -> None:
    """Advance to an accepted checkpoint, cosigned; in the transaction that read the latest."""
    connection.execute(
        insert(WitnessedRow).prefix_with("OR REPLACE"),
        {
            "origin": checkpoint.origin,
            "origin_hash": checkpoint.origin_hash,
            "size": checkpoint.size,
            "root": checkpoint.root,
            "note": note,
        },
    )


def keep_rival(connection: Connection, checkpoint: Checkpoint, note: bytes) -> None:
    """Keep a checkpoint that its log signed and that was not shown to continue what was cosigned."""
    connection.execute(
        insert(RivalRow).prefix_with("OR IGNORE"),
        {
            "origin": checkpoint.origin,
            "origin_hash": checkpoint.origin_hash,
            "size": checkpoint.size,
            "root": checkpoint.root,
            "note": note,
        },
    )


def rivals(connection: Connection, origin_hash: str) -> list[bytes]:
    """Every such checkpoint of a log, smallest first."""
    table = table_of(RivalRow)
    query = select(table.c.note).where(table.c.origin_hash == origin_hash).order_by(table.c.size, table.c.root)
    return [bytes(row.note) for row in connection.execute(query)]
