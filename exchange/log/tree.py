"""The growing tree of a log: append leaf hashes, get the root and the exact tiles to write.

A state is a value. The sequencer keeps one, appends a batch, writes the tiles, and replaces it; `edge` is what a
database row holds, and every part of it can be derived again from leaf hashes or from tile files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exchange.errors.log import TileBytesError, TreeRootError
from exchange.log.merkle import HASH_BYTES, fold, parents
from exchange.log.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    format_entry_bundle,
    format_tile_path,
    tile_at,
)

TileFile: TypeAlias = tuple[str, bytes]
"""A path below the log's prefix, and the bytes to write there."""

_TILE_BYTES = TILE_WIDTH * HASH_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeState:
    """A tree by its right edge.

    Args:
        size: Number of leaves.
        subtrees: By level, the complete subtree that waits for a right sibling, or None (one per set bit of `size`).
        rows: By tile level, the hashes of the partial tile at the right edge, concatenated.
    """

    size: int = 0
    subtrees: tuple[bytes | None, ...] = ()
    rows: tuple[bytes, ...] = ()

    @classmethod
    def from_edge(cls, size: int, edge: bytes) -> "TreeState":
        """The state whose `edge` was kept beside its size.

        Raises:
            TileBytesError: The edge has another length than a tree of this size.
        """
        widths = edge_widths(size)
        if len(edge) != sum(widths) * HASH_BYTES:
            raise TileBytesError(path=f"edge at size {size}", expected=sum(widths) * HASH_BYTES, found=len(edge))
        rows, offset = [], 0
        for width in widths:
            rows.append(edge[offset : offset + width * HASH_BYTES])
            offset += width * HASH_BYTES
        subtrees = [subtree for row in rows for subtree in _subtrees_of(row)]
        return cls(size=size, subtrees=tuple(subtrees[: size.bit_length()]), rows=tuple(rows))

    @classmethod
    def from_tiles(cls, size: int, read_tile: Callable[[Tile], bytes], *, root: bytes, origin: str) -> "TreeState":
        """The state of the log that lies in these tiles, if they lead to this root.

        Raises:
            TileBytesError: A tile at the right edge has another length.
            TreeRootError: The tiles lead to another root.
        """
        rows = []
        for level, width in enumerate(edge_widths(size)):
            if width:
                tile = tile_at(level, (size >> (TILE_HEIGHT * level)) // TILE_WIDTH, size=size)
                raw = read_tile(tile)
                if len(raw) not in {width * HASH_BYTES, _TILE_BYTES}:
                    raise TileBytesError(path=format_tile_path(tile), expected=width * HASH_BYTES, found=len(raw))
                rows.append(raw[: width * HASH_BYTES])
        state = cls.from_edge(size, b"".join(rows))
        if state.root() != root:
            raise TreeRootError(origin=origin, size=size, expected=root.hex(), computed=state.root().hex())
        return state

    @property
    def edge(self) -> bytes:
        """The partial tiles at the right edge, lowest level first: what `from_edge` takes."""
        return b"".join(self.rows)

    def root(self) -> bytes:
        """The Merkle tree hash over all leaves (RFC 6962 §2.1)."""
        return fold([subtree for subtree in reversed(self.subtrees) if subtree is not None])

    def append(self, leaves: Sequence[bytes]) -> "tuple[TreeState, tuple[TileFile, ...]]":
        """The state after these leaf hashes, and the hash tiles that it has and this one has not.

        Tiles of sizes in between are not written: no checkpoint names those sizes.
        """
        files: list[TileFile] = []
        rows, subtrees = list(self.rows), list(self.subtrees)
        nodes, level = list(leaves), 0
        while nodes:
            tile_level, height = divmod(level, TILE_HEIGHT)
            if height == 0:
                old_count = self.size >> level
                old_row = rows[tile_level] if tile_level < len(rows) else b""
                written, row = _extend_row(tile_level, old_count, old_row, nodes)
                files += written
                rows[tile_level : tile_level + 1] = [row]
            waiting = subtrees[level] if level < len(subtrees) else None
            if waiting is not None:
                nodes.insert(0, waiting)
            subtrees[level : level + 1] = [nodes[-1] if len(nodes) & 1 else None]
            nodes, level = parents(nodes), level + 1
        state = TreeState(size=self.size + len(leaves), subtrees=tuple(subtrees), rows=tuple(rows))
        return state, tuple(files)


def entry_bundles_after(old_size: int, edge: bytes, entries: Sequence[bytes]) -> tuple[tuple[TileFile, ...], bytes]:
    """The entry bundles to write when `entries` follow a log of `old_size`, and the partial one at the new right edge.

    Args:
        old_size: The size before.
        edge: The partial entry bundle before; empty if there was none.
        entries: The new ones.
    """
    files: list[TileFile] = []
    size, start = old_size, 0
    while start < len(entries):
        index, width = divmod(size, TILE_WIDTH)
        chunk = entries[start : start + TILE_WIDTH - width]
        edge += format_entry_bundle(chunk)
        files.append((format_tile_path(Tile(ENTRIES, index, width + len(chunk))), edge))
        size, start = size + len(chunk), start + len(chunk)
        if size % TILE_WIDTH == 0:
            edge = b""
    return tuple(files), edge


def edge_widths(size: int) -> list[int]:
    """By tile level, the width of the partial tile at the right edge of a log of `size`; 0 where there is none."""
    levels = -(-size.bit_length() // TILE_HEIGHT)
    return [(size >> (TILE_HEIGHT * level)) % TILE_WIDTH for level in range(levels)]


def _extend_row(level: int, old_count: int, old_row: bytes, nodes: Sequence[bytes]) -> tuple[list[TileFile], bytes]:
    """The tiles of one level that change when `nodes` follow its `old_count` hashes, and the new partial row."""
    content = old_row + b"".join(nodes)
    first = old_count // TILE_WIDTH
    files = [
        (
            format_tile_path(
                Tile(
                    level, first + start // _TILE_BYTES, (min(start + _TILE_BYTES, len(content)) - start) // HASH_BYTES
                )
            ),
            content[start : start + _TILE_BYTES],
        )
        for start in range(0, len(content), _TILE_BYTES)
    ]
    return files, content[len(content) - len(content) % _TILE_BYTES :]


def _subtrees_of(row: bytes) -> list[bytes | None]:
    """The complete subtrees within a partial tile, by the eight levels of its height."""
    nodes = [row[offset : offset + HASH_BYTES] for offset in range(0, len(row), HASH_BYTES)]
    subtrees: list[bytes | None] = []
    for _ in range(TILE_HEIGHT):
        subtrees.append(nodes[-1] if len(nodes) & 1 else None)
        nodes = parents(nodes)
    return subtrees
