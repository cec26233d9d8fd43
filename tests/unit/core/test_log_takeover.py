"""What a witness that starts again must hear before it cosigns: enough others, one history, somebody's word for it."""

from itertools import combinations

import pytest

from exchange.errors.log import LogError, OriginError, SignatureLineError, SignatureMissingError, WitnessSplitViewError
from exchange.log.checkpoint import Checkpoint
from exchange.log.merkle import consistency_proof, verify_consistency
from exchange.log.note import SignatureLine, format_note
from exchange.log.policy import WitnessPolicy, quorum_policy
from exchange.log.takeover import Offer, heard_enough, history, open_offer, tiles_of_consistency
from exchange.log.tiles import Tile, hash_reader
from tests.unit.core.log_samples import LOG_VKEY, NOON, WITNESS_VKEYS, WITNESSES, SampleLog, cosigned, witness_name

SAMPLE = SampleLog(70_000)
SMALL = SampleLog(300)
POLICY = quorum_policy(LOG_VKEY, WITNESS_VKEYS)


def policy_of(count: int) -> WitnessPolicy:
    return quorum_policy(LOG_VKEY, {name: WITNESS_VKEYS[name] for name in WITNESSES[:count]})


def offer(size: int, *, root: bytes | None = None) -> Offer:
    checkpoint = Checkpoint(origin="kz.exchange.example/log", size=size, root=root or size.to_bytes(32))
    return Offer(checkpoint=checkpoint, note=b"")


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_enough_others_are_heard_exactly_when_every_quorum_has_one_of_them(count: int) -> None:
    policy, names = policy_of(count), WITNESSES[:count]
    own, *others = names
    quorums = [
        set(some) for length in range(1, count + 1) for some in combinations(names, length) if policy.is_met_by(some)
    ]
    for length in range(count):
        for heard in combinations(others, length):
            # What this witness itself forgot counts for nothing.
            every_quorum_is_known = all(quorum & set(heard) for quorum in quorums)
            assert heard_enough(policy, heard) is every_quorum_is_known, (own, heard)


def test_a_log_without_a_quorum_has_nothing_that_could_have_been_forgotten() -> None:
    assert heard_enough(WitnessPolicy(logs=(LOG_VKEY,), witnesses={}), ())


def test_one_cosignature_makes_an_offer_and_none_does_not() -> None:
    note = SMALL.note()
    assert open_offer(format_note(cosigned(note, {"kg": NOON})), policy=POLICY).checkpoint == SMALL.checkpoint()
    with pytest.raises(SignatureMissingError):
        open_offer(format_note(note), policy=POLICY)


@pytest.mark.parametrize(
    ("note", "refusal"),
    [
        pytest.param(b"", LogError, id="nothing"),
        pytest.param(
            format_note(cosigned(SMALL.note(), {"kg": NOON})).replace(b"kz.exchange", b"uz.exchange", 1),
            OriginError,
            id="another log",
        ),
        pytest.param(
            format_note(
                SMALL.note().with_lines(
                    [SignatureLine(name=witness_name("kg"), key_id=WITNESS_VKEYS["kg"].key_id, signature=bytes(72))]
                )
            ),
            SignatureLineError,
            id="a forged cosignature",
        ),
    ],
)
def test_what_nobody_vouches_for_is_no_offer(note: bytes, refusal: type[LogError]) -> None:
    with pytest.raises(refusal):
        open_offer(note, policy=POLICY)


def test_larger_checkpoints_are_taken_over_in_order_each_once() -> None:
    latest = offer(20).checkpoint
    found = history(latest, [offer(40), offer(10), offer(30), offer(40), offer(20)])
    assert [one.checkpoint.size for one in found] == [30, 40]
    assert [one.checkpoint.size for one in history(None, [offer(5), offer(3)])] == [3, 5]
    assert history(latest, []) == ()


@pytest.mark.parametrize(
    "offers",
    [
        pytest.param([offer(20, root=b"x" * 32)], id="another root than this witness cosigned"),
        pytest.param([offer(30), offer(30, root=b"x" * 32)], id="two offers of one size"),
        pytest.param([offer(10), offer(10, root=b"x" * 32)], id="two old offers of one size"),
    ],
)
def test_two_roots_of_one_size_are_a_split_view(offers: list[Offer]) -> None:
    with pytest.raises(WitnessSplitViewError) as refused:
        history(offer(20).checkpoint, offers)
    assert refused.value.facts["found"] == (b"x" * 32).hex()


@pytest.mark.parametrize(("old", "new"), [(1, 2), (255, 300), (256, 65_537), (65_535, 70_000), (0, 5), (9, 9)])
def test_the_tiles_named_for_a_proof_are_all_that_it_takes(old: int, new: int) -> None:
    wanted = tiles_of_consistency(old, new)
    read: list[Tile] = []

    def cut(tile: Tile) -> bytes:
        read.append(tile)
        whole = SAMPLE.files.get(f"tile/{tile.level}/{tile.index:03d}")
        return (whole or SAMPLE.read_tile(Tile(tile.level, tile.index, (70_000 >> 8 * tile.level) % 256)))[
            : tile.width * 32
        ]

    proof = consistency_proof(old, new, hash_reader(cut, size=new))
    assert set(read) == set(wanted)
    verify_consistency(
        old_size=old, old_root=SAMPLE.root(old), new_size=new, new_root=SAMPLE.root(new), proof=proof, origin="x"
    )
