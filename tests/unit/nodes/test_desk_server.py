"""The desk's interface: a release goes its whole way through it, each officer doing the own part and no other."""

from pathlib import Path

import pytest

from tests.world.desk import ASKED, WITHHELD, table
from tests.world.desk_server import DeskServer, desk_server
from tests.world.gateway_answers import offers

DRAFT = "kz-ca-01-border-2026-09-r0"


@pytest.fixture
def desk(tmp_path: Path) -> DeskServer:
    return desk_server(tmp_path / "kz")


def submitted(desk: DeskServer) -> int:
    preparer = desk.signed_in("Preparer")
    number: int = preparer.act(preparer.post("/api/candidates", {"draft": DRAFT}))["number"]
    return number


def cleared(desk: DeskServer) -> int:
    number = submitted(desk)
    for name in ("Clearer A", "Clearer B"):
        clearer = desk.signed_in(name)
        clearer.act(clearer.approve(f"/api/candidates/{number}/approval"))
    return number


def test_a_release_goes_its_whole_way_by_passkey(desk: DeskServer) -> None:
    preparer = desk.signed_in("Preparer")
    assert preparer.act(preparer.get("/api/tasks"))["tasks"] == [{"task": "submit", "subject": DRAFT, "number": None}]
    line = preparer.act(preparer.post("/api/candidates", {"draft": DRAFT}))
    assert (line["state"], line["prepared_by"], line["approved_by"]) == ("submitted", "kz-01", [])
    path = f"/api/candidates/{line['number']}"
    states = []
    for name in ("Clearer A", "Clearer B"):
        clearer = desk.signed_in(name)
        (task,) = [one for one in clearer.act(clearer.get("/api/tasks"))["tasks"] if one["task"] == "approve"]
        assert task["number"] == line["number"]
        states.append(clearer.act(clearer.approve(f"{path}/approval"))["state"])
    assert states == ["submitted", "cleared"]
    with desk.world.gateway() as posted:
        released = preparer.act(preparer.post(f"{path}/release"))
    assert (released["state"], released["index"]) == ("published", 8)
    assert [address for address, _ in posted] == ["/local/clearances", "/local/hand-overs"]
    assert desk.world.state()["state"] == "published"  # as the command line tells it
    (release,) = preparer.act(preparer.get("/api/ledger"))["releases"]
    assert release["bundle"] == released["bundle"]


def test_the_sheet_has_every_cell_and_the_words_of_the_digests(desk: DeskServer) -> None:
    number = submitted(desk)
    clearer = desk.signed_in("Clearer A")
    sheet = clearer.act(clearer.get(f"/api/candidates/{number}"))
    assert len(sheet["rows"]) == len(table())
    assert [tuple(row["key"]) for row in sheet["rows"] if row["now"]["kind"] == "withheld"] == sorted(WITHHELD)
    assert all(row["now"]["figure"] is None for row in sheet["rows"] if row["now"]["kind"] == "withheld")
    told = desk.world.act("--json", "clearance", "show", *ASKED).result
    assert (sheet["data"]["digest"], sheet["data"]["words"]) == (told["data"], told["data_words"])
    assert [event["event"] for event in sheet["events"]] == ["submit"]
    changes = clearer.act(clearer.get(f"/api/candidates/{number}/difference"))
    assert (changes["first"], len(changes["added"])) == (True, len(table()) - len(WITHHELD))


def test_a_returned_candidate_goes_back_to_its_preparer_with_the_reason(desk: DeskServer) -> None:
    number = submitted(desk)
    clearer = desk.signed_in("Clearer B")
    line = clearer.act(clearer.post(f"/api/candidates/{number}/return", {"reason": "the period is wrong"}))
    assert (line["state"], line["returned"]["by"], line["returned"]["reason"]) == (
        "returned",
        "kz-03",
        "the period is wrong",
    )
    preparer = desk.signed_in("Preparer")
    tasks = preparer.act(preparer.get("/api/tasks"))["tasks"]
    assert {"task": "rebuild", "subject": DRAFT, "number": number} in tasks


def test_a_revision_that_the_gateway_could_not_take_waits_for_whoever_pulls(desk: DeskServer) -> None:
    (offer,) = (
        one
        for one in offers("KG", {"id": "CA-01-BORDER", "version": "1.0.0", "digest": "sha256:" + 64 * "a"})["bundles"]
        if one["state"] == "published"
    )
    preparer, clearer = desk.signed_in("Preparer"), desk.signed_in("Clearer A")
    waiting = {"task": "take-revision", "subject": "KG CA-01-BORDER 2026-09 r2", "number": None}
    with desk.world.gateway(revisions={"bundles": [offer | {"revision": 2}]}):
        assert waiting in preparer.act(preparer.get("/api/tasks"))["tasks"]
        assert waiting not in clearer.act(clearer.get("/api/tasks"))["tasks"]
    assert waiting not in preparer.act(preparer.get("/api/tasks"))["tasks"]  # no gateway answers: nothing is known


def test_two_officers_withdraw_a_published_bundle_by_passkey(desk: DeskServer) -> None:
    number = cleared(desk)
    path = f"/api/candidates/{number}/withdrawal"
    with desk.world.gateway():
        preparer = desk.signed_in("Preparer")
        preparer.act(preparer.post(f"/api/candidates/{number}/release"))
    one, other = desk.signed_in("Clearer A"), desk.signed_in("Clearer B")
    line = one.act(one.approve(path, {"reason": "a wrong extract was used"}))
    assert (line["state"], line["approved_by"]) == ("proposed", ["kz-02"])
    line = other.act(other.approve(f"{path}/approval"))
    assert (line["state"], line["approved_by"]) == ("approved", ["kz-02", "kz-03"])
    with desk.world.gateway(withdrawals={"effective": True, "index": 9}) as posted:
        done = other.act(other.post(f"{path}/release"))
    assert (done["effective"], done["index"]) == (True, 9)
    assert [address for address, _ in posted] == ["/local/withdrawals"]
    assert desk.world.state()["state"] == "withdrawn"


def test_a_contract_officer_reads_compares_and_signs(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    (contract,) = officer.act(officer.get("/api/contracts"))["contracts"]
    assert (contract["id"], contract["state"], contract["missing"]) == ("CA-01-BORDER", "in-force", [])
    shown = officer.act(officer.get("/api/contracts/CA-01-BORDER/1.0.0"))
    assert shown["standing"] == contract
    with desk.world.gateway(
        contracts={"digest": "-"}, statements={"statement": "-", "index": 3, "effective": True}
    ) as posted:
        done = officer.act(officer.post("/api/contracts/CA-01-BORDER/1.0.0/suspension", {"digest": contract["digest"]}))
    assert (done["type"], done["effective"]) == ("contract.suspended", True)
    auditor = desk.signed_in("Auditor")
    line = next(one for one in auditor.act(auditor.get("/api/journal"))["journal"] if one["act"] != "sign in")
    assert (line["act"], line["subject"]) == ("suspend contract", "CA-01-BORDER/1.0.0")
    assert line["account"] == desk.account_id("Contracts")
    assert [address for address, _ in posted] == ["/local/contracts", "/local/statements"]


def test_a_contract_is_signed_only_as_it_was_read(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    with desk.world.gateway() as posted:
        answer = officer.post("/api/contracts/CA-01-BORDER/1.0.0/signature", {"digest": "sha256:" + 64 * "0"})
    assert (answer.status_code, answer.json()["code"]) == (422, "contract-digest-differs")
    assert posted == []
