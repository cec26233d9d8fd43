"""A log's writer as a process of its own: `python -m tests.stories.log_writer FOLDER ENTRIES…`, each number a group.

Prints `answered SIZE` when a group is answered, `refused CODE` when it is refused; a fatal error ends it as it ends a
gateway.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.signing.keys import Algorithm, SoftwareSigner
from exchange.signing.trust import RegistryRef
from nodes.adapters.own_log import OwnLog
from nodes.adapters.sequencer import LogDraft, Sequencer
from nodes.adapters.store import Store
from nodes.adapters.tile_files import TileFiles

ORIGIN = "kz.exchange.example/log"
SIGNER = SoftwareSigner.from_seed(Algorithm.ED25519, bytes(range(32)))
FATAL = 70
GROUP_MAX = 256


def written(draft: LogDraft) -> bytes:
    registry = RegistryRef(version=1, sha256=Digest("a" * 64))
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return format_entry(LogEntry(type=draft.type, at=at, node="KZ", registry=registry, salt=os.urandom(16)))


async def main(folder: Path, groups: Sequence[int]) -> None:
    store = Store(folder / "state.db")
    sequencer = Sequencer(
        member="KZ",
        store=store,
        log=OwnLog(origin=ORIGIN, signer=SIGNER, files=TileFiles(folder / "log")),
        write_entry=written,
        on_fatal=lambda _: os._exit(FATAL),
        group_max=GROUP_MAX,
    )
    sequencer.start()
    sequencer.gate.opened.set()
    for entries in groups:
        try:
            done = await sequencer.append(*[LogDraft(type=EntryType.HEARTBEAT)] * entries)
        except ExchangeError as refusal:
            os.write(1, f"refused {refusal.code}\n".encode())
        else:
            os.write(1, f"answered {done.entries[-1][0] + 1}\n".encode())
    await sequencer.stop()
    store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), [int(entries) for entries in sys.argv[2:]]))
