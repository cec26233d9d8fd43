"""Two hands at once at a desk that is served over a real socket: a second click, two officers, two administrators.

Which of them comes first is open; how many succeed, and what stands afterwards, is not.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from nodes.web.serving import WIRE
from nodes.web.wire import bounded
from tests.world.desk_server import Browser, DeskServer, authenticator, desk_server

DRAFT = "kz-ca-01-border-2026-09-r0"
AT_ONCE = 6
STARTED_S = 60


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    """One desk for all races but those for a release."""
    with serving(tmp_path_factory.mktemp("desk") / "kz") as made:
        yield made


@contextmanager
def serving(folder: Path) -> Iterator[DeskServer]:
    """A desk behind the protocol that `desk serve` uses."""
    made = desk_server(folder)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(made.app, log_config=None, lifespan="off", http=bounded(WIRE)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    made.app = f"http://127.0.0.1:{listening.getsockname()[1]}"  # type: ignore[assignment]  # browsers take an address
    yield made
    server.should_exit = True
    thread.join(STARTED_S)


def at_once(*acts: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """What all of them are answered, begun together."""
    ready = threading.Barrier(len(acts))

    def begin(act: Callable[[], httpx.Response]) -> httpx.Response:
        ready.wait(STARTED_S)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(begin, acts))


def taken(answers: list[httpx.Response]) -> int:
    """How many succeeded; the others were refused in words, and none failed."""
    for answer in answers:
        assert answer.is_success or 400 <= answer.status_code < 500, answer.text
        assert answer.is_success or answer.json()["code"] == answer.json()["title"]
    return sum(answer.is_success for answer in answers)


def journal(desk: DeskServer, act: str, subject: str) -> int:
    reader = desk.signed_in("Auditor")
    lines = reader.act(reader.get("/api/journal"))["journal"]
    return sum((line["act"], line["subject"]) == (act, subject) for line in lines)


def proposed(desk: DeskServer, name: str, roles: list[str]) -> str:
    operator = desk.signed_in("Operator A")
    wanted = {"name": name, "officer": None, "roles": roles}
    return str(operator.act(operator.post("/api/enrolments", wanted))["enrolment"])


def code_for(desk: DeskServer, name: str, roles: list[str]) -> str:
    other = desk.signed_in("Operator B")
    return str(other.act(other.post(f"/api/enrolments/{proposed(desk, name, roles)}/approval"))["code"])


def test_of_six_clicks_on_submit_one_submits(desk: DeskServer) -> None:
    preparer = desk.signed_in("Preparer")
    answers = at_once(*[lambda: preparer.post("/api/candidates", {"draft": DRAFT})] * AT_ONCE)
    assert taken(answers) == 1
    assert len(preparer.act(preparer.get("/api/candidates"))["candidates"]) == 1


def submitted(desk: DeskServer) -> str:
    """The address of the one candidate, which the race above may have submitted."""
    preparer = desk.signed_in("Preparer")
    preparer.post("/api/candidates", {"draft": DRAFT})
    (kept,) = preparer.act(preparer.get("/api/candidates"))["candidates"]
    return f"/api/candidates/{kept['number']}"


def test_of_six_approvals_of_one_officer_one_counts_and_it_is_not_two_pairs_of_eyes(desk: DeskServer) -> None:
    path, clearer = f"{submitted(desk)}/approval", desk.signed_in("Clearer A")
    asked = [clearer.act(clearer.post(f"{path}/challenge")) for _ in range(AT_ONCE)]
    bodies = [{"handle": one["handle"], "proof": clearer.prove(one["challenge"])} for one in asked]
    assert taken(at_once(*[lambda body=body: clearer.post(path, body) for body in bodies])) == 1
    assert desk.world.state()["approved_by"] == ["kz-02"]
    assert desk.world.state()["state"] == "submitted"


def test_of_two_decisions_at_once_both_are_as_if_one_came_first(desk: DeskServer) -> None:
    """The second approval beside a return: cleared and then returned, or returned and the approval refused."""
    path = submitted(desk)
    approving, returning = desk.signed_in("Clearer B"), desk.signed_in("Clearer A")
    asked = approving.act(approving.post(f"{path}/approval/challenge"))
    body = {"handle": asked["handle"], "proof": approving.prove(asked["challenge"])}
    answers = at_once(
        lambda: approving.post(f"{path}/approval", body), lambda: returning.post(f"{path}/return", {"reason": "look"})
    )
    assert taken(answers) in {1, 2}
    assert answers[1].is_success
    assert (desk.world.state()["state"], desk.world.state()["approved_by"]) == ("returned", [])


@pytest.mark.parametrize(
    "people",
    [
        pytest.param(["Preparer"] * AT_ONCE, id="one officer in six tabs"),
        pytest.param(["Preparer", "Clearer B"] * 3, id="two officers who may both"),
    ],
)
def test_of_six_clicks_on_release_one_bundle_comes_and_all_are_told_of_it(tmp_path: Path, people: list[str]) -> None:
    with serving(tmp_path / "kz") as desk:
        path = submitted(desk)
        for name in ("Clearer A", "Clearer B"):
            clearer = desk.signed_in(name)
            clearer.act(clearer.approve(f"{path}/approval"))
        tabs = [desk.signed_in(name) for name in people]
        with desk.world.gateway() as posted:
            answers = at_once(*[lambda tab=tab: tab.post(f"{path}/release") for tab in tabs])
            late = tabs[0].post(f"{path}/release")
        assert taken([*answers, late]) == AT_ONCE + 1
        assert len({answer.json()["bundle"] for answer in [*answers, late]}) == 1
        assert len({handed["file"] for address, handed in posted if address == "/local/hand-overs"}) == 1
        assert desk.world.state()["state"] == "published"
        (release,) = tabs[0].act(tabs[0].get("/api/ledger"))["releases"]
        assert release["bundle"] == answers[0].json()["bundle"]


def test_of_six_approvals_of_one_enrolment_one_gives_a_code(desk: DeskServer) -> None:
    enrolment, other = proposed(desk, "Raced", ["data"]), desk.signed_in("Operator B")
    assert taken(at_once(*[lambda: other.post(f"/api/enrolments/{enrolment}/approval")] * AT_ONCE)) == 1
    assert journal(desk, "approve enrolment", "Raced") == 1


@pytest.mark.asvs("V6.5.1")
def test_a_code_used_by_two_people_at_once_lets_one_in(desk: DeskServer) -> None:
    code = code_for(desk, "Wanted", ["data"])
    people = [Browser(desk.app, authenticator(f"Wanted {number}")) for number in range(2)]
    asked = [one.act(one.post("/api/enrolments/challenge", {"code": code})) for one in people]
    bodies = [{"code": code, **one.new_passkey(made)} for one, made in zip(people, asked, strict=True)]
    acts = [
        lambda one=one, body=body: one.post("/api/enrolments/passkey", body)
        for one, body in zip(people, bodies, strict=True)
    ]
    assert taken(at_once(*acts)) == 1
    assert sorted(one.sign_in().status_code for one in people) == [200, 401]


def test_two_administrators_who_close_each_other_at_once_both_stay(desk: DeskServer) -> None:
    one, other = desk.signed_in("Operator A"), desk.signed_in("Operator B")
    pairs = [(one, desk.account_id("Operator B")), (other, desk.account_id("Operator A"))]
    answers = at_once(*[lambda who=who, whom=whom: who.delete(f"/api/accounts/{whom}") for who, whom in pairs])
    assert [answer.json()["code"] for answer in answers] == ["administrators-few"] * 2
    assert one.get("/api/session").status_code == other.get("/api/session").status_code == 200


def test_both_passkeys_revoked_at_once_leave_one(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    asked = officer.act(officer.post("/api/passkeys/challenge"))
    first, officer.passkey = officer.passkey, authenticator("Contracts, second")
    officer.act(officer.post("/api/passkeys", officer.new_passkey(asked)))
    second, officer.passkey = officer.passkey, first
    names = [one["credential"] for one in officer.act(officer.get("/api/passkeys"))["passkeys"]]
    assert len(names) == 2
    assert taken(at_once(*[lambda name=name: officer.delete(f"/api/passkeys/{name}") for name in names])) == 1
    left = [Browser(desk.app, one) for one in (first, second)]
    assert sorted(one.sign_in().status_code for one in left) == [200, 401]


def test_a_step_up_answered_six_times_at_once_makes_one_session(desk: DeskServer) -> None:
    officer = desk.signed_in("Preparer")
    asked = officer.act(officer.post("/api/session/step-up/challenge"))
    body = {"handle": asked["handle"], "proof": officer.prove(asked["challenge"])}
    copies = [Browser(desk.app, officer.passkey, dict(officer.cookies), officer.form_token) for _ in range(AT_ONCE)]
    assert taken(at_once(*[lambda one=one: one.post("/api/session/step-up", body) for one in copies])) == 1
    alive = [one for one in copies if one.get("/api/session").status_code == 200]
    assert len(alive) == 1


@pytest.mark.asvs("V7.4.1", "V7.4.5")
def test_a_session_ended_while_it_acts_is_ended(desk: DeskServer) -> None:
    officer, admin = desk.signed_in("Preparer"), desk.signed_in("Operator A")
    account = desk.account_id("Preparer")
    at_once(
        *[lambda: officer.get("/api/candidates")] * AT_ONCE, lambda: admin.delete(f"/api/accounts/{account}/sessions")
    )
    assert officer.get("/api/session").json()["code"] == "login-needed"
    assert desk.signed_in("Preparer").get("/api/session").status_code == 200
