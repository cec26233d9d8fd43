"""A statement in a folder counts by what witnesses saw: never by the date that it bears itself."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest

from exchange.errors.contract import StatementError, StatementUnwitnessedError
from exchange.errors.log import LogError
from exchange.flow.stated import FiledStatement, Judged, filed, judge_statements, proof_name
from exchange.flow.verify import FolderShelf
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import Trust
from exchange.statement import Statement, StatementType, sign_statement
from tests.world.bundles import COSIGNED, SIGNED, bundle_world

WORLD = bundle_world()
CONTRACT = WORLD.contract
STATEMENT = next(statement for statement in WORLD.statements if statement.party == "KG")
REVOKED = SIGNED + timedelta(hours=6)
BEFORE, AFTER = REVOKED - timedelta(hours=1), REVOKED + timedelta(hours=1)


def revoked(member_id: str = "KG", *, at: datetime = REVOKED) -> Trust:
    """The registry in which this member's contract keys count no more from a time on."""
    trust = WORLD.trust
    member = trust.members[member_id]
    keys = tuple(replace(k, revoked_at=at) if k.purpose is KeyPurpose.CONTRACT else k for k in member.keys)
    return replace(trust, members=MappingProxyType({**trust.members, member_id: replace(member, keys=keys)}))


def say(kind: StatementType, *, at: datetime, party: str = "KG") -> Statement:
    signer = WORLD.federation.hybrid(party, KeyPurpose.CONTRACT)
    return sign_statement(type=kind, contract=CONTRACT.digest, party=party, at=at, effective=at, signer=signer)


def proof(statement: Statement, *, cosigned_at: datetime, log: str = "KG", logged_at: datetime | None = None) -> bytes:
    """That the statement is in this member's log, as witnesses saw at that time."""
    entry = LogEntry(
        type=EntryType(statement.type.value),
        at=logged_at or cosigned_at,
        node=log,
        registry=WORLD.trust.ref,
        salt=bytes(16),
        contract=statement.contract,
        evidence=statement.digest,
        counterpart=None if statement.party == log else statement.party,
    )
    return WORLD.proof(format_entry(entry), cosigned_at=cosigned_at, member=log)


def judged(
    statement: Statement,
    *proofs: bytes,
    trust: Trust | None = None,
    provider: str | None = "KZ",
    at: datetime = COSIGNED,
) -> Judged:
    return judge_statements(
        [FiledStatement(raw=statement.raw, proofs=proofs)], trust=trust or revoked(), at=at, provider=provider
    )


def digests(statements: Iterable[Statement]) -> list[str]:
    return [statement.digest.hex for statement in statements]


def test_a_signature_dated_before_the_revocation_and_seen_by_nobody_binds_nobody() -> None:
    found = judged(STATEMENT)
    assert STATEMENT.at < REVOKED < COSIGNED
    assert (digests(found.counting), digests(found.unwitnessed)) == ([], [STATEMENT.digest.hex])


def test_one_that_witnesses_saw_before_the_revocation_counts_for_ever() -> None:
    assert judged(STATEMENT, proof(STATEMENT, cosigned_at=BEFORE)).counting == (STATEMENT,)


def test_one_that_witnesses_first_saw_after_the_revocation_does_not() -> None:
    assert judged(STATEMENT, proof(STATEMENT, cosigned_at=AFTER)).unwitnessed == (STATEMENT,)


def test_of_several_logs_the_one_that_witnesses_saw_first_decides() -> None:
    proofs = (proof(STATEMENT, cosigned_at=AFTER, log="UZ"), proof(STATEMENT, cosigned_at=BEFORE, log="TJ"))
    assert judged(STATEMENT, *proofs).counting == (STATEMENT,)


def test_without_a_proof_the_keys_of_the_time_that_is_judged_decide() -> None:
    assert judged(STATEMENT, at=BEFORE).counting == (STATEMENT,)
    assert judged(STATEMENT, trust=WORLD.trust).counting == (STATEMENT,)


def test_a_signature_binds_a_provider_once_its_own_entry_is_cosigned() -> None:
    late = COSIGNED + timedelta(seconds=1)
    assert judged(STATEMENT, proof(STATEMENT, cosigned_at=late, log="KZ"), trust=WORLD.trust).counting == ()
    assert judged(STATEMENT, proof(STATEMENT, cosigned_at=late, log="TJ"), trust=WORLD.trust).counting == (STATEMENT,)


def test_what_stops_counts_without_witnesses_but_not_before_it_entered_the_provider_s_log() -> None:
    ended = say(StatementType.ENDED, at=BEFORE)
    assert judged(ended).counting == (ended,)
    late = COSIGNED + timedelta(hours=1)
    assert judged(ended, proof(ended, cosigned_at=late, log="KZ")).counting == ()
    arrived = proof(ended, cosigned_at=late, log="KZ", logged_at=COSIGNED - timedelta(seconds=1))
    assert judged(ended, arrived).counting == (ended,)


def test_a_proof_of_another_entry_or_with_another_line_is_refused() -> None:
    other = say(StatementType.SIGNED, at=SIGNED + timedelta(minutes=1))
    with pytest.raises(StatementError, match="a proof of an entry whose evidence is"):
        judged(STATEMENT, proof(other, cosigned_at=BEFORE))
    good = proof(STATEMENT, cosigned_at=BEFORE)
    with pytest.raises(LogError):
        judged(STATEMENT, good.replace(b"index 1\n", b"index 0\n"))


def test_a_folder_joins_each_statement_with_its_proofs() -> None:
    name = f"{STATEMENT.digest.hex}.jws"
    files = {
        name: b"s",
        proof_name(STATEMENT.digest, "KZ"): b"p",
        proof_name(STATEMENT.digest, "TJ"): b"q",
        "x.txt": b"",
    }
    assert filed(files) == (FiledStatement(raw=b"s", proofs=(b"p", b"q")),)


def folder(*proofs: bytes) -> dict[str, bytes]:
    """A trust folder's contract part, with proofs beside KG's statement."""
    place = f"contracts/{CONTRACT.id}/{CONTRACT.version}"
    lists = WORLD.trust_folder / "contracts" / "codelists"
    return {
        f"{place}/contract.odcs.yaml": CONTRACT.raw,
        **{f"contracts/codelists/{file.name}": file.read_bytes() for file in lists.iterdir()},
        **{f"{place}/statements/{one.digest.hex}.jws": one.raw for one in WORLD.statements},
        **{f"{place}/statements/{STATEMENT.digest.hex}.{n}.tlog-proof": raw for n, raw in enumerate(proofs)},
    }


def test_a_bundle_s_contract_binds_offline_by_the_witnessed_time_and_the_refusal_says_what_is_missing() -> None:
    shelf = FolderShelf(folder(proof(STATEMENT, cosigned_at=BEFORE)), revoked())
    shelf.in_force(CONTRACT, "KZ", COSIGNED)
    with pytest.raises(
        StatementUnwitnessedError, match="KG signed it with a key that did not count at 2026-10-02"
    ) as no:
        FolderShelf(folder(), revoked()).in_force(CONTRACT, "KZ", COSIGNED)
    assert "tlog-proof" in no.value.mend("ru")
