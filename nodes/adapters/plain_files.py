"""Files that somebody named or handed over: read if they are plain files, and no further than they may be long.

A pipe keeps whoever opens it waiting for a writer, a device never ends, and a folder is no file. Each is an `OSError`
with its reason, like any other file that cannot be read.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

FILE_BYTES_MAX = 64 * 1024 * 1024
"""Of a file read whole: more than the largest of any of our formats."""


def open_plain(path: Path) -> BinaryIO:
    """A plain file, open for reading; a link is followed to one.

    Raises:
        OSError: It is none, or cannot be opened.
    """
    # Without O_NONBLOCK the opening of a pipe waits for a writer, before anything can be looked at.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    return os.fdopen(descriptor, "rb")


def read_plain(path: Path, *, bytes_max: int = FILE_BYTES_MAX) -> bytes:
    """The bytes of a plain file.

    Raises:
        OSError: It is none, cannot be read, or is larger than `bytes_max`.
    """
    with open_plain(path) as file:
        raw = file.read(bytes_max + 1)
    if len(raw) > bytes_max:
        raise OSError(errno.EFBIG, f"larger than {bytes_max} bytes", str(path))
    return raw
