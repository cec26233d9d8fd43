"""What an audit remembers of publications and patterns: what held, under everything that it was decided from."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.encoding import Digest
from exchange.flow.audit import read_publication
from exchange.manifest import MANIFEST, bundle_digest
from exchange.pattern import Pattern
from exchange.publication import SIGNATURES
from exchange.reconcile import reconcile
from exchange.reconcile.memory import Memory, judged_by
from exchange.reconcile.model import VerifiedPublication
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import Trust
from tests.world.bundles import COSIGNED, bundle_world
from tests.world.contracts import contract
from tests.world.pull_logs import BUNDLE, CONTRACT, PullLogs, bundle_named

PROGRAM = Digest.of(b"this program")
WORLD = bundle_world()
CONTRACTS = {WORLD.contract.digest: WORLD.contract}
LATER = COSIGNED + timedelta(minutes=1)
PUBLISHED = bundle_digest(WORLD.files[MANIFEST])


def memory(before: Memory | None = None, *, trust: Trust = WORLD.trust, program: Digest = PROGRAM) -> Memory:
    """An audit's memory: of the run before, or of none."""
    verified, silent = ({}, frozenset()) if before is None else (before.verified_now, frozenset(before.silent_now))
    return Memory(judged_by=judged_by(program, trust), verified=verified, silent=silent)


def read(memory: Memory, files: Mapping[str, bytes] = WORLD.files, trust: Trust = WORLD.trust) -> object:
    return read_publication(PUBLISHED, files, trust=trust, contracts=CONTRACTS, memory=memory)


def remembered() -> Memory:
    """What a first audit left; its cosigned time is another, so that who believes it is seen to."""
    first = memory()
    assert isinstance(read(first), VerifiedPublication)
    assert list(first.verified_now.values()) == [COSIGNED]
    first.verified_now = dict.fromkeys(first.verified_now, LATER)
    return first


def revoked(trust: Trust) -> Trust:
    """The registry after KZ's transport keys were revoked, with everything else as it was."""
    kz = trust.members["KZ"]
    keys = tuple(replace(one, revoked_at=LATER) if one.purpose is KeyPurpose.TRANSPORT else one for one in kz.keys)
    return replace(trust, members={**trust.members, "KZ": replace(kz, keys=keys)})


def test_what_verified_with_the_same_of_everything_is_not_verified_again_and_says_the_same() -> None:
    anew = read_publication(PUBLISHED, WORLD.files, trust=WORLD.trust, contracts=CONTRACTS)
    assert isinstance(anew, VerifiedPublication)
    assert read(memory(remembered())) == replace(anew, cosigned_at=LATER)


CHANGED: dict[str, Callable[[Memory], object]] = {
    "another program": lambda before: read(memory(before, program=Digest.of(b"another program"))),
    "another registry": lambda before: read(memory(before, trust=revoked(WORLD.trust)), trust=revoked(WORLD.trust)),
    "a file more": lambda before: read(memory(before), {**WORLD.files, "note.txt": b""}),
    "no text of the contract": lambda before: read_publication(
        PUBLISHED, WORLD.files, trust=WORLD.trust, contracts={}, memory=memory(before)
    ),
    "no memory, as whoever decides an evidence file": lambda _: read_publication(
        PUBLISHED, WORLD.files, trust=WORLD.trust, contracts=CONTRACTS
    ),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_what_was_decided_from_anything_else_is_verified_again(change: Callable[[Memory], object]) -> None:
    judged = change(remembered())
    assert isinstance(judged, VerifiedPublication)
    assert judged.cosigned_at == COSIGNED


@pytest.mark.parametrize("name", sorted(WORLD.files.keys() - {"data.csv"}))
def test_a_file_of_which_one_byte_changed_is_refused_whatever_is_remembered(name: str) -> None:
    raw = bytearray(WORLD.files[name])
    raw[len(raw) // 2] ^= 1
    run = memory(remembered())
    assert not isinstance(read(run, {**WORLD.files, name: bytes(raw)}), VerifiedPublication)
    assert run.verified_now == {}


def test_what_did_not_hold_is_not_remembered() -> None:
    run = memory()
    read(run, {**WORLD.files, SIGNATURES: b"{}"})
    assert run.verified_now == {}


def test_what_is_not_looked_at_any_more_is_forgotten() -> None:
    second = memory(remembered())
    third = memory(second)
    assert (len(second.verified), third.verified) == (1, {})


def test_the_registrys_renewal_alone_makes_nothing_doubtful() -> None:
    trust = WORLD.trust
    renewed = replace(trust, timestamp_version=trust.timestamp_version + 1, expires=trust.expires + timedelta(days=7))
    assert judged_by(PROGRAM, renewed) == judged_by(PROGRAM, trust)


def test_an_archived_snapshot_more_or_another_has_everything_verified_again() -> None:
    trust = WORLD.trust
    name, other = "metadata/7.snapshot.json", b"another"
    archives = [
        trust.archive,
        replace(trust.archive, files={**trust.archive.files, name: b"one"}),
        replace(trust.archive, files={**trust.archive.files, name: other}),
    ]
    assert len({judged_by(PROGRAM, replace(trust, archive=archive)) for archive in archives}) == len(archives)


def test_what_follows_from_patterns_is_found_again_in_every_run_and_what_does_not_is_remembered() -> None:
    def rectangle(*counterparts: str) -> frozenset[tuple[str, ...]]:
        return frozenset(("IN", citizen, other, *["_T"] * 4) for citizen in ("KG", "UZ") for other in counterparts)

    logs = PullLogs()
    logs.publish(withheld=rectangle("KG", "UZ"))
    logs.publish(bundle_named("r1"), revision=1, supersedes=BUNDLE, withheld=rectangle("KG", "TJ"))
    first = memory()
    gathered = replace(logs.gathered(), contracts={CONTRACT: contract("CA-01-BORDER")}, memory=first)
    second = memory(first)
    runs = [reconcile(gathered).findings, reconcile(replace(gathered, memory=second)).findings]
    assert [[found.reason.code for found in run if found.reason.code.startswith("pattern")] for run in runs] == [
        ["pattern-possible"],
        ["pattern-possible"],
    ]
    assert len(first.silent_now) == 2  # each alone; not the two together
    assert second.silent_now == first.silent_now


def pattern(**changes: object) -> Pattern:
    honest = Pattern(
        bundle="one",
        contract=WORLD.contract,
        provider="KZ",
        period="2026-09",
        revision=0,
        recipients=("KG", "TJ"),
        withheld=frozenset({("IN", "KG"), ("IN", "UZ")}),
        excluded=frozenset({("OUT", "KG")}),
    )
    return replace(honest, **changes)  # type: ignore[arg-type]  # by the test's names


@pytest.mark.parametrize(
    "changes",
    [
        {"bundle": "another"},
        {"provider": "UZ"},
        {"period": "2026-08"},
        {"revision": 1},
        {"recipients": ("KG",)},
        {"withheld": frozenset({("IN", "KG")})},
        {"excluded": frozenset()},
        {"contract": replace(WORLD.contract, digest=Digest.of(b"another text"))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_patterns_that_differ_in_anything_are_looked_at_again(changes: dict[str, object]) -> None:
    run = memory()
    run.note_silent(run.patterns([pattern()]))
    known = memory(run)
    assert known.is_silent(known.patterns([pattern()]))
    assert not known.is_silent(known.patterns([pattern(**changes)]))
    assert not known.is_silent(known.patterns([pattern(), pattern(**changes)]))
