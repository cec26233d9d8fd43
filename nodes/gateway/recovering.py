"""A restored backup gets its log back from the auditor's mirror, so that it may sign again (decision 50).

    mirror's checkpoint, quorum verified ─> entries after the own ─> one tree ─> one transaction ─> tiles at the start

Nothing is signed here: the checkpoint that is stored is the one that this log signed before its disk was lost. What the
entries did besides, such as the bundles they published, is told and not made up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from sqlalchemy import Connection
from sqlmodel import insert

from exchange.errors.node import LogNotInMirrorError
from exchange.log.entry import parse_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignedNote, format_note, parse_note
from exchange.log.policy import CosignedCheckpoint, WitnessPolicy, parse_policy
from exchange.log.tiles import ENTRIES, TILE_WIDTH, format_tile_path, parse_entry_bundle, tile_at
from exchange.signing.keys import KeyPurpose, Random, Signer
from nodes.adapters.clock import Clock
from nodes.adapters.key_files import read_passphrase, read_signer
from nodes.adapters.own_log import OwnLog
from nodes.adapters.partner import Caller, PartnerClient
from nodes.adapters.partner_calls import partner_limits
from nodes.adapters.store import Store
from nodes.adapters.tables import CheckpointRow, CosignatureRow
from nodes.adapters.tile_files import TileFiles
from nodes.adapters.trust_folder import load_trust
from nodes.settings import NodeFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What the mirror holds of a log."""

    note: bytes
    cosigned: CosignedCheckpoint
    entries: tuple[bytes, ...]  # from the first one of the bundle in which the own log ends
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was put back.

    Attributes:
        before: Entries that the backup held.
        size: Entries now.
        types: How many of each type came back.
    """

    before: int
    size: int
    types: Mapping[str, int]


async def recover_log(
    node: NodeFolder, *, clock: Clock, random: Random, transport: httpx.AsyncBaseTransport | None = None
) -> Recovered:
    """Put the own log back to where the auditor's mirror is; the folder must be locked.

    Raises:
        PartnerError: The mirror does not answer.
        LogNotInMirrorError, LogError: What it holds does not continue what is here; nothing was changed.
    """
    trust = load_trust(node.keys, at=clock.now())
    policy = parse_policy(trust.policies[node.member])
    origin = policy.logs[0].name
    passphrase = None if node.passphrase_file is None else read_passphrase(node.passphrase_file)

    def key(purpose: KeyPurpose) -> Signer:
        return read_signer(node.private, purpose, passphrase=passphrase, demo=node.settings.demo)

    log = OwnLog(origin=origin, signer=key(KeyPurpose.LOG), files=TileFiles(node.log))
    limits = partner_limits(node)
    caller = Caller(member=node.member, signer=key(KeyPurpose.TRANSPORT), clock=clock, random=random)
    issuer = trust.member(trust.auditor).issuer
    store = Store(node.state_db)
    try:
        with store.open_writer() as connection:
            with connection.begin():
                log.load(connection)
            async with PartnerClient(
                partner=trust.auditor, issuer=issuer, caller=caller, limits=limits, transport=transport
            ) as mirror:
                origin_hash = log.checkpoint.origin_hash
                fetched = await fetch(mirror, origin_hash=origin_hash, policy=policy, size=log.size)
            with connection.begin():
                return put_back(connection, log, fetched, policy)
    finally:
        store.close()


async def fetch(mirror: PartnerClient, *, origin_hash: str, policy: WitnessPolicy, size: int) -> Fetched:
    """Everything from the bundle on in which the own log of `size` ends.

    Raises:
        PartnerError: The mirror does not answer, or has no copy.
        LogError: Its checkpoint is not by this log and its quorum, or a bundle is none.
    """
    note = await mirror.mirrored_checkpoint(origin_hash)
    cosigned = policy.check(note)
    first = size - size % TILE_WIDTH
    entries: list[bytes] = []
    for index in range(first // TILE_WIDTH, -(-cosigned.size // TILE_WIDTH)):
        tile = tile_at(ENTRIES, index, size=cosigned.size)
        path = format_tile_path(tile)
        raw = await mirror.mirrored_entries(origin_hash, path)
        entries += parse_entry_bundle(raw, width=tile.width, path=path)
    return Fetched(note=note, cosigned=cosigned, entries=tuple(entries), first=first)


def put_back(connection: Connection, log: OwnLog, fetched: Fetched, policy: WitnessPolicy) -> Recovered:
    """Append the missing entries and the checkpoint over them; in one transaction of the caller's.

    Raises:
        LogNotInMirrorError: The two are not one history.
        EntryError: An entry that this program cannot read.
    """
    before, seen = log.size, fetched.cosigned
    missing = fetched.entries[before - fetched.first :] if seen.size > before else ()
    _require_one_history(log, missing, seen)
    if not missing:
        return Recovered(before=before, size=before, types={})
    parsed = [parse_entry(raw) for raw in missing]
    rows = [
        (index, raw, None if entry.evidence is None else str(entry.evidence), entry.counterpart)
        for index, (raw, entry) in enumerate(zip(missing, parsed, strict=True), before)
    ]
    log.stage(connection, rows)
    _keep_checkpoint(connection, fetched, policy)
    types = Counter(entry.type.value for entry in parsed)
    return Recovered(before=before, size=seen.size, types=dict(sorted(types.items())))


def _require_one_history(log: OwnLog, missing: Sequence[bytes], seen: CosignedCheckpoint) -> None:
    if seen.size < log.size:
        return  # the backup is ahead of the mirror: the witnesses decide
    grown, _ = log.state.append([leaf_hash(raw) for raw in missing])
    if (grown.size, grown.root()) != (seen.size, seen.root):
        raise LogNotInMirrorError(origin=log.origin, size=log.size, expected=seen.root.hex(), found=grown.root().hex())


def _keep_checkpoint(connection: Connection, fetched: Fetched, policy: WitnessPolicy) -> None:
    note, seen = parse_note(fetched.note), fetched.cosigned
    own = tuple(line for vkey in policy.logs for line in note.lines_by(vkey))
    signed = format_note(SignedNote(text=note.text, signatures=own))
    connection.execute(insert(CheckpointRow), {"size": seen.size, "root": seen.root, "note": signed})
    lines = [(policy.witness_of(line), line) for line in note.signatures]
    rows = [{"size": seen.size, "witness": name, "line": str(line)} for name, line in lines if name is not None]
    connection.execute(insert(CosignatureRow).prefix_with("OR REPLACE"), rows)
