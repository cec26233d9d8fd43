"""The data contract as values: everything here is part of what the parties sign (DESIGN.md §4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from exchange.codes import CodeList, Labels
from exchange.encoding import Digest, JsonObject

TOTAL = "_T"
"""The code of the total in every dimension that has one (SDMX)."""


class Role(StrEnum):
    """What a party does under the contract; a party may have several roles."""

    PROVIDER = "provider"
    RECIPIENT = "recipient"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A member bound by the contract."""

    member: str
    roles: frozenset[Role]
    sender: str | None = None  # the agency that holds the register, as the catalogue names it


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """What exactly is counted; mirrors are computed only where these match."""

    counting_unit: str  # event | person | permit | amount
    duration_rule: str
    source_register: str
    direction: str
    flow_or_stock: str  # flow | stock | both: some measures are flows, others stocks
    definition: str
    standard_term: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One dimension, its pinned code list, and whether it has a total."""

    id: str
    codelist: CodeList
    has_total: bool  # DIRECTION and MEASURE have none: their codes are never summed
    scope: str | None = None  # "provider": only codes under the provider's own country
    codes: tuple[str, ...] | None = None  # a restriction of the list, such as MEASURE = LEFT
    valid_from: date | None = None  # the first day on which the pinned list is meant to be used
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDimension:
    """A dimension as one table releases it: the codes of one level; the total stands beside them."""

    dimension: str
    level: str  # leaves | codes
    codes: tuple[str, ...]  # in list order, `_T` not included; of a provider-scoped dimension all providers' codes
    residual: str | None = None  # the code that makes the level cover its parent


@dataclass(frozen=True, slots=True, kw_only=True)
class DominanceRule:
    """(n,k) dominance and p% for tables where one contributor can be the whole cell (Hundepool et al., ch. 4)."""

    contributor: str
    n: int
    k_percent_max: float
    p_percent_min: float
    contributors_min: int
    width_rel_min: float = 0.0  # interval floor of a cell withheld by this rule, as a share of its value


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What is released, and nothing else: the product of these dimensions and all its margins."""

    id: str
    dimensions: tuple[TableDimension, ...]
    dominance: DominanceRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalFloor:
    """What every withheld cell must keep in the attacker's view."""

    width_abs: int
    must_reach: int
    width_rel: float = 0.0


class Zeros(StrEnum):
    """Whether an empty cell may be shown."""

    PUBLISHED = "published"
    SENSITIVE = "sensitive"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureRules:
    """The disclosure clause. The parameters really used are at least as strict, and secret."""

    method: str  # "suppression"
    profile: str
    contributors: tuple[str, ...]  # units that thresholds count: traveller; worker and employer; person
    contributors_min: int
    interval: IntervalFloor
    zeros: Zeros
    sensitive_dimensions: tuple[str, ...] = ()
    group_disclosure_k: int | None = None
    linkage_group: str = ""
    additive_over: frozenset[str] = frozenset()  # may hold TIME_PERIOD
    contributor_definitions: tuple[str, ...] = ()  # one sentence per unit of `contributors`


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Cells that a recipient never receives: those whose code of this dimension is the recipient itself, or below it.

    Of CITIZENSHIP: a country gets no cell about its own citizens, whatever its value, zeros included.
    """

    dimension: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionPolicy:
    """How long figures may still change; a revision is a new bundle that supersedes."""

    provisional_after_days: int
    final_after_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRules:
    """How many officers, in which role, by which kinds of proof."""

    officers_min: int  # at least 2
    roles: tuple[str, ...]  # ("clearing",)
    proofs: tuple[str, ...]  # ("officer-key", "webauthn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When a period is due and when lateness rises."""

    frequency: str  # month | quarter | year
    due_days: int  # after the period's last day
    late_days: int  # after the due day
    overdue_days: int  # after the due day
    delinquent_days: int  # after the due day


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """The contract that reports the same flow from the other side."""

    contract_id: str
    major_version: int
    exact_concept: bool
    ratio_min: float | None
    ratio_max: float | None
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataContract:
    """One version of a data contract, parsed, with its digest over the RFC 8785 form.

    Attributes:
        document: What is signed, as it was read: nobody changes it.
    """

    id: str
    version: str  # MAJOR.MINOR.PATCH
    digest: Digest
    raw: bytes = field(repr=False)
    title: Labels
    parties: tuple[Party, ...]
    concept: Concept
    dimensions: tuple[Dimension, ...]  # in the order of the data's columns; TIME_PERIOD not among them
    tables: tuple[Table, ...]
    measure: str
    unit: str
    decimals: int  # a value is an integer in units of 10^-decimals
    calendar: Calendar
    disclosure: DisclosureRules
    permitted_purposes: tuple[str, ...]
    prohibited_purposes: tuple[str, ...]
    onward_sharing: str  # prohibited | with_consent
    embargo_days: int
    retention_months: int
    publication_allowed: bool  # CONF_STATUS F instead of N
    receipt_days: int
    approvals: ApprovalRules
    effective: date
    ends: date | None
    notice_days: int
    mirror: Mirror | None
    limitations: str = ""  # what a reader of the figures must know, such as along which dimension they never sum
    revisions: RevisionPolicy = RevisionPolicy(provisional_after_days=45, final_after_months=15)
    attributes: Mapping[str, CodeList] = field(default_factory=dict)  # OBS_STATUS, CONF_STATUS
    exclusions: tuple[Exclusion, ...] = ()
    document: JsonObject = field(default_factory=dict, repr=False)

    def members(self, role: Role | None = None) -> tuple[str, ...]:
        """The parties (with this role), sorted."""
        return tuple(sorted(party.member for party in self.parties if role is None or role in party.roles))

    def recipients_of(self, provider: str) -> tuple[str, ...]:
        """Who may pull what `provider` publishes: every recipient but itself, sorted."""
        return tuple(member for member in self.members(Role.RECIPIENT) if member != provider)

    def recipient_sets(self, provider: str) -> tuple[tuple[str, ...], ...]:
        """Who together gets one bundle of what `provider` publishes; each recipient is in exactly one set.

        First those who get the canonical release, if there are any; then each one from whom cells are excluded.
        """
        recipients = self.recipients_of(provider)
        everything = tuple(member for member in recipients if not self.barred(member))
        alone = tuple((member,) for member in recipients if self.barred(member))
        return (everything, *alone) if everything else alone

    def barred(self, recipient: str) -> Mapping[str, frozenset[str]]:
        """By dimension, the codes of the contract's tables whose cells this member never receives; empty: none."""
        found: dict[str, frozenset[str]] = {}
        for exclusion in self.exclusions:
            codelist = self.dimension(exclusion.dimension).codelist
            parts = [part for table in self.tables for part in table.dimensions]
            listed = {code for part in parts if part.dimension == exclusion.dimension for code in part.codes}
            own = frozenset(code for code in listed if code == recipient or recipient in codelist.ancestors(code))
            if own:
                found[exclusion.dimension] = own
        return found

    def dimension(self, dimension_id: str) -> Dimension:
        """The dimension of that id (KeyError: none)."""
        return next(d for d in self.dimensions if d.id == dimension_id)
