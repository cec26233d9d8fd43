"""Pulls at the gateway: who may, in which order it refuses, and what is durable before the first byte leaves."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from exchange.bundle import unpack_zip
from exchange.encoding import Digest
from exchange.log.checkpoint import open_checkpoint
from exchange.log.entry import EntryType, parse_entry
from exchange.log.note import SignatureKind, parse_vkey
from exchange.receipt import Receipt, evidence_digest, open_delivery, pull_id, sign_receipt
from exchange.signing.keys import KeyPurpose
from exchange.statement import sign_statement
from tests.world.by_hand import NewEntries, Partner, address, digest_of, entries, hand_over
from tests.world.gateways import GatewayWorld, gateway_world, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    """One federation for the tests that leave it as it was, but for longer logs."""
    async with gateway_world(tmp_path_factory.mktemp("federation")) as made:
        yield made


@pytest.fixture
def new(world: GatewayWorld) -> NewEntries:
    return NewEntries(world)


@pytest_asyncio.fixture(loop_scope="module")
async def kg(world: GatewayWorld) -> Partner:
    partner = Partner(world, "KG")
    await partner.log_in()
    return partner


async def test_a_pull_is_durable_in_the_log_and_vouched_for_by_the_delivery(world: GatewayWorld, kg: Partner) -> None:
    proof = kg.proof("GET", address(world))
    answer = await kg.get(address(world), proof=proof)

    assert answer.status_code == 200
    assert unpack_zip(answer.content).keys() == world.bundle.files.keys()
    assert answer.headers["ETag"] == f'"{Digest.of(answer.content).hex}"'
    keys = world.bundle.trust.keys("KZ", KeyPurpose.TRANSPORT, at=world.clock.now())
    delivery = open_delivery(answer.headers["Exchange-Delivery"], keys=keys)
    entry = entries(world)[delivery.index]
    assert (entry.type, entry.counterpart, entry.bundle) == (EntryType.PULL_SERVED, "KG", digest_of(world))
    assert entry.pull == entry.evidence == delivery.pull == pull_id(proof)
    assert parse_entry(delivery.entry) == entry
    vkey = parse_vkey(world.bundle.trust.member("KZ").log_vkey, kind=SignatureKind.LOG)
    assert open_checkpoint(delivery.checkpoint.encode(), logs=[vkey]).size > delivery.index
    assert delivery.content == Digest.of(answer.content)


async def test_two_pulls_of_one_bundle_at_once_are_two_entries(
    world: GatewayWorld, kg: Partner, new: NewEntries
) -> None:
    tj = Partner(world, "TJ")
    await tj.log_in()

    answers = await asyncio.gather(kg.get(address(world)), tj.get(address(world)), kg.get(address(world)))

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert sorted(str(entry.counterpart) for entry in new.of(EntryType.PULL_SERVED)) == ["KG", "KG", "TJ"]


async def test_other_files_are_no_pull(world: GatewayWorld, kg: Partner, new: NewEntries) -> None:
    answer = await kg.get(address(world, "disclosure.json"))

    assert answer.content == world.bundle.files["disclosure.json"]
    assert "Exchange-Delivery" not in answer.headers
    assert not new.of(EntryType.PULL_SERVED)


async def test_data_csv_alone_is_a_pull(world: GatewayWorld, kg: Partner, new: NewEntries) -> None:
    answer = await kg.get(address(world, "data.csv"))

    keys = world.bundle.trust.keys("KZ", KeyPurpose.TRANSPORT, at=world.clock.now())
    assert open_delivery(answer.headers["Exchange-Delivery"], keys=keys).file == "data.csv"
    assert len(new.of(EntryType.PULL_SERVED)) == 1


async def test_the_auditor_reads_every_file_but_the_data(world: GatewayWorld, new: NewEntries) -> None:
    iom = Partner(world, "IOM")
    await iom.log_in()

    whole, figures = await iom.get(address(world)), await iom.get(address(world, "data.csv"))
    others = [await iom.get(address(world, name)) for name in world.bundle.files if name != "data.csv"]

    assert [(one.status_code, one.json()["code"]) for one in (whole, figures)] == [(403, "auditor-no-data")] * 2
    assert [one.status_code for one in others] == [200] * 5
    assert [entry.code for entry in new.of(EntryType.PULL_REFUSED)] == ["auditor-no-data"]


async def test_a_stranger_gets_the_same_answer_as_for_nothing(world: GatewayWorld) -> None:
    gb = Partner(world, "GB")
    await gb.log_in()

    stranger = await gb.get(address(world))
    nothing = await gb.get("/v1/bundles/" + "0" * 64)

    assert stranger.status_code == nothing.status_code == 404
    assert stranger.content == nothing.content
    assert (await gb.get("/v1/catalogue")).json() == {"bundles": [], "next": None}


@pytest.mark.asvs("V16.3.2", "V16.3.3")
async def test_refusals_are_one_entry_an_hour_with_their_count(world: GatewayWorld, new: NewEntries) -> None:
    world.clock.move(minutes=61)  # away from whatever other tests had refused in this hour
    gb = Partner(world, "GB")
    await gb.log_in()
    for _ in range(3):
        await gb.get(address(world))
    world.clock.move(minutes=61)
    gb.token = None
    await gb.log_in()
    await gb.get(address(world))

    refused = [entry for entry in new.of(EntryType.PULL_REFUSED) if entry.counterpart == "GB"]
    assert [(entry.code, entry.count) for entry in refused] == [("not-found", 1), ("not-found", 3)]


async def test_a_bundle_altered_at_rest_is_refused_until_it_is_restored(
    world: GatewayWorld, kg: Partner, new: NewEntries
) -> None:
    file = world.node("KZ").bundles / f"{digest_of(world).hex}.zip"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    refused = await kg.get(address(world))
    health = await kg.http.get(kg.issuer + "/health/ready")
    file.write_bytes(whole)
    served = await kg.get(address(world))

    assert (refused.status_code, refused.json()["code"]) == (500, "bundle-damaged")
    assert [entry.code for entry in new.of(EntryType.PULL_REFUSED)] == ["bundle-damaged"]
    assert (health.json()["status"], health.json()["reasons"]) == ("red", ["bundle-damaged"])
    assert served.status_code == 200
    assert (await kg.http.get(kg.issuer + "/health/ready")).status_code == 200


async def test_a_contract_that_stopped_stops_pulls_at_once(tmp_path: Path) -> None:
    async with gateway_world(tmp_path) as world:
        kg, tj = Partner(world, "KG"), Partner(world, "TJ")
        await kg.log_in()
        await tj.log_in()
        assert (await kg.get(address(world))).status_code == 200

        await say(world, "UZ", "contract.suspended")
        first, again = await tj.get(address(world)), await kg.get(address(world))
        await say(world, "UZ", "contract.ended")
        ended, read = await kg.get(address(world)), await kg.get(address(world, "disclosure.json"))

        # Suspended: no first pull, but a party may repeat its own. Ended: nothing.
        assert (first.status_code, first.json()["code"]) == (403, "contract-suspended")
        assert again.status_code == 200
        assert (ended.status_code, ended.json()["code"]) == (403, "contract-ended")
        assert read.status_code == 403


async def say(world: GatewayWorld, party: str, said: str) -> None:
    now = world.clock.now()
    statement = sign_statement(
        type=said,
        contract=world.bundle.contract.digest,
        party=party,
        at=now,
        effective=now,
        signer=world.bundle.federation.hybrid(party, KeyPurpose.CONTRACT),
    )
    partner = Partner(world, party)
    await partner.log_in()
    contract = world.bundle.contract
    path = f"/v1/contracts/{contract.id}/{contract.version}/statements"
    assert (await partner.post(path, statement.raw)).status_code == 201
    assert (await partner.post(path, statement.raw)).status_code == 200  # kept once, answered the same


def receipt_of(world: GatewayWorld, partner: Partner, answer: httpx.Response, **changed: object) -> str:
    keys = world.bundle.trust.keys("KZ", KeyPurpose.TRANSPORT, at=world.clock.now())
    header = answer.headers["Exchange-Delivery"]
    fields: dict[str, Any] = {
        "pull": open_delivery(header, keys=keys).pull,
        "delivery": evidence_digest(header),
        "bundle": digest_of(world),
        "contract": world.bundle.contract.digest,
        "purpose": "official_statistics",
        "verdict": "accepted",
        "entry": 7,
        "by": partner.member,
        "at": world.clock.now(),
        **changed,
    }
    return sign_receipt(Receipt(**fields), signer=partner.signer)


async def test_a_receipt_is_taken_once_and_answered_the_same_again(
    world: GatewayWorld, kg: Partner, new: NewEntries
) -> None:
    token = receipt_of(world, kg, await kg.get(address(world))).encode()

    first, again = await kg.post("/v1/receipts", token), await kg.post("/v1/receipts", token)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    got = new.of(EntryType.RECEIPT_GOT)
    assert [(entry.counterpart, entry.evidence) for entry in got] == [("KG", Digest.of(token))]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        pytest.param({"by": "TJ"}, 409, "receipt-mismatch", id="in another's name"),
        pytest.param({"bundle": Digest("0" * 64)}, 409, "receipt-mismatch", id="for another bundle"),
        pytest.param({"contract": Digest("0" * 64)}, 409, "receipt-mismatch", id="under another contract"),
        pytest.param({"delivery": Digest("0" * 64)}, 409, "receipt-mismatch", id="quoting another delivery"),
        pytest.param({"pull": Digest("0" * 64)}, 404, "pull-unknown", id="for a pull that never was"),
    ],
)
async def test_a_receipt_that_does_not_fit_its_pull_is_refused(
    world: GatewayWorld, kg: Partner, new: NewEntries, changed: dict[str, Any], status: int, code: str
) -> None:
    answer = await kg.get(address(world))

    refused = await kg.post("/v1/receipts", receipt_of(world, kg, answer, **changed).encode())

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert not new.of(EntryType.RECEIPT_GOT)


async def test_a_publication_waits_for_its_witnesses_and_survives_a_restart(tmp_path: Path) -> None:
    async with gateway_world(tmp_path, published=False) as world:
        await world.agree()
        world.network.down = {world.port(member) for member in ("KG", "TJ", "TM", "UZ", "GB", "IOM")}
        world.gateways["KZ"].context.settings.__dict__["publication_wait_s"] = 0.2
        handed = await hand_over(world)
        assert (handed.status_code, handed.json()["state"]) == (202, "logged")
        assert not list(world.node("KZ").bundles.glob("*.zip"))
        await world.stop("KZ")
        world.network.down = set()
        await world.start("KZ")

        library = world.gateways["KZ"].context.library
        await until(lambda: library.all()[0].zip_sha256 is not None)

        await until(lambda: not list(world.node("KZ").bundles.glob("*.waiting")))
        assert len([entry for entry in entries(world) if entry.type is EntryType.BUNDLE_PUBLISHED]) == 1
        kg = Partner(world, "KG")
        await kg.log_in()
        assert (await kg.get(address(world))).status_code == 200


async def test_a_second_bundle_with_one_identity_is_refused(world: GatewayWorld) -> None:
    answer = await hand_over(world)

    assert (answer.status_code, answer.json()["code"]) == (409, "bundle-identity-taken")
    assert answer.json()["exit_code"] == 3


async def test_a_restored_backup_signs_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    async with gateway_world(tmp_path, published=False) as world:
        kz = world.gateways["KZ"].context
        await until(lambda: kz.cosigner.cosigned is not None)
        await world.stop("KZ")
        database = world.node("KZ").state_db
        for name in (database, database.with_name("state.db-wal"), database.with_name("state.db-shm")):
            name.unlink(missing_ok=True)
        await world.start("KZ")

        gate = world.gateways["KZ"].context.sequencer.gate
        await until(lambda: gate.halted)
        refused = await world.local("KZ", "GET", "/local/status")
        appended = await hand_over(world)

        assert gate.refusal is not None
        assert gate.refusal.code == "log-behind-witness"
        assert "exchange log recover" in gate.refusal.mend()
        assert refused.json()["health"] == ["log-behind-witness"]
        assert not appended.is_success
