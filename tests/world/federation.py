"""A federation with the same throw-away keys in every run: founded once in a folder, or read as bytes."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.signing.keys import Algorithm, HybridSigner, KeyPurpose, Signer, SoftwareSigner
from exchange.signing.trust import Trust
from nodes.adapters.clock import Clock
from nodes.adapters.key_files import read_hybrid_signer, read_officer_signer, read_private_key, read_signer
from nodes.demo.registry import FederationSpec, MemberSpec, found_federation, standard_officers
from tests.world.tokens import KEYS, into_token

SEVEN = ("KZ", "KG", "TJ", "TM", "UZ", "GB", "IOM")


def seeded(label: str) -> Callable[[int], bytes]:
    """A source of bytes that is the same in every run and another for every label."""
    count = 0

    def random(length: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{label}/{count}".encode()).digest(length)

    return random


def signer(label: str, algorithm: Algorithm = Algorithm.ED25519) -> SoftwareSigner:
    return SoftwareSigner.generate(algorithm, random=seeded(label))


def hybrid(label: str) -> HybridSigner:
    return HybridSigner(ed25519=signer(label), ml_dsa_65=signer(label, Algorithm.ML_DSA_65))


@dataclass(frozen=True)
class Federation:
    """Where everything of a founded federation lies, and its keys at hand."""

    folder: Path
    trust: Trust

    @property
    def registry(self) -> Path:
        return self.folder / "keys"

    @property
    def custody(self) -> Path:
        return self.folder / "custody"

    def private(self, member: str) -> Path:
        return self.folder / member.lower() / "private"

    def hybrid(self, member: str, purpose: KeyPurpose) -> HybridSigner:
        return read_hybrid_signer(self.private(member), purpose, passphrase=None, demo=True)

    def signer(self, member: str, purpose: KeyPurpose) -> Signer:
        return read_signer(self.private(member), purpose, passphrase=None, demo=True)

    def officer(self, officer: str) -> Signer:
        private = self.private(officer.partition("-")[0])
        return read_officer_signer(private, officer, passphrase=None, demo=True)

    def holder(self, member: str, role: str) -> Signer:
        """A key of the registry itself: root, targets, snapshot, timestamp, delegation-1, delegation-2."""
        path = self.custody / member.lower() / f"{role}.key"
        return read_private_key(path, purpose=f"registry-{role.partition('-')[0]}", passphrase=None, demo=True)


def specify(members: Sequence[str] = SEVEN) -> FederationSpec:
    return FederationSpec(
        name={"en": "Test federation", "ru": "Пробная федерация"},
        auditor=members[-1],
        members=tuple(
            MemberSpec(
                id=member,
                kind="organisation" if member == "IOM" else "state",
                name={"en": f"Member {member}", "ru": f"Член {member}"},
                issuer=f"http://127.0.0.1:{8100 + number}",
                officers=standard_officers(member),
            )
            for number, member in enumerate(members)
        ),
    )


def found(folder: Path, clock: Clock, members: Sequence[str] = SEVEN) -> Federation:
    trust = found_federation(
        folder / "keys",
        specify(members),
        nodes={member: folder / member.lower() for member in members},
        custody=folder / "custody",
        clock=clock,
        random=seeded("federation"),
    )
    if KEYS == "token":
        into_token(folder)
    return Federation(folder=folder, trust=trust)
