"""Structures as bytes: SDMX-ML 3.0 and SDMX-JSON 2.0 (both are SDMX 3.0), written by pysdmx and mended after it.

pysdmx 1.21 has one language in its model and writes it as `en`, has no parents of codes, leaves out of SDMX-ML that the
measure may be empty (the schema's default, which not every reader knows), and writes into SDMX-JSON an empty list of
groups that the official schema refuses. So what it wrote is read again and mended: by URN, each name is put there in
all its languages and each code under its parent. Nothing depends on the time: the message is dated by the contract.

Source: SDMX-ML 3.0 (SDMXStructure.xsd), SDMX-JSON 2.0.0 (sdmx-json-structure-schema.json).
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lxml import etree
from pysdmx.io.json.sdmxjson2.writer.v2_0.structure import write as write_with_pysdmx_as_json
from pysdmx.io.xml.sdmx30.writer.structure import write as write_with_pysdmx_as_xml
from pysdmx.model import Organisation
from pysdmx.model.message import Header

from exchange.codes import Labels
from exchange.contract.model import DataContract
from exchange.sdmx.structure import AGENCY
from exchange.sdmx.structures import ContractStructures
from exchange.sdmx.structures_check import check_json, check_ml
from exchange.sdmx.structures_urn import urn

_COMMON = "{http://www.sdmx.org/resources/sdmxml/schemas/v3_0/common}"
_STRUCTURE = "{http://www.sdmx.org/resources/sdmxml/schemas/v3_0/structure}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_KINDS = {
    "agencySchemes": ("AgencyScheme", "Agency", "agencies"),
    "dataProviderSchemes": ("DataProviderScheme", "DataProvider", "dataProviders"),
    "codelists": ("Codelist", "Code", "codes"),
    "conceptSchemes": ("ConceptScheme", "Concept", "concepts"),
    "dataStructures": ("DataStructure", "", ""),
    "dataflows": ("Dataflow", "", ""),
    "dataConstraints": ("DataConstraint", "", ""),
    "provisionAgreements": ("ProvisionAgreement", "", ""),
}
"""By member of the JSON message's `data`: the class of its artefacts, of their items, and where these stand."""


def write_ml(structures: ContractStructures) -> bytes:
    """The structures as one SDMX-ML 3.0 structure message, in UTF-8, always the same bytes for the same contract.

    Raises:
        StructuresInvalidError: The official schema refuses what was written.
    """
    written = write_with_pysdmx_as_xml(structures.artefacts, header=_header(structures.contract))
    message = etree.fromstring((written or "").encode("utf-8"), _parser())
    for element in message.xpath("//*[@urn]"):
        name = element.get("urn")
        if name in structures.labels:
            _put_names(element, structures.labels[name])
        if name in structures.parents:
            etree.SubElement(element, f"{_STRUCTURE}Parent").text = structures.parents[name]
    for measure in message.iter(f"{_STRUCTURE}Measure"):
        if measure.get("id") is not None:
            measure.set("usage", "optional")
    etree.indent(message, space=" ")
    raw: bytes = etree.tostring(message, encoding="UTF-8", xml_declaration=True) + b"\n"
    check_ml(raw)
    return raw


def write_json(structures: ContractStructures) -> bytes:
    """The structures as one SDMX-JSON 2.0 structure message, in UTF-8, always the same bytes for the same contract.

    Raises:
        StructuresInvalidError: The official schema refuses what was written.
    """
    written = write_with_pysdmx_as_json(structures.artefacts, header=_header(structures.contract))
    message = json.loads(written or "")
    languages = {language for labels in structures.labels.values() for language in labels}
    message["meta"]["contentLanguages"] = sorted(languages)
    for structure in message["data"]["dataStructures"]:
        components = structure["dataStructureComponents"]
        if components.get("groups") == []:
            del components["groups"]
    for name, artefact in _named(message["data"]):
        if name in structures.labels:
            artefact["names"] = dict(_english_first(structures.labels[name]))
        if name in structures.parents:
            artefact["parent"] = structures.parents[name]
    raw = (json.dumps(message, ensure_ascii=False, indent=1) + "\n").encode("utf-8")
    check_json(raw)
    return raw


def _header(contract: DataContract) -> Header:
    """Dated by the contract's first day and named by its digest, so that the same contract gives the same message."""
    first = contract.effective
    return Header(
        id=contract.digest.hex,
        prepared=datetime(first.year, first.month, first.day, tzinfo=UTC),
        sender=Organisation(id=AGENCY),
    )


def _parser() -> etree.XMLParser:
    """Reads our own message: no entities, no network, no blanks between elements."""
    return etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)


def _put_names(element: Any, labels: Labels) -> None:  # noqa: ANN401  # lxml has no types
    """One `Name` a language, where pysdmx put its one."""
    first = element.find(f"{_COMMON}Name")
    place = element.index(first)
    element.remove(first)
    for offset, (language, text) in enumerate(_english_first(labels)):
        name = etree.Element(f"{_COMMON}Name", {_LANGUAGE: language})
        name.text = text
        element.insert(place + offset, name)


def _english_first(labels: Labels) -> list[tuple[str, str]]:
    """A reader that knows one language takes the first; the contract's own is English."""
    return sorted(labels.items(), key=lambda label: (label[0] != "en", label[0]))


def _named(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every artefact and item of the message with its URN, which SDMX-JSON does not write."""
    for member, (kind, item_kind, items) in _KINDS.items():
        for artefact in data.get(member, []):
            identity, agency = f"{artefact['id']}({artefact['version']})", artefact["agencyID"]
            yield urn(kind, identity, agency=agency), artefact
            for item in artefact.get(items, []):
                yield urn(item_kind, identity, item["id"], agency=agency), item
