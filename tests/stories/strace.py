"""strace, by which faults are delivered at exactly one system call."""

import os
import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def strace() -> None:
    """It is there, and may trace a child."""
    program = shutil.which("strace")
    works = program is not None and subprocess.run([program, "-o", os.devnull, "true"], check=False).returncode == 0
    if not works:
        reason = "needs strace, and the right to trace a child"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
