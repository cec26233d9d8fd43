"""Cells that a recipient never receives: not as a row, not as a zero, not by subtraction, and by nobody's choice."""

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import product

import pytest

from exchange.bundle.floor import audit_floor
from exchange.bundle.opening import require_withheld
from exchange.codes import Code
from exchange.contract.exclusion import excluded_keys
from exchange.contract.model import TOTAL, DataContract
from exchange.contract.parse import parse_contract
from exchange.disclosure import Pool, Released
from exchange.encoding import Digest
from exchange.errors.bundle import ContractMismatchError, WithheldKeysError
from exchange.errors.contract import ContractRuleError, ContractSchemaError, RecipientUnknownError
from exchange.flow.prepare import Attribution, History, Preparation, Prepared, prepare
from exchange.pattern import relations
from exchange.publication.compare import compare_rules
from exchange.report import DisclosureReport, parse_report, pooled_digest
from exchange.sdmx.data import DataFile, parse_data
from exchange.table import AggregateCell, AggregateTable, CellKey, SafeTable
from tests.world.asylum import LISTED, PERIOD, PERSONS, asylum_contract
from tests.world.contracts import codelists, contract, contract_raw

SECRET = bytes(range(32))
KG_BARRED = {
    ("APP", "KG", TOTAL, TOTAL, TOTAL, TOTAL),
    ("PEND", "KG", TOTAL, TOTAL, TOTAL, TOTAL),
    ("DEC", "KG", TOTAL, TOTAL, TOTAL, TOTAL),
    ("DEC", "KG", TOTAL, "POS", TOTAL, TOTAL),
    ("DEC", "KG", TOTAL, "REJ", TOTAL, TOTAL),
    ("DEC", "KG", TOTAL, "CLOSED", TOTAL, TOTAL),
}
"""By hand: every key of the tables by citizenship that has KG."""


@cache
def agreed() -> DataContract:
    return asylum_contract()


def aggregate() -> AggregateTable:
    """The invented register as preparation would count it, each person in the tables of the own measure."""
    counts: Counter[CellKey] = Counter()
    for (measure, citizenship, stage, outcome), persons in PERSONS.items():
        listed = citizenship if citizenship in LISTED else "XU"
        decided = "POS" if outcome in {"REF", "TEMP"} else outcome
        keys = {(measure, who, TOTAL, TOTAL, TOTAL, TOTAL) for who in (listed, TOTAL)}
        if measure == "DEC":
            keys |= {
                (measure, who, TOTAL, what, TOTAL, TOTAL) for who, what in product((listed, TOTAL), (decided, TOTAL))
            }
            keys |= {(measure, TOTAL, at, what, TOTAL, TOTAL) for at, what in product((stage, TOTAL), (outcome, TOTAL))}
        for sex, share in (("M", persons - persons // 2), ("F", persons // 2)):
            for group in ((sex, "Y_GE18"), (sex, TOTAL), (TOTAL, "Y_GE18")):
                counts[measure, TOTAL, TOTAL, TOTAL, *group] += share
        for key in keys:
            counts[key] += persons
    cells = {key: AggregateCell(value=count, contributors=(count,)) for key, count in counts.items()}
    return AggregateTable(provider="KZ", contract_id="CA-12-ASYLUM", period=PERIOD, cells=cells)


def prepared(pool: Pool | None = None, *, reader: str | None = None) -> dict[str, Prepared]:
    """The candidates by their first recipient."""
    history = History(pooled=pooled_digest([]), pool=pool or Pool())
    asked = Preparation(
        table=aggregate(),
        contract=agreed(),
        history=history,
        attribution=Attribution(title="INVENTED"),
        prepared_by="kz-01",
        secret=SECRET,
        progress=lambda _stage, _share: None,
    )
    return {one.files.candidate.recipients[0]: one for one in prepare(asked, reader=reader)}


@cache
def built() -> dict[str, Prepared]:
    return prepared()


def report(one: Prepared) -> DisclosureReport:
    return parse_report(one.files.disclosure)


def data(one: Prepared) -> DataFile:
    return parse_data(one.files.data, agreed(), provider="KZ", period=PERIOD)


def table(one: Prepared) -> SafeTable:
    return data(one).table


def test_recipients_who_may_see_the_same_cells_share_a_bundle() -> None:
    assert agreed().recipient_sets("KZ") == (("TM",), ("KG",), ("TJ",), ("UZ",))  # TM's citizens are in the rest
    assert contract("CA-12-ASYLUM").recipient_sets("KZ") == (("KG",), ("TJ",), ("TM",), ("UZ",))
    assert contract("CA-12-ASYLUM").recipient_sets("KG") == (("KZ",), ("TJ",), ("TM",), ("UZ",))
    assert contract("CA-01-BORDER").recipient_sets("KZ") == (("KG", "TJ", "TM", "UZ"),)


def test_what_is_barred_follows_from_the_contract_alone() -> None:
    assert excluded_keys(agreed(), provider="KZ", recipients=("KG",)) == KG_BARRED
    assert excluded_keys(agreed(), provider="KZ", recipients=("TM",)) == frozenset()
    assert excluded_keys(contract("CA-12-ASYLUM"), provider="KZ", recipients=("KG",)) == KG_BARRED


def test_a_code_below_the_recipients_own_is_barred_too() -> None:
    dimension = agreed().dimension("CITIZENSHIP")
    codes = tuple(replace(code, parent="KG") if code.id == "AF" else code for code in dimension.codelist.codes)
    under = replace(
        dimension, codelist=replace(dimension.codelist, codes=(*codes, Code(id="K1", labels={}, parent="KG")))
    )
    changed = replace(agreed(), dimensions=tuple(under if d is dimension else d for d in agreed().dimensions))
    assert changed.barred("KG") == {"CITIZENSHIP": {"KG", "AF"}}  # K1 is in no table


def test_a_bundle_without_the_barred_cells_is_the_canonical_one_less_them_and_complements() -> None:
    canonical, found = table(built()["TM"]), built()["KG"]
    assert not report(built()["TM"]).excluded
    assert set(report(found).excluded) == KG_BARRED
    assert not KG_BARRED & table(found).rows.keys()
    for key, row in table(found).rows.items():
        assert row == canonical.rows[key] or (row.withheld and not canonical.rows[key].withheld)
    assert canonical.rows.keys() - table(found).rows.keys() == KG_BARRED
    assert canonical.withheld_keys() - KG_BARRED <= table(found).withheld_keys()


@pytest.mark.parametrize("reader", ["KG", "TJ", "UZ"])
def test_no_barred_cell_follows_by_subtraction(reader: str) -> None:
    """Each sum that has a barred cell has another that its reader does not see, and both together are 20 or more."""
    found, true = table(built()[reader]), aggregate().cells
    barred = frozenset(report(built()[reader]).excluded)
    unknown = barred | found.withheld_keys()
    sums = [relation for relation in relations(agreed(), found.rows.keys() | barred) if relation.exact]
    for key in barred:
        around = [{part for part, _ in relation.terms} & unknown for relation in sums if (key, 1) in relation.terms]
        assert around
        for hidden in around:
            assert hidden - barred
            assert sum(true[part].value for part in hidden if part in true) >= 20
    assert audit_floor(found, agreed(), barred) == len(unknown)


def test_a_barred_zero_is_no_published_zero() -> None:
    assert ("DEC", "UZ", TOTAL, TOTAL, TOTAL, TOTAL) not in aggregate().cells
    assert ("DEC", "UZ", TOTAL, TOTAL, TOTAL, TOTAL) in report(built()["UZ"]).excluded
    assert b",UZ," not in built()["UZ"].files.data
    assert b",UZ," in built()["KG"].files.data


def test_the_report_says_that_pooling_is_barred_by_contract_and_not_by_arithmetic() -> None:
    assert {report(one).pooling for one in built().values()} == {"barred-by-contract"}


def test_each_bundle_has_a_name_of_its_own() -> None:
    names = {one.files.candidate.name for one in built().values()}
    assert names == {f"kz-ca-12-asylum-2025-r0-{reader}" for reader in ("tm", "kg", "tj", "uz")}


def test_one_reader_s_candidate_alone_has_the_same_bytes() -> None:
    (alone,) = prepared(reader="KG").values()
    assert alone.files == built()["KG"].files


def test_somebody_who_receives_nothing_is_refused() -> None:
    with pytest.raises(RecipientUnknownError, match="GB is not among the recipients KG, TJ, TM, UZ"):
        prepared(reader="GB")


def released(reader: str) -> Released:
    one = built()[reader]
    excluded = frozenset(report(one).excluded)
    return Released(
        contract=agreed(),
        revision=0,
        table=table(one),
        recipients=(reader,),
        bundle=Digest.of(reader.encode()),
        excluded=excluded,
    )


def test_a_revision_is_audited_with_what_its_reader_has_and_hides_the_same_cells() -> None:
    again = prepared(Pool(releases=(released("KG"), released("TM"))))
    candidate = again["KG"].files.candidate
    assert (candidate.revision, candidate.supersedes) == (1, Digest.of(b"KG"))
    assert table(again["KG"]).withheld_keys() == table(built()["KG"]).withheld_keys()
    assert again["TJ"].files.candidate.revision == 0
    assert not data(again["KG"]).deleted


def test_what_one_reader_got_does_not_bind_another_whom_the_contract_bars_from_it() -> None:
    """TM sees KG's cells: pooled with what KG got it would tell all, so the contract bars it, and no audit refuses."""
    after = prepared(Pool(releases=(released("KG"),)), reader="TM")["TM"]
    assert table(after) == table(built()["TM"])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"excluded": ()}, "excluded"),
        ({"excluded": tuple(sorted(KG_BARRED))[1:]}, "excluded"),
        ({"pooling": "audited"}, "pooling"),
    ],
)
def test_a_report_that_names_other_keys_than_the_contract_bars_is_refused(
    changed: dict[str, object], field: str
) -> None:
    found = report(built()["KG"])
    compare_rules(found, agreed(), recipients=("KG",))
    with pytest.raises(ContractMismatchError) as refused:
        compare_rules(replace(found, **changed), agreed(), recipients=("KG",))  # type: ignore[arg-type]  # the test's choice
    assert refused.value.facts["field"] == field


def test_the_canonical_release_is_not_for_a_reader_who_must_not_see_all_of_it() -> None:
    with pytest.raises(ContractMismatchError, match="6 keys barred for KG"):
        compare_rules(report(built()["TM"]), agreed(), recipients=("KG",))


def test_a_barred_key_is_no_row_and_no_deleted_row() -> None:
    found, key = data(built()["KG"]), min(KG_BARRED)
    require_withheld(found, report(built()["KG"]))
    shown = {**found.table.rows, key: table(built()["TM"]).rows[key]}
    for leaking in (replace(found, table=replace(found.table, rows=shown)), replace(found, deleted=frozenset({key}))):
        with pytest.raises(WithheldKeysError):
            require_withheld(leaking, report(built()["KG"]))


def edited(before: str, after: str) -> bytes:
    text = contract_raw("CA-12-ASYLUM").decode()
    assert before in text
    return text.replace(before, after, 1).encode()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("- dimension: CITIZENSHIP\n            code", "- dimension: MEASURE\n            code", "one of CITIZENSHIP"),
        (
            "- dimension: CITIZENSHIP\n            code",
            "- dimension: SEX\n            code",
            "some recipient is a code",
        ),
        ("zeros: sensitive", "zeros: published", "zeros: sensitive beside an exclusion"),
    ],
)
def test_an_exclusion_that_would_not_hold_is_refused(before: str, after: str, expected: str) -> None:
    with pytest.raises(ContractRuleError, match=expected):
        parse_contract(edited(before, after), codelists=codelists())


def test_an_exclusion_that_names_a_country_is_not_the_clause() -> None:
    with pytest.raises(ContractSchemaError, match="recipient"):
        parse_contract(edited("code: recipient", "code: KG"), codelists=codelists())


def test_a_stock_is_not_additive_over_time() -> None:
    time = "name: TIME_PERIOD"
    text = contract_raw("CA-12-ASYLUM").decode()
    start = text.index(time)
    wrong = text[:start] + text[start:].replace("additive: false", "additive: true", 1)
    with pytest.raises(ContractRuleError, match="a stock does not sum over time"):
        parse_contract(wrong.encode(), codelists=codelists())
