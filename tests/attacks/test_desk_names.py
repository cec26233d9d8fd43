"""Names by which one administrator would have another let in somebody else than the one who is meant."""

import unicodedata

import pytest

from tests.world.desk_server import DeskServer, desk_server


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("Clearer C\u202eA rerealC", 400, id="a mark that turns the direction of writing"),
        pytest.param("Clearer\u200bA", 400, id="a blank of no width"),
        pytest.param("Clearer\u2066A", 400, id="an isolate"),
        pytest.param("Clearer A\x85", 400, id="a next line"),
        pytest.param("Clearer\nA", 400, id="a new line"),
        pytest.param("\ufeffClearer A", 400, id="a byte order mark"),
        pytest.param("Clearer A\ue000", 400, id="a letter of nobody's"),
        pytest.param(unicodedata.normalize("NFD", "Сапарбай"), 400, id="another form of a letter"),
        pytest.param(" Clearer A", 400, id="a blank before it"),
        pytest.param("clearer a", 409, id="another case"),
        pytest.param("Clearer  A", 409, id="two blanks"),
        pytest.param("Ｃｌｅａｒｅｒ A", 409, id="wide letters"),
        pytest.param("Сапарбай Ұзақбаева", 201, id="an honest name"),
    ],
)
def test_a_name_is_told_from_every_other_at_a_glance(desk: DeskServer, name: str, status: int) -> None:
    operator = desk.signed_in("Operator A")
    answer = operator.post("/api/enrolments", {"name": name, "officer": None, "roles": ["data"]})
    assert answer.status_code == status, answer.text


@pytest.mark.asvs("V16.4.1")
@pytest.mark.parametrize("label", ["blue\u202ekey", "blue\nkey", " blue", "blue\x9b31m"])
def test_a_passkeys_label_writes_nothing_odd_into_the_journal(desk: DeskServer, label: str) -> None:
    browser = desk.signed_in("Contracts")
    asked = browser.act(browser.post("/api/passkeys/challenge"))
    made = browser.new_passkey(asked) | {"label": label}
    assert browser.post("/api/passkeys", made).json()["code"] == "request-malformed"
    assert len(browser.act(browser.get("/api/passkeys"))["passkeys"]) == 1
