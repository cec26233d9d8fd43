"""Release: what was cleared is sealed once, handed over, settled with the gateway's answer, and nothing is lost."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest

from exchange.clearance import parse_clearance
from exchange.errors import ExitCode
from exchange.flow.release import take_over
from exchange.manifest import CLEARANCE, DATA, MANIFEST, bundle_digest
from exchange.report import pooled_digest
from nodes.adapters.desk_store import open_desk
from nodes.adapters.ledger_file import read_ledger
from nodes.cli.main import main
from nodes.terminal import Output
from tests.world.desk import ASKED, CLEARANCES, HAND_OVERS, DeskWorld, desk_world, figure, table

RELEASE = ("bundle", "release", *ASKED)
KG_TOTAL = ("IN", "KG", "_T", "_T", "_T", "_T", "_T")
LOGGED = {"state": "logged", "index": 8, "status": 202}
STALE: dict[str, Any] = {
    "status": 422,
    "code": "bundle-pooled-stale",
    "detail": "pooled: the log gives another",
    "mend": "Build the candidate again.",
    "facts": {"expected": "a", "found": "b"},
    "exit_code": 3,
}


@pytest.fixture
def desk(tmp_path: Path) -> DeskWorld:
    return desk_world(tmp_path / "kz")


@pytest.fixture
def cleared(desk: DeskWorld) -> DeskWorld:
    desk.clear()
    return desk


def outbox(desk: DeskWorld) -> Path:
    (file,) = desk.node.outbox.iterdir()
    return file


def test_a_release_hands_over_the_decision_and_then_the_sealed_bundle(cleared: DeskWorld) -> None:
    with cleared.gateway() as posted:
        ran = cleared.run(*RELEASE)
    assert ran.code == ExitCode.FINE
    assert ran.out == "kz-ca-01-border-2026-09-r0: entry 8 of the log; published\n"
    assert [path for path, _ in posted] == [CLEARANCES, HAND_OVERS]
    assert posted[1][1] == {"file": str(outbox(cleared))}
    files = take_over(outbox(cleared).name, outbox(cleared).read_bytes())
    assert base64.b64decode(posted[0][1]["clearance"]) == files[CLEARANCE]
    assert cleared.state()["state"] == "published"


def test_the_hand_over_is_named_by_its_bundle_and_holds_what_officers_approved(cleared: DeskWorld) -> None:
    with cleared.gateway():
        cleared.act(*RELEASE)
    files = take_over(outbox(cleared).name, outbox(cleared).read_bytes())
    assert outbox(cleared).name == f"{bundle_digest(files[MANIFEST]).hex}.handover"
    assert cleared.state()["bundle"] == str(bundle_digest(files[MANIFEST]))
    assert files[DATA] == cleared.candidate().data
    approvals = parse_clearance(files[CLEARANCE]).approvals
    assert [(approval.officer, approval.role) for approval in approvals] == [
        ("kz-02", "clearing"),
        ("kz-03", "clearing"),
    ]


def test_a_release_enters_the_ledger_with_its_table(cleared: DeskWorld) -> None:
    with cleared.gateway():
        cleared.act(*RELEASE)
    (release,) = read_ledger(cleared.node.desk / "ledger")
    assert str(release.bundle) == cleared.state()["bundle"]
    assert (release.period, release.revision, release.data) == ("2026-09", 0, cleared.candidate().candidate.data)
    kept = cleared.node.desk / "ledger" / "released" / f"{release.data.hex}.csv"
    assert kept.read_bytes() == cleared.candidate().data


@pytest.mark.parametrize(
    ("officers", "state"),
    [pytest.param((), "submitted", id="nobody"), pytest.param(("kz-02",), "submitted", id="one officer")],
)
def test_a_release_needs_clearing(desk: DeskWorld, officers: tuple[str, ...], state: str) -> None:
    desk.act("bundle", "submit", *ASKED)
    for officer in officers:
        desk.approve(officer)
    with desk.gateway() as posted:
        ran = desk.run(*RELEASE)
    assert ran.code == ExitCode.CONTRACT_REFUSES
    assert f"kz-ca-01-border-2026-09-r0 is {state}: the contract asks for 2 approvals, found" in ran.err
    assert posted == []


def test_with_the_gateway_down_nothing_is_lost(cleared: DeskWorld) -> None:
    ran = cleared.run(*RELEASE)
    assert ran.code == ExitCode.UNREACHABLE
    assert "own-gateway-down: the gateway of KZ does not answer on its local socket" in ran.err
    assert f"start it: exchange --node {cleared.node.path} serve" in ran.err
    assert cleared.state()["state"] == "cleared"
    assert cleared.state()["bundle"] == f"sha256:{outbox(cleared).stem}"
    assert read_ledger(cleared.node.desk / "ledger") == ()


def test_a_repeated_release_takes_the_earlier_hand_over(cleared: DeskWorld) -> None:
    cleared.run(*RELEASE)
    waiting = outbox(cleared).read_bytes()
    with cleared.gateway() as posted:
        assert cleared.run(*RELEASE).code == ExitCode.FINE
    assert outbox(cleared).read_bytes() == waiting  # ML-DSA signatures are randomised: sealing again would differ
    assert posted[1][1]["file"] == str(outbox(cleared))


def test_a_publication_that_waits_for_its_witnesses_is_in_the_ledger_and_settled_later(cleared: DeskWorld) -> None:
    with cleared.gateway(hand_overs=LOGGED):
        ran = cleared.act(*RELEASE)
    assert "it waits for its witnesses and is published by itself" in ran.out
    assert cleared.state()["state"] == "logged"
    assert len(read_ledger(cleared.node.desk / "ledger")) == 1
    with cleared.gateway(publications={"publications": [{"state": "published", "index": 8}]}) as posted:
        assert cleared.act("--json", *RELEASE).result["state"] == "published"
    assert posted == []
    assert cleared.state()["state"] == "published"


def test_a_desk_that_broke_off_after_the_gateway_s_answer_catches_up(cleared: DeskWorld) -> None:
    cleared.run(*RELEASE)  # handed over, and the answer never came
    with cleared.gateway(publications={"publications": [{"state": "published", "index": 8}]}) as posted:
        assert cleared.run(*RELEASE).code == ExitCode.FINE
    assert posted == []
    assert cleared.state()["state"] == "published"


def test_what_the_gateway_refuses_keeps_its_code_its_sentence_and_its_exit(cleared: DeskWorld) -> None:
    with cleared.gateway(hand_overs=STALE):
        ran = cleared.run(*RELEASE)
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert ran.err == "bundle-pooled-stale: pooled: the log gives another\n  → Build the candidate again.\n"
    with cleared.gateway(hand_overs=STALE):
        error = cleared.run("--json", *RELEASE).result["error"]
    assert error == {
        "code": "bundle-pooled-stale",
        "message": "pooled: the log gives another",
        "mend": "Build the candidate again.",
        "facts": {"expected": "a", "found": "b"},
    }
    assert cleared.state()["state"] == "cleared"


def test_a_hand_over_that_the_gateway_refused_can_be_returned_and_drafted_anew(cleared: DeskWorld) -> None:
    with cleared.gateway(hand_overs=STALE):
        cleared.run(*RELEASE)
    cleared.act("clearance", "return", *ASKED, "--officer", "kz-03", "--reason", "stale")
    assert list(cleared.node.outbox.iterdir()) == []
    assert cleared.state()["bundle"] is None
    cleared.clear()
    with cleared.gateway():
        assert cleared.run(*RELEASE).code == ExitCode.FINE


def test_what_is_in_the_log_cannot_be_returned(cleared: DeskWorld) -> None:
    with cleared.gateway():
        cleared.act(*RELEASE)
    ran = cleared.run("clearance", "return", *ASKED, "--officer", "kz-03", "--reason", "too late")
    assert ran.code == ExitCode.ERROR
    assert "is published: return is not possible" in ran.err
    assert "Build the candidate again" in cleared.run("bundle", "submit", *ASKED).err  # as the next revision


def test_who_approves_what_was_released_hears_so_and_not_to_build_it_again(cleared: DeskWorld, tmp_path: Path) -> None:
    with cleared.gateway():
        cleared.act(*RELEASE)
    for words in (
        ("clearance", "approve", *ASKED, "--officer", "kz-02"),
        ("clearance", "statement", *ASKED, "--officer", "kz-02", "-o", str(tmp_path / "statement")),
    ):
        ran = cleared.run(*words)
        assert ran.code == ExitCode.ERROR
        assert "is published: approve is not possible" in ran.err
        assert "Build the candidate again" not in ran.err


@pytest.mark.parametrize("called", ["kz", "KZ", "./kz"])
def test_the_next_step_names_the_node_as_it_was_named(
    desk: DeskWorld, monkeypatch: pytest.MonkeyPatch, called: str
) -> None:
    monkeypatch.chdir(desk.node.path.parent)
    out = io.StringIO()
    assert (
        main(
            ["--node", called, "bundle", "submit", *ASKED],
            clock=desk.clock,
            output=Output(json=False, language="en", out=out),
        )
        == 0
    )
    assert f"next: exchange --node {called} bundle diff CA-01-BORDER 2026-09" in out.getvalue()


def test_a_candidate_overtaken_after_clearing_is_not_sealed(cleared: DeskWorld) -> None:
    cleared.release_earlier(table(), period="2026-08")
    with cleared.gateway() as posted:
        ran = cleared.run(*RELEASE)
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert ran.err.startswith("bundle-pooled-stale: ")
    assert (posted, cleared.node.outbox.exists()) == ([], False)


def test_a_clearance_that_has_run_out_seals_nothing(cleared: DeskWorld) -> None:
    settings = cleared.node.path / "node.toml"
    settings.write_text(settings.read_text() + "[desk]\nclearance_valid_days = 2\n", encoding="utf-8")
    cleared.act("clearance", "return", *ASKED, "--officer", "kz-03", "--reason", "a shorter time")
    cleared.clear()
    cleared.clock.move(days=3)
    ran = cleared.run(*RELEASE)
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert ran.err.startswith("clearance-expired: ")
    assert not cleared.node.outbox.exists()


def test_a_revision_supersedes_the_release_before_it(cleared: DeskWorld) -> None:
    with cleared.gateway():
        first = cleared.act("--json", *RELEASE).result
    bundle = read_ledger(cleared.node.desk / "ledger")[0].bundle
    revised = cleared.candidate(
        table({KG_TOTAL: figure(1900)}), revision=1, supersedes=bundle, pooled=pooled_digest([bundle])
    )
    cleared.build(revised)
    cleared.clear()
    with cleared.gateway():
        second = cleared.act("--json", *RELEASE).result
    assert (first["name"], second["name"]) == ("kz-ca-01-border-2026-09-r0", "kz-ca-01-border-2026-09-r1")
    listed = cleared.act("--json", "clearance", "list").result["candidates"]
    assert [(case["revision"], case["state"]) for case in listed] == [(1, "published"), (0, "superseded")]


def test_a_release_without_the_bundle_keys_changes_nothing(cleared: DeskWorld) -> None:
    (cleared.node.private / "desk" / "bundle-ed25519.key").unlink()
    ran = cleared.run(*RELEASE)
    assert ran.code == ExitCode.ERROR
    assert "bundle-ed25519.key: cannot use this private key file" in ran.err
    assert (cleared.state()["state"], cleared.state()["bundle"]) == ("cleared", None)


def test_the_keys_passphrase_is_found_from_the_node_s_folder(cleared: DeskWorld) -> None:
    settings = cleared.node.path / "node.toml"
    settings.write_text(
        settings.read_text().replace("demo = true\n", 'demo = true\npassphrase_file = "private/passphrase"\n'),
        encoding="utf-8",
    )
    ran = cleared.run(*RELEASE)
    assert f"{cleared.node.private / 'passphrase'}: cannot use this private key file" in ran.err


def test_the_release_speaks_russian(cleared: DeskWorld) -> None:
    assert "шлюз KZ не отвечает на локальном сокете" in cleared.run(*RELEASE, language="ru").err
    with cleared.gateway(hand_overs=LOGGED):
        assert "запись журнала 8; ждёт свидетелей и выйдет само" in cleared.run(*RELEASE, language="ru").out


def test_a_case_that_the_ledger_knows_is_not_returned_though_the_desk_broke_off(cleared: DeskWorld) -> None:
    with cleared.gateway():
        cleared.act(*RELEASE)
    with open_desk(cleared.node.desk / "desk.db") as store:  # as if the power had gone before the last write
        row = store.cases()[0]
        row.state = "cleared"
        store.keep(row)
    ran = cleared.run("clearance", "return", *ASKED, "--officer", "kz-03", "--reason", "too late")
    assert "is logged: return is not possible" in ran.err
    assert outbox(cleared).exists()
    with cleared.gateway(publications={"publications": [{"state": "published", "index": 8}]}):
        assert cleared.run(*RELEASE).code == ExitCode.FINE
    assert cleared.state()["state"] == "published"
