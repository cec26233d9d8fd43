"""A member's keys.json in a ceremony: made from an application, added to, revoked in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from exchange.codes import Labels
from exchange.errors.trust import ChangeSubjectError, KeyReuseError
from exchange.signing.admission import Application
from exchange.signing.application import AppliedKey
from exchange.signing.keys import KeyPurpose
from exchange.signing.members import Member, MemberKey


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
        names = {
            one.vkey.partition("+")[0] for one in member.keys if one.purpose is listed.purpose and one.vkey is not None
        }
        name = (listed.vkey or "").partition("+")[0]
        if listed.vkey is not None and names and name not in names:
            raise ChangeSubjectError(
                kind="rotate", subject=f"{member.id} {listed.purpose}", expected=", ".join(names), found=name[:80]
            )
