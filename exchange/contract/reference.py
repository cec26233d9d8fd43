"""How documents name a contract: id, version and digest together, so that none can be exchanged for another."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from exchange.contract.model import DataContract
from exchange.encoding import MEMBER_ID, Digest, JsonObject, require_members, text_member
from exchange.errors.encoding import FieldError

_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*\Z")
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z", re.ASCII)
_OFFICER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+\Z")
_NAME_CHARACTERS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRef:
    """One version of one contract, and the digest of what was signed."""

    id: str
    version: str
    digest: Digest

    @classmethod
    def of(cls, contract: DataContract) -> "ContractRef":
        """The reference that a document under this contract carries."""
        return cls(id=contract.id, version=contract.version, digest=contract.digest)

    @classmethod
    def parse(cls, value: object, *, subject: str) -> "ContractRef":
        """Read `{id, version, digest}` and nothing else.

        Raises:
            FieldError: Another member, or a spelling that no contract has.
        """
        if not isinstance(value, dict):
            raise FieldError(subject=subject, field="contract", expected="an object", found=type(value).__name__)
        require_members(value, {"id", "version", "digest"}, subject=subject)
        return cls(
            id=_matched(value, "id", _ID, "a contract id such as CA-01-BORDER", subject),
            version=_matched(value, "version", _VERSION, "MAJOR.MINOR.PATCH", subject),
            digest=Digest.parse(value["digest"], subject=f"{subject}: contract"),
        )

    def as_json(self) -> JsonObject:
        """The object as documents carry it."""
        return {"id": self.id, "version": self.version, "digest": str(self.digest)}


def member_id(value: Mapping[str, object], name: str, *, subject: str) -> str:
    """The member id (upper-case letters and digits, from two) under `name`."""
    return _matched(value, name, MEMBER_ID, "a member id such as KZ", subject)


def officer_id(value: Mapping[str, object], name: str, *, subject: str) -> str:
    """The pseudonymous officer id (such as `kz-02`) under `name`."""
    return _matched(value, name, _OFFICER, "an officer id such as kz-02", subject)


def member_ids(value: Mapping[str, object], name: str, *, subject: str) -> tuple[str, ...]:
    """The member ids under `name`: at least one, each once, sorted."""
    found = value.get(name)
    if not isinstance(found, list) or not found:
        raise FieldError(subject=subject, field=name, expected="at least one member id", found=type(found).__name__)
    ids = tuple(member_id({name: item}, name, subject=subject) for item in found)
    if list(ids) != sorted(set(ids)):
        raise FieldError(subject=subject, field=name, expected="member ids sorted, each once", found=", ".join(ids))
    return ids


def _matched(value: Mapping[str, object], name: str, pattern: re.Pattern[str], expected: str, subject: str) -> str:
    text = text_member(value, name, subject=subject)
    if len(text) > _NAME_CHARACTERS_MAX or pattern.match(text) is None:
        raise FieldError(subject=subject, field=name, expected=expected, found=text[:80])
    return text
