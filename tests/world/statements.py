"""Parties that speak about contracts: their contract keys, a registry that knows them, and their statements."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.signing.keys import HybridSigner, KeyPurpose
from exchange.signing.trust import Member, MemberKey, RegistryRef, Trust
from exchange.statement import Statement, StatementType, sign_statement
from tests.world.federation import SEVEN, hybrid
from tests.world.trust import bare_trust

FOUNDED = datetime(2025, 12, 1, tzinfo=UTC)
SIGNED = datetime(2026, 1, 10, 9, tzinfo=UTC)


@cache
def contract_key(member: str) -> HybridSigner:
    return hybrid(f"contract/{member}")


def trust(*, revoked: Mapping[str, datetime] | None = None) -> Trust:
    """A registry state with nothing but contract keys; `revoked` tells whose, and since when."""
    since = dict(revoked or {})

    def member(member_id: str) -> Member:
        keys = tuple(
            MemberKey(purpose=KeyPurpose.CONTRACT, key=key, valid_from=FOUNDED, revoked_at=since.get(member_id))
            for key in contract_key(member_id).public
        )
        return Member(id=member_id, kind="state", name={}, issuer="http://x.example", log_vkey="", keys=keys)

    return bare_trust(
        {member_id: member(member_id) for member_id in SEVEN},
        ref=RegistryRef(version=1, sha256=Digest.of(b"snapshot")),
        issued=FOUNDED,
        expires=SIGNED + timedelta(days=3650),
    )


def say(
    contract: DataContract,
    party: str,
    kind: StatementType = StatementType.SIGNED,
    *,
    at: datetime = SIGNED,
    effective: datetime | None = None,
) -> Statement:
    return sign_statement(
        type=kind,
        contract=contract.digest,
        party=party,
        at=at,
        effective=effective if effective is not None else at,
        signer=contract_key(party),
    )


def all_sign(contract: DataContract, *, at: datetime = SIGNED, but: str | None = None) -> list[Statement]:
    return [say(contract, party, at=at) for party in contract.members() if party != but]
