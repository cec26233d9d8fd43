"""The contract file: valid by the standard and by our closed profile, every clause typed, every breach by line."""

import json
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
import rfc8785

from exchange.contract.choose import choose, choose_one
from exchange.contract.model import DominanceRule, IntervalFloor, Role, Zeros
from exchange.contract.parse import contract_findings, parse_contract
from exchange.contract.text import read_text
from exchange.encoding import Digest
from exchange.errors.contract import (
    CodeListAbsentError,
    ContractAmbiguousError,
    ContractError,
    ContractNotAtHandError,
    ContractRuleError,
    ContractSchemaError,
    ContractYamlError,
)
from tests.world.contracts import CONTRACTS, NAMES, codelists, contract, contract_raw

CA01, CA05, CA07 = "CA-01-BORDER", "CA-05-WORK-PERMITS", "CA-07-EXPULSIONS-BANS"
PACKAGE = Path(__file__).resolve().parents[3] / "exchange" / "contract"


def changed(contract_id: str, before: str, after: str, version: str = "1.0.0") -> tuple[bytes, int]:
    """The contract with one passage replaced, and the line on which the passage stood."""
    text = contract_raw(contract_id, version).decode()
    assert before in text, before
    return text.replace(before, after, 1).encode(), text[: text.index(before)].count("\n") + 1


@pytest.mark.parametrize("name", NAMES, ids="/".join)
def test_every_contract_of_the_project_is_valid_and_lies_in_its_place(name: tuple[str, str]) -> None:
    found = contract(*name)
    assert (found.id, found.version) == name
    assert contract_findings(contract_raw(*name), codelists=codelists()) == ()


def test_the_vendored_schema_is_the_one_its_record_names() -> None:
    for vendored in tomllib.loads((PACKAGE / "VENDOR.toml").read_text(encoding="utf-8"))["vendored"]:
        assert Digest.of((PACKAGE / vendored["file"]).read_bytes()).hex == vendored["sha256"]
        assert all(vendored[key] for key in ("name", "version", "licence", "origin"))


def test_no_schema_refers_outside_itself() -> None:
    for file in PACKAGE.glob("*.schema.json"):
        assert all(ref.startswith("#") for ref in references(json.loads(file.read_bytes()))), file.name


def references(schema: object) -> list[str]:
    if isinstance(schema, Mapping):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [ref for value in schema.values() for ref in references(value)]
    return [ref for item in schema for ref in references(item)] if isinstance(schema, list) else []


def test_the_profile_is_closed_everywhere() -> None:
    def check(schema: object) -> None:
        if isinstance(schema, Mapping):
            names = schema.get("properties")
            if isinstance(names, Mapping) and "type" in schema and "if" not in schema:
                assert schema.get("additionalProperties") is False, sorted(names)
            for value in schema.values():
                check(value)
        elif isinstance(schema, list):
            for item in schema:
                check(item)

    check(json.loads((PACKAGE / "profile.schema.json").read_bytes()))


def test_the_digest_is_of_the_values_not_of_the_layout() -> None:
    raw = contract_raw("CA-01-BORDER")
    commented = raw.replace(b"version: 1.0.0\n", b"# a comment\nversion: '1.0.0'   # quoted\n")
    assert digest(commented) == digest(raw) == Digest.of(rfc8785.dumps(read_text(raw).document))  # type: ignore[arg-type]  # JSON
    assert digest(changed("CA-01-BORDER", "widthAbs: 10", "widthAbs: 9")[0]) != digest(raw)


def digest(raw: bytes) -> Digest:
    return parse_contract(raw, codelists=codelists()).digest


def test_every_clause_of_ca05_is_typed() -> None:
    found = contract("CA-05-WORK-PERMITS")
    assert found.members(Role.PROVIDER) == found.members(Role.RECIPIENT) == ("KG", "KZ", "TJ", "TM", "UZ")
    assert found.members(Role.AUDITOR) == ("IOM",)
    assert found.recipients_of("KZ") == ("KG", "TJ", "TM", "UZ")
    assert (found.measure, found.unit, found.decimals) == ("PERMITS", "permits", 0)
    assert (found.calendar.frequency, found.calendar.due_days) == ("month", 30)
    assert found.concept.counting_unit == "permit"
    assert found.disclosure.contributors == ("worker", "employer")
    assert (found.disclosure.contributors_min, found.disclosure.zeros) == (5, Zeros.PUBLISHED)
    assert found.disclosure.interval == IntervalFloor(width_abs=5, must_reach=5)
    assert [table.dominance is not None for table in found.tables] == [False, True, False]
    assert found.tables[1].dominance == DominanceRule(
        contributor="employer", n=2, k_percent_max=85, p_percent_min=10, contributors_min=3, width_rel_min=0.1
    )
    assert (found.approvals.officers_min, found.approvals.roles) == (2, ("clearing",))
    assert found.approvals.proofs == ("officer-key", "webauthn")
    assert (found.effective, found.ends, found.notice_days) == (date(2026, 1, 1), None, 90)
    assert (found.retention_months, found.onward_sharing, found.publication_allowed) == (36, "with_consent", False)
    assert found.mirror is not None
    assert (found.mirror.contract_id, found.mirror.exact_concept) == ("CA-06-LABOUR-EMIG", False)
    assert "Q" in found.attributes["OBS_STATUS"]
    assert found.disclosure.additive_over == {dimension.id for dimension in found.dimensions} | {"TIME_PERIOD"}


def test_ca07_releases_left_only_never_sums_measures_and_is_not_additive_over_time() -> None:
    found = contract("CA-07-EXPULSIONS-BANS", "2.0.0")
    assert found.members(Role.PROVIDER) == ("GB",)
    assert found.recipients_of("GB") == ("KG", "KZ", "TJ", "TM", "UZ")
    assert found.members() == ("GB", "IOM", "KG", "KZ", "TJ", "TM", "UZ")
    assert found.effective == date(2018, 1, 1)
    measure = found.dimension("MEASURE")
    assert (measure.has_total, measure.codes) == (False, ("LEFT",))
    assert found.disclosure.additive_over == {"CITIZENSHIP", "RETURN_TYPE", "SEX", "AGE"}
    assert (found.disclosure.sensitive_dimensions, found.disclosure.group_disclosure_k) == (("RETURN_TYPE",), 3)
    levels = {part.dimension: part.codes for table in found.tables for part in table.dimensions}
    assert levels["RETURN_TYPE"] == ("FORCED", "VOL")
    assert levels["AGE"] == ("Y_LT18", "Y_GE18", "_U")
    assert levels["SEX"] == ("M", "F", "_U")
    assert {"KZ", "NO", "NA", "XS", "XU"} <= set(levels["CITIZENSHIP"])
    assert not {"_T", "CA5", "EU27", "OTH"} & set(levels["CITIZENSHIP"])


@pytest.mark.parametrize(
    ("contract_id", "before", "after", "below", "path", "found"),
    [
        pytest.param(CA01, "domain: migration", "domain: migration\ncolour: red", 1, "colour",
                     "the unknown key colour", id="an unknown key at the top"),
        pytest.param(CA01, "zeros: published", "zeros: published\n          rounding: 5", 1,
                     "schema[0].quality[0].implementation.rounding", "the unknown key rounding", id="a second method"),
        pytest.param(CA01, "apiVersion: v3.1.0", "apiVersion: v3.0.2", 0, "apiVersion", '"v3.0.2"', id="another ODCS"),
        pytest.param(CA01, "method: suppression", "method: rounding", 0, "schema[0].quality[0].implementation.method",
                     '"rounding"', id="another method"),
        pytest.param(CA01, "contributorsMin: 10", "contributorsMin: 2", 0,
                     "schema[0].quality[0].implementation.contributorsMin", "2", id="too low a threshold"),
        pytest.param(CA01, "officersMin: 2", "officersMin: 1", 0, "customProperties[4].value.officersMin", "1",
                     id="one officer"),
        pytest.param(CA01, "value: month", "value: week", 0, "slaProperties[0].value", '"week"', id="a frequency"),
        pytest.param(CA01, "value: 20", 'value: "20"', 0, "slaProperties[1].value", '"20"', id="a number as text"),
        pytest.param(CA01, "      - property: concept", "      - property: concepts", 0,
                     "schema[0].customProperties[0].property", '"concepts"', id="a custom property of another name"),
        pytest.param(CA01, "level: leaves", "level: all", 0,
                     "schema[0].customProperties[1].value[0].dimensions[0].level", '"all"', id="a level"),
        pytest.param(CA07, "                level: leaves",
                     "                level: leaves\n                codes: [KZ]", 1,
                     "schema[0].customProperties[1].value[0].dimensions[1].codes", "1 items", id="leaves with codes"),
        pytest.param(CA01, 'value: "2026-01-01"', 'value: "1.1.2026"', 0, "customProperties[1].value", '"1.1.2026"',
                     id="a date of another form"),
        pytest.param(CA01, "      ru: ", "      de: Grenze\n      ru: ", 0, "customProperties[0].value.de",
                     "the unknown key de", id="a language that is none of ours"),
    ],
)  # fmt: skip
def test_what_the_closed_schema_does_not_know_is_refused_with_line_and_place(
    contract_id: str, before: str, after: str, below: int, path: str, found: str
) -> None:
    raw, line = changed(contract_id, before, after)
    with pytest.raises(ContractSchemaError) as caught:
        parse_contract(raw, codelists=codelists())
    facts = caught.value.facts
    assert (facts["line"], facts["path"], facts["found"]) == (line + below, path, found)
    assert contract_findings(raw, codelists=codelists())[0].facts == facts


def test_a_missing_key_is_refused_where_it_should_stand() -> None:
    raw, line = changed(CA01, "          zeros: published\n", "")
    with pytest.raises(ContractSchemaError) as caught:
        parse_contract(raw, codelists=codelists())
    assert caught.value.facts["expected"] == "the key zeros"
    assert int(str(caught.value.facts["line"])) < line


def test_a_file_with_several_faults_shows_them_all_by_line() -> None:
    raw, _ = changed(CA01, "value: month", "value: week")
    raw = raw.replace(b"officersMin: 2", b"officersMin: 1").replace(b"domain: migration", b"domain: trade")
    found = contract_findings(raw, codelists=codelists())
    assert [finding.facts["path"] for finding in found] == [
        "domain",
        "slaProperties[0].value",
        "customProperties[4].value.officersMin",
    ]


@pytest.mark.parametrize(
    ("contract_id", "before", "after", "below", "expected", "found"),
    [
        pytest.param(CA07, "[FORCED, VOL]", "[FORCED, VOLUNTARY]", 0, "a code of removal_type other than _T",
                     "VOLUNTARY", id="a wrong code"),
        pytest.param(CA07, "[FORCED, VOL]", "[FORCED, _T]", 0, "a code of removal_type other than _T", "_T",
                     id="the total as a code"),
        pytest.param(CA07, "[FORCED, VOL]", "[FORCED, READM]", None, "codes none of which holds another",
                     "READM inside FORCED", id="a code inside another"),
        pytest.param(CA07, "[FORCED, VOL]", "[FORCED]", None,
                     "codes that cover the list, or a residual code for the rest", "SHORTEN, SELF_DEP, AVRR in none",
                     id="a level that does not cover its parent"),
        pytest.param(CA07, "codes: [LEFT]", "codes: [LEAVE]", 0, "a code of enforcement_measure other than _T", "LEAVE",
                     id="a restriction to no code"),
        pytest.param(CA07, "sensitiveDimensions: [RETURN_TYPE]", "sensitiveDimensions: [REASON]", 0, None, "REASON",
                     id="a sensitive dimension that is none"),
        pytest.param(CA07, "groupDisclosureK: 3", "groupDisclosureK: null", 0,
                     "a number, as there are sensitive dimensions", "null", id="no k for a sensitive dimension"),
        pytest.param(CA05, "contributor: employer", "contributor: firm", 0, None, "firm", id="an unknown contributor"),
        pytest.param(CA01, "dimension: MODE", "dimension: TRANSPORT", 0, None, "TRANSPORT", id="an unknown dimension"),
        pytest.param(CA01, "primaryKeyPosition: 3", "primaryKeyPosition: 4", 0, "3", "4", id="positions with a gap"),
        pytest.param(CA01, "- name: OBS_STATUS", "- name: CONF_STATUS", 10, "each once", "CONF_STATUS again",
                     id="a column twice"),
        pytest.param(CA01, "username: KG", "username: KZ", 0, "each once", "KZ again", id="a party twice"),
        pytest.param(CA01, "value: [auditor]", "value: [auditor, recipient]", None,
                     "an auditor that is neither provider nor recipient", "auditor, recipient",
                     id="an auditor who pulls"),
        pytest.param(CA01, "logicalType: integer", "logicalType: number", 0,
                     "integer without decimals, number with them", "number", id="a number without decimals"),
        pytest.param(CA01, "  - property: ends\n    value: null", '  - property: ends\n    value: "2025-01-01"', 1,
                     "a day after 2026-01-01", "2025-01-01", id="an end before the beginning"),
        pytest.param(CA01, 'value: "2026-01-01"', 'value: "2026-02-30"', 0, "a day of the calendar", "2026-02-30",
                     id="a day that does not exist"),
        pytest.param(CA01, "ratioMin: 0.97", "ratioMin: null", None, "both bounds of the ratio, or neither", "one",
                     id="half a ratio"),
        pytest.param(CA01, "  - name: CA-01-BORDER", "  - name: CA-02-BORDER", 0, "CA-01-BORDER", "CA-02-BORDER",
                     id="another name than the id"),
        pytest.param(CA01, "              - dimension: DIRECTION\n                level: leaves\n", "", None,
                     "DIRECTION, which has no total", "a table without it", id="a table without the direction"),
        pytest.param(CA01, "              - dimension: SEX\n", "              - dimension: MODE\n", None,
                     "a table that releases this dimension", "none", id="a dimension that nothing releases"),
        pytest.param(CA01, "              - dimension: SEX\n",
                     "              - dimension: MODE\n                level: leaves\n"
                     "              - dimension: COUNTERPART\n                level: leaves\n"
                     "              - dimension: SEX\n", None,
                     "at most 3 dimensions with a total", "4", id="four dimensions in a table"),
    ],
)  # fmt: skip
def test_clauses_that_contradict_each_other_are_refused_with_their_line(
    contract_id: str, before: str, after: str, below: int | None, expected: str | None, found: str
) -> None:
    raw, line = changed(contract_id, before, after)
    with pytest.raises(ContractRuleError) as caught:
        parse_contract(raw, codelists=codelists())
    facts = caught.value.facts
    assert facts["found"] == found
    assert expected is None or facts["expected"] == expected
    assert below is None or facts["line"] == line + below


def test_a_table_releases_no_code_that_the_dimension_is_restricted_from() -> None:
    raw, line = changed(CA07, "                codes: [LEFT]", "                codes: [ORDERED]", "1.1.0")
    with pytest.raises(ContractRuleError) as caught:
        parse_contract(raw, codelists=codelists())
    assert (caught.value.facts["line"], caught.value.facts["expected"]) == (line, "one of LEFT")


def test_a_residual_code_completes_a_level_that_does_not_cover_its_parent() -> None:
    raw, _ = changed(
        CA07,
        "codes: [Y_LT18, Y_GE18, _U]",
        "codes: [Y_LT14, Y_GE18, _U]\n                residual: _U",
    )
    age = parse_contract(raw, codelists=codelists()).tables[1].dimensions[3]
    assert (age.codes, age.residual) == (("Y_LT14", "Y_GE18", "_U"), "_U")


def test_a_protected_table_crosses_two_dimensions_at_most() -> None:
    raw, _ = changed(CA07, "profile: counts_sensitive", "profile: counts_protected")
    with pytest.raises(ContractRuleError, match="at most 2 dimensions with a total"):
        parse_contract(raw, codelists=codelists())


def test_a_norway_without_quotes_is_refused_with_its_line() -> None:
    raw, line = changed(CA07, "codes: [LEFT]", "codes: [NO]")
    with pytest.raises(ContractYamlError, match=f"line {line}: `NO` without quotes") as caught:
        parse_contract(raw, codelists=codelists())
    assert "строка" in caught.value.sentence("ru")


def test_a_code_list_that_was_edited_is_not_the_one_agreed_on() -> None:
    edited = {Digest.of(raw + b"QQ,Atlantis,_T\n" if b"\nM,Male" in raw else raw): raw for raw in codelists().values()}
    with pytest.raises(CodeListAbsentError, match="code list sex is pinned to sha256:"):
        parse_contract(contract_raw(CA01), codelists=edited)


def test_bytes_under_a_digest_that_is_not_theirs_are_refused() -> None:
    swapped = dict(zip(codelists(), reversed(codelists().values()), strict=True))
    with pytest.raises(ContractError):
        parse_contract(contract_raw(CA01), codelists=swapped)


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ("CA-01-BORDER", [("CA-01-BORDER", "1.0.0")]),
        ("ca-01", [("CA-01-BORDER", "1.0.0")]),
        ("CA-07", [(CA07, "1.0.0"), (CA07, "1.1.0"), (CA07, "2.0.0")]),
        ("ca-07/2.0.0", [(CA07, "2.0.0")]),
        ("ca-07/2", [(CA07, "2.0.0")]),
    ],
)
def test_a_contract_is_found_by_an_unambiguous_beginning(asked: str, chosen: list[tuple[str, str]]) -> None:
    assert list(choose(NAMES, asked)) == chosen


@pytest.mark.parametrize("asked", ["CA-99", "", "/1.0.0", "ca-07/3", "ca-01/1.0.0.0", "../CA-01"])
def test_what_fits_no_contract_is_refused_with_what_is_at_hand(asked: str) -> None:
    with pytest.raises(ContractNotAtHandError, match="CA-05-WORK-PERMITS/1"):
        choose(NAMES, asked)


def test_a_beginning_that_fits_two_is_refused() -> None:
    with pytest.raises(ContractAmbiguousError):
        choose(NAMES, "CA-0")
    with pytest.raises(ContractAmbiguousError, match=r"1\.1\.0, CA-07-EXPULSIONS-BANS/2\.0\.0"):
        choose_one(NAMES, "CA-07")


def test_the_readme_lists_every_contract() -> None:
    readme = (CONTRACTS / "README.md").read_text(encoding="utf-8")
    assert all(f"| {contract_id} {version} |" in readme for contract_id, version in NAMES)
