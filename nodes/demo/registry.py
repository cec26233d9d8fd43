"""A federation founded with throw-away keys: the registry in one folder, each private key where its holder has it.

Who signs what (DESIGN.md §10): root and top-level targets by more than half of the members; a flat delegation per
member with two keys of its own; snapshot and timestamp by one key each of the auditor and two other members. In
earnest each member makes its keys itself and only public parts meet (docs/ceremony.md); here one process plays all, by
the same functions as `exchange trust`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from exchange.codes import Labels
from exchange.errors.trust import RegistryFileError
from exchange.flow.ceremony import Founding, found
from exchange.signing.admission import Application, AppliedKey, apply_for_keys, open_application
from exchange.signing.ceremony import apply_change, sign_change
from exchange.signing.ceremony_form import format_proposal
from exchange.signing.federation import Federation, Membership
from exchange.signing.keys import (
    HYBRID,
    Algorithm,
    KeyPurpose,
    KeyUse,
    Random,
    RegistryRole,
    Signer,
    SoftwareSigner,
    note_vkey,
)
from exchange.signing.members import NOTE_TYPES
from exchange.signing.registrar import publish
from exchange.signing.trust import Trust, majority
from nodes.adapters.clock import Clock
from nodes.adapters.key_files import key_path, write_private_key
from nodes.adapters.trust_folder import load_trust, write_trust_files

HYBRID_PURPOSES = (KeyPurpose.BUNDLE, KeyPurpose.CONTRACT)
SINGLE_PURPOSES = (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS)
_Holders: TypeAlias = dict[tuple[str, KeyUse], list[Signer]]
"""The registry's own keys by member and role, while the founding lasts."""
REGISTRARS = 3
"""Who may publish: the auditor and two more, so that no single one can freeze all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerSpec:
    """An officer by pseudonym, and what the officer may do."""

    id: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpec:
    """A member to be: who it is, where its gateway answers, who its officers are."""

    id: str
    kind: str  # state | organisation
    name: Labels
    issuer: str
    officers: tuple[OfficerSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationSpec:
    """The federation to be founded."""

    name: Labels
    members: tuple[MemberSpec, ...]
    auditor: str

    @property
    def majority(self) -> int:
        """More than half of the members, at least two."""
        return majority(len(self.members))

    @property
    def registrars(self) -> tuple[str, ...]:
        """Who holds snapshot and timestamp keys, the auditor first."""
        others = sorted(member.id for member in self.members if member.id != self.auditor)
        return (self.auditor, *others)[:REGISTRARS]


def standard_officers(member_id: str) -> tuple[OfficerSpec, ...]:
    """One data officer, two clearing officers, one contract officer: the fewest with which four eyes can clear."""
    folder = member_id.lower()
    roles = ("data", "clearing", "clearing", "contract")
    return tuple(OfficerSpec(id=f"{folder}-{number:02d}", roles=(role,)) for number, role in enumerate(roles, start=1))


def found_federation(
    registry: Path,
    federation: FederationSpec,
    *,
    nodes: Mapping[str, Path],
    custody: Path,
    clock: Clock,
    random: Random,
) -> Trust:
    """Write the first state of a registry and every private key, and read it back as any node would.

    Args:
        registry: Where `metadata/` and `targets/` go; must not hold a registry yet.
        federation: Whom to found it with.
        nodes: Each member's node folder; its keys go to `private/` in it.
        custody: Outside all nodes: the registry's own keys, which no node may hold.
        clock: For validity and expiry.
        random: For every seed; `secrets.token_bytes` outside tests.

    Raises:
        RegistryFileError: There is a registry already.
        PrivateKeyFileError: A key file is there already.
    """
    if (registry / "metadata").exists():
        raise RegistryFileError(file=str(registry), reason="holds a registry already")
    at = clock.now().replace(microsecond=0)
    applications: dict[str, Application] = {}
    holders: _Holders = {}
    for member in federation.members:
        keys = _make_node_keys(member, nodes[member.id] / "private", random)
        own = _make_custody_keys(custody / member.id.lower(), random, registrar=member.id in federation.registrars)
        for applied, signer in own:
            holders.setdefault((member.id, applied.purpose), []).append(signer)
        raw = apply_for_keys([*keys, *own], member=member.id, at=at, issuer=member.issuer)
        applications[member.id] = open_application(raw, trust=None)
    founding = Founding(federation=_federation(federation), applications=applications, registrars=federation.registrars)
    write_trust_files(registry, _signed(founding, holders, at))
    return load_trust(registry, at=clock.now())


def _signed(founding: Founding, holders: _Holders, at: datetime) -> dict[str, bytes]:
    """Signed by everybody, published by the auditor."""
    proposal = format_proposal(found(founding, at=at))
    signing = [
        signer
        for (_, role), signers in holders.items()
        if role in {RegistryRole.ROOT, RegistryRole.TARGETS, RegistryRole.DELEGATION}
        for signer in signers
    ]
    signatures = [one for signer in signing for one in sign_change(proposal, signer, base=None)]
    files = apply_change(proposal, signatures, base=None, at=at)
    auditor = founding.federation.auditor
    return files | publish(
        files,
        before=None,
        at=at,
        snapshot=holders[auditor, RegistryRole.SNAPSHOT][0],
        timestamp=holders[auditor, RegistryRole.TIMESTAMP][0],
    )


def _federation(federation: FederationSpec) -> Federation:
    return Federation(
        name=federation.name,
        members={member.id: Membership(kind=member.kind, name=member.name) for member in federation.members},
        auditor=federation.auditor,
    )


def _make_node_keys(spec: MemberSpec, private: Path, random: Random) -> list[tuple[AppliedKey, Signer]]:
    folder = spec.id.lower()
    made: list[tuple[AppliedKey, Signer]] = []
    for purpose in (*HYBRID_PURPOSES, *SINGLE_PURPOSES):
        for algorithm in HYBRID if purpose in HYBRID_PURPOSES else (Algorithm.ED25519,):
            signer = _make_key(key_path(private, purpose, algorithm), purpose, random, algorithm)
            type_byte = NOTE_TYPES.get(purpose)
            name = f"{folder}.exchange.example/{purpose}"
            vkey = None if type_byte is None else note_vkey(name, signer.public, type_byte)
            made.append((AppliedKey(purpose=purpose, key=signer.public, vkey=vkey), signer))
    for officer in spec.officers:
        path = key_path(private, KeyPurpose.OFFICER, Algorithm.ED25519, officer=officer.id)
        signer = _make_key(path, KeyPurpose.OFFICER, random)
        roles = tuple(sorted(officer.roles))
        applied = AppliedKey(purpose=KeyPurpose.OFFICER, key=signer.public, officer=officer.id, roles=roles)
        made.append((applied, signer))
    return made


def _make_custody_keys(custody: Path, random: Random, *, registrar: bool) -> list[tuple[AppliedKey, Signer]]:
    """Root, targets and both delegation keys, in earnest in the hands of two persons; a registrar's two more."""
    files = {
        "root": RegistryRole.ROOT,
        "targets": RegistryRole.TARGETS,
        "delegation-1": RegistryRole.DELEGATION,
        "delegation-2": RegistryRole.DELEGATION,
    }
    if registrar:
        files |= {"snapshot": RegistryRole.SNAPSHOT, "timestamp": RegistryRole.TIMESTAMP}
    made: list[tuple[AppliedKey, Signer]] = []
    for name, role in files.items():
        signer = _make_key(custody / f"{name}.key", role, random)
        made.append((AppliedKey(purpose=role, key=signer.public), signer))
    return made


def _make_key(path: Path, purpose: KeyUse, random: Random, algorithm: Algorithm = Algorithm.ED25519) -> SoftwareSigner:
    signer = SoftwareSigner.generate(algorithm, random=random)
    write_private_key(path, signer, purpose=purpose, passphrase=None, random=random)
    return signer
