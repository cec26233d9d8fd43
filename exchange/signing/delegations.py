"""The members of a registry state with their keys: whose file holds, who is silenced by a bad one, who has left.

What a member does wrong in its own file silences that member and nobody else. What two members claim (a key, a name, an
address) belongs to who claimed it first, by the archive: else one member could stop all by copying another's public
key. Only where the archive does not tell is the whole refused.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from exchange.errors import ExchangeError
from exchange.errors.encoding import EncodingError
from exchange.errors.trust import KeyReuseError, RegistryRuleError, TrustError
from exchange.signing.authority import key_places
from exchange.signing.federation import EarlierAuditor, Federation, Membership, parse_federation
from exchange.signing.history import (
    LEFT,
    REPLACED,
    REVOKED,
    SUSPENDED,
    Claim,
    ClaimKind,
    Event,
    earlier_keys_files,
    issued_at,
    revocations_in,
)
from exchange.signing.members import Member, MemberKey, ProofKind, parse_member_keys
from exchange.signing.registry import Delegation, SignedRegistry

DELEGATION_THRESHOLD_MIN = 2
"""Two keys of a member sign its keys, so that no single one of its people can change them."""

FEDERATION = "federation.json"


@dataclass(slots=True, kw_only=True)
class Everybody:
    """Who is and who was a member, and whose own file does not hold."""

    members: dict[str, Member] = field(default_factory=dict)
    former: dict[str, Member] = field(default_factory=dict)
    silenced: dict[str, ExchangeError] = field(default_factory=dict)

    def silence(self, member_id: str, one: Membership, error: ExchangeError) -> None:
        """The member has no keys until it signs a better file."""
        self.silenced[member_id] = error
        self.members[member_id] = Member(id=member_id, kind=one.kind, name=one.name, issuer="", log_vkey="", keys=())


def keys_file(member_id: str) -> str:
    """Where a member's keys stand: in its own delegation, or once it has left in the top-level targets."""
    return f"members/{member_id.lower()}/keys.json"


def read_federation(targets: Mapping[str, bytes]) -> Federation:
    """federation.json of the top-level targets.

    Raises:
        RegistryRuleError: It is absent.
        EncodingError: It is not in its one legal form.
    """
    if FEDERATION not in targets:
        raise RegistryRuleError(subject="targets", rule=FEDERATION, expected="present", found="absent")
    return parse_federation(targets[FEDERATION])


def memberships(federation: Federation, announced: Mapping[Event, datetime]) -> dict[str, Membership]:
    """Suspensions and departures, with the times at which they were announced."""

    def dated(what: str, member_id: str, stated: datetime | None) -> datetime | None:
        return None if stated is None else announced.get(("targets", what, member_id, stated))

    return {
        member_id: replace(
            one,
            suspensions=tuple(
                replace(suspension, announced_at=dated(SUSPENDED, member_id, suspension.since))
                for suspension in one.suspensions
            ),
            left_announced_at=dated(LEFT, member_id, one.left_at),
        )
        for member_id, one in federation.members.items()
    }


def earlier_auditors(federation: Federation, announced: Mapping[Event, datetime]) -> tuple[EarlierAuditor, ...]:
    """Who audited before, with the times at which the changes were announced."""
    return tuple(
        replace(one, announced_at=announced.get(("targets", REPLACED, one.member, one.until)))
        for one in federation.earlier_auditors
    )


def read_members(
    signed: SignedRegistry,
    federation: Federation,
    announced: Mapping[Event, datetime],
    since: Callable[[str, Claim], int],
) -> Everybody:
    """Every member with its keys, revocations with the times at which they were announced.

    Args:
        signed: The newest state, verified.
        federation: Who belongs to it.
        announced: When revocations, suspensions and departures were first published.
        since: The snapshot version from which on a member makes a claim.

    Raises:
        RegistryRuleError: Delegations that are not one per member, of its own paths, by two keys; a name that two
            members claim since the same version.
        KeyReuseError: A key that two members claim since the same version.
        EncodingError, TrustError: The pinned file of a former member is not right.
    """
    delegations = {delegation.role: delegation for delegation in signed.delegations}
    for role in sorted(delegations.keys() ^ {member_id.lower() for member_id in federation.present}):
        raise RegistryRuleError(
            subject="delegations", rule="one per member", expected="members only, all of them", found=role
        )
    places = key_places(signed.authorities)
    found = Everybody()
    for member_id, one in federation.members.items():
        if one.left_at is not None:
            found.former[member_id] = _read_former(signed, member_id, one)
            continue
        delegation = delegations[member_id.lower()]
        _check_delegation(member_id, delegation)
        try:
            found.members[member_id] = _dated(_read_own(signed, delegation, member_id, one, places), announced)
        except (EncodingError, TrustError) as error:
            found.silence(member_id, one, error)
    for member_id, refusal in _second_claims(found, since).items():
        found.silence(member_id, federation.members[member_id], refusal)
    return found


def last_that_held(signed: SignedRegistry, federation: Federation, found: Everybody) -> Mapping[str, Member]:
    """Of each silenced member the newest of its files that would not silence it, as far as the archive goes.

    What its newer files revoke stays revoked: a key that was stolen must not come back because of another line's fault.

    Args:
        signed: The newest state, verified.
        federation: Who belongs to it.
        found: As `read_members` read it.
    """
    places = key_places(signed.authorities)
    others = [one for one in (*found.former.values(), *found.members.values()) if one.id not in found.silenced]
    claimed = {claim for member in others for claim, _ in _claims_of(member)}
    held: dict[str, Member] = {}
    for member_id in found.silenced:
        revoked: dict[str, datetime] = {}
        for raw in earlier_keys_files(signed, member_id):
            with suppress(EncodingError, TrustError):
                member = _read_file(raw, signed, member_id, federation.members[member_id], places)
                if claimed.isdisjoint(claim for claim, _ in _claims_of(member)):
                    held[member_id] = _without(member, revoked)
                    break
            now = issued_at(signed.snapshot)
            revoked |= {kid: now if at is None else at for kid, at in revocations_in(raw).items()}
    return held


def _without(member: Member, revoked: Mapping[str, datetime]) -> Member:
    """The member with these keys revoked as well, none from before it began to count."""
    keys = tuple(
        replace(one, revoked_at=max(one.valid_from, revoked[one.key.kid]))
        if one.revoked_at is None and one.key.kid in revoked
        else one
        for one in member.keys
    )
    return replace(member, keys=keys)


def _check_delegation(member_id: str, delegation: Delegation) -> None:
    folder = member_id.lower()
    if delegation.paths != (f"members/{folder}/*",):
        raise RegistryRuleError(
            subject=f"delegation {folder}",
            rule="paths",
            expected=f"members/{folder}/*",
            found=", ".join(delegation.paths),
        )
    if delegation.threshold < DELEGATION_THRESHOLD_MIN:
        raise RegistryRuleError(
            subject=f"delegation {folder}",
            rule="threshold",
            expected=f"{DELEGATION_THRESHOLD_MIN} or more",
            found=delegation.threshold,
        )


def _read_own(
    signed: SignedRegistry, delegation: Delegation, member_id: str, one: Membership, places: Mapping[str, str]
) -> Member:
    if delegation.problem is not None:
        raise delegation.problem
    file = keys_file(member_id)
    if file not in delegation.targets:
        raise RegistryRuleError(subject=f"delegation {delegation.role}", rule=file, expected="present", found="absent")
    return _read_file(delegation.targets[file], signed, member_id, one, places)


def _read_file(
    raw: bytes, signed: SignedRegistry, member_id: str, one: Membership, places: Mapping[str, str]
) -> Member:
    """A member's file by the rules that it can break alone."""
    member = parse_member_keys(raw, member_id=member_id, kind=one.kind, name=one.name)
    _refuse_reuse(member, places)
    _check_officers_have_one_key_at_a_time(member)
    _check_cuts_are_agreed(member, signed.targets)
    return member


def _check_cuts_are_agreed(member: Member, targets: Mapping[str, bytes]) -> None:
    """Where a log was cut the majority says, in a policy of it: else a member alone could forget a tail."""
    name = f"policy/{member.id.lower()}."
    said = {line for path, raw in targets.items() if path.startswith(name) for line in raw.splitlines()}
    for one in member.earlier_logs:
        if one.cut is not None and one.agreed.encode("ascii", "replace") not in said:
            raise RegistryRuleError(
                subject=f"{keys_file(member.id)}: earlier_logs",
                rule="a cut that the majority signs too",
                expected=one.agreed,
                found="absent from the witness policies",
            )


def _read_former(signed: SignedRegistry, member_id: str, one: Membership) -> Member:
    file = keys_file(member_id)
    if file not in signed.targets:
        raise RegistryRuleError(subject=f"former member {member_id}", rule=file, expected="present", found="absent")
    return parse_member_keys(signed.targets[file], member_id=member_id, kind=one.kind, name=one.name)


def _dated(member: Member, announced: Mapping[Event, datetime]) -> Member:
    role = member.id.lower()

    def dated(listed: MemberKey) -> MemberKey:
        if listed.revoked_at is None:
            return listed
        return replace(listed, announced_at=announced.get((role, REVOKED, listed.key.kid, listed.revoked_at)))

    return replace(member, keys=tuple(map(dated, member.keys)))


def _place(member: Member, listed: MemberKey) -> str:
    return f"{member.id}/{listed.purpose}" + (f"/{listed.officer}" if listed.officer else "")


def _refuse_reuse(member: Member, places: Mapping[str, str]) -> None:
    """No key of the registry's own, and none twice in one file."""
    seen = dict(places)
    for listed in member.keys:
        if listed.key.kid in seen:
            raise KeyReuseError(kid=listed.key.kid, first=seen[listed.key.kid], second=_place(member, listed))
        seen[listed.key.kid] = _place(member, listed)


def _second_claims(found: Everybody, since: Callable[[str, Claim], int]) -> dict[str, ExchangeError]:
    """The members that claim a key, an issuer or a log's or witness's name that another claimed before them."""
    claimants: dict[Claim, dict[str, str]] = defaultdict(dict)
    for member in (*found.former.values(), *found.members.values()):
        for claim, place in _claims_of(member):
            claimants[claim].setdefault(member.id, place)
    losers: dict[str, ExchangeError] = {}
    for claim, places in claimants.items():
        if len(places) > 1:
            losers |= _later_than_the_first(claim, places, found, since)
    return losers


def _claims_of(member: Member) -> Iterator[tuple[Claim, str]]:
    if member.issuer:
        yield (ClaimKind.ISSUER, member.issuer), member.id
    for listed in member.keys:
        yield (ClaimKind.KEY, listed.key.kid), _place(member, listed)
        if listed.vkey is not None:
            yield (ClaimKind.NAME, listed.vkey.partition("+")[0]), f"{member.id}/{listed.purpose}"


def _later_than_the_first(
    claim: Claim, places: Mapping[str, str], found: Everybody, since: Callable[[str, Claim], int]
) -> dict[str, ExchangeError]:
    """Everybody but whose claim is oldest; a former member's is older than any present one's.

    Raises:
        KeyReuseError, RegistryRuleError: Two are oldest.
    """
    ages = {member: 0 if member in found.former else since(member, claim) for member in places}
    first, *others = sorted(places, key=lambda member: (ages[member], member))
    if ages[others[0]] == ages[first]:
        raise _shared(claim, places[first], places[others[0]])
    return {member: _shared(claim, places[first], places[member]) for member in others}


def _shared(claim: Claim, first: str, second: str) -> KeyReuseError | RegistryRuleError:
    kind, text = claim
    if kind is ClaimKind.KEY:
        return KeyReuseError(kid=text, first=first, second=second)
    return RegistryRuleError(subject=second, rule=kind.value, expected="used by nobody else", found=text[:80])


def _check_officers_have_one_key_at_a_time(member: Member) -> None:
    latest: dict[tuple[str, ProofKind], MemberKey] = {}
    for listed in sorted(member.keys, key=lambda listed: listed.valid_from):
        if listed.officer is None:
            continue
        kind = (listed.officer, listed.proof_kind)
        before = latest.get(kind)
        if before is not None and before.counts_at(listed.valid_from):
            subject = f"officer {listed.officer}, {listed.proof_kind}"
            raise RegistryRuleError(subject=subject, rule="keys at one time", expected=1, found=2)
        latest[kind] = listed
