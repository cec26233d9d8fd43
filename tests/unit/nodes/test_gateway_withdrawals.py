"""A withdrawal among real gateways: gone for pullers, readable for parties, acknowledged by who pulled."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from exchange.encoding import Digest
from exchange.flow.publish import PublicationState
from exchange.log.entry import EntryType
from exchange.manifest import MANIFEST
from exchange.publication.withdrawal import (
    WITHDRAWAL,
    WITHDRAWAL_FILES,
    WITHDRAWAL_SIGNATURES,
    Withdrawal,
    approve_withdrawal,
    propose_withdrawal,
    sign_withdrawal,
    verify_withdrawal,
)
from exchange.signing.keys import KeyPurpose
from nodes.gateway.recovering import recover_log
from nodes.gateway.refilling import refill
from tests.unit.nodes.test_log_commands import lose_state, mirrored
from tests.world.bundles import COSIGNED
from tests.world.by_hand import Partner, address, entries
from tests.world.federation import seeded
from tests.world.gateways import GatewayWorld, gateway_world, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
REASON = "one checkpoint was counted twice"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    """KZ's bundle, pulled by KG and then withdrawn; UZ never pulled it."""
    async with gateway_world(tmp_path_factory.mktemp("withdrawn")) as made:
        assert (await made.pull("KG")).is_success
        assert (await withdraw(made, "kz-02", "kz-03")).status_code == 200
        yield made


def bundle(world: GatewayWorld) -> Digest:
    return Digest.of(world.bundle.files[MANIFEST])


def signed(world: GatewayWorld, *officers: str, reason: str = REASON) -> dict[str, bytes]:
    federation = world.bundle.federation
    common = propose_withdrawal(bundle(world), reason=reason, at=COSIGNED)
    approvals = tuple(
        approve_withdrawal(common, officer=officer, role="clearing", at=COSIGNED, signer=federation.officer(officer))
        for officer in officers
    )
    withdrawal = Withdrawal(common=common, approvals=approvals)
    return sign_withdrawal(withdrawal, signer=federation.hybrid("KZ", KeyPurpose.BUNDLE))


async def withdraw(world: GatewayWorld, *officers: str, reason: str = REASON) -> httpx.Response:
    files = signed(world, *officers, reason=reason)
    body = {
        "withdrawal": base64.b64encode(files[WITHDRAWAL]).decode(),
        "signatures": base64.b64encode(files[WITHDRAWAL_SIGNATURES]).decode(),
    }
    return await world.local("KZ", "POST", "/local/withdrawals", body)


def files_in(folder: str) -> list[str]:
    return sorted(file.name for file in Path(folder).iterdir())


async def read(world: GatewayWorld, member: str, path: str) -> httpx.Response:
    partner = Partner(world, member)
    await partner.log_in()
    return await partner.get(path)


async def test_the_zip_and_every_file_are_gone_with_a_link_to_the_reason(world: GatewayWorld) -> None:
    for file in ("", "/data.csv", "/datapackage.json", "/disclosure.json"):
        answer = await read(world, "UZ", address(world) + file)
        assert (answer.status_code, answer.json()["code"]) == (410, "bundle-withdrawn"), file
        assert answer.headers["Link"] == f'<{address(world)}/withdrawal.json>; rel="describedby"'


@pytest.mark.parametrize("member", ["UZ", "IOM", "GB"])
async def test_a_file_that_no_bundle_has_is_not_found_withdrawn_or_not(world: GatewayWorld, member: str) -> None:
    answer = await read(world, member, address(world) + "/nothing.txt")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_the_catalogue_says_so(world: GatewayWorld) -> None:
    (item,) = (await read(world, "UZ", "/v1/catalogue")).json()["bundles"]
    assert item["state"] == "withdrawn"


@pytest.mark.parametrize("member", ["KG", "UZ", "IOM"])
async def test_every_party_reads_and_verifies_the_withdrawal(world: GatewayWorld, member: str) -> None:
    files = {name: (await read(world, member, f"{address(world)}/{name}")).content for name in WITHDRAWAL_FILES}
    found = verify_withdrawal(
        files,
        bundle=bundle(world),
        contract=world.bundle.contract.digest,
        provider="KZ",
        trust=world.bundle.trust,
        clause=world.bundle.contract.approvals,
    )
    assert found.withdrawal.common.reason == REASON


async def test_who_is_no_party_learns_nothing(world: GatewayWorld) -> None:
    answer = await read(world, "GB", f"{address(world)}/withdrawal.json")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_the_auditor_still_reads_everything_but_the_data(world: GatewayWorld) -> None:
    assert (await read(world, "IOM", address(world) + "/disclosure.json")).status_code == 200
    answer = await read(world, "IOM", address(world) + "/data.csv")
    assert (answer.status_code, answer.json()["code"]) == (403, "auditor-no-data")


async def test_a_puller_acknowledges_once_with_a_receipt_that_both_logs_show(world: GatewayWorld) -> None:
    first = await world.local("KG", "POST", "/local/withdrawals/look?partner=kz", {})
    (one,) = first.json()["acknowledged"]
    assert (one["bundle"], one["reason"]) == (str(bundle(world)), REASON)
    assert files_in(one["folder"]) == sorted(WITHDRAWAL_FILES)
    given = [entry for entry in entries(world, "KG") if entry.type is EntryType.RECEIPT_GIVEN]
    got = [entry for entry in entries(world, "KZ") if entry.type is EntryType.RECEIPT_GOT]
    assert [entry.code for entry in got] == ["accepted", "withdrawn"]
    assert [entry.evidence for entry in given] == [entry.evidence for entry in got]
    assert given[0].pull == given[1].pull
    again = await world.local("KG", "POST", "/local/withdrawals/look?partner=kz", {})
    assert again.json()["acknowledged"] == []


async def test_the_same_withdrawal_again_is_no_second_entry(world: GatewayWorld) -> None:
    kept = world.gateways["KZ"].withdrawing
    document, signatures = (kept.file(bundle(world), name) for name in (WITHDRAWAL, WITHDRAWAL_SIGNATURES))
    assert document is not None
    assert signatures is not None
    size = len(entries(world, "KZ"))
    assert (await kept.take(document, signatures, wait_s=1)).bundle == bundle(world)
    assert len(entries(world, "KZ")) == size


async def test_a_second_withdrawal_with_other_words_is_refused(world: GatewayWorld) -> None:
    answer = await withdraw(world, "kz-02", "kz-03", reason="another reason")
    assert (answer.status_code, answer.json()["code"]) == (409, "already-withdrawn")


async def test_one_officer_withdraws_nothing(tmp_path: Path) -> None:
    async with gateway_world(tmp_path) as made:
        size = len(entries(made, "KZ"))
        answer = await withdraw(made, "kz-02")
        assert answer.status_code == 422
        assert "2 approvals" in answer.json()["detail"]
        assert len(entries(made, "KZ")) == size
        assert (await read(made, "KG", address(made))).status_code == 200


async def test_while_its_witnesses_are_down_a_withdrawal_waits_and_a_restart_takes_it_up(tmp_path: Path) -> None:
    async with gateway_world(tmp_path) as made:
        ports = {made.port(member) for member in made.gateways if member != "KZ"}
        made.network.down |= ports
        made.gateways["KZ"].context.settings.__dict__["publication_wait_s"] = 0.2
        waiting = await withdraw(made, "kz-02", "kz-03")
        assert (waiting.status_code, waiting.json()["effective"]) == (202, False)
        library = made.gateways["KZ"].context.library
        assert [kept.state for kept in library.all()] == [PublicationState.PUBLISHED]
        made.network.down -= ports
        await made.stop("KZ")
        await made.start("KZ")
        gateway = made.gateways["KZ"]
        await gateway.context.sequencer.gate.opened.wait()
        await until(lambda: gateway.withdrawing.file(bundle(made), "withdrawal.tlog-proof") is not None)
        await until(lambda: [k.state for k in gateway.context.library.all()] == [PublicationState.WITHDRAWN])


async def test_an_acknowledgement_that_did_not_arrive_is_sent_again(tmp_path: Path) -> None:
    async with gateway_world(tmp_path) as made:
        assert (await made.pull("KG")).is_success
        assert (await withdraw(made, "kz-02", "kz-03")).status_code == 200
        made.network.lost.add("/v1/receipts")
        acknowledging = made.gateways["KG"].acknowledging
        assert len(await acknowledging.look("KZ")) == 1  # given, and nothing else of KZ is left to look for
        made.network.lost.clear()
        looking = asyncio.create_task(acknowledging.keep_looking(every_s=0.05))
        await until(lambda: any(one.code == "withdrawn" for one in entries(made, "KZ")))
        looking.cancel()


async def test_the_desk_is_told_who_pulled_and_who_knows_that_it_was_withdrawn(world: GatewayWorld) -> None:
    await world.local("KG", "POST", "/local/withdrawals/look?partner=kz", {})
    (served,) = (await world.local("KZ", "GET", "/local/receipts")).json()["served"]
    assert (served["bundle"], served["puller"]) == (str(bundle(world)), "KG")
    assert (served["verdict"], served["acknowledged"]) == ("accepted", True)
    (made,) = (await world.local("KG", "GET", "/local/receipts")).json()["made"]
    assert (made["partner"], made["verdict"], made["taken"], made["acknowledged"]) == ("KZ", "accepted", True, True)
    assert made["pull"] == served["pull"]


async def test_after_a_recovery_without_files_a_withdrawn_bundle_is_gone_and_stays_so(world: GatewayWorld) -> None:
    await mirrored(world)
    await world.stop("KZ")
    node = world.node("KZ")
    lose_state(node)
    for kept in node.bundles.iterdir():
        kept.unlink()
    recovered = await recover_log(node, clock=world.clock, random=seeded("gone"), transport=world.network)
    assert recovered.rebuilt.lost["bundle.withdrawn"] == recovered.rebuilt.lost["bundle.published"] == 1
    await world.start("KZ")
    gateway = world.gateways["KZ"]
    await until(gateway.context.sequencer.gate.opened.is_set)
    for file in ("", "/data.csv", "/disclosure.json"):
        answer = await read(world, "KG", address(world) + file)
        assert (answer.status_code, answer.json()["code"]) == (410, "bundle-withdrawn"), file
    assert (await read(world, "GB", address(world))).status_code == 404
    # Its files come back from the desk: they are not published again, and nothing else is said about it.
    size = len(entries(world, "KZ"))
    again = await world.local("KZ", "POST", "/local/hand-overs", {"file": str(world.folder / "kz" / "bundle.handover")})
    assert (again.status_code, again.json()["code"]) == (409, "already-withdrawn")
    assert (await withdraw(world, "kz-02", "kz-03")).json()["code"] == "already-withdrawn"
    assert len(entries(world, "KZ")) == size
    assert (await read(world, "UZ", address(world))).status_code == 410


async def test_a_withdrawal_whose_files_come_back_says_again_why(world: GatewayWorld, tmp_path: Path) -> None:
    """After the recovery above: KZ's desk has the hand-over, and KG the files of the withdrawal."""
    (held,) = world.node("KG").path.rglob(WITHDRAWAL_SIGNATURES)
    for name in (WITHDRAWAL, WITHDRAWAL_SIGNATURES):
        (tmp_path / name).write_bytes(held.with_name(name).read_bytes())
    (tmp_path / "bundle").write_bytes((world.folder / "kz" / "bundle.handover").read_bytes())
    await world.stop("KZ")
    back = refill(world.node("KZ"), tmp_path, clock=world.clock)
    assert (back.again["bundle.published"], back.again["bundle.withdrawn"]) == (1, 1)
    await world.start("KZ")
    await until(lambda: world.gateways["KZ"].withdrawing.digest(bundle(world)) is not None)
    await test_every_party_reads_and_verifies_the_withdrawal(world, "UZ")
    assert (await read(world, "UZ", address(world))).status_code == 410
