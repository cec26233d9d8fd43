"""The node's page: well or not and why, keys and expiries, every setting with its origin, the way to partners."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from nodes.desk.pages.node_settings import settings_of
from nodes.settings import parse_settings
from tests.world.desk_server import Browser, DeskServer, desk_server

WELL: dict[str, Any] = {
    "member": "KZ",
    "log": {"origin": "kz.example/log", "size": 1200, "root": 64 * "a", "cosigned_size": 1200},
    "registry": 3,
    "health": [],
    "warnings": [],
    "witnesses": {},
    "debts": [],
}
BROKEN: dict[str, Any] = {
    "code": "partner-unreachable",
    "exit_code": 5,
    "message": {"en": "TJ does not answer", "ru": "TJ не отвечает"},
    "mend": {"en": "ask its operator", "ru": "спросите его оператора"},
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


@contextmanager
def gateway(desk: DeskServer, **changed: Any) -> Iterator[None]:  # noqa: ANN401  # members of the status
    path = {"issuer": "http://127.0.0.1:8102", "milliseconds": 12, "witness_trouble": None}
    partners = [
        {**path, "member": "KG", "problem": None, "was_here_at": "2026-10-01T10:00:00Z"},
        {**path, "member": "TJ", "problem": BROKEN, "was_here_at": None},
    ]
    with desk.world.gateway(status={"status": 200, **WELL, **changed}, doctor={"partners": partners}):
        yield


def soup(browser: Browser, path: str, *, language: str = "en") -> BeautifulSoup:
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def said(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ").split())


def test_a_node_that_is_well_says_so_with_the_size_and_the_lag_of_its_log(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    with gateway(desk):
        page = soup(operator, "/node")
    assert [tag.get_text() for tag in page.select("h1 .govuk-tag")] == ["well"]
    counts = [" ".join(one.get_text(" ").split()) for one in page.select(".console-counts li")]
    assert counts == ["1,200 entries in the log", "0 not cosigned by a quorum yet", "0 receipts owed by partners"]


def test_what_makes_it_red_is_said_in_words_and_a_lag_alarms(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    log = {**WELL["log"], "cosigned_size": 1190}
    with gateway(desk, health=["log-uncosigned"], warnings=["registry-expires-soon"], log=log):
        page = soup(operator, "/node")
    assert "No quorum has cosigned the log for too long" in said(page)
    assert "The registry expires soon" in said(page)
    (alarm,) = page.select(".console-counts li.alarm")
    assert "10" in alarm.get_text()


def test_without_its_gateway_the_page_says_what_the_node_holds_itself(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Operator A"), "/node")
    assert "The gateway does not answer now:" in said(page)
    rows = page.select("section#keys, #keys ~ .console-scroll tbody tr")
    assert rows


def test_every_key_of_the_registry_stands_with_its_purpose_and_state(desk: DeskServer) -> None:
    member = desk.context.trust.current().member("KZ")
    page = soup(desk.signed_in("Auditor"), "/node")
    shown = {cell.get_text(strip=True) for cell in page.select("td.console-hex")}
    assert {key.key.kid for key in member.keys} <= shown


def test_every_setting_stands_with_its_value_and_whether_node_toml_names_it(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Operator A"), "/node")
    table = page.select("#settings ~ .console-scroll table")[0]
    found = {
        cells[0]: cells[1:]
        for row in table.select("tbody tr")
        for cells in [[cell.get_text(strip=True) for cell in row.select("th, td")]]
    }
    assert found["member"] == ["KZ", "node.toml"]
    assert found["gateway.port"] == ["8100", "node.toml"]  # as tests/world/desk makes the node
    assert found["desk.clearance_valid_days"] == ["30", "default"]
    assert found["gateway.limits.failures_per_s"] == ["20.0", "default"]


def test_a_setting_that_is_named_with_its_default_is_named_all_the_same() -> None:
    text = 'v = 1\nmember = "KZ"\n[gateway]\nissuer = "http://localhost:1"\nport = 1\nhost = "127.0.0.1"\n'
    found = {one.name: one for one in settings_of(parse_settings(text, file=Path("node.toml")))}
    assert (found["gateway.host"].value, found["gateway.host"].named) == ("127.0.0.1", True)
    assert (found["gateway.trusted_proxies"].value, found["gateway.trusted_proxies"].named) == ("–", False)
    assert (found["demo"].value, found["demo"].named) == ("false", False)


def test_the_way_to_each_partner_says_what_does_not_work_and_what_to_do(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    with gateway(desk):
        page, russian = soup(operator, "/node/partners"), soup(operator, "/node/partners", language="ru")
    rows = [" ".join(row.get_text(" ").split()) for row in page.select("tbody tr")]
    assert rows[0].startswith("Kyrgyzstan")
    assert "works 12 yes 1 Oct 2026, 10:00 UTC" in rows[0]
    assert "does not work TJ does not answer ask its operator" in rows[1]
    assert "спросите его оператора" in said(russian)


@pytest.mark.parametrize(("language", "mark"), [("kk", "ru"), ("uz", "ru"), ("ru", None), ("en", None)])
def test_what_the_rules_say_in_russian_on_another_languages_page_is_marked_so(
    desk: DeskServer, language: str, mark: str | None
) -> None:
    page = soup(desk.signed_in("Operator A"), "/node", language=language)  # its gateway does not answer
    told = page.select_one("p.govuk-inset-text")
    assert told is not None
    assert {span.get("lang") for span in told.select("span")} == ({mark} if mark else set())
    assert ("шлюз KZ не отвечает" in told.get_text()) == (language != "en")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        pytest.param("/node", {"status": {"log": 404404, "health": [], "warnings": [], "witnesses": {}}}, id="state"),
        pytest.param("/node/partners", {"doctor": {"partners": [{"member": "KG", "issuer": 404404}]}}, id="paths"),
    ],
)
def test_a_gateway_of_another_version_is_said_to_be_one_and_its_answer_is_not_shown(
    desk: DeskServer, path: str, answer: dict[str, Any]
) -> None:
    browser = desk.signed_in("Operator A")
    with desk.world.gateway(**answer):
        page = browser.get(path)
        files = browser.get("/witnesses.json" if path == "/node" else "/partners.json")
    assert page.status_code == 200
    assert "The gateway does not answer now:" in page.text
    assert "404404" not in page.text
    assert files.status_code >= 400
    assert "own-gateway-answer" in files.text


@pytest.mark.parametrize("person", ["Preparer", "Clearer A", "Contracts"])
def test_the_node_is_its_operators_and_the_auditors(desk: DeskServer, person: str) -> None:
    browser = desk.signed_in(person)
    assert [browser.get(path).status_code for path in ("/node", "/node/partners", "/accounts")] == [403, 403, 403]
