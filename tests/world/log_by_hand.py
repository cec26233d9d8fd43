"""A log without the code under test: a root by RFC 6962's own recursion, and the verifier key of a signer."""

import hashlib
from collections.abc import Iterable, Sequence

from exchange.log.note import SignatureKind, VerifierKey
from exchange.signing.keys import Signer


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes, in order (RFC 6962 §2.1: MTH, from the leaves' hashes on)."""
    found = list(leaves)
    return _root(found) if found else hashlib.sha256(b"").digest()


def vkey_of(name: str, signer: Signer, kind: SignatureKind) -> VerifierKey:
    """The verifier key under which this signer's lines verify."""
    return VerifierKey(name=name, kind=kind, key=signer.public)


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)  # the largest power of two below the number of leaves
    return hashlib.sha256(b"\x01" + _root(leaves[:split]) + _root(leaves[split:])).digest()
