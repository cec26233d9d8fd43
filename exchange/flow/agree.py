"""Whether a contract binds, at one moment, for one provider: decided from statements alone (DESIGN.md §4).

In force = every party signed, the effective date reached, nobody's end effective, suspended by nobody, and no later
version of the same id with the same provider has come into force.

The caller passes only the statements that count for it: `ended` and `suspended` from arrival, `signed` and `resumed`
once the node's own entry of them is cosigned. An auditor passes those of the moment it judges.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum

from exchange.contract.choose import version_number
from exchange.contract.model import DataContract, Role
from exchange.encoding import format_instant
from exchange.errors.contract import (
    ContractEndedError,
    ContractExpiredError,
    ContractNotEffectiveError,
    ContractNotInForceError,
    ContractNotSignedError,
    ContractSupersededError,
    ContractSuspendedError,
)
from exchange.statement import Statement, StatementType

Versions = Iterable[tuple[DataContract, Sequence[Statement]]]
"""Contracts with the statements about them; other ids, and the contract itself, do no harm."""


class ContractState(StrEnum):
    """Where a contract stands. Only IN_FORCE lets anything be built, cleared or published."""

    PROPOSED = "proposed"
    IN_FORCE = "in-force"
    NOT_YET_EFFECTIVE = "not-yet-effective"
    SUSPENDED = "suspended"
    ENDED = "ended"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A state and why: the parties it hangs on, the moment, the later version."""

    state: ContractState
    parties: tuple[str, ...] = ()  # who has not signed, who suspended, who ended
    since: datetime | None = None  # when it took or will take effect, when it ended
    later: str | None = None  # the version that supersedes


def contract_state(
    contract: DataContract,
    statements: Iterable[Statement],
    *,
    at: datetime,
    provider: str | None = None,
    versions: Versions = (),
) -> ContractState:
    """The state of a contract; arguments as in `standing`."""
    return standing(contract, statements, at=at, provider=provider, versions=versions).state


def require_in_force(
    contract: DataContract,
    statements: Iterable[Statement],
    *,
    at: datetime,
    provider: str | None = None,
    versions: Versions = (),
) -> None:
    """Refuse anything under a contract that is not in force; arguments as in `standing`.

    Raises:
        ContractNotInForceError: A leaf of it, naming who has not signed, or what else is missing.
    """
    found = standing(contract, statements, at=at, provider=provider, versions=versions)
    if found.state is not ContractState.IN_FORCE:
        raise _refusal(contract, found, at)


def standing(
    contract: DataContract,
    statements: Iterable[Statement],
    *,
    at: datetime,
    provider: str | None = None,
    versions: Versions = (),
) -> Standing:
    """Where a contract stands at a moment, and why.

    Args:
        contract: One version of a contract.
        statements: Verified statements; those about other contracts or by strangers are passed over.
        at: The moment, UTC.
        provider: For whose figures. None asks for the contract as a whole: superseded only when it is so for every
            provider.
        versions: Other versions of this contract that the node knows, each with its statements.
    """
    own = standing_alone(contract, statements, at=at)
    if own.state is not ContractState.IN_FORCE:
        return own
    later = _superseding(contract, versions, at=at, provider=provider)
    return Standing(state=ContractState.SUPERSEDED, later=later) if later is not None else own


def standing_alone(contract: DataContract, statements: Iterable[Statement], *, at: datetime) -> Standing:
    """Where a contract stands if no other version is looked at."""
    said = _said(contract, statements, at)
    if (ended := _ended(contract, said, at)) is not None:
        return ended
    missing, begins = _beginning(contract, said)
    if missing:
        return Standing(state=ContractState.PROPOSED, parties=missing)
    if at < begins:
        return Standing(state=ContractState.NOT_YET_EFFECTIVE, since=begins)
    if suspended := tuple(member for member in contract.members() if _suspends(member, said, at)):
        return Standing(state=ContractState.SUSPENDED, parties=suspended)
    return Standing(state=ContractState.IN_FORCE, since=begins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """The days on which a contract binds, suspensions apart; `until` is the first on which it no longer does."""

    since: date
    until: date | None


def term(contract: DataContract, statements: Iterable[Statement]) -> Term | None:
    """From when to when a contract binds, by its own dates and all its parties' words; None: not all have signed."""
    said = _said(contract, statements, datetime.max.replace(tzinfo=UTC))
    missing, begins = _beginning(contract, said)
    if missing:
        return None
    ends = [s.effective.astimezone(UTC).date() for s in said if s.type is StatementType.ENDED]
    ends += [contract.ends] if contract.ends is not None else []
    return Term(since=begins.astimezone(UTC).date(), until=min(ends, default=None))


def came_into_force(contract: DataContract, statements: Iterable[Statement], at: datetime) -> bool:
    """Whether a contract has ever been in force by this moment, whatever became of it since."""
    # A later version that is now suspended or ended still supersedes: otherwise one party could suspend a stricter
    # version to bring the looser one before it back to life.
    said = _said(contract, statements, at)
    missing, begins = _beginning(contract, said)
    ended = _ended(contract, said, at)
    return not missing and begins <= at and (ended is None or ended.since is None or begins < ended.since)


def _said(contract: DataContract, statements: Iterable[Statement], at: datetime) -> list[Statement]:
    """What its parties had said about this contract by then."""
    members = contract.members()
    return [s for s in statements if s.contract == contract.digest and s.party in members and s.at <= at]


def _beginning(contract: DataContract, said: Iterable[Statement]) -> tuple[tuple[str, ...], datetime]:
    """Who has not signed, and when the contract begins once all have: the latest of its date and theirs."""
    first: dict[str, datetime] = {}
    for statement in said:
        if statement.type is StatementType.SIGNED:
            counts = max(statement.at, statement.effective)
            first[statement.party] = min(first.get(statement.party, counts), counts)
    missing = tuple(member for member in contract.members() if member not in first)
    return missing, max([datetime.combine(contract.effective, time.min, UTC), *first.values()])


def _ended(contract: DataContract, said: Iterable[Statement], at: datetime) -> Standing | None:
    """The earliest end that is effective: a party's, or the date written in the contract."""
    ends = [(s.effective, s.party) for s in said if s.type is StatementType.ENDED and s.effective <= at]
    if contract.ends is not None and (last := datetime.combine(contract.ends, time.min, UTC)) <= at:
        ends.append((last, ""))
    if not ends:
        return None
    since = min(ends)[0]
    parties = tuple(sorted({party for when, party in ends if when == since and party}))
    return Standing(state=ContractState.ENDED, since=since, parties=parties)


def _suspends(member: str, said: Iterable[Statement], at: datetime) -> bool:
    """Whether the member's last word on suspension is to suspend; said at once with a resumption, it prevails."""
    words = [
        (statement.at, statement.type is StatementType.SUSPENDED)
        for statement in said
        if statement.party == member
        and statement.effective <= at
        and statement.type in {StatementType.SUSPENDED, StatementType.RESUMED}
    ]
    return max(words)[1] if words else False


def _superseding(contract: DataContract, versions: Versions, *, at: datetime, provider: str | None) -> str | None:
    """The newest later version that took this one's place for the provider, or for all of them."""
    later = [
        other
        for other, statements in versions
        if other.id == contract.id and _number(other) > _number(contract) and came_into_force(other, statements, at)
    ]
    wanted = [provider] if provider is not None else contract.members(Role.PROVIDER)
    replaced = [
        max((other for other in later if member in other.members(Role.PROVIDER)), key=_number, default=None)
        for member in wanted
    ]
    newest = [other for other in replaced if other is not None]
    return max(newest, key=_number).version if newest and len(newest) == len(replaced) else None


def _refusal(contract: DataContract, found: Standing, at: datetime) -> ContractNotInForceError:
    names = {"contract": contract.id, "version": contract.version}
    parties = ", ".join(found.parties)
    since = format_instant(found.since) if found.since is not None else ""
    match found.state:
        case ContractState.PROPOSED:
            return ContractNotSignedError(**names, missing=parties)
        case ContractState.NOT_YET_EFFECTIVE:
            return ContractNotEffectiveError(**names, effective=since, now=format_instant(at))
        case ContractState.SUSPENDED:
            return ContractSuspendedError(**names, parties=parties)
        case ContractState.ENDED if not found.parties:
            return ContractExpiredError(**names, ended=since)
        case ContractState.ENDED:
            return ContractEndedError(**names, ended=since, parties=parties)
        case _:
            return ContractSupersededError(**names, later=found.later)


def _number(contract: DataContract) -> tuple[int, ...]:
    return version_number(contract.version)
