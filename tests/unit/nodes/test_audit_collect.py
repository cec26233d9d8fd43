"""One member's log against everything it ever signed: rewritten, rolled back, unwitnessed, malformed, or honest."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from exchange.encoding import Digest
from exchange.errors.exchange_ import PartnerUnreachableError
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import cosign
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import format_note
from exchange.log.tiles import TILE_WIDTH, format_entry_bundle, parse_tile_path
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import RegistryRef
from nodes.auditor.collect import Collected, LogCollector
from nodes.auditor.store import AuditStore
from tests.world.bundles import COSIGNED, bundle_world
from tests.world.clock import StillClock
from tests.world.log_by_hand import root_of

REGISTRY = RegistryRef(version=1, sha256=Digest.of(b"registry"))


@cache
def entry(number: int, *, node: str = "KZ", salt: int = 0) -> bytes:
    return format_entry(
        LogEntry(
            type=EntryType.HEARTBEAT,
            at=COSIGNED + timedelta(seconds=number),
            node=node,
            registry=REGISTRY,
            salt=salt.to_bytes(16),
        )
    )


@dataclass
class Source:
    """KZ's gateway as it shows its log: entries, and a checkpoint with some witnesses' cosignatures."""

    entries_shown: list[bytes]
    witnesses: tuple[str, ...] = ("KG", "TJ", "TM", "UZ", "GB", "IOM")
    signed_by: str = "KZ"
    partner: str = "KZ"
    down: bool = False
    asked: list[str] = field(default_factory=list)

    async def checkpoint(self) -> bytes:
        if self.down:
            raise PartnerUnreachableError(partner="KZ", issuer="kz.example", reason="refused")
        federation = bundle_world().federation
        origin = bundle_world().trust.member("KZ").log_vkey.partition("+")[0]
        root = root_of([leaf_hash(raw) for raw in self.entries_shown])
        checkpoint = Checkpoint(origin=origin, size=len(self.entries_shown), root=root)
        note = sign_checkpoint(checkpoint, signer=federation.signer(self.signed_by, KeyPurpose.LOG))
        lines = [
            cosign(
                note.text,
                at=COSIGNED + timedelta(hours=1),
                name=f"{witness.lower()}.exchange.example/witness",
                signer=federation.signer(witness, KeyPurpose.WITNESS),
            )
            for witness in self.witnesses
        ]
        return format_note(note.with_lines(lines))

    async def entries(self, path: str) -> bytes:
        self.asked.append(path)
        tile = parse_tile_path(path)
        return format_entry_bundle(self.entries_shown[tile.start : tile.start + tile.width])


@pytest.fixture
def store(tmp_path: Path) -> AuditStore:
    return AuditStore(tmp_path / "audit.db")


def collector(store: AuditStore) -> LogCollector:
    return LogCollector(
        trust=bundle_world().trust, store=store, clock=StillClock(COSIGNED + timedelta(hours=2)), wait_s=0
    )


async def collect(store: AuditStore, source: Source) -> Collected:
    return await collector(store).collect(source)


def codes(found: Collected) -> list[str]:
    return [finding.reason.code for finding in found.findings]


HONEST = [entry(number) for number in range(5)]


async def test_an_honest_log_is_rebuilt_and_each_entry_knows_by_when_it_was_witnessed(store: AuditStore) -> None:
    found = await collect(store, Source(HONEST))
    assert codes(found) == []
    assert found.view is not None
    assert list(found.view.raws) == HONEST
    assert {one.cosigned_at for one in found.view.of(EntryType.HEARTBEAT)} == {COSIGNED + timedelta(hours=1)}


async def test_a_log_that_grew_is_asked_for_the_bundles_with_new_entries_only(store: AuditStore) -> None:
    long = [entry(number) for number in range(TILE_WIDTH + 3)]
    await collect(store, Source(long[: TILE_WIDTH + 1]))
    source = Source(long)
    found = await collect(store, source)
    assert source.asked == ["tile/entries/001.p/3"]
    assert found.view is not None
    assert found.view.size == len(long)
    assert codes(found) == []


async def test_a_thousand_new_entries_take_at_most_twenty_files_of_a_log(store: AuditStore) -> None:
    """Its checkpoint and its entries; each of six witnesses is asked for two more."""
    long = [entry(number) for number in range(4 * TILE_WIDTH + 1_000)]
    await collect(store, Source(long[: 4 * TILE_WIDTH - 1]))
    source = Source(long)
    await collect(store, source)
    assert 1 + len(source.asked) + 2 * 6 <= 20


async def test_an_entry_rewritten_after_it_was_seen_is_proven_by_the_checkpoint_signed_before(
    store: AuditStore,
) -> None:
    await collect(store, Source(HONEST))
    assert codes(await collect(store, Source([*HONEST[:3], entry(3, salt=9), *HONEST[4:], entry(5)]))) == [
        "log-rewritten"
    ]


async def test_two_checkpoints_of_one_size_are_remembered_for_ever(store: AuditStore) -> None:
    await collect(store, Source(HONEST))
    await collect(store, Source([*HONEST[:4], entry(4, salt=9)]))
    assert codes(await collect(store, Source(HONEST))) == ["log-forked"]


async def test_a_log_shorter_than_before_was_rolled_back(store: AuditStore) -> None:
    await collect(store, Source(HONEST))
    assert codes(await collect(store, Source(HONEST[:3]))) == ["log-rolled-back"]


async def test_a_checkpoint_seen_in_a_delivery_counts_like_one_that_was_fetched(store: AuditStore) -> None:
    collector(store).remember([("KZ", await Source([*HONEST[:4], entry(4, salt=9)], witnesses=()).checkpoint())])
    assert codes(await collect(store, Source(HONEST))) == ["log-forked"]


async def test_a_checkpoint_that_the_member_did_not_sign_says_nothing_about_it(store: AuditStore) -> None:
    collector(store).remember([("KZ", await Source([entry(9)], signed_by="UZ").checkpoint())])
    assert codes(await collect(store, Source(HONEST))) == []


@pytest.mark.parametrize(
    ("source", "code"),
    [
        pytest.param(Source(HONEST, witnesses=("KG", "TJ", "TM")), "log-unwitnessed", id="three of six witnesses"),
        pytest.param(Source(HONEST, signed_by="UZ"), "log-malformed", id="signed with another member's key"),
        pytest.param(Source([*HONEST, b"{}"]), "log-malformed", id="an entry that is none"),
        pytest.param(Source([*HONEST, entry(5, node="KG")]), "log-malformed", id="another member's entry"),
        pytest.param(Source(HONEST, down=True), "log-unreachable", id="a node that is down"),
    ],
)
async def test_a_log_that_does_not_hold_is_named(store: AuditStore, source: Source, code: str) -> None:
    assert codes(await collect(store, source)) == [code]
