"""Entries under another state of the registry: who answers for it, and who is not accused of what a split brings."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.encoding import Digest
from exchange.errors.evidence import EvidenceUnprovenError
from exchange.flow.audit import charge_of
from exchange.flow.word import Word
from exchange.log.entry import EntryType
from exchange.manifest import MANIFEST, bundle_digest
from exchange.publication import PROOF, SIGNATURES
from exchange.receipt import Delivery, evidence_digest, sign_delivery
from exchange.reconcile.model import Finding
from exchange.reconcile.registry import STATES_MAX
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import RegistryRef
from tests.unit.nodes.test_audit_evidence_revision import FIRST, PULL, WORLD, entry
from tests.unit.nodes.test_audit_evidence_told import (
    Told,
    decided,
    publishes,
    registry,
    registry_forked,
    registry_invented,
    seconds,
    two_snapshots,
    version_two,
)
from tests.world.bundles import COSIGNED
from tests.world.clock import FOUNDED
from tests.world.registry import opened

RIVAL = Digest("f0" * 32)
SNAPSHOT_2 = "metadata/2.snapshot.json"


def registry_findings(told: Told) -> list[Finding]:
    told.close()
    return [one for one in told.findings() if one.reason.code.startswith("registry-")]


def said(told: Told) -> list[tuple[str, str]]:
    return [(one.reason.code, one.party) for one in registry_findings(told)]


def acting(member: str, *named: RegistryRef, trust_at: timedelta = timedelta(hours=1)) -> Told:
    """Its heartbeats under these states; the auditor's registry is at version 2, renewed at its founding."""
    told = Told(trust=opened(registry(), version_two(), at=FOUNDED + trust_at))
    beats = [entry(member, EntryType.HEARTBEAT, 400 + number, registry=ref) for number, ref in enumerate(named)]
    told.logs[member] += beats
    return told


def test_the_registry_that_an_honest_entry_names_is_the_newest_or_an_earlier_one() -> None:
    told = acting("KG", WORLD.trust.ref)
    told.logs["KG"].append(entry("KG", EntryType.HEARTBEAT, 500, registry=told.trust.ref))
    assert told.trust.ref.version == 2
    assert said(told) == []


def test_an_entry_under_a_version_that_came_after_the_readers_accuses_nobody() -> None:
    told = acting("KG", RegistryRef(version=3, sha256=RIVAL))
    told.unanswered = frozenset({("KG", RIVAL)})
    assert said(told) == []


def test_an_earlier_version_that_is_not_held_accuses_nobody() -> None:
    files = {name: raw for name, raw in version_two().items() if name != "metadata/1.snapshot.json"}
    told = acting("KG", RegistryRef(version=1, sha256=RIVAL))
    told.trust = opened(registry(), files, at=FOUNDED + timedelta(hours=1))
    told.unanswered = frozenset({("KG", RIVAL)})
    assert said(told) == []


def test_a_version_that_there_was_not_by_then_is_answered_for() -> None:
    told = acting("KG", RegistryRef(version=9, sha256=RIVAL))
    told.unanswered = frozenset({("KG", RIVAL)})
    renewed = told.witnessed + timedelta(minutes=6)  # the auditor's registry was at version 2 after witnesses saw it
    told.trust = replace(told.trust, ends={**told.trust.ends, "timestamp": renewed + timedelta(days=7)})
    assert said(told) == [("registry-invented", "KG")]


def test_who_names_a_snapshot_and_does_not_show_it_is_at_fault_by_the_auditors_word() -> None:
    told = acting("KG", RegistryRef(version=2, sha256=RIVAL))
    told.unanswered = frozenset({("KG", RIVAL)})
    (finding,) = registry_findings(told)
    assert (finding.reason.code, finding.party) == ("registry-invented", "KG")
    assert decided(told.filed(charge_of(finding)), told.trust).word == {Word.UNANSWERED}


def test_who_could_not_be_asked_is_judged_by_the_next_audit() -> None:
    assert said(acting("KG", RegistryRef(version=2, sha256=RIVAL))) == []


def test_a_registrar_who_signed_two_snapshots_of_one_version_is_at_fault_and_not_who_acted_under_one() -> None:
    assert said(registry_forked()) == [("registry-forked", "IOM")]


def test_of_two_registrars_who_signed_one_each_neither_is_called_guilty() -> None:
    other = min({path.parent.name for path in registry().federation.custody.glob("*/snapshot.key")} - {"IOM"})
    assert said(two_snapshots(version_two(other)[SNAPSHOT_2])) == [("registry-forked", "undecided")]


def test_a_snapshot_of_another_version_is_no_answer() -> None:
    assert said(two_snapshots(version_two()["metadata/1.snapshot.json"])) == [("registry-invented", "KG")]


def test_what_is_said_names_both_snapshots_in_both_languages() -> None:
    (finding,) = registry_findings(registry_forked())
    facts = finding.reason.facts
    for language in ("en", "ru"):
        sentence = finding.reason.sentence(language)
        assert str(facts["named"]) in sentence
        assert str(facts["held"]) in sentence
        assert "KG" in sentence
        assert "IOM" in sentence


def test_a_log_that_names_ever_new_states_is_asked_for_a_bounded_number() -> None:
    named = [RegistryRef(version=2, sha256=Digest(f"{number:064x}")) for number in range(STATES_MAX + 4)]
    told = acting("KG", *named)
    told.unanswered = frozenset(("KG", one.sha256) for one in named)
    assert len(said(told)) == STATES_MAX


# What a split brings is not the fault of whom it reached


def publication_under(named: RegistryRef) -> Told:
    """KZ publishes the world's bundle under this state of the registry."""
    proof = WORLD.proof(WORLD.entry(WORLD.files, registry=named))
    told = publishes({**WORLD.files, PROOF: proof})
    published = {"contract": WORLD.contract.digest, "bundle": FIRST, "evidence": Digest.of(WORLD.files[SIGNATURES])}
    told.logs["KZ"][-1] = entry("KZ", EntryType.BUNDLE_PUBLISHED, 101, registry=named, **published)
    told.trust = opened(registry(), version_two(), at=FOUNDED + timedelta(hours=1))
    return told


def of_publications(told: Told) -> list[tuple[str, str]]:
    told.close()
    return [(one.reason.code, one.party) for one in told.findings() if one.reason.code.startswith("publication-u")]


@pytest.mark.parametrize(
    "named",
    [
        pytest.param(RegistryRef(version=2, sha256=RIVAL), id="another snapshot"),
        pytest.param(RegistryRef(version=3, sha256=RIVAL), id="a newer version than the auditor's"),
    ],
)
def test_who_published_on_another_side_of_a_split_is_not_said_to_have_published_what_does_not_verify(
    named: RegistryRef,
) -> None:
    assert of_publications(publication_under(named)) == []


def test_a_proof_that_names_another_registry_than_the_log_is_still_the_publishers_fault() -> None:
    told = publication_under(RegistryRef(version=3, sha256=RIVAL))
    told.logs["KZ"][-1] = publication_under(WORLD.trust.ref).logs["KZ"][-1]
    assert of_publications(told) == [("publication-unverifiable", "KZ")]


def test_a_reader_whose_registry_is_older_is_not_told_that_a_publication_does_not_verify() -> None:
    told = publication_under(RegistryRef(version=3, sha256=RIVAL))
    told.close()
    proof = publication_under(WORLD.trust.ref)
    proof.files = [{**WORLD.files, SIGNATURES: b"{}"}]
    proof.close()
    charge = next(charge_of(one) for one in proof.findings() if one.reason.code == "publication-unverifiable")
    with pytest.raises(EvidenceUnprovenError):
        told.filed(charge)


def pulled(
    became: EntryType, *, served_under: RegistryRef, taken_under: RegistryRef, signed_by: str = "KZ", **said: str
) -> Told:
    """KG accepts or rejects the data of the world's bundle, signed for as the manifest declares it."""
    told, facts = publishes(WORLD.files), {"contract": WORLD.contract.digest, "bundle": FIRST, "pull": PULL}
    told.trust = opened(registry(), version_two(), at=FOUNDED + timedelta(hours=1))
    served = entry("KZ", EntryType.PULL_SERVED, 300, counterpart="KG", evidence=PULL, registry=served_under, **facts)
    delivery = Delivery(
        pull=PULL,
        bundle=bundle_digest(WORLD.files[MANIFEST]),
        publisher="KZ",
        puller="KG",
        entry=served,
        index=len(told.logs["KZ"]),
        checkpoint="a checkpoint",
        file="data.csv",
        content=Digest.of(WORLD.files["data.csv"]),
    )
    token = sign_delivery(delivery, signer=WORLD.federation.signer(signed_by, KeyPurpose.TRANSPORT))
    told.signed[evidence_digest(token)] = token.encode()
    told.logs["KZ"].append(served)
    named = {"counterpart": "KZ", "evidence": evidence_digest(token), **said}
    told.logs["KG"].append(entry("KG", became, 301, registry=taken_under, **named, **facts))
    return told


OURS, THEIRS = WORLD.trust.ref, RegistryRef(version=2, sha256=RIVAL)


@pytest.mark.parametrize(
    ("served", "taken", "found"),
    [
        pytest.param(OURS, OURS, ("rejected-wrongly", "KG"), id="one registry"),
        pytest.param(OURS, THEIRS, ("rejection-disputed", "undecided"), id="the puller on another"),
        pytest.param(THEIRS, OURS, ("rejection-disputed", "undecided"), id="the publisher on another"),
    ],
)
def test_who_rejects_across_a_split_is_not_said_to_reject_wrongly(
    served: RegistryRef, taken: RegistryRef, found: tuple[str, str]
) -> None:
    told = pulled(EntryType.BUNDLE_REJECTED, served_under=served, taken_under=taken, code="pull-delivery")
    told.close()
    assert [(one.reason.code, one.party) for one in told.findings() if one.reason.code.startswith("reject")] == [found]


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        pytest.param(OURS, [("accepted-without-delivery", "KG")], id="the reader's registry"),
        pytest.param(THEIRS, [], id="another side of a split"),
        pytest.param(RegistryRef(version=3, sha256=RIVAL), [], id="a newer registry than the reader's"),
    ],
)
def test_a_key_that_the_registry_of_that_entry_may_list_makes_no_delivery_unsigned(
    taken: RegistryRef, found: list[tuple[str, str]]
) -> None:
    told = pulled(EntryType.BUNDLE_RECEIVED, served_under=OURS, taken_under=taken, signed_by="TJ")
    told.close()
    assert [(one.reason.code, one.party) for one in told.findings() if one.reason.code.startswith("accept")] == found


@pytest.mark.parametrize("story", [registry_forked, registry_invented])
def test_a_reader_who_holds_no_snapshot_of_that_version_is_not_made_to_believe(story: Callable[[], Told]) -> None:
    told = story()
    told.close()
    finding = next(one for one in told.findings() if one.reason.code.startswith("registry-"))
    dossier = told.filed(charge_of(finding))
    older = {name: raw for name, raw in version_two().items() if name != SNAPSHOT_2}
    bare = replace(told.trust, archive=replace(told.trust.archive, files=older))
    later = replace(bare, ref=RegistryRef(version=3, sha256=RIVAL))
    with pytest.raises(EvidenceUnprovenError):
        decided(dossier, later)


def test_the_day_of_the_world_is_after_its_registry_was_renewed() -> None:
    """Else no test above could tell a version that was not there by then from a later one."""
    assert seconds(COSIGNED) == 0
    assert acting("KG").trust.renewed < COSIGNED
