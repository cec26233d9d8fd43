"""Members that make their keys and found a federation by the program's own commands, in a folder; keys in clear."""

import io
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exchange.signing.admission import AppliedKey, apply_for_keys
from exchange.signing.keys import HYBRID, Algorithm, KeyPurpose, KeyUse, RegistryRole, Signer, SoftwareSigner, note_vkey
from exchange.signing.members import NOTE_TYPES
from nodes.adapters.clock import SystemClock
from nodes.adapters.key_files import key_path, write_private_key
from nodes.cli.main import main
from nodes.demo.registry import standard_officers
from nodes.terminal import Output

CUSTODY = {
    "root": RegistryRole.ROOT,
    "targets": RegistryRole.TARGETS,
    "delegation-1": RegistryRole.DELEGATION,
    "delegation-2": RegistryRole.DELEGATION,
}
REGISTRAR = {"snapshot": RegistryRole.SNAPSHOT, "timestamp": RegistryRole.TIMESTAMP}
PAIR = ("delegation-1", "delegation-2")


@dataclass
class Founders:
    """Everybody's folders, and the commands by which the registry changes."""

    home: Path
    auditor: str
    registrars: Sequence[str]
    changes: int = field(default=0)

    @property
    def registry(self) -> Path:
        return self.home / "registry"

    def private(self, member: str) -> Path:
        return self.home / member.lower() / "private"

    def custody(self, member: str, role: str) -> Path:
        return self.home / "custody" / member.lower() / f"{role}.key"

    def run(self, *words: str, expect: int = 0) -> dict[str, Any]:
        """A command as a program calls it, in this process."""
        out, err = io.StringIO(), io.StringIO()
        code = main(["--json", *words], output=Output(json=True, language="en", out=out, err=err))
        assert code == expect, (words, code, out.getvalue(), err.getvalue())
        found: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
        return found

    # --- keys ------------------------------------------------------------------------------------------------------

    def applies(self, member: str, *, issuer: str) -> Path:
        """All keys of a new member, and its application."""
        keys: list[tuple[AppliedKey, Signer]] = []
        for purpose in list(KeyPurpose)[:5]:
            keys += self.make(member, purpose)
        for officer in standard_officers(member):
            path = key_path(self.private(member), KeyPurpose.OFFICER, Algorithm.ED25519, officer=officer.id)
            signer = self._write(path, KeyPurpose.OFFICER)
            applied = AppliedKey(
                purpose=KeyPurpose.OFFICER, key=signer.public, officer=officer.id, roles=tuple(sorted(officer.roles))
            )
            keys.append((applied, signer))
        for role, use in (CUSTODY | (REGISTRAR if member in self.registrars else {})).items():
            signer = self._write(self.custody(member, role), use)
            keys.append((AppliedKey(purpose=use, key=signer.public), signer))
        return self.application(member, keys, issuer=issuer)

    def make(self, member: str, purpose: KeyPurpose, *, label: str = "") -> list[tuple[AppliedKey, Signer]]:
        """New keys for a purpose, laid where the node looks for them or beside."""
        made: list[tuple[AppliedKey, Signer]] = []
        for algorithm in HYBRID if purpose in {KeyPurpose.BUNDLE, KeyPurpose.CONTRACT} else (Algorithm.ED25519,):
            path = key_path(self.private(member) / label, purpose, algorithm)
            signer = self._write(path, purpose)
            name, kind = f"{member.lower()}.exchange.example/{purpose}", NOTE_TYPES.get(purpose)
            vkey = None if kind is None else note_vkey(name, signer.public, kind)
            made.append((AppliedKey(purpose=purpose, key=signer.public, vkey=vkey), signer))
        return made

    def application(self, member: str, keys: list[tuple[AppliedKey, Signer]], *, issuer: str | None = None) -> Path:
        self.changes += 1
        path = self.home / f"{member.lower()}-{self.changes}.application"
        at = SystemClock().now().replace(microsecond=0)
        path.write_bytes(apply_for_keys(keys, member=member, at=at, issuer=issuer))
        return path

    def _write(self, path: Path, use: KeyUse, algorithm: Algorithm | None = None) -> SoftwareSigner:
        found = Algorithm.ML_DSA_65 if "ml-dsa" in path.name else Algorithm.ED25519
        signer = SoftwareSigner.generate(algorithm or found, random=secrets.token_bytes)
        write_private_key(path, signer, purpose=use, passphrase=None, random=secrets.token_bytes)
        return signer

    # --- ceremonies ------------------------------------------------------------------------------------------------

    def found(self, members: Sequence[str], applications: Sequence[Path]) -> None:
        """The first state, published."""
        lines = [
            'name = { en = "Six", ru = "Шесть" }',
            f'auditor = "{self.auditor}"',
            f"registrars = {json.dumps(list(self.registrars))}",
            *(f'[members.{m}]\nkind = "state"\nname = {{ en = "{m}", ru = "Ч{m}" }}' for m in members),
        ]
        (self.home / "federation.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        words = [word for path in applications for word in ("--application", str(path))]
        change = self.propose("found", "--federation", str(self.home / "federation.toml"), *words, registry=False)
        signers = [self.custody(member, role) for member in members for role in CUSTODY]
        self.sign(change, signers, registry=False)
        self.apply(change)
        self.publish()

    def decide(self, *words: str, signers: Sequence[Path], to: Sequence[Path] = ()) -> int:
        """Propose, sign, apply and publish; the new version."""
        change = self.propose(*words)
        self.sign(change, signers)
        self.apply(change)
        return self.publish(*to)

    def propose(self, *words: str, registry: bool = True) -> Path:
        self.changes += 1
        change = self.home / f"change-{self.changes}"
        self.run("trust", "propose", *words, "-o", str(change), *self._registry(asked=registry))
        return change

    def sign(self, change: Path, signers: Sequence[Path], *, registry: bool = True) -> None:
        keys = [word for path in signers for word in ("--key", str(path))]
        self.run("trust", "sign", str(change), "--demo", *keys, *self._registry(asked=registry))

    def apply(self, change: Path, *, expect: int = 0) -> dict[str, Any]:
        return self.run("trust", "apply", str(change), "--registry", str(self.registry), expect=expect)

    def publish(self, *to: Path) -> int:
        keys = [str(self.custody(self.auditor, role)) for role in REGISTRAR]
        words = ["--demo", "--key", keys[0], "--key", keys[1], *(word for path in to for word in ("--to", str(path)))]
        return int(self.run("trust", "publish", "--registry", str(self.registry), *words)["version"])

    def _registry(self, *, asked: bool) -> list[str]:
        return ["--registry", str(self.registry)] if asked else []
