"""Signing and trust: the only package that touches the cryptography library.

Reading order: keys (what a key is, which may exist), jws (the one form of a signature), dpop (tokens and proofs);
registry (who signed it), members (what it says), trust (whose key it is, at which time); application and admission (how
a key gets there), words (what people compare); sealing, key_file and token_uri (a private key at rest, or in a token),
authoring (how the registry is written), registrar (who publishes it) and forward (what no next state takes back).
"""
