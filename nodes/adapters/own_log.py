"""The node's own log: head, entries, tiles and checkpoint, each before the next (DESIGN.md §9, decision 20).

`stage` runs inside the sequencer's transaction, `finish` after its commit. Whatever `finish` did not complete before a
crash or on a full disk is derived again from the entries: same bytes, or the process stops. `restore` puts back what
the newest stored checkpoint needs; it signs nothing, so that it may run before the restart rule is satisfied.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from sqlalchemy import Connection
from sqlmodel import insert, select, text

from exchange.errors.log import LogError
from exchange.errors.node import HeadMovedError
from exchange.log.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from exchange.log.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash
from exchange.log.note import format_note
from exchange.log.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    format_entry_bundle,
    format_tile_path,
    parse_tile_path,
    tile_at,
    tiles_between,
)
from exchange.log.tree import TileFile, TreeState, edge_widths, entry_bundles_after
from exchange.signing.earlier_logs import EarlierLog
from exchange.signing.keys import Signer
from nodes.adapters.log_line import is_closed, require_continuation
from nodes.adapters.store import driver_of
from nodes.adapters.tables import HeadRow
from nodes.adapters.tile_files import TileFiles, is_edge

# One statement decides: the checkpoint is stored only if the head is still the one that it names.
_STORE_CHECKPOINT = (
    "INSERT INTO checkpoint (size, root, note) SELECT :size, :root, :note "
    "WHERE EXISTS (SELECT 1 FROM head WHERE size = :size AND root = :root) ON CONFLICT DO NOTHING"
)
_ADVANCE_HEAD = "UPDATE head SET size = ?, root = ?, edge = ? WHERE size = ? AND root = ?"
_CHECKPOINT = "SELECT root, note FROM checkpoint WHERE size = ?"
_NEWEST_CHECKPOINT = "SELECT size, root, note FROM checkpoint ORDER BY size DESC LIMIT 1"
_INSERT_ENTRIES = 'INSERT INTO entry ("index", raw, evidence, counterpart) VALUES '
_ROWS_MAX = 256
"""Entries of one INSERT; SQLite takes 32,766 parameters (limits.html §9)."""

EntryValues: TypeAlias = tuple[int, bytes, str | None, str | None]
"""An entry as stored: index, bytes, evidence digest, counterpart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """The tree after a transaction that is not committed yet, and the files it will need."""

    state: TreeState
    root: bytes
    files: tuple[TileFile, ...]
    bundle: bytes  # the partial entry bundle at the right edge


class OwnLog:
    """Appends to one log. Only the sequencer's thread calls it."""

    def __init__(self, *, origin: str, signer: Signer, files: TileFiles, continues: EarlierLog | None = None) -> None:
        self.origin = origin
        self.closed = False  # it has its last entry
        self._continues = continues
        self._signer = signer
        self.files = files
        self._state = TreeState()
        self._root = EMPTY_ROOT
        self._bundle = b""
        self._restored = False
        self._pending: tuple[TileFile, ...] | None = None  # None: derive what is missing from the entries
        self.note = b""  # the newest checkpoint, own signature only; empty before the first

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._state.size

    @property
    def state(self) -> TreeState:
        """The tree by its right edge."""
        return self._state

    @property
    def checkpoint(self) -> Checkpoint:
        """The head as a checkpoint."""
        return Checkpoint(origin=self.origin, size=self._state.size, root=self._root)

    def load(self, connection: Connection) -> None:
        """Read the head; a new store gets one of size 0. Call it inside a transaction.

        Raises:
            HeadMovedError: The stored edge does not lead to the stored root.
            LogSuccessorError: The store is another log's, whose place this one does not take.
        """
        require_continuation(connection, self.origin, self._continues)
        self.closed = is_closed(connection, self.origin)
        row = connection.execute(select(HeadRow.size, HeadRow.root, HeadRow.edge)).first()
        if row is None:
            empty = TreeState()
            connection.execute(insert(HeadRow), {"id": 1, "size": 0, "root": empty.root(), "edge": empty.edge})
        else:
            self._state = TreeState.from_edge(row.size, row.edge)
            self._root = self._state.root()
            if self._root != row.root:
                raise HeadMovedError(origin=self.origin, expected=row.size)
        first = self.size - self.size % TILE_WIDTH
        self._bundle = format_entry_bundle(_entries(connection, first, self.size))
        self._pending = None

    def stage(self, connection: Connection, entries: Sequence[EntryValues]) -> Staged:
        """Insert the entries and advance the head, in the caller's transaction.

        Raises:
            HeadMovedError: The head is not where this process left it; another writer is at work.
        """
        old = self._state
        raws = [raw for _, raw, _, _ in entries]
        state, hash_tiles = old.append([leaf_hash(raw) for raw in raws])
        root = state.root()
        _insert_entries(connection, entries)
        moved = driver_of(connection).execute(_ADVANCE_HEAD, (state.size, root, state.edge, old.size, self._root))
        if moved.rowcount != 1:
            raise HeadMovedError(origin=self.origin, expected=old.size)
        bundles, edge = entry_bundles_after(old.size, self._bundle, raws)
        return Staged(state=state, root=root, files=(*bundles, *hash_tiles), bundle=edge)

    def accept(self, staged: Staged) -> None:
        """The transaction is committed: the staged tree is the tree."""
        self._state, self._root, self._bundle = staged.state, staged.root, staged.bundle
        if self._pending is not None:
            self._pending = (*self._pending, *staged.files)

    def restore(self, connection: Connection) -> None:
        """Once after a start: the tiles of the newest stored checkpoint, and that checkpoint itself, in their places.

        Raises:
            OSError: The disk refused; it is tried again at the next call.
            TileDiffersError, HeadMovedError: Two histories.
        """
        if self._restored:
            return
        with connection.begin():
            row = connection.exec_driver_sql(_NEWEST_CHECKPOINT).first()
            lost = () if row is None else self._lost(connection, row.size, row.root)
        self.files.write(lost)
        public = self._public()
        if row is not None and (public is None or public.size < row.size):
            self.files.publish(bytes(row.note))
        self._restored = True

    def finish(self, connection: Connection) -> bool:
        """Write tiles, sign and store the checkpoint, publish it; whether there was anything to do.

        Raises:
            OSError: The disk refused.
            TileDiffersError, HeadMovedError: Two histories.
        """
        derived = self._pending is None
        if self._pending is None:
            with connection.begin():
                self._pending = self._derive(connection)
        elif not self._pending:
            return False
        self.files.write(self._pending)
        if self.size:
            self.note = self._checkpointed(connection)
            if not derived or self._public() != self.checkpoint:  # one that stands may be cosigned
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
        head, driver = self.checkpoint, driver_of(connection)
        row = driver.execute(_CHECKPOINT, (head.size,)).fetchone()
        if row is not None and row[0] == head.root:
            return bytes(row[1])
        note = format_note(sign_checkpoint(head, signer=self._signer))
        # A statement of its own is a transaction of its own: stored and durable, or not at all.
        stored = driver.execute(_STORE_CHECKPOINT, {"size": head.size, "root": head.root, "note": note})
        if stored.rowcount != 1:
            raise HeadMovedError(origin=self.origin, expected=head.size)
        return note

    def _public(self) -> Checkpoint | None:
        """The checkpoint in place, if it can be read."""
        note = self.files.checkpoint()
        try:
            return None if note is None else read_checkpoint(note)[0]
        except LogError:
            return None

    def _lost(self, connection: Connection, size: int, root: bytes) -> tuple[TileFile, ...]:
        """The files of the signed tree of `size` that a power cut may have taken: those since the last full tile.

        All of them where a settled one is missing, which somebody removed.
        """
        settled = (tile for tile in tiles_between(0, size) if not is_edge(tile))
        base = self._full_tiles(size) if all(self._stands(tile) for tile in settled) else TreeState()
        files = self._files_since(connection, base, size, root)
        return tuple((path, content) for path, content in files if not self._outgrown(path))

    def _outgrown(self, path: str) -> bool:
        """Whether the full tile stands in the place of this partial one."""
        tile = parse_tile_path(path)
        return tile.width < TILE_WIDTH and self.files.stands(format_tile_path(Tile(tile.level, tile.index)))

    def _full_tiles(self, size: int) -> TreeState:
        """The tree over the full tiles of leaf hashes in a tree of `size`, read from the tiles above them."""
        full = size - size % TILE_WIDTH
        rows = [
            self.files.read_tile(tile_at(level, (size >> (TILE_HEIGHT * level)) // TILE_WIDTH, size=size))[
                : width * HASH_BYTES
            ]
            for level, width in enumerate(edge_widths(full))
            if width
        ]
        return TreeState.from_edge(full, b"".join(rows))

    def _derive(self, connection: Connection) -> tuple[TileFile, ...]:
        """The files that this head has and the folder lacks."""
        signed = connection.exec_driver_sql(_NEWEST_CHECKPOINT).first()
        base = TreeState() if signed is None else self._from_files(signed.size, signed.root)
        return self._files_since(connection, base, self.size, self._root)

    def _files_since(self, connection: Connection, base: TreeState, size: int, root: bytes) -> tuple[TileFile, ...]:
        """The files that a tree of `size` with this root has and the base has not, from the entries."""
        first = base.size - base.size % TILE_WIDTH
        entries = _entries(connection, first, size)
        tail, new = entries[: base.size - first], entries[base.size - first :]
        state, hash_tiles = base.append([leaf_hash(entry) for entry in new])
        if (state.size, state.root()) != (size, root):
            raise HeadMovedError(origin=self.origin, expected=size)
        bundles, _ = entry_bundles_after(base.size, format_entry_bundle(tail), new)
        return (*bundles, *hash_tiles)

    def _from_files(self, size: int, root: bytes) -> TreeState:
        """The tree at the last signed size as its tiles have it; the empty tree, to derive all, if they differ."""
        try:
            return TreeState.from_tiles(size, self.files.read_tile, root=root, origin=self.origin)
        except LogError:
            return TreeState()

    def _stands(self, tile: Tile) -> bool:
        return any(self.files.stands(format_tile_path(one)) for one in (tile, Tile(tile.level, tile.index)))


def entry_at(connection: Connection, index: int) -> bytes:
    """The bytes of one entry."""
    return _entries(connection, index, index + 1)[0]


def each_entry(connection: Connection) -> Iterator[tuple[int, bytes]]:
    """The bytes of every entry with its index, from the first on."""
    start = 0
    while found := _entries(connection, start, start + TILE_WIDTH):
        yield from enumerate(found, start)
        start += len(found)


def newest_entry(connection: Connection) -> bytes | None:
    """The bytes of the last entry; None if there is none."""
    row = connection.execute(text('SELECT raw FROM entry ORDER BY "index" DESC LIMIT 1')).first()
    return None if row is None else bytes(row.raw)


def _entries(connection: Connection, start: int, end: int) -> list[bytes]:
    rows = connection.execute(
        text('SELECT raw FROM entry WHERE "index" >= :start AND "index" < :end ORDER BY "index"'),
        {"start": start, "end": end},
    )
    return [bytes(row.raw) for row in rows]


def _insert_entries(connection: Connection, entries: Sequence[EntryValues]) -> None:
    """Insert entries, many with one statement: the driver lets another thread in at each."""
    driver = driver_of(connection)
    for start in range(0, len(entries), _ROWS_MAX):
        chunk = entries[start : start + _ROWS_MAX]
        rows = ", ".join(["(?, ?, ?, ?)"] * len(chunk))
        driver.execute(_INSERT_ENTRIES + rows, tuple(chain.from_iterable(chunk)))
