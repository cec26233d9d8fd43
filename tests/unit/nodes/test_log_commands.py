"""The operator's view of the own log, and the way back for a restored backup: out of the auditor's mirror."""

import asyncio
import io
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from exchange.encoding import base64_decode
from exchange.errors import ExchangeError, ExitCode, Language
from exchange.errors.exchange_ import NotFoundError
from exchange.errors.log import LeafIndexError, LogError, TreeRootError
from exchange.errors.node import LogMirrorsShortError, LogNotInMirrorError, NodeLockedError
from exchange.log.checkpoint import Checkpoint
from exchange.log.entry import EntryType, parse_entry
from exchange.log.merkle import leaf_hash
from exchange.log.policy import parse_policy
from exchange.log.proof import parse_proof, verify_proof
from exchange.log.tiles import parse_entry_bundle
from nodes.adapters.mirror_files import MirroredLog
from nodes.adapters.sequencer import LogDraft
from nodes.gateway import log_commands
from nodes.gateway.context import GatewayContext
from nodes.gateway.recovering import recover_log
from nodes.gateway.serve import locked
from nodes.settings import NodeFolder
from nodes.terminal import Invocation, Output
from tests.world.by_hand import NewEntries, entries
from tests.world.federation import seeded
from tests.world.gateways import GatewayWorld, gateway_world, until
from tests.world.log_by_hand import root_of
from tests.world.mirrors import showing

pytestmark = pytest.mark.asyncio(loop_scope="module")

KZ_HASH = Checkpoint(origin="kz.exchange.example/log", size=0, root=b"").origin_hash
MIRROR = f"/mirror/{KZ_HASH}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as made:
        yield made


def call(world: GatewayWorld, command: str, *argv: str, as_json: bool = True, language: Language = "en") -> Invocation:
    out = io.StringIO()
    return Invocation(
        command=command,
        argv=argv,
        home=world.folder,
        node=world.node("KZ"),
        clock=world.clock,
        output=Output(json=as_json, language=language, out=out, err=out),
    )


def said(invocation: Invocation) -> str:
    assert isinstance(invocation.output.out, io.StringIO)
    return invocation.output.out.getvalue()


async def ran(invocation: Invocation, exit_code: ExitCode = ExitCode.FINE) -> dict[str, Any]:
    command = getattr(log_commands, invocation.command.removeprefix("log "))
    assert await asyncio.to_thread(command, invocation) == exit_code
    document: dict[str, Any] = json.loads(said(invocation))
    return document


def covered(kz: GatewayContext) -> bool:
    """Whether a quorum has cosigned all of the log."""
    cosigned = kz.cosigner.cosigned
    return cosigned is not None and cosigned.checkpoint.size == kz.sequencer.log.size


def lose_state(node: NodeFolder) -> None:
    """The database is gone; the other files are there."""
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        node.state_db.with_name(name).unlink(missing_ok=True)


async def mirrored(world: GatewayWorld) -> int:
    """Until IOM holds all of KZ's log; its size."""
    kz, iom = world.gateways["KZ"].context, world.gateways["IOM"]
    await until(lambda: covered(kz))
    member = world.bundle.trust.member("KZ")
    await iom.mirror.refresh(member)
    assert (
        iom.mirror.copy_of(member.origin).size(parse_policy(world.bundle.trust.policies["KZ"])) == kz.sequencer.log.size
    )
    return kz.sequencer.log.size


# --- show, checkpoint, prove ---------------------------------------------------------------------------------------


async def test_show_lists_the_newest_entries_as_the_log_has_them(world: GatewayWorld) -> None:
    logged = entries(world)
    shown = await ran(call(world, "log show", "--count", "3"))
    assert (shown["origin"], shown["size"]) == ("kz.exchange.example/log", len(logged))
    assert [one["index"] for one in shown["entries"]] == [len(logged) - 3, len(logged) - 2, len(logged) - 1]
    assert [one["type"] for one in shown["entries"]] == [entry.type.value for entry in logged[-3:]]


async def test_show_begins_where_it_is_told_and_shows_one_type(world: GatewayWorld) -> None:
    logged = entries(world)
    first = await ran(call(world, "log show", "--from", "1", "--count", "2"))
    assert [one["index"] for one in first["entries"]] == [1, 2]
    signed = await ran(call(world, "log show", "--type", "contract.signed"))
    assert [one["index"] for one in signed["entries"]] == [
        index for index, entry in enumerate(logged) if entry.type is EntryType.CONTRACT_SIGNED
    ]
    with pytest.raises(LeafIndexError):
        log_commands.show(call(world, "log show", "--from", str(len(logged) + 1)))


@pytest.mark.parametrize(("language", "heading"), [("en", "index"), ("ru", "другая сторона")])
async def test_show_speaks_to_people_in_their_language(world: GatewayWorld, language: Language, heading: str) -> None:
    invocation = call(world, "log show", as_json=False, language=language)
    log_commands.show(invocation)
    assert heading in said(invocation).splitlines()[0]
    assert "bundle.published" in said(invocation)


async def test_checkpoint_says_who_cosigned_it_and_whether_that_is_a_quorum(world: GatewayWorld) -> None:
    kz = world.gateways["KZ"].context
    await until(lambda: covered(kz))
    shown = await ran(call(world, "log checkpoint"))
    assert (shown["size"], shown["quorum"]) == (kz.sequencer.log.size, True)
    assert len(shown["cosigned"]) >= 4
    world.network.lost.add("/witness/add-checkpoint")
    try:
        await kz.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
        alone = await ran(call(world, "log checkpoint"), ExitCode.DOES_NOT_HOLD)
    finally:
        world.network.lost.clear()
    assert (alone["quorum"], alone["cosigned"], alone["size"]) == (False, {}, shown["size"] + 1)


async def test_a_checkpoint_that_the_log_did_not_sign_is_refused(world: GatewayWorld, tmp_path: Path) -> None:
    await world.stop("KZ")
    file = world.node("KZ").log / "checkpoint"
    shutil.copy(file, tmp_path / "checkpoint")
    file.write_bytes(file.read_bytes().replace(b"\n", b"\n1", 1))
    try:
        with pytest.raises(LogError):
            log_commands.checkpoint(call(world, "log checkpoint"))
    finally:
        shutil.copy(tmp_path / "checkpoint", file)
        await world.start("KZ")


async def test_the_gateway_proves_an_entry_under_its_quorum(world: GatewayWorld) -> None:
    kz = world.gateways["KZ"].context
    await until(lambda: covered(kz))
    answer = (await world.local("KZ", "GET", "/local/log/proofs/2")).json()
    entry = base64_decode(answer["entry"], subject="entry")
    cosigned = verify_proof(
        parse_proof(answer["proof"].encode()), entry, parse_policy(world.bundle.trust.policies["KZ"])
    )
    assert (parse_entry(entry), cosigned.size) == (entries(world)[2], kz.sequencer.log.size)
    beyond = await world.local("KZ", "GET", "/local/log/proofs/100000")
    assert beyond.json()["code"] == "log-index-beyond-size"


# --- the mirror ----------------------------------------------------------------------------------------------------


async def test_the_auditors_node_holds_every_entry_of_every_other_log(world: GatewayWorld) -> None:
    size = await mirrored(world)
    folder = world.node("IOM").mirror / KZ_HASH
    kept = parse_entry_bundle((folder / f"tile/entries/000.p/{size}").read_bytes(), width=size)
    assert [parse_entry(entry) for entry in kept] == entries(world)
    assert not world.node("KG").mirror.exists()


async def test_a_mirror_that_starts_again_fetches_only_what_is_new(world: GatewayWorld) -> None:
    await mirrored(world)
    await world.stop("IOM")
    await world.start("IOM")
    asked = len(world.network.asked)
    await world.gateways["KZ"].context.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    size = await mirrored(world)
    fetched = [path for _, path in world.network.asked[asked:] if path.startswith("/log/tile/entries/")]
    assert f"/log/tile/entries/000.p/{size}" in fetched


async def test_only_the_logs_own_operator_and_the_auditor_read_mirrored_entries(world: GatewayWorld) -> None:
    size = await mirrored(world)
    path = f"tile/entries/000.p/{size}"
    mine = await world.client("KZ", "IOM").mirrored_entries(KZ_HASH, path)
    assert [parse_entry(entry) for entry in parse_entry_bundle(mine, width=size)] == entries(world)
    for member, hash_ in (("KG", KZ_HASH), ("KZ", "0" * 64)):
        with pytest.raises(ExchangeError, match="not-found"):
            await world.client(member, "IOM").mirrored_entries(hash_, path)
    async with httpx.AsyncClient(transport=world.network) as anybody:
        issuer = world.bundle.trust.member("IOM").issuer
        assert (await anybody.get(f"{issuer}{MIRROR}/{path}")).status_code == 401
        tile = await anybody.get(f"{issuer}{MIRROR}/tile/0/000.p/{size}")
        assert tile.content == b"".join(leaf_hash(entry) for entry in parse_entry_bundle(mine, width=size))
        assert (await anybody.get(f"{issuer}{MIRROR}/checkpoint")).status_code == 200
        assert (await anybody.get(f"{world.bundle.trust.member('KG').issuer}{MIRROR}/checkpoint")).status_code == 404


async def test_a_mirror_keeps_nothing_that_does_not_lead_to_the_cosigned_root(
    world: GatewayWorld, tmp_path: Path
) -> None:
    await mirrored(world)
    note = world.gateways["KZ"].context.files.checkpoint() or b""
    policy = parse_policy(world.bundle.trust.policies["KZ"])
    seen = policy.check(note)
    copy = MirroredLog(tmp_path / "copy", origin=seen.origin)
    assert copy.size(policy) == 0
    with pytest.raises(TreeRootError):
        copy.extend([b"another"] * seen.size, seen, note)
    assert not (tmp_path / "copy").exists()
    assert root_of([leaf_hash(b"another")] * seen.size) != seen.root


# --- recover -------------------------------------------------------------------------------------------------------


async def test_a_restored_backup_gets_its_log_back_and_signs_again(world: GatewayWorld, tmp_path: Path) -> None:
    await mirrored(world)
    await world.stop("KZ")
    node, backup = world.node("KZ"), tmp_path / "kz"
    shutil.copytree(node.path, backup)
    await world.start("KZ")
    kz = world.gateways["KZ"].context
    new = NewEntries(world)
    await world.pull("KG")
    await kz.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    size = await mirrored(world)
    lost = entries(world)
    await world.stop("KZ")

    shutil.rmtree(node.path)
    shutil.copytree(backup, node.path)
    await world.start("KZ")
    gate = world.gateways["KZ"].context.sequencer.gate
    await until(lambda: gate.halted)
    assert await world.health("KZ") == ["log-behind-witness"]
    await world.stop("KZ")

    recovered = await recover_log(node, clock=world.clock, random=seeded("recover"), transport=world.network)
    assert recovered.size == size
    assert recovered.before + sum(recovered.types.values()) == size
    assert recovered.types == {"heartbeat": 1, "pull.served": 1, "receipt.got": 1}
    again = await recover_log(node, clock=world.clock, random=seeded("again"), transport=world.network)
    assert (again.before, again.size, again.types) == (size, size, {})

    await world.start("KZ")
    kz = world.gateways["KZ"].context
    await kz.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    assert entries(world)[:size] == lost
    await until(lambda: covered(kz))
    assert await world.health("KZ") == []
    assert len(new.of(EntryType.PULL_SERVED)) == 1


async def test_what_the_entries_did_is_put_back_from_the_files_at_hand(world: GatewayWorld) -> None:
    size = await mirrored(world)
    signed = len([entry for entry in entries(world) if entry.type is EntryType.CONTRACT_SIGNED])
    await world.stop("KZ")
    lose_state(world.node("KZ"))
    whole = await recover_log(world.node("KZ"), clock=world.clock, random=seeded("all"), transport=world.network)
    assert (whole.before, whole.size) == (0, size)
    assert whole.rebuilt.again == {
        "bundle.published": 1,
        "clearance.decided": 1,
        "contract.signed": signed,
        "trust.updated": 1,
    }
    assert whole.rebuilt.lost.keys() == {"pull.served", "receipt.got"}  # their deliveries lie with the partners
    await world.start("KZ")
    await until(lambda: covered(world.gateways["KZ"].context))
    pulled = await world.pull("KG")
    assert pulled.status_code == 200, pulled.text
    published = [entry for entry in entries(world) if entry.type is EntryType.BUNDLE_PUBLISHED]
    assert len(published) == 1  # it is the one of before: nothing was published again


async def shown(world: GatewayWorld) -> tuple[bytes, list[bytes]]:
    """A copy of KZ's log as an honest mirror has it now."""
    size = await mirrored(world)
    folder = world.node("IOM").mirror / KZ_HASH
    raws = list(parse_entry_bundle((folder / f"tile/entries/000.p/{size}").read_bytes(), width=size))
    return world.gateways["KZ"].context.files.checkpoint() or b"", raws


async def test_a_mirror_that_has_not_what_it_shows_is_passed_over_and_named(world: GatewayWorld) -> None:
    honest = await shown(world)
    await world.stop("KZ")
    node = world.node("KZ")
    for broken in (None, [*honest[1][:-1], b"another"]):
        lose_state(node)
        world.network.change = showing(world, KZ_HASH, {"IOM": (honest[0], broken), "KG": honest})
        try:
            found = await recover_log(node, clock=world.clock, random=seeded("passed"), transport=world.network)
        finally:
            world.network.change = None
        assert (found.before, found.size) == (0, len(honest[1]))
        assert found.passed_over.keys() == {"IOM"}
    await world.start("KZ")


async def test_nothing_is_recovered_below_what_a_quorum_cosigned_but_to_cut_the_log_there(world: GatewayWorld) -> None:
    shorter = await shown(world)
    kz = world.gateways["KZ"].context
    await kz.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    longer = await shown(world)
    await world.stop("KZ")
    node = world.node("KZ")
    lose_state(node)
    world.network.change = showing(world, KZ_HASH, {"IOM": (longer[0], None), "KG": shorter})
    try:
        with pytest.raises(LogMirrorsShortError) as refused:
            await recover_log(node, clock=world.clock, random=seeded("short"), transport=world.network)
        facts = refused.value.facts
        assert (facts["expected"], facts["found"]) == (len(longer[1]), len(shorter[1]))
        assert str(facts["mirrors"]).startswith("IOM: ")
        cut = await recover_log(node, clock=world.clock, random=seeded("cut"), transport=world.network, to_cut=True)
        assert (cut.before, cut.size, cut.note) == (0, len(shorter[1]), shorter[0])
    finally:
        world.network.change = None
    whole = await recover_log(node, clock=world.clock, random=seeded("rest"), transport=world.network)
    assert whole.size == len(longer[1])
    await world.start("KZ")
    assert (await shown(world))[1][: whole.size] == longer[1]


async def test_a_log_that_is_no_beginning_of_its_mirror_is_left_alone(world: GatewayWorld) -> None:
    size = await mirrored(world)
    await world.stop("KZ")
    node = world.node("KZ")
    iom = world.gateways["IOM"].mirror.copy_of(world.bundle.trust.member("KZ").origin).files.folder
    bundle = iom / f"tile/entries/000.p/{size}"
    intact = bundle.read_bytes()
    await world.start("KZ")  # grows beyond the mirror, which is held back
    try:
        world.network.lost.add("/log/checkpoint")
        kz = world.gateways["KZ"].context
        await kz.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
        await world.stop("KZ")
        ahead = await recover_log(node, clock=world.clock, random=seeded("ahead"), transport=world.network)
        assert ahead.types == {}  # nothing is taken from a mirror that is behind
        lose_state(node)
        bundle.write_bytes(intact[:-2] + b"x}")
        with pytest.raises(LogNotInMirrorError):
            await recover_log(node, clock=world.clock, random=seeded("other"), transport=world.network)
        bundle.write_bytes(intact)
        whole = await recover_log(node, clock=world.clock, random=seeded("whole"), transport=world.network)
        assert (whole.before, whole.size) == (0, size)
    finally:
        world.network.lost.clear()


async def test_the_auditors_own_log_comes_back_from_a_member_whose_settings_mirror_it(world: GatewayWorld) -> None:
    for one, setting in (("KG", 'mirrors = ["IOM"]\n'), ("IOM", 'mirrored_by = ["KG"]\n')):
        await world.stop(one)
        settings = world.node(one).path / "node.toml"
        settings.write_text(settings.read_text(encoding="utf-8") + setting, encoding="utf-8")
        await world.start(one)
    iom = world.gateways["IOM"].context
    await until(lambda: covered(iom))
    size, member = iom.sequencer.log.size, world.bundle.trust.member("IOM")
    assert await world.gateways["KG"].mirror.refresh(member) == size
    with pytest.raises(NotFoundError):
        world.gateways["UZ"].mirror.by_hash(iom.sequencer.log.checkpoint.origin_hash)
    await world.stop("IOM")
    node = world.node("IOM")
    lose_state(node)
    whole = await recover_log(node, clock=world.clock, random=seeded("auditor"), transport=world.network)
    assert (whole.before, whole.size) == (0, size)


async def test_nothing_is_recovered_beside_a_running_gateway(world: GatewayWorld) -> None:
    with locked(world.node("KZ")), pytest.raises(NodeLockedError):
        log_commands.recover(call(world, "log recover"))
