"""IOM's audit of real gateways: everything is judged, and not one figure is asked for or received."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from exchange.encoding import Digest
from exchange.flow.audit import charge_of, decide_again
from exchange.flow.prove import smallest_proof
from exchange.log.entry import EntryType, parse_entry
from exchange.reconcile.dossier import format_dossier, parse_dossier
from exchange.reconcile.logs import read_seen
from exchange.reconcile.memory import judged_by
from exchange.reconcile.model import Verdict
from exchange.signing.trust import RegistryRef, Trust
from nodes.adapters.own_log import entry_at
from nodes.adapters.partner_problems import PartnerProblemError
from nodes.auditor.filing import kept_of, logs_of
from nodes.auditor.gather import FILES
from nodes.auditor.main import Auditor, AuditResult
from nodes.auditor.program import program_digest
from nodes.auditor.report import as_json
from nodes.auditor.steps import steps_about
from nodes.auditor.store import AuditStore
from tests.world.contracts import codelists
from tests.world.gateways import GatewayWorld, gateway_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    """One federation for this file, in which KG pulled twice and TJ once."""
    async with gateway_world(tmp_path_factory.mktemp("federation")) as running:
        for member in ("KG", "TJ", "KG"):
            assert (await running.pull(member)).status_code == 200
        yield running


@pytest.fixture
def store(tmp_path: Path) -> AuditStore:
    return AuditStore(tmp_path / "audit.db")


async def audit(
    world: GatewayWorld, store: AuditStore, *, anew: bool = False, trust: Trust | None = None
) -> AuditResult:
    auditor = Auditor(
        trust=trust or world.bundle.trust,
        store=store,
        clients=lambda member: world.client("IOM", member),
        clock=world.clock,
        codelists=codelists(),
        contracts={},
        program=program_digest(),
        quorum_wait_s=5,
    )
    return await auditor.run(lambda _stage, _share: None, anew=anew)


def verdicts(result: AuditResult) -> list[tuple[str, str, Verdict, str]]:
    return [(one.publisher, one.puller, one.verdict, one.fault) for one in result.reconciliation.exchanges]


def codes(result: AuditResult) -> list[tuple[str, str]]:
    return [(found.reason.code, found.party) for found in result.findings]


async def test_an_honest_federation_is_green_and_every_exchange_is_confirmed(
    world: GatewayWorld, store: AuditStore
) -> None:
    result = await audit(world, store)
    assert codes(result) == []
    assert result.green
    assert sorted(verdicts(result)) == [
        ("KZ", "KG", Verdict.CONFIRMED, ""),
        ("KZ", "KG", Verdict.CONFIRMED, ""),
        ("KZ", "TJ", Verdict.CONFIRMED, ""),
    ]
    assert {(one.contract_id, one.period) for one in result.reconciliation.exchanges} == {("CA-01-BORDER", "2026-09")}
    assert {log.member: log.cosigned_at is not None for log in result.logs} == dict.fromkeys(world.gateways, True)


async def test_what_one_run_verified_the_next_one_knows(world: GatewayWorld, store: AuditStore) -> None:
    first = await audit(world, store)
    entries = [
        parse_entry(raw) for member in ("KZ", "KG", "TJ") for raw in store.entries(member) if b'"receipt.' in raw
    ]
    receipts = {entry.evidence for entry in entries if entry.evidence is not None}
    assert len(receipts) == 3
    assert store.proven(receipts).keys() == receipts
    checkpoint = await world.client("IOM", "KZ").checkpoint()
    store.keep_notes([("KZ", read_seen("KZ", checkpoint, trust=world.bundle.trust))])
    assert store.unseen([("KZ", checkpoint), ("KG", checkpoint)]) == [("KG", checkpoint)]
    second = await audit(world, store)
    assert (verdicts(second), codes(second)) == (verdicts(first), codes(first))


async def test_what_one_run_verified_is_believed_by_the_next_until_a_file_in_the_store_is_another(
    world: GatewayWorld, store: AuditStore, tmp_path: Path
) -> None:
    await audit(world, store)
    now = judged_by(program_digest(), world.bundle.trust)
    assert list(store.memory(now).verified.values()) == [world.clock.now()]
    with closing(sqlite3.connect(tmp_path / "audit.db")) as altered, altered:
        altered.execute("UPDATE seen_file SET raw = X'00' WHERE name = 'datapackage.jws'")
    found = await audit(world, store)
    assert codes(found) == [("publication-unverifiable", "KZ")]
    assert store.memory(now).verified == {}
    assert codes(await audit(world, store)) == []  # asked for again, and verified


async def test_an_audit_anew_believes_nothing_that_is_remembered_and_finds_the_same(
    world: GatewayWorld, store: AuditStore
) -> None:
    first = await audit(world, store)
    now = judged_by(program_digest(), world.bundle.trust)
    lie = store.memory(now)
    lie.verified_now = {one: at + timedelta(days=1) for one, at in lie.verified.items()}
    store.keep_memory(lie)
    asked = len(world.network.asked)
    again = await audit(world, store, anew=True)
    assert (verdicts(again), codes(again)) == (verdicts(first), codes(first))
    assert len([path for _, path in world.network.asked[asked:] if path.startswith("/v1/bundles/")]) == len(FILES)
    assert set(store.memory(now).verified.values()) == {at - timedelta(days=1) for at in lie.verified_now.values()}


async def test_the_auditor_asks_for_no_figure_and_receives_none(world: GatewayWorld, store: AuditStore) -> None:
    network = world.network
    asked, answered = len(network.asked), len(network.answered)
    await audit(world, store)
    paths = [path for _, path in network.asked[asked:]]
    bundle = world.bundle.candidate
    assert bundle is not None
    assert any(path.endswith("/disclosure.json") for path in paths)
    assert not [path for path in paths if "data.csv" in path]
    assert not [path for path in paths if path.startswith("/v1/bundles/") and path.count("/") == 3]
    # Canaries: no row of the data, and not the salt without which nobody can test a guess against its digest.
    rows = world.bundle.files["data.csv"].decode().splitlines()[1:]
    received = b"\n".join(network.answered[answered:])
    assert not [row for row in rows if row.encode() in received]
    assert rows[0].rpartition(",")[2].encode() not in received


async def test_the_auditor_is_refused_the_data_if_it_asks(world: GatewayWorld) -> None:
    async def attempt(_: Digest) -> None:
        """The auditor remembers no pull: it makes none."""

    digest = world.gateways["KZ"].context.library.all()[0].bundle
    async with world.client("IOM", "KZ") as kz:
        for asked in (kz.bundle(digest, attempt=attempt), kz.bundle_file(digest, "data.csv")):
            with pytest.raises(PartnerProblemError) as refusal:
                await asked
            assert refusal.value.problem == "auditor-no-data"


async def test_a_second_run_asks_for_new_entries_only(world: GatewayWorld, store: AuditStore) -> None:
    await audit(world, store)
    before = len(world.network.asked)
    await audit(world, store)
    paths = [path for _, path in world.network.asked[before:]]
    assert not [path for path in paths if path.startswith(("/log/evidence/", "/v1/"))]
    assert len([path for path in paths if path.startswith("/log/tile/entries/")]) == len(world.gateways)


async def test_a_member_that_is_down_is_named_and_makes_nobody_guilty(world: GatewayWorld, store: AuditStore) -> None:
    world.network.down.add(world.port("KG"))
    result = await audit(world, store)
    world.network.down.clear()
    assert codes(result) == [("log-unreachable", "KG")]
    assert {one.verdict for one in result.reconciliation.exchanges if one.puller == "KG"} == {Verdict.PENDING}
    assert {one.fault for one in result.reconciliation.exchanges} == {""}


async def test_a_bundle_altered_at_rest_is_refused_and_its_keeper_is_at_fault_until_and_after_it_is_restored(
    world: GatewayWorld, store: AuditStore
) -> None:
    await audit(world, store)
    file = next((world.folder / "kz" / "bundles").glob("*.zip"))
    published = file.read_bytes()
    altered = bytearray(published)
    altered[len(altered) // 2] ^= 1
    file.write_bytes(bytes(altered))
    refused = (await world.pull("TM")).json()
    while_altered = await audit(world, store)
    file.write_bytes(published)
    restored = await world.pull("TM")
    after = await audit(world, store)
    assert (refused["exit_code"], refused["facts"]["problem"], refused["facts"]["partner"]) == (
        3,
        "bundle-damaged",
        "KZ",
    )
    assert ("stored-bundle-altered", "KZ") in codes(while_altered)
    assert {party for _, party in codes(while_altered)} == {"KZ"}
    assert ("KZ", "TM", Verdict.REFUSED, "KZ") in verdicts(while_altered)
    assert {one.contract_id for one in while_altered.reconciliation.exchanges} == {"CA-01-BORDER"}
    assert restored.status_code == 200
    assert codes(after) == [("stored-bundle-altered", "KZ")]
    evidence = after.findings[0].entries[0]
    raw = await world.gateways["KZ"].context.store.read(lambda connection: entry_at(connection, evidence[1]))
    assert (parse_entry(raw).type, parse_entry(raw).code) == (EntryType.PULL_REFUSED, "bundle-damaged")


async def test_a_finding_of_real_gateways_is_proven_from_what_the_auditor_keeps_without_asking_anybody(
    world: GatewayWorld, store: AuditStore
) -> None:
    result = await audit(world, store)
    run = as_json(result)
    asked = len(world.network.asked)
    contract = world.bundle.contract
    kept = kept_of(run, store, contracts={contract.digest: contract.raw})
    charge = charge_of(result.findings[0])
    dossier, proven = smallest_proof(kept, charge, trust=world.bundle.trust, codelists=codelists())
    assert (charge.code, charge.party) == ("stored-bundle-altered", "KZ")
    assert [log.member for log in dossier.logs] == ["KZ"]
    raw = format_dossier(dossier)
    again = decide_again(parse_dossier(raw), trust=world.bundle.trust, codelists=codelists())
    assert again.finding.reason.sentence() == result.findings[0].reason.sentence()
    assert (again.checkpoints, again.word) == (proven.checkpoints, frozenset())
    assert len(world.network.asked) == asked
    # Canaries: no row of the data, and not its salt.
    rows = world.bundle.files["data.csv"].decode().splitlines()[1:]
    assert not [row for row in rows if row.encode() in raw]
    assert rows[0].rpartition(",")[2].encode() not in raw


async def test_one_pull_is_shown_from_both_sides_in_order_of_time_with_its_checkpoints(
    world: GatewayWorld, store: AuditStore
) -> None:
    result = await audit(world, store)
    one = next(one for one in result.reconciliation.exchanges if one.verdict is Verdict.CONFIRMED)
    assert one.pull is not None
    digest, steps = steps_about(one.pull.hex[:12], logs_of(as_json(result), store))
    assert digest == one.pull
    assert [(step.logged.member, step.logged.entry.type.value) for step in steps] == [
        (one.publisher, "pull.served"),
        (one.puller, "bundle.received"),
        (one.puller, "receipt.given"),
        (one.publisher, "receipt.got"),
    ]
    assert all(step.checkpoint is not None and step.checkpoint[0] > step.logged.index for step in steps)


async def test_an_audit_is_an_entry_of_the_auditors_own_log(world: GatewayWorld) -> None:
    answer = await world.local("IOM", "POST", "/local/audits", {})
    index = answer.json()["index"]
    raw = await world.gateways["IOM"].context.store.read(lambda connection: entry_at(connection, index))
    assert (parse_entry(raw).type, parse_entry(raw).node) == (EntryType.AUDIT_OPENED, "IOM")


async def test_a_report_is_an_entry_that_names_its_signature(world: GatewayWorld) -> None:
    digest = Digest.of(b"report.jws")
    index = (await world.local("IOM", "POST", "/local/audits", {"evidence": str(digest)})).json()["index"]
    raw = await world.gateways["IOM"].context.store.read(lambda connection: entry_at(connection, index))
    assert (parse_entry(raw).type, parse_entry(raw).evidence) == (EntryType.AUDIT_OPENED, digest)


async def test_the_result_is_kept_and_reads_back_as_it_was_given(world: GatewayWorld, store: AuditStore) -> None:
    document = as_json(await audit(world, store))
    assert store.last_run() is None
    store.keep_run(world.clock.now(), document)
    assert store.last_run() == document


async def test_members_are_asked_for_the_snapshot_that_they_name_until_one_shows_it(
    world: GatewayWorld, store: AuditStore
) -> None:
    """The auditor's registry is on another side of a split: the same registrar signed the one that members hold."""
    honest = world.bundle.trust
    split = replace(honest, ref=RegistryRef(version=honest.ref.version, sha256=Digest("f0" * 32)))
    path = f"/trust/metadata/{honest.ref.version}.snapshot.json"
    files = [world.node(member).keys / "metadata" / f"{honest.ref.version}.snapshot.json" for member in world.gateways]
    held = {file: file.read_bytes() for file in files}

    def registry_codes(result: AuditResult) -> list[tuple[str, str]]:
        return [(code, party) for code, party in codes(result) if code.startswith("registry-")]

    def asked() -> int:
        return [one for _, one in world.network.asked].count(path)

    try:
        for file in files:
            file.unlink()
        hidden = registry_codes(await audit(world, store, trust=split))
    finally:
        for file, raw in held.items():
            file.write_bytes(raw)
    assert sorted(hidden) == [("registry-invented", member) for member in sorted(world.gateways)]
    before = asked()
    shown = await audit(world, store, trust=split)
    assert registry_codes(shown) == [("registry-forked", "IOM")] * len(world.gateways)
    forked = [one for one in shown.findings if one.reason.code == "registry-forked"]
    assert {member for one in forked for member, _ in one.entries} == world.gateways.keys()
    assert asked() == before + len(world.gateways)
    assert registry_codes(await audit(world, store, trust=split)) == registry_codes(shown)
    assert asked() == before + len(world.gateways)  # it is kept
