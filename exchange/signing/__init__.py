"""Signing and trust: the only package that touches the cryptography library.

Reading order: keys (what a key is, who may be one), jws (the one form of a signature), trust (whose key it is, from the
registry's bytes), sealing (a private key at rest), authoring (how the registry is written and signed).
"""
