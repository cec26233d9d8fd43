"""What was ever released, as the disclosure ledger tells it: the past that every candidate is audited with.

A release is known for ever: superseded and withdrawn ones, and those that still wait, count like any other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from exchange.contract.model import DataContract
from exchange.contract.statistic import COUNTERPART, DIRECTION, related_periods, subject
from exchange.table import CellKey, Released

_OTHER_SIDE = {"IN": "OUT", "OUT": "IN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Public statistics of somebody else, taken to be about the same figures.

    Attributes:
        source: Who published them, and where.
        cells: In units of 10^-decimals, under the contract's keys.
    """

    source: str
    contract: DataContract
    period: str
    cells: Mapping[CellKey, int] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Everything that a candidate is audited with.

    Attributes:
        releases: This member's own, from its ledger.
        mirrors: The counterparts' releases of the other side of the same flow.
        outside: Imported public statistics.
        truths: True figures of hidden cells of earlier releases, by release and key, where their records are still at
            hand: what somebody would presume of them wrongly is not presumed.
    """

    releases: tuple[Released, ...] = ()
    mirrors: tuple[Released, ...] = ()
    outside: tuple[Outside, ...] = ()
    truths: Mapping[tuple[str, ...], int] = field(default_factory=dict, repr=False)

    def speaks_of(self, asked: Released) -> bool:
        """Whether anything here can be related to a release of this period; without rows of its own yet."""
        theirs = {*(mirror.table.period for mirror in self.mirrors), *(known.period for known in self.outside)}
        return asked.table.period in theirs or bool(related(asked, self.releases))


def related(candidate: Released, releases: Iterable[Released]) -> tuple[Released, ...]:
    """The releases that can say something of this one: same provider and subject, periods that contain each other.

    Other periods, linked only through a whole that was released too, come with that whole. Releases for different
    circles, where cells are excluded, are pooled only as far as somebody holds both: beyond that the contract bars it.
    """
    others = [
        release
        for release in releases
        if release.table.provider == candidate.table.provider
        and subject(release.contract) == subject(candidate.contract)
        and _may_be_pooled(candidate, release)
    ]
    periods = related_periods(candidate.table.period, {other.table.period for other in others})
    found = [other for other in others if other.table.period in periods]
    return tuple(sorted(found, key=lambda r: (r.table.period, r.contract.id, r.contract.version, r.revision, r.name)))


def mirror_key(contract: DataContract, key: CellKey, *, provider: str, counterpart: str) -> CellKey | None:
    """The key under which the counterpart reports the same flow; None if it has none.

    A's departures to B are B's arrivals from A. A cell within a part of the provider's own country has no other side.
    """
    found = []
    places = {dimension.id: place for place, dimension in enumerate(contract.dimensions)}
    if DIRECTION not in places or COUNTERPART not in places or key[places[COUNTERPART]] != counterpart:
        return None
    for dimension, code in zip(contract.dimensions, key, strict=True):
        if dimension.id == DIRECTION:
            if code not in _OTHER_SIDE:
                return None
            found.append(_OTHER_SIDE[code])
        elif dimension.id == COUNTERPART:
            found.append(provider)
        elif dimension.scope is not None and code != "_T":
            return None
        else:
            found.append(code)
    return tuple(found)


def mirrored(release: Released, other: Released) -> dict[CellKey, CellKey]:
    """By key of the release, the key of the same flow in the other's; empty unless the contract says they are one."""
    found = {key: mirrored_key(release, key, other) for key in release.table.rows}
    return {key: there for key, there in found.items() if there is not None}


def mirrored_key(release: Released, key: CellKey, other: Released) -> CellKey | None:
    """Where the counterpart's release speaks of the same flow as this key; None where it does not."""
    mirror = release.contract.mirror
    if mirror is None or not mirror.exact_concept or other.table.period != release.table.period:
        return None
    if (other.contract.id, _major(other.contract)) != (mirror.contract_id, mirror.major_version):
        return None
    there = mirror_key(release.contract, key, provider=release.table.provider, counterpart=other.table.provider)
    if there is None or there in other.excluded or not other.shape.holds(there):
        return None
    return there


def mirror_ratios(contract: DataContract) -> tuple[Fraction, Fraction]:
    """How far our figure may be from the counterpart's: both bounds of own ÷ theirs; one and one if none is agreed."""
    mirror = contract.mirror
    if mirror is None or mirror.ratio_min is None or mirror.ratio_max is None:
        return Fraction(1), Fraction(1)
    return Fraction(str(mirror.ratio_min)), Fraction(str(mirror.ratio_max))


def _may_be_pooled(candidate: Released, release: Released) -> bool:
    if not candidate.excluded and not release.excluded:
        return True
    return bool(set(candidate.recipients) & set(release.recipients))


def _major(contract: DataContract) -> int:
    return int(contract.version.partition(".")[0])
