"""A boundary that moves within a period: Kazakhstan's regions of June 2022, three of which were divided.

Zhetisu (KZ-33) was a part of Almaty region (KZ-19), Ulytau (KZ-62) of Karaganda (KZ-35), Abai (KZ-10) of East
Kazakhstan (KZ-63); the old codes stayed, for what was left.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import pytest

from exchange.contract.model import TOTAL, DataContract
from exchange.disclosure import Pool, Protected, Released, SecretParameters, protect
from exchange.disclosure.pool import Exposure, PoolRules, Recoded, RecordGroup
from exchange.disclosure.pool.presumed import presumptions
from exchange.disclosure.pool.sources import Source
from exchange.encoding import Digest
from exchange.errors.disclosure import PoolUnrelatedError, RecodedExtractError
from exchange.table import CellKey
from tests.bench.sdc.scenarios import figures, singled_out
from tests.unit.core.pools import candidate_of, pool_findings, released
from tests.unit.core.sdc import SALT, contract_of, table_of

BEFORE = contract_of({"REGION": ["KZ-19", "KZ-35", "KZ-63"], "SEX": "FM"}, linkage_group="kz")
AFTER = replace(
    contract_of({"REGION": ["KZ-10", "KZ-19", "KZ-33", "KZ-35", "KZ-62", "KZ-63"], "SEX": "FM"}, linkage_group="kz"),
    version="2.0.0",
    digest=Digest.of(b"after"),
)
EXTRACT = {
    ("KZ-19", "KZ-19", "F"): 40, ("KZ-19", "KZ-33", "F"): 30, ("KZ-35", "KZ-35", "F"): 50,
    ("KZ-35", "KZ-62", "F"): 3, ("KZ-63", "KZ-63", "F"): 60, ("KZ-63", "KZ-10", "F"): 20,
    ("KZ-19", "KZ-19", "M"): 45, ("KZ-19", "KZ-33", "M"): 35, ("KZ-35", "KZ-35", "M"): 55,
    ("KZ-35", "KZ-62", "M"): 25, ("KZ-63", "KZ-63", "M"): 65, ("KZ-63", "KZ-10", "M"): 22,
}  # fmt: skip
"""Persons by the region of the old list, of the new one, and sex: three women in Ulytau."""


def counted(place: int, extract: Mapping[CellKey, int] = EXTRACT) -> dict[CellKey, int]:
    """The extract in the codes of the old list (0) or of the new one (1)."""
    counts: Counter[CellKey] = Counter()
    for where, count in extract.items():
        counts[where[place], where[2]] += count
    return dict(counts)


def recoded() -> Recoded:
    """What preparation gives of the extract."""
    groups = tuple(RecordGroup(_above(new, sex), _above(old, sex), count) for (old, new, sex), count in EXTRACT.items())
    return Recoded(contract=BEFORE, table=table_of(BEFORE, counted(0)), groups=groups)


def release(contract: DataContract, persons: Mapping[CellKey, int], hidden: tuple[CellKey, ...] = ()) -> Released:
    """A release by hand, under either contract."""
    revision = 0 if contract is BEFORE else 1
    found = replace(released(persons, (), contract, revision=revision), recipients=contract.recipients_of("KZ"))
    rows = {
        key: replace(row, value=None, obs_status="Q") if key in hidden else row for key, row in found.table.rows.items()
    }
    return replace(found, table=replace(found.table, rows=rows))


def build(pool: Pool, known: Recoded | None) -> Protected:
    return protect(
        table_of(AFTER, counted(1)),
        AFTER,
        parameters=SecretParameters.public_minima(AFTER, salt=SALT),
        pool=pool,
        recoded=known,
        progress=lambda *_: None,
    )


FIRST = release(BEFORE, counted(0))
POOL = Pool(releases=(FIRST,))


def test_a_part_that_was_divided_off_is_refused_without_the_records_though_all_old_codes_stayed() -> None:
    with pytest.raises(PoolUnrelatedError):
        build(POOL, None)


def test_what_is_left_of_a_region_gives_away_the_few_who_were_divided_off() -> None:
    hidden = tuple(product(("KZ-62", "KZ-19"), "FM"))
    asked = candidate_of(release(AFTER, counted(1), hidden), counted(1))
    records = recoded().records(asked.release, (FIRST,))
    found = pool_findings(asked, recoded().telling(POOL, (FIRST,)), PoolRules(minimum=5, records=records))
    assert Exposure.GROUP in {finding.exposure for finding in found}
    # Karaganda before, less what is left of it: the three women of Ulytau.
    assert any(
        {(cell[1:], factor) for cell, factor in chain.terms} >= {(("KZ-35", "F"), 1), (("KZ-35", "F"), -1)}
        for finding in found
        for chain in finding.chains
    )


def test_with_the_records_a_build_withholds_what_is_left_of_a_divided_region_too() -> None:
    found = build(POOL, recoded())
    second = replace(FIRST, contract=AFTER, revision=1, table=found.safe)
    assert {("KZ-62", "F"), ("KZ-35", "F")} <= found.safe.withheld_keys()
    records = recoded().records(second, (FIRST,))
    assert not singled_out(records, (figures(FIRST) | figures(second)).keys(), minimum=5)
    # As if nothing had been released before, Ulytau is hidden and Karaganda is shown.
    alone = replace(second, table=build(Pool(), None).safe)
    assert singled_out(records, (figures(FIRST) | figures(alone)).keys(), minimum=5)


def test_what_a_circle_is_barred_from_is_not_taken_for_unchanged_where_the_records_say_that_it_changed() -> None:
    # Karaganda's women were 53 before Ulytau's three were divided off.
    karaganda, others = ("KZ-35", "F"), (("KZ-35", "M"), ("KZ-35", TOTAL))
    rows = {key: row for key, row in FIRST.table.rows.items() if key != karaganda}
    first = replace(FIRST, table=replace(FIRST.table, rows=rows), excluded=frozenset({karaganda}))
    second = release(AFTER, counted(1), (karaganda, *others))
    known = recoded().telling(Pool(releases=(first,)), (first,)).truths
    now = {(second.name, *karaganda): 50, (second.name, *others[0]): 55, (second.name, *others[1]): 105}
    for told, one_number in (({}, True), (known, False)):
        same = presumptions((Source.of(first, told), Source.of(second, now)))
        assert (same.root((first.name, *karaganda)) == same.root((second.name, *karaganda))) == one_number


def test_records_of_another_extract_are_not_believed() -> None:
    other = EXTRACT | {("KZ-19", "KZ-19", "F"): 46}
    pool = Pool(releases=(release(BEFORE, counted(0, other)),))
    with pytest.raises(RecodedExtractError) as refusal:
        build(pool, recoded())
    # KZ-19.F, KZ-19, F, and everybody.
    assert " in 4 cells" in refusal.value.sentence()
    assert "46" not in refusal.value.sentence()


def test_records_are_asked_of_every_release_of_the_period_whose_boundaries_are_others() -> None:
    third = replace(BEFORE, id="CT-02-TEST", digest=Digest.of(b"third"), dimensions=_renamed(), tables=_listed())
    sibling = release(third, {("KZ-1", "F"): 150, ("KZ-2", "M"): 300})
    with pytest.raises(PoolUnrelatedError):
        build(Pool(releases=(FIRST, sibling)), recoded())


def _above(region: str, sex: str) -> frozenset[CellKey]:
    return frozenset(product((region, TOTAL), (sex, TOTAL)))


def _renamed() -> tuple:  # type: ignore[type-arg]  # the fixture's own dimensions
    return contract_of({"REGION": ["KZ-1", "KZ-2"], "SEX": "FM"}).dimensions


def _listed() -> tuple:  # type: ignore[type-arg]  # the fixture's own tables
    return contract_of({"REGION": ["KZ-1", "KZ-2"], "SEX": "FM"}).tables
