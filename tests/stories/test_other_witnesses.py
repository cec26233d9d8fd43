"""Our log is cosigned by a witness that nobody here wrote, and our witness cosigns a log that another program grows."""

import asyncio
import hashlib
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from exchange.log.entry import EntryType
from exchange.log.note import SignatureKind, VerifierKey, format_vkey, parse_vkey
from exchange.log.policy import WitnessPolicy
from exchange.log.tiles import parse_entry_bundle
from exchange.signing.keys import KeyPurpose
from nodes.adapters.clock import SystemClock
from nodes.adapters.cosigner import Cosigner
from nodes.adapters.own_log import OwnLog
from nodes.adapters.sequencer import LogDraft, Sequencer
from nodes.adapters.store import Store
from nodes.adapters.tile_files import TileFiles
from nodes.adapters.witness_calls import HttpWitnesses, Witness, WitnessPlan
from tests.stories import log_writer
from tests.stories.federation import ROOT
from tests.world.gateways import GatewayWorld, gateway_world, until
from tests.world.log_by_hand import vkey_of

pytestmark = pytest.mark.story

AICS = ROOT / ".venv-interop" / "aics" / "bin"
FEEDER = ROOT / "tests" / "interop" / "feed_witness.py"
NAME = "witness.example.org/w1"
WAIT_S = 30.0


@pytest.fixture(autouse=True)
def _aics() -> None:
    if not (AICS / "aics-witness").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("needs the environment of other readers")
        pytest.skip("`make test` makes the environment of other readers: make .venv-interop/.installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- their witness, our log ----------------------------------------------------------------------------------------


@contextmanager
def their_witness(folder: Path) -> Iterator[Witness]:
    """PyPI's aics-witness as a process, told of our log's key and nothing else."""
    config, port = folder / "witness.json", free_port()

    def command(*words: str) -> str:
        done = subprocess.run(
            [AICS / "aics-witness", *words, "--config", str(config)], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    command("init", "--name", NAME, "--prefix", "/witness", "--listen", f"127.0.0.1:{port}")
    vkey = parse_vkey(command("init").splitlines()[-1].split()[-1], kind=SignatureKind.COSIGNATURE)
    log = vkey_of(log_writer.ORIGIN, log_writer.SIGNER, SignatureKind.LOG)
    command("add-log", "--origin", log_writer.ORIGIN, "--vkey", format_vkey(log))
    serving = subprocess.Popen(
        [AICS / "aics-witness", "serve", "--config", str(config), "--log-level", "ERROR"], stderr=subprocess.DEVNULL
    )
    try:
        yield Witness(name="theirs", vkey=vkey, issuer=f"http://127.0.0.1:{port}")
    finally:
        serving.terminate()
        serving.wait(timeout=WAIT_S)


@asynccontextmanager
async def our_log(folder: Path, witness: Witness) -> AsyncIterator[tuple[Sequencer, Cosigner]]:
    """A log whose quorum is their witness alone."""
    log: VerifierKey = vkey_of(log_writer.ORIGIN, log_writer.SIGNER, SignatureKind.LOG)
    policy = WitnessPolicy(logs=(log,), witnesses={witness.name: witness.vkey}, quorum=witness.name)
    store, files = Store(folder / "state.db"), TileFiles(folder / "log")
    sequencer = Sequencer(
        member="KZ",
        store=store,
        log=OwnLog(origin=log_writer.ORIGIN, signer=log_writer.SIGNER, files=files),
        write_entry=log_writer.written,
        on_fatal=lambda _: None,
        group_max=256,
    )
    async with httpx.AsyncClient() as client:
        cosigner = Cosigner(
            origin=log_writer.ORIGIN,
            signer=log_writer.SIGNER,
            plan=lambda: WitnessPlan(policy=policy, witnesses=(witness,)),
            calls=HttpWitnesses(client),
            sequencer=sequencer,
            store=store,
            files=files,
            clock=SystemClock(),
            interval_s=0,
            retry_s=0.1,
        )
        sequencer.start()
        cosigning = asyncio.create_task(cosigner.keep_cosigning())
        try:
            yield sequencer, cosigner
        finally:
            cosigning.cancel()
            await cosigner.stop()
            await sequencer.stop()
            store.close()


async def test_another_programs_witness_cosigns_our_log_as_it_grows_and_stops_a_restored_backup(
    tmp_path: Path,
) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "older").mkdir()
    with their_witness(tmp_path) as witness:
        async with asyncio.timeout(WAIT_S), our_log(tmp_path / "node", witness) as (sequencer, cosigner):
            for entries in (1, 254, 1, 1, 300):
                done = await sequencer.append(*[LogDraft(type=EntryType.HEARTBEAT)] * entries)
                last = done.entries[-1][0]
                cosigned = await cosigner.covered_at_last(last)
                assert (cosigned.checkpoint.size, cosigned.checkpoint.witnesses) == (last + 1, (witness.name,))
        # A backup from before the first entry: the witness knows more, and the log signs nothing.
        async with asyncio.timeout(WAIT_S), our_log(tmp_path / "older", witness) as (sequencer, _):
            await until(lambda: sequencer.gate.halted)
            assert sequencer.gate.refusal is not None
            assert sequencer.gate.refusal.facts["known"] == 557


# --- our witness, their log ----------------------------------------------------------------------------------------


@asynccontextmanager
async def listening(world: GatewayWorld, member: str) -> AsyncIterator[str]:
    """This gateway on a port of this machine; the others are in memory."""
    port = free_port()
    config = uvicorn.Config(world.gateways[member].app, port=port, lifespan="off", log_level="error", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


async def test_our_witness_cosigns_a_log_that_another_program_grows_and_refuses_its_forks(tmp_path: Path) -> None:
    async with gateway_world(tmp_path / "federation", published=False) as world:
        gb = world.gateways["GB"].context
        await until(lambda: gb.cosigner.cosigned is not None)
        size = gb.sequencer.log.size
        bundle = (gb.files.folder / f"tile/entries/000.p/{size}").read_bytes()
        await world.stop("GB")  # from here on the other program is GB's log
        (tmp_path / "entries").write_text("\n".join(entry.hex() for entry in parse_entry_bundle(bundle, width=size)))
        (tmp_path / "vkey").write_text(format_vkey(witness_of(world, "KZ")))
        seed = world.bundle.federation.signer("GB", KeyPurpose.LOG).seed
        async with listening(world, "KZ") as url:
            feeding = await asyncio.create_subprocess_exec(
                AICS / "python", FEEDER, f"{url}/witness", tmp_path / "vkey", "gb.exchange.example/log", seed.hex(),
                tmp_path / "entries", *map(str, (size, 255, 256, 257, 1000, 1000, 999, 1001)),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            out, err = await asyncio.wait_for(feeding.communicate(), WAIT_S)
            async with httpx.AsyncClient() as monitor:
                digest = hashlib.sha256(b"gb.exchange.example/log").hexdigest()
                shown = await monitor.get(f"{url}/witness/{digest}/checkpoint")
    assert out.decode().splitlines() == [
        f"cosigned {size}",
        "cosigned 255",
        "cosigned 256",
        "cosigned 257",
        "cosigned 1000",
        "422 1000",  # the same size with another root
        "ahead 999",
        "cosigned 1001",
    ], err.decode()
    assert shown.text.splitlines()[1] == "1001"


def witness_of(world: GatewayWorld, member: str) -> VerifierKey:
    (listed,) = [key for key in world.bundle.trust.member(member).keys if key.purpose is KeyPurpose.WITNESS]
    return parse_vkey(listed.vkey or "", kind=SignatureKind.COSIGNATURE)
