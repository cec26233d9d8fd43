"""Earlier registry states fetched from a partner: they tell since when something is said (`exchange.signing.history`).

Nothing is kept that was not checked: a snapshot by the registrars of some root of the chain, everything else by the
hash that such a snapshot names. A partner that has not all of it is no reason to refuse: the stated times stand then.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import Metadata, MetaFile, Root, TargetFile, Targets
from tuf.api.serialization import DeserializationError

from exchange.signing.delegations import FEDERATION, keys_file
from exchange.signing.history import read_snapshot

SNAPSHOTS_BACK_MAX = 512
"""How many earlier snapshots a new node fetches: 40 years of renewals, or ten busy ones."""

_ROOT = re.compile(r"metadata/[0-9]+\.root\.json\Z")
_ROLE = re.compile(r"[a-z][a-z0-9]{1,15}\Z")


def fetch_archive(
    newest: int, *, held: Mapping[str, bytes], fetched: dict[str, bytes], get: Callable[[str], bytes | None]
) -> None:
    """Fetch what is missing of earlier states, back to the first snapshot that is held.

    Args:
        newest: The version of the newest snapshot.
        held: The registry's files here, by path.
        fetched: What was fetched and verified in this refresh; what is found is added.
        get: Gets one file by path, None if the partner has it not.
    """
    roots = [Metadata[Root].from_bytes(raw).signed for name, raw in (dict(held) | fetched).items() if _ROOT.match(name)]
    for version in range(newest - 1, max(0, newest - 1 - SNAPSHOTS_BACK_MAX), -1):
        name = f"metadata/{version}.snapshot.json"
        raw = None if name in held else get(name)
        snapshot = None if raw is None else read_snapshot(raw, version=version, roots=roots)
        if raw is None or snapshot is None:
            return
        fetched[name] = raw
        for file, meta in snapshot.meta.items():
            role = file.removesuffix(".json")
            if _ROLE.match(role) is not None:
                _fetch_role(role, meta, held, fetched, get)


def _fetch_role(
    role: str,
    meta: MetaFile,
    held: Mapping[str, bytes],
    fetched: dict[str, bytes],
    get: Callable[[str], bytes | None],
) -> None:
    raw = _fetch_named(f"metadata/{meta.version}.{role}.json", meta, held, fetched, get)
    if raw is None:
        return
    with suppress(DeserializationError):
        metadata: Metadata[Targets] = Metadata.from_bytes(raw)
        path = FEDERATION if role == "targets" else keys_file(role)
        target = metadata.signed.targets.get(path) if isinstance(metadata.signed, Targets) else None
        if target is not None and "sha256" in target.hashes:
            folder, slash, last = path.rpartition("/")
            _fetch_named(f"targets/{folder}{slash}{target.hashes['sha256']}.{last}", target, held, fetched, get)


def _fetch_named(
    name: str,
    pinned: MetaFile | TargetFile,
    held: Mapping[str, bytes],
    fetched: dict[str, bytes],
    get: Callable[[str], bytes | None],
) -> bytes | None:
    """A file that is held or has the length and hash it was pinned with; None for one held already or any other."""
    if name in held or name in fetched or not pinned.hashes:
        return None
    raw = get(name)
    if raw is None:
        return None
    with suppress(LengthOrHashMismatchError):
        pinned.verify_length_and_hashes(raw)
        fetched[name] = raw
        return raw
    return None
