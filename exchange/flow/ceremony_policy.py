"""Witness policies in a ceremony: what the registry has to list when witnesses come, go, or change their keys.

A policy that is replaced goes on judging what was cosigned until all nodes surely act under the new one: it stays in
the registry with the time until which it judges.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from exchange.log.note import SignatureKind, VerifierKey, parse_vkey
from exchange.log.policy import WITNESSES_MIN, WitnessPolicy, format_policy, parse_policy, quorum_policy
from exchange.signing.authoring import TIMESTAMP_LIFE
from exchange.signing.ceremony import CHANGE_LIFE
from exchange.signing.federation import Federation
from exchange.signing.keys import KeyPurpose
from exchange.signing.members import Member
from exchange.signing.trust import policy_file

POLICY_OVERLAP = CHANGE_LIFE + TIMESTAMP_LIFE
"""From the proposal: it is applied within the one, and no node acts under an older registry longer than the other."""


def policies_after(
    members: Iterable[Member],
    federation: Federation,
    present: Mapping[str, bytes],
    *,
    at: datetime,
    wanted: Mapping[str, bytes | None] | None = None,
) -> dict[str, bytes]:
    """The policy files that a change adds or alters, by path.

    Args:
        members: With their keys, as they will be.
        federation: As it will be.
        present: The policy files of the registry now.
        at: When it is proposed.
        wanted: The text of the policies to change, None for the exchange's own; by default all of them, so made.

    Raises:
        LogError: A text that is no witness policy.
    """
    counting = [member for member in members if member.id in federation.present]
    changed: dict[str, bytes] = {}
    for member in counting:
        if wanted is not None and member.id not in wanted:
            continue
        path, text = policy_file(member.id), None if wanted is None else wanted[member.id]
        policy = standard_policy(member, counting, at=at) if text is None else parse_policy(text)
        raw = None if policy is None else text or format_policy(policy) + _agreed_cuts(member)
        if raw is None or raw == present.get(path):
            continue
        changed[path] = raw
        if path in present:
            changed[policy_file(member.id, until=at + POLICY_OVERLAP)] = present[path]
    return changed


def _agreed_cuts(member: Member) -> bytes:
    """What the majority signs of where this member's logs were cut (decision 44)."""
    return "".join(f"{one.agreed}\n" for one in member.earlier_logs if one.cut is not None).encode("ascii")


def standard_policy(operator: Member, members: Iterable[Member], *, at: datetime) -> WitnessPolicy | None:
    """All others by their newest witness keys, two thirds of them a quorum; None with fewer than two others."""
    witnesses = {
        member.id.lower(): _newest(member, KeyPurpose.WITNESS, SignatureKind.COSIGNATURE, at)[-1]
        for member in sorted(members, key=lambda member: member.id)
        if member.id != operator.id and _newest(member, KeyPurpose.WITNESS, SignatureKind.COSIGNATURE, at)
    }
    if len(witnesses) < WITNESSES_MIN:
        return None
    logs = _newest(operator, KeyPurpose.LOG, SignatureKind.LOG, at)
    policy = quorum_policy(logs[-1], witnesses)
    # While a log key is being replaced both sign; the policy knows both.
    return WitnessPolicy(logs=tuple(logs), witnesses=policy.witnesses, groups=policy.groups, quorum=policy.quorum)


def _newest(member: Member, purpose: KeyPurpose, kind: SignatureKind, at: datetime) -> list[VerifierKey]:
    """The keys of this purpose that have not ended, the newest last."""
    running = [one for one in member.keys if one.purpose is purpose and (one.revoked_at is None or one.revoked_at > at)]
    ordered = sorted(running, key=lambda one: one.valid_from)
    return [parse_vkey(one.vkey, kind=kind) for one in ordered if one.vkey is not None]
