"""Two federations serve all stories, one to read and one to harm: founding each takes a while.

Where stories run side by side (`-n 2 --dist loadgroup`), all that share a federation, or a file, run in one process.
"""

import pytest

from tests.stories.faulty import faulty, founded
from tests.stories.federation import federation
from tests.stories.strace import strace

__all__ = ["faulty", "federation", "founded", "strace"]

SHARED = ("federation", "founded")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("story") is None:
            continue
        asked = getattr(item, "fixturenames", ())
        shared = next((name for name in SHARED if name in asked), item.path.stem)
        item.add_marker(pytest.mark.xdist_group(shared))
