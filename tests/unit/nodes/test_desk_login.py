"""Signing in at a desk: passkeys over statements used once, sessions with limits, and what a step-up changes."""

from pathlib import Path

import pytest

from tests.world.desk_server import DeskServer, desk_server


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
