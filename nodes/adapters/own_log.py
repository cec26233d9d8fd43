"""The node's own log: head, entries, tiles and checkpoint, each durable before the next (DESIGN.md §9).

`stage` runs inside the sequencer's transaction, `finish` after its commit. Whatever `finish` did not complete before a
crash or on a full disk is derived again from the entries: same bytes, or the process stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func
from sqlmodel import insert, select, text

from exchange.errors.log import LogError
from exchange.errors.node import HeadMovedError
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.merkle import leaf_hash
from exchange.log.note import format_note
from exchange.log.tiles import TILE_WIDTH, Tile, format_tile_path, tiles_between
from exchange.log.tree import TileFile, TreeState, entry_bundles_after
from exchange.signing.keys import Signer
from nodes.adapters.tables import CheckpointRow, HeadRow
from nodes.adapters.tile_files import TileFiles

# One statement decides: the checkpoint is stored only if the head is still the one that it names.
_STORE_CHECKPOINT = (
    "INSERT INTO checkpoint (size, root, note) SELECT :size, :root, :note "
    "WHERE EXISTS (SELECT 1 FROM head WHERE size = :size AND root = :root)"
)
_ADVANCE_HEAD = "UPDATE head SET size = ?, root = ?, edge = ? WHERE size = ? AND root = ?"
_CHECKPOINT = "SELECT root, note FROM checkpoint WHERE size = ?"
_INSERT_ENTRY = 'INSERT INTO entry ("index", raw, evidence, counterpart) VALUES (?, ?, ?, ?)'


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """The tree after a transaction that is not committed yet, and the files it will need."""

    state: TreeState
    files: tuple[TileFile, ...]
    tail: tuple[bytes, ...]  # the entries of the partial bundle at the right edge


class OwnLog:
    """Appends to one log. Only the sequencer's thread calls it."""

    def __init__(self, *, origin: str, signer: Signer, files: TileFiles) -> None:
        self.origin = origin
        self._signer = signer
        self.files = files
        self._state = TreeState()
        self._tail: tuple[bytes, ...] = ()
        self._pending: tuple[TileFile, ...] | None = None  # None: derive what is missing from the entries
        self.note = b""  # the newest checkpoint, own signature only; empty before the first

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._state.size

    @property
    def checkpoint(self) -> Checkpoint:
        """The head as a checkpoint."""
        return Checkpoint(origin=self.origin, size=self._state.size, root=self._state.root())

    def load(self, connection: Connection) -> None:
        """Read the head; a new store gets one of size 0. Call it inside a transaction.

        Raises:
            TreeRootError: The stored edge does not lead to the stored root.
        """
        row = connection.execute(select(HeadRow.size, HeadRow.root, HeadRow.edge)).first()
        if row is None:
            empty = TreeState()
            connection.execute(insert(HeadRow), {"id": 1, "size": 0, "root": empty.root(), "edge": empty.edge})
        else:
            self._state = TreeState.from_edge(row.size, row.edge)
            if self._state.root() != row.root:
                raise HeadMovedError(origin=self.origin, expected=row.size)
        first = self.size - self.size % TILE_WIDTH
        self._tail = tuple(_entries(connection, first, self.size))
        self._pending = None

    def stage(self, connection: Connection, entries: Sequence[bytes]) -> Staged:
        """Insert the entries and advance the head, in the caller's transaction.

        Raises:
            HeadMovedError: The head is not where this process left it; another writer is at work.
        """
        old = self._state
        state, hash_tiles = old.append([leaf_hash(entry) for entry in entries])
        moved = connection.exec_driver_sql(_ADVANCE_HEAD, (state.size, state.root(), state.edge, old.size, old.root()))
        if moved.rowcount != 1:
            raise HeadMovedError(origin=self.origin, expected=old.size)
        bundles = entry_bundles_after(old.size, self._tail, entries)
        pending = [*self._tail, *entries]
        tail = tuple(pending[len(pending) - state.size % TILE_WIDTH :]) if state.size % TILE_WIDTH else ()
        return Staged(state=state, files=(*bundles, *hash_tiles), tail=tail)

    def accept(self, staged: Staged) -> None:
        """The transaction is committed: the staged tree is the tree."""
        self._state, self._tail = staged.state, staged.tail
        if self._pending is not None:
            self._pending = (*self._pending, *staged.files)

    def finish(self, connection: Connection) -> bool:
        """Write tiles, sign and store the checkpoint, publish it; whether there was anything to do.

        Raises:
            OSError: The disk refused.
            TileDiffersError, HeadMovedError: Two histories.
        """
        if self._pending is None:
            with connection.begin():
                self._pending = self._derive(connection)
        elif not self._pending:
            return False
        self.files.write(self._pending)
        if self.size:
            self.note = self._checkpointed(connection)
            self.files.publish(self.note)
        self._pending = ()
        return True

    def forget_pending(self) -> None:
        """After a failure: the next `finish` derives again what is missing."""
        self._pending = None

    def publish(self, size: int, note: bytes) -> None:
        """Put a cosigned checkpoint in place, unless a newer one stands."""
        if size == self.size:
            self.files.publish(note)

    def _checkpointed(self, connection: Connection) -> bytes:
        """The stored checkpoint of this head; signed and stored first if there is none."""
        head = self.checkpoint
        with connection.begin():
            row = connection.exec_driver_sql(_CHECKPOINT, (head.size,)).first()
            if row is not None and row.root == head.root:
                return bytes(row.note)
            note = format_note(sign_checkpoint(head, signer=self._signer))
            stored = connection.exec_driver_sql(_STORE_CHECKPOINT, {"size": head.size, "root": head.root, "note": note})
            if row is not None or stored.rowcount != 1:
                raise HeadMovedError(origin=self.origin, expected=head.size)
        return note

    def _derive(self, connection: Connection) -> tuple[TileFile, ...]:
        """The files that this head has and the folder lacks."""
        signed = connection.execute(select(func.max(CheckpointRow.size))).scalar_one() or 0
        base = self._from_files(connection, signed)
        entries = _entries(connection, base.size, self.size)
        state, hash_tiles = base.append([leaf_hash(entry) for entry in entries])
        if state.root() != self._state.root():
            raise HeadMovedError(origin=self.origin, expected=self.size)
        tail = _entries(connection, base.size - base.size % TILE_WIDTH, base.size)
        return (*entry_bundles_after(base.size, tail, entries), *hash_tiles)

    def _from_files(self, connection: Connection, size: int) -> TreeState:
        """The tree at the last signed size if all its files stand, else the empty tree: then all are derived."""
        row = connection.execute(select(CheckpointRow.root).where(_of_size(size))).first()
        if row is None or not all(self._stands(tile) for tile in tiles_between(0, size)):
            return TreeState()
        try:
            return TreeState.from_tiles(size, self.files.read_tile, root=row.root, origin=self.origin)
        except LogError:
            return TreeState()

    def _stands(self, tile: Tile) -> bool:
        paths = {format_tile_path(tile), format_tile_path(Tile(tile.level, tile.index))}
        return any((self.files.folder / path).is_file() for path in paths)


def entry_at(connection: Connection, index: int) -> bytes:
    """The bytes of one entry."""
    return _entries(connection, index, index + 1)[0]


def _of_size(size: int) -> bool:
    return CheckpointRow.size == size


def _entries(connection: Connection, start: int, end: int) -> list[bytes]:
    rows = connection.execute(
        text('SELECT raw FROM entry WHERE "index" >= :start AND "index" < :end ORDER BY "index"'),
        {"start": start, "end": end},
    )
    return [bytes(row.raw) for row in rows]


def insert_entries(connection: Connection, rows: Sequence[tuple[int, bytes, str | None, str | None]]) -> None:
    """Insert entries: index, bytes, evidence digest, counterpart."""
    connection.exec_driver_sql(_INSERT_ENTRY, list(rows))
