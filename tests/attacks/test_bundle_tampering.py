"""Attacks on a published bundle: by whoever carries it, by its gateway, by its desk, by another member."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exchange.bundle import open_bundle
from exchange.bundle.floor import audit_floor
from exchange.clearance import Clearance, format_clearance, parse_clearance
from exchange.encoding import Digest, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.bundle import DeterminedCellsError
from exchange.labels import Licence, Source
from exchange.log.entry import EntryType
from exchange.log.proof import format_proof, parse_proof
from exchange.manifest import Resource, format_manifest, parse_manifest
from exchange.publication import Checklist, CheckName
from exchange.publication.verify import BUNDLE_TYP
from exchange.report import format_report, parse_report
from exchange.sdmx.data import DataFile, format_data, parse_data
from exchange.signing.jws import sign_detached
from exchange.signing.keys import KeyPurpose
from exchange.table import Observation
from tests.world.bundles import COSIGNED, PERIOD, VALID_UNTIL, bundle_world

WORLD = bundle_world()
FIVE = {name: content for name, content in WORLD.files.items() if name != "publication.tlog-proof"}
HIDDEN = parse_report(FIVE["disclosure.json"]).withheld[0]  # whichever the engine withholds


def _failed(files: dict[str, bytes]) -> CheckName:
    """The check that refuses these files."""
    checklist = Checklist()
    with pytest.raises(ExchangeError) as refusal:
        open_bundle(files, trust=WORLD.trust, contracts=WORLD.shelf, audit=audit_floor, checklist=checklist)
    assert refusal.value.sentence("en")
    assert refusal.value.sentence("ru")
    assert checklist.failed is not None
    return checklist.failed.name


# --- whoever carries it ------------------------------------------------------------------------------------------


def _flips(raw: bytes, count: int) -> Iterator[bytes]:
    """The bytes with one bit changed, at `count` places spread over the whole and over the bits."""
    for number in range(count):
        place = number * (len(raw) - 1) // (count - 1)
        changed = bytearray(raw)
        changed[place] ^= 1 << number % 8
        yield bytes(changed)


@pytest.mark.parametrize(
    ("name", "checks"),
    [
        pytest.param(
            "datapackage.json", {CheckName.MANIFEST, CheckName.RESOURCES, CheckName.SIGNATURES}, id="manifest"
        ),
        pytest.param("data.csv", {CheckName.RESOURCES}, id="data"),
        pytest.param("disclosure.json", {CheckName.RESOURCES}, id="report"),
        pytest.param("clearance.json", {CheckName.RESOURCES}, id="clearance"),
        pytest.param("datapackage.jws", {CheckName.SIGNATURES}, id="signatures"),
        pytest.param(
            "publication.tlog-proof", {CheckName.LOG_ENTRY, CheckName.COSIGNATURES, CheckName.INCLUSION}, id="proof"
        ),
    ],
)
def test_one_bit_changed_in_any_file_is_found_by_the_right_check(name: str, checks: set[CheckName]) -> None:
    found = {_failed({**WORLD.files, name: changed}) for changed in _flips(WORLD.files[name], 120)}
    assert found <= checks


def _signatures(change: Callable[[list[Any]], object]) -> bytes:
    document = json.loads(WORLD.files["datapackage.jws"])
    change(document["signatures"])
    return canonical_json(document)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda signatures: signatures.pop(0), id="Ed25519 stripped"),
        pytest.param(lambda signatures: signatures.pop(1), id="ML-DSA-65 stripped"),
        pytest.param(lambda signatures: signatures.clear(), id="both stripped"),
        pytest.param(lambda signatures: signatures.reverse(), id="in another order"),
        pytest.param(lambda signatures: signatures.append(signatures[0]), id="one twice"),
        pytest.param(lambda signatures: signatures.__setitem__(1, signatures[0]), id="one in the other's place"),
    ],
)
def test_both_signatures_are_required(change: Callable[[list[Any]], object]) -> None:
    assert _failed({**WORLD.files, "datapackage.jws": _signatures(change)}) is CheckName.SIGNATURES


# --- its gateway, which has the log key and no other ---------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"type": EntryType.BUNDLE_WITHDRAWN}, id="a withdrawal for a publication"),
        pytest.param({"node": "KG"}, id="another node"),
        pytest.param({"bundle": Digest.of(b"other")}, id="another bundle"),
        pytest.param({"contract": Digest.of(b"other")}, id="another contract"),
        pytest.param({"evidence": Digest.of(b"other")}, id="other signatures"),
    ],
)
def test_an_entry_of_something_else_proves_nothing(changed: dict[str, object]) -> None:
    proof = WORLD.proof(WORLD.entry(FIVE, **changed))
    assert _failed({**WORLD.files, "publication.tlog-proof": proof}) is CheckName.LOG_ENTRY


def test_an_entry_that_is_not_in_the_tree_proves_nothing() -> None:
    proof = parse_proof(WORLD.files["publication.tlog-proof"])
    swapped = format_proof(replace(proof, extra=WORLD.entry(FIVE, salt=b"\x01" * 16)))
    assert _failed({**WORLD.files, "publication.tlog-proof": swapped}) is CheckName.INCLUSION


def test_another_members_log_proves_nothing() -> None:
    proof = WORLD.proof(WORLD.entry(FIVE), member="KG")
    assert _failed({**WORLD.files, "publication.tlog-proof": proof}) is CheckName.COSIGNATURES


@pytest.mark.parametrize(("witnesses", "holds"), [(4, True), (3, False), (0, False)])
def test_a_quorum_of_two_thirds_of_six_witnesses_is_required(witnesses: int, *, holds: bool) -> None:
    proof = parse_proof(WORLD.files["publication.tlog-proof"])
    text, _, signatures = proof.checkpoint_note.partition(b"\n\n")
    log, *others = signatures.splitlines(keepends=True)
    note = text + b"\n\n" + log + b"".join(others[:witnesses])
    files = {**WORLD.files, "publication.tlog-proof": format_proof(replace(proof, checkpoint_note=note))}
    if holds:
        open_bundle(files, trust=WORLD.trust, contracts=WORLD.shelf)
    else:
        assert _failed(files) is CheckName.COSIGNATURES


def test_a_line_by_a_stranger_in_the_proof_is_refused() -> None:
    proof = parse_proof(WORLD.files["publication.tlog-proof"])
    note = proof.checkpoint_note + proof.checkpoint_note.splitlines(keepends=True)[-1].replace(b"witness", b"witmess")
    files = {**WORLD.files, "publication.tlog-proof": format_proof(replace(proof, checkpoint_note=note))}
    assert _failed(files) is CheckName.COSIGNATURES


def test_a_publication_that_waited_beyond_the_clearances_last_day_does_not_hold() -> None:
    late = VALID_UNTIL + timedelta(seconds=1)
    assert _failed(WORLD.publish(FIVE, cosigned_at=late)) is CheckName.CLEARANCE


# --- its desk, which has the bundle keys and no officer's ----------------------------------------------------------


def _published_by_desk(**changed: bytes) -> dict[str, bytes]:
    """A bundle with some files changed, and a manifest over them that the desk signed and the gateway logged."""
    paths = {"data": "data.csv", "disclosure": "disclosure.json", "clearance": "clearance.json"}
    files = {**FIVE, **{paths[name]: content for name, content in changed.items()}}
    manifest = parse_manifest(files["datapackage.json"])
    for name, path in paths.items():
        manifest = replace(manifest, **{name: Resource.of(path, files[path])})  # type: ignore[arg-type]  # a resource
    return _signed_by_desk({**files, "datapackage.json": format_manifest(manifest)})


def _signed_by_desk(files: dict[str, bytes]) -> dict[str, bytes]:
    signers = WORLD.federation.hybrid("KZ", KeyPurpose.BUNDLE).signers
    signed = {**files, "datapackage.jws": sign_detached(files["datapackage.json"], typ=BUNDLE_TYP, signers=signers)}
    return WORLD.publish(signed)


def _data() -> DataFile:
    return parse_data(FIVE["data.csv"], WORLD.contract, provider="KZ", period=PERIOD)


def test_a_desk_cannot_publish_a_figure_that_officers_did_not_clear() -> None:
    row = Observation(value=1320, obs_status="A", conf_status="N")
    data = _data()
    table = replace(data.table, rows={**data.table.rows, ("IN", "UZ", "_T", "_T", "_T", "_T", "_T"): row})
    raw = format_data(replace(data, table=table), WORLD.contract)
    assert _failed(_published_by_desk(data=raw)) is CheckName.CLEARANCE


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"title": "MOVED 1907: {}"}, id="before the title"),
        pytest.param({"sources": (Source(title="1907 persons"),)}, id="in a source"),
        pytest.param({"licences": (Licence(name="x", path="https://example.org/1907"),)}, id="in a licence's address"),
    ],
)
def test_a_desk_cannot_publish_a_word_that_officers_did_not_clear(words: dict[str, Any]) -> None:
    manifest = parse_manifest(FIVE["datapackage.json"])
    if "title" in words:  # the end of a title is the contract's
        words = {"title": words["title"].format(manifest.title.partition(": ")[2])}
    raw = format_manifest(replace(manifest, **words))
    assert _failed(_signed_by_desk({**FIVE, "datapackage.json": raw})) is CheckName.CLEARANCE


def test_a_desk_cannot_add_a_recipient() -> None:
    manifest = replace(parse_manifest(FIVE["datapackage.json"]), recipients=("KG", "TJ", "TM"))
    files = _signed_by_desk({**FIVE, "datapackage.json": format_manifest(manifest)})
    assert _failed(files) is CheckName.CLEARANCE


def test_a_desk_cannot_clear_by_itself() -> None:
    clearance = parse_clearance(FIVE["clearance.json"])
    once = format_clearance(Clearance(common=clearance.common, approvals=clearance.approvals[:1]))
    assert _failed(_published_by_desk(clearance=once)) is CheckName.CLEARANCE


def test_an_approval_of_one_clearance_is_none_of_another() -> None:
    clearance = parse_clearance(FIVE["clearance.json"])
    longer = replace(clearance.common, valid_until=VALID_UNTIL + timedelta(days=3))
    assert (
        _failed(_published_by_desk(clearance=format_clearance(replace(clearance, common=longer))))
        is CheckName.CLEARANCE
    )


# --- a desk and two careless officers ------------------------------------------------------------------------------


def _cleared_again(*, data: bytes | None = None, disclosure: bytes | None = None) -> dict[str, bytes]:
    """Other files, which both officers approved: only the table's own checks are left."""
    files = {**FIVE, "data.csv": data or FIVE["data.csv"], "disclosure.json": disclosure or FIVE["disclosure.json"]}
    common = replace(
        WORLD.case.common, data=Digest.of(files["data.csv"]), disclosure=Digest.of(files["disclosure.json"])
    )
    candidate = replace(WORLD.case.candidate, data=common.data, disclosure=common.disclosure)
    case = replace(WORLD.case, candidate=candidate)
    clearance = Clearance(
        common=common, approvals=tuple(WORLD.approval(officer, case=case) for officer in ("kz-02", "kz-03"))
    )
    changed = {"data": files["data.csv"], "disclosure": files["disclosure.json"]}
    return _published_by_desk(**changed, clearance=format_clearance(clearance))


def test_a_release_for_some_of_the_recipients_is_refused_even_if_cleared() -> None:
    common = replace(WORLD.case.common, recipients=("KG", "TJ"))
    case = replace(WORLD.case, candidate=replace(WORLD.case.candidate, recipients=common.recipients))
    approvals = tuple(WORLD.approval(officer, case=case) for officer in ("kz-02", "kz-03"))
    clearance = format_clearance(Clearance(common=common, approvals=approvals))
    manifest = replace(
        parse_manifest(FIVE["datapackage.json"]),
        recipients=common.recipients,
        clearance=Resource.of("clearance.json", clearance),
    )
    files = {**FIVE, "clearance.json": clearance, "datapackage.json": format_manifest(manifest)}
    assert _failed(_signed_by_desk(files)) is CheckName.DISCLOSURE


def test_a_key_that_no_contract_excludes_cannot_be_called_excluded() -> None:
    report = parse_report(FIVE["disclosure.json"])
    barred = replace(report, excluded=(("IN", "UZ", "_T", "_T", "_T", "_T", "_T"),))
    assert _failed(_cleared_again(disclosure=format_report(barred))) is CheckName.DISCLOSURE


def test_what_officers_cleared_again_holds() -> None:
    open_bundle(_cleared_again(), trust=WORLD.trust, contracts=WORLD.shelf, audit=audit_floor)


def test_a_figure_beside_a_report_that_says_withheld_is_refused() -> None:
    data = _data()
    row = Observation(value=1907, obs_status="A", conf_status="N")
    table = replace(data.table, rows={**data.table.rows, HIDDEN: row})
    raw = format_data(replace(data, table=table), WORLD.contract)
    assert _failed(_cleared_again(data=raw)) is CheckName.WITHHELD


def test_margins_that_do_not_add_up_are_refused() -> None:
    data = _data()
    row = Observation(value=28, obs_status="A", conf_status="N")
    table = replace(data.table, rows={**data.table.rows, ("IN", "UZ", "KG", "_T", "_T", "_T", "_T"): row})
    raw = format_data(replace(data, table=table), WORLD.contract)
    assert _failed(_cleared_again(data=raw)) is CheckName.ADDITIVITY


def test_a_pattern_that_gives_itself_away_is_refused_without_a_figure() -> None:
    report = parse_report(FIVE["disclosure.json"])
    alone = replace(report, withheld=tuple(key for key in report.withheld if key == HIDDEN))
    files = _cleared_again(disclosure=format_report(alone))
    assert _failed(files) is CheckName.PATTERN
    with pytest.raises(DeterminedCellsError, match="1"):
        open_bundle(files, trust=WORLD.trust, contracts=WORLD.shelf, audit=audit_floor)


def test_a_report_of_another_release_is_refused() -> None:
    report = replace(parse_report(FIVE["disclosure.json"]), period="2026-08")
    assert _failed(_cleared_again(disclosure=format_report(report))) is CheckName.DISCLOSURE


def test_a_table_in_another_spelling_is_refused() -> None:
    raw = FIVE["data.csv"].replace(b"\n", b"\r\n")
    assert _failed(_cleared_again(data=raw)) is CheckName.DATA


# --- another member ------------------------------------------------------------------------------------------------


def test_another_member_cannot_sign_for_the_provider() -> None:
    signers = WORLD.federation.hybrid("KG", KeyPurpose.BUNDLE).signers
    forged = sign_detached(FIVE["datapackage.json"], typ=BUNDLE_TYP, signers=signers)
    files = WORLD.publish({**FIVE, "datapackage.jws": forged})
    assert _failed(files) is CheckName.SIGNATURES


def test_a_contract_signature_is_no_bundle_signature() -> None:
    signers = WORLD.federation.hybrid("KZ", KeyPurpose.CONTRACT).signers
    forged = sign_detached(FIVE["datapackage.json"], typ=BUNDLE_TYP, signers=signers)
    files = WORLD.publish({**FIVE, "datapackage.jws": forged})
    assert _failed(files) is CheckName.SIGNATURES


def test_another_members_bundle_cannot_be_passed_on_as_ones_own() -> None:
    manifest = replace(
        parse_manifest(FIVE["datapackage.json"]),
        provider="KG",
        recipients=("KZ", "TJ"),
        title="Border crossings by corridor, KG, 2026-09",
    )
    raw = format_manifest(manifest)
    signers = WORLD.federation.hybrid("KG", KeyPurpose.BUNDLE).signers
    files = {**FIVE, "datapackage.json": raw, "datapackage.jws": sign_detached(raw, typ=BUNDLE_TYP, signers=signers)}
    files["publication.tlog-proof"] = WORLD.proof(WORLD.entry(files, node="KG"), member="KG", cosigned_at=COSIGNED)
    assert _failed(files) is CheckName.CLEARANCE
