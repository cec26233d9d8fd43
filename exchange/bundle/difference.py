"""What leaves against the last release: added, removed, changed, newly withheld, newly un-withheld cells.

For the officers of the publishing country only: it holds figures.
"""

from dataclasses import dataclass, field

from exchange.table import CellKey, Observation, SafeTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The keys by what happened to them, each sorted; a key stands in one list only.

    Attributes:
        added: Published now, and before zero or absent.
        removed: Published before, and zero or absent now.
        changed: Published both times, with another figure or status.
        newly_withheld: Withheld now and not before; a reader of both still knows the old figure.
        newly_unwithheld: Withheld before and not now: what was hidden is shown, so look twice.
    """

    added: tuple[CellKey, ...] = ()
    removed: tuple[CellKey, ...] = ()
    changed: tuple[CellKey, ...] = ()
    newly_withheld: tuple[CellKey, ...] = ()
    newly_unwithheld: tuple[CellKey, ...] = ()
    before: SafeTable | None = field(default=None, repr=False)
    after: SafeTable = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether the two releases say the same."""
        return not any((self.added, self.removed, self.changed, self.newly_withheld, self.newly_unwithheld))


def difference(previous: SafeTable | None, candidate: SafeTable) -> Difference:
    """Compare a candidate with the last release; without one, everything is added or newly withheld.

    Args:
        previous: The table of the last release, or None.
        candidate: The table that is to leave.
    """
    before = {} if previous is None else previous.rows
    found: dict[str, list[CellKey]] = {}
    for key in sorted(before.keys() | candidate.rows.keys()):
        happened = _happened(before.get(key), candidate.rows.get(key))
        if happened is not None:
            found.setdefault(happened, []).append(key)
    return Difference(**{name: tuple(keys) for name, keys in found.items()}, before=previous, after=candidate)


def _happened(old: Observation | None, new: Observation | None) -> str | None:
    """The list a key belongs in; an absent key is a published zero."""
    was_withheld, is_withheld = old is not None and old.withheld, new is not None and new.withheld
    if was_withheld != is_withheld:
        return "newly_withheld" if is_withheld else "newly_unwithheld"
    if old == new:
        return None
    if old is None:
        return "added"
    return "removed" if new is None else "changed"
