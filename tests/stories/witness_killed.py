"""A witness killed again and again as rivals ask it: `python -m tests.stories.witness_killed FOLDER KILLS SEED`.

Each round is a child process with the node's own writer and compare-and-store. Eight rival histories of one log, all
true to what was cosigned before, ask at the same moment; the child dies as its key is about to sign (between compare
and store), as it is about to answer (after the store), or at some other moment. Prints what was answered, and what the
store held after each death: `answered SIZE ROOT`, `stored SIZE ROOT`.
"""

import asyncio
import gc
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from exchange.errors.log import WitnessError
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.merkle import consistency_proof, leaf_hash
from exchange.log.note import SignatureKind, format_note, format_vkey
from exchange.log.tiles import Tile, format_tile_path, hash_reader
from exchange.log.tree import TreeState
from exchange.log.witness import AddCheckpoint
from exchange.signing.keys import Algorithm, PublicKey, SoftwareSigner
from exchange.signing.members import Member
from nodes.adapters.own_log import OwnLog
from nodes.adapters.sequencer import Sequencer
from nodes.adapters.store import Store
from nodes.adapters.tile_files import TileFiles
from nodes.gateway.witnessing import Witness
from tests.stories import log_writer
from tests.world.clock import StillClock
from tests.world.log_by_hand import vkey_of

if TYPE_CHECKING:
    from nodes.gateway.context import GatewayContext

RIVALS = 8
LOG = SoftwareSigner.from_seed(Algorithm.ED25519, b"\x01" * 32)
OWN = SoftwareSigner.from_seed(Algorithm.ED25519, b"\x02" * 32)
ORIGIN = "gb.exchange.example/log"
LOGS = [vkey_of(ORIGIN, LOG, SignatureKind.LOG)]
QUICK_S = 0.004


@dataclass
class History:
    """The tree that was cosigned so far, and its tiles."""

    state: TreeState
    tiles: dict[str, bytes]

    def grown(self, leaf: bytes) -> "History":
        state, files = self.state.append([leaf])
        return History(state, {**self.tiles, **dict(files)})

    def request(self, before: int) -> AddCheckpoint:
        """Ask to cosign this history by somebody who cosigned its beginning."""

        def tile(wanted: Tile) -> bytes:
            return self.tiles[format_tile_path(wanted)]

        size = self.state.size
        proof = consistency_proof(before, size, hash_reader(tile, size=size))
        checkpoint = Checkpoint(origin=ORIGIN, size=size, root=self.state.root())
        return AddCheckpoint(
            old_size=before, proof=tuple(proof), note=format_note(sign_checkpoint(checkpoint, signer=LOG))
        )


class DyingSigner:
    """The witness's key; the process dies as it is asked for its `last`th signature."""

    def __init__(self, last: int) -> None:
        self._left = last

    @property
    def public(self) -> PublicKey:
        return OWN.public

    def sign(self, message: bytes) -> bytes:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return OWN.sign(message)


@dataclass
class OneLog:
    """A registry that knows the log's operator and nobody else."""

    members: dict[str, Member]

    def current(self) -> "OneLog":
        return self


@dataclass
class Parts:
    """What `Witness` uses of a gateway."""

    sequencer: Sequencer
    store: Store
    witness: DyingSigner
    clock: StillClock
    split_views: set[str]
    trust: OneLog
    witness_name: str = "kz.exchange.example/witness"


REGISTRY = OneLog({"GB": Member(id="GB", kind="state", name={}, issuer="", log_vkey=format_vkey(LOGS[0]), keys=())})


async def child(folder: Path, store: Store, asked: Sequence[AddCheckpoint], *, last: int, answers: int) -> None:
    """Cosign what may be cosigned; die at the signature or the answer that is named, or when told from outside."""
    sequencer = Sequencer(
        member="KZ",
        store=store,
        log=OwnLog(origin=log_writer.ORIGIN, signer=log_writer.SIGNER, files=TileFiles(folder / "log")),
        write_entry=log_writer.written,
        on_fatal=lambda _: os._exit(log_writer.FATAL),
        group_max=1 + os.getpid() % RIVALS,  # in one transaction, or in several
    )
    sequencer.start()
    parts = Parts(sequencer, store, DyingSigner(last), StillClock(datetime(2026, 11, 1, tzinfo=UTC)), set(), REGISTRY)
    witness = Witness(cast("GatewayContext", parts))
    left = answers

    async def ask(request: AddCheckpoint) -> None:
        nonlocal left
        with suppress(WitnessError):
            await witness.cosign(request, LOGS)
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            checkpoint = request.checkpoint
            os.write(1, f"answered {checkpoint.size} {checkpoint.root.hex()}\n".encode())

    await asyncio.gather(*(ask(request) for request in asked))
    await sequencer.stop()


def stored(folder: Path) -> tuple[int, bytes]:
    """What the witness cosigned last, as it lies on the disk."""
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        row = connection.execute("SELECT size, root FROM witnessed").fetchone()
        return (0, b"") if row is None else (int(row[0]), bytes(row[1]))


def show(size: int, root: bytes) -> None:
    os.write(1, f"stored {size} {root.hex()}\n".encode())


def died(work: Callable[[], Any], kill_after_s: float | None) -> bool:
    """Run this in a process of its own, perhaps killed after a while; whether it was killed."""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def main(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)  # chooses where to die, the same in every run
    store = Store(folder / "state.db")
    cosigned = History(TreeState(), {}).grown(leaf_hash(b"the first"))
    # Once in this process, so that what is compiled on first use is there in every child.
    asyncio.run(child(folder, store, [cosigned.request(0)], last=0, answers=0))
    gc.freeze()
    show(*stored(folder))
    while kills:
        size = cosigned.state.size
        rivals = [cosigned.grown(leaf_hash(b"%d of round %d" % (rival, kills))) for rival in range(RIVALS)]
        asked = [rival.request(size) for rival in rivals]
        moment = chance.choice(("compared", "compared", "second", "answering", "sometime"))
        last = {"compared": 1, "second": 2}.get(moment, 0)
        kill_after_s = chance.uniform(0, QUICK_S) if moment == "sometime" else None
        answers = 1 if moment == "answering" else 0
        work = lambda: asyncio.run(child(folder, store, asked, last=last, answers=answers))  # noqa: B023, E731
        kills -= died(work, kill_after_s)
        now, root = stored(folder)
        show(now, root)
        if now != size:
            cosigned = next(rival for rival in rivals if (rival.state.size, rival.state.root()) == (now, root))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
