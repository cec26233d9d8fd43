"""Preparation, the pure part: protect an aggregate, write its two files, and say what officers will be asked.

The same register, contract, secret and ledger give the same bytes, so that a second machine can repeat the build.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time

from exchange.codes import parse_period
from exchange.contract.calendar import earliest_day
from exchange.contract.exclusion import excluded_keys
from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef
from exchange.disclosure import (
    AuditSummary,
    Circle,
    Loss,
    Pool,
    Protected,
    Released,
    SecretParameters,
    protect,
    vintages,
)
from exchange.disclosure.pool import Recoded
from exchange.disclosure.primary import NO_REQUEST, Request
from exchange.disclosure.version import ENGINE
from exchange.encoding import Digest
from exchange.errors.contract import RecipientUnknownError
from exchange.flow.candidate import Candidate, CandidateFiles
from exchange.labels import TEXT_CHARACTERS_MAX, Licence, Source
from exchange.pattern import Shape
from exchange.report import AuditVerdict, DisclosureReport, format_report, pooling
from exchange.sdmx.data import write_data
from exchange.table import AggregateTable, CellKey, SafeTable

_STRICTER_MAX = 3
"""How many different minima a secret can choose between: the public one, one more, two more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the ledger's copy says before this release.

    Attributes:
        pooled: Digest over every bundle of the linkage group (`exchange.report.pooled_digest`).
        pool: Those bundles' tables, earlier releases of this identity among them.
    """

    pooled: Digest
    pool: Pool = field(default_factory=Pool, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A release candidate, and what its protection cost: for the data officer alone, beside the candidate."""

    files: CandidateFiles
    loss: Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """What the manifest will say of the register, from its mapping.

    Attributes:
        title: Words before the contract's title, such as SYNTHETIC; may be empty.
    """

    title: str
    sources: tuple[Source, ...] = ()
    licences: tuple[Licence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """One build: a table, and what its candidates have in common.

    Attributes:
        table: Every non-empty cell, before protection.
        contract: In force; the caller has checked.
        history: From the copy of the disclosure ledger.
        attribution: For the manifest.
        prepared_by: The data officer; cannot approve it later.
        secret: The preparation zone's 32 bytes; the parameters really used and the release salt come from it.
        requests: What must be withheld by law or request, from the register's mapping.
        recoded: The same extract under an earlier contract's codes, where a boundary moved within the period.
        progress: Told the stage and its share done.
    """

    table: AggregateTable = field(repr=False)
    contract: DataContract
    history: History
    attribution: Attribution
    prepared_by: str
    secret: bytes = field(repr=False)
    requests: Sequence[Request] = NO_REQUEST
    recoded: Recoded | None = field(default=None, repr=False)
    progress: Callable[[str, float], None]


def prepare(asked: Preparation, *, reader: str | None = None) -> tuple[Prepared, ...]:
    """Make the release candidates of an aggregate: one for each set of recipients who may see the same cells.

    All are made of one canonical release: a set from whom cells are excluded gets it without those, and with
    complements that hide them. Once one of them is published, the others must be built again: they were audited before.

    Args:
        asked: The table, its contract and all that goes with it.
        reader: Only the candidate that this recipient would get; None: all of them.

    Raises:
        RecipientUnknownError: `reader` receives nothing from this provider.
        DisclosureError: No safe pattern exists, or the audit could not prove it.
    """
    contract, provider = asked.contract, asked.table.provider
    sets = [one for one in contract.recipient_sets(provider) if reader is None or reader in one]
    if not sets:
        known = ", ".join(contract.recipients_of(provider))
        raise RecipientUnknownError(contract=contract.id, found=str(reader), known=known)
    everything = tuple(member for member in contract.recipients_of(provider) if not contract.barred(member))
    canonical = _protected(asked, Circle(recipients=everything))
    withheld = canonical.safe.withheld_keys()
    return tuple(_prepared(asked, recipients, _for(asked, recipients, canonical, withheld)) for recipients in sets)


def _for(
    asked: Preparation, recipients: tuple[str, ...], canonical: Protected, withheld: frozenset[CellKey]
) -> Protected:
    """The canonical release as these recipients get it."""
    excluded = excluded_keys(asked.contract, provider=asked.table.provider, recipients=recipients)
    if not excluded:
        return canonical
    return _protected(asked, Circle(recipients=recipients, excluded=excluded, withheld=withheld))


def _protected(asked: Preparation, circle: Circle) -> Protected:
    return protect(
        asked.table,
        asked.contract,
        parameters=secret_parameters(asked.contract, period=asked.table.period, secret=asked.secret),
        circle=circle,
        pool=asked.history.pool,
        requests=asked.requests,
        recoded=asked.recoded,
        progress=asked.progress,
    )


def _prepared(asked: Preparation, recipients: tuple[str, ...], protected: Protected) -> Prepared:
    """The candidate of a protected table: its two files and what it says of itself."""
    contract, table, history = asked.contract, asked.table, asked.history
    latest = _latest(history, contract, table, recipients)
    revision = 0 if latest is None else latest.revision + 1
    excluded = excluded_keys(contract, provider=table.provider, recipients=recipients)
    data = write_data(
        protected.safe,
        contract,
        revision=revision,
        salt_secret=asked.secret,
        deleted=_gone(latest, protected.safe, contract) - excluded,
        recipients=recipients,
    )
    report = _report(protected.safe, contract, protected.summary, history.pooled, revision)
    described = format_report(
        replace(report, excluded=tuple(sorted(excluded)), pooling=pooling(contract, table.provider))
    )
    attribution = asked.attribution
    candidate = Candidate(
        provider=table.provider,
        contract=ContractRef.of(contract),
        period=table.period,
        revision=revision,
        supersedes=None if latest is None else latest.bundle,
        recipients=recipients,
        not_before=earliest_publication(contract, table.period),
        prepared_by=asked.prepared_by,
        data=Digest.of(data),
        disclosure=Digest.of(described),
        pooled=history.pooled,
        title=_title(contract, attribution, table),
        sources=attribution.sources,
        licences=attribution.licences,
    )
    return Prepared(files=CandidateFiles(candidate=candidate, data=data, disclosure=described), loss=protected.loss)


def _latest(
    history: History, contract: DataContract, table: AggregateTable, recipients: tuple[str, ...]
) -> Released | None:
    """The newest earlier release of the same identity."""
    earlier = vintages(
        history.pool.releases, contract, provider=table.provider, period=table.period, recipients=recipients
    )
    return earlier[-1] if earlier else None


def _gone(latest: Released | None, safe: SafeTable, contract: DataContract) -> frozenset[CellKey]:
    """The rows of the release before this that it has no more; what the contract no longer lists goes with its code."""
    shape = Shape(contract)
    rows = () if latest is None else latest.table.rows.keys() - safe.rows.keys()
    return frozenset(key for key in rows if shape.holds(key))


def secret_parameters(contract: DataContract, *, period: str, secret: bytes) -> SecretParameters:
    """The parameters really used: the contract's public minima, made stricter by an amount only the secret tells.

    An attacker who knows the exact minimum knows that a withheld cell lies below it or protects one that does; who
    knows p or k can sharpen one contributor's estimate of another (Hundepool et al. 2012, §4.2.2).
    """
    public = SecretParameters.public_minima(contract, salt=_derived(secret, "salt", str(contract.digest), period))
    drawn = _derived(secret, "parameters", contract.id)
    k, p = public.k_percent_max, public.p_percent_min
    return SecretParameters(
        contributors_min=tuple(
            minimum + drawn[place] % _STRICTER_MAX for place, minimum in enumerate(public.contributors_min)
        ),
        k_percent_max=None if k is None else k - drawn[-1] % _STRICTER_MAX,
        p_percent_min=None if p is None else p + drawn[-2] % _STRICTER_MAX,
        salt=public.salt,
    )


def earliest_publication(contract: DataContract, period: str) -> datetime:
    """The first instant after the period, plus the contract's embargo (UTC)."""
    reporting = parse_period(period, frequency=contract.calendar.frequency)
    return datetime.combine(earliest_day(contract, reporting), time(tzinfo=UTC))


def _report(
    safe: SafeTable, contract: DataContract, summary: AuditSummary, pooled: Digest, revision: int
) -> DisclosureReport:
    return DisclosureReport(
        provider=safe.provider,
        contract=ContractRef.of(contract),
        period=safe.period,
        revision=revision,
        engine=ENGINE,
        method=contract.disclosure.method,
        profile=contract.disclosure.profile,
        cells=summary.cells,
        withheld=tuple(sorted(safe.withheld_keys())),
        dimensions=tuple(dimension.id for dimension in contract.dimensions),
        pooled=pooled,
        parameters_commitment=summary.commitment,
        audit=AuditVerdict(
            attacker=summary.attacker, solver=summary.solver, intervals_checked=summary.intervals_checked
        ),
        zeros=contract.disclosure.zeros.value,
    )


def _title(contract: DataContract, attribution: Attribution, table: AggregateTable) -> str:
    named = f"{contract.title['en']}, {table.provider}, {table.period}"
    return (f"{attribution.title}: {named}" if attribution.title else named)[:TEXT_CHARACTERS_MAX]


def _derived(secret: bytes, *purpose: str) -> bytes:
    return hmac.digest(secret, "\n".join(("preparation/1", *purpose)).encode("utf-8"), "sha256")
