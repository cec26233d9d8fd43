"""How the registry is written: TUF metadata made from values and signed behind the `Signer` port.

The reader (`exchange.signing.registry`) accepts exactly what stands here: consistent snapshots, one key per role and
holder, every meta entry with length and SHA-256, flat delegations of `members/<id>/*`. Without signers, metadata is
written to be signed elsewhere: `signing_input` is what each key signs, `with_signatures` puts them together.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from securesystemslib.signer import Key, Signature, SSlibKey
from tuf.api.metadata import (
    SPECIFICATION_VERSION,
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from exchange.encoding import Digest, canonical_json
from exchange.errors.trust import KeyKindError
from exchange.signing.keys import Algorithm, PublicKey, Signer

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)
_SPECIFICATION = ".".join(SPECIFICATION_VERSION)

ROOT_LIFE = TARGETS_LIFE = timedelta(days=365)
DELEGATION_LIFE = timedelta(days=90)
SNAPSHOT_LIFE = timedelta(days=30)
"""Exactly: a snapshot's time of issue is its expiry less this (`exchange.signing.history`)."""
TIMESTAMP_LIFE = timedelta(days=7)

HOLDER = "x-exchange-holder"
"""Which member holds a registry key; stands in the key as tuf-on-ci's `x-tuf-on-ci-keyowner` does, and is signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The keys of a role, how many of them must sign, and which member holds each (empty: not said)."""

    keys: tuple[PublicKey, ...]
    threshold: int
    holders: tuple[str, ...] = ()

    def held(self) -> tuple[tuple[PublicKey, str | None], ...]:
        """Each key with its holder."""
        return tuple(zip(self.keys, self.holders or [None] * len(self.keys), strict=True))


def registry_key(public: PublicKey, *, holder: str | None = None) -> SSlibKey:
    """The TUF form of an Ed25519 key; its id is SHA-256 over the canonical form (TUF specification §4.2)."""
    if public.algorithm is not Algorithm.ED25519:
        raise KeyKindError(subject="registry key", found=public.algorithm)
    described = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public.raw.hex()}}
    keyid = hashlib.sha256(canonical_json(described)).hexdigest()  # the same bytes as OLPC canonical JSON here
    extra = {} if holder is None else {HOLDER: holder}
    return SSlibKey(keyid, "ed25519", "ed25519", {"public": public.raw.hex()}, extra)


def write_root(*, version: int, expires: datetime, roles: Mapping[str, Authority], signers: Sequence[Signer]) -> bytes:
    """root.json: who holds the four top-level roles; `roles` has root, targets, snapshot and timestamp."""
    return _sign(
        Root(
            version=version,
            spec_version=_SPECIFICATION,
            expires=expires,
            keys=_keys(roles),
            roles={name: Role(_keyids(role), role.threshold) for name, role in roles.items()},
            consistent_snapshot=True,
        ),
        signers,
    )


def write_targets(
    *,
    version: int,
    expires: datetime,
    targets: Mapping[str, bytes],
    signers: Sequence[Signer],
    members: Mapping[str, Authority] | None = None,
) -> bytes:
    """targets.json, or a member's own role if `members` is None: the signed files, and the flat delegations."""
    delegations = None
    if members is not None:
        delegations = Delegations(
            keys=_keys(members),
            roles={
                name: DelegatedRole(name, _keyids(role), role.threshold, terminating=True, paths=[f"members/{name}/*"])
                for name, role in members.items()
            },
        )
    return _sign(
        Targets(
            version=version,
            spec_version=_SPECIFICATION,
            expires=expires,
            targets={path: TargetFile.from_data(path, content, ["sha256"]) for path, content in targets.items()},
            delegations=delegations,
        ),
        signers,
    )


def write_snapshot(
    *, version: int, expires: datetime, metadata: Mapping[str, tuple[int, bytes]], signers: Sequence[Signer]
) -> bytes:
    """snapshot.json over version and bytes of every targets role, by role name."""
    meta = {f"{role}.json": _pin(number, raw) for role, (number, raw) in metadata.items()}
    return _sign(Snapshot(version=version, spec_version=_SPECIFICATION, expires=expires, meta=meta), signers)


def write_timestamp(
    *, version: int, expires: datetime, snapshot: tuple[int, bytes], signers: Sequence[Signer]
) -> bytes:
    """timestamp.json over version and bytes of the snapshot."""
    return _sign(
        Timestamp(version=version, spec_version=_SPECIFICATION, expires=expires, snapshot_meta=_pin(*snapshot)),
        signers,
    )


def target_file(path: str, content: bytes) -> str:
    """Where a signed file lies under `targets/` (consistent snapshots: its SHA-256 before its name)."""
    folder, slash, name = path.rpartition("/")
    return f"targets/{folder}{slash}{Digest.of(content).hex}.{name}"


def signing_input(raw: bytes) -> bytes:
    """What a key signs of a metadata file: the canonical form of its signed part, as python-tuf forms it."""
    metadata: Metadata[Root] = Metadata.from_bytes(raw)  # of whatever type: the form is the same
    return metadata.signed_bytes


def with_signatures(raw: bytes, signatures: Sequence[tuple[PublicKey, bytes]]) -> bytes:
    """A metadata file with exactly these signatures, in this order."""
    metadata: Metadata[Root] = Metadata.from_bytes(raw)
    metadata.signatures.clear()
    for public, signature in signatures:
        keyid = registry_key(public).keyid
        metadata.signatures[keyid] = Signature(keyid, signature.hex())
    return metadata.to_bytes(JSONSerializer(compact=True))


def _keys(roles: Mapping[str, Authority]) -> dict[str, Key]:
    keys = [registry_key(public, holder=holder) for role in roles.values() for public, holder in role.held()]
    return {key.keyid: key for key in keys}


def _pin(version: int, raw: bytes) -> MetaFile:
    return MetaFile(version=version, length=len(raw), hashes={"sha256": Digest.of(raw).hex})


def _keyids(role: Authority) -> list[str]:
    return [registry_key(public).keyid for public in role.keys]


def _sign(signed: S, signers: Sequence[Signer]) -> bytes:
    metadata: Metadata[S] = Metadata(signed)
    content = metadata.signed_bytes
    for signer in signers:
        keyid = registry_key(signer.public).keyid
        metadata.signatures[keyid] = Signature(keyid, signer.sign(content).hex())
    return metadata.to_bytes(JSONSerializer(compact=True))
