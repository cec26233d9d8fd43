"""What a console hands out and keeps: tokens and codes nobody can guess, passwords as typed, a way out."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from fastapi.routing import APIRoute

from exchange.encoding import base64url_decode
from exchange.signing.password import hash_password, is_password
from nodes.desk.main import build_desk, desk_app, guarded
from nodes.settings import open_node
from nodes.web.sessions import COOKIE
from tests.world.desk_server import Browser, DeskServer, ask, desk_server
from tests.world.federation import seeded
from tests.world.page_routes import page_routes

FOR_STRANGERS = {"/sign-in", "/enrol"}
PASSWORD = "Correct horse battery staple, twelve of them"


@pytest.fixture
def desk(tmp_path: Path) -> DeskServer:
    return desk_server(tmp_path / "kz")


def kept(desk: DeskServer) -> bytes:
    """All that the console's database has on the disk."""
    return b"".join(file.read_bytes() for file in sorted(desk.node.path.rglob("*.db*")))


@pytest.mark.asvs("V7.2.3")
def test_a_sessions_token_has_256_bits_and_no_two_are_alike(desk: DeskServer) -> None:
    tokens = {base64url_decode(desk.signed_in("Preparer").cookies[COOKIE], subject="test") for _ in range(8)}
    assert [len(one) for one in tokens] == 8 * [32]


@pytest.mark.asvs("V6.4.1", "V6.5.2", "V6.5.4")
def test_an_enrolments_code_has_160_bits_and_is_kept_as_its_digest_alone(desk: DeskServer) -> None:
    first, second = desk.signed_in("Operator A"), desk.signed_in("Operator B")
    asked = first.act(first.post("/api/enrolments", {"name": "New", "officer": None, "roles": ["contract"]}))
    code = second.act(second.post(f"/api/enrolments/{asked['enrolment']}/approval"))["code"]
    assert len(base64.b32decode(code)) == 20
    assert code.encode() not in kept(desk)
    assert hashlib.sha256(code.encode()).hexdigest().encode() in kept(desk)


@pytest.mark.asvs("V7.4.4")
def test_every_page_that_one_reaches_has_a_way_to_sign_out(desk: DeskServer) -> None:
    people = [desk.signed_in(name) for name in ("Preparer", "Clearer A", "Contracts", "Operator A", "Auditor")]
    without, seen = set(), 0
    for route in page_routes(desk_app(desk.context)):
        if "{" in route.path or route.path in FOR_STRANGERS:
            continue
        answers = [person.get(route.path) for person in people]
        pages = [one.text for one in answers if one.status_code == 200]
        assert pages, route.path
        seen += 1
        if any(
            BeautifulSoup(page, "lxml").select_one('form[method=post][action="/sign-out"]') is None for page in pages
        ):
            without.add(route.path)
    assert without == set()
    assert seen > 10


@pytest.mark.asvs("V6.2.6", "V6.2.7")
def test_a_demonstrations_password_is_masked_and_may_be_pasted(desk: DeskServer) -> None:
    with (desk.node.path / "node.toml").open("a", encoding="utf-8") as file:
        file.write("\n[desk]\npasswords = true\n")
    app = guarded(build_desk(open_node(desk.node.path), clock=desk.world.clock))
    page = BeautifulSoup(Browser(app, desk.passkeys["Preparer"]).get("/sign-in").text, "lxml")
    (field,) = page.select("input[name=password]")
    assert (field["type"], field["autocomplete"]) == ("password", "current-password")
    assert [name for name in field.attrs if name.startswith("on")] == []


@pytest.mark.asvs("V6.2.8", "V6.2.9", "V11.4.2")
def test_a_password_is_kept_by_argon2id_as_it_was_typed() -> None:
    """RFC 9106 §4, second recommended choice: 64 MiB, three passes, four lanes."""
    long = PASSWORD.ljust(128, ".")
    hashed = hash_password(long, random=seeded("password"))
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert is_password(long, hashed)
    for nearly in (long.lower(), long[:-1], long[:72], f"{long} ", f" {long}", long.replace("o", "\u043e", 1)):
        assert not is_password(nearly, hashed)


@pytest.mark.asvs("V16.3.4", "V16.5.4")
def test_a_failure_that_nobody_foresaw_is_logged_whole_and_answered_without_a_word_of_it(
    desk: DeskServer, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks() -> None:
        raise ZeroDivisionError("4711 persons by none")

    app = desk_app(desk.context)
    app.router.routes.insert(0, APIRoute("/api/breaks", breaks))
    refused = ask(app, "127.0.0.1", "GET", "/api/breaks")
    assert (refused.status_code, refused.json()["code"]) == (500, "internal")
    assert not {"4711", "ZeroDivisionError", "Traceback"} & set(re.findall(r"\w+", refused.text))
    assert "Traceback" in caplog.text
    assert "ZeroDivisionError: 4711 persons by none" in caplog.text
    assert ask(app, "127.0.0.1", "GET", "/api/breaks").status_code == 500  # it goes on answering
