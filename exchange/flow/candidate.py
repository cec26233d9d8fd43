"""A release candidate: protected tables and their disclosure report, before any officer has seen them (DESIGN.md §2).

It is all that leaves the preparation zone: a folder of `data.csv`, `disclosure.json` and `candidate.json`. The last one
is a draft of what officers will approve; the desk adds until when (`valid_until`), and the approvals.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exchange.codes import parse_period
from exchange.contract.reference import ContractRef, member_id, member_ids, officer_id
from exchange.encoding import (
    Digest,
    JsonObject,
    canonical_json,
    format_instant,
    int_member,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.bundle import ResourceDigestError
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
from exchange.manifest import DATA, DISCLOSURE, bundle_name

CANDIDATE = "candidate.json"
CANDIDATE_TYPE = "candidate/1"

_MEMBERS = {
    "type", "provider", "contract", "period", "revision", "supersedes", "recipients", "not_before", "prepared_by",
    "data", "disclosure", "pooled", "title", "sources", "licenses",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a candidate says of itself.

    Attributes:
        supersedes: The bundle that this revision replaces; None exactly for revision 0.
        data, disclosure: SHA-256 of the two files beside it.
        pooled: What the ledger's copy held when it was built; stale as soon as another bundle is published.
        prepared_by: The officer who built it, and who therefore cannot approve it.
    """

    provider: str
    contract: ContractRef
    period: str
    revision: int
    supersedes: Digest | None
    recipients: tuple[str, ...]
    not_before: datetime
    prepared_by: str
    data: Digest
    disclosure: Digest
    pooled: Digest
    title: str
    sources: tuple[Source, ...] = ()
    licences: tuple[Licence, ...] = ()

    @property
    def name(self) -> str:
        """The candidate's name, as its bundle will be named: `kz-ca-01-border-2026-09-r0`."""
        return bundle_name(self.provider, self.contract.id, self.period, self.revision, self.recipients)

    @property
    def labels(self) -> Digest:
        """What officers approve of its words: the title, sources and licences that the manifest will have."""
        return labels_digest(self.title, self.sources, self.licences)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFiles:
    """A candidate with the bytes it speaks of."""

    candidate: Candidate
    data: bytes = field(repr=False)
    disclosure: bytes = field(repr=False)

    def files(self) -> dict[str, bytes]:
        """The folder's files by name."""
        return {DATA: self.data, DISCLOSURE: self.disclosure, CANDIDATE: format_candidate(self.candidate)}


def open_candidate(files: Mapping[str, bytes]) -> CandidateFiles:
    """Read a candidate's three files; the two others must be the ones that candidate.json names.

    Raises:
        FieldError: A file is absent or not expected, or candidate.json is malformed.
        ResourceDigestError: A file was changed after the build.
    """
    require_members(files, {CANDIDATE, DATA, DISCLOSURE}, subject="candidate")
    candidate = parse_candidate(files[CANDIDATE])
    for path, expected in ((DATA, candidate.data), (DISCLOSURE, candidate.disclosure)):
        computed = Digest.of(files[path])
        if computed != expected:
            raise ResourceDigestError(path=path, expected=str(expected), computed=str(computed))
    return CandidateFiles(candidate=candidate, data=files[DATA], disclosure=files[DISCLOSURE])


def format_candidate(candidate: Candidate) -> bytes:
    """The RFC 8785 bytes of `candidate.json`."""
    return canonical_json(
        {
            "type": CANDIDATE_TYPE,
            "provider": candidate.provider,
            "contract": candidate.contract.as_json(),
            "period": candidate.period,
            "revision": candidate.revision,
            "supersedes": None if candidate.supersedes is None else str(candidate.supersedes),
            "recipients": list(candidate.recipients),
            "not_before": format_instant(candidate.not_before),
            "prepared_by": candidate.prepared_by,
            "data": str(candidate.data),
            "disclosure": str(candidate.disclosure),
            "pooled": str(candidate.pooled),
            "title": candidate.title,
            "sources": sources_json(candidate.sources),
            "licenses": licences_json(candidate.licences),
        }
    )


def parse_candidate(raw: bytes) -> Candidate:
    """Read `candidate.json`; whatever `format_candidate` would not write is refused.

    Raises:
        JsonError, CanonicalJsonError, FieldError, DigestError, InstantError, PeriodError: Not the form.
    """
    document = parse_canonical_object(raw, subject=CANDIDATE)
    require_members(document, _MEMBERS, subject=CANDIDATE)
    if document["type"] != CANDIDATE_TYPE:
        raise FieldError(subject=CANDIDATE, field="type", expected=CANDIDATE_TYPE, found="another text")
    period = text_member(document, "period", subject=CANDIDATE)
    parse_period(period)
    revision = int_member(document, "revision", subject=CANDIDATE)
    supersedes = document["supersedes"]
    if (supersedes is None) != (revision == 0):
        expected = "null for revision 0, else a bundle digest"
        raise FieldError(subject=CANDIDATE, field="supersedes", expected=expected, found=f"revision {revision}")
    return Candidate(
        provider=member_id(document, "provider", subject=CANDIDATE),
        contract=ContractRef.parse(document["contract"], subject=CANDIDATE),
        period=period,
        revision=revision,
        supersedes=None if supersedes is None else _digest(document, "supersedes"),
        recipients=member_ids(document, "recipients", subject=CANDIDATE),
        not_before=parse_instant(document["not_before"], subject=f"{CANDIDATE}: not_before"),
        prepared_by=officer_id(document, "prepared_by", subject=CANDIDATE),
        data=_digest(document, "data"),
        disclosure=_digest(document, "disclosure"),
        pooled=_digest(document, "pooled"),
        title=short_text(document, "title", subject=CANDIDATE),
        sources=parse_sources(document["sources"], subject=f"{CANDIDATE}: sources"),
        licences=parse_licences(document["licenses"], subject=f"{CANDIDATE}: licenses"),
    )


def _digest(document: JsonObject, name: str) -> Digest:
    return Digest.parse(document[name], subject=f"{CANDIDATE}: {name}")
