"""Random histories: a table is released, then its figures or its boundaries change, and a second release is asked for.

Each scenario starts from single persons, so that an oracle can tell what the two releases together single out: by
the rank of the released figures over all groups of persons, tried subset by subset, sharing no code with the engine.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from exchange.contract.model import DataContract
from exchange.disclosure import SecretParameters, protect
from exchange.disclosure.pool import (
    Candidate,
    Exposure,
    Pool,
    PoolFinding,
    PoolKey,
    PoolRules,
    Released,
    Sense,
    audit_pool,
)
from exchange.disclosure.protection import requirement
from exchange.errors.disclosure import DisclosureError
from exchange.table import CellKey
from tests.bench.sdc.records import counting
from tests.unit.core.sdc import SALT, contract_of, table_of

SCENARIOS = 1_000
MINIMUM = 5
COLUMNS = "123"
DISTRICTS = 7

Where = tuple[int, str] | None
"""District and column in which a release counts a person; None: not at all."""


@dataclass(frozen=True)
class History:
    """Two releases of one statistic, person by person.

    Attributes:
        persons: By where the first and the second release count them: how many.
        before: The region of each district in the first.
        after: And in the second.
    """

    kind: str
    persons: Mapping[tuple[Where, Where], int]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass
class Tally:
    """What became of the scenarios, by kind and how the second release was protected; and why it was refused."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    exposures: Counter[Exposure] = field(default_factory=Counter)


def run_all(seeds: Sequence[int], *, progress: Callable[[int], None] = lambda _: None) -> Tally:
    """Play the scenarios; AssertionError if one discloses, or a refusal's chain is not true."""
    tally = Tally()
    for done, seed in enumerate(seeds):
        play(seed, tally)
        progress(done + 1)
    return tally


def play(seed: int, tally: Tally) -> None:
    """One scenario, checked from the persons themselves.

    The second release is asked for twice: protected as if it were the first of its kind, so that the pool has much to
    refuse, and protected with the first in the ledger, as it would be made.
    """
    history = draw_history(seed)
    first = _contract(history.before, "1.0.0")
    second = first if history.before == history.after else _contract(history.after, "2.0.0")
    try:
        one = _protected(first, _counts(history, 0), Pool(), revision=0)
    except DisclosureError:
        tally.outcomes[history.kind, "unprotectable"] += 1
        return
    truths = {(one.release.name, *key): figure for key, figure in one.values.items()}
    pool = Pool(releases=(one.release,), truths=truths)
    for how, known in (("alone", Pool()), ("with ledger", pool)):
        try:
            two = _protected(second, _counts(history, 1), known, revision=1)
        except DisclosureError:
            tally.outcomes[history.kind, f"{how}: unprotectable"] += 1
            continue
        verdict = _judged(history, one, two, pool, tally)
        tally.outcomes[history.kind, f"{how}: {verdict}"] += 1


def _judged(history: History, one: Candidate, two: Candidate, pool: Pool, tally: Tally) -> str:
    """What the pool says of the second release, and whether it is right."""
    records = [(_cells(history, one.release, two.release, where), n) for where, n in history.persons.items()]
    found = audit_pool(two, pool, PoolRules(minimum=MINIMUM, records=records)).findings
    shown = figures(one.release) | figures(two.release)
    for finding in found:
        tally.exposures[finding.exposure] += 1
        _check_explained(finding, shown, records, one.values, two.values, two.release.name)
    if found:
        return "refused"
    assert not singled_out(records, shown.keys(), minimum=MINIMUM), "a small group is disclosed"
    return "released"


def draw_history(seed: int) -> History:
    """A population in districts, some of them tiny; then late records, corrections, or new boundaries."""
    draw = np.random.default_rng(seed)
    kind = ("revision", "boundary", "both")[seed % 3]
    before = tuple(draw.choice(list("abd"), DISTRICTS))
    after = before
    if kind != "revision":
        moved = draw.choice(DISTRICTS, int(draw.integers(1, 3)), replace=False)
        kept = bool(draw.integers(0, 2))
        after = tuple(str(draw.choice(list("abd"))) if place in moved else code for place, code in enumerate(before))
        touched = {before[place] for place in moved} | {after[place] for place in moved}
        if not kept:
            after = tuple(code.upper() if code in touched else code for code in after)
    sizes = draw.choice([2.0, 9.0, 40.0], DISTRICTS, p=[0.25, 0.25, 0.5])
    persons: Counter[tuple[Where, Where]] = Counter()
    for district in range(DISTRICTS):
        for column in COLUMNS:
            here = (district, column)
            persons[here, here] = int(draw.poisson(sizes[district]))
    if kind != "boundary":
        _revise(persons, draw)
    return History(kind, {where: n for where, n in persons.items() if n}, before, after)


def _revise(persons: Counter[tuple[Where, Where]], draw: np.random.Generator) -> None:
    few = bool(draw.integers(0, 2))
    for _ in range(int(draw.integers(1, 4))):
        here = (int(draw.integers(DISTRICTS)), str(draw.choice(list(COLUMNS))))
        there = (int(draw.integers(DISTRICTS)), str(draw.choice(list(COLUMNS))))
        count = int(draw.integers(1, 4) if few else draw.integers(5, 30))
        what = int(draw.integers(3))
        moved = min(count, persons[here, here])
        if what == 0:
            persons[None, here] += count
        elif what == 1:
            persons[here, here] -= moved
            persons[here, None] += moved
        elif here != there:
            persons[here, here] -= moved
            persons[here, there] += moved


def singled_out(
    records: Sequence[tuple[frozenset[PoolKey], int]], shown: Sequence[PoolKey] | object, *, minimum: int
) -> bool:
    """Whether some combination of shown figures speaks of at least one and fewer than `minimum` persons only.

    It does if the rank of the figures over the groups of persons falls when the columns of a set of so few persons are
    taken away; every set is tried.
    """
    counts: Counter[frozenset[PoolKey]] = Counter()
    for cells, count in records:
        counts[frozenset(cell for cell in cells if cell in shown)] += count  # type: ignore[operator]
    groups = [(cells, count) for cells, count in counts.items() if cells and count]
    names = sorted(frozenset().union(*(cells for cells, _ in groups)))
    matrix = np.array([[name in cells for cells, _ in groups] for name in names], dtype=float)
    full = np.linalg.matrix_rank(matrix)
    small = [place for place, (_, count) in enumerate(groups) if count < minimum]
    if _rank_without(matrix, small) == full:
        return False
    return any(
        _rank_without(matrix, subset) < full
        for size in range(1, minimum)
        for subset in combinations(small, size)
        if sum(groups[place][1] for place in subset) < minimum
    )


def figures(release: Released) -> dict[PoolKey, int]:
    """What a release shows."""
    rows = release.table.rows
    return {(release.name, *key): row.value for key, row in rows.items() if row.value is not None}


def _rank_without(matrix: np.ndarray, columns: Sequence[int]) -> int:
    rest = np.delete(matrix, list(columns), axis=1)
    return int(np.linalg.matrix_rank(rest)) if rest.size else 0


def _contract(regions: Sequence[str], version: str) -> DataContract:
    contract = contract_of(
        {"R": sorted(set(regions)), "C": list(COLUMNS)}, minimum=MINIMUM, floor=MINIMUM, linkage_group="scenario"
    )
    return replace(contract, version=version)


def _protected(
    contract: DataContract, counts: Mapping[tuple[str, str], int], pool: Pool, *, revision: int
) -> Candidate:
    table = table_of(contract, counts)
    parameters = SecretParameters.public_minima(contract, salt=SALT)
    safe = protect(table, contract, parameters=parameters, pool=pool, progress=lambda *_: None).safe
    recipients = contract.recipients_of(table.provider)
    release = Released(contract=contract, revision=revision, table=safe, recipients=recipients)
    values = {key: table.cells[key].value if key in table.cells else 0 for key in safe.rows}
    required = {key: requirement(contract, values[key]) for key in safe.withheld_keys()}
    return Candidate(release=release, values=values, required=required)


def _counts(history: History, place: int) -> dict[tuple[str, str], int]:
    regions = (history.before, history.after)[place]
    counts: Counter[tuple[str, str]] = Counter()
    for where, count in history.persons.items():
        here = where[place]
        if here is not None:
            counts[regions[here[0]], here[1]] += count
    return dict(counts)


def _cells(history: History, one: Released, two: Released, where: tuple[Where, Where]) -> frozenset[PoolKey]:
    found = frozenset[PoolKey]()
    for release, regions, here in ((one, history.before, where[0]), (two, history.after, where[1])):
        if here is not None:
            found |= counting(release, {"R": regions[here[0]], "C": here[1]})
    return found


def _check_explained(
    finding: PoolFinding,
    shown: Mapping[PoolKey, int],
    records: Sequence[tuple[frozenset[PoolKey], int]],
    before: Mapping[CellKey, int],
    after: Mapping[CellKey, int],
    candidate: str,
) -> None:
    """The chain, computed with the released figures, is what the persons say of the hidden cell, change or group."""
    assert finding.exposure not in {Exposure.CONTRADICTION, Exposure.UNFINISHED}, finding
    assert finding.chains, finding
    for chain in finding.chains:
        computed = chain.value(shown)
        if finding.exposure is Exposure.CHANGE:
            true = sum(after.get(cell[1:], 0) - before.get(cell[1:], 0) for cell in finding.cells)
            assert 0 < abs(computed) < MINIMUM
            assert computed == true
        elif finding.exposure is Exposure.GROUP:
            factors = dict(chain.terms)
            weights = [(sum(factors.get(cell, 0) for cell in cells), count) for cells, count in records]
            assert 0 < sum(count for weight, count in weights if weight) < MINIMUM
            assert computed == sum(weight * count for weight, count in weights)
        else:
            trues = {(after if cell[0] == candidate else before).get(cell[1:], 0) for cell in finding.cells}
            agrees = {Sense.EQUALS: computed.__eq__, Sense.AT_MOST: computed.__ge__, Sense.AT_LEAST: computed.__le__}
            assert any(agrees[chain.sense](true) for true in trues), (finding.text(), computed, trues)
