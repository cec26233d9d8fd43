"""What a crooked officer, a stolen desk or two administrators try, to let a table out or somebody in."""

from pathlib import Path

import httpx
import pytest

from exchange.encoding import base64url_decode
from exchange.manifest import DATA
from tests.world.desk_server import ORIGIN, Browser, DeskServer, desk_server
from tests.world.passkeys import Authenticator

PULL = {"partner": "KG", "contract": "CA-01", "period": "2026-09"}
EXCLUDED, TAKEN, MALFORMED = (400, "roles-excluded"), (409, "account-taken"), (400, "request-malformed")
DRAFT = "kz-ca-01-border-2026-09-r0"


@pytest.fixture
def desk(tmp_path: Path) -> DeskServer:
    return desk_server(tmp_path / "kz")


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def submit(desk: DeskServer) -> str:
    preparer = desk.signed_in("Preparer")
    return f"/api/candidates/{preparer.act(preparer.post('/api/candidates', {'draft': DRAFT}))['number']}"


def approvals(desk: DeskServer) -> list[str]:
    found: list[str] = desk.world.state()["approved_by"]
    return found


def invited(desk: DeskServer, **wanted: object) -> str:
    """A code from two administrators."""
    one, other = desk.signed_in("Operator A"), desk.signed_in("Operator B")
    proposed = one.act(one.post("/api/enrolments", {"officer": None, **wanted}))
    code: str = other.act(other.post(f"/api/enrolments/{proposed['enrolment']}/approval"))["code"]
    return code


def test_the_preparer_never_clears_though_the_roles_would_allow_it(desk: DeskServer) -> None:
    desk.world.build(desk.world.candidate(prepared_by="kz-03"))  # Clearer B prepares and clears, but other bundles
    both = desk.signed_in("Clearer B")
    number = both.act(both.post("/api/candidates", {"draft": DRAFT}))["number"]
    assert told(both.post(f"/api/candidates/{number}/approval/challenge")) == (422, "clearance-preparer-approves")


def test_only_the_preparer_submits(desk: DeskServer) -> None:
    other = desk.signed_in("Clearer B")  # a data officer too
    assert told(other.post("/api/candidates", {"draft": DRAFT})) == (403, "clearance-not-preparer")


def test_an_approval_is_not_replayed(desk: DeskServer) -> None:
    path, clearer = submit(desk), desk.signed_in("Clearer A")
    asked = clearer.act(clearer.post(f"{path}/approval/challenge"))
    body = {"handle": asked["handle"], "proof": clearer.prove(asked["challenge"])}
    clearer.act(clearer.post(f"{path}/approval", body))
    assert told(clearer.post(f"{path}/approval", body)) == (409, "statement-stale")
    assert approvals(desk) == ["kz-02"]


def test_an_officer_approves_once(desk: DeskServer) -> None:
    path, clearer = submit(desk), desk.signed_in("Clearer A")
    clearer.act(clearer.approve(f"{path}/approval"))
    assert told(clearer.approve(f"{path}/approval"))[1] == "clearance-same-officer"
    assert approvals(desk) == ["kz-02"]


def test_an_approval_is_of_the_officer_who_is_signed_in(desk: DeskServer) -> None:
    path, one, other = submit(desk), desk.signed_in("Clearer A"), desk.signed_in("Clearer B")
    asked = one.act(one.post(f"{path}/approval/challenge"))
    stolen = {"handle": asked["handle"], "proof": one.prove(asked["challenge"])}
    assert told(other.post(f"{path}/approval", stolen)) == (409, "statement-stale")
    asked = one.act(one.post(f"{path}/approval/challenge"))
    foreign = {"handle": asked["handle"], "proof": other.prove(asked["challenge"])}
    assert told(one.post(f"{path}/approval", foreign)) == (422, "clearance-signature")
    assert approvals(desk) == []


def test_an_approval_is_of_the_case_that_was_asked_about(desk: DeskServer) -> None:
    path, clearer = submit(desk), desk.signed_in("Clearer A")
    asked = clearer.act(clearer.post(f"{path}/approval/challenge"))
    body = {"handle": asked["handle"], "proof": clearer.prove(asked["challenge"])}
    assert told(clearer.post("/api/candidates/2/approval", body)) == (409, "statement-stale")
    assert approvals(desk) == []


def test_a_login_s_assertion_approves_nothing(desk: DeskServer) -> None:
    path, clearer = submit(desk), desk.signed_in("Clearer A")
    login = clearer.act(clearer.post("/api/login/challenge"))
    asked = clearer.act(clearer.post(f"{path}/approval/challenge"))
    body = {"handle": asked["handle"], "proof": clearer.prove(login["challenge"])}
    assert told(clearer.post(f"{path}/approval", body)) == (422, "clearance-signature")
    assert approvals(desk) == []


def test_an_approval_asked_for_before_a_return_does_not_count_after_it(desk: DeskServer) -> None:
    path, clearer = submit(desk), desk.signed_in("Clearer A")
    asked = clearer.act(clearer.post(f"{path}/approval/challenge"))
    other = desk.signed_in("Clearer B")
    other.act(other.post(f"{path}/return", {"reason": "look again"}))
    body = {"handle": asked["handle"], "proof": clearer.prove(asked["challenge"])}
    assert told(clearer.post(f"{path}/approval", body))[1] == "clearance-transition"
    assert approvals(desk) == []


def test_an_account_that_became_another_officer_s_meanwhile_approves_nothing(desk: DeskServer) -> None:
    path, clearer, account = submit(desk), desk.signed_in("Clearer A"), desk.account_id("Clearer A")
    asked = clearer.act(clearer.post(f"{path}/approval/challenge"))
    with desk.context.console.db.begin() as store:  # whoever can write to the desk's database
        row = store.accounts.account(account)
        assert row is not None
        row.officer = "kz-07"
        store.accounts.keep(row)
    body = {"handle": asked["handle"], "proof": clearer.prove(asked["challenge"])}
    assert told(clearer.post(f"{path}/approval", body)) == (403, "officer-differs")
    assert approvals(desk) == []


def test_an_approval_that_waited_too_long_does_not_count(desk: DeskServer) -> None:
    path, clearer = submit(desk), desk.signed_in("Clearer A")
    asked = clearer.act(clearer.post(f"{path}/approval/challenge"))
    desk.world.clock.move(seconds=desk.context.console.settings.challenge_s)
    body = {"handle": asked["handle"], "proof": clearer.prove(asked["challenge"])}
    assert told(clearer.post(f"{path}/approval", body)) == (409, "statement-stale")


def test_a_stolen_desk_lets_nobody_clear(desk: DeskServer) -> None:
    """Two administrators give kz-02's account another passkey; the registry does not know it."""
    path = submit(desk)
    code = invited(desk, name="-", roles=["clearing"], account=desk.account_id("Clearer A"))
    thief = desk.browser("Thief")
    thief.act(thief.enrol(code))
    thief.act(thief.sign_in())
    assert thief.act(thief.get("/api/session"))["officer"] == "kz-02"  # the desk believes it
    assert told(thief.approve(f"{path}/approval")) == (422, "clearance-signature")  # nobody else does
    assert approvals(desk) == []


def test_a_changed_byte_in_the_desk_s_copy_stops_everything(desk: DeskServer) -> None:
    path, clearer = submit(desk), desk.signed_in("Clearer A")
    (file,) = (desk.node.desk / "candidates").glob(f"*/{DATA}")
    file.write_bytes(file.read_bytes().replace(b",1910,", b",1911,"))
    for answer in (clearer.get(path), clearer.post(f"{path}/approval/challenge"), clearer.get("/api/candidates")):
        assert told(answer) == (422, "bundle-resource-digest")


def test_nothing_is_released_that_was_not_cleared(desk: DeskServer) -> None:
    path, preparer = submit(desk), desk.signed_in("Preparer")
    with desk.world.gateway() as posted:
        assert told(preparer.post(f"{path}/release")) == (409, "case-not-cleared")
    assert posted == []


@pytest.mark.parametrize(
    ("person", "method", "path", "body"),
    [
        pytest.param("Preparer", "POST", "/api/candidates/1/release", None, id="a release"),
        pytest.param("Clearer A", "POST", "/api/candidates/1/withdrawal/release", None, id="a withdrawal"),
        pytest.param(
            "Contracts", "POST", "/api/contracts/CA-01-BORDER/1.0.0/signature", {"digest": "sha256:" + 64 * "0"},
            id="a signature",
        ),
        pytest.param("Preparer", "POST", "/api/pulls", PULL, id="a pull"),
        pytest.param("Operator A", "POST", "/api/enrolments", {"name": "x", "roles": ["data"]}, id="an enrolment"),
        pytest.param("Operator A", "DELETE", "/api/accounts/x", None, id="the end of an account"),
        pytest.param("Clearer A", "POST", "/api/passkeys/challenge", None, id="another passkey"),
    ],
)  # fmt: skip
@pytest.mark.asvs("V7.5.1", "V7.5.3", "V8.4.2")
def test_what_signs_or_lets_in_needs_a_passkey_shown_just_before(
    desk: DeskServer, person: str, method: str, path: str, body: object
) -> None:
    browser = desk.signed_in(person)
    desk.world.clock.move(seconds=desk.context.console.settings.step_up_s + 1)
    assert told(browser.request(method, path, body)) == (403, "step-up-needed")
    browser.act(browser.step_up())
    assert browser.request(method, path, body).json().get("code") != "step-up-needed"


# --- who lets whom in -------------------------------------------------------------------------------------------------


@pytest.mark.asvs("V8.4.2")
def test_one_administrator_is_not_two(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    proposed = operator.act(operator.post("/api/enrolments", {"name": "Friend", "officer": None, "roles": ["data"]}))
    path = f"/api/enrolments/{proposed['enrolment']}/approval"
    assert told(operator.post(path)) == (403, "second-administrator")
    again = desk.signed_in("Operator A")  # another browser is not another person
    assert told(again.post(path)) == (403, "second-administrator")


@pytest.mark.asvs("V6.4.4", "V6.5.1")
def test_an_enrolment_is_approved_once_and_used_once(desk: DeskServer) -> None:
    one, other = desk.signed_in("Operator A"), desk.signed_in("Operator B")
    proposed = one.act(one.post("/api/enrolments", {"name": "Friend", "officer": None, "roles": ["data"]}))
    path = f"/api/enrolments/{proposed['enrolment']}/approval"
    code = other.act(other.post(path))["code"]
    assert told(other.post(path)) == (403, "enrolment-refused")
    friend = desk.browser("Friend")
    friend.act(friend.enrol(code))
    assert told(desk.browser("Second").post("/api/enrolments/challenge", {"code": code})) == (403, "enrolment-refused")


@pytest.mark.parametrize("code", ["x", "A" * 32, "a" * 64])
@pytest.mark.asvs("V6.6.3")
def test_a_guessed_code_opens_nothing(desk: DeskServer, code: str) -> None:
    assert told(desk.browser().post("/api/enrolments/challenge", {"code": code})) == (403, "enrolment-refused")


@pytest.mark.asvs("V6.4.1", "V6.5.5")
def test_a_code_runs_out(desk: DeskServer) -> None:
    code = invited(desk, name="Late", roles=["data"])
    desk.world.clock.move(seconds=desk.context.console.settings.enrolment_s)
    assert told(desk.browser("Late").post("/api/enrolments/challenge", {"code": code})) == (403, "enrolment-refused")


def test_an_operator_enrols_no_second_self_with_the_same_passkey(desk: DeskServer) -> None:
    code = invited(desk, name="Second self", officer="kz-09", roles=["clearing"])
    operator = desk.browser("Operator A")
    asked = operator.act(operator.post("/api/enrolments/challenge", {"code": code}))
    answer = operator.post("/api/enrolments/passkey", {"code": code, **operator.new_passkey(asked)})
    assert told(answer) == (409, "account-taken")


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        pytest.param({"name": "Both", "roles": ["operator", "clearing"]}, EXCLUDED, id="who lets in and out"),
        pytest.param({"name": "Reader", "roles": ["auditor", "data"]}, EXCLUDED, id="an auditor who acts"),
        pytest.param({"name": "Twin", "officer": "kz-02", "roles": ["data"]}, TAKEN, id="an officer twice"),
        pytest.param({"name": "Clearer A", "roles": ["data"]}, TAKEN, id="a name twice"),
        pytest.param({"name": "God", "roles": ["root"]}, MALFORMED, id="a role that is none"),
        pytest.param({"name": "", "roles": ["data"]}, MALFORMED, id="no name"),
        pytest.param({"name": "a\u0000b", "roles": ["data"]}, MALFORMED, id="a name that does not print"),
        pytest.param({"name": "x", "officer": "kz-02' OR 1=1", "roles": ["data"]}, MALFORMED, id="an id that is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_account(desk: DeskServer, wanted: dict[str, object], refusal: tuple[int, str]) -> None:
    operator = desk.signed_in("Operator A")
    assert told(operator.post("/api/enrolments", {"officer": None, **wanted})) == refusal


def test_a_new_passkey_is_one_that_somebody_holds(desk: DeskServer) -> None:
    code = invited(desk, name="Friend", roles=["data"])
    friend = desk.browser("Friend")
    asked = friend.act(friend.post("/api/enrolments/challenge", {"code": code}))
    made = friend.new_passkey(asked)
    stranger = Authenticator(label="somebody else", rp_id="localhost", origin=ORIGIN)
    stranger.credential_id = friend.passkey.credential_id
    made["proof"] = Browser(desk.app, stranger).prove(asked["challenge"])
    assert told(friend.post("/api/enrolments/passkey", {"code": code, **made}))[0] == 422


def test_an_officer_adds_no_passkey_to_another_s_account(desk: DeskServer) -> None:
    one, other = desk.signed_in("Clearer A"), desk.signed_in("Contracts")
    asked = one.act(one.post("/api/passkeys/challenge"))
    other.passkey = Authenticator(label="another", rp_id="localhost", origin=ORIGIN)
    assert told(other.post("/api/passkeys", other.new_passkey(asked))) == (409, "statement-stale")


@pytest.mark.asvs("V6.5.6", "V7.4.3")
def test_whoever_lost_a_passkey_loses_what_it_opened(desk: DeskServer) -> None:
    lost = desk.signed_in("Preparer")
    code = invited(desk, name="-", roles=["data"], account=desk.account_id("Preparer"))
    again = desk.browser("Preparer's new device")
    again.act(again.enrol(code))
    assert told(lost.get("/api/session")) == (401, "login-needed")
    assert told(desk.browser("Preparer").sign_in()) == (401, "login-refused")
    assert again.sign_in().status_code == 200


def test_two_administrators_are_always_left(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    for name in ("Operator B", "Operator A"):
        assert told(operator.delete(f"/api/accounts/{desk.account_id(name)}")) == (409, "administrators-few")


@pytest.mark.asvs("V6.3.2")
def test_the_machine_itself_lets_nobody_in_once_the_desk_is_founded(desk: DeskServer) -> None:
    ran = desk.world.run("desk", "invite", "Friend")
    assert (ran.code, ran.err.partition(":")[0]) == (6, "founding-over")


@pytest.mark.asvs("V16.3.1", "V16.4.2")
def test_the_journal_tells_all_of_it_and_is_never_changed(desk: DeskServer) -> None:
    invited(desk, name="Friend", roles=["data"])
    auditor = desk.signed_in("Auditor")
    lines = auditor.act(auditor.get("/api/journal"))["journal"]
    newest = [line for line in lines if line["act"] != "sign in"][:2]
    assert [(line["act"], line["subject"]) for line in newest] == [
        ("approve enrolment", "Friend"), ("propose enrolment", "Friend"),
    ]  # fmt: skip
    assert newest[0]["account"] != newest[1]["account"]
    for statement in ("DELETE FROM journal", "UPDATE journal SET account = 'nobody'"):
        with pytest.raises(Exception, match="the journal is never"), desk.context.console.db.begin() as store:
            store.accounts._session.connection().exec_driver_sql(statement)


def test_what_an_officer_is_asked_to_approve_is_what_the_sheet_shows(desk: DeskServer) -> None:
    path, clearer = submit(desk), desk.signed_in("Clearer A")
    sheet = clearer.act(clearer.get(path))
    statement = base64url_decode(
        clearer.act(clearer.post(f"{path}/approval/challenge"))["statement"], subject="x"
    ).decode()
    assert f'"data":"{sheet["data"]["digest"]}"' in statement
    assert f'"disclosure":"{sheet["disclosure"]["digest"]}"' in statement
    assert '"officer":"kz-02"' in statement
