"""Who may do what at the desk: every address by every role, as issue E and decision 66 say it, not as the code does."""

from collections.abc import Mapping

import pytest
from fastapi.routing import APIRoute

from exchange.errors.officers import RolesExcludedError
from nodes.desk.main import desk_app
from nodes.web.roles import RIGHTS, Action, Role, require_compatible
from nodes.web.sessions import May
from tests.world.desk_server import PEOPLE, DeskServer, desk_server

OPEN = {
    ("POST", "/api/login/challenge"),
    ("POST", "/api/login"),
    ("POST", "/api/login/password"),
    ("POST", "/api/enrolments/challenge"),
    ("POST", "/api/enrolments/passkey"),
    ("GET", "/errors/{code}"),
}
"""What somebody who is not signed in may ask."""
EVERYBODY = "data clearing contract operator auditor"
WHO: Mapping[tuple[str, str], str] = {
    ("GET", "/api/session"): EVERYBODY,
    ("GET", "/api/tasks"): EVERYBODY,
    ("GET", "/api/contracts"): EVERYBODY,
    ("POST", "/api/contracts"): "contract",
    ("POST", "/api/contracts/check"): EVERYBODY,
    ("GET", "/api/preparation-notes"): "data",
    ("GET", "/api/receipts"): "data clearing contract auditor",
    ("GET", "/api/candidates"): "data clearing contract auditor",
    ("GET", "/api/candidates/1"): "data clearing",
    ("GET", "/api/candidates/1/difference"): "data clearing",
    ("GET", "/api/drafts"): "data",
    ("POST", "/api/candidates"): "data",
    ("POST", "/api/candidates/1/approval/challenge"): "clearing",
    ("POST", "/api/candidates/1/approval"): "clearing",
    ("POST", "/api/candidates/1/return"): "clearing",
    ("POST", "/api/candidates/1/release"): "data clearing",
    ("POST", "/api/candidates/1/withdrawal/challenge"): "clearing",
    ("POST", "/api/candidates/1/withdrawal"): "clearing",
    ("POST", "/api/candidates/1/withdrawal/approval/challenge"): "clearing",
    ("POST", "/api/candidates/1/withdrawal/approval"): "clearing",
    ("POST", "/api/candidates/1/withdrawal/release"): "clearing",
    ("GET", "/api/withdrawals"): "data clearing contract auditor",
    ("GET", "/api/contracts/CA-01-BORDER/1.0.0"): EVERYBODY,
    ("GET", "/api/contracts/CA-01-BORDER/1.0.0/changes/1.1.0"): EVERYBODY,
    ("POST", "/api/contracts/CA-01-BORDER/1.0.0/signature"): "contract",
    ("POST", "/api/contracts/CA-01-BORDER/1.0.0/suspension"): "contract",
    ("POST", "/api/contracts/CA-01-BORDER/1.0.0/resumption"): "contract",
    ("POST", "/api/contracts/CA-01-BORDER/1.0.0/end"): "contract",
    ("GET", "/api/ledger"): "data clearing auditor",
    ("GET", "/api/catalogues/KG"): "data clearing contract",
    ("POST", "/api/pulls"): "data",
    ("GET", "/api/pulled"): "data clearing",
    ("GET", f"/api/pulled/{64 * '0'}/data.csv"): "data clearing",
    ("GET", "/api/accounts"): "operator auditor",
    ("GET", "/api/enrolments"): "operator auditor",
    ("GET", "/api/journal"): "operator auditor",
    ("GET", "/api/journal/attempts"): "operator auditor",
    ("POST", "/api/enrolments"): "operator",
    ("POST", "/api/enrolments/x/approval"): "operator",
    ("DELETE", "/api/accounts/x"): "operator",
    ("DELETE", "/api/accounts/x/sessions"): "operator",
}
PERSON = {
    "data": "Preparer",
    "clearing": "Clearer A",
    "contract": "Contracts",
    "operator": "Operator A",
    "auditor": "Auditor",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


def routes(desk: DeskServer) -> list[APIRoute]:
    """Every address of the application; FastAPI keeps a router that was included as one entry."""
    entries = desk_app(desk.context).routes
    found = [one for entry in entries for one in getattr(getattr(entry, "original_router", None), "routes", [entry])]
    return [route for route in found if isinstance(route, APIRoute)]


def rights(route: APIRoute) -> list[Action]:
    return [one.call.action for one in route.dependant.dependencies if isinstance(one.call, May)]


@pytest.mark.asvs("V8.2.1", "V8.3.1", "V6.3.4")
def test_every_address_asks_for_exactly_one_right_unless_it_is_for_strangers(desk: DeskServer) -> None:
    assert {(method, route.path) for route in routes(desk) for method in route.methods or ()} >= OPEN
    for route in routes(desk):
        if not route.path.startswith(("/api/", "/errors/")):
            continue  # pages, which ask the same dependency
        for method in route.methods or ():
            expected = 0 if (method, route.path) in OPEN else 1
            assert len(rights(route)) == expected, (method, route.path)


def test_every_address_of_the_interface_is_asked_below_unless_it_is_of_ones_own_session(desk: DeskServer) -> None:
    for route in routes(desk):
        if not route.path.startswith("/api/") or rights(route) in ([Action.OWN_SESSION], [Action.OWN_PASSKEYS]):
            continue
        for method in route.methods or ():
            asked = [path for named, path in (*OPEN, *WHO) if named == method and route.path_regex.fullmatch(path)]
            assert asked, (method, route.path)


def test_every_right_has_a_row_and_every_row_a_right() -> None:
    assert set(RIGHTS) == set(Action)


@pytest.mark.parametrize("role", PERSON)
@pytest.mark.asvs("V8.2.1", "V8.2.2", "V7.4.5")
def test_each_role_gets_what_is_for_it_and_nothing_else(desk: DeskServer, role: str) -> None:
    browser = desk.signed_in(PERSON[role])
    for (method, path), roles in WHO.items():
        answer = browser.request(method, path, {} if method == "POST" else None)
        refused = answer.status_code == 403 and answer.json()["code"] == "right-missing"
        assert refused is (role not in roles.split()), (role, method, path, answer.text)


@pytest.mark.asvs("V8.3.1")
def test_a_stranger_gets_nothing(desk: DeskServer) -> None:
    for method, path in WHO:
        answer = desk.browser().request(method, path, {} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (401, "login-needed"), (method, path)


@pytest.mark.parametrize(
    ("roles", "rule"),
    [
        pytest.param("", "expected at least one", id="nothing"),
        pytest.param("operator clearing", "an operator never clears", id="operator and clearing"),
        pytest.param("auditor data", "an auditor reads only", id="auditor and data"),
        pytest.param("auditor operator", "an auditor reads only", id="auditor and operator"),
        pytest.param("data clearing", None, id="data and clearing, of different bundles"),
        pytest.param("contract operator", None, id="contract and operator"),
    ],
)
def test_roles_that_exclude_each_other(roles: str, rule: str | None) -> None:
    if rule is None:
        require_compatible([Role(role) for role in roles.split()])
        return
    with pytest.raises(RolesExcludedError) as refused:
        require_compatible([Role(role) for role in roles.split()])
    assert refused.value.facts["rule"] == rule


SIGNS = {
    "passkeys.own", "candidate.release", "withdrawal.release", "contract.sign", "bundle.pull", "accounts.change",
}  # fmt: skip


@pytest.mark.asvs("V7.5.1", "V7.5.3")
def test_whatever_signs_or_lets_somebody_in_needs_a_passkey_shown_just_before() -> None:
    assert {action.value for action, right in RIGHTS.items() if right.step_up} == SIGNS


def test_everybody_of_the_tests_has_compatible_roles() -> None:
    for _, roles in PEOPLE.values():
        require_compatible(roles)


def test_the_desk_s_document_names_every_address(desk: DeskServer) -> None:
    document = desk_app(desk.context).openapi()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    shown = {
        (method, route.path) for route in routes(desk) if route.include_in_schema for method in route.methods or ()
    }
    assert described == shown
