"""Which cells a recipient never receives, as keys: its bundle has no row for them, whatever their value (DESIGN.md §5).

The keys follow from the contract alone, so that everybody who verifies a bundle computes the same ones.
"""

from exchange.contract.levels import PROVIDER_SCOPE
from exchange.contract.model import DataContract
from exchange.contract.shape import Key, Shape


def excluded_keys(contract: DataContract, *, provider: str, recipients: tuple[str, ...]) -> frozenset[Key]:
    """The keys that the bundle for these recipients must not have.

    Args:
        contract: Its exclusions and tables.
        provider: Whose part of a list scoped by provider is meant.
        recipients: One of the contract's `recipient_sets`; of another set, what any of them must not see.
    """
    shape = Shape(contract)
    scoped = {
        place: shape.below(place, provider)
        for place, dimension in enumerate(contract.dimensions)
        if dimension.scope == PROVIDER_SCOPE
    }
    places = {dimension.id: place for place, dimension in enumerate(contract.dimensions)}
    found: set[Key] = set()
    for recipient in recipients:
        for dimension, codes in contract.barred(recipient).items():
            place = places[dimension]
            # Scope and exclusion may meet in one dimension; a total stands beside any restriction and is passed over.
            allowed = {**scoped, place: codes & scoped[place] if place in scoped else codes}
            found.update(key for key in shape.keys(allowed=allowed) if key[place] in codes)
    return frozenset(found)
