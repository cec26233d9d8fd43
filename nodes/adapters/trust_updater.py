"""A node's registry folder brought up to date from a partner's `/trust/…`, all versions kept.

python-tuf's own client (`tuf.ngclient`) walks the update workflow and refuses rollback, freeze and forgery; whatever it
fetched is then judged once more by our stricter reading, and only if that holds, written: targets, metadata, timestamp.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import httpx
from tuf.api.exceptions import DownloadError, DownloadHTTPError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Metadata, Snapshot, Timestamp
from tuf.ngclient import FetcherInterface, Updater

from exchange.errors.trust import RegistryFileError, RegistrySourceError, RegistryUnreachableError
from exchange.signing.members import parse_federation
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust
from nodes.adapters.trust_folder import TIMESTAMP, load_trust, read_trust_files, write_trust_files

HTTP_OK = 200


class HttpFetcher(FetcherInterface):
    """python-tuf's port for fetching, over httpx: a time limit for every file, no redirects.

    It remembers what it fetched: the client keeps only the newest state, an archive keeps every version.
    """

    def __init__(self, client: httpx.Client, base: str) -> None:
        self._client = client
        self._base = base
        self.fetched: dict[str, bytes] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        chunks = []
        try:
            with self._client.stream("GET", url, follow_redirects=False) as answer:
                if answer.status_code != HTTP_OK:
                    raise DownloadHTTPError(f"status {answer.status_code}", answer.status_code)
                for chunk in answer.iter_bytes():  # the caller counts, and stops a partner that sends without end
                    chunks.append(chunk)
                    yield chunk
        except httpx.HTTPError as error:  # python-tuf wraps only what is raised before the first chunk
            raise DownloadError(f"{type(error).__name__}: {error}") from error
        self.fetched[url.removeprefix(self._base)] = b"".join(chunks)


def refresh_registry(folder: Path, *, source: str, client: httpx.Client, now: Callable[[], datetime]) -> Trust:
    """Bring a registry folder to the newest state that a partner offers; blocking, for a thread.

    Args:
        folder: Holds at least the first root, handed over at the founding.
        source: The partner's base address; its registry lies under `/trust/`.
        client: With its time limit set by the node's settings.
        now: The node's clock; python-tuf itself judges expiry by the machine's.

    Returns:
        The state in the folder afterwards.

    Raises:
        RegistryUnreachableError: The partner does not answer.
        RegistrySourceError: TUF's client refuses what it offers: older, expired, forged.
        TrustError: TUF's client accepts it, our rules do not. In each case the folder is as it was.
    """
    files = read_trust_files(folder)
    if FIRST_ROOT not in files:
        raise RegistryFileError(file=FIRST_ROOT, reason="absent")
    seen = load_trust(folder, at=now(), expired="notice").ref if TIMESTAMP in files else None
    fetcher = HttpFetcher(client, f"{source}/trust/")
    try:
        _walk(files, fetcher, source)
    except DownloadError as error:
        raise RegistryUnreachableError(source=source, reason=str(error)) from error
    except (RepositoryError, ValueError) as error:
        raise RegistrySourceError(source=source, reason=str(error)) from error
    trust = open_trust(files | fetcher.fetched, root=files[FIRST_ROOT], at=now(), expired="refuse", newest_seen=seen)
    write_trust_files(folder, {name: raw for name, raw in fetcher.fetched.items() if files.get(name) != raw})
    return trust


def _walk(files: Mapping[str, bytes], fetcher: HttpFetcher, source: str) -> None:
    """The update workflow with a client that remembers what this folder knows; every member's keys are asked for."""
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
        federation = _target(updater, "federation.json", Path(memory), files)
        for member_id in parse_federation(federation).members:
            name = member_id.lower()
            _target(updater, f"policy/{name}.tlog-policy", Path(memory), files)
            with suppress(ExpiredMetadataError):  # an expired delegation silences its member, not the registry
                _target(updater, f"members/{name}/keys.json", Path(memory), files)


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
