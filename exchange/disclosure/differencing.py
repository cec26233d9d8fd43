"""Earlier vintages of the same release: what was withheld stays so, and the difference must itself be safe.

A revision is what was released before plus a delta, so whoever holds both has the delta.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exchange.contract.model import DataContract
from exchange.disclosure.exposure import Exposed, findings
from exchange.disclosure.protection import Requirement, floor
from exchange.disclosure.relations import System
from exchange.errors.disclosure import ForeignReleaseError
from exchange.pattern import Relation, relations
from exchange.table import AggregateTable, CellKey, SafeTable

EARLIER = "\x00earlier"
"""Set before the key of a cell as an earlier vintage showed it: no code contains it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorReleases:
    """What was released before under the same identity, oldest first; empty for a first release."""

    vintages: tuple[SafeTable, ...] = field(default=(), repr=False)

    def require_same_identity(self, table: AggregateTable) -> None:
        """Refuse vintages of another statistic.

        Raises:
            ForeignReleaseError: Names what was found.
        """
        for vintage in self.vintages:
            found = (vintage.provider, vintage.contract_id, vintage.period)
            if found != (table.provider, table.contract_id, table.period):
                raise ForeignReleaseError(contract=table.contract_id, period=table.period, found=" ".join(found))

    def withheld(self) -> frozenset[CellKey]:
        """Every key that was ever withheld: it stays withheld."""
        return frozenset().union(*(vintage.withheld_keys() for vintage in self.vintages))

    def keys(self) -> frozenset[CellKey]:
        """Every key that ever had a row."""
        return frozenset().union(*(vintage.rows.keys() for vintage in self.vintages))

    def unchanged(self, key: CellKey, value: int) -> bool:
        """Whether this figure was already released for this key: withholding it now hides nothing."""
        return any(_shown(vintage, key) == value for vintage in self.vintages)

    def small_difference(self, key: CellKey, value: int, *, contributors_min: int) -> bool:
        """Whether the figure differs from a released one by fewer than the minimum, but differs."""
        shown = [_shown(vintage, key) for vintage in self.vintages]
        return any(old is not None and 0 < abs(value - old) < contributors_min for old in shown)

    def findings(
        self, safe: SafeTable, contract: DataContract, required: Mapping[CellKey, Requirement]
    ) -> list[Exposed]:
        """What an attacker who holds an earlier vintage as well can compute too closely.

        This attacker presumes that a withheld cell did not change, so that both vintages speak of one number, unless a
        sum says that something in it did.
        """
        found: list[Exposed] = []
        for vintage in self.vintages:
            found += _joint_findings(safe, vintage, contract, required)
        return found


def _joint_findings(
    safe: SafeTable, vintage: SafeTable, contract: DataContract, required: Mapping[CellKey, Requirement]
) -> list[Exposed]:
    now = relations(contract, safe.rows.keys())
    before = relations(contract, vintage.rows.keys())
    hidden = vintage.withheld_keys()
    shared = hidden - _surely_changed(contract, safe, vintage)

    def name(key: CellKey) -> CellKey:
        return key if key in shared else (EARLIER, *key)

    renamed = [Relation(tuple((name(key), factor) for key, factor in r.terms), r.exact) for r in before]
    published = {key: row.value for key, row in safe.rows.items() if row.value is not None}
    published |= {name(key): row.value for key, row in vintage.rows.items() if row.value is not None}
    needs = {**{name(key): floor(contract) for key in hidden}, **required}
    keys = sorted({*safe.rows, *(name(key) for key in vintage.rows)})
    system = System.of(keys, [*now, *renamed])
    return [_named(finding) for finding in findings(system, published, needs, progress=lambda _: None)]


def _surely_changed(contract: DataContract, safe: SafeTable, vintage: SafeTable) -> set[CellKey]:
    """The cells of the sums whose published part changed, with nothing newly withheld that could make up for it."""
    found: set[CellKey] = set()
    for relation in relations(contract, safe.rows.keys() | vintage.rows.keys()):
        change = 0
        for key, factor in relation.terms:
            old, new = _shown(vintage, key), _shown(safe, key)
            if old is not None and new is None:
                break
            change += factor * (new - old) if old is not None and new is not None else 0
        else:
            found |= {key for key, _ in relation.terms if change and relation.exact}
    return found


def _shown(table: SafeTable, key: CellKey) -> int | None:
    """The figure that the table shows; an absent key is a published zero."""
    row = table.rows.get(key)
    return 0 if row is None else row.value


def _named(finding: Exposed) -> Exposed:
    key = finding.key[1:] if finding.key[0] == EARLIER else finding.key
    return Exposed(key, finding.reason)
