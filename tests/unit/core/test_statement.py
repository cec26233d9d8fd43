"""A statement is a party's word: both signatures, one spelling, never backwards in time where it stops something."""

import json
from datetime import timedelta

import pytest

from exchange.encoding import Digest, base64url_decode, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.contract import StatementError, StatementPartyError
from exchange.errors.encoding import EncodingError
from exchange.errors.trust import SignatureError, SignatureSetError, UnknownKeyError, UnknownMemberError
from exchange.signing.jws import sign_attached
from exchange.statement import STATEMENT_TYP, StatementType, open_statement, require_about, sign_statement
from tests.world.contracts import contract
from tests.world.statements import SIGNED, contract_key, say, trust

CONTRACT = contract("CA-01-BORDER")
PAYLOAD = {
    "type": "contract.signed",
    "contract": str(CONTRACT.digest),
    "party": "KZ",
    "at": "2026-01-10T09:00:00Z",
    "effective": "2026-01-10T09:00:00Z",
}


def test_a_statement_carries_its_payload_and_both_signatures() -> None:
    statement = say(CONTRACT, "KZ")
    shell = json.loads(statement.raw)
    assert base64url_decode(shell["payload"], subject="payload") == canonical_json(PAYLOAD)
    headers = [json.loads(base64url_decode(s["protected"], subject="header")) for s in shell["signatures"]]
    assert [(h["alg"], h["typ"]) for h in headers] == [("Ed25519", STATEMENT_TYP), ("ML-DSA-65", STATEMENT_TYP)]
    assert statement.digest == Digest.of(statement.raw)


def test_what_a_party_signed_opens_as_it_was_said() -> None:
    statement = say(CONTRACT, "KZ", StatementType.ENDED, effective=SIGNED + timedelta(days=90))
    assert open_statement(statement.raw, trust=trust()) == statement


def test_one_changed_bit_anywhere_is_refused() -> None:
    raw = say(CONTRACT, "KZ").raw
    for place in [*range(0, len(raw), 97), len(raw) - 1]:
        broken = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(ExchangeError):
            open_statement(broken, trust=trust())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({"type": "contract.deleted"}, StatementError, id="another type"),
        pytest.param({"contract": "sha256:00"}, EncodingError, id="no digest"),
        pytest.param({"at": "2026-01-10 09:00"}, EncodingError, id="another spelling of a time"),
        pytest.param({"note": "x"}, EncodingError, id="another member"),
        pytest.param(
            {"type": "contract.ended", "effective": "2026-01-09T09:00:00Z"}, StatementError, id="an end before"
        ),
        pytest.param({"party": "XX"}, UnknownMemberError, id="no member"),
        pytest.param({"party": "KG"}, UnknownKeyError, id="in another's name"),
    ],
)
def test_a_payload_that_no_statement_has_is_refused(change: dict[str, str], error: type[ExchangeError]) -> None:
    payload = canonical_json({**PAYLOAD, **change})
    raw = sign_attached(payload, typ=STATEMENT_TYP, signers=contract_key("KZ").signers)
    with pytest.raises(error):
        open_statement(raw, trust=trust())


def test_one_signature_is_not_enough() -> None:
    for signer in contract_key("KZ").signers:
        raw = sign_attached(canonical_json(PAYLOAD), typ=STATEMENT_TYP, signers=[signer])
        with pytest.raises(SignatureSetError):
            open_statement(raw, trust=trust())


def test_signatures_of_another_statement_do_not_fit() -> None:
    signed, other = json.loads(say(CONTRACT, "KZ").raw), json.loads(say(CONTRACT, "KZ", StatementType.RESUMED).raw)
    with pytest.raises(SignatureError):
        open_statement(canonical_json({**signed, "payload": other["payload"]}), trust=trust())


def test_a_key_that_was_revoked_speaks_no_more_but_what_it_said_stays() -> None:
    raw = say(CONTRACT, "KZ").raw
    revoked = trust(revoked={"KZ": SIGNED + timedelta(days=1)})
    assert open_statement(raw, trust=revoked).party == "KZ"
    assert open_statement(raw, trust=revoked, at=SIGNED).party == "KZ"
    with pytest.raises(UnknownKeyError):
        open_statement(raw, trust=revoked, at=SIGNED + timedelta(days=2))


@pytest.mark.parametrize("kind", [StatementType.ENDED, StatementType.SUSPENDED, StatementType.RESUMED])
def test_nothing_is_stopped_or_restarted_backwards(kind: StatementType) -> None:
    with pytest.raises(StatementError):
        say(CONTRACT, "KZ", kind, effective=SIGNED - timedelta(seconds=1))


def test_a_signature_may_name_the_first_day_of_the_contract_however_long_ago() -> None:
    assert say(CONTRACT, "KZ", effective=SIGNED - timedelta(days=3000)).effective < SIGNED


def test_an_unknown_type_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match=r"contract\.deleted"):
        sign_statement(
            type="contract.deleted", contract=CONTRACT.digest, party="KZ", at=SIGNED, effective=SIGNED,
            signer=contract_key("KZ"),
        )  # fmt: skip


def test_only_a_party_speaks_about_a_contract_and_only_about_this_one() -> None:
    require_about(say(CONTRACT, "KZ"), CONTRACT)
    with pytest.raises(StatementPartyError, match="GB is not a party"):
        require_about(say(CONTRACT, "GB"), CONTRACT)
    with pytest.raises(StatementError, match="another digest"):
        require_about(say(contract("CA-05-WORK-PERMITS"), "KZ"), CONTRACT)
