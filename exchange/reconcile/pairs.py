"""Both sides of every pull beside each other: what four entries in two logs say under one pull id."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from exchange.encoding import Digest
from exchange.log.entry import EntryType
from exchange.reconcile.model import LoggedEntry, LogView

INCOMPLETE = "incomplete"
"""The code of a `bundle.rejected` for a delivery that broke off (DESIGN.md §8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One pull between two members; each entry may be missing.

    Attributes:
        served: `pull.served` in the publisher's log.
        taken: `bundle.received` or `bundle.rejected` in the puller's log.
        given: `receipt.given` in the puller's log.
        got: `receipt.got` in the publisher's log.
        acknowledged: Each further `receipt.given` and `receipt.got`: a withdrawal's acknowledgement has the pull id of
            the pull that it is about.
        doubled: This is the second `served` or `taken` of one log under this pull id.
    """

    pull: Digest
    publisher: str
    puller: str
    served: LoggedEntry | None = None
    taken: LoggedEntry | None = None
    given: LoggedEntry | None = None
    got: LoggedEntry | None = None
    acknowledged: tuple[LoggedEntry, ...] = ()
    doubled: bool = False

    @property
    def first(self) -> LoggedEntry:
        """The entry that says most about it: the publisher's before the puller's."""
        found = self.served or self.taken or self.given or self.got
        assert found is not None
        return found

    @property
    def bundle(self) -> Digest:
        """The bundle it is about, as the first entry names it."""
        return bundle_of(self.first)

    @property
    def rejection(self) -> str | None:
        """The code under which the puller refused what it got; None if it accepted, or logged nothing."""
        if self.taken is None or self.taken.entry.type is not EntryType.BUNDLE_REJECTED:
            return None
        return self.taken.entry.code or "unnamed"

    @property
    def broken_off(self) -> bool:
        """Whether the puller says that the delivery broke off."""
        return self.rejection == INCOMPLETE


_SLOTS: dict[EntryType, tuple[str, bool]] = {
    EntryType.PULL_SERVED: ("served", True),
    EntryType.RECEIPT_GOT: ("got", True),
    EntryType.BUNDLE_RECEIVED: ("taken", False),
    EntryType.BUNDLE_REJECTED: ("taken", False),
    EntryType.RECEIPT_GIVEN: ("given", False),
}
"""Which of a pair's four places an entry takes, and whether the log it stands in is the publisher's."""


def pair(logs: Mapping[str, LogView]) -> tuple[Pair, ...]:
    """Pair all entries by publisher, puller and pull id, oldest first.

    A second entry for a place already taken makes a pair of its own: nothing may vanish behind a duplicate. Only
    receipts may be several: the first answers the pull, each further one a withdrawal.
    """
    places: dict[tuple[str, str, str], dict[str, LoggedEntry]] = {}
    further: dict[tuple[str, str, str], list[LoggedEntry]] = {}
    doubles: list[Pair] = []
    for place, publisher, puller, logged in _placed(logs.values()):
        pull = logged.entry.pull
        assert pull is not None
        identity = (publisher, puller, pull.hex)
        taken = places.setdefault(identity, {})
        if place not in taken:
            taken[place] = logged
        elif place in {"served", "taken"}:
            doubles.append(_pair(identity, {place: logged}, (), doubled=True))
        else:
            further.setdefault(identity, []).append(logged)
    pairs = [_pair(identity, found, further.get(identity, ())) for identity, found in places.items()]
    return tuple(sorted([*pairs, *doubles], key=lambda one: (one.first.entry.at, one.pull.hex)))


def bundle_of(logged: LoggedEntry) -> Digest:
    """The bundle an entry about a pull names; the entry's schema requires one."""
    assert logged.entry.bundle is not None
    return logged.entry.bundle


def _placed(views: Iterable[LogView]) -> Iterator[tuple[str, str, str, LoggedEntry]]:
    for view in views:
        for logged in view.of(*_SLOTS):
            place, publishes = _SLOTS[logged.entry.type]
            other = logged.entry.counterpart
            assert other is not None  # the entry's schema requires it
            yield (place, view.member, other, logged) if publishes else (place, other, view.member, logged)


def _pair(
    identity: tuple[str, str, str],
    found: Mapping[str, LoggedEntry],
    further: Iterable[LoggedEntry],
    *,
    doubled: bool = False,
) -> Pair:
    publisher, puller, pull = identity
    return Pair(
        pull=Digest(pull),
        publisher=publisher,
        puller=puller,
        served=found.get("served"),
        taken=found.get("taken"),
        given=found.get("given"),
        got=found.get("got"),
        acknowledged=tuple(further),
        doubled=doubled,
    )
