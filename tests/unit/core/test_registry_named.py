"""What a log entry names as its registry snapshot is compared with the snapshot of that version, where it is held."""

from dataclasses import replace

import pytest

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.pull import DeliveryRefusedError
from exchange.errors.trust import RegistrySplitError, RegistryVersionError
from exchange.flow.pull import Answer
from exchange.publication import PROOF, Checklist, Standing, verify_publication
from exchange.signing.trust import RegistryRef, Trust
from tests.unit.core.test_pull_flow import PULL, Notebook, delivery, honest, run, served_entry
from tests.world.bundles import BundleWorld, bundle_world
from tests.world.clock import StillClock
from tests.world.federation import Federation, found, signer
from tests.world.registry import Registry, opened

RIVAL = Digest("f0" * 32)


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("federation"), StillClock())


@pytest.fixture
def registry(federation: Federation) -> Registry:
    return Registry(federation)


def first(registry: Registry) -> RegistryRef:
    return RegistryRef(version=1, sha256=Digest.of(registry.files["metadata/1.snapshot.json"]))


def test_an_earlier_snapshot_is_known_by_its_digest_where_the_folder_holds_it(registry: Registry) -> None:
    trust = opened(registry, registry.publish())
    assert trust.ref.version == 2
    assert trust.require_acted_under(first(registry), subject="entry")
    assert trust.require_acted_under(trust.ref, subject="entry")
    for version in (1, 2):
        with pytest.raises(RegistrySplitError):
            trust.require_acted_under(RegistryRef(version=version, sha256=RIVAL), subject="entry")


def test_a_version_above_the_newest_is_refused(registry: Registry) -> None:
    trust = opened(registry, registry.files)
    with pytest.raises(RegistryVersionError, match="expected version 1 or lower, found 2"):
        trust.require_acted_under(RegistryRef(version=2, sha256=RIVAL), subject="entry")


def test_of_a_snapshot_that_is_not_held_nothing_is_claimed(registry: Registry) -> None:
    files = registry.publish()
    del files["metadata/1.snapshot.json"]
    trust = opened(registry, files)
    for digest in (first(registry).sha256, RIVAL):
        assert not trust.require_acted_under(RegistryRef(version=1, sha256=digest), subject="entry")


def test_an_archived_snapshot_that_no_registrar_signed_accuses_nobody(registry: Registry) -> None:
    forged = registry.publish(snapshot_signers=[signer("nobody")])["metadata/2.snapshot.json"]
    registry.version = 1
    registry.publish()
    files = {**registry.publish(), "metadata/2.snapshot.json": forged}
    trust = opened(registry, files)
    assert trust.ref.version == 3
    assert not trust.require_acted_under(RegistryRef(version=2, sha256=RIVAL), subject="entry")


# A bundle published on a forked registry


def bundle_under(world: BundleWorld, named: RegistryRef) -> dict[str, bytes]:
    return {**world.files, PROOF: world.proof(world.entry(world.files, registry=named))}


@pytest.mark.parametrize(
    ("version", "refusal"),
    [
        pytest.param(1, RegistrySplitError, id="another snapshot of the same version"),
        pytest.param(2, RegistryVersionError, id="a version that is not here"),
    ],
)
def test_a_bundle_whose_entry_names_another_registry_is_refused_at_its_log_entry(
    version: int, refusal: type[ExchangeError]
) -> None:
    world, record = bundle_world(), Checklist()
    files = bundle_under(world, RegistryRef(version=version, sha256=RIVAL))
    with pytest.raises(refusal):
        verify_publication(files, trust=world.trust, contract=world.contract, checklist=record)
    assert record.failed is not None
    assert record.failed.name.value == "log-entry"


def later(trust: Trust, *, archived: bool) -> Trust:
    """The registry one version on, with or without the snapshot before."""
    archive = replace(trust.archive, files=trust.archive.files if archived else {})
    return replace(trust, ref=RegistryRef(version=2, sha256=RIVAL), archive=archive)


@pytest.mark.parametrize(("archived", "notices"), [(True, []), (False, ["registry-unarchived"])])
def test_an_old_bundle_holds_under_a_newer_registry_and_what_was_not_compared_is_said(
    *, archived: bool, notices: list[str]
) -> None:
    world = bundle_world()
    published = verify_publication(
        world.files, trust=later(world.trust, archived=archived), contract=world.contract, checklist=Checklist()
    )
    found = [one.error.code for one in published.checks if one.standing is Standing.NOTICE and one.error is not None]
    assert [code for code in found if code.startswith("registry-una")] == notices


@pytest.mark.parametrize(("version", "field"), [(1, "registry sha256"), (2, "registry")])
async def test_a_delivery_whose_entry_names_another_registry_is_refused(version: int, field: str) -> None:
    partner, content = honest()
    entry = served_entry(bundle_world(), registry=RegistryRef(version=version, sha256=RIVAL))
    partner.given = Answer(pull=PULL, delivery=delivery(bundle_world(), content, entry=entry), content=content)
    with pytest.raises(DeliveryRefusedError) as refusal:
        await run(partner, Notebook())
    assert refusal.value.facts["field"] == field
