"""Thirty attacks on logs, exchanges and trust: each has its verdict and its culprit, or what prevents it, here by name.

docs/attacks.md is the same for readers: a row for each, with the name of its test.

What a member signs convicts it; what it merely says convicts nobody else. Those that a witness, a puller or the
registry stops before any audit are tests elsewhere, named in `PREVENTED`.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.encoding import Digest
from exchange.errors.bundle import SameOfficerError
from exchange.errors.exchange_ import NotFoundError
from exchange.errors.trust import UnknownKeyError
from exchange.flow.audit import read_publication
from exchange.log.entry import ENTRY_BYTES_MAX, EntryType
from exchange.reconcile import reconcile
from exchange.signing.keys import KeyPurpose
from nodes.adapters.partner_problems import PartnerProblemError
from nodes.auditor.collect import Collected, LogCollector
from nodes.auditor.report_document import report_document
from nodes.auditor.store import AuditStore
from nodes.paper import html_bytes
from tests.unit.nodes.test_audit_collect import HONEST, Source, entry
from tests.world.bundles import COSIGNED, bundle_world
from tests.world.clock import StillClock
from tests.world.pull_logs import BUNDLE, CONTRACT, PullLogs
from tests.world.pull_stories import (
    delivered_unlogged,
    received_from_nobody,
    served_and_silent,
    served_unasked,
)

ROOT = Path(__file__).resolve().parents[2]
AUDITED = COSIGNED + timedelta(hours=2)


# --- on a log --------------------------------------------------------------------------------------------------------


class Monitor:
    """KG's witness, and what it saw of KZ's log."""

    partner = "KG"

    def __init__(self, *refused: Source) -> None:
        self._refused = refused

    async def witnessed(self, origin_hash: str) -> bytes:
        raise PartnerProblemError(
            partner="KG", subject=origin_hash, status=404, problem=NotFoundError.code, detail="-", mend=""
        )

    async def rivals(self, origin_hash: str) -> list[bytes]:
        del origin_hash
        return [await source.checkpoint() for source in self._refused]


class Withheld(Source):
    """A log whose entries its member does not show, though it answers."""

    async def entries(self, path: str) -> bytes:
        raise PartnerProblemError(partner="KZ", subject=path, status=404, problem="not-found", detail="-", mend="")


class Smuggled(Source):
    """An entry bundle with bytes after the last entry."""

    async def entries(self, path: str) -> bytes:
        return await super().entries(path) + b"\x00\x01x"


async def collected(tmp_path: Path, *shown: Source, heard: Source | None = None, hours: int = 2) -> Collected:
    """What the last of these sightings of KZ's log gives, the last one `hours` after it was cosigned."""
    store = AuditStore(tmp_path / "audit.db")
    clock = StillClock(AUDITED)
    collector = LogCollector(trust=bundle_world().trust, store=store, clock=clock, wait_s=0)
    if heard is not None:
        await collector.hear([Monitor(heard)])
    for source in shown[:-1]:
        await collector.collect(source)
    clock.at = COSIGNED + timedelta(hours=hours)
    return await collector.collect(shown[-1])


def verdicts(found: Collected) -> list[tuple[str, str]]:
    return [(finding.reason.code, finding.party) for finding in found.findings]


LONGER = [entry(number) for number in range(8)]
OTHER = [*HONEST[:4], entry(4, salt=9)]

ON_A_LOG = {
    "1 an old entry rewritten and signed again": ((Source(HONEST), Source([*OTHER, entry(5)])), None, "log-rewritten"),
    "2 an entry dropped from the middle": (
        (Source(HONEST), Source([*LONGER[:2], *LONGER[3:]])),
        None,
        "log-rewritten",
    ),
    "3 a restored backup": ((Source(HONEST), Source(HONEST[:3])), None, "log-rolled-back"),
    "4 a split view at one size": ((Source(HONEST),), Source(OTHER, witnesses=()), "log-forked"),
    "5 a split view at two sizes": ((Source(LONGER),), Source(OTHER, witnesses=()), "log-rewritten"),
    "7 one witness counted thrice": ((Source(HONEST, witnesses=("KG",) * 4),), None, "log-unwitnessed"),
    "8 another member's checkpoint": ((Source(HONEST, signed_by="UZ"),), None, "log-malformed"),
    "20 a stolen log key extends another history": (
        (Source(HONEST), Source(LONGER)),
        Source([*HONEST, entry(5, salt=7), entry(6), entry(7)], witnesses=("TJ",)),
        "log-forked",
    ),
    "23 bytes after a full bundle": ((Smuggled(HONEST),), None, "log-malformed"),
    "24 entries withheld under a signed checkpoint": ((Withheld(HONEST),), None, "log-truncated"),
    "29 an entry beyond the limit": (
        (Source([*HONEST, b'{"at":"' + b"0" * ENTRY_BYTES_MAX + b'"}']),),
        None,
        "log-malformed",
    ),
}


@pytest.mark.parametrize(("shown", "heard", "code"), ON_A_LOG.values(), ids=ON_A_LOG)
@pytest.mark.asvs("V16.4.2")
async def test_an_attack_on_a_log_convicts_the_member_whose_key_signed_it(
    tmp_path: Path, shown: tuple[Source, ...], heard: Source | None, code: str
) -> None:
    assert verdicts(await collected(tmp_path, *shown, heard=heard)) == [(code, "KZ")]


@pytest.mark.parametrize(("hours", "found"), [(3, []), (4, [("log-stale", "KZ")])], ids=["2 hours old", "3 hours old"])
async def test_attack_6_a_frozen_log_is_stale_once_heartbeats_are_missing(
    tmp_path: Path, hours: int, found: list[tuple[str, str]]
) -> None:
    assert verdicts(await collected(tmp_path, Source(HONEST), hours=hours)) == found


async def test_a_witness_that_heard_only_the_honest_log_accuses_nobody(tmp_path: Path) -> None:
    assert verdicts(await collected(tmp_path, Source(LONGER), heard=Source(HONEST, witnesses=("TJ",)))) == []


async def test_a_witness_cannot_frame_a_log_with_a_checkpoint_of_its_own_making(tmp_path: Path) -> None:
    assert verdicts(await collected(tmp_path, Source(HONEST), heard=Source(OTHER, signed_by="KG"))) == []


# --- on an exchange --------------------------------------------------------------------------------------------------


def uncleared(logs: PullLogs) -> None:
    logs.publications.clear()
    logs.logs["KZ"].clear()
    logs.publish(cleared=False)


def one_officer(logs: PullLogs) -> None:
    logs.publications[BUNDLE] = SameOfficerError(officer="kz-02")


def revoked_key(logs: PullLogs) -> None:
    logs.publications[BUNDLE] = UnknownKeyError(subject="datapackage.jws", algorithm="Ed25519", kid="k1")


def unsigned_contract(logs: PullLogs) -> None:
    logs.state = "proposed"


def both_hide(logs: PullLogs) -> None:
    """Nothing of it reaches a log."""
    logs.deliver(logs.request())


ON_AN_EXCHANGE: dict[str, tuple[Callable[[PullLogs], object], list[tuple[str, str]]]] = {
    "9 served and not logged": (delivered_unlogged, [("pull-not-logged-by-publisher", "KZ")]),
    "10 a pull that never was": (served_unasked, [("pull-invented-by-publisher", "KZ")]),
    "11 received, not logged, denied": (served_and_silent, [("pull-not-logged-by-puller", "KG")]),
    "12 a delivery that never was": (received_from_nobody, [("pull-invented-by-puller", "KG")]),
    "13 both sides hide it": (both_hide, []),
    "14 published without clearance": (uncleared, [("published-without-clearance", "KZ")]),
    "15 one officer signs twice": (one_officer, [("one-officer-twice", "KZ")]),
    "16 a contract amended alone": (unsigned_contract, [("published-without-contract", "KZ")]),
    "20 a revoked key used": (revoked_key, [("revoked-key-used", "KZ")]),
}


@pytest.mark.parametrize(("story", "found"), ON_AN_EXCHANGE.values(), ids=ON_AN_EXCHANGE)
def test_an_attack_on_an_exchange_convicts_whoever_made_it(
    story: Callable[[PullLogs], object], found: list[tuple[str, str]]
) -> None:
    logs = PullLogs()
    logs.publish()
    story(logs)
    logs.audited_after = timedelta(days=13, hours=23) if story is delivered_unlogged else timedelta(days=15)
    codes = [(finding.reason.code, finding.party) for finding in reconcile(logs.gathered()).findings]
    assert [one for one in codes if one[0] != "receipt-not-given"] == found
    assert {party for _, party in codes} == {party for _, party in found}


def test_attack_13_is_named_in_every_report_as_what_no_audit_finds() -> None:
    document = {
        "at": "2026-10-01T12:00:00Z", "auditor": "IOM", "registry": {"version": 1, "sha256": "-"}, "green": True,
        "findings": [], "logs": [], "exchanges": [],
    }  # fmt: skip
    assert "both sides hide" in html_bytes(report_document(document, b"", "en")).decode()


def test_attack_22_two_pulls_of_one_bundle_have_nothing_in_common_that_links_them() -> None:
    logs = PullLogs()
    logs.publish()
    first, second = logs.honest_pull(), logs.honest_pull()
    assert first != second
    salts = [one.salt for log in logs.logs.values() for one in log]
    assert len(set(salts)) == len(salts)


@pytest.mark.parametrize(("minutes", "code"), [(6, "clock-skew"), (-6, "clock-set-back"), (4, None), (-4, None)])
@pytest.mark.asvs("V16.2.2")
def test_attack_28_a_clock_beyond_five_minutes_convicts_its_own_node(minutes: int, code: str | None) -> None:
    logs = PullLogs()
    logs.publish()
    witnessed = logs.at
    logs.at += timedelta(minutes=minutes)
    logs.log("KZ", EntryType.HEARTBEAT)
    size = len(logs.logs["KZ"])
    logs.cosigned["KZ"] = [(size - 1, witnessed), (size, witnessed + timedelta(seconds=1))]
    codes = [(finding.reason.code, finding.party) for finding in reconcile(logs.gathered()).findings]
    assert codes == ([] if code is None else [(code, "KZ")])


def test_a_real_bundle_signed_by_a_key_that_had_been_revoked_is_what_the_story_says() -> None:
    world = bundle_world()
    kz = world.trust.member("KZ")
    keys = tuple(
        replace(one, revoked_at=COSIGNED - timedelta(hours=1)) if one.purpose is KeyPurpose.BUNDLE else one
        for one in kz.keys
    )
    trust = replace(world.trust, members={**world.trust.members, "KZ": replace(kz, keys=keys)})
    files = {name: raw for name, raw in world.files.items() if name != "data.csv"}
    found = read_publication(
        Digest.of(files["datapackage.json"]), files, trust=trust, contracts={world.contract.digest: world.contract}
    )
    assert isinstance(found, UnknownKeyError)
    logs = PullLogs()
    logs.publish()
    logs.publications[BUNDLE] = found
    (finding,) = reconcile(logs.gathered()).findings
    assert (finding.reason.code, finding.party) == ("revoked-key-used", "KZ")


# --- neither side can frame the other --------------------------------------------------------------------------------


def framed_by_publisher(logs: PullLogs) -> None:
    """KZ claims a pull that KG asked of another bundle, and a receipt that it wrote itself."""
    pull = logs.request(bundle=Digest.of(b"another"))
    logs.serve(pull)
    logs.get(pull, logs.give(pull, Digest.of(b"delivery"), 0, "KG", signed_by="KZ", logged=False))


def framed_by_puller(logs: PullLogs) -> None:
    """KG received honestly; it then logs a second delivery, made out of the first, of other bytes."""
    logs.honest_pull()
    pull = logs.request()
    logs.take(pull, logs.deliver(pull, index=0, signed_by="KG"), code="signature-invalid")


def framed_by_silence(logs: PullLogs) -> None:
    """KG holds a true delivery back, and shows it only after KZ has withdrawn the bundle."""
    pull = logs.request()
    index = logs.serve(pull)
    delivery = logs.deliver(pull, index=index)
    logs.log("KZ", EntryType.BUNDLE_WITHDRAWN, contract=CONTRACT, bundle=BUNDLE, evidence=Digest.of(b"w"))
    logs.give(pull, delivery, logs.take(pull, delivery))


@pytest.mark.parametrize(
    ("story", "innocent"),
    [(framed_by_publisher, "KG"), (framed_by_puller, "KZ"), (framed_by_silence, "KZ")],
    ids=["the publisher tries", "the puller tries", "the puller waits"],
)
def test_neither_side_can_frame_the_other(story: Callable[[PullLogs], object], innocent: str) -> None:
    logs = PullLogs()
    logs.publish()
    story(logs)
    logs.audited_after = timedelta(days=13)
    assert innocent not in {finding.party for finding in reconcile(logs.gathered()).findings}


# --- prevented before any audit --------------------------------------------------------------------------------------

PREVENTED = {
    9: ("tests/attacks/test_bundle_tampering.py", "an_entry_that_is_not_in_the_tree_proves_nothing"),
    17: ("tests/attacks/test_registry_refusals.py", "only_a_members_own_two_keys_sign_its_keys"),
    18: ("tests/attacks/test_weak_keys.py", "such_a_key_enters_nowhere"),
    19: ("tests/attacks/test_registry_refusals.py", "a_replay_to_a_fresh_node_ends_at_what_it_meets_in_a_log"),
    21: ("tests/attacks/test_audit_guesses.py", "a_right_guess_of_the_whole_table_cannot_be_told_from_a_wrong_one"),
    25: ("tests/unit/nodes/test_sequencer.py", "a_second_writer_is_noticed_and_stops_the_node"),
    26: ("tests/attacks/test_witness_attacks.py", "eight_rivals_at_once_get_cosignatures_over_one_history"),
    27: ("tests/unit/nodes/test_sequencer.py", "an_error_of_fsync_stops_the_node"),
    30: ("tests/unit/core/test_trust.py", "what_a_member_writes_in_anothers_path_is_passed_over"),
}


def test_each_of_the_thirty_attacks_has_a_test_here_or_where_it_is_prevented() -> None:
    named = {int(name.split()[0]) for name in (*ON_A_LOG, *ON_AN_EXCHANGE)} | {6, 22, 28} | PREVENTED.keys()
    assert named == set(range(1, 31))
    for file, name in PREVENTED.values():
        assert f"def test_{name}(" in (ROOT / file).read_text(encoding="utf-8"), (file, name)


def test_the_page_for_readers_has_every_attack_with_its_verdict_and_its_test() -> None:
    page = (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")
    rows = {int(line.split("|")[1]): line for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()}
    assert rows.keys() == set(range(1, 31))
    verdict = {int(name.split()[0]): code for name, (_, _, code) in ON_A_LOG.items() if not name.startswith("20")}
    verdict |= {int(name.split()[0]): found[0][0] for name, (_, found) in ON_AN_EXCHANGE.items() if found}
    for number, code in verdict.items():
        assert f"`{code}`" in rows[number], number
        assert re.search(rf"\brows? {number}\b", rows[number]), number
    for number, (_, name) in PREVENTED.items():
        assert f"`test_{name}`" in rows[number], number
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", page):
        assert f"def {name}(" in tests, name
