"""A node's registry folder brought up to date from a partner's `/trust/…`, all versions kept.

python-tuf's own client (`tuf.ngclient`) walks the update workflow and refuses rollback, freeze and forgery; whatever it
fetched is then judged once more by our stricter reading, and only if that holds, written: targets, metadata, timestamp.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    LengthOrHashMismatchError,
    RepositoryError,
)
from tuf.api.metadata import Metadata, Snapshot, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater

from exchange.encoding import parse_instant
from exchange.errors.trust import RegistryFileError, RegistrySourceError, RegistryUnreachableError
from exchange.signing.authority import TOP_ROLES, flat_delegations
from exchange.signing.delegations import keys_file
from exchange.signing.forward import require_forward
from exchange.signing.registrar import require_in_bounds
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust
from nodes.adapters.trust_archive import fetch_archive
from nodes.adapters.trust_folder import TIMESTAMP, load_trust, read_trust_files, write_trust_files

Fetch: TypeAlias = Callable[[str], bytes]
"""One file from a partner, by its address; blocking. Raises `DownloadError`, and `DownloadHTTPError` with a status."""


class MemoryFetcher(FetcherInterface):
    """python-tuf's port for fetching.

    It remembers what it fetched: the client keeps only the newest state, an archive keeps every version.
    """

    def __init__(self, fetch: Fetch, base: str) -> None:
        self._get = fetch
        self._base = base
        self.fetched: dict[str, bytes] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        raw = self._get(url)
        self.fetched[url.removeprefix(self._base)] = raw
        yield raw

    def get(self, name: str) -> bytes | None:
        """A file of the archive; None if this partner has it not."""
        with suppress(DownloadHTTPError):
            return self._get(self._base + name)
        return None


def refresh_registry(folder: Path, *, source: str, fetch: Fetch, now: Callable[[], datetime]) -> Trust | None:
    """Bring a registry folder to the newest state that a partner offers; blocking, for a thread.

    Args:
        folder: Holds at least the first root, handed over at the founding.
        source: The partner's base address; its registry lies under `/trust/`.
        fetch: Gets one file.
        now: The node's clock; python-tuf itself judges expiry by the machine's.

    Returns:
        The new state; None if the partner has nothing that is not here.

    Raises:
        RegistryUnreachableError: The partner does not answer.
        RegistrySourceError: TUF's client refuses what it offers: older, expired, forged.
        TrustError: TUF's client accepts it, our rules do not. In each case the folder is as it was.
    """
    files = read_trust_files(folder)
    if FIRST_ROOT not in files:
        raise RegistryFileError(file=FIRST_ROOT, reason="absent")
    fetcher = MemoryFetcher(fetch, f"{source}/trust/")
    try:
        changed = not _is_same(files, fetcher, at=now()) and _walk(files, fetcher, source)
    except DownloadError as error:
        raise RegistryUnreachableError(source=source, reason=str(error)) from error
    except (RepositoryError, ValueError) as error:
        raise RegistrySourceError(source=source, reason=str(error)) from error
    if not changed:
        return None
    before = load_trust(folder, at=now(), expired="notice") if TIMESTAMP in files else None
    trust = open_trust(
        files | fetcher.fetched,
        root=files[FIRST_ROOT],
        at=now(),
        expired="refuse",
        newest_seen=None if before is None else before.ref,
    )
    require_in_bounds(before, trust, at=now())
    if before is not None:
        require_forward(before, trust)
    write_trust_files(folder, {name: raw for name, raw in fetcher.fetched.items() if files.get(name) != raw})
    return trust


def _is_same(files: Mapping[str, bytes], fetcher: MemoryFetcher, *, at: datetime) -> bool:
    """Whether the partner shows the very state that was verified and kept here, and nothing of it has expired.

    By far the most rounds: two files are asked for, and no signature is verified again. The workflow is entered
    wherever there is anything to decide (TUF §5.3: a next root; §5.4: another timestamp; §5.*.4: expiry).
    """
    newest = _newest(files)
    root = max(int(Path(name).name.partition(".")[0]) for name in files if name.endswith(".root.json"))
    if not newest or fetcher.get(f"metadata/{root + 1}.root.json") is not None:
        return False
    if fetcher.get(TIMESTAMP) != files[TIMESTAMP]:
        return False
    state = (files[f"metadata/{root}.root.json"], *(newest[role] for role in ("timestamp", "snapshot", "targets")))
    return all(at < parse_instant(json.loads(raw)["signed"]["expires"], subject="registry") for raw in state)


def _walk(files: Mapping[str, bytes], fetcher: MemoryFetcher, source: str) -> bool:
    """The update workflow with a client that remembers what this folder knows; whether there was anything new."""
    with tempfile.TemporaryDirectory(prefix="registry-") as memory:
        _remember(Path(memory), files)
        updater = Updater(
            metadata_dir=memory,
            metadata_base_url=f"{source}/trust/metadata/",
            target_base_url=f"{source}/trust/targets/",
            fetcher=fetcher,
            bootstrap=files[FIRST_ROOT],
        )
        updater.refresh()
        if all(files.get(name) == raw for name, raw in fetcher.fetched.items()):
            return False
        for role, raw in _newest(files).items():  # what is not new need not be fetched again
            if role not in TOP_ROLES:
                (Path(memory) / f"{role}.json").write_bytes(raw)
        top: Metadata[Targets] = Metadata.from_bytes((Path(memory) / "targets.json").read_bytes())
        for path in top.signed.targets:
            _target(updater, path, Path(memory), files)
        for role in flat_delegations(top.signed):
            try:
                _target(updater, keys_file(role), Path(memory), files)
            except (DownloadError, LengthOrHashMismatchError):
                raise
            except RepositoryError:
                continue  # a delegation that does not hold silences its member, not the registry: our reading says so
        snapshot: Metadata[Snapshot] = Metadata.from_bytes((Path(memory) / "snapshot.json").read_bytes())
        fetch_archive(snapshot.signed.version, held=files, fetched=fetcher.fetched, get=fetcher.get)
    return True


def _target(updater: Updater, path: str, memory: Path, files: Mapping[str, bytes]) -> bytes:
    info = updater.get_targetinfo(path)
    if info is None:
        return b""  # our own reading says what is missing and whether it may be
    folder, slash, name = path.rpartition("/")
    known = files.get(f"targets/{folder}{slash}{info.hashes['sha256']}.{name}")
    if known is not None:
        return known
    return Path(updater.download_target(info, str(memory / "target"))).read_bytes()


def _remember(memory: Path, files: Mapping[str, bytes]) -> None:
    """Lay out the folder's state as python-tuf caches its own, so that it refuses to go back behind it."""
    (memory / "root_history").mkdir()
    for name, raw in files.items():
        if name.startswith("metadata/") and name.endswith(".root.json"):
            (memory / "root_history" / Path(name).name).write_bytes(raw)
    for role, raw in _newest(files).items():
        if role in TOP_ROLES:
            (memory / f"{role}.json").write_bytes(raw)


def _newest(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    if TIMESTAMP not in files:
        return MappingProxyType({})
    timestamp = Metadata[Timestamp].from_bytes(files[TIMESTAMP]).signed
    raw = files[f"metadata/{timestamp.snapshot_meta.version}.snapshot.json"]
    snapshot = Metadata[Snapshot].from_bytes(raw).signed
    roles = {name.removesuffix(".json"): meta.version for name, meta in snapshot.meta.items()}
    return {
        "timestamp": files[TIMESTAMP],
        "snapshot": raw,
        **{role: files[f"metadata/{version}.{role}.json"] for role, version in roles.items()},
    }
