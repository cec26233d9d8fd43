"""Files that somebody makes out of true logs against an innocent publisher: what they leave out or put in its place."""

from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.encoding import Digest
from exchange.errors.evidence import EvidenceIncompleteError, EvidenceUnprovenError
from exchange.flow.audit import charge_of
from exchange.flow.word import Word
from exchange.log.entry import EntryType
from exchange.manifest import MANIFEST, bundle_digest
from exchange.publication import PROOF
from exchange.reconcile.dossier import Charge, Dossier, LogCopy
from tests.unit.nodes.test_audit_evidence_revision import (
    AUDITED,
    FIRST,
    WORLD,
    entry,
    publishing,
)
from tests.unit.nodes.test_audit_evidence_told import (
    IN_DECEMBER,
    IN_OCTOBER,
    Files,
    Told,
    decided,
    embargoed,
    october,
    publication_missing,
    published,
    publishes,
    released,
    revoked,
    seconds,
    statements,
)
from tests.world.bundles import COSIGNED


def charged(told: Told, code: str, *entries: tuple[str, int], files: dict[Digest, Files]) -> Dossier:
    """A file that somebody makes against KZ out of true logs."""
    return Dossier(
        at=told.at,
        charge=Charge(code=code, party="KZ", entries=entries),
        logs=tuple(
            LogCopy(member=member, checkpoints=tuple(one.note for one in told.seen(member)), entries=tuple(entries))
            for member, entries in told.logs.items()
        ),
        signed=told.signed,
        unanswered=frozenset(),
        publications=files,
        contracts=(WORLD.contract.raw,),
    )


def place(told: Told, text: bytes) -> tuple[str, int]:
    return "KZ", next(index for index, raw in enumerate(told.logs["KZ"]) if text in raw)


def test_another_bundles_files_under_a_bundles_name_say_nothing_of_it() -> None:
    told = Told()
    told.close()
    served = place(told, b'"pull.served"')
    framed = charged(told, "served-too-early", served, ("KG", 0), files={FIRST: published(embargoed())})
    with pytest.raises(EvidenceUnprovenError):
        decided(framed, told.trust)


@pytest.mark.parametrize("proof", [None, b"c2sp.org/tlog-proof@v1\n"], ids=["left out", "broken"])
def test_a_bundle_whose_proof_alone_does_not_hold_is_charged_on_the_auditors_word(proof: bytes | None) -> None:
    told = Told()
    told.close()
    files = {**published(WORLD.files), **({} if proof is None else {PROOF: proof})}
    if proof is None:
        del files[PROOF]
    framed = charged(told, "publication-unverifiable", place(told, b'"bundle.published"'), files={FIRST: files})
    assert Word.FILES in decided(framed, told.trust).word


def test_a_later_proof_makes_a_key_look_revoked_on_the_auditors_word_alone() -> None:
    told = Told(trust=revoked(at=COSIGNED + timedelta(days=1)))
    told.close()
    later = {**published(WORLD.files), PROOF: WORLD.proof(WORLD.entry(WORLD.files), cosigned_at=AUDITED)}
    framed = charged(told, "revoked-key-used", place(told, b'"bundle.published"'), files={FIRST: later})
    assert decided(framed, told.trust).word == {Word.EARLIEST}
    with pytest.raises(EvidenceUnprovenError):
        decided(replace(framed, publications={FIRST: published(WORLD.files)}), told.trust)


@pytest.mark.parametrize("shown", [True, False], ids=["the first release in it", "the first release left out"])
def test_a_revision_is_not_late_because_the_first_release_was_left_out(shown: bool) -> None:
    in_time = COSIGNED + timedelta(days=40)
    first = released(report=october, cosigned_at=in_time, **IN_OCTOBER)
    later = {"revision": 1, "supersedes": bundle_digest(first[MANIFEST]), **IN_OCTOBER}
    revised = released(report=lambda one: replace(october(one), revision=1), cosigned_at=IN_DECEMBER, **later)
    told = publishes(first, at=in_time)
    told.logs["KZ"] += publishing(revised, seconds(IN_DECEMBER))
    told.files.append(revised)
    told.early, told.witnessed, told.at = len(statements()), IN_DECEMBER, IN_DECEMBER + timedelta(days=1)
    told.close()
    files = {bundle: one for bundle, one in told.publications().items() if shown or one[MANIFEST] == revised[MANIFEST]}
    assert all(one.reason.code != "published-late" for one in told.findings())
    size = len(told.logs["KZ"])
    for charge in ((("KZ", size - 2),), (("KZ", size - 4), ("KZ", size - 2))):
        with pytest.raises(EvidenceUnprovenError):
            decided(charged(told, "published-late", *charge, files=files), told.trust)


def test_a_version_that_was_signed_and_left_out_may_be_under_which_nothing_was_owed() -> None:
    told = publication_missing()
    newer = {"contract": Digest.of(b"CA-01-BORDER 2.0.0"), "evidence": WORLD.statements[0].digest}
    told.logs["KZ"].append(entry("KZ", EntryType.CONTRACT_SIGNED, 300, **newer))
    told.close()
    signed = tuple(("KZ", index) for index in range(len(WORLD.statements)))
    framed = charged(told, "publication-missing", *signed, files={FIRST: published(WORLD.files)})
    with pytest.raises(EvidenceIncompleteError):
        decided(framed, told.trust)


def test_of_two_parties_without_a_statement_each_has_a_file_of_its_own() -> None:
    told = Told()
    told.logs["TJ"] = []
    told.close()
    found = [one for one in told.findings() if one.reason.code == "contract-statement-unlogged"]
    assert len({charge_of(one) for one in found}) == len(found)
    for finding in (next(one for one in found if one.reason.facts["member"] == member) for member in ("KG", "TJ")):
        dossier = told.filed(charge_of(finding))
        assert decided(dossier, told.trust).finding.reason.sentence() == finding.reason.sentence()
        assert {log.member for log in dossier.logs} == {"KZ", str(finding.reason.facts["member"])}
