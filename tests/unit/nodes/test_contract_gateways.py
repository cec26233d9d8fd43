"""A contract at real gateways: two parties alone, what a gateway refuses, whose logs hold what is said."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from exchange.contract.model import DataContract
from exchange.encoding import Digest, base64_encode
from exchange.errors.exchange_ import PartnerUnreachableError
from exchange.flow.publish import PublicationState
from exchange.log.entry import EntryType
from exchange.manifest import MANIFEST
from exchange.publication import BUNDLE_FILES
from exchange.publication.withdrawal import WITHDRAWAL_FILES
from exchange.reconcile.model import Verdict
from exchange.signing.keys import KeyPurpose
from exchange.statement import Statement, StatementType, sign_statement
from nodes.adapters.contract_folder import read_contracts
from nodes.auditor.main import Auditor, AuditResult
from nodes.auditor.program import program_digest
from nodes.auditor.store import AuditStore
from tests.world.asylum import PERIOD
from tests.world.asylum_desk import AsylumWorld
from tests.world.by_hand import Partner, entries
from tests.world.contracts import codelists
from tests.world.gateways import GatewayWorld, until
from tests.world.two_parties import EMBARGO_DAYS, PARTIES, two_party_contract, two_party_text, two_party_world

pytestmark = pytest.mark.asyncio(loop_scope="module")
OUTSIDERS = ("GB", "IOM", "TJ", "TM", "UZ")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def asylum(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsylumWorld]:
    """KZ and KG have signed; KZ's figures went the whole way and KG has pulled them."""
    async with two_party_world(tmp_path_factory.mktemp("two")) as made:
        await made.gateways.agree()
        (candidate,) = made.build()
        assert candidate["recipients"] == ["KG"]
        made.clear("KG")
        await made.release("KG")
        pulled = await made.gateways.pull("KG", contract="ca-12", period=PERIOD)
        assert pulled.status_code == 200, pulled.text
        yield made


@pytest.fixture
def world(asylum: AsylumWorld) -> GatewayWorld:
    return asylum.gateways


def say(world: GatewayWorld, contract: DataContract, party: str, kind: StatementType) -> Statement:
    now, signer = world.clock.now(), world.bundle.federation.hybrid(party, KeyPurpose.CONTRACT)
    return sign_statement(type=kind, contract=contract.digest, party=party, at=now, effective=now, signer=signer)


def said(world: GatewayWorld, member: str, kind: EntryType, contract: DataContract) -> list[str]:
    """Who said this about the contract, by this member's log."""
    found = [entry for entry in entries(world, member) if entry.type is kind and entry.contract == contract.digest]
    return sorted(entry.counterpart or member for entry in found)


def knows(world: GatewayWorld, member: str, kind: EntryType, contract: DataContract) -> bool:
    return said(world, member, kind, contract) == ["KG"]


def proven(statements: Path) -> bool:
    return len(list(statements.glob("*.tlog-proof"))) == len(PARTIES)


async def audit(world: GatewayWorld, folder: Path) -> AuditResult:
    auditor = Auditor(
        trust=world.bundle.trust,
        store=AuditStore(folder / "audit.db"),
        clients=lambda member: world.client("IOM", member),
        clock=world.clock,
        codelists=codelists(),
        contracts={},
        program=program_digest(),
        quorum_wait_s=5,
    )
    return await auditor.run(lambda _stage, _share: None)


async def test_two_parties_bind_each_other_and_nobody_else_says_or_logs_anything(world: GatewayWorld) -> None:
    contract = world.bundle.contract
    assert contract.members() == PARTIES
    for party in PARTIES:
        assert said(world, party, EntryType.CONTRACT_SIGNED, contract) == list(PARTIES)
    for other in OUTSIDERS:
        assert said(world, other, EntryType.CONTRACT_SIGNED, contract) == []
        assert world.gateways[other].context.contracts.get(contract.digest) is None


async def test_a_third_member_learns_of_neither_contract_nor_bundle(world: GatewayWorld) -> None:
    contract = world.bundle.contract
    (bundle,) = world.gateways["KZ"].context.library.all()
    third = Partner(world, "TJ")
    await third.log_in()
    for address in (
        f"/v1/contracts/{contract.id}/{contract.version}",
        f"/v1/bundles/{bundle.bundle.hex}",
        f"/v1/bundles/{bundle.bundle.hex}/disclosure.json",
    ):
        assert (await third.get(address)).status_code == 404
    assert (await third.get("/v1/catalogue")).json()["bundles"] == []


async def test_iom_audits_by_its_office_what_it_is_no_party_of(world: GatewayWorld, tmp_path: Path) -> None:
    result = await audit(world, tmp_path)
    assert [(found.reason.code, found.party) for found in result.findings] == []
    (exchange,) = result.reconciliation.exchanges
    assert (exchange.publisher, exchange.puller, exchange.verdict) == ("KZ", "KG", Verdict.CONFIRMED)
    iom = Partner(world, "IOM")
    await iom.log_in()
    (bundle,) = world.gateways["KZ"].context.library.all()
    assert (await iom.get(f"/v1/bundles/{bundle.bundle.hex}/disclosure.json")).status_code == 200
    refused = await iom.get(f"/v1/bundles/{bundle.bundle.hex}")
    assert (refused.status_code, refused.json()["code"]) == (403, "auditor-no-data")


async def test_each_party_s_folder_holds_the_statements_with_the_proof_of_its_own_log(world: GatewayWorld) -> None:
    contract = world.bundle.contract
    for party in PARTIES:
        folder = world.node(party).contracts
        place = folder / contract.id / contract.version / "statements"
        await until(partial(proven, place))
        assert {file.name.split(".")[1] for file in place.glob("*.tlog-proof")} == {party.lower()}
        kept = read_contracts(folder, trust=world.bundle.trust).kept[contract.digest]
        assert sorted(statement.party for statement in kept.statements) == list(PARTIES)


async def test_a_gateway_takes_no_version_whose_number_hides_a_loosening(world: GatewayWorld) -> None:
    kg = Partner(world, "KG")
    await kg.log_in()
    hidden = (
        b'{"contract":"'
        + base64_encode(two_party_text(version="1.1.0", contributors_min=5, embargo_days=EMBARGO_DAYS)).encode()
        + b'"}'
    )
    refused = await kg.post("/v1/contracts", hidden)
    assert (refused.status_code // 100, refused.json()["code"]) == (4, "contract-version-too-low")
    open_ = (
        b'{"contract":"'
        + base64_encode(two_party_text(version="2.0.0", contributors_min=5, embargo_days=EMBARGO_DAYS)).encode()
        + b'"}'
    )
    assert (await kg.post("/v1/contracts", open_)).status_code == 201
    local = await world.local("KG", "POST", "/local/contracts", {"contract": hidden.decode().split('"')[3]})
    assert local.json()["code"] == "contract-version-too-low"


async def test_a_text_that_lay_in_the_folder_is_refused_when_it_is_signed(world: GatewayWorld) -> None:
    hidden = two_party_contract(version="1.2.0", contributors_min=5, embargo_days=EMBARGO_DAYS)
    world.gateways["KG"].context.contracts.put(hidden.raw)  # as a start takes up what lies in the folder
    statement = say(world, hidden, "KG", StatementType.SIGNED)
    answer = await world.local("KG", "POST", "/local/statements", {"statement": base64_encode(statement.raw)})
    assert answer.json()["code"] == "contract-version-too-low"
    assert said(world, "KG", EntryType.CONTRACT_SIGNED, hidden) == []


@pytest.mark.parametrize("member", ["KG", "IOM", "TJ"])
async def test_before_its_time_a_bundle_is_on_no_route_more_than_one_that_does_not_exist(
    world: GatewayWorld, member: str
) -> None:
    library = world.gateways["KZ"].context.library
    (kept,) = library.all()
    evidence = next(e for e in entries(world) if e.type is EntryType.BUNDLE_PUBLISHED).evidence
    assert evidence is not None
    caller = Partner(world, member)
    await caller.log_in()
    library.put(replace(kept, not_before=world.clock.now() + timedelta(days=1)))
    try:
        for file in ("", "/zip", *(f"/{name}" for name in (*BUNDLE_FILES, *WITHDRAWAL_FILES))):
            shown = await caller.get(f"/v1/bundles/{kept.bundle.hex}{file}")
            nothing = await caller.get(f"/v1/bundles/{'0' * 64}{file}")
            assert (shown.status_code, shown.json()) == (nothing.status_code, nothing.json()), file
            assert shown.status_code == 404
            assert shown.headers.keys() == nothing.headers.keys()
        assert (await caller.get("/v1/catalogue")).json() == {"bundles": [], "next": None}
        if member != "IOM":  # the auditor reads logs; to everybody else the entry and its evidence do not exist
            assert (await caller.get(f"/log/evidence/{evidence.hex}")).status_code == 404
            tile = await caller.get("/log/tile/entries/000.p/1")
            assert tile.status_code in {403, 404}
    finally:
        library.put(kept)


async def test_an_auditor_blames_nobody_for_hiding_what_its_contract_hides(world: GatewayWorld, tmp_path: Path) -> None:
    library = world.gateways["KZ"].context.library
    (kept,) = library.all()
    library.put(replace(kept, not_before=world.clock.now() + timedelta(days=1)))
    world.clock.move(minutes=20)  # longer than a publication may wait for its quorum
    try:
        result = await audit(world, tmp_path)
        assert "publication-unverifiable" not in {found.reason.code for found in result.findings}
    finally:
        library.put(kept)


async def test_a_revision_before_its_time_does_not_show_in_what_it_will_replace(world: GatewayWorld) -> None:
    context = world.gateways["KZ"].context
    (kept,) = context.library.all()
    later = world.clock.now() + timedelta(days=1)
    revision = replace(
        kept, bundle=Digest.of(b"r1"), supersedes=kept.bundle, revision=1, not_before=later, index=kept.index + 1
    )
    kg = Partner(world, "KG")
    await kg.log_in()
    context.library.put(replace(kept, state=PublicationState.SUPERSEDED))
    try:
        context.library.put(revision)
        (item,) = (await kg.get("/v1/catalogue")).json()["bundles"]
        assert (item["bundle"], item["state"]) == (str(kept.bundle), "published")
        context.library.put(replace(revision, not_before=world.clock.now()))
        first, second = (await kg.get("/v1/catalogue")).json()["bundles"]
        assert (first["state"], second["supersedes"]) == ("superseded", str(kept.bundle))
    finally:
        context.library.take([kept])


async def test_who_pulled_a_bundle_pulls_its_revision_by_itself_and_the_receipt_says_so(asylum: AsylumWorld) -> None:
    world = asylum.gateways
    (candidate,) = asylum.build()
    assert candidate["revision"] == 1
    asylum.clear("KG")
    revision = Digest.of((await asylum.release("KG"))[MANIFEST])
    renewing = world.gateways["KG"].pulling.renewing
    world.network.lost.add(f"/v1/bundles/{revision.hex}")
    try:
        with pytest.raises(PartnerUnreachableError):
            await renewing.look("KZ")
    finally:
        world.network.lost.clear()
    (waiting,) = (await world.local("KG", "GET", "/local/revisions")).json()["bundles"]
    assert (waiting["bundle"], waiting["revision"]) == (str(revision), 1)
    (pulled,) = await renewing.look("KZ")
    assert (await world.local("KG", "GET", "/local/revisions")).json() == {"bundles": []}
    assert (pulled.offer.bundle, pulled.offer.revision, pulled.receipt_taken) == (revision, 1, True)
    told = [entry.type for entry in entries(world, "KG") if entry.bundle == revision]
    assert told == [EntryType.BUNDLE_RECEIVED, EntryType.RECEIPT_GIVEN]
    assert EntryType.RECEIPT_GOT in {entry.type for entry in entries(world, "KZ") if entry.bundle == revision}
    assert await renewing.look("KZ") == ()
    assert await world.gateways["TJ"].pulling.renewing.look("KZ") == ()


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        (StatementType.SUSPENDED, EntryType.CONTRACT_SUSPENDED),
        (StatementType.RESUMED, EntryType.CONTRACT_RESUMED),
        (StatementType.ENDED, EntryType.CONTRACT_ENDED),
    ],
)
async def test_what_one_party_says_is_an_entry_in_every_party_s_log(
    world: GatewayWorld, kind: StatementType, entry: EntryType
) -> None:
    contract = world.bundle.contract
    body = {"statement": base64_encode(say(world, contract, "KG", kind).raw)}
    assert (await world.local("KG", "POST", "/local/statements", body)).is_success
    for party in PARTIES:
        await until(partial(knows, world, party, entry, contract))


async def test_iom_reads_a_later_version_that_no_bundle_names_yet(world: GatewayWorld, tmp_path: Path) -> None:
    later = two_party_contract(version="2.0.0", contributors_min=5, embargo_days=EMBARGO_DAYS)
    for party in PARTIES:
        body = {"contract": base64_encode(later.raw)}
        assert (await world.local(party, "POST", "/local/contracts", body)).is_success
        body = {"statement": base64_encode(say(world, later, party, StatementType.SIGNED).raw)}
        assert (await world.local(party, "POST", "/local/statements", body)).is_success
    await audit(world, tmp_path)
    assert later.digest in AuditStore(tmp_path / "audit.db").contracts()
