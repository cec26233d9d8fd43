"""What a process holds in memory stays there: no core dump, and no reading by other processes of the same account."""

import ctypes
import resource
import sys

PR_SET_DUMPABLE = 4
"""prctl(2)."""


def keep_memory_closed() -> None:
    """Forbid core dumps for this process and what it starts; keys and figures lie in its memory.

    RLIMIT_CORE alone does not stop a dump that the kernel pipes to a program (core(5)), so on Linux the process is made
    undumpable too, which also closes /proc/PID/mem to others.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
