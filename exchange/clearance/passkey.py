"""Clearing by passkey: a WebAuthn assertion whose challenge is the digest of what the officer states (DESIGN.md §6).

The statement is the same as for a registered officer key: RFC 8785 of the common part plus decision, officer, role and
time. The desk's page asks `navigator.credentials.get` for an assertion over `challenge_of(statement)`; whoever has the
bundle and the trust folder verifies it, years later too.
"""

import hashlib

from exchange.signing.passkey import PasskeyCredential, PasskeyProof, verify_assertion

__all__ = ["PasskeyCredential", "PasskeyProof", "challenge_of", "verify_passkey"]


def challenge_of(statement: bytes) -> bytes:
    """The 32 bytes that a page hands to the passkey: SHA-256 of the statement."""
    return hashlib.sha256(statement).digest()


def verify_passkey(proof: PasskeyProof, statement: bytes, credential: PasskeyCredential) -> int:
    """Accept an officer's assertion over exactly this statement; the signature counter.

    Raises:
        PasskeyError, SignatureError: As `exchange.signing.passkey.verify_assertion` says.
    """
    return verify_assertion(proof, challenge=challenge_of(statement), credential=credential)
