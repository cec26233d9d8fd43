"""Where a pulled bundle lies: written beside its final place under a hidden name, shown there whole or not at all.

While it is written the manifest has another name, so that nothing takes the folder for a bundle. When the pull stands
in the log the manifest gets its name, and then the folder gets its own, in two renames; a crash in between leaves a
hidden folder, which the next start removes.
"""

import asyncio
import errno
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from exchange.encoding import Digest
from exchange.errors.pull import PullFolderTakenError
from exchange.errors.settings import FileRefusedError
from exchange.flow.offer import Offer
from exchange.manifest import MANIFEST
from exchange.publication import BUNDLE_FILES
from nodes.adapters.durable import sync_folder, write_durably

MANIFEST_UNSHOWN = "manifest.unshown"
PARTIAL = ".partial-"
DIGEST_DIGITS = 8
_TAKEN_ERRNO = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})


class BundlePlace:
    """One bundle's folder (`exchange.flow.pull.Place`).

    Args:
        pulled: The node's folder of pulled bundles.
        asked: The folder the analyst asked for; None: one below `pulled`, named after the bundle.
    """

    def __init__(self, pulled: Path, asked: Path | None) -> None:
        self._pulled = pulled
        self._asked = asked
        self._final = asked if asked is not None else pulled
        self._partial: Path | None = None

    async def choose(self, offer: Offer) -> None:
        """Settle on the final name.

        Raises:
            PullFolderTakenError: Something else is already there.
        """
        name = f"{offer.period}-r{offer.revision}-{offer.bundle.hex[:DIGEST_DIGITS]}"
        self._final = self._asked or self._pulled / offer.provider / offer.contract.id / name
        await asyncio.to_thread(self._require_free, offer)

    async def write(self, files: Mapping[str, bytes]) -> None:
        """Write the files under a hidden name, durably.

        Raises:
            FileRefusedError: The disk refused; nothing is left.
        """
        await asyncio.to_thread(self._write, files)

    async def reveal(self) -> tuple[str, bool]:
        """Give the files their final name; the folder, and whether this very bundle already lay there.

        Raises:
            PullFolderTakenError: Something else got there in the meantime.
            FileRefusedError: The disk refused.
        """
        return await asyncio.to_thread(self._reveal)

    async def discard(self) -> None:
        """Remove whatever is not shown."""
        await asyncio.to_thread(self._remove_partial)

    def _require_free(self, offer: Offer) -> None:
        found = self._found_there()
        if found is None:
            return
        # Whether what lies there is the same bundle is decided by its manifest alone: its digest is the bundle's name.
        if _manifest_digest(self._final) != offer.bundle.hex:
            raise PullFolderTakenError(folder=str(self._final), found=found)

    def _found_there(self) -> str | None:
        """What stands at the final name, in a few words; None where a folder may be put."""
        if not self._final.exists():
            return None
        if not self._final.is_dir():
            return "a file"
        names = sorted(entry.name for entry in self._final.iterdir())
        return None if not names else ", ".join(names[:3])

    def _write(self, files: Mapping[str, bytes]) -> None:
        partial = self._final.parent / f".{self._final.name}{PARTIAL}{secrets.token_hex(4)}"
        try:
            partial.mkdir(parents=True)
            self._partial = partial
            for name, content in files.items():
                write_durably(partial / (MANIFEST_UNSHOWN if name == MANIFEST else name), content)
        except OSError as error:
            self._remove_partial()
            raise FileRefusedError(path=str(partial), reason=error.strerror or type(error).__name__) from error

    def _reveal(self) -> tuple[str, bool]:
        assert self._partial is not None
        try:
            (self._partial / MANIFEST_UNSHOWN).rename(self._partial / MANIFEST)
            sync_folder(self._partial)
            self._partial.rename(self._final)  # takes the place of an empty folder (rename(2))
            sync_folder(self._final.parent)
        except OSError as error:
            if error.errno in _TAKEN_ERRNO:
                return self._already_there()
            raise FileRefusedError(path=str(self._final), reason=error.strerror or type(error).__name__) from error
        self._partial = None
        return str(self._final), False

    def _already_there(self) -> tuple[str, bool]:
        assert self._partial is not None
        same = _same_files(self._partial, self._final)
        self._remove_partial()
        if not same:
            raise PullFolderTakenError(folder=str(self._final), found=self._found_there() or "nothing")
        return str(self._final), True

    def _remove_partial(self) -> None:
        if self._partial is not None:
            shutil.rmtree(self._partial, ignore_errors=True)
            self._partial = None


def remove_unshown(pulled: Path) -> None:
    """Remove the hidden folders that a crash left; call it before the first pull."""
    for folder in pulled.glob(f"*/*/.*{PARTIAL}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _same_files(one: Path, other: Path) -> bool:
    """Whether both folders hold the same six files and nothing else."""
    with suppress(OSError):
        names = sorted(entry.name for entry in other.iterdir())
        same_names = names == sorted(BUNDLE_FILES)
        return same_names and all((one / name).read_bytes() == (other / name).read_bytes() for name in names)
    return False


def _manifest_digest(folder: Path) -> str | None:
    with suppress(OSError):
        return Digest.of((folder / MANIFEST).read_bytes()).hex
    return None
