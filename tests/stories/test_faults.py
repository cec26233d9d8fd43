"""Partners and witnesses that are down, files that were changed, signatures that are missing: what is refused, how."""

import json
import sqlite3
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.stories.faulty import PARTIES, REMOVALS, FaultyFederation, soon
from tests.stories.federation import Ran, verify

pytestmark = [pytest.mark.story, pytest.mark.long]


DOES_NOT_HOLD, NOT_AUTHORISED, UNREACHABLE, CONTRACT_REFUSES = 3, 4, 5, 6


def test_a_partner_that_is_down_is_named_and_the_next_pull_works(faulty: FaultyFederation) -> None:
    faulty.published("UZ", "2026-07")
    before = faulty.entries("UZ")
    with faulty.without("UZ"):
        refusal = faulty.refused("pull", "uz", "CA-01", "2026-07", node="KG", code=UNREACHABLE)
        assert refusal.startswith("partner-unreachable: UZ: its node at 127.0.0.1:")
        assert "nothing was changed here; try again when the partner is back" in refusal
    pulled = faulty.act("pull", "uz", "CA-01", "2026-07", node="KG")
    assert verify(Path(pulled["folder"]), faulty.home / "keys").code == 0
    after = faulty.entries("UZ")
    assert after[: len(before)] == before
    assert len(after) > len(before)


def test_a_publication_waits_for_its_witnesses_over_a_crash_and_is_then_published_by_itself(
    faulty: FaultyFederation,
) -> None:
    faulty.clear("KG", "2026-07")
    # Of six witnesses four must cosign: here one is down and three hang.
    with faulty.without("GB"), faulty.frozen("TJ", "TM", "UZ"):
        waits = faulty.run("bundle", "release", "CA-01", "2026-07", node="kg")
        assert waits.code == 0
        assert "it waits for its witnesses and is published by itself" in waits.out
        released = faulty.release("KG", "2026-07")
        assert released["state"] == "logged"
        digest = released["bundle"].removeprefix("sha256:")
        faulty.kill("KG")
        faulty.start("KG")
        assert faulty.offered("KG", "2026-07", to="KZ") == []
        assert not faulty.zip_of("KG", digest).exists()
        refusal = faulty.refused("pull", "kg", "CA-01", "2026-07", node="KZ", code=NOT_AUTHORISED)
        assert refusal.startswith("pull-not-offered: KG offers KZ no bundle of CA-01 for 2026-07\n")
    soon("it is listed", lambda: faulty.offered("KG", "2026-07", to="KZ"))
    assert verify(faulty.zip_of("KG", digest), faulty.home / "keys").code == 0
    assert faulty.release("KG", "2026-07")["state"] == "published"
    assert len(faulty.logged("KG", type="bundle.published", bundle=f"sha256:{digest}")) == 1
    faulty.act("pull", "kg", "CA-01", "2026-07", node="KZ")


def test_two_pulls_of_one_bundle_at_once_are_two_exchanges_and_both_are_right(faulty: FaultyFederation) -> None:
    digest = faulty.published("TJ", "2026-07")
    with ThreadPoolExecutor(max_workers=2) as pool:
        both = list(pool.map(lambda _: faulty.act("pull", "tj", "CA-01", "2026-07", node="KG"), range(2)))
    assert len({pulled["pull"] for pulled in both}) == 2
    assert {pulled["folder"] for pulled in both} == {both[0]["folder"]}
    assert sorted(pulled["already_there"] for pulled in both) == [False, True]
    assert verify(Path(both[0]["folder"]), faulty.home / "keys").code == 0
    for member, kind in (("TJ", "pull.served"), ("KG", "bundle.received"), ("KG", "receipt.given")):
        found = faulty.logged(member, type=kind, bundle=digest)
        assert {entry["pull"] for entry in found} == {pulled["pull"] for pulled in both}, kind
        assert len(found) == 2
    faulty.require_clean_audit(digest)


def test_a_candidate_altered_after_its_approval_is_not_released(faulty: FaultyFederation) -> None:
    faulty.clear("UZ", "2026-06")
    entries = faulty.entries("UZ")
    (folder,) = (faulty.node("UZ") / "desk" / "candidates").glob("uz-ca-01-border-2026-06-r0-*")
    data = folder / "data.csv"
    intact = data.read_bytes()
    data.write_bytes(intact.replace(b",RU,", b",CN,", 1))
    refusal = faulty.refused("bundle", "release", "CA-01", "2026-06", node="UZ", code=DOES_NOT_HOLD)
    assert "data.csv" in refusal
    assert faulty.entries("UZ") == entries
    assert faulty.offered("UZ", "2026-06", to="KG") == []
    data.write_bytes(intact)
    faulty.released("UZ", "2026-06")
    assert len(faulty.offered("UZ", "2026-06", to="KG")) == 1


def test_a_gateway_does_not_start_on_a_store_of_a_later_program(faulty: FaultyFederation) -> None:
    faulty.stop("GB")
    store = faulty.node("GB") / "state.db"
    try:
        with closing(sqlite3.connect(store)) as connection:
            known = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute(f"PRAGMA user_version = {known + 6}")
        before = store.read_bytes()
        refusal = faulty.refused("serve", node="GB", code=1)
        assert refusal.startswith(
            f"store-newer: state.db: schema number: this program knows up to {known}, found {known + 6}"
        )
        assert store.read_bytes() == before
    finally:
        with closing(sqlite3.connect(store)) as connection:
            connection.execute(f"PRAGMA user_version = {known}")
        faulty.start("GB")


def test_under_a_contract_that_one_party_has_not_signed_nothing_is_built_cleared_released_or_pulled(
    faulty: FaultyFederation,
) -> None:
    contract, asked = f"{REMOVALS}/1.1.0", (REMOVALS, "2026-Q3")
    for party in PARTIES:
        if party != "UZ":
            faulty.act("contract", "sign", contract, node=party)
    unsigned = f"contract-not-signed: contract {REMOVALS} 1.1.0 is not in force: not signed by UZ"

    def build() -> Ran:
        return faulty.build("KZ", "2026-Q3", contract=REMOVALS)

    soon("KZ has the others' statements", lambda: statements(faulty, "KZ") == 5)
    refused = build()
    assert (refused.code, refused.err.splitlines()[0]) == (CONTRACT_REFUSES, unsigned)
    faulty.stop("KG")  # it will not hear of UZ's signature
    faulty.act("contract", "sign", contract, node="UZ")
    soon("in force at KZ", lambda: statements(faulty, "KZ") == 6)
    assert build().code == 0
    faulty.act("bundle", "submit", *asked, node="KZ")
    approve = ("clearance", "approve", *asked, "--officer")
    faulty.act(*approve, "kz-02", node="KZ")
    with statement_missing(faulty, "KZ", "UZ"):
        assert unsigned in faulty.refused(*approve, "kz-03", node="KZ", code=CONTRACT_REFUSES)
    faulty.act(*approve, "kz-03", node="KZ")
    with statement_missing(faulty, "KZ", "UZ"):
        assert unsigned in faulty.refused("bundle", "release", *asked, node="KZ", code=CONTRACT_REFUSES)
    faulty.released("KZ", "2026-Q3", contract=REMOVALS)
    faulty.stop("UZ")
    faulty.start("KG")
    assert unsigned in faulty.refused("pull", "kz", *asked, node="KG", code=CONTRACT_REFUSES)
    faulty.start("UZ")
    soon("UZ's signature reaches KG", lambda: statements(faulty, "KG") == 6)
    faulty.act("pull", "kz", *asked, node="KG")


def statements(faulty: FaultyFederation, member: str) -> int:
    """How many parties' statements bind this node for CA-07."""
    folder = faulty.node(member) / "contracts" / REMOVALS / "1.1.0" / "statements"
    return len(list(folder.glob("*.jws")))


@contextmanager
def statement_missing(faulty: FaultyFederation, member: str, party: str) -> Iterator[None]:
    """While the desk of this member lacks one party's statement."""
    folder = faulty.node(member) / "contracts" / REMOVALS / "1.1.0" / "statements"
    (found,) = (file for file in folder.glob("*.jws") if says(file)["party"] == party)
    aside = found.with_suffix(".aside")
    found.rename(aside)
    try:
        yield
    finally:
        aside.rename(found)


def says(statement: Path) -> dict[str, Any]:
    payload = json.loads(statement.read_bytes())["payload"]
    said: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return said


def test_a_bundle_altered_at_rest_is_refused_and_the_audit_blames_its_publisher(faulty: FaultyFederation) -> None:
    digest = faulty.published("TM", "2026-07")
    faulty.altered.add(digest)
    stored = faulty.zip_of("TM", digest)
    intact = stored.read_bytes()
    place = intact.index(b"dataflow,") + 12
    stored.write_bytes(intact[:place] + bytes([intact[place] ^ 1]) + intact[place + 1 :])
    try:
        refused = faulty.act("pull", "tm", "CA-01", "2026-07", node="KG", code=DOES_NOT_HOLD)["error"]
        assert refused["facts"]["problem"] == "bundle-damaged"
        assert f"bundle {digest} at TM: stored bytes: expected sha256:" in refused["message"]
        audit = faulty.act("audit", "run", node="IOM", code=DOES_NOT_HOLD)
    finally:
        stored.write_bytes(intact)
    assert not audit["green"]
    assert {(finding["code"], finding["party"]) for finding in audit["findings"]} == {
        ("stored-bundle-altered", "TM"),  # by its own log
        ("publication-unverifiable", "TM"),  # as the auditor meets it, until it is restored
    }
    (exchange,) = (one for one in audit["exchanges"] if one["bundle"] == digest)
    assert (exchange["publisher"], exchange["puller"], exchange["fault"]) == ("TM", "KG", "TM")
    assert faulty.act("pull", "tm", "CA-01", "2026-07", node="KG")["receipt_taken"]
