"""Files and folders written whole or not at all, and durable: a name of their own, fsync, rename, fsync."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

FOLDER_MODE = 0o700


def write_durably(path: Path, content: bytes) -> None:
    """Write a file under its final name only when it is complete and on the disk.

    Raises:
        OSError: The disk is full or the folder read-only, with the file's name; nothing is left under it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):  # a read-only disk refuses this too, and the first refusal is the one to tell
            partial.unlink()
        error.filename = str(path)  # a full disk refuses the write, and that names no file
        raise
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_folder_durably(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder under its final name only when it is complete and on the disk; an older one is replaced.

    Raises:
        OSError: The disk is full or the parent read-only, with the folder's name; nothing new is left under it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    waiting = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        waiting.mkdir(mode=FOLDER_MODE)
        for name, content in files.items():
            write_durably(waiting / name, content)
        shutil.rmtree(folder, ignore_errors=True)
        waiting.rename(folder)
    except OSError as error:
        shutil.rmtree(waiting, ignore_errors=True)
        error.filename = str(folder)
        raise
    except BaseException:
        shutil.rmtree(waiting, ignore_errors=True)
        raise
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
