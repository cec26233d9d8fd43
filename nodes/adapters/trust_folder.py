"""The registry as a folder: read whole into memory, verified by the core, kept until its timestamp file changes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from exchange.errors import ExchangeError
from exchange.errors.trust import RegistryFileError
from exchange.signing.trust import FIRST_ROOT, Expired, RegistryRef, Trust, open_trust
from nodes.adapters.clock import Clock
from nodes.adapters.durable import write_durably
from nodes.adapters.plain_files import open_plain

TIMESTAMP = "metadata/timestamp.json"
FILE_BYTES_MAX = 512 * 1024
FILES_MAX = 10_000
RECHECK_S = 300
"""A cached state is judged anew this often, so that expiry stops a node though no file changes."""


def read_trust_files(folder: Path) -> dict[str, bytes]:
    """Every file under `metadata/` and `targets/`, by its path with `/`.

    Raises:
        RegistryFileError: A folder is missing, a file is no plain file or too large, or there are too many.
    """
    files: dict[str, bytes] = {}
    for part in ("metadata", "targets"):
        if not (folder / part).is_dir():
            raise RegistryFileError(file=part, reason=f"no such folder in {folder}")
        for parent, _, names in os.walk(folder / part):
            for name in sorted(names):
                if name.endswith((".json", ".tlog-policy")):
                    path = Path(parent, name)
                    files[path.relative_to(folder).as_posix()] = _read(path)
                if len(files) > FILES_MAX:
                    raise RegistryFileError(file=part, reason=f"more than {FILES_MAX} files")
    return files


def write_trust_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write registry files, each whole and durable: what others point to first, the timestamp last.

    A reader in between sees the old state: only the timestamp names the new one.

    Raises:
        RegistryFileError: The folder cannot be written.
    """
    try:
        for name in sorted(files, key=lambda name: (name == TIMESTAMP, name.startswith("metadata/"), name)):
            write_durably(folder / name, files[name])
    except OSError as error:
        raise RegistryFileError(file=str(folder), reason=error.strerror or "not writable") from error


def load_trust(
    folder: Path,
    *,
    at: datetime,
    expired: Expired = "refuse",
    root: bytes | None = None,
    newest_seen: RegistryRef | None = None,
) -> Trust:
    """The verified registry of a folder.

    Args:
        folder: With `metadata/` and `targets/`.
        at: The time of judgement.
        expired: "refuse" in a node, "notice" in an offline verifier.
        root: The root trusted from outside; None takes the folder's own first root on faith, as whoever handed the
            folder over meant it.
        newest_seen: A state already met; an older one is refused.
    """
    files = read_trust_files(folder)
    anchor = root if root is not None else files.get(FIRST_ROOT)
    if anchor is None:
        raise RegistryFileError(file=FIRST_ROOT, reason="absent")
    return open_trust(files, root=anchor, at=at, expired=expired, newest_seen=newest_seen)


@dataclass(slots=True, kw_only=True)
class TrustCache:
    """A node's current Trust: read again when the timestamp file changes or a while has passed, never moved backwards.

    A new state that does not verify is not taken: the last good one goes on, as long as it has not expired, and
    `problem` says why (for health). An expired one stops the node.
    """

    folder: Path
    clock: Clock
    root: bytes | None = None
    problem: ExchangeError | None = field(default=None, init=False)
    _timestamp: str = field(init=False)
    _trust: Trust | None = field(default=None, init=False)
    _stamp: tuple[int, ...] | None = field(default=None, init=False)
    _judged_at: datetime | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._timestamp = str(self.folder / TIMESTAMP)

    def current(self) -> Trust:
        """The registry state to act under now.

        Raises:
            TrustError: There is no state that verifies and has not expired.
        """
        now = self.clock.now()
        stamp = self._timestamp_file()
        if self._trust is not None and stamp == self._stamp and now < self._fresh_until(self._trust):
            return self._trust
        try:
            self._take(now, stamp)
        except ExchangeError as error:
            self.problem, self._stamp, self._judged_at = error, stamp, now
            if self._trust is None or now >= self._trust.expires:
                raise
        assert self._trust is not None  # taken now, or good from before
        return self._trust

    def _take(self, now: datetime, stamp: tuple[int, ...] | None) -> None:
        seen = self._trust.ref if self._trust is not None else None
        self._trust = load_trust(self.folder, at=now, root=self.root, newest_seen=seen)
        self._stamp, self._judged_at, self.problem = stamp, now, None

    def _fresh_until(self, trust: Trust) -> datetime:
        assert self._judged_at is not None  # set with the trust
        return min(trust.expires, self._judged_at + timedelta(seconds=RECHECK_S))

    def _timestamp_file(self) -> tuple[int, ...] | None:
        try:
            status = os.stat(self._timestamp)  # noqa: PTH116  # asked at every request and entry: a Path costs thrice
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(path: Path) -> bytes:
    try:
        with open_plain(path) as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise RegistryFileError(file=path.name, reason=error.strerror or "not readable") from error
    if len(raw) > FILE_BYTES_MAX:
        raise RegistryFileError(file=path.name, reason=f"larger than {FILE_BYTES_MAX} bytes")
    return raw
