"""The clearing desk: who may submit, approve and return what; what officers see; and that nothing else gets through."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.flow.candidate import CANDIDATE, format_candidate, parse_candidate
from exchange.manifest import DATA
from exchange.report import pooled_digest
from exchange.signing.words import digest_words
from tests.world.bundles import PERIOD
from tests.world.desk import ASKED, SUBMITTED, WITHHELD, DeskWorld, desk_world, figure, hidden, table

SUBMIT = ("bundle", "submit", *ASKED)
RETURN = ("clearance", "return", *ASKED, "--officer")
KG_TOTAL = ("IN", "KG", "_T", "_T", "_T", "_T", "_T")
UZ_TOTAL = ("IN", "UZ", "_T", "_T", "_T", "_T", "_T")


@pytest.fixture
def desk(tmp_path: Path) -> DeskWorld:
    return desk_world(tmp_path / "kz")


# --- submit -----------------------------------------------------------------------------------------------------------


def test_the_preparer_submits_and_hears_what_comes_next(desk: DeskWorld) -> None:
    ran = desk.run(*SUBMIT)
    assert ran.code == ExitCode.FINE
    assert f"submitted kz-ca-01-border-2026-09-r0: {len(table())} cells, 2 withheld; 2 officers must approve" in ran.out
    assert f"next: exchange --node {desk.node.path} bundle diff CA-01-BORDER 2026-09" in ran.out
    assert desk.state()["state"] == "submitted"


def test_a_submission_is_valid_for_thirty_days(desk: DeskWorld) -> None:
    assert desk.run("--json", *SUBMIT).result == {
        "name": "kz-ca-01-border-2026-09-r0",
        "state": "submitted",
        "valid_until": "2026-11-01T09:00:00Z",  # 2 October and 30 days
        "cells": len(table()),
        "withheld": 2,
    }


@pytest.mark.parametrize(
    ("officer", "code", "refusal"),
    [
        pytest.param("kz-01", ExitCode.FINE, None, id="the officer who built it"),
        pytest.param("kz-02", ExitCode.NOT_AUTHORISED, "clearance-not-preparer", id="another officer"),
        pytest.param("kg-01", ExitCode.DOES_NOT_HOLD, "clearance-foreign-officer", id="an officer of another country"),
        pytest.param("kz-99", ExitCode.DOES_NOT_HOLD, "officer-unknown", id="somebody who is not registered"),
    ],
)
def test_only_the_preparer_submits(desk: DeskWorld, officer: str, code: int, refusal: str | None) -> None:
    ran = desk.run(*SUBMIT, "--officer", officer)
    assert ran.code == code
    if refusal is not None:
        assert ran.err.startswith(f"{refusal}: ")
        assert desk.act("clearance", "list").out == "no candidate has been submitted\n"


def test_an_officer_needs_the_registered_key(desk: DeskWorld) -> None:
    ran = desk.run(*SUBMIT, "--key", str(desk.key("kz-04")))
    assert ran.code == ExitCode.NOT_AUTHORISED
    registered, found = (desk.federation.officer(officer).public.kid for officer in ("kz-01", "kz-04"))
    assert f"the key of kz-01 is not the one in the registry: expected {registered}, found {found}" in ran.err


def test_a_candidate_that_the_ledger_has_overtaken_is_refused(desk: DeskWorld) -> None:
    earlier = desk.release_earlier(table(), period="2026-08")
    ran = desk.run(*SUBMIT)
    assert ran.code == ExitCode.DOES_NOT_HOLD
    expected, found = pooled_digest([earlier]), pooled_digest([])
    assert f"gives {expected}, the bundle was audited against {found}" in ran.err
    assert "Build the candidate again with the ledger as it is now." in ran.err


def test_a_candidate_overtaken_after_submission_can_be_neither_approved_nor_released(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    desk.release_earlier(table(), period="2026-08")
    assert "bundle-pooled-stale" in desk.approve("kz-02").err


def test_a_second_candidate_of_one_release_waits_until_the_first_is_decided(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    ran = desk.run(*SUBMIT)
    assert ran.code == ExitCode.CONTRACT_REFUSES
    assert "another candidate of this release is submitted" in ran.err


def test_another_member_s_candidate_is_refused(desk: DeskWorld) -> None:
    folder = desk.build(desk.candidate(provider="KG"))
    ran = desk.run("bundle", "submit", str(folder))
    assert ran.code == ExitCode.USAGE
    assert "its provider is KG, this is the desk of KZ" in ran.err


def test_a_report_about_another_table_is_refused_before_anybody_signs(desk: DeskWorld) -> None:
    files = desk.candidate()
    other = desk.candidate(table({KG_TOTAL: hidden()}))
    mixed = replace(files, data=other.data, candidate=replace(files.candidate, data=other.candidate.data))
    ran = desk.run("bundle", "submit", str(desk.build(mixed)))
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert ran.err.startswith("data-withheld-keys: ")


def test_a_changed_byte_in_the_built_candidate_is_refused(desk: DeskWorld) -> None:
    file = desk.build() / DATA
    file.write_bytes(file.read_bytes().replace(b",1910,", b",1911,"))
    ran = desk.run(*SUBMIT)
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert ran.err.startswith("bundle-resource-digest: data.csv: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("CA-01", "2026-08"), "no candidate CA-01 2026-08 at the desk of KZ", id="nothing built"),
        pytest.param(("nowhere",), "nowhere is no candidate: No such file or directory", id="no such folder"),
        pytest.param(("CA-01", PERIOD, "GB"), "no candidate CA-01 2026-09 GB", id="for somebody who receives nothing"),
        pytest.param(
            ("CA-01", PERIOD, "KG", "r0"),
            "a candidate is FOLDER | CONTRACT PERIOD [RECIPIENT], found 4 words",
            id="four words",
        ),
        pytest.param(("CA-99", PERIOD), "CA-99", id="no such contract"),
    ],
)
def test_what_cannot_be_found_is_a_matter_of_usage(desk: DeskWorld, words: tuple[str, ...], message: str) -> None:
    ran = desk.run("bundle", "submit", *words)
    assert ran.code == ExitCode.USAGE
    assert message in ran.err


def test_a_contract_that_somebody_has_not_signed_stops_the_desk(desk: DeskWorld) -> None:
    statements = sorted(desk.node.contracts.glob("CA-01-BORDER/1.0.0/statements/*.jws"))
    statements[0].unlink()
    assert desk.run(*SUBMIT).code == ExitCode.CONTRACT_REFUSES


def test_an_expired_registry_stops_the_desk(desk: DeskWorld) -> None:
    desk.clock.move(days=8)
    ran = desk.run(*SUBMIT)
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert "Refresh the registry" in ran.err


def test_a_desk_that_cannot_write_says_so_and_changes_nothing(desk: DeskWorld) -> None:
    (desk.node.desk / "desk.db").mkdir(parents=True)
    ran = desk.run(*SUBMIT)
    assert ran.code == ExitCode.ERROR
    assert ran.err.startswith("file-refused: ")
    assert "desk.db: unable to open database file" in ran.err


# --- approve ----------------------------------------------------------------------------------------------------------


def test_two_clearing_officers_clear_a_candidate(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    first, second = desk.approve("kz-03"), desk.approve("kz-02")
    assert "kz-03 approved kz-ca-01-border-2026-09-r0: 1 more approval needed" in first.out
    assert "kz-02 approved kz-ca-01-border-2026-09-r0: cleared" in second.out
    assert f"next: exchange --node {desk.node.path} bundle release CA-01-BORDER 2026-09" in second.out
    state = desk.state()
    assert (state["state"], state["approved_by"]) == ("cleared", ["kz-02", "kz-03"])


@pytest.mark.parametrize(
    ("officer", "message"),
    [
        pytest.param("kz-01", "officer kz-01 prepared this candidate and cannot approve it", id="the preparer"),
        pytest.param("kz-02", "officer kz-02 has approved already; a second officer must", id="the same officer twice"),
        pytest.param("kg-02", "officer kg-02 belongs to KG, the provider is KZ", id="an officer of another country"),
        pytest.param("kz-04", "officer kz-04 approves as", id="an officer without the role"),
    ],
)
def test_a_clearance_takes_four_eyes(desk: DeskWorld, officer: str, message: str) -> None:
    desk.act(*SUBMIT)
    assert desk.approve("kz-02").code == ExitCode.FINE
    ran = desk.approve(officer, "--key", str(desk.key(officer)))
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert message in ran.err
    state = desk.state()
    assert (state["state"], state["approved_by"]) == ("submitted", ["kz-02"])


def test_nothing_is_approved_that_was_not_submitted(desk: DeskWorld) -> None:
    assert "case-not-found: no candidate CA-01 2026-09 at the desk of KZ" in desk.approve("kz-02").err


def test_a_submission_runs_out(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    settings = desk.node.path / "node.toml"
    settings.write_text(settings.read_text() + "[desk]\nclearance_valid_days = 1\n", encoding="utf-8")
    desk.act(*RETURN, "kz-02", "--reason", "shorter")
    desk.act(*SUBMIT)
    desk.clock.move(days=1, seconds=1)
    ran = desk.approve("kz-02")
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert "valid until 2026-10-03T09:00:00Z, and it is 2026-10-03T09:00:01Z" in ran.err


def desk_copy(desk: DeskWorld) -> Path:
    (folder,) = (desk.node.desk / "candidates").iterdir()
    return folder


def test_a_changed_byte_in_the_desk_s_copy_is_refused(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    file = desk_copy(desk) / DATA
    file.write_bytes(file.read_bytes().replace(b",1910,", b",1911,"))
    ran = desk.approve("kz-02")
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert ran.err.startswith("bundle-resource-digest: data.csv: ")


def test_a_desk_s_copy_exchanged_whole_is_refused_before_the_first_approval(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    submitted, other = desk.candidate(), desk.candidate(table({KG_TOTAL: figure(1911)}))
    for name, content in other.files().items():
        (desk_copy(desk) / name).write_bytes(content)
    ran = desk.approve("kz-02")
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert ran.err.startswith("case-altered: kz-ca-01-border-2026-09-r0: ")
    assert f"data: {submitted.candidate.data}, found {other.candidate.data}" in ran.err


def test_a_longer_embargo_in_the_desk_s_copy_is_refused_too(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    file = desk_copy(desk) / CANDIDATE
    candidate = parse_candidate(file.read_bytes())
    file.write_bytes(format_candidate(replace(candidate, not_before=candidate.not_before + timedelta(days=1))))
    assert "not_before: 2026-10-01 00:00:00+00:00, found 2026-10-02" in desk.approve("kz-02").err


def test_a_folder_with_other_bytes_than_the_desk_s_is_not_what_gets_approved(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    other = desk.build(desk.candidate(table({KG_TOTAL: figure(1911)})))
    ran = desk.run("clearance", "approve", str(other), "--officer", "kz-02")
    assert ran.code == ExitCode.USAGE
    assert ran.err.startswith("case-not-found: ")


# --- return -----------------------------------------------------------------------------------------------------------


def test_a_return_names_its_reason_and_voids_the_approvals(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    desk.approve("kz-02")
    ran = desk.run(*RETURN, "kz-03", "--reason", "Region KZ-33 looks doubled")
    assert ran.code == ExitCode.FINE
    assert "kz-03 returned kz-ca-01-border-2026-09-r0: Region KZ-33 looks doubled" in ran.out
    state = desk.state()
    assert (state["state"], state["approved_by"]) == ("returned", [])
    assert state["returned"] == {"by": "kz-03", "reason": "Region KZ-33 looks doubled"}


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        pytest.param(("kz-02",), "command-line", id="no reason"),
        pytest.param(("kz-02", "--reason", "  "), "clearance-return-reason", id="an empty reason"),
        pytest.param(("kz-02", "--reason", "x" * 1001), "clearance-return-reason", id="a reason beyond measure"),
    ],
)
def test_a_return_without_a_reason_is_refused(desk: DeskWorld, words: tuple[str, ...], refusal: str) -> None:
    desk.act(*SUBMIT)
    ran = desk.run(*RETURN, *words)
    assert ran.code == ExitCode.USAGE
    assert ran.err.startswith(refusal)


def test_the_preparer_cannot_return_the_own_candidate(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    assert "clearance-preparer-approves" in desk.run(*RETURN, "kz-01", "--reason", "mine").err


def test_a_returned_candidate_is_drafted_anew_and_clears_from_the_beginning(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    desk.approve("kz-02")
    desk.act(*RETURN, "kz-03", "--reason", "Region KZ-33 looks doubled")
    desk.build(desk.candidate(table({KG_TOTAL: figure(1900)})))
    desk.act(*SUBMIT)
    assert desk.state()["approved_by"] == []
    assert desk.state()["returned"] == {"by": "kz-03", "reason": "Region KZ-33 looks doubled"}
    for officer in ("kz-02", "kz-03"):
        assert desk.approve(officer).code == ExitCode.FINE
    assert desk.state()["state"] == "cleared"


def test_a_cleared_candidate_can_still_be_returned(desk: DeskWorld) -> None:
    desk.clear()
    desk.act(*RETURN, "kz-03", "--reason", "the ledger has moved on")
    assert (desk.state()["state"], desk.state()["approved_by"]) == ("returned", [])


# --- what officers see ------------------------------------------------------------------------------------------------


def test_show_prints_the_table_and_the_words_of_both_digests(desk: DeskWorld) -> None:
    ran = desk.act("clearance", "show", *ASKED)
    candidate = desk.candidate().candidate
    header, _, first, *_ = ran.out.splitlines()[1:]
    assert header.split() == [
        "DIRECTION", "CITIZENSHIP", "COUNTERPART", "BORDER_REGION", "MODE", "SEX", "AGE", "value", "status",
    ]  # fmt: skip
    assert first.split() == ["IN", "KG", "KG", "_T", "_T", "_T", "_T", "1907", "A", "N"]  # 812 + 640 + 455
    assert f"data.csv         {digest_words(candidate.data)}" in ran.out
    assert f"disclosure.json  {digest_words(candidate.disclosure)}" in ran.out
    assert "draft; approved by -" in ran.out


def test_officers_see_the_bytes_they_sign_whatever_was_built_since(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    later = desk.build(desk.candidate(table({KG_TOTAL: figure(1)})))
    submitted = str(desk.candidate().candidate.data)
    assert desk.run("--json", "clearance", "show", *ASKED).result["data"] == submitted
    assert desk.run("--json", "clearance", "show", str(later)).result["data"] != submitted
    desk.approve("kz-02")
    assert "submitted; approved by kz-02" in desk.act("clearance", "show", *ASKED).out


def test_diff_of_a_first_release_has_everything_added_or_withheld(desk: DeskWorld) -> None:
    found = desk.run("--json", "bundle", "diff", *ASKED).result
    assert len(found["added"]) == len(table()) - 2
    assert sorted(map(tuple, found["newly_withheld"])) == sorted(WITHHELD)
    assert (found["changed"], found["removed"], found["newly_unwithheld"]) == ([], [], [])
    assert found["recipients"] == list(desk.contract.recipients_of("KZ"))


def test_diff_counts_what_changed_since_the_last_release(desk: DeskWorld) -> None:
    shown, added = WITHHELD[0], ("IN", "TJ", "_T", "_T", "_T", "_T", "_T")
    before = table({KG_TOTAL: figure(1000), UZ_TOTAL: figure(1), shown: hidden(), added: None})
    earlier = desk.release_earlier(before)
    after = table({UZ_TOTAL: hidden(), shown: figure(30), WITHHELD[1]: None})
    pooled = pooled_digest([earlier])
    desk.build(desk.candidate(after, revision=1, supersedes=earlier, pooled=pooled))
    found = desk.run("--json", "bundle", "diff", *ASKED).result
    assert found["added"] == [list(added)]
    assert found["changed"] == [list(KG_TOTAL)]
    assert found["newly_withheld"] == [list(UZ_TOTAL)]
    assert found["newly_unwithheld"] == [list(key) for key in sorted(WITHHELD)]  # an absent key is a published zero
    printed = desk.act("bundle", "diff", *ASKED).out
    assert "against the last release" in printed
    assert "newly UN-withheld: 2\n" in printed
    assert "may be pulled by" in printed
    kg = next(line.split() for line in printed.splitlines() if line.startswith("IN         KG           _T"))
    assert kg[-2:] == ["1000", "1910"]


def test_diff_shows_the_first_forty_of_a_kind_unless_all_are_asked_for(desk: DeskWorld) -> None:
    assert f"… and {len(table()) - 2 - 40} more (--all shows them)" in desk.act("bundle", "diff", *ASKED).out
    assert "--all shows them" not in desk.act("bundle", "diff", *ASKED, "--all").out


def test_the_desk_speaks_russian(desk: DeskWorld) -> None:
    assert desk.run("clearance", "list", language="ru").out == "ни один кандидат не подан\n"
    assert "передано kz-ca-01-border-2026-09-r0" in desk.run(*SUBMIT, language="ru").out
    assert "скрыто" in desk.run("clearance", "show", *ASKED, language="ru").out
    assert "впервые скрыто: 2" in desk.run("bundle", "diff", *ASKED, language="ru").out
    refused = desk.run("clearance", "approve", *ASKED, "--officer", "kz-01", language="ru")
    assert "kz-01 подготовил этого кандидата и не может его одобрить" in refused.err
    assert desk.run("clearance", "list", language="ru").out.splitlines()[2].split()[:2] == [
        "kz-ca-01-border-2026-09-r0",
        "подан",
    ]


def test_every_answer_in_json_is_one_object(desk: DeskWorld) -> None:
    for words in (
        ("clearance", "list"),
        ("bundle", "diff", *ASKED),
        SUBMIT,
        ("clearance", "show", *ASKED),
        SUBMIT,
        ("clearance", "approve", *ASKED, "--officer", "kz-02"),
        ("bundle", "release", *ASKED),
        (*RETURN, "kz-02", "--reason", "why"),
        ("bundle", "diff"),
        ("bundle",),
        ("no-such",),
    ):
        ran = desk.run("--json", *words)
        assert isinstance(ran.result, dict), words
        assert ("error" in ran.result) == (ran.code != ExitCode.FINE and words != ("bundle",)), words
        assert ran.err == "", words


def test_the_desk_s_time_is_the_second(desk: DeskWorld) -> None:
    desk.clock.move(microseconds=5)
    desk.act(*SUBMIT)
    assert desk.state()["valid_until"] == (SUBMITTED + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
