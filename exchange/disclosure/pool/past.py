"""What earlier releases say of each cell of one that is being made: what its suppression must start from."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cached_property

from exchange.disclosure.pool.released import Pool, mirror_ratios, mirrored_key, related
from exchange.disclosure.pool.sources import Source, names_in
from exchange.table import CellKey, Released


class Past:
    """Everything released before about the cells of one release, whichever contract or vintage it was in.

    Args:
        asked: The release that is being made; of its table only provider and period count.
        pool: The ledger.
    """

    def __init__(self, asked: Released, pool: Pool) -> None:
        self._asked, self._release = Source.of(asked), asked
        self._mirrors = [(mirror, Source.of(mirror)) for mirror in pool.mirrors]
        earlier = related(asked, pool.releases)
        self._sources = [Source.of(release) for release in earlier if release.table.period == asked.table.period]
        self._sources += [Source.outside(known) for known in pool.outside if known.period == asked.table.period]

    def withheld(self) -> frozenset[CellKey]:
        """Every key that was ever withheld: to publish it now would show it, unless it surely changed since."""
        return frozenset(
            key
            for source in self._sources
            for hidden in source.hidden
            if (key := self._asked.key_of(source.names[hidden])) is not None
        )

    def keys(self) -> frozenset[CellKey]:
        """Every key that ever had a row."""
        return frozenset(self._shown)

    def unchanged(self, key: CellKey, value: int) -> bool:
        """Whether this figure was already released for this key: withholding it now hides nothing.

        The counterpart's figure of the same flow counts, where ours is as near to it as the contract expects.
        """
        return value in self._figures(key) or any(
            least * theirs <= value <= most * theirs for theirs, least, most in self._mirrored(key)
        )

    def small_difference(self, key: CellKey, value: int, *, contributors_min: int) -> bool:
        """Whether the figure differs from a released one by fewer than the minimum, but differs."""
        return any(0 < abs(value - old) < contributors_min for old in self._figures(key))

    def _mirrored(self, key: CellKey) -> Iterator[tuple[int, Fraction, Fraction]]:
        """What counterparts show of this flow, and between which multiples of it ours is expected."""
        for mirror, source in self._mirrors:
            there = mirrored_key(self._release, key, mirror)
            figure = None if there is None else source.figure(there)
            if figure is not None:
                yield figure, *mirror_ratios(self._release.contract)

    def _figures(self, key: CellKey) -> Iterable[int]:
        return self._shown.get(key, self._zeros(key))

    def _zeros(self, key: CellKey) -> tuple[int, ...]:
        """A key that never had a row is a published zero wherever it was listed."""
        return (0,) if any(self._listed(source, key) for source in self._sources) else ()

    def _listed(self, source: Source, key: CellKey) -> bool:
        return source.key_of(self._asked.name_of(key)) is not None

    @cached_property
    def _shown(self) -> dict[CellKey, tuple[int, ...]]:
        found: dict[CellKey, tuple[int, ...]] = {}
        for name in names_in(self._sources):
            key = self._asked.key_of(name)
            if key is not None:
                there = [(source, source.key_of(name)) for source in self._sources]
                figures = [source.figure(other) for source, other in there if other is not None]
                found[key] = tuple(figure for figure in figures if figure is not None)
        return found
