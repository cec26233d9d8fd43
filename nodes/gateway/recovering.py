"""A restored backup gets its log back from a mirror, so that it may sign again (decision 50).

    mirror's checkpoint, quorum verified ─> entries after the own ─> one tree ─> one transaction ─> tiles at the start

Nothing is signed here: the checkpoint that is stored is the one that this log signed before its disk was lost. What the
entries did besides is put back from the files at hand (`rebuilding`), and what no file holds is told and not made up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
from sqlalchemy import Connection
from sqlmodel import insert

from exchange.errors.exchange_ import PartnerError
from exchange.errors.log import LogError
from exchange.errors.node import LogNotInMirrorError
from exchange.log.entry import parse_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignedNote, format_note, parse_note
from exchange.log.policy import CosignedCheckpoint, WitnessPolicy
from exchange.log.tiles import ENTRIES, TILE_WIDTH, format_tile_path, parse_entry_bundle, tile_at
from exchange.publication.logged import require_witnessed
from exchange.signing.keys import KeyPurpose, Random, Signer
from exchange.signing.trust import Trust
from nodes.adapters.clock import Clock
from nodes.adapters.contract_folder import read_contracts
from nodes.adapters.key_files import read_passphrase, read_signer
from nodes.adapters.log_line import signed_last
from nodes.adapters.own_log import OwnLog
from nodes.adapters.partner import Caller, PartnerClient
from nodes.adapters.partner_calls import partner_limits
from nodes.adapters.store import Store
from nodes.adapters.tables import CheckpointRow, CosignatureRow
from nodes.adapters.tile_files import TileFiles
from nodes.adapters.trust_folder import load_trust
from nodes.gateway.rebuilding import Rebuilder, Rebuilt
from nodes.settings import NodeFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What the mirror holds of a log."""

    note: bytes
    cosigned: CosignedCheckpoint
    policy: WitnessPolicy
    entries: tuple[bytes, ...]  # from the first one of the bundle in which the own log ends
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was put back.

    Attributes:
        before: Entries that the backup held.
        size: Entries now.
        types: How many of each type came back.
        rebuilt: What these entries did, as far as files at hand show it.
        note: The mirror's cosigned checkpoint over all that is here now; None where the backup was ahead of it.
    """

    before: int
    size: int
    types: Mapping[str, int]
    rebuilt: Rebuilt
    note: bytes | None


async def recover_log(
    node: NodeFolder, *, clock: Clock, random: Random, transport: httpx.AsyncBaseTransport | None = None
) -> Recovered:
    """Put the own log back to where the longest mirror is, the auditor's or another member's; the folder is locked.

    Raises:
        PartnerError: No mirror answers.
        LogNotInMirrorError, LogError: What it holds does not continue what is here; nothing was changed.
    """
    trust = load_trust(node.keys, at=clock.now())
    passphrase = None if node.passphrase_file is None else read_passphrase(node.passphrase_file)

    def key(purpose: KeyPurpose) -> Signer:
        return read_signer(node.private, purpose, passphrase=passphrase, demo=node.settings.demo)

    caller = Caller(member=node.member, signer=key(KeyPurpose.TRANSPORT), clock=clock, random=random)
    limits = partner_limits(node)

    def client(member: str) -> PartnerClient:
        issuer = trust.member(member).issuer
        return PartnerClient(partner=member, issuer=issuer, caller=caller, limits=limits, transport=transport)

    store = Store(node.state_db)
    try:
        with store.open_writer() as connection:
            with connection.begin():
                last = signed_last(connection)
                origin = trust.member(node.member).origin if last is None else last[0].origin
                log = OwnLog(origin=origin, signer=key(KeyPurpose.LOG), files=TileFiles(node.log))
                log.load(connection)
            asked = [trust.auditor, *sorted(trust.members.keys() - {trust.auditor})]
            mirrors = [client(member) for member in asked if member != node.member]
            fetched = await _fetch_longest(mirrors, log=log, member=node.member, trust=trust)
            with connection.begin():
                shelf = read_contracts(node.contracts, trust=trust)
                rebuilder = Rebuilder(connection=connection, node=node, trust=trust, shelf=shelf)
                return put_back(connection, log, fetched, rebuilder)
    finally:
        store.close()


async def _fetch_longest(mirrors: Sequence[PartnerClient], *, log: OwnLog, member: str, trust: Trust) -> Fetched:
    """What the mirror with the longest copy holds beyond the own log.

    Raises:
        PartnerError: None answers, or none has a copy.
        LogError: What it serves is not by this log and its quorum.
    """
    origin_hash = log.checkpoint.origin_hash
    longest: tuple[int, PartnerClient] | None = None
    refusals: list[PartnerError | LogError] = []
    async with AsyncExitStack() as stack:
        for mirror in mirrors:
            await stack.enter_async_context(mirror)
            try:
                note = await mirror.mirrored_checkpoint(origin_hash)
                size = require_witnessed(note, provider=member, trust=trust, every_line=False)[1].size
            except (PartnerError, LogError) as error:
                refusals.append(error)
                continue
            if longest is None or size > longest[0]:
                longest = (size, mirror)
        if longest is None:
            raise refusals[0]  # a federation has two members at least
        return await fetch(longest[1], origin_hash=origin_hash, size=log.size, member=member, trust=trust)


async def fetch(mirror: PartnerClient, *, origin_hash: str, size: int, member: str, trust: Trust) -> Fetched:
    """Everything from the bundle on in which the own log of `size` ends.

    Raises:
        PartnerError: The mirror does not answer, or has no copy.
        LogError: Its checkpoint is not by this log and its quorum, or a bundle is none.
    """
    note = await mirror.mirrored_checkpoint(origin_hash)
    policy, cosigned = require_witnessed(note, provider=member, trust=trust, every_line=False)
    first = size - size % TILE_WIDTH
    entries: list[bytes] = []
    for index in range(first // TILE_WIDTH, -(-cosigned.size // TILE_WIDTH)):
        tile = tile_at(ENTRIES, index, size=cosigned.size)
        path = format_tile_path(tile)
        raw = await mirror.mirrored_entries(origin_hash, path)
        entries += parse_entry_bundle(raw, width=tile.width, path=path)
    return Fetched(note=note, cosigned=cosigned, policy=policy, entries=tuple(entries), first=first)


def put_back(connection: Connection, log: OwnLog, fetched: Fetched, rebuilder: Rebuilder) -> Recovered:
    """Append the missing entries and the checkpoint over them; in one transaction of the caller's.

    Raises:
        LogNotInMirrorError: The two are not one history.
        EntryError: An entry that this program cannot read.
    """
    before, seen = log.size, fetched.cosigned
    missing = fetched.entries[before - fetched.first :] if seen.size > before else ()
    _require_one_history(log, missing, seen)
    if not missing:
        nothing = Rebuilt(again={}, lost={})
        note = fetched.note if seen.size == before else None
        return Recovered(before=before, size=before, types={}, note=note, rebuilt=nothing)
    parsed = [parse_entry(raw) for raw in missing]
    rows = [
        (index, raw, None if entry.evidence is None else str(entry.evidence), entry.counterpart)
        for index, (raw, entry) in enumerate(zip(missing, parsed, strict=True), before)
    ]
    log.stage(connection, rows)
    _keep_checkpoint(connection, fetched)
    types = Counter(entry.type.value for entry in parsed)
    return Recovered(
        before=before,
        size=seen.size,
        types=dict(sorted(types.items())),
        note=fetched.note,
        rebuilt=rebuilder.rebuild(list(enumerate(parsed, before))),
    )


def _require_one_history(log: OwnLog, missing: Sequence[bytes], seen: CosignedCheckpoint) -> None:
    if seen.size < log.size:
        return  # the backup is ahead of the mirror: the witnesses decide
    grown, _ = log.state.append([leaf_hash(raw) for raw in missing])
    if (grown.size, grown.root()) != (seen.size, seen.root):
        raise LogNotInMirrorError(origin=log.origin, size=log.size, expected=seen.root.hex(), found=grown.root().hex())


def _keep_checkpoint(connection: Connection, fetched: Fetched) -> None:
    note, seen, policy = parse_note(fetched.note), fetched.cosigned, fetched.policy
    own = tuple(line for vkey in policy.logs for line in note.lines_by(vkey))
    signed = format_note(SignedNote(text=note.text, signatures=own))
    connection.execute(insert(CheckpointRow), {"size": seen.size, "root": seen.root, "note": signed})
    lines = [(policy.witness_of(line), line) for line in note.signatures]
    rows = [{"size": seen.size, "witness": name, "line": str(line)} for name, line in lines if name is not None]
    connection.execute(insert(CosignatureRow).prefix_with("OR REPLACE"), rows)
