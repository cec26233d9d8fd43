"""Both sides' releases for the corridors' pages: read and verified anew once anything that they rest on changes."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from exchange.contract.model import DataContract
from exchange.mirror import Comparison, Expectation
from exchange.mirror.entries import Breakdown, Corridor
from nodes.desk.cases import Desk
from nodes.desk.mirror_reports import Mirrored, mirrored

_Name = tuple[Corridor, Breakdown, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was read of one contract's mirror, with the expectations that were worked out so far."""

    mirrored: Mirrored
    _expected: dict[_Name, Expectation | None] = field(default_factory=dict, repr=False)

    def expectations(self, chosen: Sequence[Comparison]) -> list[Expectation | None]:
        """What earlier periods let expect of each; the models of a period are learnt once."""
        new = [one for one in chosen if _name(one) not in self._expected]
        for one, expected in zip(new, self.mirrored.expectations(new), strict=True):
            self._expected[_name(one)] = expected
        return [self._expected[_name(one)] for one in chosen]


class MirrorReading:
    """The mirrors of one desk's contracts, kept until a file, a contract or the registry is another."""

    def __init__(self) -> None:
        self._kept: dict[str, Judged | DataContract] = {}
        self._stamp: object = None
        self._reading = threading.Lock()

    def find(self, desk: Desk, asked: str) -> Judged | DataContract:
        """As `mirrored`, with the same refusals."""
        stamp = (desk.trust.ref, desk.shelf, _files(desk))
        with self._reading:
            if self._stamp != stamp:
                self._kept, self._stamp = {}, stamp
            if asked not in self._kept:
                found = mirrored(desk, asked)
                self._kept[asked] = Judged(found) if isinstance(found, Mirrored) else found
            return self._kept[asked]


def _name(one: Comparison) -> _Name:
    return (one.entry.corridor, one.entry.breakdown, one.entry.period)


def _files(desk: Desk) -> tuple[tuple[str, int, int], ...]:
    """Names, times and sizes of all that is read: bundles, withdrawals, the own ledger and the desk's database."""
    database = [desk.store_file, desk.store_file.with_name(f"{desk.store_file.name}-wal")]
    found = [*database, *desk.node.pulled.rglob("*"), *desk.ledger.rglob("*")]
    there = [(path, path.stat()) for path in sorted(found) if path.exists()]
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in there)
