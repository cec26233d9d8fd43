"""The log's tiles and its checkpoint as files: each appears whole or not at all, also after a power cut.

The content is on the disk before the file gets its name. The name of a partial tile or of the checkpoint may be lost
in a power cut: a start derives it again (`own_log.restore`), and so spares each group its folder syncs (decision 20).
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from exchange.errors.log import LeafIndexError
from exchange.errors.node import TileDiffersError
from exchange.log.tiles import TILE_WIDTH, Tile, format_tile_path
from nodes.adapters.durable import sync_folder, write_whole

CHECKPOINT = "checkpoint"


class TileFiles:
    """The folder in which a log lies, as C2SP tlog-tiles lays it out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write tiles, whole; one that already stands with the same bytes is left alone.

        Raises:
            TileDiffersError: A file of that name holds other bytes: two histories, or an altered disk.
            OSError: The disk refused.
        """
        new = [(self.folder / path, content) for path, content in files if not self._holds(path, content)]
        write_whole(new)
        full = [file for file, _ in new if not file.suffixes]
        # Once names of full tiles are durable, a start has only the partial ones of the newest leaves to derive.
        for folder in {file.parent for file in full}:
            sync_folder(folder)
        for file in full:
            self._remove_partials(file)

    def _holds(self, path: str, content: bytes) -> bool:
        found = self.read(path)
        if found is not None and found != content:
            raise TileDiffersError(path=path)
        return found is not None

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
        write_whole([(self.folder / CHECKPOINT, note)])

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
