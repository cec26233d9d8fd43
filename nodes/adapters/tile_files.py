"""Files that appear whole or not at all: the log's tiles, its checkpoint, and published bundles.

Every write goes to a temporary name, is flushed to the disk, renamed, and the folder is flushed too; a crash at any
point leaves the old file or the new one. An error of fsync is never retried: the kernel may already have dropped the
pages (the caller stops the process).
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from exchange.errors.log import LeafIndexError
from exchange.errors.node import TileDiffersError
from exchange.log.tiles import TILE_WIDTH, Tile, format_tile_path

CHECKPOINT = "checkpoint"
_TEMPORARY = ".writing"


class TileFiles:
    """The folder in which a log lies, as C2SP tlog-tiles lays it out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write tiles durably; one that already stands with the same bytes is left alone.

        Raises:
            TileDiffersError: A file of that name holds other bytes: two histories, or an altered disk.
            OSError: The disk refused.
        """
        for path, content in files:
            file = self.folder / path
            if file.exists():
                if file.read_bytes() != content:
                    raise TileDiffersError(path=path)
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            write_durably(file, content)
            if len(file.suffixes) == 0:
                self._remove_partials(file)

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
        """Put the checkpoint in place, durably."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_durably(self.folder / CHECKPOINT, note)

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


def write_durably(file: Path, content: bytes) -> None:
    """Write a file so that after a crash it is the old one or the new one, and after return the new one.

    Raises:
        OSError: The disk refused; the old file, if any, still stands.
    """
    temporary = file.with_name(file.name + _TEMPORARY)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename within the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
