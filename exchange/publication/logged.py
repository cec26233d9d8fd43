"""What a published bundle and a withdrawal have in common: the provider's bundle keys signed it, its log holds it."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from exchange.errors.log import LogError
from exchange.errors.trust import UnknownKeyError
from exchange.log.entry import LogEntry, parse_entry
from exchange.log.policy import CosignedCheckpoint, WitnessPolicy, parse_policy
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


def require_witnessed(
    note: bytes, *, provider: str, trust: Trust, every_line: bool = True
) -> tuple[WitnessPolicy, CosignedCheckpoint]:
    """The policy that judges this checkpoint of the provider's log, and the checkpoint as it judged it.

    Witnesses come and go, and what an earlier policy's quorum cosigned in that policy's time stays cosigned. In a
    bundle's proof every line must verify; elsewhere lines of others are left alone, as C2SP says.

    Raises:
        UnknownMemberError: There never was such a member.
        LogError: The registry has no policy for its log or one that cannot be read, or the quorum is not there.
    """
    trust.known(provider)
    policy = parse_policy(trust.policies.get(provider, b""))
    try:
        return policy, policy.check(note, every_line=every_line)
    except LogError:
        for earlier in trust.earlier_policies.get(provider, ()):
            policy = parse_policy(earlier.raw)
            with suppress(LogError):
                cosigned = policy.check(note, every_line=every_line)
                if cosigned.cosigned_at < earlier.until:
                    return policy, cosigned
        raise
