"""A pull as a list of steps: nothing is asked for that the contract refuses, nothing kept that does not hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from exchange.bundle import pack_zip
from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest, format_instant
from exchange.errors import ExchangeError, ExitCode
from exchange.errors.contract import ContractNotInForceError
from exchange.errors.exchange_ import PartnerMalformedError, PartnerUnreachableError
from exchange.errors.pull import (
    BrokenOffError,
    DeliveryContentError,
    DeliveryRefusedError,
    NotOfferedError,
    OfferAmbiguousError,
    PulledBundleError,
    PullFolderTakenError,
    PurposeError,
)
from exchange.flow.agree import require_in_force
from exchange.flow.offer import Offer, Wanted, read_catalogue
from exchange.flow.pull import Answer, Attempted, Outcome, Pulled, Puller, pull
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.entry import EntryType, LogEntry, format_entry, parse_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import format_note
from exchange.receipt import Delivery, sign_delivery
from exchange.signing.keys import KeyPurpose
from tests.world.bundles import COSIGNED, BundleWorld, bundle_world

PULL = Digest.of(b"the DPoP proof")
NOW = COSIGNED + timedelta(hours=1)


def item(world: BundleWorld, **changes: object) -> dict[str, object]:
    return {
        "bundle": str(Digest.of(world.files["datapackage.json"])),
        "provider": "KZ",
        "contract": ContractRef.of(world.contract).as_json(),
        "period": "2026-09",
        "revision": 0,
        "supersedes": None,
        "not_before": format_instant(COSIGNED),
        "index": 1,
        "at": format_instant(COSIGNED),
        "state": "published",
        **changes,
    }


def served_entry(world: BundleWorld, **changes: Any) -> bytes:  # noqa: ANN401  # the test names the members
    entry = LogEntry(
        type=EntryType.PULL_SERVED,
        at=NOW,
        node="KZ",
        registry=world.trust.ref,
        salt=bytes(16),
        counterpart="KG",
        contract=world.contract.digest,
        bundle=Digest.of(world.files["datapackage.json"]),
        evidence=PULL,
        pull=PULL,
    )
    return format_entry(replace(entry, **changes))


def delivery(world: BundleWorld, content: bytes, *, by: str = "KZ", **changes: Any) -> str:  # noqa: ANN401  # as above
    entry = changes.get("entry", served_entry(world))
    log = world.trust.member("KZ").log_vkey.partition("+")[0]
    note = sign_checkpoint(
        Checkpoint(origin=log, size=1, root=leaf_hash(entry)), signer=world.federation.signer("KZ", KeyPurpose.LOG)
    )
    honest = Delivery(
        pull=PULL,
        bundle=Digest.of(world.files["datapackage.json"]),
        publisher="KZ",
        puller="KG",
        entry=entry,
        index=0,
        checkpoint=format_note(note).decode(),
        file="zip",
        content=Digest.of(content),
    )
    return sign_delivery(replace(honest, **changes), signer=world.federation.signer(by, KeyPurpose.TRANSPORT))


@dataclass
class Partner:
    """Offers and serves as told."""

    items: Sequence[Mapping[str, object]]
    given: Answer | ExchangeError
    attempts: int = 1

    async def catalogue(self, **_: object) -> Sequence[Mapping[str, object]]:
        return self.items

    async def bundle(self, _: Digest, *, attempt: Attempted) -> Answer:
        for number in range(1, self.attempts):
            await attempt(Digest.of(f"attempt {number}".encode()))
        await attempt(PULL)
        if isinstance(self.given, ExchangeError):
            raise self.given
        return self.given


@dataclass
class Notebook:
    """Book and place at once: it writes down every step."""

    steps: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    taken: PullFolderTakenError | None = None
    disk: OSError | None = None

    async def begin(self, _: Outcome) -> None:
        self.steps.append("begin")

    async def forget(self, _: Digest) -> None:
        self.steps.append("forget")

    async def settle(self, outcome: Outcome) -> None:
        self.steps.append("settle")
        self.outcomes.append(outcome)

    async def send_receipt(self, _: Digest) -> bool:
        self.steps.append("receipt")
        return True

    async def choose(self, _: Offer) -> None:
        if self.taken is not None:
            raise self.taken

    async def write(self, _: Mapping[str, bytes]) -> None:
        self.steps.append("write")
        if self.disk is not None:
            raise self.disk

    async def reveal(self) -> tuple[str, bool]:
        self.steps.append("reveal")
        return "/folder", False

    async def discard(self) -> None:
        self.steps.append("discard")


def in_force(world: BundleWorld) -> Callable[[ContractRef], DataContract]:
    def require(ref: ContractRef) -> DataContract:
        require_in_force(world.contract, world.statements, at=NOW, provider="KZ")
        return world.contract

    return require


async def run(
    partner: Partner,
    notebook: Notebook,
    *,
    wanted: Wanted | None = None,
    require: Callable[[ContractRef], DataContract] | None = None,
) -> Pulled:
    world = bundle_world()
    return await pull(
        wanted or Wanted(contract="ca-01", period="2026-09"),
        Puller(
            member="KG",
            at=NOW,
            partner_member=world.trust.member("KZ"),
            partner=partner,
            trust=lambda: world.trust,
            contracts=world.shelf,
            require_contract=require or in_force(world),
            audit=None,
            book=notebook,
            place=notebook,
        ),
    )


def honest() -> tuple[Partner, bytes]:
    world = bundle_world()
    content = pack_zip(world.files)
    return Partner([item(world)], Answer(pull=PULL, delivery=delivery(world, content), content=content)), content


async def test_the_files_are_written_hidden_then_logged_then_shown_then_receipted() -> None:
    partner, _ = honest()
    notebook = Notebook()
    pulled = await run(partner, notebook)
    assert notebook.steps == ["begin", "write", "settle", "reveal", "receipt"]
    assert notebook.outcomes[0].verdict == "accepted"
    assert (pulled.folder, pulled.pull, pulled.receipt_taken) == ("/folder", PULL, True)


async def test_each_repeated_request_is_remembered_and_the_one_before_forgotten() -> None:
    partner, _ = honest()
    partner.attempts = 3
    notebook = Notebook()
    await run(partner, notebook)
    assert notebook.steps[:5] == ["begin", "forget", "begin", "forget", "begin"]


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        pytest.param(Wanted(contract="CA-05", period="2026-09"), NotOfferedError, id="another contract"),
        pytest.param(Wanted(contract="CA-01", period="2026-08"), NotOfferedError, id="another period"),
        pytest.param(
            Wanted(contract="CA-01", period="2026-09", purpose="law_enforcement"), PurposeError, id="another purpose"
        ),
    ],
)
async def test_what_is_not_offered_or_not_permitted_is_never_asked_for(
    wanted: Wanted, error: type[ExchangeError]
) -> None:
    partner, _ = honest()
    notebook = Notebook()
    with pytest.raises(error):
        await run(partner, notebook, wanted=wanted)
    assert notebook.steps == []


async def test_a_prefix_of_two_contracts_is_ambiguous_and_a_whole_id_is_not() -> None:
    partner, _ = honest()
    ref = ContractRef.of(bundle_world().contract).as_json()
    partner.items = [*partner.items, item(bundle_world(), contract={**ref, "id": "CA-01-BORDER-LAND"})]
    with pytest.raises(OfferAmbiguousError):
        await run(partner, Notebook())
    assert await run(partner, Notebook(), wanted=Wanted(contract="ca-01-border", period="2026-09"))


async def test_the_newest_published_revision_is_taken_and_a_superseded_or_foreign_one_is_not() -> None:
    partner, _ = honest()
    other = str(Digest.of(b"another"))
    partner.items = [
        item(bundle_world(), bundle=other, revision=2, state="superseded"),
        item(bundle_world(), bundle=other, revision=3, provider="UZ"),
        *partner.items,
    ]
    assert (await run(partner, Notebook())).offer.revision == 0


def test_what_a_partner_lists_of_other_members_is_not_shown_as_its_own() -> None:
    items = [item(bundle_world()), item(bundle_world(), provider="UZ", revision=9)]
    assert [(one.provider, one.revision) for one in read_catalogue(items, partner="KZ")] == [("KZ", 0)]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"bundle": "sha256:short"}, id="a digest that is none"),
        pytest.param({"contract": {}}, id="no contract"),
        pytest.param({"revision": "0"}, id="a revision as text"),
        pytest.param({"not_before": "soon"}, id="a time that is none"),
        pytest.param({"period": "2026-09\x1b[2J"}, id="a period that clears the screen"),
        pytest.param({"period": "../../../etc"}, id="a period that leads elsewhere"),
        pytest.param({"state": "<script>alert(1)</script>"}, id="a state in HTML"),
        pytest.param({"state": "published\nKZ"}, id="a state of two lines"),
        pytest.param({"provider": "../KZ"}, id="a member that leads elsewhere"),
    ],
)
async def test_a_catalogue_that_is_none_is_the_partners_fault(changes: dict[str, object]) -> None:
    partner, _ = honest()
    partner.items = [item(bundle_world(), **changes)]
    with pytest.raises(PartnerMalformedError) as refusal:
        await run(partner, Notebook())
    assert "KZ" in refusal.value.sentence()


async def test_a_contract_that_is_not_in_force_here_stops_before_anything_is_asked_for() -> None:
    world = bundle_world()

    def unsigned(ref: ContractRef) -> DataContract:
        require_in_force(world.contract, world.statements[1:], at=NOW, provider="KZ")
        return world.contract

    partner, _ = honest()
    notebook = Notebook()
    with pytest.raises(ContractNotInForceError) as refusal:
        await run(partner, notebook, require=unsigned)
    assert refusal.value.exit_code is ExitCode.CONTRACT_REFUSES
    assert notebook.steps == []


async def test_a_folder_that_holds_something_else_stops_before_anything_is_asked_for() -> None:
    partner, _ = honest()
    notebook = Notebook(taken=PullFolderTakenError(folder="/folder", found="a file"))
    with pytest.raises(PullFolderTakenError):
        await run(partner, notebook)
    assert notebook.steps == []


ANOTHER = Digest.of(b"another")


@pytest.mark.parametrize(
    ("changes", "field_named"),
    [
        pytest.param({"by": "UZ"}, "key-unknown", id="signed by another member"),
        pytest.param({"pull": ANOTHER}, "pull", id="another pull"),
        pytest.param({"bundle": ANOTHER}, "bundle", id="another bundle"),
        pytest.param({"puller": "TJ"}, "puller", id="another puller"),
        pytest.param({"publisher": "UZ"}, "publisher", id="another publisher"),
        pytest.param({"file": "data.csv"}, "file", id="another file"),
        pytest.param({"index": 1}, "checkpoint", id="an entry beyond the checkpoint"),
        pytest.param({"entry": {"counterpart": "TJ"}}, "entry counterpart", id="an entry for another puller"),
        pytest.param({"entry": {"node": "UZ"}}, "entry node", id="another member's entry"),
        pytest.param({"entry": {"bundle": ANOTHER}}, "entry bundle", id="an entry of another bundle"),
        pytest.param({"entry": {"contract": ANOTHER}}, "entry contract", id="an entry under another contract"),
        pytest.param({"entry": {"pull": ANOTHER, "evidence": ANOTHER}}, "entry pull", id="an entry of another pull"),
        pytest.param({"entry": {"type": EntryType.BUNDLE_RECEIVED}}, "entry type", id="an entry of another type"),
        pytest.param({"checkpoint": "not a note\n"}, "log-text", id="a checkpoint that is none"),
    ],
)
async def test_a_delivery_holds_in_every_field_or_the_bundle_is_refused_and_receipted(
    changes: dict[str, Any], field_named: str
) -> None:
    world = bundle_world()
    partner, content = honest()
    if "entry" in changes:
        changes = {**changes, "entry": served_entry(world, **changes["entry"])}
        assert parse_entry(changes["entry"])
    partner.given = Answer(pull=PULL, delivery=delivery(world, content, **changes), content=content)
    notebook = Notebook()
    with pytest.raises(DeliveryRefusedError) as refusal:
        await run(partner, notebook)
    assert notebook.steps == ["begin", "settle", "receipt"]
    assert notebook.outcomes[0].verdict == "rejected:pull-delivery"
    assert refusal.value.exit_code is ExitCode.DOES_NOT_HOLD
    assert refusal.value.facts["party"] == "KZ"
    if field_named != "log-text":
        assert refusal.value.facts["field"] == field_named


async def test_without_a_delivery_what_came_counts_as_broken_off() -> None:
    partner, content = honest()
    partner.given = Answer(pull=PULL, delivery="", content=content)
    notebook = Notebook()
    with pytest.raises(DeliveryRefusedError):
        await run(partner, notebook)
    assert (notebook.outcomes[0].verdict, notebook.outcomes[0].delivery) == ("incomplete", None)


async def test_other_bytes_than_the_signed_ones_are_refused_and_the_way_is_named_beside_the_partner() -> None:
    partner, content = honest()
    partner.given = Answer(pull=PULL, delivery=delivery(bundle_world(), content), content=content[:-1] + b"\x01")
    notebook = Notebook()
    with pytest.raises(DeliveryContentError):
        await run(partner, notebook)
    assert notebook.outcomes[0].verdict == "rejected:delivery-content"


@pytest.mark.parametrize("position", range(7))
async def test_a_signed_delivery_of_altered_bytes_is_refused_with_the_check_and_the_side_named(position: int) -> None:
    partner, content = honest()
    altered = bytearray(content)
    altered[len(content) * position // 7 + 40] ^= 1
    raw = bytes(altered)
    partner.given = Answer(pull=PULL, delivery=delivery(bundle_world(), raw), content=raw)
    notebook = Notebook()
    with pytest.raises(PulledBundleError) as refusal:
        await run(partner, notebook)
    assert notebook.steps == ["begin", "settle", "receipt"]
    assert refusal.value.facts["party"] == "KZ"
    assert notebook.outcomes[0].code == refusal.value.facts["check"]


async def test_what_breaks_off_is_logged_and_receipted_as_incomplete() -> None:
    partner, _ = honest()
    partner.given = BrokenOffError(bundle=ANOTHER.hex, partner="KZ", reason="the line went dead")
    notebook = Notebook()
    with pytest.raises(BrokenOffError):
        await run(partner, notebook)
    assert notebook.steps == ["begin", "settle", "receipt"]
    assert notebook.outcomes[0].verdict == "incomplete"


async def test_a_partner_that_is_down_leaves_no_trace_of_a_pull() -> None:
    partner, _ = honest()
    partner.given = PartnerUnreachableError(partner="KZ", issuer="kz.example", reason="refused")
    notebook = Notebook()
    with pytest.raises(PartnerUnreachableError):
        await run(partner, notebook)
    assert notebook.steps == ["begin", "forget"]


async def test_a_disk_that_refuses_leaves_nothing_shown_and_nothing_accepted() -> None:
    partner, _ = honest()
    notebook = Notebook(disk=OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space"):
        await run(partner, notebook)
    assert notebook.steps == ["begin", "write", "discard"]
