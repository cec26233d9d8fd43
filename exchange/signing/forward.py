"""What a next registry state may not take back of the one before.

What was published stays: a key that was listed stays listed, a revocation that counts stays, who was a member is found
for ever. So what was rightly signed verifies for ever, and nobody gets rid of a signature by rewriting its key.
"""

from collections.abc import Sequence
from datetime import datetime

from exchange.encoding import format_instant
from exchange.errors.trust import RegistryHistoryError
from exchange.signing.members import Member, MemberKey
from exchange.signing.trust import Trust


def require_forward(before: Trust, after: Trust) -> None:
    """Refuse a state that takes back what the one before it said.

    Raises:
        RegistryHistoryError: The first thing taken back.
    """
    if _replaced(after)[: len(_replaced(before))] != _replaced(before):
        raise _taken_back("auditors", "who audited is known for ever", "as they were", "others")
    for member_id in before.former:
        if member_id not in after.former:
            raise _taken_back(member_id, "has left", "left", "a member or unknown")
    for member_id, member in (*before.members.items(), *before.former.items()):
        if member_id not in after.memberships:
            raise _taken_back(member_id, "known for ever", "a member", "unknown")
        _require_suspensions(before, after, member_id)
        if member_id not in after.silenced:
            _require_keys(member, after.known(member_id), after.issued)


def _replaced(trust: Trust) -> Sequence[object]:
    return [(one.member, one.until) for one in trust.earlier_auditors]


def _require_suspensions(before: Trust, after: Trust, member_id: str) -> None:
    earlier, later = before.memberships[member_id].suspensions, after.memberships[member_id].suspensions
    for number, one in enumerate(earlier):
        kept = later[number] if number < len(later) else None
        started = one.since <= before.issued
        ended = one.until is not None and one.until <= before.issued
        if kept is None or (started and kept.since != one.since) or (ended and kept.until != one.until):
            raise _taken_back(member_id, "suspension", format_instant(one.since), "another or none")


def _require_keys(before: Member, after: Member, issued: datetime) -> None:
    if after.earlier_logs[: len(before.earlier_logs)] != before.earlier_logs:
        raise _taken_back(f"{before.id}/earlier_logs", "a log that ended stays ended", "as they were", "others")
    listed = {one.key.kid: one for one in after.keys}
    for one in before.keys:
        kept = listed.get(one.key.kid)
        subject = f"{before.id}/{one.purpose} key {one.key.kid}"
        if kept is None:
            raise _taken_back(subject, "a listed key stays", "listed", "absent")
        if _identity(kept) != _identity(one):
            raise _taken_back(subject, "purpose, officer, name and beginning stay", "as they were", "others")
        counts = one.ends_at is not None and one.ends_at <= issued
        if counts and kept.revoked_at != one.revoked_at:
            raise _taken_back(subject, "a revocation stays", _time(one), _time(kept))


def _identity(one: MemberKey) -> Sequence[object]:
    return (one.purpose, one.officer, one.vkey, one.valid_from, one.key)


def _taken_back(subject: str, rule: str, before: str, offered: str) -> RegistryHistoryError:
    return RegistryHistoryError(subject=subject, rule=rule, before=before, offered=offered)


def _time(one: MemberKey) -> str:
    return "never revoked" if one.revoked_at is None else format_instant(one.revoked_at)
