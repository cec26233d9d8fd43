"""Two federations serve all stories, one to read and one to harm: founding each takes a while."""

from tests.stories.faulty import faulty, founded
from tests.stories.federation import federation
from tests.stories.strace import strace

__all__ = ["faulty", "federation", "founded", "strace"]
