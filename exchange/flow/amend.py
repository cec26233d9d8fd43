"""Which earlier versions a new one answers to, so that no number hides a loosening (DESIGN.md §4, decision 45).

A draft that nobody signed binds nobody. Were the newest one at hand the measure, two small steps, each proposed and
neither signed, would hide what they loosen together; and anybody's stray proposal would bar everybody's next version.
"""

from collections.abc import Sequence
from datetime import datetime

from exchange.contract.choose import version_number
from exchange.contract.diff import require_version_step
from exchange.contract.model import DataContract
from exchange.flow.agree import Versions, came_into_force
from exchange.statement import Statement, StatementType


def require_amendment(contract: DataContract, versions: Versions, *, at: datetime) -> None:
    """Refuse a version whose number hides a loosening against those that it answers to.

    Args:
        contract: The new version.
        versions: All versions at hand with every statement about them; other ids do no harm.
        at: Now.

    Raises:
        ContractVersionError: Its number is that of a smaller change.
    """
    for earlier in versions_before(contract, versions, at=at):
        require_version_step(earlier, contract)


def versions_before(contract: DataContract, versions: Versions, *, at: datetime) -> tuple[DataContract, ...]:
    """The earlier versions that a new one answers to; to read it beside, the first.

    They are the last that came into force, and those after it that a party signed and nobody ended. Where no version
    binds anybody, it is the newest draft; none: this is the first version.
    """
    earlier = sorted(
        (
            (other, statements)
            for other, statements in versions
            if other.id == contract.id and version_number(other.version) < version_number(contract.version)
        ),
        key=lambda pair: version_number(pair[0].version),
    )
    last = max((place for place, pair in enumerate(earlier) if came_into_force(*pair, at)), default=-1)
    signed = [other for other, said in earlier[last + 1 :] if _is_signed_by_any(other, said)]
    binding = [*([earlier[last][0]] if last >= 0 else []), *signed]
    return tuple(binding or [other for other, _ in earlier[-1:]])


def _is_signed_by_any(contract: DataContract, statements: Sequence[Statement]) -> bool:
    said = {s.type for s in statements if s.contract == contract.digest and s.party in contract.members()}
    return StatementType.SIGNED in said and StatementType.ENDED not in said
