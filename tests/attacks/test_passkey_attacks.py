"""Attacks on a clearance by passkey, by a desk that holds the bundle keys: whoever has the trust folder refuses."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.__main__ import main
from exchange.bundle import open_bundle
from exchange.bundle.floor import audit_floor
from exchange.clearance import (
    Approval,
    KeyProof,
    ProofKind,
    approval_by_passkey,
    format_clearance,
    parse_clearance,
    require_approved,
    verify_clearance,
)
from exchange.clearance.passkey import PasskeyProof, challenge_of
from exchange.encoding import Digest, canonical_json
from exchange.errors.bundle import (
    ApprovalSignatureError,
    ForeignOfficerError,
    ProofKindError,
    UnregisteredOfficerError,
)
from exchange.errors.encoding import Base64Error, FieldError
from exchange.flow.publish import verify_handover
from exchange.publication import HANDOVER_FILES, verify_publication
from exchange.publication.withdrawal import (
    Withdrawal,
    propose_withdrawal,
    require_withdrawal_approved,
    withdrawal_statement,
)
from tests.world.bundles import CLEARED, COSIGNED, VALID_UNTIL
from tests.world.passkey_bundles import passkey_world
from tests.world.passkeys import UP, UV, Authenticator

WORLD = passkey_world()
CHALLENGE = challenge_of(WORLD.statement("kz-02"))


def _partner(files: dict[str, bytes]) -> None:
    open_bundle(files, trust=WORLD.trust, contracts=WORLD.bundle.shelf, audit=audit_floor)


def _auditor(files: dict[str, bytes]) -> None:
    without = {name: content for name, content in files.items() if name != "data.csv"}
    verify_publication(without, trust=WORLD.trust, shelf=WORLD.bundle.shelf)


def _gateway(files: dict[str, bytes]) -> None:
    five = {name: content for name, content in files.items() if name in HANDOVER_FILES}
    verify_handover(five, member="KZ", trust=WORLD.trust, contracts=WORLD.bundle.shelf, at=COSIGNED, audit=audit_floor)


READERS: tuple[Callable[[dict[str, bytes]], None], ...] = (_gateway, _partner, _auditor)


def _refusal(files: dict[str, bytes]) -> ApprovalSignatureError:
    """Why gateway, partner and auditor refuse these files; all for the same reason."""
    refusals = []
    for reader in READERS:
        with pytest.raises(ApprovalSignatureError) as refusal:
            reader(files)
        refusals.append(refusal.value)
    assert [one.facts for one in refusals] == [refusals[0].facts] * len(READERS)
    return refusals[0]


def _with(proof: PasskeyProof) -> dict[str, bytes]:
    """A bundle whose first approval has another proof."""
    return WORLD.published(WORLD.approval("kz-02", proof), WORLD.approval("kz-03"))


def _replayed(one: Authenticator) -> PasskeyProof:
    """A genuine assertion of the officer, for the same release with a later last day."""
    other = replace(WORLD.bundle.case, valid_until=VALID_UNTIL + timedelta(days=1))
    return one.prove(challenge_of(WORLD.statement("kz-02", case=other)))


def _doubled(one: Authenticator) -> PasskeyProof:
    """Client data with the challenge of another statement first and the right one last, as lenient readers take it."""
    said = one.client_data(CHALLENGE).decode()
    return one.prove(CHALLENGE, client_data=said.replace("{", '{"challenge":"AAAA",', 1).encode())


def _of_another_party(one: Authenticator) -> PasskeyProof:
    one.rp_id = "desk.kg.example"
    return one.prove(CHALLENGE)


def _counted(one: Authenticator, count: int) -> PasskeyProof:
    one.sign_count, one.counts = count, False
    return one.prove(CHALLENGE)


def _by_thief(one: Authenticator) -> PasskeyProof:
    return replace(Authenticator("thief").prove(CHALLENGE), credential_id=one.credential_id)


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        pytest.param(
            lambda one: one.prove(challenge_of(b"a statement of the desk's own")), "passkey-challenge", id="challenge"
        ),
        pytest.param(
            lambda one: one.prove(CHALLENGE, members={"origin": "https://desk.kz.example.evil"}),
            "passkey-origin",
            id="origin",
        ),
        pytest.param(
            lambda one: one.prove(CHALLENGE, members={"crossOrigin": True}), "passkey-embedded", id="cross origin"
        ),
        pytest.param(
            lambda one: one.prove(CHALLENGE, members={"topOrigin": "https://evil.example"}),
            "passkey-embedded",
            id="top origin",
        ),
        pytest.param(
            lambda one: one.prove(CHALLENGE, members={"type": "webauthn.create"}), "passkey-type", id="registration"
        ),
        pytest.param(lambda one: one.prove(CHALLENGE, flags=UP), "passkey-user", id="user not verified"),
        pytest.param(lambda one: one.prove(CHALLENGE, flags=UV), "passkey-user", id="user not present"),
        pytest.param(_of_another_party, "passkey-party", id="relying party"),
        pytest.param(_doubled, "passkey-form", id="a member twice"),
        pytest.param(
            lambda one: one.prove(CHALLENGE, extensions=b"\xa0", flags=UP | UV | 0x80), "passkey-form", id="extensions"
        ),
        pytest.param(lambda _: Authenticator("thief").prove(CHALLENGE), "passkey-credential", id="a credential"),
        pytest.param(_by_thief, "signature-invalid", id="a key under the officer's credential"),
        pytest.param(
            lambda _: WORLD.authenticator("kz-03").prove(CHALLENGE), "passkey-credential", id="a colleague's passkey"
        ),
        pytest.param(lambda one: _counted(one, 1), "passkey-counter", id="a counter at the registered one"),
        pytest.param(lambda one: _counted(one, 0), "passkey-counter", id="a counter that went back"),
        pytest.param(_replayed, "passkey-challenge", id="an assertion for another bundle"),
        pytest.param(
            lambda one: replace(one.prove(CHALLENGE), signature=_replayed(one).signature),
            "signature-invalid",
            id="a signature over other bytes",
        ),
    ],
)
@pytest.mark.asvs("V6.3.3", "V6.8.2")
def test_an_assertion_made_otherwise_clears_nothing(
    attack: Callable[[Authenticator], PasskeyProof], reason: str
) -> None:
    refusal = _refusal(_with(attack(WORLD.authenticator("kz-02"))))
    assert refusal.facts == {"officer": "kz-02", "reason": reason}


def test_what_two_passkeys_cleared_holds_with_the_trust_folder_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in WORLD.bundle.files.items():
        (tmp_path / name).write_bytes(content)
    assert main(["verify", str(tmp_path), "--trust", str(WORLD.bundle.trust_folder)]) == 0
    assert "kz-02, kz-03" in capsys.readouterr().out
    for reader in READERS:
        reader(WORLD.bundle.files)


@pytest.mark.asvs("V6.5.6")
def test_a_passkey_that_was_revoked_before_clears_nothing() -> None:
    with pytest.raises(UnregisteredOfficerError):
        open_bundle(
            WORLD.bundle.files,
            trust=WORLD.after_revoking("kz-02", at=CLEARED),
            contracts=WORLD.bundle.shelf,
            audit=audit_floor,
        )


def test_what_a_passkey_cleared_before_it_was_revoked_holds_for_ever() -> None:
    open_bundle(
        WORLD.bundle.files,
        trust=WORLD.after_revoking("kz-02", at=COSIGNED + timedelta(seconds=1)),
        contracts=WORLD.bundle.shelf,
        audit=audit_floor,
    )


def test_a_passkey_of_another_country_clears_nothing() -> None:
    forged = replace(WORLD.approval("kz-02"), officer="kg-02")
    signer = WORLD.bundle.approval("kz-03")
    with pytest.raises((ForeignOfficerError, UnregisteredOfficerError)):
        open_bundle(WORLD.published(forged, signer), trust=WORLD.trust, contracts=WORLD.bundle.shelf, audit=audit_floor)


def test_an_officer_is_one_pair_of_eyes_by_key_and_by_passkey() -> None:
    by_key, by_passkey = WORLD.bundle.approval("kz-02"), WORLD.approval("kz-02")
    document = json.loads(format_clearance(replace(WORLD.bundle.case.clearance, approvals=(by_key,))))
    document["approvals"].append(by_passkey.as_json())
    with pytest.raises(Exception, match="approved already"):
        parse_clearance(json.dumps(document, separators=(",", ":"), sort_keys=True).encode())


@pytest.mark.parametrize("name", ["credential_id", "client_data", "authenticator_data", "signature"])
def test_a_proof_lacks_nothing(name: str) -> None:
    document = json.loads(WORLD.bundle.files["clearance.json"])
    del document["approvals"][0]["proof"][name]
    with pytest.raises(FieldError):
        parse_clearance(canonical_json(document))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"user_handle": "AAAA"}, id="a member more"),
        pytest.param({"type": "officer-key"}, id="under the name of the other kind"),
        pytest.param({"type": "password"}, id="another kind"),
        pytest.param({"signature": "AAA="}, id="padded base64url"),
        pytest.param({"client_data": None}, id="no client data"),
    ],
)
def test_a_proof_has_one_of_two_forms(change: dict[str, str | None]) -> None:
    document = json.loads(WORLD.bundle.files["clearance.json"])
    document["approvals"][0]["proof"] |= change
    with pytest.raises((FieldError, Base64Error)):
        parse_clearance(canonical_json(document))


def test_a_passkeys_assertion_is_no_officer_keys_signature() -> None:
    # Ed25519 both: only the kind of the proof differs.
    approval = WORLD.approval("kz-03")
    assert isinstance(approval.proof, PasskeyProof)
    key_proof = WORLD.bundle.approval("kz-03").proof
    assert isinstance(key_proof, KeyProof)
    signature = WORLD.authenticator("kz-03").prove(challenge_of(WORLD.statement("kz-03"))).as_json()["signature"]
    forged = replace(approval, proof=KeyProof(protected=key_proof.protected, signature=str(signature)))
    refusal = _refusal(WORLD.published(WORLD.approval("kz-02"), forged))
    assert refusal.facts == {"officer": "kz-03", "reason": "signature-invalid"}


@pytest.mark.parametrize("kinds", [("key", "passkey"), ("passkey", "key")])
def test_both_kinds_count_beside_each_other(kinds: tuple[str, str]) -> None:
    def approval(officer: str, kind: str) -> Approval:
        return WORLD.bundle.approval(officer) if kind == "key" else WORLD.approval(officer)

    files = WORLD.published(*(approval(*pair) for pair in zip(("kz-02", "kz-03"), kinds, strict=True)))
    open_bundle(files, trust=WORLD.trust, contracts=WORLD.bundle.shelf, audit=audit_floor)
    verify_clearance(files["clearance.json"], trust=WORLD.trust, at=COSIGNED, contract=None)


# --- withdrawals -------------------------------------------------------------------------------------------------


def _withdrawal(*officers: str, proofs: dict[str, PasskeyProof] | None = None) -> Withdrawal:
    bundle = Digest.of(WORLD.bundle.files["datapackage.json"])
    common = propose_withdrawal(bundle, reason="one checkpoint counted twice", at=COSIGNED)
    approvals = []
    for officer in officers:
        statement = withdrawal_statement(common, officer=officer, role="clearing", at=COSIGNED)
        proof = WORLD.authenticator(officer).prove(challenge_of(statement))
        approvals.append(approval_by_passkey(statement, (proofs or {}).get(officer, proof)))
    return Withdrawal(common=common, approvals=tuple(approvals))


def _require_approved(withdrawal: Withdrawal) -> None:
    clause = WORLD.bundle.contract.approvals
    require_withdrawal_approved(withdrawal, provider="KZ", trust=WORLD.trust, at=COSIGNED, clause=clause)


def test_two_passkeys_withdraw_a_bundle() -> None:
    _require_approved(_withdrawal("kz-02", "kz-03"))


def test_an_assertion_for_a_clearance_withdraws_nothing() -> None:
    cleared = WORLD.approval("kz-02").proof
    assert isinstance(cleared, PasskeyProof)
    with pytest.raises(ApprovalSignatureError, match="passkey-challenge"):
        _require_approved(_withdrawal("kz-02", "kz-03", proofs={"kz-02": cleared}))


def test_an_assertion_for_a_withdrawal_clears_nothing() -> None:
    withdrawn = _withdrawal("kz-02").approvals[0].proof
    assert isinstance(withdrawn, PasskeyProof)
    assert _refusal(_with(withdrawn)).facts["reason"] == "passkey-challenge"


# --- what a contract says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("only", list(ProofKind))
def test_a_contract_may_let_one_kind_count_alone(only: ProofKind) -> None:
    clause = replace(WORLD.bundle.contract.approvals, proofs=(only.value,))
    by_key = replace(WORLD.bundle.case.clearance, approvals=tuple(map(WORLD.bundle.approval, ("kz-02", "kz-03"))))
    clearances = {ProofKind.OFFICER_KEY: by_key, ProofKind.WEBAUTHN: WORLD.bundle.case.clearance}
    for kind, clearance in clearances.items():
        if kind is only:
            require_approved(clearance, trust=WORLD.trust, at=COSIGNED, clause=clause)
        else:
            with pytest.raises(ProofKindError):
                require_approved(clearance, trust=WORLD.trust, at=COSIGNED, clause=clause)
