"""What cryptography is in use at all, and where: what SECURITY.md lists, found in the code itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HASHES = {"sha256", "blake2b", "shake_256"}
"""blake2b with a key, for the token endpoint's nonces (RFC 7693 §2.9); shake_256 for factors that are no secret."""
PRIMITIVES = {
    "ciphers.aead": {"ChaCha20Poly1305"},
    "kdf.scrypt": {"Scrypt"},
    "kdf.argon2": {"Argon2id"},
    "hashes": {"SHA256"},
    "asymmetric.ec": {"ECDSA", "SECP256R1", "EllipticCurvePublicKey"},
    "asymmetric.ed25519": {"Ed25519PrivateKey", "Ed25519PublicKey"},
    "asymmetric.mldsa": {"MLDSA65PrivateKey", "MLDSA65PublicKey"},
}
PREFIX = "cryptography.hazmat.primitives."
PREDICTABLE = {"random", "uuid"}
"""Modules whose numbers somebody else may know."""


def modules(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.relative_to(ROOT), ast.parse(file.read_text(encoding="utf-8"))


def imported(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Each import as (module, name); the name is empty where the module itself is imported."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((one.name, "") for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from ((node.module, one.name) for one in node.names)


def attributes_of(module: ast.Module, name: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }


@pytest.mark.asvs("V11.4.1")
def test_no_other_hash_function_is_used_than_those_listed() -> None:
    used: set[str] = set()
    for _, module in modules("exchange", "nodes"):
        used |= attributes_of(module, "hashlib") | {name for place, name in imported(module) if place == "hashlib"}
    assert {"sha256"} <= used - {"", "_Hash"} <= HASHES


@pytest.mark.asvs("V11.1.3", "V11.3.1", "V11.3.2")
def test_the_cryptography_library_is_used_in_one_package_and_for_the_listed_primitives_alone() -> None:
    found: dict[str, set[str]] = {}
    for file, module in modules("exchange", "nodes"):
        for place, name in imported(module):
            if place.partition(".")[0] == "cryptography":
                assert file.is_relative_to("exchange/signing"), file
                if place != "cryptography.exceptions":
                    found.setdefault(place.removeprefix(PREFIX), set()).add(name)
    assert found == PRIMITIVES


@pytest.mark.asvs("V11.5.1", "V6.5.3")
def test_nothing_draws_from_a_predictable_generator_and_the_core_draws_no_secret() -> None:
    for file, module in modules("exchange", "nodes"):
        drawn = {place.partition(".")[0] for place, _ in imported(module)}
        assert drawn & PREDICTABLE == set(), file
        if file.is_relative_to("exchange"):
            assert "secrets" not in drawn, file
            assert not attributes_of(module, "os") & {"urandom", "getrandom"}, file
