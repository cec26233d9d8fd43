"""The structure of a contract's data as SDMX names it, and which keys one provider may have rows for."""

from collections.abc import Iterator

from exchange.contract.levels import PROVIDER_SCOPE
from exchange.contract.model import TOTAL, DataContract, Dimension
from exchange.manifest import columns
from exchange.pattern import Margin, Shape
from exchange.table import CellKey

AGENCY = "EXCHANGE"
"""The maintenance agency under which the exchange's dataflows stand."""

WITHHELD = ("Q", "C")
"""OBS_STATUS and CONF_STATUS of a withheld cell, one and the same whatever the reason: a code that told a primary
from a secondary suppression would give an attacker the bounds that the secondary one hides."""
MISSING = ("O", "N")
"""OBS_STATUS and CONF_STATUS of a cell whose figure the provider does not have."""
FREE = "F"
INTERNAL = "N"
NORMAL = "A"

_VALUED_STATUSES = frozenset({"A", "B", "D", "E", "P", "U"})
"""Codes of SDMX CL_OBS_STATUS that say something of a figure, as far as the contracts' list has them."""


class ReleaseStructure:
    """What a file of one provider under one contract may contain."""

    def __init__(self, contract: DataContract, provider: str) -> None:
        self._shape = Shape(contract)
        self._codes = [_codes(dimension, provider) for dimension in contract.dimensions]
        self.dimensions = tuple(dimension.id for dimension in contract.dimensions)
        self.columns = columns(self.dimensions)
        self.structure_id = f"{AGENCY}:{contract.id}({contract.version})"
        self.decimals = contract.decimals
        self.conf_statuses = frozenset({INTERNAL, FREE} if contract.publication_allowed else {INTERNAL})
        listed = contract.attributes.get("OBS_STATUS")
        self.obs_statuses = frozenset(status for status in _VALUED_STATUSES if listed is None or status in listed)

    def holds(self, key: CellKey) -> bool:
        """Whether a table of the contract releases this key for this provider."""
        return self._shape.holds(key) and all(code in codes for code, codes in zip(key, self._codes, strict=True))

    def margins(self, keys: list[CellKey]) -> Iterator[Margin]:
        """Every sum of the contract's tables that one of these keys is part of."""
        return self._shape.margins(keys)


def _codes(dimension: Dimension, provider: str) -> frozenset[str]:
    """The codes a key may have in this dimension, whatever its table."""
    listed = dimension.codelist
    codes = {code.id for code in listed.codes} if dimension.codes is None else set(dimension.codes)
    if dimension.scope == PROVIDER_SCOPE:
        codes = {code for code in codes if code in listed and provider in listed.ancestors(code)}
    codes.discard(TOTAL)
    return frozenset(codes | ({TOTAL} if dimension.has_total else set()))
