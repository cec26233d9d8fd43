"""Two officers' passkeys enter the registry and clear a bundle, which a partner pulls and IOM audits."""

import json
from pathlib import Path

import pytest

from exchange.clearance import parse_clearance
from exchange.encoding import base64url_decode
from nodes.demo.federation import NAMES
from tests.stories.faulty import CONTRACT, FaultyFederation
from tests.stories.federation import verify
from tests.world.passkeys import Authenticator

pytestmark = [pytest.mark.story, pytest.mark.long]

PERIOD = "2025-12"
PAGE = {"rp_id": "desk.uz.example", "origin": "https://desk.uz.example"}


def _answer(authenticator: Authenticator, challenge: str, file: Path) -> Path:
    proof = authenticator.prove(base64url_decode(challenge, subject="challenge"))
    file.write_text(json.dumps(proof.as_json()), encoding="utf-8")
    return file


def _apply(faulty: FaultyFederation, folder: Path, authenticator: Authenticator) -> Path:
    """The officer's application, made at the desk."""
    officer, credential = authenticator.label, authenticator.register()
    kept, request, application = (folder / f"{officer}.{name}" for name in ("json", "request", "application"))
    kept.write_text(json.dumps({"jwk": credential.jwk(), "passkey": credential.place()}), encoding="utf-8")
    asked = faulty.act(
        "passkey", "ask", str(kept), "--officer", f"{officer}=clearing", "-o", str(request), node="UZ"
    )  # fmt: skip
    answer = _answer(authenticator, asked["challenge"], folder / f"{officer}.answer")
    faulty.act("passkey", "apply", str(request), "--assertion", str(answer), "-o", str(application), node="UZ")
    return application


def _enrol(faulty: FaultyFederation, folder: Path, *applications: Path) -> None:
    """The ceremony of the member's delegation, and IOM's publication to everybody."""
    change, registry = str(folder / "change"), ("--registry", str(faulty.home / "keys"))
    custody = faulty.home / "custody"
    asked = [word for application in applications for word in ("--application", str(application))]
    pair = [word for number in (1, 2) for word in ("--key", str(custody / "uz" / f"delegation-{number}.key"))]
    registrar = [word for role in ("snapshot", "timestamp") for word in ("--key", str(custody / "iom" / f"{role}.key"))]
    nodes = [word for member in NAMES for word in ("--to", str(faulty.node(member) / "keys"))]
    for words in (
        ("propose", "rotate", *asked, "-o", change, *registry),
        ("sign", change, "--demo", *pair, *registry),
        ("apply", change, *registry),
        ("publish", "--demo", *registrar, *nodes, *registry),
    ):
        ran = faulty.run("trust", *words)
        assert ran.code == 0, (words, ran)


def _approve(faulty: FaultyFederation, folder: Path, authenticator: Authenticator) -> None:
    officer = authenticator.label
    statement = folder / f"{officer}.statement"
    words = (CONTRACT, PERIOD, "--officer", officer)
    asked = faulty.act("clearance", "statement", *words, "-o", str(statement), node="UZ")
    answer = _answer(authenticator, asked["challenge"], folder / f"{officer}.approval")
    faulty.act("clearance", "approve", *words, "--statement", str(statement), "--assertion", str(answer), node="UZ")


def test_what_two_passkeys_cleared_is_published_pulled_verified_and_audited(
    faulty: FaultyFederation, tmp_path: Path
) -> None:
    officers = [Authenticator("uz-02", **PAGE), Authenticator("uz-03", "Ed25519", **PAGE)]
    _enrol(faulty, tmp_path, *(_apply(faulty, tmp_path, one) for one in officers))
    built = faulty.build("UZ", PERIOD)
    assert built.code == 0, built
    faulty.act("bundle", "submit", CONTRACT, PERIOD, node="UZ")
    for authenticator in officers:
        _approve(faulty, tmp_path, authenticator)
    digest = faulty.released("UZ", PERIOD)["bundle"]
    pulled = Path(faulty.act("pull", "uz", CONTRACT, PERIOD, node="KG")["folder"])
    clearance = parse_clearance((pulled / "clearance.json").read_bytes())
    assert [(one.officer, one.proof_kind.value) for one in clearance.approvals] == [
        ("uz-02", "webauthn"),
        ("uz-03", "webauthn"),
    ]
    checked = verify(faulty.zip_of("UZ", digest), faulty.home / "keys")
    assert checked.code == 0, checked
    faulty.require_clean_audit(digest)
