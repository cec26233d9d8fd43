"""Code lists that change: days of validity, what became of a code, and what a country calls itself."""

from datetime import date

import pytest

from exchange.codes import parse_codelist
from exchange.contract.correspondence import Comparable, parse_correspondence
from exchange.contract.own_names import name_of, parse_own_names
from exchange.contract.parse import parse_contract
from exchange.encoding import Digest
from exchange.errors.contract import CodeListError, ContractRuleError
from tests.world.contracts import CONTRACTS, codelists, contract_raw

LISTS = CONTRACTS / "codelists"
NOW = parse_codelist((LISTS / "regions.csv").read_bytes(), list_id="regions")
THEN = parse_codelist((LISTS / "regions_2018.csv").read_bytes(), list_id="regions_2018")
DIVIDED = date(2022, 6, 8)  # the three regions of Kazakhstan, by the decree of 3 May 2022
BECAME = (CONTRACTS / "correspondences" / "regions_2018.regions.csv").read_bytes()


def test_kazakhstan_has_seventeen_regions_and_cities_before_june_2022_and_twenty_after() -> None:
    assert len(THEN.leaves_under("KZ")) == 17
    assert len(NOW.leaves_under("KZ")) == 20
    assert {code.id for code in NOW.codes} - {code.id for code in THEN.codes} == {"KZ-10", "KZ-33", "KZ-62"}
    assert {code.id for code in NOW.codes if code.valid_from} == {"KZ-10", "KZ-33", "KZ-62", "KZ-19", "KZ-35", "KZ-63"}
    assert {code.valid_from for code in NOW.codes} == {None, DIVIDED}
    assert {code.id for code in THEN.codes if code.valid_to == DIVIDED} == {"KZ-19", "KZ-35", "KZ-63"}


def test_what_was_divided_is_compared_as_a_sum_and_the_rest_one_by_one() -> None:
    found = parse_correspondence(BECAME, before=THEN, after=NOW).comparable()
    sums = {one for one in found if len(one.after) > 1}
    assert sums == {
        Comparable(("KZ-19",), ("KZ-19", "KZ-33")),
        Comparable(("KZ-35",), ("KZ-35", "KZ-62")),
        Comparable(("KZ-63",), ("KZ-10", "KZ-63")),
    }
    assert all(one.before == one.after and len(one.before) == 1 for one in set(found) - sums)
    assert sorted(code for one in found for code in one.after) == sorted(NOW.leaves())


def small(name: str, *codes: str) -> bytes:
    return ("code,name_en\n" + "".join(f"{code},{name}\n" for code in codes)).encode()


def test_codes_that_were_mixed_are_compared_as_one() -> None:
    """Worked by hand: A gave a part to X, B gave parts to X and Y; so A + B is X + Y, and C stayed."""
    before = parse_codelist(small("before", "A", "B", "C"), list_id="b")
    after = parse_codelist(small("after", "X", "Y", "C"), list_id="a")
    raw = b"before,after,note\nA,X,-\nB,X,-\nB,Y,-\n"
    assert parse_correspondence(raw, before=before, after=after).comparable() == (
        Comparable(("A", "B"), ("X", "Y")),
        Comparable(("C",), ("C",)),
    )


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        pytest.param(b"before,after\nA,X\n", "other columns", id="other columns"),
        pytest.param(b"before,after,note\n", "less", id="no row"),
        pytest.param(b"before,after,note\nA,X\n", "2 cells", id="a short row"),
        pytest.param(b"before,after,note\nZ,X,-\n", "Z", id="a code that is not in the old list"),
        pytest.param(b"before,after,note\nA,X,-\nA,X,-\nB,Y,-\n", "A, X again", id="a pair twice"),
        pytest.param(b"before,after,note\nA,X,-\n", "none", id="a code that became nothing"),
        pytest.param(b"\xff", "other bytes", id="not UTF-8"),
    ],
)
def test_a_correspondence_that_leaves_something_open_is_refused(raw: bytes, found: str) -> None:
    before = parse_codelist(small("before", "A", "B"), list_id="b")
    after = parse_codelist(small("after", "X", "Y"), list_id="a")
    with pytest.raises(CodeListError) as refused:
        parse_correspondence(raw, before=before, after=after)
    assert refused.value.facts["found"] == found


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (b"A,a,8.6.2022,", "8.6.2022"),
        (b"A,a,20220608,", "20220608"),
        (b"A,a,2022-06-08,2022-06-08", "2022-06-08"),
    ],
)
def test_days_of_validity_are_days_and_in_order(row: bytes, found: str) -> None:
    with pytest.raises(CodeListError) as refused:
        parse_codelist(b"code,name_en,valid_from,valid_to\n" + row + b"\n", list_id="l")
    assert refused.value.facts["found"] == found


def pinned(before: str, after: str) -> bytes:
    """CA-05 with its list of regions pinned otherwise."""
    text = contract_raw("CA-05-WORK-PERMITS").decode()
    start = text.index("id: regions")
    assert before in text[start:]
    return (text[:start] + text[start:].replace(before, after, 1)).encode()


def test_a_list_is_not_meant_for_days_on_which_a_code_of_it_did_not_exist() -> None:
    with pytest.raises(ContractRuleError, match="found KZ-10, which means this from 2022-06-08 on"):
        parse_contract(pinned('validFrom: "2026-01-01"', 'validFrom: "2022-01-01"'), codelists=codelists())
    parse_contract(pinned('validFrom: "2026-01-01"', 'validFrom: "2022-06-08"'), codelists=codelists())


def test_an_older_list_needs_a_last_day() -> None:
    old = pinned(str(NOW.digest), str(Digest.of((LISTS / "regions_2018.csv").read_bytes())))
    old = old.replace(b'validFrom: "2026-01-01"', b'validFrom: "2019-01-01"').replace(b'"2026-01-01"', b'"2019-01-01"')
    with pytest.raises(ContractRuleError, match="a validTo of 2022-06-08 at the latest"):
        parse_contract(old, codelists=codelists())
    start = old.index(b"id: regions")
    until = old[start:].replace(
        b'validFrom: "2019-01-01"\n', b'validFrom: "2019-01-01"\n              validTo: "2022-06-08"\n', 1
    )
    assert parse_contract(old[:start] + until, codelists=codelists()).dimension("REGION").valid_to == DIVIDED


COUNTRIES = parse_codelist(
    "code,name_en,name_ru\nKG,Kyrgyzstan,Киргизия\nKZ,Kazakhstan,Казахстан\n".encode(), list_id="countries"
)
HEADER = "list,code,language,name,source\n"


def test_a_country_is_called_what_it_calls_itself_and_a_party_reads_its_own_words_first() -> None:
    own = {
        "KG": parse_own_names(f"{HEADER}countries,KG,ru,Кыргызстан,own\n".encode(), party="KG"),
        "RU": parse_own_names(f"{HEADER}countries,KG,ru,Киргизская Республика,own\n".encode(), party="RU"),
    }
    assert name_of(COUNTRIES, "KG", "ru", reader=None, own={}) == "Киргизия"
    assert name_of(COUNTRIES, "KG", "ru", reader="KZ", own=own) == "Кыргызстан"
    assert name_of(COUNTRIES, "KG", "ru", reader="RU", own=own) == "Киргизская Республика"
    assert name_of(COUNTRIES, "KG", "kk", reader="KZ", own=own) == "Kyrgyzstan"  # no name in Kazakh here: English
    assert name_of(COUNTRIES, "KZ", "ru", reader="KG", own=own) == "Казахстан"


@pytest.mark.parametrize(
    "raw",
    [
        b"list,code,name\n",
        f"{HEADER}countries,KG,ru,,own\n".encode(),
        f"{HEADER}countries,KG,ru,a,own\ncountries,KG,ru,b,own\n".encode(),
        f"{HEADER}countries,KG,ru,a\u202eb,own\n".encode(),
        b"\xff",
    ],
)
def test_names_that_nobody_could_have_approved_are_refused(raw: bytes) -> None:
    with pytest.raises(CodeListError):
        parse_own_names(raw, party="KG")


def test_the_lists_here_carry_the_names_that_countries_approved() -> None:
    countries = parse_codelist((LISTS / "countries.csv").read_bytes(), list_id="countries")
    for file in (CONTRACTS / "labels").glob("*.csv"):
        for (name, code, language), own in parse_own_names(file.read_bytes(), party=file.stem).names.items():
            if name == "countries" and code == file.stem:
                assert countries.code(code).labels[language] == own
