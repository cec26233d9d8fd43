"""A registry state given as values: who the members are and their keys, and nothing that says how it was signed."""

from collections.abc import Mapping
from datetime import datetime

from exchange.signing.federation import Membership
from exchange.signing.members import Member
from exchange.signing.trust import RegistryRef, Trust


def bare_trust(members: Mapping[str, Member], *, ref: RegistryRef, issued: datetime, expires: datetime) -> Trust:
    """All of them present, IOM the auditor."""
    return Trust(
        ref=ref,
        name={},
        members=members,
        former={},
        memberships={one.id: Membership(kind=one.kind, name=one.name) for one in members.values()},
        silenced={},
        auditor="IOM",
        policies={},
        earlier_auditors=(),
        earlier_policies={},
        roles={},
        issued=issued,
        expires=expires,
        ends={},
        timestamp_version=1,
    )
