"""Officers' passkeys at the desk, from the application to a cleared candidate, by commands as people run them."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.encoding import base64url_decode
from exchange.errors import ExitCode
from exchange.flow.ceremony import rotate_keys
from exchange.flow.ceremony_keys import merged
from exchange.signing.admission import open_application
from exchange.signing.words import fingerprint_words
from nodes.adapters.trust_folder import write_trust_files
from nodes.cli.main import main
from nodes.terminal import Output
from tests.world.ceremonies import Living
from tests.world.desk import ASKED, DeskWorld, desk_world
from tests.world.passkeys import Authenticator

SUBMIT = ("bundle", "submit", *ASKED)


@pytest.fixture
def desk(tmp_path: Path) -> DeskWorld:
    return desk_world(tmp_path / "kz")


def _credential(folder: Path, authenticator: Authenticator) -> Path:
    """What a page keeps of a new passkey."""
    file, credential = folder / f"{authenticator.label}.json", authenticator.register()
    file.write_text(json.dumps({"jwk": credential.jwk(), "passkey": credential.place()}))
    return file


def _answer(folder: Path, authenticator: Authenticator, challenge: str) -> Path:
    file = folder / f"{authenticator.label}-{authenticator.sign_count}.assertion.json"
    proof = authenticator.prove(base64url_decode(challenge, subject="challenge"))
    file.write_text(json.dumps(proof.as_json()))
    return file


def _apply(desk: DeskWorld, folder: Path, authenticator: Authenticator) -> Path:
    officer = authenticator.label
    request, application = folder / f"{officer}.request", folder / f"{officer}.application"
    asked = desk.act(
        "--json", "passkey", "ask", str(_credential(folder, authenticator)), "--officer", f"{officer}=clearing",
        "-o", str(request),
    ).result  # fmt: skip
    answer = _answer(folder, authenticator, asked["challenge"])
    desk.act("passkey", "apply", str(request), "--assertion", str(answer), "-o", str(application))
    return application


def _enrol(desk: DeskWorld, folder: Path, *authenticators: Authenticator) -> None:
    """Applied for at the desk; proposed and signed by the delegation where it has its keys; published."""
    living = Living(desk.federation, at=desk.clock.now())
    files = [_apply(desk, folder, one) for one in authenticators]
    application = merged([open_application(file.read_bytes(), trust=living.trust) for file in files])
    proposal = rotate_keys(living.base, application, overlap=timedelta(0), at=living.at)
    living.decide(proposal, living.pair("KZ"))
    write_trust_files(desk.node.keys, living.files)


def _ask(desk: DeskWorld, folder: Path, officer: str) -> tuple[Path, dict[str, Any]]:
    statement = folder / f"{officer}.statement"
    asked = desk.act("--json", "clearance", "statement", *ASKED, "--officer", officer, "-o", str(statement)).result
    return statement, asked


def test_two_officers_clear_a_candidate_with_passkeys(desk: DeskWorld, tmp_path: Path) -> None:
    officers = [Authenticator("kz-02"), Authenticator("kz-03", "Ed25519")]
    _enrol(desk, tmp_path, *officers)
    desk.act(*SUBMIT)
    for authenticator in officers:
        statement, asked = _ask(desk, tmp_path, authenticator.label)
        desk.clock.move(minutes=3)  # an officer reads before pressing the key
        answer = _answer(tmp_path, authenticator, asked["challenge"])
        ran = desk.approve(authenticator.label, "--statement", str(statement), "--assertion", str(answer))
        assert ran.code == ExitCode.FINE, ran.err
    assert desk.state()["state"] == "cleared"
    assert desk.state()["approved_by"] == ["kz-02", "kz-03"]


def test_a_key_and_a_passkey_clear_together(desk: DeskWorld, tmp_path: Path) -> None:
    authenticator = Authenticator("kz-02")
    _enrol(desk, tmp_path, authenticator)
    desk.act(*SUBMIT)
    statement, asked = _ask(desk, tmp_path, "kz-02")
    answer = _answer(tmp_path, authenticator, asked["challenge"])
    assert desk.approve("kz-03").code == ExitCode.FINE
    assert desk.approve("kz-02", "--statement", str(statement), "--assertion", str(answer)).code == ExitCode.FINE
    assert desk.state()["state"] == "cleared"


def test_a_statement_says_what_its_passkey_must_answer(desk: DeskWorld, tmp_path: Path) -> None:
    authenticator = Authenticator("kz-02")
    _enrol(desk, tmp_path, authenticator)
    desk.act(*SUBMIT)
    statement, asked = _ask(desk, tmp_path, "kz-02")
    said = json.loads(statement.read_bytes())
    assert (said["type"], said["officer"], said["decision"]) == ("clearance/1", "kz-02", "approved")
    assert asked["origins"] == ["https://desk.kz.example"]
    assert base64url_decode(asked["credential_id"], subject="id") == authenticator.credential_id


@pytest.mark.parametrize(
    ("officer", "code", "refusal"),
    [
        pytest.param("kz-03", ExitCode.DOES_NOT_HOLD, "officer-unknown", id="an officer without a passkey"),
        pytest.param("kz-01", ExitCode.DOES_NOT_HOLD, "clearance-preparer-approves", id="the preparer"),
    ],
)
def test_only_an_officer_with_a_passkey_is_asked(
    desk: DeskWorld, tmp_path: Path, officer: str, code: int, refusal: str
) -> None:
    _enrol(desk, tmp_path, Authenticator("kz-02"))
    desk.act(*SUBMIT)
    ran = desk.run("clearance", "statement", *ASKED, "--officer", officer, "-o", str(tmp_path / "statement"))
    assert ran.code == code
    assert ran.err.startswith(f"{refusal}: ")


def test_an_answer_to_another_statement_approves_nothing(desk: DeskWorld, tmp_path: Path) -> None:
    authenticator = Authenticator("kz-02")
    _enrol(desk, tmp_path, authenticator)
    desk.act(*SUBMIT)
    earlier, asked = _ask(desk, tmp_path, "kz-02")
    answer = _answer(tmp_path, authenticator, asked["challenge"])
    desk.clock.move(minutes=1)
    later, _ = _ask(desk, tmp_path, "kz-02")
    assert later == earlier
    ran = desk.approve("kz-02", "--statement", str(later), "--assertion", str(answer))
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert "passkey-challenge" in ran.err
    assert desk.state()["approved_by"] == []


def test_an_answer_for_an_earlier_submission_approves_no_later_one(desk: DeskWorld, tmp_path: Path) -> None:
    authenticator = Authenticator("kz-02")
    _enrol(desk, tmp_path, authenticator)
    desk.act(*SUBMIT)
    statement, asked = _ask(desk, tmp_path, "kz-02")
    answer = _answer(tmp_path, authenticator, asked["challenge"])
    desk.act("clearance", "return", *ASKED, "--officer", "kz-03", "--reason", "row 7")
    desk.clock.move(days=1)
    desk.act(*SUBMIT)  # valid a day longer than what the officer answered for
    assert desk.approve("kz-02", "--statement", str(statement), "--assertion", str(answer)).code != ExitCode.FINE
    assert desk.state()["approved_by"] == []


def test_a_statement_comes_with_its_answer(desk: DeskWorld) -> None:
    desk.act(*SUBMIT)
    assert desk.approve("kz-02", "--statement", "x").code == ExitCode.USAGE
    missing = desk.approve("kz-02", "--statement", "x", "--assertion", "y")
    assert missing.err.startswith("file-refused: ")


def test_an_application_answered_by_another_passkey_is_refused(desk: DeskWorld, tmp_path: Path) -> None:
    request = tmp_path / "request"
    asked = desk.act(
        "--json", "passkey", "ask", str(_credential(tmp_path, Authenticator("kz-02"))), "--officer", "kz-02=clearing",
        "-o", str(request),
    ).result  # fmt: skip
    answer = _answer(tmp_path, Authenticator("thief"), asked["challenge"])
    words = ("passkey", "apply", str(request), "--assertion", str(answer), "-o", str(tmp_path / "application"))
    ran = desk.run(*words)
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert ran.err.startswith("key-possession: ")
    assert not (tmp_path / "application").exists()


def test_no_file_is_written_over(desk: DeskWorld, tmp_path: Path) -> None:
    credential = _credential(tmp_path, Authenticator("kz-02"))
    ran = desk.run("passkey", "ask", str(credential), "--officer", "kz-02=clearing", "-o", str(credential))
    assert ran.code == ExitCode.USAGE


# --- the ceremony, in words ----------------------------------------------------------------------------------------


def _trust(desk: DeskWorld, *words: str) -> str:
    out = io.StringIO()
    output = Output(json=False, language="en", out=out, err=out)
    assert main(["trust", *words, "--registry", str(desk.node.keys)], clock=desk.clock, output=output) == ExitCode.FINE
    return out.getvalue()


def test_the_holders_of_the_delegation_keys_read_whose_passkey_it_is_and_for_which_page(
    desk: DeskWorld, tmp_path: Path
) -> None:
    authenticator = Authenticator("kz-02")
    application = _apply(desk, tmp_path, authenticator)
    said = _trust(desk, "propose", "rotate", "--application", str(application), "-o", str(tmp_path / "change"))
    credential = authenticator.register()
    assert f"new officer kz-02 webauthn https://desk.kz.example key {credential.kid}" in said
    assert fingerprint_words(credential) in said
    assert "revoked" not in said  # the officer's key stays


def test_revoking_all_of_a_members_officers_revokes_their_passkeys(desk: DeskWorld, tmp_path: Path) -> None:
    authenticator = Authenticator("kz-02")
    _enrol(desk, tmp_path, authenticator)
    words = ("propose", "revoke", "--member", "KZ", "--purpose", "officer", "-o", str(tmp_path / "change"))
    said = _trust(desk, *words)
    assert f"officer kz-02 webauthn https://desk.kz.example key {authenticator.register().kid} is revoked" in said
    shown = _trust(desk, "show", "--member", "KZ")
    assert "kz-02 (clearing), webauthn" in shown
    assert "kz-02 (clearing), officer-key" in shown
