"""An evidence file: what a finding of the audit rests on, so that anybody can decide it again without the auditor.

It holds the audit's own inputs, cut down to the members and the bundle in question: whole logs (what is *not* in a log
is shown by all that is), the checkpoints that convict them, signed evidence, a bundle's files but its data, contracts.
Whoever reads it believes none of it: every piece is signed by a member, or hashed by something that is.

One canonical JSON document:

    {"type": "audit-evidence/1", "at", "finding": {"code", "party", "entries": [{"member", "index"}]},
     "logs": [{"member", "checkpoints": [base64], "entries": [base64]}], "signed": [base64],
     "unanswered": [{"member", "digest"}], "publications": [{"bundle", "files": {name: base64}}], "contracts": [base64]}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exchange.encoding import (
    Digest,
    Json,
    JsonObject,
    base64_decode,
    base64_encode,
    canonical_json,
    format_instant,
    int_member,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.encoding import FieldError
from exchange.manifest import DATA

DOSSIER_TYPE = "audit-evidence/1"
DOSSIER_BYTES_MAX = 256 * 1024 * 1024
_SUBJECT = "evidence file"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCopy:
    """A log from its first entry on, with checkpoints that its member signed; the longest covers all entries."""

    member: str
    checkpoints: tuple[bytes, ...] = field(repr=False)
    entries: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What the file is to prove: the finding's code, the party at fault, the entries it rests on."""

    code: str
    party: str
    entries: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """The content of an evidence file, unverified.

    Attributes:
        at: When the audit decided; deadlines are judged at this time.
        signed: Statements, requests, deliveries and receipts, by the digest of their bytes.
        unanswered: Evidence that a member's log names and that it did not show to the auditor: the auditor's own word.
        publications: The files of bundles by bundle and name, never `data.csv`.
        contracts: Contract files.
    """

    at: datetime
    charge: Charge
    logs: tuple[LogCopy, ...]
    signed: Mapping[Digest, bytes] = field(repr=False)
    unanswered: frozenset[tuple[str, Digest]]
    publications: Mapping[Digest, Mapping[str, bytes]] = field(repr=False)
    contracts: tuple[bytes, ...] = field(repr=False)


def format_dossier(dossier: Dossier) -> bytes:
    """The RFC 8785 bytes of an evidence file."""
    charge = dossier.charge
    return canonical_json(
        {
            "type": DOSSIER_TYPE,
            "at": format_instant(dossier.at),
            "finding": {
                "code": charge.code,
                "party": charge.party,
                "entries": [{"member": member, "index": index} for member, index in charge.entries],
            },
            "logs": [
                {
                    "member": log.member,
                    "checkpoints": [base64_encode(note) for note in log.checkpoints],
                    "entries": [base64_encode(entry) for entry in log.entries],
                }
                for log in dossier.logs
            ],
            "signed": [base64_encode(dossier.signed[digest]) for digest in sorted(dossier.signed)],
            "unanswered": [{"member": member, "digest": str(digest)} for member, digest in sorted(dossier.unanswered)],
            "publications": [
                {"bundle": str(bundle), "files": {name: base64_encode(raw) for name, raw in files.items()}}
                for bundle, files in sorted(dossier.publications.items())
            ],
            "contracts": [base64_encode(raw) for raw in dossier.contracts],
        }
    )


def parse_dossier(raw: bytes) -> Dossier:
    """Read an evidence file, unverified.

    Raises:
        EncodingError: Not the one legal form, or it holds a bundle's data.
    """
    document = parse_canonical_object(raw, subject=_SUBJECT, bytes_max=DOSSIER_BYTES_MAX)
    require_members(
        document,
        {"type", "at", "finding", "logs", "signed", "unanswered", "publications", "contracts"},
        subject=_SUBJECT,
    )
    if document["type"] != DOSSIER_TYPE:
        raise FieldError(subject=_SUBJECT, field="type", expected=DOSSIER_TYPE, found=str(document["type"])[:40])
    dossier = Dossier(
        at=parse_instant(document["at"], subject=_SUBJECT),
        charge=_charge(document["finding"]),
        logs=tuple(_log(one) for one in _objects(document, "logs")),
        signed={Digest.of(one): one for one in _all_bytes(document, "signed")},
        unanswered=frozenset(_unanswered(one) for one in _objects(document, "unanswered")),
        publications=dict(_publication(one) for one in _objects(document, "publications")),
        contracts=_all_bytes(document, "contracts"),
    )
    if len({log.member for log in dossier.logs}) != len(dossier.logs):
        raise FieldError(subject=_SUBJECT, field="logs", expected="one of each member", found="two of one")
    if format_dossier(dossier) != raw:
        raise FieldError(subject=_SUBJECT, field="lists", expected="sorted, nothing twice", found="another order")
    return dossier


def _charge(found: Json) -> Charge:
    document = _object(found, "finding")
    require_members(document, {"code", "party", "entries"}, subject=_SUBJECT)
    return Charge(
        code=text_member(document, "code", subject=_SUBJECT),
        party=text_member(document, "party", subject=_SUBJECT),
        entries=tuple(_place(one) for one in _objects(document, "entries")),
    )


def _place(document: JsonObject) -> tuple[str, int]:
    require_members(document, {"member", "index"}, subject=_SUBJECT)
    return text_member(document, "member", subject=_SUBJECT), int_member(document, "index", subject=_SUBJECT)


def _log(document: JsonObject) -> LogCopy:
    require_members(document, {"member", "checkpoints", "entries"}, subject=_SUBJECT)
    return LogCopy(
        member=text_member(document, "member", subject=_SUBJECT),
        checkpoints=_all_bytes(document, "checkpoints"),
        entries=_all_bytes(document, "entries"),
    )


def _unanswered(document: JsonObject) -> tuple[str, Digest]:
    require_members(document, {"member", "digest"}, subject=_SUBJECT)
    return text_member(document, "member", subject=_SUBJECT), Digest.parse(document["digest"], subject=_SUBJECT)


def _publication(document: JsonObject) -> tuple[Digest, dict[str, bytes]]:
    require_members(document, {"bundle", "files"}, subject=_SUBJECT)
    files = {name: _bytes(one) for name, one in _object(document["files"], "files").items()}
    if DATA in files:
        raise FieldError(subject=_SUBJECT, field="files", expected=f"no {DATA}", found=DATA)
    return Digest.parse(document["bundle"], subject=_SUBJECT), files


def _objects(document: JsonObject, name: str) -> list[JsonObject]:
    return [_object(one, name) for one in _list(document, name)]


def _all_bytes(document: JsonObject, name: str) -> tuple[bytes, ...]:
    return tuple(_bytes(one) for one in _list(document, name))


def _list(document: JsonObject, name: str) -> list[Json]:
    found = document[name]
    if not isinstance(found, list):
        raise FieldError(subject=_SUBJECT, field=name, expected="a list", found=type(found).__name__)
    return found


def _object(found: Json, name: str) -> JsonObject:
    if not isinstance(found, dict):
        raise FieldError(subject=_SUBJECT, field=name, expected="an object", found=type(found).__name__)
    return found


def _bytes(found: Json) -> bytes:
    if not isinstance(found, str):
        raise FieldError(subject=_SUBJECT, field="content", expected="base64", found=type(found).__name__)
    return base64_decode(found, subject=_SUBJECT)
