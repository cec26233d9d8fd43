"""Files and folders written whole or not at all, and durable: a name of their own, fsync, rename, fsync of the folder.

An error of fsync is never retried: the kernel may already have dropped the pages.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o644
"""Less the process's mask."""

WRITING = ".writing"


def write_durably(path: Path, content: bytes, *, sole: bool = False) -> None:
    """Write a file so that after a crash it is the old one or the new one, and after return the new one.

    Args:
        path: The file; folders above it are made.
        content: All of it.
        sole: Whether one process alone ever writes this file: what a crash leaves under its temporary name is then
            overwritten by the next attempt. Else each process has a temporary name of its own.

    Raises:
        OSError: The disk is full or the folder read-only, with the file's name; the old file, if any, still stands.
    """
    write_whole([(path, content)], mark=WRITING if sole else f".{os.getpid()}{WRITING}")
    sync_folder(path.parent)


def write_whole(files: Iterable[tuple[Path, bytes]], *, mark: str = WRITING, synced: bool = True) -> None:
    """Give files their names once all their contents are written; that the names stay is the caller's to secure.

    Args:
        files: Paths and contents; folders above them are made.
        mark: What each path ends with until then.
        synced: Whether the contents are on the disk before the names. If not, a power cut, though not the death of the
            process, may leave a file of that name that is cut short or empty.

    Raises:
        OSError: As of `write_durably`.
    """
    waiting: list[tuple[Path, Path]] = []
    try:
        for path, content in files:
            waiting.append((path.with_name(path.name + mark), path))
            _write(waiting[-1][0], content, synced=synced)
        while waiting:
            temporary, path = waiting[0]
            temporary.replace(path)
            del waiting[0]
    except BaseException as error:
        for temporary, _ in waiting:
            with suppress(OSError):  # a read-only disk refuses this too, and the first refusal is the one to tell
                temporary.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)  # a full disk refuses the write, and that names no file
        raise


def _write(temporary: Path, content: bytes, *, synced: bool) -> None:
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    except FileNotFoundError:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        if synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
