"""Signing in at a desk: passkeys over statements used once, sessions with limits, and what a step-up changes."""

import io
from pathlib import Path

import pytest

from nodes.desk.main import build_desk, guarded
from nodes.settings import open_node
from tests.world.desk_server import Browser, DeskServer, desk_server

PASSWORD = "a password of a demonstration"


@pytest.fixture
def desk(tmp_path: Path) -> DeskServer:
    return desk_server(tmp_path / "kz")


def test_a_passkey_signs_its_account_in(desk: DeskServer) -> None:
    browser = desk.browser("Clearer A")
    assert browser.get("/api/session").status_code == 401
    assert browser.sign_in().status_code == 200
    session = browser.get("/api/session").json()
    assert (session["name"], session["officer"], session["roles"]) == ("Clearer A", "kz-02", ["clearing"])
    assert session["form_token"] == browser.form_token


@pytest.fixture
def trial(desk: DeskServer, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """A browser at a demonstration's desk, where Guest has a password."""
    with (desk.node.path / "node.toml").open("a", encoding="utf-8") as file:
        file.write("\n[desk]\npasswords = true\nfailures_max = 3\n")
    desk.world.node = open_node(desk.node.path)
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    desk.world.act("desk", "invite", "Guest", "--role", "data", "--officer", "kz-09")
    context = build_desk(desk.world.node, clock=desk.world.clock)
    return Browser(guarded(context), desk.browser("Guest").passkey)


def by_password(browser: Browser, name: str, password: str) -> int:
    return browser.post("/api/login/password", {"name": name, "password": password}).status_code


def test_a_password_signs_in_at_a_demonstration_and_signs_nothing(trial: Browser) -> None:
    answer = trial.post("/api/login/password", {"name": "Guest", "password": PASSWORD})
    trial.form_token = answer.json()["form_token"]
    session = trial.act(trial.get("/api/session"))
    assert (session["method"], session["officer"], session["stepped_up_at"]) == ("password", "kz-09", None)
    assert trial.post("/api/candidates/1/release").json()["code"] == "step-up-needed"


def test_a_wrong_password_and_an_unknown_name_are_the_same_refusal(trial: Browser) -> None:
    found = [
        trial.post("/api/login/password", {"name": name, "password": "another password"}).content
        for name in ("Guest", "Nobody", "Clearer A")
    ]
    assert len(set(found)) == 1


def test_a_password_is_guessed_a_few_times_only_and_other_names_are_served(trial: Browser) -> None:
    assert [by_password(trial, "Nobody", "another password") for _ in range(4)] == [401, 401, 401, 429]
    assert by_password(trial, "Guest", PASSWORD) == 200


@pytest.mark.parametrize("password", ["short", "x" * 129])
@pytest.mark.asvs("V6.2.1")
def test_a_password_has_fifteen_characters_at_least(
    trial: Browser, desk: DeskServer, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    ran = desk.world.run("desk", "invite", "Other", "--role", "data")
    assert (ran.code, ran.err.partition(":")[0]) == (2, "command-line")
