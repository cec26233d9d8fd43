"""A registry that lives: changes proposed, signed by whom the test wants, applied and published, all in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exchange.signing.admission import Application, AppliedKey, apply_for_keys, open_application
from exchange.signing.authoring import write_snapshot, write_timestamp
from exchange.signing.ceremony import apply_change, sign_change
from exchange.signing.ceremony_form import ChangeSignature, Proposal, format_proposal
from exchange.signing.forward import require_forward
from exchange.signing.keys import HYBRID, Algorithm, KeyPurpose, KeyUse, RegistryRole, Signer, SoftwareSigner, note_vkey
from exchange.signing.members import NOTE_TYPES
from exchange.signing.registrar import TIMESTAMP, newest_versions, publish
from exchange.signing.registry import SignedRegistry, open_registry
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust
from nodes.adapters.trust_folder import read_trust_files
from tests.world.clock import FOUNDED
from tests.world.federation import Federation, signer

FIVE = ("KZ", "KG", "TJ", "UZ", "IOM")
MAJORITY = FIVE[:3]
PAIR = ("delegation-1", "delegation-2")
UNPINNED = {"root", "timestamp"}


@dataclass
class Living:
    """The files of a registry, its keys, and the time."""

    federation: Federation
    at: datetime = FOUNDED + timedelta(hours=1)
    newcomers: dict[tuple[str, str], Signer] = field(default_factory=dict)  # keys made after the founding, by role
    files: dict[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.files = read_trust_files(self.federation.registry)

    @property
    def base(self) -> SignedRegistry:
        return open_registry(self.files, root=self.files[FIRST_ROOT], at=self.at, expired="refuse")

    @property
    def trust(self) -> Trust:
        return open_trust(self.files, root=self.files[FIRST_ROOT], at=self.at, expired="refuse")

    def move(self, **delta: float) -> None:
        self.at += timedelta(**delta)

    def key(self, member: str, role: str) -> Signer:
        return self.newcomers.get((member, role)) or self.federation.holder(member, role)

    def signers(self, role: str, members: Iterable[str] = MAJORITY) -> list[Signer]:
        return [self.key(member, role) for member in members]

    def pair(self, member: str) -> list[Signer]:
        return [self.key(member, role) for role in PAIR]

    def tops(self, members: Iterable[str] = MAJORITY) -> list[Signer]:
        """Root and targets keys of these members."""
        return [*self.signers("root", members), *self.signers("targets", members)]

    def signatures(self, raw: bytes, signers: Sequence[Signer]) -> list[ChangeSignature]:
        return [one for key in signers for one in sign_change(raw, key, base=self.base)]

    def apply(self, proposal: Proposal, signers: Sequence[Signer]) -> None:
        raw = format_proposal(proposal)
        self.files |= apply_change(raw, self.signatures(raw, signers), base=self.base, at=self.at)

    def decide(self, proposal: Proposal, signers: Sequence[Signer]) -> Trust:
        """Apply and publish, judged as every node judges it."""
        before, base = self.trust, self.base
        self.apply(proposal, signers)
        self.files |= publish(
            self.files,
            before=base,
            at=self.at,
            snapshot=self.key("IOM", "snapshot"),
            timestamp=self.key("IOM", "timestamp"),
        )
        require_forward(before, self.trust)
        return self.trust

    def alone(self, by: str, *, version: int, snapshot_ends: datetime, timestamp_ends: datetime) -> dict[str, bytes]:
        """The same members, keys and policies, in a snapshot and a timestamp that this registrar alone made."""
        named = {role: (number, self.files[f"metadata/{number}.{role}.json"]) for role, number in self.pinned().items()}
        keys = [self.key(by, role) for role in ("snapshot", "timestamp")]
        raw = write_snapshot(version=version, expires=snapshot_ends, metadata=named, signers=keys[:1])
        stamp = write_timestamp(version=version, expires=timestamp_ends, snapshot=(version, raw), signers=keys[1:])
        return self.files | {f"metadata/{version}.snapshot.json": raw, TIMESTAMP: stamp}

    def pinned(self) -> dict[str, int]:
        """The newest version of every role that a snapshot names."""
        return {role: number for role, number in newest_versions(self.files).items() if role not in UNPINNED}

    def newcomer(self, member: str) -> Application:
        """Everything a new member applies with."""
        roles = {"root": "root", "targets": "targets", PAIR[0]: "delegation", PAIR[1]: "delegation"}
        for role in roles:
            self.newcomers[member, role] = signer(f"{member} {role}")
        own = [
            (
                AppliedKey(purpose=RegistryRole(f"registry-{use}"), key=self.key(member, role).public),
                self.key(member, role),
            )
            for role, use in roles.items()
        ]
        return self._application(member, [*own, *self.fresh(member, *list(KeyPurpose)[:5])], issuer=True)

    def applies(self, member: str, *purposes: KeyUse, label: str = "new") -> Application:
        """New keys for these purposes."""
        return self._application(member, self.fresh(member, *purposes, label=label))

    def fresh(self, member: str, *purposes: KeyUse, label: str = "new") -> list[tuple[AppliedKey, Signer]]:
        made: list[tuple[AppliedKey, Signer]] = []
        for purpose in purposes:
            hybrid = purpose in {KeyPurpose.BUNDLE, KeyPurpose.CONTRACT}
            for algorithm in HYBRID if hybrid else (Algorithm.ED25519,):
                key = signer(f"{member} {purpose} {label}", algorithm)
                kind = NOTE_TYPES.get(purpose) if isinstance(purpose, KeyPurpose) else None
                name = f"{member.lower()}.exchange.example/{purpose}"
                vkey = None if kind is None else note_vkey(name, key.public, kind)
                made.append((AppliedKey(purpose=purpose, key=key.public, vkey=vkey), key))
        return made

    def log_key(self, origin: str) -> SoftwareSigner:
        """The key of a member's next log, by that log's name."""
        return signer(f"log key of {origin}")

    def next_log(self, member: str, origin: str) -> Application:
        """An application for the key of a log of this name."""
        key = self.log_key(origin)
        vkey = note_vkey(origin, key.public, NOTE_TYPES[KeyPurpose.LOG])
        return self._application(member, [(AppliedKey(purpose=KeyPurpose.LOG, key=key.public, vkey=vkey), key)])

    def _application(self, member: str, keys: list[tuple[AppliedKey, Signer]], *, issuer: bool = False) -> Application:
        address = f"http://{member.lower()}.test:8443" if issuer else None
        return open_application(apply_for_keys(keys, member=member, at=self.at, issuer=address), trust=None)
