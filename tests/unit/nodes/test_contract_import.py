"""`exchange contract import`: a plain ODCS file becomes a draft that takes what is said and guesses nothing."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.contract.parse import contract_findings, parse_contract
from exchange.contract.text import read_text
from exchange.encoding import Json
from exchange.errors import ExchangeError, ExitCode
from exchange.errors.contract import ContractSchemaError, ContractYamlError
from exchange.errors.sdmx import OdcsObjectError
from nodes.cli.main import main
from nodes.desk.contract_export_text import yaml_lines
from nodes.desk.contract_import_draft import TO_DECIDE, draft_contract
from nodes.terminal import Output
from tests.world.contracts import codelists, contract, contract_raw

PLAIN = """\
apiVersion: v3.1.0
kind: DataContract
id: LABOUR-MIGRANTS
name: Labour migrants
version: 2.3.0
status: draft
domain: labour
tenant: Ministry
description:
  purpose: Who works where
schema:
  - name: migrants
    physicalName: mig_tbl
    logicalType: object
    properties:
      - name: SEX
        businessName: Sex
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 2
      - name: country_code
        businessName: Citizenship
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 1
      - name: OBS_VALUE
        businessName: Workers
        logicalType: integer
      - name: remark
        logicalType: string
team:
  members:
    - username: somebody
      role: owner
slaProperties:
  - property: latency
    value: 45
    unit: d
  - property: retention
    value: 3
    unit: "y"
  - property: frequency
    value: week
customProperties:
  - property: effective
    value: "2026-07-01"
  - property: colour
    value: red
"""


TEXTS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=12) | st.sampled_from(
    ["NO", "yes", "010", "1:30", "2026-01-01", "", "~", "null", "- x", "a: b", "#", '"', "line\nline"]
)


def _nested(inside: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.lists(inside, max_size=3) | st.dictionaries(TEXTS, inside, max_size=3)


def _document(value: Json) -> dict[str, Json]:
    return {"on": value, "key": [value]}


def run(*argv: str, language: str = "en") -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json="--json" in argv, language="ru" if language == "ru" else "en", out=out, err=err)
    return main(argv, output=output), out.getvalue(), err.getvalue()


def decided(value: Json) -> Any:  # noqa: ANN401  # parts of a document
    """The document without what is still to decide."""
    if isinstance(value, dict):
        members = {name: decided(member) for name, member in value.items() if not _is_open(member)}
        return {name: member for name, member in members.items() if member not in ({}, [])}
    if isinstance(value, list):
        items = [decided(item) for item in value if not _is_open(item)]
        return [item for item in items if item not in ({}, [])]
    return value


def _is_open(value: Json) -> bool:
    return isinstance(value, dict) and TO_DECIDE in value


def test_what_the_file_says_in_a_clause_of_ours_is_taken_word_by_word() -> None:
    draft = draft_contract(PLAIN.encode())
    assert {term.where for term in draft.taken} == {
        "id",
        "name",
        "version",
        "description.purpose",
        "schema[LABOUR-MIGRANTS].properties[0].businessName",
        "schema[LABOUR-MIGRANTS].properties[SEX].name",
        "schema[LABOUR-MIGRANTS].properties[SEX].businessName",
        "schema[LABOUR-MIGRANTS].properties[OBS_VALUE].businessName",
        "schema[LABOUR-MIGRANTS].properties[OBS_VALUE].logicalType",
        "slaProperties[latency].value",
        "customProperties[effective].value",
    }
    text = read_text(draft.raw).document
    assert decided(text["description"]) == {"purpose": "Who works where"}
    assert [text[name] for name in ("id", "version")] == ["LABOUR-MIGRANTS", "2.3.0"]


def test_nothing_is_in_the_draft_that_neither_the_file_nor_every_contract_of_ours_says() -> None:
    text = decided(read_text(draft_contract(PLAIN.encode()).raw).document)
    assert text["slaProperties"] == [
        {"property": "frequency"},
        {"property": "latency", "value": 45, "unit": "d"},
        {"property": "late", "unit": "d"},
        {"property": "overdue", "unit": "d"},
        {"property": "delinquent", "unit": "d"},
        {"property": "embargo", "unit": "d"},
        {"property": "receipt", "unit": "d"},
        {"property": "retention", "unit": "m"},
    ]
    assert text["team"] == {"name": "Parties"}
    (quality,) = text["schema"][0]["quality"]
    assert quality["implementation"] == {"method": "suppression"}
    assert [entry.get("value") for entry in text["customProperties"]] == [None, "2026-07-01", *[None] * 5]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        pytest.param("slaProperties[retention].value", {"property": "retention", "value": 3, "unit": "y"}, id="years"),
        pytest.param("slaProperties[frequency].value", "week", id="a frequency that we do not have"),
        pytest.param("team.members", [{"username": "somebody", "role": "owner"}], id="people are not parties"),
        pytest.param(
            "schema[LABOUR-MIGRANTS].properties[0].name", "country_code", id="a column's name of another form"
        ),
    ],
)
def test_what_the_file_says_otherwise_than_we_can_is_to_decide_and_shown(where: str, found: Json) -> None:
    (term,) = [term for term in draft_contract(PLAIN.encode()).lacking if term.where == where]
    assert term.found == found


def test_the_columns_of_the_key_become_dimensions_in_the_order_of_the_key() -> None:
    document = read_text(draft_contract(PLAIN.encode()).raw).document
    columns: Any = document["schema"]
    named = [(column["businessName"], column["primaryKeyPosition"]) for column in columns[0]["properties"][:2]]
    assert named == [("Citizenship", 1), ("Sex", 2)]


def test_what_has_no_place_in_our_contract_is_named_with_its_line() -> None:
    left = {(item.where, item.line, item.reason.en) for item in draft_contract(PLAIN.encode()).left_out}
    assert left == {
        ("status", 6, "here it is always active"),
        ("domain", 7, "here it is always migration"),
        ("tenant", 8, "our contract has no such clause"),
        ("schema[0].name", 12, "here it is always the contract's id"),
        ("schema[0].physicalName", 13, "our contract has no such clause"),
        ("schema[0].properties[3]", 31, "our contract has no such clause"),
        ("slaProperties[1].unit", 43, "here it is always m"),
        ("customProperties[1]", 49, "our contract has no such clause"),
        ("roles[0].customProperties: exclusions", 0, "absent: no recipient is kept from any cell"),
    }


def test_the_draft_is_refused_at_every_term_to_decide_and_nowhere_else() -> None:
    draft = draft_contract(PLAIN.encode())
    document = read_text(draft.raw)
    findings = contract_findings(draft.raw, codelists=codelists())
    lines = {term.line for term in draft.lacking}
    refused = {int(str(finding.facts["line"])) for finding in findings}
    assert lines <= refused
    spans = {term.line + offset for term in draft.lacking for offset in range(30)}  # inside an example, at most
    assert refused <= spans | {document.line(("schema", 0, "properties", 0))}


@pytest.mark.parametrize("name", ["CA-01-BORDER", "CA-05-WORK-PERMITS", "CA-10-TRAFFICKING"])
def test_a_contract_of_ours_lacks_nothing_and_stays_the_same_contract(name: str) -> None:
    draft = draft_contract(contract_raw(name))
    assert draft.lacking == ()
    assert parse_contract(draft.raw, codelists=codelists()).digest == contract(name).digest


@pytest.mark.parametrize(
    ("gone", "where"),
    [
        (
            "      contributorsMin: 5\n          interval",
            "schema[CA-05-WORK-PERMITS].quality[disclosure].implementation.contributorsMin",
        ),
        ("  - property: noticeDays\n    value: 90\n", "customProperties[noticeDays].value"),
        ("  - property: embargo\n    value: 0\n    unit: d\n", "slaProperties[embargo].value"),
        (
            "      - property: onwardSharing\n        value: with_consent\n",
            "roles[recipient].customProperties[onwardSharing].value",
        ),
        ("          flowOrStock: flow\n", "schema[CA-05-WORK-PERMITS].customProperties[concept].value.flowOrStock"),
    ],
)
def test_a_clause_that_is_not_there_is_the_one_term_to_decide(gone: str, where: str) -> None:
    raw = contract_raw("CA-05-WORK-PERMITS").decode()
    kept = "      interval" if gone.endswith("interval") else ""
    assert gone in raw
    draft = draft_contract(raw.replace(gone, kept).encode())
    assert [term.where for term in draft.lacking] == [where]
    assert read_text(draft.raw).document["id"] == "CA-05-WORK-PERMITS"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        pytest.param(
            PLAIN.replace("value: week", "value: no"), ContractYamlError, id="a word that YAML 1.1 reads as false"
        ),
        pytest.param(PLAIN.replace("kind: DataContract\n", ""), ContractSchemaError, id="no ODCS"),
        pytest.param(PLAIN.replace("tenant:", "tenants:"), ContractSchemaError, id="a key that ODCS lacks"),
        pytest.param(
            PLAIN.replace("  - name: migrants", "  - name: other\n  - name: migrants"), OdcsObjectError, id="two"
        ),
    ],
)
def test_a_file_that_says_no_one_thing_is_refused(text: str, refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        draft_contract(text.encode())


def test_of_several_objects_one_is_chosen_by_its_name() -> None:
    two = PLAIN.replace("  - name: migrants", "  - name: other\n  - name: migrants").encode()
    assert "schema[LABOUR-MIGRANTS].properties[SEX].name" in {
        t.where for t in draft_contract(two, chosen="migrants").taken
    }
    assert ("schema[0]", 12) in {(left.where, left.line) for left in draft_contract(two, chosen="migrants").left_out}
    with pytest.raises(OdcsObjectError, match="expected one of other, migrants, found third"):
        draft_contract(two, chosen="third")


@settings(max_examples=60)
@given(st.recursive(st.none() | st.booleans() | st.integers(0, 10**6) | TEXTS, _nested, max_leaves=12).map(_document))
def test_what_is_written_as_yaml_reads_back_as_the_same(document: dict[str, Json]) -> None:
    text = "\n".join([*yaml_lines(document), ""])
    assert read_text(text.encode()).document == document


def test_the_command_writes_the_draft_and_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "plain.odcs.yaml").write_text(PLAIN, encoding="utf-8")
    draft = tmp_path / "draft.yaml"
    code, out, _ = run("contract", "import", str(tmp_path / "plain.odcs.yaml"), "-o", str(draft))
    assert code == ExitCode.FINE
    assert "slaProperties[retention].value" in out
    assert "tenant" in out
    assert "a draft, not a contract: 11 terms taken" in out
    assert draft.read_text(encoding="utf-8").startswith("# A draft, not a contract")
    code, out, _ = run("contract", "check", str(draft))
    assert code == ExitCode.DOES_NOT_HOLD


def test_a_program_reads_the_same_account(tmp_path: Path) -> None:
    (tmp_path / "plain.odcs.yaml").write_text(PLAIN, encoding="utf-8")
    code, out, _ = run("--json", "contract", "import", str(tmp_path / "plain.odcs.yaml"), "-o", str(tmp_path / "draft"))
    told = json.loads(out)
    assert code == ExitCode.FINE
    assert {"where": "slaProperties[latency].value", "fileLine": 39} in told["taken"]
    assert {"line", "where", "example", "found"} == set(told["lacking"][0])
    assert {"where": "tenant", "fileLine": 8, "reason": "our contract has no such clause"} in told["leftOut"]


def test_the_account_is_given_in_russian_too(tmp_path: Path) -> None:
    (tmp_path / "plain.odcs.yaml").write_text(PLAIN, encoding="utf-8")
    argv = ("contract", "import", str(tmp_path / "plain.odcs.yaml"), "-o", str(tmp_path / "draft"))
    _, out, _ = run(*argv, language="ru")
    assert "в нашем договоре нет такого условия" in out
    assert "черновик, не договор" in out


def test_a_draft_in_which_somebody_has_decided_something_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "plain.odcs.yaml").write_text(PLAIN, encoding="utf-8")
    draft = tmp_path / "draft.yaml"
    draft.write_text("decided", encoding="utf-8")
    code, _, err = run("contract", "import", str(tmp_path / "plain.odcs.yaml"), "-o", str(draft))
    assert code == ExitCode.ERROR
    assert "draft.yaml" in err
    assert draft.read_text(encoding="utf-8") == "decided"
