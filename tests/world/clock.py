"""A clock that stands still until the test moves it."""

from datetime import UTC, datetime, timedelta

FOUNDED = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)


class StillClock:
    def __init__(self, at: datetime = FOUNDED) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def move(self, **delta: float) -> None:
        """`clock.move(days=8)`"""
        self.at += timedelta(**delta)
