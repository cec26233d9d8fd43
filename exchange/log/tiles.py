"""Tiles (C2SP tlog-tiles): the files in which a log lies, their paths, and reading hashes out of them.

A hash tile is up to 256 neighbouring hashes of one level, an entry bundle up to 256 entries. Both stand at
`tile/<level>/<index>` or `tile/entries/<index>`, with `.p/<width>` while they are not full.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from exchange.errors.log import EntryBundleError, LeafIndexError, TileBytesError, TilePathError
from exchange.log.merkle import HASH_BYTES, SIZE_MAX, ReadHash, parents

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
ENTRY_BYTES_MAX = 0xFFFF
"""What the length prefix of an entry bundle can say; our own entries are far smaller (entry.py)."""

_ROWS_KEPT_MAX = 64
_PATTERN = "tile/<level>|entries/<x001/x234/067>[.p/<width>]"
_PATH = re.compile(
    r"tile/(?:(?P<level>[0-9]|[1-5][0-9]|6[0-3])|entries)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?\Z"
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One file of a log.

    Args:
        level: 0 for leaf hashes, n for hashes over 256^n leaves each; -1 for an entry bundle.
        index: Position within the level, from 0.
        width: How many hashes or entries it holds, 1 to 256.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def start(self) -> int:
        """The index, within the level, of its first hash or entry."""
        return self.index * TILE_WIDTH


ENTRIES = -1
"""The `level` of entry bundles; they are cut like level 0."""


def format_tile_path(tile: Tile) -> str:
    """The path below the log's prefix, `tile/0/x001/x234/067.p/8`."""
    groups = [f"{tile.index % 1000:03d}"]
    rest = tile.index // 1000
    while rest:
        groups.append(f"x{rest % 1000:03d}")
        rest //= 1000
    level = "entries" if tile.level == ENTRIES else str(tile.level)
    width = "" if tile.width == TILE_WIDTH else f".p/{tile.width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{width}"


def parse_tile_path(path: str) -> Tile:
    """Read a tile's path.

    Raises:
        TilePathError: Any spelling that `format_tile_path` would not write.
    """
    matched = _PATH.match(path)
    if matched is not None:
        level, index, width = matched.group("level", "index", "width")
        tile = Tile(
            ENTRIES if level is None else int(level),
            int(index.replace("x", "").replace("/", "")),
            TILE_WIDTH if width is None else int(width),
        )
        if format_tile_path(tile) == path and tile.index <= SIZE_MAX:
            return tile
    raise TilePathError(expected=_PATTERN, found=path[:120])


def tile_at(level: int, index: int, *, size: int) -> Tile:
    """The tile of this level and index as it stands in a log of `size`: full, or partial at the right edge.

    Raises:
        LeafIndexError: A log of this size has no such tile.
    """
    width = min((size >> (TILE_HEIGHT * max(level, 0))) - index * TILE_WIDTH, TILE_WIDTH)
    if index < 0 or width <= 0:
        path = format_tile_path(Tile(level, max(index, 0)))
        raise LeafIndexError(origin=path, index=index * TILE_WIDTH, size=size)
    return Tile(level, index, width)


def tiles_between(old_size: int, new_size: int) -> Iterator[Tile]:
    """Every hash tile and entry bundle that a log of `new_size` has and one of `old_size` has not.

    From 0, all tiles of a log. Entry bundles first, then hash tiles by level.
    """
    for level in (ENTRIES, *range(TILE_HEIGHT)):
        shift = TILE_HEIGHT * max(level, 0)
        old_count, new_count = old_size >> shift, new_size >> shift
        if new_count > old_count:
            last = (new_count - 1) // TILE_WIDTH
            for index in range(old_count // TILE_WIDTH, last + 1):
                yield tile_at(level, index, size=new_size)


def format_entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries, each after its length as big-endian uint16."""
    return b"".join([len(entry).to_bytes(2) + entry for entry in entries])


def parse_entry_bundle(raw: bytes, *, width: int, path: str = "entry bundle") -> list[bytes]:
    """Read exactly `width` entries; a byte after the last one is refused (it could smuggle an entry past a reader).

    Raises:
        EntryBundleError: With the entry that is cut short, or `width` if bytes follow the last one.
    """
    entries: list[bytes] = []
    offset = 0
    for number in range(width):
        start = offset + 2
        offset = start + int.from_bytes(raw[offset:start])
        if len(raw) < offset or len(raw) < start:
            raise EntryBundleError(path=path, expected=width, entry=number)
        entries.append(raw[start:offset])
    if offset != len(raw):
        raise EntryBundleError(path=path, expected=width, entry=width)
    return entries


def parse_hash_tile(raw: bytes, *, width: int, path: str = "tile") -> list[bytes]:
    """The `width` hashes of a tile; a full tile serves in place of a partial one that has been removed.

    Raises:
        TileBytesError: Neither length.
    """
    if len(raw) not in {width * HASH_BYTES, TILE_WIDTH * HASH_BYTES}:
        raise TileBytesError(path=path, expected=width * HASH_BYTES, found=len(raw))
    return [raw[offset : offset + HASH_BYTES] for offset in range(0, width * HASH_BYTES, HASH_BYTES)]


def hash_reader(read_tile: Callable[[Tile], bytes], *, size: int) -> ReadHash:
    """A `read_hash(level, index)` over the hash tiles of a log of `size`.

    Each tile is asked for once while it stays among the last ones used. Hashes are as the tiles have them: what they
    prove must be compared with a signed root.

    Args:
        read_tile: Gives the bytes of a tile, or of the full tile in place of a partial one.
        size: The size of the log; `size` must have been that of a checkpoint, else partial tiles may be missing.
    """
    kept: OrderedDict[tuple[int, int], list[list[bytes]]] = OrderedDict()

    def rows_of(tile_level: int, tile_index: int) -> list[list[bytes]]:
        """A tile's hashes at height 0, and above it every height that proofs have asked for so far."""
        key = (tile_level, tile_index)
        if key not in kept:
            tile = tile_at(tile_level, tile_index, size=size)
            kept[key] = [parse_hash_tile(read_tile(tile), width=tile.width, path=format_tile_path(tile))]
            if len(kept) > _ROWS_KEPT_MAX:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return kept[key]

    def read_hash(level: int, index: int) -> bytes:
        if index < 0 or (index + 1) << level > size:
            raise LeafIndexError(origin="tiles", index=index << level, size=size)
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, position = divmod(index, TILE_WIDTH >> height)
        rows = rows_of(tile_level, tile_index)
        while len(rows) <= height:
            rows.append(parents(rows[-1]))
        return rows[height][position]

    return read_hash
