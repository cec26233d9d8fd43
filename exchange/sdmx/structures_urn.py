"""The names of SDMX artefacts: one URN for one content, for ever.

Source: SDMX 3.0 section 6, 6.2.2 (universal resource name).
"""

from typing import TypeAlias

from exchange.codes import CodeList
from exchange.sdmx.structure import AGENCY

Urn: TypeAlias = str

LIST_VERSION = "1.0.0"
"""Of every code list: another content is another list, since its id holds the beginning of its digest."""
DIGEST_DIGITS = 8
_PARTS = {
    "AgencyScheme": "base",
    "Agency": "base",
    "DataProviderScheme": "base",
    "DataProvider": "base",
    "ConceptScheme": "conceptscheme",
    "Concept": "conceptscheme",
    "Codelist": "codelist",
    "Code": "codelist",
    "DataStructure": "datastructure",
    "Dataflow": "datastructure",
    "DataConstraint": "registry",
    "ProvisionAgreement": "registry",
}
"""The package of the information model in which each class of artefact stands; part of its URN."""


def urn(kind: str, identity: str, item: str | None = None, *, agency: str = AGENCY) -> Urn:
    """The URN of a maintained artefact (`identity` is `ID(VERSION)`), or of an item in it."""
    name = f"urn:sdmx:org.sdmx.infomodel.{_PARTS[kind]}.{kind}={agency}:{identity}"
    return name if item is None else f"{name}.{item}"


def list_id(codelist: CodeList) -> str:
    """`CL_SEX_08CC59B3`: a list is known by the digest of its bytes, so two contents never share a URN."""
    return f"CL_{codelist.id.upper()}_{codelist.digest.hex[:DIGEST_DIGITS].upper()}"
