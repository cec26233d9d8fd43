"""The manifest `datapackage.json`: what a bundle consists of, under which contract, for whom (DESIGN.md §7).

It is a valid Data Package descriptor, so that any statistician's tool opens the folder, and its SHA-256 is the bundle
digest. Everything in it that is not said by a field of `Manifest` follows from one that is: the parser reads the
fields, writes the document again, and refuses other bytes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from exchange.codes import parse_period
from exchange.contract.reference import ContractRef, member_id, member_ids
from exchange.encoding import (
    Digest,
    Json,
    JsonObject,
    canonical_json,
    format_instant,
    int_member,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.bundle import ResourceDigestError, ResourceSizeError, SupersedesError
from exchange.errors.encoding import FieldError
from exchange.labels import (
    Licence,
    Source,
    labels_digest,
    licences_json,
    parse_licences,
    parse_sources,
    short_text,
    sources_json,
)

MANIFEST = "datapackage.json"
DATA = "data.csv"
DISCLOSURE = "disclosure.json"
CLEARANCE = "clearance.json"

MANIFEST_BYTES_MAX = 64 * 1024
LEADING_COLUMNS = ("STRUCTURE", "STRUCTURE_ID", "ACTION")
SALT_PATTERN = "[A-Z2-7]{26}"

_SUBJECT = MANIFEST
_FORMATS = {
    DATA: ("csv", "text/csv"),
    DISCLOSURE: ("json", "application/json"),
    CLEARANCE: ("json", "application/json"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One file that the manifest vouches for."""

    path: str
    size_bytes: int
    digest: Digest

    @classmethod
    def of(cls, path: str, content: bytes) -> "Resource":
        """The resource entry of these bytes."""
        return cls(path=path, size_bytes=len(content), digest=Digest.of(content))

    def require(self, content: bytes) -> None:
        """Refuse bytes other than the declared ones.

        Raises:
            ResourceSizeError: Another length.
            ResourceDigestError: Another SHA-256.
        """
        if len(content) != self.size_bytes:
            raise ResourceSizeError(path=self.path, expected=self.size_bytes, found=len(content))
        computed = Digest.of(content)
        if computed != self.digest:
            raise ResourceDigestError(path=self.path, expected=str(self.digest), computed=str(computed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A bundle's identity, its readers and its files.

    Attributes:
        dimensions: The contract's dimension ids in the order of the columns, TIME_PERIOD not among them.
        whole: Whether values are whole numbers (the contract has no decimals).
    """

    title: str
    provider: str
    contract: ContractRef
    period: str
    revision: int
    supersedes: Digest | None
    recipients: tuple[str, ...]
    not_before: datetime
    dimensions: tuple[str, ...]
    whole: bool
    data: Resource
    disclosure: Resource
    clearance: Resource
    sources: tuple[Source, ...] = ()
    licences: tuple[Licence, ...] = ()

    @property
    def name(self) -> str:
        """The Data Package name, such as `kz-ca-01-border-2026-09-r0`, or `…-r0-kg` for KG alone."""
        return bundle_name(self.provider, self.contract.id, self.period, self.revision, self.recipients)

    @property
    def identity(self) -> tuple[str, str, str, tuple[str, ...], int]:
        """What no second bundle may share: provider, contract id without version, period, recipients, revision."""
        return (self.provider, self.contract.id, self.period, self.recipients, self.revision)

    @property
    def labels(self) -> Digest:
        """What officers cleared of the bundle's own words; see `labels_digest`."""
        return labels_digest(self.title, self.sources, self.licences)

    @property
    def resources(self) -> tuple[Resource, Resource, Resource]:
        """The three files the manifest vouches for, in the manifest's order."""
        return (self.data, self.disclosure, self.clearance)


class _Identity(TypedDict):
    provider: str
    contract: ContractRef
    period: str
    revision: int
    supersedes: Digest | None
    recipients: tuple[str, ...]
    not_before: datetime


def bundle_digest(manifest_bytes: bytes) -> Digest:
    """The name of a bundle everywhere: SHA-256 of the bytes of `datapackage.json`."""
    return Digest.of(manifest_bytes)


def bundle_name(provider: str, contract_id: str, period: str, revision: int, recipients: tuple[str, ...]) -> str:
    """The Data Package name; a bundle for one reader alone is named after it, as others may get other cells."""
    reader = f"-{recipients[0]}" if len(recipients) == 1 else ""
    return f"{provider}-{contract_id}-{period}-r{revision}{reader}".lower()


def columns(dimensions: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of data.csv: SDMX-CSV 2.1 with a constant salt at the end."""
    attributes = ("OBS_VALUE", "OBS_STATUS", "CONF_STATUS", "RELEASE_SALT")
    return (*LEADING_COLUMNS, *dimensions, "TIME_PERIOD", *attributes)


def format_manifest(manifest: Manifest) -> bytes:
    """The RFC 8785 bytes of `datapackage.json`."""
    document: JsonObject = {
        "name": manifest.name,
        "title": manifest.title,
        "resources": [_resource_json(resource, manifest) for resource in manifest.resources],
        "exchange": {
            "v": 1,
            "provider": manifest.provider,
            "contract": manifest.contract.as_json(),
            "period": manifest.period,
            "revision": manifest.revision,
            "supersedes": None if manifest.supersedes is None else str(manifest.supersedes),
            "recipients": list(manifest.recipients),
            "not_before": format_instant(manifest.not_before),
        },
    }
    if manifest.sources:
        document["sources"] = sources_json(manifest.sources)
    if manifest.licences:
        document["licenses"] = licences_json(manifest.licences)
    return canonical_json(document)


def parse_manifest(raw: bytes) -> Manifest:
    """Read `datapackage.json`; whatever `format_manifest` would not write is refused.

    Raises:
        JsonError, CanonicalJsonError: Not RFC 8785 bytes.
        FieldError: A member that is missing, unknown, or differs from what follows from the others.
        SupersedesError: A revision without predecessor, or a first release with one.
    """
    document = parse_canonical_object(raw, subject=_SUBJECT, bytes_max=MANIFEST_BYTES_MAX)
    require_members(
        document,
        {"name", "title", "resources", "exchange"},
        optional=frozenset({"sources", "licenses"}),
        subject=_SUBJECT,
    )
    resources, dimensions, whole = _parse_resources(document["resources"])
    manifest = Manifest(
        title=short_text(document, "title", subject=_SUBJECT),
        dimensions=dimensions,
        whole=whole,
        data=resources[0],
        disclosure=resources[1],
        clearance=resources[2],
        sources=parse_sources(document.get("sources", []), subject=f"{_SUBJECT}: sources"),
        licences=parse_licences(document.get("licenses", []), subject=f"{_SUBJECT}: licenses"),
        **_parse_exchange(document["exchange"]),
    )
    again = format_manifest(manifest)
    if again != raw:
        raise FieldError(
            subject=_SUBJECT,
            field=_first_difference(document, parse_canonical_object(again, subject=_SUBJECT)),
            expected="what follows from the other members",
            found="another value",
        )
    return manifest


def require_supersedes(revision: int, supersedes: Digest | None, *, subject: str) -> None:
    """Refuse a first release that supersedes something, and a later one that does not say what.

    Raises:
        SupersedesError: Either of them.
    """
    if (revision == 0) != (supersedes is None):
        raise SupersedesError(subject=subject, revision=revision)


def _resource_json(resource: Resource, manifest: Manifest) -> JsonObject:
    kind, media_type = _FORMATS[resource.path]
    described: JsonObject = {
        "name": resource.path.split(".")[0],
        "type": "table" if resource.path == DATA else "json",
        "path": resource.path,
        "format": kind,
        "mediatype": media_type,
        "bytes": resource.size_bytes,
        "hash": str(resource.digest),
    }
    if resource.path == DATA:
        described["schema"] = _schema(manifest.dimensions, whole=manifest.whole)
    return described


def _schema(dimensions: tuple[str, ...], *, whole: bool) -> JsonObject:
    """The Table Schema of data.csv; codes and periods are strings, or `NO` and `2026` would be read as else."""
    keys = {*dimensions, "TIME_PERIOD"}
    constraints: dict[str, JsonObject] = {
        "STRUCTURE": {"required": True, "enum": ["dataflow"]},
        "STRUCTURE_ID": {"required": True},
        "ACTION": {"required": True, "enum": ["R", "D"]},
        "OBS_VALUE": {"minimum": 0},
        "RELEASE_SALT": {"required": True, "pattern": SALT_PATTERN},
    }
    fields: list[Json] = []
    for column in columns(dimensions):
        kind = ("integer" if whole else "number") if column == "OBS_VALUE" else "string"
        described: JsonObject = {"name": column, "type": kind}
        constraint = {"required": True} if column in keys else constraints.get(column)
        if constraint is not None:
            described["constraints"] = dict[str, Json](constraint)
        fields.append(described)
    return {"fields": fields, "missingValues": [""], "primaryKey": [*dimensions, "TIME_PERIOD"]}


def _parse_exchange(value: Json) -> _Identity:
    subject = f"{_SUBJECT}: exchange"
    block = _object(value, subject)
    names = {"v", "provider", "contract", "period", "revision", "supersedes", "recipients", "not_before"}
    require_members(block, names, subject=subject)
    if block["v"] != 1 or isinstance(block["v"], bool):
        raise FieldError(subject=subject, field="v", expected="1", found=str(block["v"])[:80])
    revision = int_member(block, "revision", subject=subject)
    supersedes = None if block["supersedes"] is None else Digest.parse(block["supersedes"], subject=subject)
    require_supersedes(revision, supersedes, subject=_SUBJECT)
    period = text_member(block, "period", subject=subject)
    parse_period(period)
    provider = member_id(block, "provider", subject=subject)
    recipients = member_ids(block, "recipients", subject=subject)
    if provider in recipients:
        raise FieldError(subject=subject, field="recipients", expected="others than the provider", found=provider)
    return {
        "provider": provider,
        "contract": ContractRef.parse(block["contract"], subject=subject),
        "period": period,
        "revision": revision,
        "supersedes": supersedes,
        "recipients": recipients,
        "not_before": parse_instant(block["not_before"], subject=f"{subject}: not_before"),
    }


def _parse_resources(value: Json) -> tuple[list[Resource], tuple[str, ...], bool]:
    if not isinstance(value, list) or len(value) != len(_FORMATS):
        raise FieldError(subject=_SUBJECT, field="resources", expected="three resources", found=type(value).__name__)
    resources = []
    for item, path in zip(value, _FORMATS, strict=True):
        subject = f"{_SUBJECT}: {path}"
        described = _object(item, subject)
        if described.get("path") != path:
            raise FieldError(subject=subject, field="path", expected=path, found=str(described.get("path"))[:80])
        size = int_member(described, "bytes", subject=subject)
        digest = Digest.parse(described.get("hash"), subject=subject)
        resources.append(Resource(path=path, size_bytes=size, digest=digest))
    dimensions, whole = _parse_schema(_object(value[0], _SUBJECT).get("schema"))
    return resources, dimensions, whole


def _parse_schema(value: Json) -> tuple[tuple[str, ...], bool]:
    subject = f"{_SUBJECT}: {DATA}: schema"
    fields = _object(value, subject).get("fields")
    if not isinstance(fields, list):
        raise FieldError(subject=subject, field="fields", expected="a list", found=type(fields).__name__)
    names = [text_member(_object(item, subject), "name", subject=subject) for item in fields]
    fixed = len(columns(()))
    if len(names) <= fixed or len(set(names)) != len(names):
        raise FieldError(subject=subject, field="fields", expected="each column once", found=f"{len(names)} columns")
    dimensions = tuple(names[len(LEADING_COLUMNS) : len(names) - fixed + len(LEADING_COLUMNS)])
    by_name = {name: _object(item, subject) for name, item in zip(names, fields, strict=True)}
    return dimensions, by_name.get("OBS_VALUE", {}).get("type") == "integer"


def _object(value: Json, subject: str) -> JsonObject:
    if not isinstance(value, dict):
        raise FieldError(subject=subject, field="value", expected="an object", found=type(value).__name__)
    return value


def _first_difference(found: Json, expected: Json, at: str = "") -> str:
    """Where two documents part, as a path of member names."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in sorted(found.keys() | expected.keys()):
            if name not in found or name not in expected or found[name] != expected[name]:
                return _first_difference(found.get(name), expected.get(name), f"{at}.{name}" if at else name)
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for index, pair in enumerate(zip(found, expected, strict=True)):
            if pair[0] != pair[1]:
                return _first_difference(*pair, f"{at}[{index}]")
    return at or "value"
