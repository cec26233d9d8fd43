"""Which keys may enter the registry: an application is taken as a whole or refused as a whole.

Nobody can have another's key listed as his own, and nobody who carries the file can move a key to another purpose,
officer or name: each key signed for all of that itself. What only the whole registry can tell (names of other
members, thresholds) is judged when it is published (`exchange.signing.trust.open_trust`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from exchange.errors.keys import KeyHalfError, KeyListedError, KeyTwiceError, OfficerTwiceError, PossessionError
from exchange.errors.trust import SignatureError, TrustError
from exchange.signing.application import Application, AppliedKey, format_application, parse_application, possession
from exchange.signing.authority import key_places
from exchange.signing.keys import HYBRID, Algorithm, KeyPurpose, PublicKey, RegistryRole, Signer
from exchange.signing.passkey import PasskeyCredential, PasskeyProof, verify_assertion
from exchange.signing.trust import Trust

__all__ = [
    "Application",
    "AppliedKey",
    "apply_for_keys",
    "apply_for_passkey",
    "open_application",
    "passkey_possession",
]

HYBRID_PURPOSES = (KeyPurpose.BUNDLE, KeyPurpose.CONTRACT)
"""What is signed with both algorithms; every other key is Ed25519."""
DELEGATION_KEYS_MAX = 2
"""Two persons of a member hold one each; they may apply apart."""


def open_application(raw: bytes, *, trust: Trust | None) -> Application:
    """Read an application and admit all of its keys, or none; a passkey's counter is that of its proof.

    Args:
        raw: The file's bytes.
        trust: The registry in which the keys are to be listed; None at a founding.

    Raises:
        EncodingError: Another spelling than `exchange.signing.application` writes, or another member's officer.
        WeakKeyError, KeyLengthError, KeyKindError: A key that must not enter.
        KeyTwiceError, OfficerTwiceError, KeyHalfError: The keys do not make whole purposes, each with its own.
        PossessionError: A key whose holder did not sign for it.
        KeyListedError: A key that the registry lists, for whomever and whether revoked or not.
    """
    application = parse_application(raw)
    _require_own_purposes(application)
    _require_whole_purposes(application)
    proven = replace(application, keys=tuple(_proven(application, applied) for applied in application.keys))
    if trust is not None:
        _require_unlisted(application, trust)
    return proven


def apply_for_keys(
    keys: Sequence[tuple[AppliedKey, Signer]], *, member: str, at: datetime, issuer: str | None = None
) -> bytes:
    """Write an application; each key's own signer proves that it is there.

    Raises:
        AdmissionError, EncodingError, TrustError: As `open_application` would refuse it.
    """
    application = Application(member=member, at=at, keys=tuple(applied for applied, _ in keys), issuer=issuer)
    proven = (replace(applied, proof=signer.sign(possession(application, applied))) for applied, signer in keys)
    raw = format_application(replace(application, keys=tuple(proven)))
    open_application(raw, trust=None)
    return raw


def passkey_possession(applied: AppliedKey, *, member: str, at: datetime) -> bytes:
    """The challenge that an officer's new passkey answers to be applied for: the digest of what is asked for it."""
    statement = possession(Application(member=member, at=at, keys=(applied,)), applied)
    return hashlib.sha256(statement).digest()


def apply_for_passkey(applied: AppliedKey, proof: PasskeyProof, *, member: str, at: datetime) -> bytes:
    """Write an application for one officer's passkey, which answered `passkey_possession`.

    Raises:
        AdmissionError, EncodingError, TrustError: As `open_application` would refuse it.
    """
    raw = format_application(Application(member=member, at=at, keys=(replace(applied, proof=proof),)))
    open_application(raw, trust=None)
    return raw


def _require_own_purposes(application: Application) -> None:
    places: dict[str, str] = {}
    officers: set[tuple[str, bool]] = set()
    for applied in application.keys:
        place, kid = applied.officer or applied.purpose.value, applied.key.kid
        if kid in places:
            raise KeyTwiceError(member=application.member, kid=kid, first=places[kid], second=place)
        one = (place, isinstance(applied.key, PasskeyCredential))
        if applied.officer is not None and one in officers:
            raise OfficerTwiceError(member=application.member, officer=applied.officer)
        places[kid] = place
        officers.add(one)


def _require_whole_purposes(application: Application) -> None:
    for purpose in {applied.purpose: None for applied in application.keys}:
        found = [public.algorithm for public in application.of(purpose)]
        wanted = HYBRID if purpose in HYBRID_PURPOSES else (Algorithm.ED25519,)
        one_each = tuple(found) == wanted
        many = purpose is KeyPurpose.OFFICER or (
            purpose is RegistryRole.DELEGATION and len(found) <= DELEGATION_KEYS_MAX
        )
        if not one_each and not (many and set(found) <= {Algorithm.ED25519}):
            raise KeyHalfError(
                member=application.member, purpose=purpose, expected=" + ".join(wanted), found=" + ".join(found)
            )


def _proven(application: Application, applied: AppliedKey) -> AppliedKey:
    try:
        return _verify_possession(possession(application, applied), applied)
    except TrustError as error:
        found = "another" if isinstance(error, SignatureError) else error.code
        raise PossessionError(
            member=application.member, purpose=applied.purpose, kid=applied.key.kid, found=found
        ) from error


def _verify_possession(statement: bytes, applied: AppliedKey) -> AppliedKey:
    match applied.key, applied.proof:
        case PublicKey() as key, bytes() as signature:
            key.verify(statement, signature)
            return applied
        case PasskeyCredential() as credential, PasskeyProof() as proof:
            count = verify_assertion(proof, challenge=hashlib.sha256(statement).digest(), credential=credential)
            return replace(applied, key=replace(credential, sign_count=count))
        case _:
            raise SignatureError(algorithm=applied.key.algorithm, kid=applied.key.kid)


def _require_unlisted(application: Application, trust: Trust) -> None:
    listed = key_places(trust.roles) | {
        key.key.kid: f"{member.id}/{key.officer or key.purpose}"
        for member in (*trust.former.values(), *trust.members.values())
        for key in member.keys
    }
    for applied in application.keys:
        kid = applied.key.kid
        if kid in listed:
            raise KeyListedError(member=application.member, purpose=applied.purpose, kid=kid, place=listed[kid])
