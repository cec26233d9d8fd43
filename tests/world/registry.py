"""A registry that a test may publish again, rightly or wrongly: everything is signed by real keys of a federation."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from exchange.encoding import canonical_json
from exchange.signing.authoring import (
    Authority,
    target_file,
    write_root,
    write_snapshot,
    write_targets,
    write_timestamp,
)
from exchange.signing.keys import SoftwareSigner
from exchange.signing.trust import Trust, open_trust
from nodes.adapters.trust_folder import read_trust_files
from tests.world.clock import FOUNDED
from tests.world.federation import SEVEN, Federation

LATER = FOUNDED + timedelta(hours=1)


@dataclass
class Registry:
    """The files of a registry at version 1, and what a next version is made of."""

    federation: Federation
    members: Sequence[str] = SEVEN
    files: dict[str, bytes] = field(init=False)
    version: int = 1

    def __post_init__(self) -> None:
        self.files = read_trust_files(self.federation.registry)

    @property
    def root(self) -> bytes:
        return self.files["metadata/1.root.json"]

    def holders(self, role: str, members: Sequence[str] | None = None) -> list[SoftwareSigner]:
        return [self.federation.holder(member, role) for member in members or self.members]

    def pair(self, member: str) -> list[SoftwareSigner]:
        return self.holders("delegation-1", [member]) + self.holders("delegation-2", [member])

    def target(self, path: str) -> bytes:
        """The content of a target of version 1."""
        folder, slash, name = path.rpartition("/")
        return next(
            raw
            for file, raw in self.files.items()
            if file.startswith(f"targets/{folder}{slash}") and file.endswith(f".{name}")
        )

    def top_targets(self) -> dict[str, bytes]:
        policies = [f"policy/{member.lower()}.tlog-policy" for member in self.members]
        return {path: self.target(path) for path in ["federation.json", *policies]}

    def publish(
        self,
        *,
        at: datetime = FOUNDED,
        targets: Mapping[str, bytes] | None = None,
        targets_signers: Sequence[SoftwareSigner] | None = None,
        keys: Mapping[str, Mapping[str, bytes]] | None = None,
        keys_signers: Mapping[str, Sequence[SoftwareSigner]] | None = None,
        delegations: Mapping[str, Authority] | None = None,
        snapshot_signers: Sequence[SoftwareSigner] | None = None,
        timestamp_signers: Sequence[SoftwareSigner] | None = None,
    ) -> dict[str, bytes]:
        """The next version.

        Args:
            at: When; lives count from here. Delegations in `keys` are made anew, others keep version and life.
            targets: Top-level targets by path.
            targets_signers: Who signs them; everybody if None.
            keys: By member (lower case), that role's targets by path.
            keys_signers: By member, who signs its role; its own two keys if absent.
            delegations: Added to or in place of the members' own.
            snapshot_signers: Of the snapshot; the auditor if None.
            timestamp_signers: Of the timestamp; the auditor if None.
        """
        self.version += 1
        files = dict(self.files)
        targets = self.top_targets() if targets is None else targets
        authorities = {
            member.lower(): Authority(keys=tuple(key.public for key in self.pair(member)), threshold=2)
            for member in self.members
        } | dict(delegations or {})
        signed = {member.lower(): (1, self.files[f"metadata/1.{member.lower()}.json"]) for member in self.members}
        for member, own in (keys or {}).items():
            signers = (keys_signers or {}).get(member) or self.pair(member.upper())
            raw = write_targets(version=self.version, expires=at + timedelta(days=90), targets=own, signers=signers)
            signed[member] = (self.version, raw)
            files |= {target_file(path, content): content for path, content in own.items()}
        raw = write_targets(
            version=self.version,
            expires=at + timedelta(days=365),
            targets=targets,
            signers=self.holders("targets") if targets_signers is None else targets_signers,
            members=authorities,
        )
        signed["targets"] = (self.version, raw)
        files |= {target_file(path, content): content for path, content in targets.items()}
        files |= {f"metadata/{version}.{role}.json": raw for role, (version, raw) in signed.items()}
        auditor = [self.members[-1]]
        snapshot = write_snapshot(
            version=self.version,
            expires=at + timedelta(days=30),
            metadata=signed,
            signers=snapshot_signers or self.holders("snapshot", auditor),
        )
        files[f"metadata/{self.version}.snapshot.json"] = snapshot
        files["metadata/timestamp.json"] = write_timestamp(
            version=self.version,
            expires=at + timedelta(days=7),
            snapshot=(self.version, snapshot),
            signers=timestamp_signers or self.holders("timestamp", auditor),
        )
        return files

    def next_root(
        self,
        *,
        signers: Sequence[SoftwareSigner],
        root: Authority | None = None,
        targets: Authority | None = None,
        version: int = 2,
        at: datetime = FOUNDED,
    ) -> bytes:
        """A root with other authorities where given, signed by whom the test wants."""
        registrars = sorted(path.parent.name for path in self.federation.custody.glob("*/snapshot.key"))

        def public(role: str, members: Sequence[str]) -> Authority:
            keys = tuple(holder.public for holder in self.holders(role, members))
            return Authority(keys=keys, threshold=1 if role in {"snapshot", "timestamp"} else 4)

        return write_root(
            version=version,
            expires=at + timedelta(days=365),
            roles={
                "root": root or public("root", self.members),
                "targets": targets or public("targets", self.members),
                "snapshot": public("snapshot", registrars),
                "timestamp": public("timestamp", registrars),
            },
            signers=signers,
        )


def opened(registry: Registry, files: dict[str, bytes], at: datetime = LATER) -> Trust:
    return open_trust(files, root=registry.root, at=at, expired="refuse")


def keys_of(registry: Registry, member: str, change: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    """A member's keys.json after a change, as that member's role publishes it."""
    path = f"members/{member}/keys.json"
    document = json.loads(registry.target(path))
    change(document)
    return {path: canonical_json(document)}


def same(document: dict[str, Any]) -> None:
    """No change."""


def federation_of(registry: Registry, change: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    document = json.loads(registry.target("federation.json"))
    change(document)
    return registry.top_targets() | {"federation.json": canonical_json(document)}
