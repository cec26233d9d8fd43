"""Files written whole or not at all, and durable before anybody relies on them: temporary name, fsync, rename, fsync."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Write a file under its final name only when it is complete and on the disk.

    Raises:
        OSError: The disk is full or the folder read-only; nothing is left under the final name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
