"""A change of the registry and a signature over it, as files: parser and formatter side by side.

A proposal is one file that everybody signs the same bytes of; a signature is one file a key and role, made offline and
brought back by any way. What they are worth is `exchange.signing.ceremony`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from tuf.api.metadata import Metadata, Root, Targets
from tuf.api.serialization import DeserializationError, SerializationError

from exchange.encoding import (
    Digest,
    Json,
    JsonObject,
    base64_decode,
    base64_encode,
    canonical_json,
    format_instant,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.encoding import FieldError
from exchange.signing.keys import PublicKey, parse_public_jwk

R = TypeVar("R", Root, Targets)

PROPOSAL_TYPE = "registry-change/1"
SIGNATURE_TYPE = "registry-signature/1"
PROPOSAL_BYTES_MAX = 16 * 1024 * 1024
SIGNATURE_BYTES_MAX = 16 * 1024

_SUBJECT = "registry change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change before or after its signatures.

    Attributes:
        kind: The ceremony: found, add, suspend, …
        subject: Whom it is about: a member's id, or the federation.
        at: When it was proposed.
        base: The registry state it changes; None at a founding.
        metadata: The new metadata of each role it alters, unsigned, in the order in which they are signed.
        targets: The content of every file that the metadata names and the registry may not have yet, by path.
    """

    kind: str
    subject: str
    at: datetime
    base: Digest | None
    metadata: Mapping[str, bytes]
    targets: Mapping[str, bytes] = field(repr=False)

    def new_root(self) -> Root | None:
        """The root it makes, if it makes one."""
        return _signed(self.metadata["root"], Root) if "root" in self.metadata else None

    def new_targets(self) -> Targets | None:
        """The top-level targets it makes, if it makes any."""
        return _signed(self.metadata["targets"], Targets) if "targets" in self.metadata else None

    def version(self, role: str) -> int:
        """The version of a role's new metadata."""
        raw = self.metadata[role]
        return (_signed(raw, Root) if role == "root" else _signed(raw, Targets)).version


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSignature:
    """One key's signature over one role's new metadata."""

    change: Digest
    role: str
    key: PublicKey
    signature: bytes = field(repr=False)


def format_proposal(proposal: Proposal) -> bytes:
    """The bytes of a proposal: RFC 8785."""
    return canonical_json(
        {
            "type": PROPOSAL_TYPE,
            "kind": proposal.kind,
            "subject": proposal.subject,
            "at": format_instant(proposal.at),
            "base": None if proposal.base is None else str(proposal.base),
            "metadata": [{"role": role, "metadata": base64_encode(raw)} for role, raw in proposal.metadata.items()],
            "targets": {path: base64_encode(raw) for path, raw in proposal.targets.items()},
        }
    )


def parse_proposal(raw: bytes) -> Proposal:
    """Read a proposal.

    Raises:
        EncodingError: Any other spelling than `format_proposal` writes.
    """
    document = parse_canonical_object(raw, subject=_SUBJECT, bytes_max=PROPOSAL_BYTES_MAX)
    require_members(document, {"type", "kind", "subject", "at", "base", "metadata", "targets"}, subject=_SUBJECT)
    _require_type(document, PROPOSAL_TYPE)
    targets, base = document["targets"], document["base"]
    if not isinstance(targets, dict):
        raise FieldError(subject=_SUBJECT, field="targets", expected="an object", found="another type")
    return Proposal(
        kind=text_member(document, "kind", subject=_SUBJECT),
        subject=text_member(document, "subject", subject=_SUBJECT),
        at=parse_instant(document["at"], subject=_SUBJECT),
        base=None if base is None else Digest.parse(base, subject=_SUBJECT),
        metadata=_parse_roles(document["metadata"]),
        targets={path: _content(content) for path, content in targets.items()},
    )


def format_signature(signature: ChangeSignature) -> bytes:
    """The bytes of a signature file: RFC 8785."""
    return canonical_json(
        {
            "type": SIGNATURE_TYPE,
            "change": str(signature.change),
            "role": signature.role,
            "key": signature.key.jwk(),
            "signature": base64_encode(signature.signature),
        }
    )


def parse_signature(raw: bytes) -> ChangeSignature:
    """Read a signature file; it is not verified.

    Raises:
        EncodingError, TrustError: Any other spelling than `format_signature` writes, or a key that must not enter.
    """
    document = parse_canonical_object(raw, subject=_SUBJECT, bytes_max=SIGNATURE_BYTES_MAX)
    require_members(document, {"type", "change", "role", "key", "signature"}, subject=_SUBJECT)
    _require_type(document, SIGNATURE_TYPE)
    jwk = document["key"]
    if not isinstance(jwk, dict):
        raise FieldError(subject=_SUBJECT, field="key", expected="an object", found="another type")
    return ChangeSignature(
        change=Digest.parse(document["change"], subject=_SUBJECT),
        role=text_member(document, "role", subject=_SUBJECT),
        key=parse_public_jwk(jwk, subject=_SUBJECT),
        signature=_content(document["signature"]),
    )


def _signed(raw: bytes, kind: type[R]) -> R:
    try:
        metadata: Metadata[R] = Metadata.from_bytes(raw)
    except DeserializationError as error:
        raise FieldError(subject=_SUBJECT, field="metadata", expected="TUF metadata", found="another form") from error
    if not isinstance(metadata.signed, kind):
        raise FieldError(subject=_SUBJECT, field="metadata", expected=kind.type, found="another type")
    return metadata.signed


def _content(value: Json) -> bytes:
    if not isinstance(value, str):
        raise FieldError(subject=_SUBJECT, field="content", expected="base64", found="another type")
    return base64_decode(value, subject=_SUBJECT)


def _parse_roles(value: Json) -> dict[str, bytes]:
    entries = [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
    roles: dict[str, bytes] = {}
    for entry in entries:
        require_members(entry, {"role", "metadata"}, subject=_SUBJECT)
        role = text_member(entry, "role", subject=_SUBJECT)
        roles[role] = _metadata(_content(entry["metadata"]))
    if not roles or not isinstance(value, list) or len(roles) != len(value):
        raise FieldError(subject=_SUBJECT, field="metadata", expected="a list of roles, each once", found="another")
    return roles


def _metadata(raw: bytes) -> bytes:
    """The bytes of metadata that can be signed: TUF reads them, and its canonical JSON writes all that they hold."""
    try:
        Metadata.from_bytes(raw).signed_bytes  # noqa: B018  # only whether it can be written
    except (DeserializationError, SerializationError) as error:
        raise FieldError(subject=_SUBJECT, field="metadata", expected="TUF metadata", found="another form") from error
    return raw


def _require_type(document: JsonObject, expected: str) -> None:
    found = text_member(document, "type", subject=_SUBJECT)
    if found != expected:
        raise FieldError(subject=_SUBJECT, field="type", expected=expected, found=found[:32])
