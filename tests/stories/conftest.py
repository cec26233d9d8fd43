"""One federation serves all stories: founding it takes a minute."""

from tests.stories.federation import federation

__all__ = ["federation"]
