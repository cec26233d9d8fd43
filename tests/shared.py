"""Where the vectors and data sets made by others lie: beside the project, read in place, never copied."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared(path: str) -> Path:
    """The file or folder under `shared/`; skips the test where it is absent, fails it in CI."""
    found = SHARED / path
    if found.exists():
        return found
    reason = f"needs ../shared/{path}, which is not beside this checkout"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
