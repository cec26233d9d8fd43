"""A member's keys.json in a ceremony: made from an application, added to, revoked in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from exchange.codes import Labels
from exchange.errors.trust import ChangeSubjectError, KeyReuseError
from exchange.signing.admission import Application
from exchange.signing.application import AppliedKey
from exchange.signing.earlier_logs import CutAt, EarlierLog
from exchange.signing.keys import KeyPurpose
from exchange.signing.members import Member, MemberKey, origin_of


def merged(applications: Sequence[Application]) -> Application:
    """One member's applications as one: its persons and its node each hold other keys and apply apart.

    Raises:
        ChangeSubjectError: They are of different members, or two of them name an address.
        KeyReuseError: A key in two of them.
    """
    first = applications[0]
    members = {application.member for application in applications}
    if len(members) != 1:
        raise ChangeSubjectError(
            kind="applications", subject=first.member, expected="one member", found=", ".join(sorted(members))
        )
    issuers = sorted({application.issuer for application in applications if application.issuer is not None})
    if len(issuers) > 1:
        raise ChangeSubjectError(
            kind="applications", subject=first.member, expected="one issuer", found=str(len(issuers))
        )
    seen: dict[str, AppliedKey] = {}
    for application in applications:
        for one in application.keys:
            if one.key.kid in seen:
                raise KeyReuseError(kid=one.key.kid, first=seen[one.key.kid].purpose, second=one.purpose)
            seen[one.key.kid] = one
    return Application(
        member=first.member,
        at=max(application.at for application in applications),
        keys=tuple(seen.values()),
        issuer=issuers[0] if issuers else None,
    )


def with_keys_of(application: Application, *, kind: str, name: Labels, at: datetime) -> Member:
    """A new member with the keys it applied for, good from now on."""
    keys = _listed(application, at)
    log_vkey = next((listed.vkey for listed in keys if listed.purpose is KeyPurpose.LOG), None)
    return Member(
        id=application.member,
        kind=kind,
        name=name,
        issuer=application.issuer or "",
        log_vkey=log_vkey or "",
        keys=keys,
    )


def added_keys(member: Member, application: Application, *, at: datetime, overlap: timedelta) -> Member:
    """The member with new keys; each purpose's earlier keys end after the overlap, an officer's earlier key at once.

    Raises:
        ChangeSubjectError: No key of the member's own is applied for, or a log or witness is given another name.
    """
    new = _listed(application, at)
    if not new:
        raise ChangeSubjectError(kind="rotate", subject=member.id, expected="keys of a node or officer", found="none")
    _require_names_stay(member, new)
    replaced = {(listed.purpose, listed.officer, listed.proof_kind) for listed in new}

    def ended(listed: MemberKey) -> MemberKey:
        if (listed.purpose, listed.officer, listed.proof_kind) not in replaced or listed.revoked_at is not None:
            return listed
        # An officer has one key and one passkey at a time, so that an approval has one author.
        return replace(listed, revoked_at=at if listed.officer is not None else at + overlap)

    log_vkey = next((listed.vkey for listed in new if listed.purpose is KeyPurpose.LOG), None)
    return replace(
        member,
        issuer=application.issuer or member.issuer,
        log_vkey=log_vkey or member.log_vkey,
        keys=(*map(ended, member.keys), *new),
    )


def with_next_log(
    member: Member, application: Application, *, cut: CutAt | None, at: datetime, overlap: timedelta
) -> Member:
    """The member with a new log in place of its present one, whose keys end after the overlap.

    Args:
        member: As it is.
        application: For one log key, under a name that the member has not used.
        cut: Where the present log ends if it cannot be closed; None if its operator closes it.
        at: When it is proposed.
        overlap: How long the present log's keys count on, so that it can be closed.

    Raises:
        ChangeSubjectError: Another key is applied for, or the name of a log that the member has or had.
    """
    new = _listed(application, at)
    if [listed.purpose for listed in new] != [KeyPurpose.LOG]:
        found = ", ".join(sorted(listed.purpose for listed in new)) or "none"
        raise ChangeSubjectError(kind="log", subject=member.id, expected="one log key", found=found)
    (listed,) = new
    name = origin_of(listed.vkey or "")
    if name in member.origins:
        raise ChangeSubjectError(kind="log", subject=member.id, expected="a new name", found=name[:80])
    ends = at + overlap

    def ended(one: MemberKey) -> MemberKey:
        runs = one.purpose is KeyPurpose.LOG and (one.revoked_at is None or one.revoked_at > ends)
        return replace(one, revoked_at=ends) if runs else one

    return replace(
        member,
        log_vkey=listed.vkey or "",
        keys=(*map(ended, member.keys), listed),
        earlier_logs=(*member.earlier_logs, EarlierLog(origin=member.origin, cut=cut)),
    )


def revoked_keys(member: Member, kids: Sequence[str], *, at: datetime) -> Member:
    """The member with these keys revoked; one that was to end later ends now.

    Raises:
        ChangeSubjectError: A key that is not listed, or is revoked already.
    """
    running = {listed.key.kid for listed in member.keys if listed.revoked_at is None or listed.revoked_at > at}
    for kid in kids:
        if kid not in running:
            raise ChangeSubjectError(kind="revoke", subject=member.id, expected="a key that counts", found=kid[:64])
    return replace(
        member,
        keys=tuple(replace(one, revoked_at=at) if one.key.kid in set(kids) else one for one in member.keys),
    )


def _listed(application: Application, at: datetime) -> tuple[MemberKey, ...]:
    return tuple(_member_key(one, at) for one in application.keys if isinstance(one.purpose, KeyPurpose))


def _member_key(one: AppliedKey, at: datetime) -> MemberKey:
    return MemberKey(
        purpose=KeyPurpose(one.purpose), key=one.key, valid_from=at, officer=one.officer, roles=one.roles, vkey=one.vkey
    )


def _require_names_stay(member: Member, new: Sequence[MemberKey]) -> None:
    """A log keeps its origin and a witness its name: both stand in what was signed already."""
    for listed in new:
        names = {origin_of(one.vkey) for one in member.keys if one.purpose is listed.purpose and one.vkey is not None}
        if listed.purpose is KeyPurpose.LOG:
            names = {member.origin}  # a log that ended gets no new key
        name = origin_of(listed.vkey or "")
        if listed.vkey is not None and names and name not in names:
            raise ChangeSubjectError(
                kind="rotate", subject=f"{member.id} {listed.purpose}", expected=", ".join(names), found=name[:80]
            )
