"""Which of a node's logs its store ends in, whether that one is closed, and whether another may go on from it."""

from sqlalchemy import Connection
from sqlmodel import col, select

from exchange.errors.node import LogSuccessorError
from exchange.log.checkpoint import Checkpoint, read_checkpoint
from exchange.log.succession import ENDED, is_step
from exchange.signing.earlier_logs import EarlierLog
from nodes.adapters.tables import CheckpointRow, EntryRow


def signed_last(connection: Connection) -> tuple[Checkpoint, bytes] | None:
    """The newest checkpoint that this node signed, under whichever of its logs, and its note."""
    query = select(CheckpointRow.note).order_by(col(CheckpointRow.size).desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else (read_checkpoint(bytes(row.note))[0], bytes(row.note))


def is_closed(connection: Connection, origin: str) -> bool:
    """Whether the log of this name has its last entry."""
    last = signed_last(connection)
    newest = connection.execute(select(EntryRow.raw).order_by(col(EntryRow.index).desc()).limit(1)).first()
    mine = last is None or last[0].origin == origin
    return mine and newest is not None and is_step(bytes(newest.raw), ENDED)


def require_continuation(connection: Connection, origin: str, before: EarlierLog | None) -> None:
    """Refuse to sign under a name that neither is the stored log's nor takes its place.

    Args:
        connection: To the node's store.
        origin: Of the key in the node's folder.
        before: The log that the registry says this one continues.

    Raises:
        LogSuccessorError: Another log's, or one that is not closed, or not where it was cut.
    """
    last = signed_last(connection)
    if last is None or last[0].origin == origin:
        return
    stored = last[0]
    if before is None or before.origin != stored.origin:
        expected = "<none>" if before is None else before.origin
        raise LogSuccessorError(origin=origin, expected=expected, found=stored.origin)
    if before.cut is not None:
        if (stored.size, stored.root) != (before.cut.size, before.cut.root):
            expected = f"{before.origin} at size {before.cut.size}, root {before.cut.root.hex()}"
            found = f"size {stored.size}, root {stored.root.hex()}"
            raise LogSuccessorError(origin=origin, expected=expected, found=found)
        return
    query = select(EntryRow.raw).where(col(EntryRow.index) == stored.size - 1)
    if not is_step(bytes(connection.execute(query).scalar_one()), ENDED):
        raise LogSuccessorError(origin=origin, expected=f"{before.origin} closed", found=str(stored))
