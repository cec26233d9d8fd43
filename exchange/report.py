"""The disclosure report `disclosure.json`: what a reader may know about the protection, and no figure (DESIGN.md §5).

It names the withheld keys, the profile, the engine, counts, and what the audit said. It carries no value, no interval
and no sum of withheld values, so IOM may read it; and it has no place where one could stand.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from exchange.codes import parse_period
from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef, member_id
from exchange.encoding import (
    Digest,
    Json,
    JsonObject,
    canonical_json,
    int_member,
    parse_canonical_object,
    require_members,
    text_member,
)
from exchange.errors.bundle import ReportError, StalePooledError

REPORT_TYPE = "disclosure-report/1"
ATTACKERS = ("outsider", "insiders")
ZEROS = ("published", "sensitive")
AUDITED, BARRED = "audited", "barred-by-contract"
"""What keeps readers of different bundles of one statistic from computing more together: the audit, or the contract."""

_SUBJECT = "disclosure.json"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+ -]{0,79}\Z")
_CODE = re.compile(r"[A-Za-z0-9_@$+-]{1,64}\Z")
_MEMBERS = {
    "type", "provider", "contract", "period", "revision", "engine", "method", "profile", "cells", "withheld",
    "withheld_share", "dimensions", "pooled", "parameters_commitment", "audit", "zeros", "excluded",
    "pooling",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """What the fail-closed audit found; a report with any other verdict than `safe` is not written."""

    attacker: str
    solver: str
    intervals_checked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureReport:
    """The protection of one release, without a figure.

    Attributes:
        engine: Name and version of the program that protected and audited.
        cells: How many rows of data.csv replace (ACTION `R`): published, missing and withheld ones.
        withheld: The keys of the `Q` rows, sorted; one code per id of `dimensions`.
        pooled: What the ledger held: see `pooled_digest`.
        parameters_commitment: Salted hash of the parameters really used, which stay secret.
        excluded: The keys that these recipients must not see, sorted; empty in the canonical release.
        pooling: `barred-by-contract` where others get other cells of this release; else all get one, and it is audited.
    """

    provider: str
    contract: ContractRef
    period: str
    revision: int
    engine: tuple[str, str]
    method: str
    profile: str
    cells: int
    withheld: tuple[tuple[str, ...], ...] = field(repr=False)
    dimensions: tuple[str, ...]
    pooled: Digest
    parameters_commitment: Digest
    audit: AuditVerdict
    zeros: str
    excluded: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    pooling: str = AUDITED

    @property
    def withheld_share(self) -> str:
        """Withheld cells among all cells, to four decimals, half up."""
        if not self.cells:
            return "0.0000"
        ten_thousandths = (20_000 * len(self.withheld) + self.cells) // (2 * self.cells)
        return f"{ten_thousandths // 10_000}.{ten_thousandths % 10_000:04d}"


def pooling(contract: DataContract, provider: str) -> str:
    """What the contract makes of readers who pool their bundles of one release."""
    return AUDITED if len(contract.recipient_sets(provider)) == 1 else BARRED


def pooled_digest(published: Iterable[Digest]) -> Digest:
    """SHA-256 over the bundle digests of every publication before this one in the linkage group.

    Each is written `sha256:<hex>` and followed by LF, sorted; none gives the digest of the empty string.

    Args:
        published: The bundle digests of this member's `bundle.published` entries, waiting, superseded and withdrawn
            ones included.
    """
    return Digest.of("".join(f"{digest}\n" for digest in sorted(published)).encode("ascii"))


def require_pooled(found: Digest, published: Iterable[Digest]) -> None:
    """Refuse a release that was audited against another ledger than the log proves.

    Raises:
        StalePooledError: The two digests.
    """
    expected = pooled_digest(published)
    if found != expected:
        raise StalePooledError(expected=str(expected), found=str(found))


def format_report(report: DisclosureReport) -> bytes:
    """The RFC 8785 bytes of `disclosure.json`."""
    return canonical_json(
        {
            "type": REPORT_TYPE,
            "provider": report.provider,
            "contract": report.contract.as_json(),
            "period": report.period,
            "revision": report.revision,
            "engine": {"name": report.engine[0], "version": report.engine[1]},
            "method": report.method,
            "profile": report.profile,
            "cells": report.cells,
            "withheld": [list(key) for key in report.withheld],
            "withheld_share": report.withheld_share,
            "dimensions": list(report.dimensions),
            "pooled": str(report.pooled),
            "parameters_commitment": str(report.parameters_commitment),
            "audit": {
                "verdict": "safe",
                "attacker": report.audit.attacker,
                "solver": report.audit.solver,
                "intervals_checked": report.audit.intervals_checked,
            },
            "zeros": report.zeros,
            "excluded": [list(key) for key in report.excluded],
            "pooling": report.pooling,
        }
    )


def parse_report(raw: bytes) -> DisclosureReport:
    """Read `disclosure.json`; an unknown member is refused, so nothing can be said there that is not meant to be.

    Raises:
        JsonError, CanonicalJsonError, FieldError, DigestError: Not the form.
        ReportError: A member whose value cannot be.
    """
    document = parse_canonical_object(raw, subject=_SUBJECT)
    require_members(document, _MEMBERS, subject=_SUBJECT)
    _require(document, "type", (REPORT_TYPE,))
    dimensions = _names(document["dimensions"])
    period = text_member(document, "period", subject=_SUBJECT)
    parse_period(period)
    report = DisclosureReport(
        provider=member_id(document, "provider", subject=_SUBJECT),
        contract=ContractRef.parse(document["contract"], subject=_SUBJECT),
        period=period,
        revision=int_member(document, "revision", subject=_SUBJECT),
        engine=_engine(document["engine"]),
        method=_word(document, "method"),
        profile=_word(document, "profile"),
        cells=int_member(document, "cells", subject=_SUBJECT),
        withheld=_keys(document, "withheld", len(dimensions)),
        dimensions=dimensions,
        pooled=Digest.parse(document["pooled"], subject=f"{_SUBJECT}: pooled"),
        parameters_commitment=Digest.parse(
            document["parameters_commitment"], subject=f"{_SUBJECT}: parameters_commitment"
        ),
        audit=_audit(document["audit"]),
        zeros=_require(document, "zeros", ZEROS),
        excluded=_keys(document, "excluded", len(dimensions)),
        pooling=_require(document, "pooling", (AUDITED, BARRED)),
    )
    if report.cells < len(report.withheld):
        raise ReportError(field="cells", expected=f"at least the {len(report.withheld)} withheld", found=report.cells)
    _require(document, "withheld_share", (report.withheld_share,))
    return report


def _audit(value: Json) -> AuditVerdict:
    audit = _object(value, "audit")
    require_members(audit, {"verdict", "attacker", "solver", "intervals_checked"}, subject=f"{_SUBJECT}: audit")
    _require(audit, "verdict", ("safe",))
    return AuditVerdict(
        attacker=_require(audit, "attacker", ATTACKERS),
        solver=_word(audit, "solver"),
        intervals_checked=int_member(audit, "intervals_checked", subject=f"{_SUBJECT}: audit"),
    )


def _engine(value: Json) -> tuple[str, str]:
    engine = _object(value, "engine")
    require_members(engine, {"name", "version"}, subject=f"{_SUBJECT}: engine")
    return _word(engine, "name"), _word(engine, "version")


def _names(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ReportError(field="dimensions", expected="at least one id", found=type(value).__name__)
    names = tuple(_word({"dimensions": name}, "dimensions") for name in value)
    if len(set(names)) != len(names):
        raise ReportError(field="dimensions", expected="each id once", found=len(names))
    return names


def _keys(document: JsonObject, name: str, width: int) -> tuple[tuple[str, ...], ...]:
    found = document[name]
    if not isinstance(found, list):
        raise ReportError(field=name, expected="a list of keys", found=type(found).__name__)
    keys = tuple(_key(item, name, width) for item in found)
    if any(later <= earlier for earlier, later in pairwise(keys)):
        raise ReportError(field=name, expected="keys sorted, each once", found=f"{len(keys)} keys out of order")
    return keys


def _key(value: Json, name: str, width: int) -> tuple[str, ...]:
    codes = tuple(code for code in value if isinstance(code, str)) if isinstance(value, list) else ()
    if len(codes) != width or not isinstance(value, list) or len(value) != width:
        raise ReportError(field=name, expected=f"keys of {width} codes", found=f"{len(codes)} codes")
    if any(_CODE.match(code) is None for code in codes):
        raise ReportError(field=name, expected="codes", found="another text")
    return codes


def _object(value: Json, name: str) -> JsonObject:
    if not isinstance(value, dict):
        raise ReportError(field=name, expected="an object", found=type(value).__name__)
    return value


def _word(value: JsonObject, name: str) -> str:
    text = text_member(value, name, subject=_SUBJECT)
    if _WORD.match(text) is None:
        raise ReportError(field=name, expected="a short name", found=f"{len(text)} characters")
    return text


def _require(value: JsonObject, name: str, allowed: tuple[str, ...]) -> str:
    text = text_member(value, name, subject=_SUBJECT)
    if text not in allowed:
        raise ReportError(field=name, expected=" or ".join(allowed), found=text[:80])
    return text
