"""One extract under two contracts' codes: what tells how releases hang together whose boundaries moved.

Preparation maps the same rows under the candidate's code lists and under those of an earlier version, and counts the
contributors of each group of rows that the same cells of both count. That is the truth of an earlier release only if it
was built from the same extract, so it is believed only where all that the release shows is what the extract gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from exchange.contract.model import DataContract
from exchange.disclosure.pool.released import Pool, related
from exchange.disclosure.pool.sources import PoolKey
from exchange.errors.disclosure import RecodedExtractError
from exchange.table import AggregateTable, CellKey, Released


@dataclass(frozen=True, slots=True)
class RecordGroup:
    """Rows that the same cells count.

    Attributes:
        now: Those of the candidate's contract, margins included, shown or not.
        then: Those of the earlier contract.
        contributors: How many distinct ones; each is in one group only.
    """

    now: frozenset[CellKey]
    then: frozenset[CellKey]
    contributors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recoded:
    """The extract of a candidate as an earlier contract counts it.

    Attributes:
        contract: The earlier one.
        table: Every non-empty cell of it.
        groups: Every row of the extract, in one of them.
    """

    contract: DataContract
    table: AggregateTable = field(repr=False)
    groups: tuple[RecordGroup, ...] = field(repr=False)

    def joined(self, asked: Released, pool: Pool) -> tuple[Pool, Sequence[tuple[frozenset[PoolKey], int]]]:
        """The pool with what this extract tells of earlier releases, and the records of all of them.

        Raises:
            RecodedExtractError: The newest of them shows something else: it was built from another extract.
        """
        known = self.releases(asked, pool)
        return self.telling(pool, known), self.records(asked, known)

    def releases(self, asked: Released, pool: Pool) -> tuple[Released, ...]:
        """The releases of the earlier contract that this extract gives.

        Raises:
            RecodedExtractError: The newest of them shows something else: it was built from another extract.
        """
        period = asked.table.period
        found = [
            release
            for release in related(asked, pool.releases)
            if release.contract.digest == self.contract.digest and release.table.period == period
        ]
        agreeing = tuple(release for release in found if not self._differing(release))
        newest = max(found, key=lambda release: release.revision, default=None)
        if newest is not None and newest not in agreeing:
            raise RecodedExtractError(
                contract=asked.contract.id, period=period, release=newest.name, cells=self._differing(newest)
            )
        return agreeing

    def records(self, asked: Released, releases: Sequence[Released]) -> list[tuple[frozenset[PoolKey], int]]:
        """Every group, as the cells of the candidate and of these releases that count it."""
        return [
            (
                frozenset((asked.name, *key) for key in group.now).union(
                    (release.name, *key) for release in releases for key in group.then
                ),
                group.contributors,
            )
            for group in self.groups
        ]

    def telling(self, pool: Pool, releases: Sequence[Released]) -> Pool:
        """The pool with the true figures of what these releases hide."""
        cells = self.table.cells
        truths = {
            (release.name, *key): cells[key].value if key in cells else 0
            for release in releases
            for key in release.hidden() | release.excluded
        }
        return replace(pool, truths={**pool.truths, **truths})

    def _differing(self, release: Released) -> int:
        """How many cells the release shows, or says to be empty, that the extract gives another figure for."""
        rows = release.table.rows
        given = {key: cell.value for key, cell in self.table.cells.items()}
        shown = {key: row.value for key, row in rows.items() if row.value is not None}
        absent = given.keys() - rows.keys() - release.excluded
        return sum(figure != given.get(key, 0) for key, figure in shown.items()) + sum(bool(given[k]) for k in absent)
