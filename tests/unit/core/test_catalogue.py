"""The twelve contracts against the catalogue they were written from, field by field, with every difference named.

The catalogue is read by a YAML reader of its own. A field that differs without a row below fails, and so does a row
that no longer differs.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import pytest
from ruamel.yaml import YAML

from exchange.contract.model import DataContract, Role, Table, TableDimension
from tests.shared import shared
from tests.world.contracts import contract

Entry: TypeAlias = dict[str, Any]  # a mapping of the catalogue
IDS = (
    "CA-01-BORDER", "CA-02-REFUSED", "CA-03-RESIDENCE-REG", "CA-04-DEREG", "CA-05-WORK-PERMITS", "CA-06-LABOUR-EMIG",
    "CA-07-EXPULSIONS-BANS", "CA-08-RETURNEES", "CA-09-IRREGULAR", "CA-10-TRAFFICKING", "CA-11-REMITTANCES",
    "CA-12-ASYLUM",
)  # fmt: skip
INLINE = {"CA-06-LABOUR-EMIG": "labour_channel", "CA-07-EXPULSIONS-BANS": "enforcement_measure",
          "CA-12-ASYLUM": "asylum_measure"}  # fmt: skip
"""The lists that were made of codes which the catalogue writes inline."""
LEVELS = {"CA5": "country_groups", "CIS_OTH": "country_groups", "Y15T24": "broad", "Y_LT18": "child_adult"}
"""A code that tells at which coarser level a table stands; any other level is that of the finest codes."""
FINEST = {"countries": "countries", "regions": "oblast", "age_bands": "five_year", "isic4_section": "section"}

NO_CLAUSE: Mapping[str, str] = {
    "id": "the key under which both are compared",
    "definition": "compared by eye: ours says what the tables release, in one sentence",
    "sensitivity": "the disclosure profile says what follows from it",
    "notes": "what binds is a clause, what a reader must know stands in limitations",
    "note": "the same",
}
COMPARED = {
    "title", "standard_term", "unit", "flow_or_stock", "frequency", "timeliness_days", "dimensions", "senders",
    "mirror", "disclosure", "extra_disclosure", "permitted_purposes", "contributors", "tables", "additive_over",
    "sensitive_dimensions", "exclusions",
}  # fmt: skip
"""The catalogue's fields that `differing` looks at."""

_UNUSED = "optional there, and no table uses it: a dimension that nothing releases is not in a contract (decision 8)"
_NO_MIRROR = "without a mirror contract there is no clause; limitations say what to compare with"
_COARSER = "the table of single ages would be withheld nearly whole: children and adults"
_INVERSE = "written out, so that one contract can be read without the other"
DIFFERENCES: Mapping[tuple[str, str], str] = {
    ("CA-01-BORDER", "dimensions"): f"PURPOSE: {_UNUSED}",
    ("CA-02-REFUSED", "levels of AGE"): _COARSER,
    ("CA-03-RESIDENCE-REG", "mirror.rule"): "says the lag as well",
    ("CA-03-RESIDENCE-REG", "mirror.lag_periods"): "no clause of its own: the rule says it",
    ("CA-04-DEREG", "mirror.rule"): _INVERSE,
    ("CA-04-DEREG", "mirror.exact_concept"): "the catalogue is silent; the inverse of a mirror that is not exact",
    ("CA-05-WORK-PERMITS", "title.en"): "the catalogue's line breaks off at a comma",
    ("CA-05-WORK-PERMITS", "dimensions"): "PERMIT_TYPE: in none of the tables that the catalogue lists (decision 8)",
    ("CA-06-LABOUR-EMIG", "mirror.rule"): "ends with the catalogue's note on what the gap means",
    ("CA-07-EXPULSIONS-BANS", "dimensions"): f"REGION: {_UNUSED}",
    ("CA-07-EXPULSIONS-BANS", "levels of AGE"): "the catalogue's own tables of this contract say children and adults",
    ("CA-07-EXPULSIONS-BANS", "tables"): "the catalogue lists those of LEFT and leaves the other measures to be added",
    ("CA-08-RETURNEES", "levels of AGE"): _COARSER,
    ("CA-08-RETURNEES", "mirror.rule"): _INVERSE,
    ("CA-08-RETURNEES", "mirror.exact_concept"): "the catalogue is silent; the inverse of a mirror that is not exact",
    ("CA-09-IRREGULAR", "dimensions"): f"ENTRY_PURPOSE: {_UNUSED}",
    ("CA-09-IRREGULAR", "levels of AGE"): _COARSER,
    ("CA-09-IRREGULAR", "mirror.rule"): _NO_MIRROR,
    ("CA-11-REMITTANCES", "unit"): "value and number of transfers, both asked for by the definition, in one contract",
    ("CA-11-REMITTANCES", "dimensions"): "MEASURE tells value and number apart",
    ("CA-11-REMITTANCES", "must_reach"): "no constant: the dominance rule asks value + p % of every cell it withholds",
    ("CA-12-ASYLUM", "levels of AGE"): _COARSER,
    ("CA-12-ASYLUM", "levels of CITIZENSHIP"): "countries of few applicants in one code: each zero would be withheld",
    ("CA-12-ASYLUM", "mirror.rule"): _NO_MIRROR,
}  # fmt: skip
"""By contract and field, why ours says something else."""


@cache
def whole_catalogue() -> Entry:
    found: Entry = YAML(typ="safe").load(shared("domain/contracts-catalogue.yaml").read_text(encoding="utf-8"))
    return found


def differing(theirs: Entry, ours: DataContract, whole: Entry) -> dict[str, tuple[object, object]]:
    """By field: what the catalogue asks, and what the contract says instead."""
    pairs = {
        **parties(theirs, ours, whole),
        **figures(theirs, ours),
        **safety(theirs, ours, whole),
        **terms(theirs, ours, whole),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def parties(theirs: Entry, ours: DataContract, whole: Entry) -> dict[str, tuple[object, object]]:
    named = whole["catalogue"]
    return {
        "providers": (sorted(named["parties"]), list(ours.members(Role.PROVIDER))),
        "recipients": (sorted(whole["defaults"]["recipients"]["parties"]), list(ours.members(Role.RECIPIENT))),
        "auditor": ([named["auditor"]], list(ours.members(Role.AUDITOR))),
        "senders": (theirs["senders"], {party.member: party.sender for party in ours.parties if party.sender}),
    }


def figures(theirs: Entry, ours: DataContract) -> dict[str, tuple[object, object]]:
    """What is counted, along which dimensions, in which tables."""
    held = {dimension.id: dimension for dimension in ours.dimensions}
    found: dict[str, tuple[object, object]] = {
        "title.en": (theirs["title"]["en"], ours.title["en"]),
        "title.ru": (theirs["title"]["ru"], ours.title["ru"]),
        "unit": (theirs["unit"].lower().replace("_", "-"), ours.unit),
        "flow_or_stock": (theirs["flow_or_stock"], ours.concept.flow_or_stock),
        "standard_term": (
            references(theirs["standard_term"]),
            references(theirs["standard_term"]) & references(ours.concept.standard_term),
        ),
        "dimensions": (sorted(one["id"] for one in theirs["dimensions"]), sorted(held)),
    }
    for one in theirs["dimensions"]:
        name = one["id"]
        if name in held:
            listed = INLINE[ours.id] if one["codelist"] == "inline" else one["codelist"]
            found[f"codelist of {name}"] = (listed, held[name].codelist.id)
            if "codes" in one:
                found[f"codes of {name}"] = (list(one["codes"]), [code.id for code in held[name].codelist.codes])
            found[f"levels of {name}"] = (
                [],
                sorted(levels(ours, name) - set(one.get("levels", [levels_name(held[name].codelist.id)]))),
            )
    if "tables" in theirs:
        tables = [[part if isinstance(part, str) else next(iter(part)) for part in table] for table in theirs["tables"]]
        found["tables"] = (tables, [[name for name in names(table) if name != "MEASURE"] for table in ours.tables])
    if "additive_over" in theirs:
        found["additive_over"] = (sorted(theirs["additive_over"]), sorted(ours.disclosure.additive_over))
    return found


def safety(theirs: Entry, ours: DataContract, whole: Entry) -> dict[str, tuple[object, object]]:
    """The disclosure profile, whom it counts, what is excluded."""
    rules, defaults = ours.disclosure, whole["defaults"]
    profile = defaults["disclosure_profiles"][theirs["disclosure"]]
    magnitude = defaults["disclosure_profiles"]["magnitude"]
    dominance = (*magnitude["dominance_max"].values(), magnitude["p_percent_min"], magnitude["min_contributors"])
    dominated = "magnitude" in (theirs["disclosure"], theirs.get("extra_disclosure", {}).get("profile"))
    lists = {dimension.codelist.id for dimension in ours.dimensions}
    most = profile.get("max_dimensions_per_table", defaults["max_dimensions_per_table"])
    widest = max(sum(ours.dimension(part.dimension).has_total for part in table.dimensions) for table in ours.tables)
    found: dict[str, tuple[object, object]] = {
        "disclosure": (theirs["disclosure"], rules.profile),
        "method": (profile["method"], rules.method),
        "min_contributors": (profile["min_contributors"], rules.contributors_min),
        "zeros": (profile["zeros"], rules.zeros.value),
        "width_abs": (profile["interval"]["width_abs"], rules.interval.width_abs),
        "width_rel": (profile["interval"].get("width_rel", 0), rules.interval.width_rel),
        "must_reach": (profile["interval"]["must_reach"], rules.interval.must_reach),
        "group_disclosure_k": (profile.get("group_disclosure_k"), rules.group_disclosure_k),
        "dominance": ({dominance} if dominated else set(), {dominance_of(table) for table in ours.tables} - {None}),
        "max_dimensions_per_table": (most, max(most, widest)),
        "no_subnational": (False, profile.get("no_subnational", False) and "regions" in lists),
        "min_period": (profile.get("min_period", ours.calendar.frequency), ours.calendar.frequency),
        "exclusions": (
            [theirs["exclusions"]["rule"]] if "exclusions" in theirs else [],
            [f"recipient != {one.dimension}" for one in ours.exclusions],
        ),
    }  # fmt: skip
    if "contributors" in theirs:
        units = theirs["contributors"]["unit"]
        found["contributors"] = (units if isinstance(units, list) else [units], list(rules.contributors))
    if "sensitive_dimensions" in theirs:
        found["sensitive_dimensions"] = (theirs["sensitive_dimensions"], list(rules.sensitive_dimensions))
    return found


def terms(theirs: Entry, ours: DataContract, whole: Entry) -> dict[str, tuple[object, object]]:
    """Calendar, mirror, use."""
    defaults, mirror = whole["defaults"], ours.mirror
    policy, named = defaults["revision_policy"], theirs["mirror"]
    ratio = [mirror.ratio_min, mirror.ratio_max] if mirror is not None and mirror.ratio_min is not None else None
    return {
        "frequency": (theirs["frequency"], ours.calendar.frequency),
        "timeliness_days": (theirs["timeliness_days"], ours.calendar.due_days),
        "mirror.contract": (named["contract"], mirror.contract_id if mirror else None),
        "mirror.rule": (named["rule"], mirror.rule if mirror else None),
        "mirror.exact_concept": (named.get("exact_concept"), mirror.exact_concept if mirror else None),
        "mirror.expected_ratio": (named.get("expected_ratio"), ratio),
        "mirror.lag_periods": (named.get("lag_periods", 0), 0),
        "permitted_purposes": (
            sorted(theirs.get("permitted_purposes", defaults["permitted_purposes"])), sorted(ours.permitted_purposes)
        ),
        "prohibited_purposes": (sorted(defaults["prohibited_purposes"]), sorted(ours.prohibited_purposes)),
        "retention_months": (defaults["retention_months"], ours.retention_months),
        "provisional_after_days": (policy["provisional_after_days"], ours.revisions.provisional_after_days),
        "final_after_months": (policy["final_after_months"], ours.revisions.final_after_months),
        # Unit and decimals are clauses of the measure, the same for every row.
        "attributes": (sorted(defaults["attributes"]), sorted([*ours.attributes, "UNIT_MEASURE", "DECIMALS"])),
        "onward": ("onward_release_without_consent" in ours.prohibited_purposes, ours.onward_sharing == "with_consent"),
    }  # fmt: skip


def names(table: Table) -> list[str]:
    return [part.dimension for part in table.dimensions]


def dominance_of(table: Table) -> tuple[float, ...] | None:
    """n, k, p and the least number of contributors of a table's rule, in the catalogue's order."""
    rule = table.dominance
    return None if rule is None else (rule.n, rule.k_percent_max, rule.p_percent_min, rule.contributors_min)


def references(text: str) -> set[str]:
    """Laws, tables and standards by number or name."""
    return set(re.findall(r"\b\d+/\d+\b|migr_\w+|\bICLS-20\b|\bBPM6\b|\bICS-TIP\b|\bSDG \S+\d|\bIRRS\b|\bAVRR\b", text))


def levels_name(codelist: str) -> str:
    return FINEST.get(codelist, "all")


def levels(ours: DataContract, dimension: str) -> set[str]:
    """At which levels the tables release a dimension, in the catalogue's words."""
    codelist = ours.dimension(dimension).codelist
    parts = [part for table in ours.tables for part in table.dimensions if part.dimension == dimension]
    return {level_of(part, levels_name(codelist.id)) for part in parts}


def level_of(part: TableDimension, finest: str) -> str:
    coarser = next((LEVELS[code] for code in part.codes if part.level == "codes" and code in LEVELS), None)
    return coarser or (f"some {finest}" if part.residual is not None else finest)


@pytest.mark.parametrize("contract_id", IDS)
def test_a_contract_says_what_the_catalogue_says_but_for_the_differences_named_here(contract_id: str) -> None:
    whole = whole_catalogue()
    theirs = next(one for one in whole["contracts"] if one["id"] == contract_id)
    found = differing(theirs, contract(contract_id), whole)
    named = {field for name, field in DIFFERENCES if name == contract_id}
    assert found.keys() == named, {field: pair for field, pair in found.items() if field not in named}


def test_no_field_of_the_catalogue_is_passed_over() -> None:
    for theirs in whole_catalogue()["contracts"]:
        assert theirs.keys() <= COMPARED | NO_CLAUSE.keys(), theirs["id"]


def test_the_twelve_are_the_catalogue_s_twelve() -> None:
    assert tuple(one["id"] for one in whole_catalogue()["contracts"]) == IDS


def test_the_version_of_ca07_with_one_measure_has_the_catalogue_s_own_tables() -> None:
    theirs = next(one for one in whole_catalogue()["contracts"] if one["id"] == "CA-07-EXPULSIONS-BANS")
    found = differing(theirs, contract("CA-07-EXPULSIONS-BANS", "1.1.0"), whole_catalogue())
    assert found.keys() == {"dimensions", "levels of AGE"}  # REGION and BAN_LENGTH, which no table of LEFT has


def test_ca07_has_tables_for_each_of_its_five_measures() -> None:
    tables = contract("CA-07-EXPULSIONS-BANS").tables
    measures = [part.codes for table in tables for part in table.dimensions if part.dimension == "MEASURE"]
    assert set().union(*measures) == {"ORDERED", "LEFT", "BAN_NEW", "BAN_STOCK", "BAN_LIFTED"}
    by_length = next(table for table in tables if table.id == "citizenship-ban-length")
    assert by_length.dimensions[0].codes == ("BAN_NEW", "BAN_STOCK", "BAN_LIFTED")
