"""A witness that starts again cosigns no log before it knows what the others know of it."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from exchange.log.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from exchange.log.entry import EntryType
from exchange.log.merkle import leaf_hash
from exchange.log.note import format_note
from exchange.log.tiles import parse_entry_bundle
from exchange.log.witness import AddCheckpoint, format_add_checkpoint, parse_conflict
from exchange.signing.keys import KeyPurpose
from nodes.adapters.cosigner import Cosigned
from nodes.adapters.sequencer import LogDraft
from tests.world.federation import SEVEN
from tests.world.gateways import GatewayWorld, gateway_world, until, witnessed_size
from tests.world.log_by_hand import root_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

KZ_WITNESS = "http://127.0.0.1:8100/witness"
KG_LOG = "kg.exchange.example/log"
KG_HASH = Checkpoint(origin=KG_LOG, size=0, root=b"").origin_hash


async def settled(world: GatewayWorld, member: str) -> tuple[int, bytes]:
    """A member's newest checkpoint, size and note, cosigned by its quorum and KZ; the log grows until then."""
    context = world.gateways[member].context

    def newest() -> Cosigned | None:
        cosigned = context.cosigner.cosigned
        if cosigned is None or not kept_size(world) == context.sequencer.log.size == cosigned.checkpoint.size:
            return None
        return cosigned

    while (found := newest()) is None:
        await context.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await until(lambda: newest() is not None)
    return found.checkpoint.size, found.note


def kept_size(world: GatewayWorld) -> int:
    """The size of KG's log that KZ cosigned last."""
    return witnessed_size(world.node("KZ"), KG_LOG)


def fork(world: GatewayWorld, *, after: int, size: int) -> bytes:
    """KG's operator, with KG's key: a rival history that shares its first entries with what was witnessed."""
    bundle = world.node("KG").log / "tile" / "entries" / "000.p" / str(after)
    shared = [leaf_hash(entry) for entry in parse_entry_bundle(bundle.read_bytes(), width=after)]
    leaves = shared + [leaf_hash(b"rival %d" % number) for number in range(after, size)]
    checkpoint = Checkpoint(origin=KG_LOG, size=size, root=root_of(leaves))
    return format_note(sign_checkpoint(checkpoint, signer=world.bundle.federation.signer("KG", KeyPurpose.LOG)))


async def ask(world: GatewayWorld, old_size: int, note: bytes) -> httpx.Response:
    body = format_add_checkpoint(AddCheckpoint(old_size=old_size, proof=(), note=note))
    async with httpx.AsyncClient(transport=world.network) as client:
        return await client.post(f"{KZ_WITNESS}/add-checkpoint", content=body)


async def restored(world: GatewayWorld, backup: Path) -> None:
    """KZ's node starts again on an old copy of its store."""
    store = world.node("KZ").state_db
    shutil.copy(backup, store)
    for name in ("-wal", "-shm"):
        store.with_name(store.name + name).unlink(missing_ok=True)
    await world.start("KZ")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation"), published=False) as made:
        await made.gateways["KG"].context.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def world(running: GatewayWorld) -> GatewayWorld:
    """Everybody is up, whatever an earlier test did."""
    for member in SEVEN:
        if member not in running.gateways:
            await running.start(member)
    return running


async def test_a_restored_witness_takes_over_what_the_others_saw_and_cosigns_no_fork(
    world: GatewayWorld, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    old, _ = await settled(world, "KG")
    await world.stop("KZ")
    shutil.copy(world.node("KZ").state_db, backup)
    await world.start("KZ")
    await world.gateways["KG"].context.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    new, _ = await settled(world, "KG")
    assert new > old
    rival = fork(world, after=old, size=old + 1)
    await world.stop("KZ")
    await world.stop("KG")  # from here on, only its forger speaks for KG's log
    await restored(world, backup)
    assert kept_size(world) == old

    # The tiles that would show one history are KG's; without them the witness stays shut.
    closed = await ask(world, old, rival)
    assert (closed.status_code, closed.json()["code"]) == (503, "witness-not-caught-up")

    await world.start("KG")
    await until(lambda: kept_size(world) >= new)
    refused = await ask(world, old, rival)
    assert refused.status_code == 409
    assert parse_conflict(refused.content) >= new


async def test_a_witness_waits_until_no_quorum_can_be_unknown_to_those_who_answered(world: GatewayWorld) -> None:
    size, note = await settled(world, "KG")
    for member in ("KZ", "TJ", "TM", "UZ"):
        await world.stop(member)
    await world.start("KZ")
    # Of KG's six witnesses four make a quorum: GB and IOM alone may both be outside it.
    async with asyncio.timeout(30):
        while "2 other witnesses have told what they know" not in await not_caught_up(world, size, note):
            pass  # the first answers may come before the others' do
    await world.start("TJ")
    await until_cosigned(world, size, note)


async def not_caught_up(world: GatewayWorld, size: int, note: bytes) -> str:
    """What a witness says that has not heard enough; it cosigns nothing."""
    refused = await ask(world, size, note)
    assert (refused.status_code, refused.json()["code"]) == (503, "witness-not-caught-up")
    return str(refused.json()["detail"])


async def until_cosigned(world: GatewayWorld, size: int, note: bytes) -> None:
    async with asyncio.timeout(30):
        while (await ask(world, size, note)).status_code != 200:
            pass  # each answer takes as long as the witness takes to ask the others


async def test_a_rival_is_refused_kept_and_shown_to_the_auditor_alone(world: GatewayWorld) -> None:
    size, _ = await settled(world, "KG")
    rival = fork(world, after=size - 1, size=size)
    assert (await ask(world, size, rival)).status_code == 422
    assert (await ask(world, 0, rival)).status_code == 409
    iom, uz = world.client("IOM", "KZ"), world.client("UZ", "KZ")
    assert await iom.rivals(KG_HASH) == [rival]
    with pytest.raises(Exception, match="not-found"):
        await uz.rivals(KG_HASH)
    assert "witness-split-view" in await world.health("KZ")


async def test_monitors_read_what_a_witness_cosigned_last_with_both_lines(world: GatewayWorld) -> None:
    size, _ = await settled(world, "KG")
    async with httpx.AsyncClient(transport=world.network) as client:
        shown = await client.get(f"{KZ_WITNESS}/{KG_HASH}/checkpoint")
        unknown = await client.get(f"{KZ_WITNESS}/{'0' * 64}/checkpoint")
    checkpoint, note = read_checkpoint(shown.content)
    assert (checkpoint.origin, checkpoint.size) == (KG_LOG, size)
    assert [line.name for line in note.signatures] == [KG_LOG, world.gateways["KZ"].context.witness_name]
    assert unknown.status_code == 404


async def test_a_witness_that_is_offered_two_histories_stays_shut_and_says_so(world: GatewayWorld) -> None:
    size, note = await settled(world, "KG")
    rival = fork(world, after=size - 1, size=size)
    await world.stop("KZ")
    with closing(sqlite3.connect(world.node("KZ").state_db)) as connection:
        root = read_checkpoint(rival)[0].root
        connection.execute("UPDATE witnessed SET root = ?, note = ? WHERE origin = ?", (root, rival, KG_LOG))
        connection.commit()
    await world.start("KZ")
    async with asyncio.timeout(30):
        while "witness-split-view" not in await world.health("KZ"):
            assert (await ask(world, size, note)).status_code == 503
