"""Real assertions of a real browser over a minimal page: two officers clear a bundle, anybody verifies it offline."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from exchange.__main__ import main
from exchange.clearance import Approval, approval_by_passkey
from exchange.clearance.passkey import PasskeyCredential, PasskeyProof, challenge_of
from exchange.encoding import base64url_encode
from exchange.flow.ceremony import rotate_keys
from exchange.flow.ceremony_keys import merged
from exchange.signing.admission import AppliedKey, apply_for_passkey, open_application, passkey_possession
from exchange.signing.keys import KeyPurpose
from exchange.signing.passkey import open_registration, parse_passkey_proof
from nodes.adapters.trust_folder import write_trust_files
from tests.browser.authenticator import plug_in, unplug
from tests.browser.chromium import Browser
from tests.browser.serving import port, served
from tests.world.bundles import bundle_world
from tests.world.ceremonies import Living
from tests.world.passkey_bundles import PasskeyWorld, passkey_world

ALGORITHMS = {"kz-02": -7, "kz-03": -8}  # COSE: ES256, EdDSA
SCRIPT = Path(__file__).with_name("passkey.js").read_text("utf-8")


@dataclass
class Minimal:
    """A page with nothing on it, and the officer who sits before it."""

    browser: Browser
    origin: str

    def ask(self, ceremony: str, challenge: bytes, **asked: object) -> dict[str, str]:
        answer: dict[str, str] = self.browser.driver.execute_async_script(
            SCRIPT, ceremony, {"challenge": base64url_encode(challenge), **asked}
        )
        assert "error" not in answer, answer
        return answer

    def register(self, officer: str) -> PasskeyCredential:
        challenge = challenge_of(officer.encode())
        answer = self.ask("create", challenge, algorithm=ALGORITHMS[officer])
        return open_registration(
            _bytes(answer["client_data"]),
            _bytes(answer["authenticator_data"]),
            challenge=challenge,
            rp_id="localhost",
            origins=(self.origin,),
        )

    def prove(self, challenge: bytes, credential: PasskeyCredential) -> PasskeyProof:
        asked = base64url_encode(credential.credential_id)
        return parse_passkey_proof(dict(self.ask("get", challenge, credential_id=asked)), subject="proof")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


@pytest.fixture
def page(browser: Browser) -> Iterator[Minimal]:
    async def nothing(_: Request) -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>minimal</title>")

    sock = port()
    origin = f"http://localhost:{sock.getsockname()[1]}"
    with served(Starlette(routes=[Route("/", nothing)]), sock):
        browser.driver.get(origin)
        yield Minimal(browser, origin)
        unplug(browser.driver)


@dataclass
class Cleared:
    """A bundle cleared in the browser, and what cleared it."""

    world: PasskeyWorld
    approvals: tuple[Approval, ...]


def _clear(page: Minimal, folder: Path) -> Cleared:
    """Both officers enrol and approve, one after the other on the same machine."""
    plain = passkey_world()
    living = Living(bundle_world().federation)
    applications, approvals = [], []
    for officer in ALGORITHMS:
        plug_in(page.browser.driver)
        credential = page.register(officer)
        applied = AppliedKey(purpose=KeyPurpose.OFFICER, key=credential, officer=officer, roles=("clearing",))
        possession = page.prove(passkey_possession(applied, member="KZ", at=living.at), credential)
        raw = apply_for_passkey(applied, possession, member="KZ", at=living.at)
        applications.append(open_application(raw, trust=living.trust))
        statement = plain.statement(officer)
        approvals.append(approval_by_passkey(statement, page.prove(challenge_of(statement), credential)))
    proposal = rotate_keys(living.base, merged(applications), overlap=timedelta(0), at=living.at)
    trust = living.decide(proposal, living.pair("KZ"))
    write_trust_files(folder / "keys", living.files)
    contracts = plain.bundle.trust_folder / "contracts"
    (folder / "keys" / "contracts").symlink_to(contracts, target_is_directory=True)
    federation = replace(plain.bundle.federation, trust=trust)
    return Cleared(replace(plain, bundle=replace(plain.bundle, federation=federation)), tuple(approvals))


def _verify(files: dict[str, bytes], folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    bundle = folder / "bundle"
    bundle.mkdir(exist_ok=True)
    for name, content in files.items():
        (bundle / name).write_bytes(content)
    code = main(["verify", str(bundle), "--trust", str(folder / "keys")])
    return code, capsys.readouterr().err


def _said(**members: object) -> Callable[[PasskeyProof], PasskeyProof]:
    """The assertion with other members in its client data."""

    def change(proof: PasskeyProof) -> PasskeyProof:
        said = json.loads(proof.client_data) | members
        return replace(proof, client_data=json.dumps(said, separators=(",", ":")).encode())

    return change


def _head(place: int, value: int) -> Callable[[PasskeyProof], PasskeyProof]:
    """The assertion with another byte in its authenticator data."""

    def change(proof: PasskeyProof) -> PasskeyProof:
        raw = bytearray(proof.authenticator_data)
        raw[place] = value
        return replace(proof, authenticator_data=bytes(raw))

    return change


MANIPULATIONS: dict[str, Callable[[PasskeyProof], PasskeyProof]] = {
    "passkey-challenge": _said(challenge="AAAA"),
    "passkey-origin": _said(origin="https://desk.kz.example"),
    "passkey-type": _said(type="webauthn.create"),
    "passkey-embedded": _said(crossOrigin=True),
    "passkey-user": _head(32, 0x01),
    "passkey-party": _head(0, 0x00),
    "passkey-credential": lambda proof: replace(proof, credential_id=bytes(32)),
    "signature-invalid": lambda proof: replace(
        proof, signature=proof.signature[:-1] + bytes([proof.signature[-1] ^ 1])
    ),
    "passkey-form": lambda proof: replace(
        proof, client_data=proof.client_data.replace(b"{", b'{"type":"webauthn.create",', 1)
    ),
}


def test_two_officers_clear_in_a_browser_and_anybody_verifies_it_offline(
    page: Minimal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cleared = _clear(page, tmp_path)
    code, said = _verify(cleared.world.published(*cleared.approvals), tmp_path, capsys)
    assert code == 0, said
    first, second = cleared.approvals
    assert isinstance(first.proof, PasskeyProof)
    for reason, manipulate in MANIPULATIONS.items():
        forged = replace(first, proof=manipulate(first.proof))
        code, said = _verify(cleared.world.published(forged, second), tmp_path, capsys)
        assert (code, "DOES NOT HOLD: clearance: " in said, reason in said) == (3, True, True), said
