"""From the register to the puller where recipients may not see the same cells: TM all of them, KG not its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from exchange.bundle import unpack_zip
from exchange.encoding import Digest
from exchange.log.entry import EntryType
from exchange.manifest import DATA, DISCLOSURE, MANIFEST, parse_manifest
from exchange.report import parse_report
from tests.world.asylum import PERIOD
from tests.world.asylum_desk import ASKED, AsylumWorld, asylum_world
from tests.world.by_hand import Partner, entries
from tests.world.desk import Ran

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsylumWorld]:
    async with asylum_world(tmp_path_factory.mktemp("asylum")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bundles(world: AsylumWorld) -> dict[str, dict[str, bytes]]:
    """KG's bundle and TM's, released one after the other."""
    assert [one["recipients"] for one in world.build()] == [["TM"], ["KG"], ["TJ"], ["UZ"]]
    for reader in ("KG", "TM"):
        world.clear(reader)
    found = {"KG": await world.release("KG")}
    refused = release(world, "TM")
    assert refused.code != 0, "TM's candidate was audited before KG's was published"
    assert "pooled" in refused.err
    world.act("clearance", "return", *ASKED, "TM", "--officer", "kz-02", "--reason", "audited before KG's")
    (again,) = world.build("--for", "tm")
    assert (again["recipients"], again["revision"], again["excluded"]) == (["TM"], 0, 0)
    world.clear("TM")
    found["TM"] = await world.release("TM")
    return found


def release(world: AsylumWorld, reader: str) -> Ran:
    return world.run("bundle", "release", *ASKED, reader)


async def test_the_excluded_reader_s_bundle_holds_none_of_its_cells(bundles: dict[str, dict[str, bytes]]) -> None:
    kg, tm = (parse_report(bundles[reader][DISCLOSURE]) for reader in ("KG", "TM"))
    assert {key[1] for key in kg.excluded} == {"KG"}
    assert len(kg.excluded) == 6
    assert b",KG," not in bundles["KG"][DATA]
    assert b",KG," in bundles["TM"][DATA]
    assert not tm.excluded
    assert tm.cells == kg.cells + 6


async def test_each_recipient_is_offered_its_own_bundle_alone(
    world: AsylumWorld, bundles: dict[str, dict[str, bytes]]
) -> None:
    digests = {reader: Digest.of(files[MANIFEST]) for reader, files in bundles.items()}
    for reader, other in (("KG", "TM"), ("TM", "KG")):
        partner = Partner(world.gateways, reader)
        await partner.log_in()
        catalogue = (await partner.get("/v1/catalogue")).json()
        assert [item["bundle"] for item in catalogue["bundles"]] == [str(digests[reader])]
        pulled = await partner.get(f"/v1/bundles/{digests[reader].hex}")
        assert pulled.status_code == 200
        assert parse_manifest(unpack_zip(pulled.content)[MANIFEST]).recipients == (reader,)
        for file in ("", f"/{DATA}", f"/{DISCLOSURE}"):
            assert (await partner.get(f"/v1/bundles/{digests[other].hex}{file}")).status_code == 404


async def test_a_puller_verifies_and_receipts_a_bundle_without_its_cells(
    world: AsylumWorld, bundles: dict[str, dict[str, bytes]]
) -> None:
    answer = await world.gateways.pull("KG", contract="ca-12", period=PERIOD)
    assert answer.status_code == 200, answer.text
    digest = Digest.of(bundles["KG"][MANIFEST])
    told = [entry.type for entry in entries(world.gateways, "KG") if entry.bundle == digest]
    assert told == [EntryType.BUNDLE_RECEIVED, EntryType.RECEIPT_GIVEN]


async def test_a_command_that_names_no_recipient_is_told_to(
    world: AsylumWorld, bundles: dict[str, dict[str, bytes]]
) -> None:
    assert bundles
    refused = world.run("clearance", "show", *ASKED)
    assert refused.code == 2
    assert "these recipients get a bundle each: TM, KG, TJ, UZ" in refused.err
