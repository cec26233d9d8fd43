"""The log's tiles and its checkpoint as files: each appears whole or not at all.

What can be had again from the database with little work is not synced: the partial tiles of the newest leaves, and the
checkpoint. The death of the process leaves them as they are; a power cut may take them or cut them short, and a start
puts them back (`own_log.restore`, decision 20). Full tiles and the tiles above them are on the disk, with their names.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from exchange.errors.log import LeafIndexError
from exchange.errors.node import TileDiffersError
from exchange.log.tiles import TILE_WIDTH, Tile, format_tile_path, parse_tile_path
from exchange.log.tree import TileFile
from nodes.adapters.durable import sync_folder, write_whole

CHECKPOINT = "checkpoint"


class TileFiles:
    """The folder in which a log lies, as C2SP tlog-tiles lays it out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, files: Iterable[TileFile]) -> None:
        """Write tiles, whole; one that already stands with the same bytes is left alone.

        Raises:
            TileDiffersError: A file of that name holds other bytes: two histories, or an altered disk.
            OSError: The disk refused.
        """
        new = [(parse_tile_path(path), (self.folder / path, content)) for path, content in self._lacking(files)]
        settled = [file for tile, file in new if not is_edge(tile)]
        write_whole(settled)
        for folder in sorted({path.parent for path, _ in settled}):
            sync_folder(folder)
        write_whole([file for tile, file in new if is_edge(tile)], synced=False)
        for tile, (path, _) in new:
            if tile.width == TILE_WIDTH:
                self._remove_partials(path)

    def _lacking(self, files: Iterable[TileFile]) -> list[TileFile]:
        return [(path, content) for path, content in files if not self._holds(path, content)]

    def _holds(self, path: str, content: bytes) -> bool:
        found = self.read(path)
        if found is None or found == content:
            return found is not None
        if is_edge(parse_tile_path(path)) and content.startswith(found):
            return False  # cut short, as a power cut leaves what was not synced; an alteration has other bytes
        raise TileDiffersError(path=path)

    def stands(self, path: str) -> bool:
        """Whether there is a file at a path."""
        return (self.folder / path).is_file()

    def read(self, path: str) -> bytes | None:
        """The bytes at a path that `parse_tile_path` has accepted; None if there are none."""
        try:
            return (self.folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read_tile(self, tile: Tile) -> bytes:
        """The bytes of a tile, or of the full one that took its place.

        Raises:
            LeafIndexError: Neither is there.
        """
        for candidate in (tile, Tile(tile.level, tile.index, TILE_WIDTH)):
            found = self.read(format_tile_path(candidate))
            if found is not None:
                return found
        raise LeafIndexError(origin=format_tile_path(tile), index=tile.start, size=tile.start)

    def publish(self, note: bytes) -> None:
        """Put the checkpoint in place, whole."""
        write_whole([(self.folder / CHECKPOINT, note)], synced=False)

    def checkpoint(self) -> bytes | None:
        """The published checkpoint, if any."""
        return self.read(CHECKPOINT)

    @staticmethod
    def _remove_partials(full: Path) -> None:
        """Partial tiles may go once the full one stands (C2SP tlog-tiles, "Partial tiles")."""
        partials = full.with_name(full.name + ".p")
        with suppress(OSError):
            for partial in partials.iterdir():
                partial.unlink()
            partials.rmdir()


def is_edge(tile: Tile) -> bool:
    """Whether it holds the newest leaves or entries and is not full: what every group replaces."""
    return tile.level <= 0 and tile.width < TILE_WIDTH
