"""What a registrar publishes, when it is its turn, and the bounds in which it is believed: snapshot and timestamp.

It signs which state is the newest, alone, and decides nothing else: neither far versions nor another time.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tuf.api.metadata import Metadata, Targets

from exchange.encoding import format_instant
from exchange.errors.trust import RegistrarBoundsError, RegistrarEarlyError, RegistryFileError
from exchange.signing.authoring import (
    SNAPSHOT_LIFE,
    TIMESTAMP_LIFE,
    write_snapshot,
    write_timestamp,
)
from exchange.signing.authority import flat_delegations
from exchange.signing.keys import Signer
from exchange.signing.registry import SignedRegistry
from exchange.signing.trust import Trust

REGISTRAR_WAITS = timedelta(hours=48)
"""For so long the auditor is left to publish alone, so that no two registrars publish rivals (DESIGN.md §10)."""

CLOCK_SKEW_S_MAX = 300
"""By so many seconds a registrar's clock may be ahead of the reader's."""
VERSIONS_AHEAD_MAX = 100_000
"""How far one state may be ahead of the one met before: a renewal each hour for eleven years."""
VERSION_MAX = 2**52
"""The highest version that is taken at a first meeting: far from the 2^53 - 1 that a log entry can name."""

TIMESTAMP = "metadata/timestamp.json"


def publish(
    files: Mapping[str, bytes], *, before: SignedRegistry | None, at: datetime, snapshot: Signer, timestamp: Signer
) -> dict[str, bytes]:
    """A snapshot of the newest applied version of every role, and a timestamp of it; the two files.

    A role that no longer exists stays in the snapshot as it last was: TUF lets none disappear (§5.5.5).

    Raises:
        RegistryFileError: No targets were ever applied, or a delegation has no metadata.
    """
    newest = newest_versions(files)
    if "targets" not in newest:
        raise RegistryFileError(file="metadata/targets.json", reason="absent: apply a change first")
    top: Metadata[Targets] = Metadata.from_bytes(files[f"metadata/{newest['targets']}.targets.json"])
    roles = {"targets", *flat_delegations(top.signed)}
    if before is not None:
        roles |= {name.removesuffix(".json") for name in before.snapshot.meta}
    missing = sorted(roles - newest.keys())
    if missing:
        raise RegistryFileError(file=f"metadata/{missing[0]}.json", reason="absent: its member has signed none yet")
    version = 1 if before is None else before.snapshot.version + 1
    at = _not_before(before, at)
    raw = write_snapshot(
        version=version,
        expires=at + SNAPSHOT_LIFE,
        metadata={role: (newest[role], files[f"metadata/{newest[role]}.{role}.json"]) for role in sorted(roles)},
        signers=[snapshot],
    )
    return {
        f"metadata/{version}.snapshot.json": raw,
        TIMESTAMP: _timestamp(before, (version, raw), at=at, signer=timestamp),
    }


def renew(files: Mapping[str, bytes], *, before: SignedRegistry, at: datetime, timestamp: Signer) -> dict[str, bytes]:
    """The present snapshot's timestamp anew, for its full life."""
    version = before.snapshot.version
    raw = files[f"metadata/{version}.snapshot.json"]
    return {TIMESTAMP: _timestamp(before, (version, raw), at=at, signer=timestamp)}


def newest_versions(files: Mapping[str, bytes]) -> dict[str, int]:
    """The highest version there is of each role, snapshot and timestamp aside."""
    found: dict[str, int] = {}
    for name in files:
        version, dot, role = name.removeprefix("metadata/").removesuffix(".json").partition(".")
        if name.startswith("metadata/") and dot and version.isdecimal() and role != "snapshot":
            found[role] = max(found.get(role, 0), int(version))
    return found


def require_turn(signed: SignedRegistry, signer: Signer, *, auditor: str, at: datetime) -> None:
    """Let another registrar than the auditor act only once the auditor was silent for two days.

    Raises:
        RegistrarEarlyError: It was not.
    """
    holders = {key.kid: holder for key, holder in signed.authorities["timestamp"].held()}
    holder = holders.get(signer.public.kid)
    silent = at - (signed.timestamp.expires - TIMESTAMP_LIFE)
    if holder != auditor and silent < REGISTRAR_WAITS:
        raise RegistrarEarlyError(
            holder=holder or signer.public.kid, needed_h=_hours(REGISTRAR_WAITS), found_h=_hours(silent)
        )


def require_in_bounds(before: Trust | None, after: Trust, *, at: datetime) -> None:
    """Refuse a state by which a registrar alone would halt the others, or date what the members said.

    A version far ahead leaves no next one; a life longer than its own hides that registrars are silent, and moves the
    time of issue, from which revocations count.

    Args:
        before: The state that was met last; None at a first meeting.
        after: The one offered, verified.
        at: Now, by this node's clock.

    Raises:
        RegistrarBoundsError: The first bound that does not hold.
    """
    latest = at + timedelta(seconds=CLOCK_SKEW_S_MAX)
    versions = (("snapshot", after.ref.version), ("timestamp", after.timestamp_version))
    seen = {} if before is None else {"snapshot": before.ref.version, "timestamp": before.timestamp_version}
    for role, version in versions:
        most = min(seen[role] + VERSIONS_AHEAD_MAX, VERSION_MAX) if seen else VERSION_MAX
        if version > most:
            raise RegistrarBoundsError(role=role, bound="version", expected=f"at most {most}", found=version)
    for role, life in (("snapshot", SNAPSHOT_LIFE), ("timestamp", TIMESTAMP_LIFE)):
        if after.ends[role] > latest + life:
            expected = f"at most {format_instant(latest + life)}"
            raise RegistrarBoundsError(
                role=role, bound="expiry", expected=expected, found=format_instant(after.ends[role])
            )
    if before is not None:
        latest_known = before.ends["timestamp"] - TIMESTAMP_LIFE
        _require_later("timestamp", latest_known, after.ends["timestamp"] - TIMESTAMP_LIFE)
        if after.ref.version > before.ref.version:
            _require_later("snapshot", max(before.issued, latest_known), after.issued)


def _require_later(role: str, earliest: datetime, issued: datetime) -> None:
    if issued < earliest:
        raise RegistrarBoundsError(
            role=role, bound="issue", expected=f"at least {format_instant(earliest)}", found=format_instant(issued)
        )


def _hours(length: timedelta) -> int:
    return int(length.total_seconds() // 3600)


def _timestamp(before: SignedRegistry | None, snapshot: tuple[int, bytes], *, at: datetime, signer: Signer) -> bytes:
    version, at = 1 if before is None else before.timestamp.version + 1, _not_before(before, at)
    return write_timestamp(version=version, expires=at + TIMESTAMP_LIFE, snapshot=snapshot, signers=[signer])


def _not_before(before: SignedRegistry | None, at: datetime) -> datetime:
    """The time of issue: never before the state it follows, whose registrar's clock may be ahead."""
    return at if before is None else max(at, before.timestamp.expires - TIMESTAMP_LIFE)
