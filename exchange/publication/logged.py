"""What a published bundle and a withdrawal have in common: the provider's bundle keys signed it, its log holds it."""

from collections.abc import Iterable
from datetime import datetime

from exchange.errors.trust import UnknownKeyError
from exchange.log.entry import LogEntry, parse_entry
from exchange.log.policy import WitnessPolicy, parse_policy
from exchange.log.proof import TlogProof, parse_proof
from exchange.signing.jws import verify_detached
from exchange.signing.keys import HYBRID, KeyPurpose, PublicKey
from exchange.signing.trust import Trust


def bundle_signers(signatures: bytes, signed: bytes, *, typ: str, provider: str, trust: Trust) -> tuple[PublicKey, ...]:
    """The keys that signed these bytes, among all bundle keys that the provider ever had.

    Whether they counted is decided by `require_counting`, once the time is known.

    Raises:
        TrustError: A signature does not hold, or one of the two algorithms is missing.
    """
    known = trust.keys(provider, KeyPurpose.BUNDLE, at=None)
    return verify_detached(signatures, signed, typ=typ, keys=known, algorithms=HYBRID)


def require_counting(signed_by: Iterable[PublicKey], *, file: str, provider: str, trust: Trust, at: datetime) -> None:
    """Refuse a signature by a key that was not the provider's bundle key at this time.

    Raises:
        UnknownKeyError: Naming the file and the key.
    """
    counting = {key.kid for key in trust.keys(provider, KeyPurpose.BUNDLE, at=at)}
    for key in signed_by:
        if key.kid not in counting:
            raise UnknownKeyError(subject=file, algorithm=key.algorithm.value, kid=key.kid)


def read_logged(proof_file: bytes) -> tuple[TlogProof, LogEntry]:
    """A proof and the entry whose exact bytes it carries; neither is verified yet.

    Raises:
        EncodingError, LogError: Either is not in the one legal form.
    """
    proof = parse_proof(proof_file)
    return proof, parse_entry(proof.extra or b"")


def log_policy(provider: str, trust: Trust) -> WitnessPolicy:
    """Who must have witnessed the provider's log.

    Raises:
        UnknownMemberError: No such member.
        LogError: The registry has no policy for its log, or one that cannot be read.
    """
    trust.member(provider)
    return parse_policy(trust.policies.get(provider, b""))
