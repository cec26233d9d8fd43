"""The components of a contract's data structure: dimensions, the period, the one measure, attributes."""

from collections.abc import Mapping

from pysdmx.model import Codelist, Component, Concept, DataType, Facets, Role

from exchange.codes import Frequency
from exchange.contract.model import DataContract
from exchange.manifest import SALT_PATTERN

_PERIODS = {
    Frequency.MONTH: DataType.YEAR_MONTH,
    Frequency.QUARTER: DataType.REP_QUARTER,
    Frequency.YEAR: DataType.YEAR,
}
_OBSERVATION = "O"
_DATASET = "D"


def coded(column: str, role: Role, concepts: Mapping[str, Concept], codes: Codelist) -> Component:
    """A dimension, or an attribute of the observation, with its code list.

    The list is named twice, since one of pysdmx's writers reads the list itself and the other its URN.
    """
    level = _OBSERVATION if role is Role.ATTRIBUTE else None
    return Component(
        column,
        required=True,
        role=role,
        concept=concepts[column],
        local_codes=codes,
        local_enum_ref=codes.urn,
        attachment_level=level,
    )


def period(concept: Concept, contract: DataContract) -> Component:
    """TIME_PERIOD in the one spelling that the contract's frequency has."""
    kind = _PERIODS[Frequency(contract.calendar.frequency)]
    return Component(concept.id, required=True, role=Role.DIMENSION, concept=concept, local_dtype=kind)


def measure(concept: Concept, contract: DataContract) -> Component:
    """The one measure; not required, since a withheld cell has none."""
    kind = DataType.DECIMAL if contract.decimals else DataType.LONG
    facets = Facets(decimals=contract.decimals) if contract.decimals else None
    return Component(
        concept.id, required=False, role=Role.MEASURE, concept=concept, local_dtype=kind, local_facets=facets
    )


def salt(concept: Concept) -> Component:
    """The constant last column, an attribute of the whole data set."""
    return Component(
        concept.id,
        required=True,
        role=Role.ATTRIBUTE,
        concept=concept,
        local_dtype=DataType.STRING,
        local_facets=Facets(pattern=SALT_PATTERN),
        attachment_level=_DATASET,
    )
