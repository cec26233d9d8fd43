"""A restored backup gets its log back from a mirror, so that it may sign again (decision 50).

    mirror's checkpoint, quorum verified ─> entries after the own ─> one tree ─> one transaction ─> tiles at the start

Nothing is signed here: the checkpoint that is stored is the one that this log signed before its disk was lost. What the
entries did besides is put back from the files at hand (`rebuilding`), and what no file holds is told and not made up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import httpx
from sqlalchemy import Connection
from sqlmodel import insert

from exchange.errors import ExchangeError
from exchange.errors.exchange_ import PartnerError
from exchange.errors.log import LogError
from exchange.errors.node import LogMirrorsShortError, LogNotInMirrorError
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
class Shown:
    """What a mirror says that it holds: a checkpoint of the own log, under a quorum."""

    mirror: PartnerClient
    note: bytes
    cosigned: CosignedCheckpoint
    policy: WitnessPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What the mirror holds of a log; `entries` from the first one of the bundle in which the own log ends."""

    shown: Shown
    entries: tuple[bytes, ...]
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
        passed_over: By member, why a mirror that showed as much or more was not used.
    """

    before: int
    size: int
    types: Mapping[str, int]
    rebuilt: Rebuilt
    note: bytes | None
    passed_over: Mapping[str, str] = field(default_factory=dict)


async def recover_log(
    node: NodeFolder,
    *,
    clock: Clock,
    random: Random,
    transport: httpx.AsyncBaseTransport | None = None,
    to_cut: bool = False,
) -> Recovered:
    """Put the own log back to where the longest mirror is, the auditor's or another member's; the folder is locked.

    Args:
        node: Whose log.
        clock: What time it is.
        random: For what is asked of partners.
        transport: Instead of the network, in tests.
        to_cut: Also where a mirror shows that a quorum cosigned more than any mirror gives: the log can then only be
            cut there (decision 44); the restart rule keeps it from being signed.

    Raises:
        PartnerError: No mirror answers.
        LogMirrorsShortError: What a quorum cosigned is in no mirror that answers; nothing was changed.
        LogNotInMirrorError, LogError: What they hold does not continue what is here; nothing was changed.
    """
    trust = load_trust(node.keys, at=clock.now())
    passphrase = None if node.passphrase_file is None else read_passphrase(node.passphrase_file)

    def key(purpose: KeyPurpose) -> Signer:
        return read_signer(node.private, purpose, passphrase=passphrase, demo=node.settings.demo)

    caller = Caller(member=node.member, signer=key(KeyPurpose.TRANSPORT), clock=clock, random=random)
    mirrors = _mirrors(node, trust, caller, transport)
    store = Store(node.state_db)
    try:
        with store.open_writer() as connection:
            with connection.begin():
                last = signed_last(connection)
                origin = trust.member(node.member).origin if last is None else last[0].origin
                log = OwnLog(origin=origin, signer=key(KeyPurpose.LOG), files=TileFiles(node.log))
                log.load(connection)
            fetched, passed_over = await _fetch_longest(mirrors, log=log, member=node.member, trust=trust)
            if not to_cut:
                _require_all(log, fetched, passed_over)
            with connection.begin():
                shelf = read_contracts(node.contracts, trust=trust)
                rebuilder = Rebuilder(connection=connection, node=node, trust=trust, shelf=shelf)
                recovered = put_back(connection, log, fetched, rebuilder)
        reasons = {shown.mirror.partner: error.sentence() for shown, error in passed_over}
        return replace(recovered, passed_over=reasons)
    finally:
        store.close()


def _mirrors(
    node: NodeFolder, trust: Trust, caller: Caller, transport: httpx.AsyncBaseTransport | None
) -> list[PartnerClient]:
    """Whoever may have a copy: the auditor first, then every other member."""
    limits = partner_limits(node)
    asked = [trust.auditor, *sorted(trust.members.keys() - {trust.auditor})]
    return [
        PartnerClient(
            partner=member, issuer=trust.member(member).issuer, caller=caller, limits=limits, transport=transport
        )
        for member in asked
        if member != node.member
    ]


async def _fetch_longest(
    mirrors: Sequence[PartnerClient], *, log: OwnLog, member: str, trust: Trust
) -> tuple[Fetched, list[tuple[Shown, ExchangeError]]]:
    """What the longest copy holds beyond the own log that really leads to the checkpoint shown with it.

    A mirror that shows a checkpoint and has not its entries, or others, is passed over, and the next one asked.

    Returns:
        The entries; and the mirrors passed over, with the reason.

    Raises:
        PartnerError, LogError: None answers, none has a copy, or what is shown is not by this log and its quorum.
        LogNotInMirrorError: What is here is no beginning of any copy.
    """
    origin_hash = log.checkpoint.origin_hash
    shown: list[Shown] = []
    silent: list[ExchangeError] = []
    passed_over: list[tuple[Shown, ExchangeError]] = []
    async with AsyncExitStack() as stack:
        for mirror in mirrors:
            await stack.enter_async_context(mirror)
            try:
                note = await mirror.mirrored_checkpoint(origin_hash)
                policy, cosigned = require_witnessed(note, provider=member, trust=trust, every_line=False)
            except (PartnerError, LogError) as error:
                silent.append(error)
            else:
                shown.append(Shown(mirror=mirror, note=note, cosigned=cosigned, policy=policy))
        for one in sorted(shown, key=lambda one: one.cosigned.size, reverse=True):
            try:
                fetched = await _fetch(one, origin_hash=origin_hash, size=log.size)
                _require_one_history(log, fetched)
            except ExchangeError as error:
                passed_over.append((one, error))
            else:
                return fetched, passed_over
    raise next((error for _, error in passed_over), None) or silent[0]  # a federation has two members at least


async def _fetch(shown: Shown, *, origin_hash: str, size: int) -> Fetched:
    """Everything from the bundle on in which the own log of `size` ends.

    Raises:
        PartnerError: The mirror does not answer, or has no such bundle.
        LogError: A bundle is none.
    """
    first = size - size % TILE_WIDTH
    entries: list[bytes] = []
    for index in range(first // TILE_WIDTH, -(-shown.cosigned.size // TILE_WIDTH)):
        tile = tile_at(ENTRIES, index, size=shown.cosigned.size)
        path = format_tile_path(tile)
        raw = await shown.mirror.mirrored_entries(origin_hash, path)
        entries += parse_entry_bundle(raw, width=tile.width, path=path)
    return Fetched(shown=shown, entries=tuple(entries), first=first)


def _require_all(log: OwnLog, fetched: Fetched, passed_over: Sequence[tuple[Shown, ExchangeError]]) -> None:
    """Refuse to go on from less than what a mirror shows that a quorum cosigned."""
    size = max(log.size, fetched.shown.cosigned.size)
    longest = max((shown.cosigned.size for shown, _ in passed_over), default=0)
    if size < longest:
        named = "; ".join(f"{shown.mirror.partner}: {error.sentence()}" for shown, error in passed_over)
        raise LogMirrorsShortError(origin=log.origin, expected=longest, found=size, mirrors=named)


def put_back(connection: Connection, log: OwnLog, fetched: Fetched, rebuilder: Rebuilder) -> Recovered:
    """Append the missing entries and the checkpoint over them; in one transaction of the caller's.

    Raises:
        EntryError: An entry that this program cannot read.
    """
    before, seen = log.size, fetched.shown.cosigned
    missing = _missing(log, fetched)
    if not missing:
        nothing = Rebuilt(again={}, lost={})
        note = fetched.shown.note if seen.size == before else None
        return Recovered(before=before, size=before, types={}, note=note, rebuilt=nothing)
    parsed = [parse_entry(raw) for raw in missing]
    rows = [
        (index, raw, None if entry.evidence is None else str(entry.evidence), entry.counterpart)
        for index, (raw, entry) in enumerate(zip(missing, parsed, strict=True), before)
    ]
    log.stage(connection, rows)
    _keep_checkpoint(connection, fetched.shown)
    types = Counter(entry.type.value for entry in parsed)
    return Recovered(
        before=before,
        size=seen.size,
        types=dict(sorted(types.items())),
        note=fetched.shown.note,
        rebuilt=rebuilder.rebuild(list(enumerate(parsed, before))),
    )


def _missing(log: OwnLog, fetched: Fetched) -> tuple[bytes, ...]:
    return fetched.entries[log.size - fetched.first :] if fetched.shown.cosigned.size > log.size else ()


def _require_one_history(log: OwnLog, fetched: Fetched) -> None:
    seen = fetched.shown.cosigned
    if seen.size < log.size:
        return  # the backup is ahead of the mirror: the witnesses decide
    grown, _ = log.state.append([leaf_hash(raw) for raw in _missing(log, fetched)])
    if (grown.size, grown.root()) != (seen.size, seen.root):
        raise LogNotInMirrorError(origin=log.origin, size=log.size, expected=seen.root.hex(), found=grown.root().hex())


def _keep_checkpoint(connection: Connection, shown: Shown) -> None:
    note, seen, policy = parse_note(shown.note), shown.cosigned, shown.policy
    own = tuple(line for vkey in policy.logs for line in note.lines_by(vkey))
    signed = format_note(SignedNote(text=note.text, signatures=own))
    connection.execute(insert(CheckpointRow), {"size": seen.size, "root": seen.root, "note": signed})
    lines = [(policy.witness_of(line), line) for line in note.signatures]
    rows = [{"size": seen.size, "witness": name, "line": str(line)} for name, line in lines if name is not None]
    connection.execute(insert(CosignatureRow).prefix_with("OR REPLACE"), rows)
