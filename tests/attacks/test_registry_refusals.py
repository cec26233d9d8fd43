"""What nobody may do to the registry, each with the sentence that refuses it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from exchange.encoding import base64_encode, base64url_encode, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.log import VerifierKeyError
from exchange.errors.trust import (
    ChangeSignerError,
    ChangeStaleError,
    RegistrarEarlyError,
    RegistryExpiredError,
    RegistryRollbackError,
    RegistryRuleError,
    RegistrySignatureError,
    RegistryTamperedError,
    RegistryVersionError,
    SignatureError,
    WeakKeyError,
)
from exchange.flow import ceremony, ceremony_offices
from exchange.log.policy import parse_policy
from exchange.signing.admission import open_application
from exchange.signing.application import format_application
from exchange.signing.authoring import Authority, registry_key, target_file, write_root
from exchange.signing.ceremony import apply_change, check_signature, sign_change
from exchange.signing.ceremony_form import ChangeSignature, format_proposal, parse_signature
from exchange.signing.keys import KeyPurpose, RegistryRole, Signer
from exchange.signing.registrar import require_turn
from exchange.signing.trust import FIRST_ROOT, open_trust
from tests.attacks.test_weak_keys import SMALL_ORDER
from tests.world.ceremonies import FIVE, Living
from tests.world.clock import StillClock
from tests.world.federation import Federation, found, signer

IDENTITY = (1).to_bytes(32, "little")


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("five"), StillClock(), FIVE)


@pytest.fixture
def living(federation: Federation) -> Living:
    return Living(federation)


# Too few, and the wrong ones


def renewed_root(living: Living, signers: list[Signer]) -> None:
    living.apply(ceremony.renew(living.base, ["root"], at=living.at), signers)


@pytest.mark.parametrize(
    ("signers", "found"),
    [
        pytest.param(lambda r: r.signers("root", ["KZ", "KG"]), 2, id="two of five"),
        pytest.param(lambda r: r.signers("root", ["KZ", "KG", "KG"]), 2, id="the same key twice"),
        pytest.param(lambda r: r.signers("root", ["IOM"]), 1, id="IOM alone"),
        pytest.param(lambda _: [], 0, id="nobody"),
    ],
)
def test_too_few_root_signatures_are_counted_in_the_refusal(
    living: Living, signers: Callable[[Living], list[Signer]], found: int
) -> None:
    with pytest.raises(RegistrySignatureError) as caught:
        renewed_root(living, signers(living))
    assert caught.value.sentence() == (
        f"registry: metadata/2.root.json: role root needs 3 valid signatures of its keys, found {found}"
    )
    renewed_root(living, living.signers("root", ["KZ", "KG", "TJ"]))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda r: r.key("UZ", "delegation-1"), id="another country's delegation key"),
        pytest.param(lambda r: r.key("KZ", "targets"), id="the country's own targets key"),
        pytest.param(lambda r: r.key("IOM", "timestamp"), id="a registrar's key"),
        pytest.param(lambda _: signer("stranger"), id="a stranger's key"),
    ],
)
def test_only_a_members_own_two_keys_sign_its_keys(living: Living, key: Callable[[Living], Signer]) -> None:
    raw = format_proposal(ceremony.renew(living.base, ["kz"], at=living.at))
    with pytest.raises(ChangeSignerError, match="may sign none of: kz"):
        sign_change(raw, key(living), base=living.base)


def test_a_signature_made_by_hand_with_a_foreign_key_does_not_enter(living: Living) -> None:
    raw = format_proposal(ceremony.renew(living.base, ["kz"], at=living.at))
    (good,) = sign_change(raw, living.key("KZ", "delegation-1"), base=living.base)
    stranger = signer("stranger")
    forged = ChangeSignature(change=good.change, role="kz", key=stranger.public, signature=stranger.sign(b"x"))
    with pytest.raises(ChangeSignerError):
        check_signature(raw, forged, base=living.base)
    borrowed = ChangeSignature(change=good.change, role="kz", key=good.key, signature=stranger.sign(b"x"))
    with pytest.raises(SignatureError):
        check_signature(raw, borrowed, base=living.base)
    other = format_proposal(ceremony.renew(living.base, ["kz"], at=living.at + timedelta(seconds=1)))
    with pytest.raises(ChangeStaleError):
        check_signature(other, good, base=living.base)
    # and nobody who skips the check at import gets further
    with pytest.raises(RegistrySignatureError, match="needs 2 valid signatures of its keys, found 1"):
        apply_change(raw, [good, forged], base=living.base, at=living.at)


def test_the_old_root_signs_no_new_one(living: Living) -> None:
    proposal = ceremony_offices.replace_holder(living.base, living.applies("KZ", RegistryRole.ROOT), at=living.at)
    living.decide(proposal, living.signers("root", ["KG", "TJ", "UZ"]))
    raw = format_proposal(ceremony.renew(living.base, ["root"], at=living.at))
    with pytest.raises(ChangeSignerError):
        sign_change(raw, living.federation.holder("KZ", "root"), base=living.base)


def test_a_change_for_another_state_is_not_signed(living: Living) -> None:
    raw = format_proposal(ceremony.suspend_member(living.base, "TJ", at=living.at))
    living.decide(ceremony.renew(living.base, ["kg"], at=living.at), living.pair("KG"))
    with pytest.raises(ChangeStaleError, match="made for"):
        sign_change(raw, living.key("KZ", "targets"), base=living.base)


def test_another_registrar_waits_for_the_auditor_for_two_days(living: Living) -> None:
    key = living.key("KG", "timestamp")
    living.move(hours=46)  # the founding was an hour before
    with pytest.raises(RegistrarEarlyError, match="KG acts for the auditor only after 48 h without it, found 47 h"):
        require_turn(living.base, key, auditor="IOM", at=living.at)
    living.move(hours=1)
    require_turn(living.base, key, auditor="IOM", at=living.at)
    require_turn(living.base, living.key("IOM", "timestamp"), auditor="IOM", at=living.at - timedelta(hours=40))


# Old, stale, altered


def test_a_rollback_is_named_with_both_states(living: Living) -> None:
    old = dict(living.files)
    seen = living.decide(ceremony.renew(living.base, ["kz"], at=living.at), living.pair("KZ")).ref
    with pytest.raises(RegistryRollbackError, match=r"already seen 2 .* offered 1 .*only moves forward"):
        open_trust(old, root=old[FIRST_ROOT], at=living.at, expired="refuse", newest_seen=seen)


def test_a_freeze_ends_with_the_timestamp(living: Living) -> None:
    with pytest.raises(RegistryExpiredError, match=r"timestamp\.json: valid until"):
        open_trust(living.files, root=living.files[FIRST_ROOT], at=living.at + timedelta(days=7), expired="refuse")


def test_a_tampered_target_is_named_with_both_digests(living: Living) -> None:
    path = "policy/kz.tlog-policy"
    policy = living.trust.policies["KZ"]
    altered = policy.replace(b"two-thirds 3", b"two-thirds 1")
    assert altered != policy
    with pytest.raises(RegistryTamperedError, match=r"expected sha256:.* found sha256:"):
        open_trust(
            living.files | {target_file(path, policy): altered},
            root=living.files[FIRST_ROOT],
            at=living.at,
            expired="refuse",
        )


def test_a_replay_to_a_fresh_node_ends_at_what_it_meets_in_a_log(living: Living) -> None:
    # A node with the first root alone takes an old state until that expires, unless somebody shows it a newer one:
    # every log entry and every token names one.
    old = dict(living.files)
    fresh = open_trust(old, root=old[FIRST_ROOT], at=living.at, expired="refuse")
    assert fresh.ref.version == 1
    met = living.decide(ceremony.renew(living.base, ["kz"], at=living.at), living.pair("KZ")).ref
    with pytest.raises(RegistryRollbackError):
        open_trust(old, root=old[FIRST_ROOT], at=living.at, expired="refuse", newest_seen=met)


def test_a_root_of_another_number_than_its_name_is_refused(living: Living) -> None:
    renewed_root(living, living.signers("root", ["KZ", "KG", "TJ"]))
    second = living.files["metadata/2.root.json"]
    with pytest.raises(RegistryVersionError, match="expected version 3, found 2"):
        open_trust(
            living.files | {"metadata/3.root.json": second},
            root=living.files[FIRST_ROOT],
            at=living.at,
            expired="refuse",
        )


# A key under which anybody signs, in each place a key can enter


@pytest.mark.parametrize("y", [pytest.param(y, id=name) for name, y in SMALL_ORDER.items()])
def test_a_small_order_key_enters_the_registry_nowhere(living: Living, y: int) -> None:
    weak = y.to_bytes(32, "little")
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(weak)}
    signature = {"type": "registry-signature/1", "change": f"sha256:{0:064}", "role": "root", "key": jwk}
    with pytest.raises(WeakKeyError):
        parse_signature(canonical_json(signature | {"signature": ""}))
    application = json.loads(_application(living))
    application["keys"][0]["jwk"] = jwk
    with pytest.raises(WeakKeyError):
        open_application(canonical_json(application), trust=None)
    vkey = base64_encode(b"\x04" + weak)
    text = f"log {living.trust.member('KZ').log_vkey}\nwitness w x+00000000+{vkey}\nquorum w\n"
    with pytest.raises((WeakKeyError, VerifierKeyError)):
        parse_policy(text.encode())


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp"])
def test_a_small_order_key_holds_no_role(living: Living, role: str) -> None:
    with pytest.raises(ExchangeError, match="canonical point of large order"):
        open_trust(
            living.files | {"metadata/2.root.json": _weak_root(living, role)},
            root=living.files[FIRST_ROOT],
            at=living.at,
            expired="refuse",
        )


def test_a_small_order_key_signs_no_way_to_the_next_root(living: Living) -> None:
    # Whoever starts from the first root reads every root after it; one that a majority let in and took out again
    # would have counted, and anybody signs by it.
    roles = {name: living.trust.roles[name] for name in ("root", "targets", "snapshot", "timestamp")}
    third = write_root(
        version=3, expires=living.at + timedelta(days=365), roles=roles, signers=living.signers("root", FIVE)
    )
    with pytest.raises(WeakKeyError):
        open_trust(
            living.files | {"metadata/2.root.json": _weak_root(living, "root"), "metadata/3.root.json": third},
            root=living.files[FIRST_ROOT],
            at=living.at,
            expired="refuse",
        )


@pytest.mark.parametrize("keyid", ["ab" * 32, None, 7], ids=["another key", "null", "a number"])
def test_a_role_names_no_key_that_the_root_does_not_list(living: Living, keyid: object) -> None:
    def name(roles: dict[str, Any]) -> None:
        roles["snapshot"]["keyids"].append(keyid)

    refused_root(living, name, "role snapshot")


@pytest.mark.parametrize("threshold", [8, 2**53])
def test_no_role_asks_for_more_signatures_than_it_has_keys(living: Living, threshold: int) -> None:
    def ask(roles: dict[str, Any]) -> None:
        roles["root"]["threshold"] = threshold

    canonical_json(refused_root(living, ask, "role root").as_json())


def refused_root(living: Living, change: Callable[[dict[str, Any]], None], match: str) -> RegistryRuleError:
    """How a second root with other roles, signed by all registrars, is refused."""
    document: dict[str, Any] = json.loads(living.files[FIRST_ROOT]) | {"signatures": []}
    document["signed"]["version"] = 2

    def plain(value: object) -> bytes:  # canonical, with integers of any size
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    change(document["signed"]["roles"])
    content = plain(document["signed"])
    document["signatures"] = [
        {"keyid": registry_key(key.public).keyid, "sig": key.sign(content).hex()} for key in living.signers("root")
    ]
    with pytest.raises(RegistryRuleError, match=match) as refused:
        open_trust(
            living.files | {"metadata/2.root.json": plain(document)},
            root=living.files[FIRST_ROOT],
            at=living.at,
            expired="refuse",
        )
    return refused.value


def _weak_root(living: Living, role: str) -> bytes:
    roles = {name: living.trust.roles[name] for name in ("root", "targets", "snapshot", "timestamp")}
    one = roles[role]
    roles[role] = Authority(keys=(*one.keys, signer("weak").public), threshold=one.threshold)
    document: dict[str, Any] = json.loads(
        write_root(version=2, expires=living.at + timedelta(days=365), roles=roles, signers=[])
    )
    weak = signer("weak").public.raw.hex()
    for key in document["signed"]["keys"].values():
        if key["keyval"]["public"] == weak:
            key["keyval"]["public"] = IDENTITY.hex()
    content = canonical_json(document["signed"])
    keyids = {key["keyval"]["public"]: keyid for keyid, key in document["signed"]["keys"].items()}
    document["signatures"] = [
        {"keyid": keyids[key.public.raw.hex()], "sig": key.sign(content).hex()} for key in living.signers("root")
    ]
    return canonical_json(document)


def _application(living: Living) -> bytes:
    return format_application(living.applies("KZ", KeyPurpose.TRANSPORT))
