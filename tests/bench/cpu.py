"""CPU time: of running processes as the kernel counts it, and of single steps measured alone."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from exchange.encoding import Digest
from exchange.signing.keys import Algorithm, SoftwareSigner

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CHUNK, _CHUNKS = 10, 60
_MESSAGE = b"." * 600  # about as long as a proof's or a receipt's signing input


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of one process: its main thread, which runs the event loop, and all its others."""

    loop_s: float
    others_s: float

    def since(self, before: "Spent") -> "Spent":
        """What was spent between two readings."""
        return Spent(self.loop_s - before.loop_s, self.others_s - before.others_s)

    @property
    def all_s(self) -> float:
        """Of all its threads."""
        return self.loop_s + self.others_s


def spent(pid: int) -> Spent:
    """What a process has spent so far, ended threads included."""
    loop = _seconds(Path(f"/proc/{pid}/task/{pid}/stat"))
    return Spent(loop, _seconds(Path(f"/proc/{pid}/stat")) - loop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Milliseconds of CPU that single steps take here, measured alone: the quietest of many tries."""

    verify_ms: float
    sign_ms: float
    read_ms: float  # the stored bundle, read and hashed


def steps(stored: Path) -> Steps:
    """Measure the steps that no pull can do without."""
    signer = SoftwareSigner.from_seed(Algorithm.ED25519, bytes(32))
    signature = signer.sign(_MESSAGE)
    return Steps(
        verify_ms=_alone_ms(lambda: signer.public.verify(_MESSAGE, signature)),
        sign_ms=_alone_ms(lambda: signer.sign(_MESSAGE)),
        read_ms=_alone_ms(lambda: Digest.of(stored.read_bytes())),
    )


def _alone_ms(step: Callable[[], object]) -> float:
    def chunk() -> float:
        began = time.thread_time()
        for _ in range(_CHUNK):
            step()
        return (time.thread_time() - began) / _CHUNK

    return min(chunk() for _ in range(_CHUNKS)) * 1000


def _seconds(stat: Path) -> float:
    """utime and stime, proc_pid_stat(5) fields 14 and 15; the name in brackets may hold blanks."""
    fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
