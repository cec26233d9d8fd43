"""What a withheld cell must keep in the attacker's view, and the parameters that say so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from exchange.contract.model import DataContract, DominanceRule
from exchange.encoding import Digest, canonical_json
from exchange.errors.disclosure import ParametersMalformedError, ParametersTooLooseError

SALT_BYTES = 32

NO_FALL = 2**62
"""No demand on the lower end."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """The attacker's interval [lo, hi] of a cell must have hi ≥ reach, lo ≤ fall and hi − lo ≥ width."""

    reach: int
    fall: int
    width: int

    def union(self, other: "Requirement") -> "Requirement":
        """Both at once."""
        return Requirement(max(self.reach, other.reach), min(self.fall, other.fall), max(self.width, other.width))

    def above(self, least: int) -> "Requirement":
        """The same of a cell that every reader knows to be at least this: its lower end cannot lie deeper."""
        return Requirement(self.reach, max(self.fall, least), self.width)


NOTHING = Requirement(0, NO_FALL, 0)
"""No demand at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretParameters:
    """The parameters really used; secret, because knowing p or k sharpens a contributor's estimate of another.

    Attributes:
        contributors_min: One minimum per contributor unit of the contract, in its order.
        k_percent_max: k of the (n,k) dominance rule; None where no table has one.
        p_percent_min: p of the p% rule; None where no table has one.
        salt: 32 random bytes, kept with the parameters.
    """

    contributors_min: tuple[int, ...]
    k_percent_max: float | None = None
    p_percent_min: float | None = None
    salt: bytes = field(repr=False)

    @classmethod
    def public_minima(cls, contract: DataContract, *, salt: bytes) -> "SecretParameters":
        """Exactly what the contract says, no stricter."""
        rules = _dominance_rules(contract)
        return cls(
            contributors_min=(contract.disclosure.contributors_min,) * len(contract.disclosure.contributors),
            k_percent_max=min((rule.k_percent_max for rule in rules), default=None),
            p_percent_min=max((rule.p_percent_min for rule in rules), default=None),
            salt=salt,
        )

    def commitment(self) -> Digest:
        """SHA-256 over salt ‖ RFC 8785 form: shows later which parameters were used, and nothing now."""
        opened = {
            "contributors_min": list(self.contributors_min),
            "k_percent_max": self.k_percent_max,
            "p_percent_min": self.p_percent_min,
        }
        return Digest.of(self.salt + canonical_json(opened))

    def require_strict(self, contract: DataContract) -> None:
        """Refuse parameters that are looser than the contract's public minima.

        Raises:
            ParametersMalformedError: A missing minimum, or a salt that is not 32 bytes.
            ParametersTooLooseError: Names the parameter, never its number.
        """
        units = contract.disclosure.contributors
        rules = _dominance_rules(contract)
        k, p = self.k_percent_max, self.p_percent_min
        if len(self.salt) != SALT_BYTES:
            raise ParametersMalformedError(contract=contract.id, parameter="salt", expected=f"{SALT_BYTES} bytes")
        if len(self.contributors_min) != len(units):
            expected = f"{len(units)} numbers"
            raise ParametersMalformedError(contract=contract.id, parameter="contributors_min", expected=expected)
        loose = {
            "contributors_min": any(n < contract.disclosure.contributors_min for n in self.contributors_min),
            "k_percent_max": any(k is None or not 0 < k <= rule.k_percent_max for rule in rules),
            "p_percent_min": any(p is None or p < rule.p_percent_min for rule in rules),
        }
        for parameter, found in loose.items():
            if found:
                raise ParametersTooLooseError(contract=contract.id, parameter=parameter)


def floor(contract: DataContract) -> Requirement:
    """What the contract promises of every withheld cell, whatever its value: what a reader can check."""
    interval, unit = contract.disclosure.interval, 10**contract.decimals
    return Requirement(interval.must_reach * unit, NO_FALL, max(interval.width_abs * unit, 1))


def requirement(contract: DataContract, value: int) -> Requirement:
    """The floor, and what depends on the value: width in proportion, and a lower end below it."""
    width = ceil(contract.disclosure.interval.width_rel * value)
    below = max(value - 1, 0)
    return floor(contract).union(Requirement(value, below, width))


def dominance_requirement(
    rule: DominanceRule, value: int, largest: tuple[int, int], parameters: SecretParameters
) -> Requirement | None:
    """What a dominated cell needs beyond the floor; None where neither rule finds it sensitive.

    p%: the rest (value less the two largest) must reach p per cent of the largest, or the second can estimate it too
    well; (n,k): the n largest must not exceed k per cent. The missing part is the protection level, both ways
    (Hundepool et al. 2012, §4.2.2).
    """
    first, second = largest
    p, k = parameters.p_percent_min or rule.p_percent_min, parameters.k_percent_max or rule.k_percent_max
    levels = [p / 100 * first - (value - first - second), 100 / k * _largest_sum(rule.n, largest, value) - value]
    level = max(levels)
    if level <= 0:
        return None
    step = max(ceil(level - _ROUNDING), 1)
    return Requirement(value + step, max(value - step, 0), 0)


def dominance_floor(rule: DominanceRule, value: int) -> Requirement:
    """The width that the contract promises of every cell that the rule withholds, for whichever of its reasons."""
    return Requirement(0, NO_FALL, ceil(rule.width_rel_min * value - _ROUNDING))


def _largest_sum(n: int, largest: Sequence[int], value: int) -> int:
    """The n largest contributions; beyond two an upper bound, each as large as the second."""
    return min(value, sum(largest[: min(n, 2)]) + max(n - 2, 0) * largest[1])


def _dominance_rules(contract: DataContract) -> list[DominanceRule]:
    return [table.dominance for table in contract.tables if table.dominance is not None]


_ROUNDING = 1e-9
"""A level of 2.0000000001 out of floating point is a level of 2."""
