"""Where a member and its keys stand at one time: what `trust show` says in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from exchange.signing.members import Member, MemberKey
from exchange.signing.trust import Trust

Standing: TypeAlias = Literal["member", "suspended", "silenced", "left"]
Ended: TypeAlias = Literal["revoked", "suspended", "left"]
_SPEECHLESS: Mapping[Standing, Ended] = {"suspended": "suspended", "left": "left"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """Until when a key counts, and by what it ended or will end; None and None: for as long as it is not revoked."""

    ends_at: datetime | None
    ended: Ended | None


def everybody(trust: Trust) -> tuple[Member, ...]:
    """Members, present ones first."""
    return (*trust.members.values(), *trust.former.values())


def member_since(member: Member) -> datetime | None:
    """Since when its first key counts; None for one that is silenced, and has none."""
    return min((listed.valid_from for listed in member.keys), default=None)


def member_standing(trust: Trust, member: Member, now: datetime) -> tuple[Standing, datetime | None]:
    """What it is now, and since when it is no plain member."""
    one = trust.memberships[member.id]
    if one.left_at is not None:
        return "left", one.left_at
    for suspension in one.suspensions:
        if suspension.covers(now):
            return "suspended", suspension.since
    return ("silenced" if member.id in trust.silenced else "member"), None


def key_standing(trust: Trust, member: Member, listed: MemberKey, now: datetime) -> KeyStanding:
    """The earliest of its revocation, its member's departure, and the suspension that holds now."""
    standing, at = member_standing(trust, member, now)
    ends: list[tuple[datetime, Ended]] = []
    if listed.ends_at is not None:
        ends.append((listed.ends_at, "revoked"))
    if at is not None:
        ends.append((at, _SPEECHLESS[standing]))
    ends_at, ended = min(ends, default=(None, None))
    return KeyStanding(ends_at=ends_at, ended=ended)
