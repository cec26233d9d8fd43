"""Files and folders that only their owner may look into: read if that is so, written so from the first moment."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exchange.errors.keys import PrivateKeyOwnerError
from exchange.errors.trust import PrivateKeyFileError, PrivateKeyModeError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
PASSPHRASE_BYTES_MAX = 1024


def read_owned(path: Path, bytes_max: int) -> bytes:
    """The bytes of a plain file that nobody else can read or write.

    Raises:
        PrivateKeyModeError: Group or others may read or write it.
        PrivateKeyOwnerError: Somebody else owns it.
        PrivateKeyFileError: No plain file, not readable, or larger than `bytes_max`.
    """
    with _opened(path) as descriptor:
        status = os.fstat(descriptor)  # of the open file, so that it cannot be exchanged after the look
        if not stat.S_ISREG(status.st_mode):
            raise PrivateKeyFileError(path=str(path), reason="not a regular file")
        _require_owner_alone(path, status, FILE_MODE)
        raw = os.read(descriptor, bytes_max + 1)
    if len(raw) > bytes_max:
        raise PrivateKeyFileError(path=str(path), reason=f"larger than {bytes_max} bytes")
    return raw


def write_owned(path: Path, content: bytes, *, replace: bool = False) -> None:
    """A file for its owner alone, whole or not there, in folders of the owner.

    Args:
        path: Where.
        content: What.
        replace: Whether a file of that name may be there and is replaced as a whole.

    Raises:
        PrivateKeyFileError: The file is there already, or cannot be written.
    """
    try:
        _make_private_folders(path.parent)
        partial = path.with_name(path.name + ".partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            partial.replace(path)
        else:
            os.link(partial, path)  # unlike a rename, a link refuses a name that is taken
            partial.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise PrivateKeyFileError(path=str(path), reason=error.strerror or "not writable") from error


def keep_aside(path: Path, aside: Path) -> None:
    """A second name for a file, under which it stays when the first is given to another.

    Raises:
        PrivateKeyFileError: The folder cannot be written.
    """
    try:
        with suppress(FileExistsError):  # a run before this one was cut off after it
            os.link(path, aside)
        _sync_folder(path.parent)
    except OSError as error:
        raise PrivateKeyFileError(path=str(aside), reason=error.strerror or "not writable") from error


def move_over(path: Path, place: Path) -> None:
    """Put a file in another's place, as one step.

    Raises:
        PrivateKeyFileError: The folder cannot be written.
    """
    try:
        path.replace(place)
        _sync_folder(place.parent)
    except OSError as error:
        raise PrivateKeyFileError(path=str(place), reason=error.strerror or "not writable") from error


def require_closed(folder: Path) -> None:
    """Refuse a folder, or anything directly in it, that others may look into.

    Raises:
        PrivateKeyModeError, PrivateKeyOwnerError: With the first such path.
        PrivateKeyFileError: The folder cannot be listed.
    """
    try:
        _require_owner_alone(folder, folder.stat(), FOLDER_MODE)
        for entry in sorted(folder.iterdir()):
            try:
                status = entry.lstat()
            except FileNotFoundError:  # the gateway's socket goes when the gateway ends
                continue
            if not stat.S_ISLNK(status.st_mode):  # a link has no mode; what it leads to is judged when it is read
                _require_owner_alone(entry, status, FOLDER_MODE if stat.S_ISDIR(status.st_mode) else FILE_MODE)
    except OSError as error:
        raise PrivateKeyFileError(path=str(folder), reason=error.strerror or "not readable") from error


def _require_owner_alone(path: Path, status: os.stat_result, expected: int) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise PrivateKeyModeError(path=str(path), expected=f"{expected:o}", found=f"{mode:o}")
    if status.st_uid != os.geteuid():
        raise PrivateKeyOwnerError(path=str(path), expected=os.geteuid(), found=status.st_uid)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(
            path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )  # a pipe keeps nobody waiting
    except OSError as error:
        raise PrivateKeyFileError(path=str(path), reason=error.strerror or "not readable") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _make_private_folders(folder: Path) -> None:
    """The folder and every missing one above it, closed to others from the first moment."""
    for missing in [parent for parent in (*reversed(folder.parents), folder) if not parent.exists()]:
        missing.mkdir(mode=FOLDER_MODE)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
