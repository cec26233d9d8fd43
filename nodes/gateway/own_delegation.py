"""What the registry says of this member, held against what the member knows: who may change its keys, and its keys.

Only the two delegation keys change a member's own keys. If the majority gives the delegation other keys, somebody else
can: the node is red until a person confirms it (`exchange trust confirm`). What was confirmed lies in the gateway's own
zone, as a file of key ids.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exchange.encoding import Digest, canonical_json, format_instant, parse_canonical_object, require_members
from exchange.errors import ExchangeError
from exchange.errors.encoding import EncodingError
from exchange.errors.trust import (
    DelegationChangedError,
    OwnKeyUnlistedError,
    OwnMemberSilencedError,
    OwnMemberSuspendedError,
)
from exchange.log.entry import EntryType
from exchange.signing.keys import KeyPurpose, PublicKey
from exchange.signing.members import format_member_keys
from exchange.signing.trust import Trust
from nodes.adapters.clock import Clock
from nodes.adapters.contract_store import keep_evidence
from nodes.adapters.log_succession import KEYS
from nodes.adapters.private_files import write_owned
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.gateway.context import GatewayContext
from nodes.gateway.evidence import find_evidence
from nodes.settings import NodeFolder

FILE = "delegation.json"
DELEGATION = "application/vnd.indicator-exchange.delegation+json"
"""Media type of the evidence of `key.changed`, beside `KEYS`: the member's delegation, as `delegation_of` gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the member knows of its own delegation.

    Attributes:
        confirmed: The delegation that a person confirmed, as `delegation_of` gives it.
        logged: Digests of the newest delegation and keys.json that this node took notice of.
    """

    confirmed: bytes
    logged: frozenset[str]


def delegation_of(trust: Trust, member: str) -> bytes | None:
    """Which keys may change this member's keys, and how many of them must sign, in RFC 8785; None once it has left."""
    role = trust.roles.get(member.lower())
    if role is None:
        return None
    return canonical_json({"keys": sorted(key.kid for key in role.keys), "threshold": role.threshold})


class OwnMember:
    """Watches what the registry says of the own member.

    Args:
        node: Whose.
        held: The public halves of the keys that this gateway signs with.
        clock: The time.
    """

    def __init__(self, node: NodeFolder, *, held: Mapping[KeyPurpose, PublicKey], clock: Clock) -> None:
        self._node = node
        self._held = held
        self._clock = clock

    def problems(self, trust: Trust) -> list[ExchangeError]:
        """Everything that a person of the member must look at; the node is red with any of it."""
        member, now = self._node.member, self._clock.now()
        found: list[ExchangeError] = []
        if member in trust.silenced:
            found.append(OwnMemberSilencedError(member=member, reason=trust.silenced[member].sentence()))
        found += [
            OwnMemberSuspendedError(member=member, since=format_instant(suspension.since))
            for suspension in trust.memberships[member].suspensions
            if suspension.covers(now)
        ]
        if not found:
            found += [
                OwnKeyUnlistedError(member=member, purpose=purpose.value, version=trust.ref.version)
                for purpose, public in self._held.items()
                if public not in trust.keys(member, purpose, at=now)
            ]
        own, known = delegation_of(trust, member), read_known(self._node)
        if own is not None and known is not None and own != known.confirmed:
            found.append(
                DelegationChangedError(
                    member=member, expected=str(Digest.of(known.confirmed)), found=str(Digest.of(own))
                )
            )
        return found

    async def log_changes(self, context: GatewayContext) -> None:
        """Append `key.changed` for a delegation or a keys.json that is new; the first ones ever seen are confirmed."""
        trust = context.trust.current()
        own = delegation_of(trust, context.member)
        if own is None or context.member in trust.silenced:
            return
        keys = format_member_keys(trust.member(context.member))
        now = {str(Digest.of(raw)): (media_type, raw) for media_type, raw in ((DELEGATION, own), (KEYS, keys))}
        known = await asyncio.to_thread(read_known, self._node)
        for digest in sorted(now.keys() - known.logged) if known is not None else ():
            await _log(context, *now[digest])
        if known is None or known.logged != now.keys():
            confirmed = own if known is None else known.confirmed
            await asyncio.to_thread(write_known, self._node, Known(confirmed=confirmed, logged=frozenset(now)))


async def _log(context: GatewayContext, media_type: str, raw: bytes) -> None:
    digest = Digest.of(raw)
    if await context.store.read(lambda connection: find_evidence(connection, digest)) is not None:
        return  # logged before a crash

    def work(transaction: Transaction) -> None:
        keep_evidence(transaction.connection, digest, media_type, raw)
        transaction.append(LogDraft(type=EntryType.KEY_CHANGED, evidence=digest))

    await context.sequencer.submit(work)


def read_known(node: NodeFolder) -> Known | None:
    """What lies in the gateway's own zone; None before the first start. A file that cannot be read confirms nothing."""
    try:
        document = parse_canonical_object(_file(node).read_bytes(), subject=FILE)
        require_members(document, {"type", "confirmed", "logged"}, subject=FILE)
    except FileNotFoundError:
        return None
    except (OSError, EncodingError):
        return Known(confirmed=b"", logged=frozenset())
    logged = document["logged"]
    return Known(
        confirmed=canonical_json(document["confirmed"]),
        logged=frozenset(map(str, logged if isinstance(logged, list) else ())),
    )


def write_known(node: NodeFolder, known: Known) -> None:
    """Remember it, durably."""
    confirmed = parse_canonical_object(known.confirmed, subject=FILE)
    document = {"type": "own-delegation/1", "confirmed": confirmed, "logged": sorted(known.logged)}
    write_owned(_file(node), canonical_json(document), replace=True)


def _file(node: NodeFolder) -> Path:
    return node.private / "gateway" / FILE
