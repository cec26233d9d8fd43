"""Signing and trust: the only package that touches the cryptography library.

Reading order: keys (what a key is, which may exist), jws (the one form of a signature), dpop (tokens and proofs);
registry (who signed it), members (what it says), trust (whose key it is, at which time); sealing (a private key at
rest), authoring (how the registry is written).
"""
