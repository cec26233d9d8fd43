"""What a level of a table holds: its finest codes, codes that would count twice, and leaves that it lacks."""

from exchange.codes import CodeList
from exchange.contract.model import TOTAL, Dimension

PROVIDER_SCOPE = "provider"
"""Scope of a dimension whose codes lie under the provider's own country."""


def leaf_codes(dimension: Dimension) -> tuple[str, ...]:
    """The finest codes of a dimension, in list order: never the total, and only the codes agreed on.

    Of a provider-scoped dimension, a country that has regions is no leaf; one that has none does not occur.
    """
    leaves = dimension.codelist.leaves()
    if dimension.codes is not None:
        allowed = frozenset(dimension.codes)
        leaves = tuple(code for code in leaves if code in allowed)
    return tuple(code for code in leaves if code != TOTAL)


def nested(codelist: CodeList, codes: tuple[str, ...]) -> tuple[str, str] | None:
    """A code and another of them above it, if there is such a pair: their sum would count twice."""
    chosen = frozenset(codes)
    for code in codes:
        for ancestor in codelist.ancestors(code):
            if ancestor in chosen:
                return code, ancestor
    return None


def uncovered(dimension: Dimension, codes: tuple[str, ...]) -> tuple[str, ...]:
    """The leaves that none of the codes holds: what the level lacks to sum to its parent."""
    chosen = frozenset(codes)
    return tuple(
        leaf
        for leaf in leaf_codes(dimension)
        if leaf not in chosen and chosen.isdisjoint(dimension.codelist.ancestors(leaf))
    )
