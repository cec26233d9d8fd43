"""From an aggregate table to a safe one: rules, suppression, audit alone and in the pool; or a refusal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from exchange.contract.model import DataContract
from exchange.disclosure.audit import Reason
from exchange.disclosure.loss import Loss, table_losses
from exchange.disclosure.pool import Past, Pool, PoolRules, Recoded
from exchange.disclosure.primary import NO_REQUEST, Request, Sensitive, primary_suppressions, shown
from exchange.disclosure.protection import SecretParameters, requirement
from exchange.disclosure.release import Release
from exchange.disclosure.settling import Settled, Settling
from exchange.disclosure.solver import solver_name
from exchange.disclosure.weights import weights_of
from exchange.encoding import Digest
from exchange.errors.disclosure import MethodUnsupportedError, UnsafeTableError
from exchange.pattern import determined, equations
from exchange.table import AggregateTable, CellKey, Released, SafeTable

METHOD = "suppression"
ATTACKER = "insiders"
"""Whom the audit holds the table against: its own contributors, and with them anybody."""

NOTHING_RELEASED = Pool()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSummary:
    """What the disclosure report says of the audit; no value, no interval, no sum."""

    verdict: str
    attacker: str
    solver: str
    intervals_checked: int
    cells: int
    withheld: int
    commitment: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """Recipients who get one bundle, and what is kept from them.

    Attributes:
        recipients: Sorted; nobody, where cells are excluded from every recipient.
        excluded: Keys that they must not see, whatever their value; none of the canonical release.
        withheld: What the canonical release withholds: theirs withholds it too.
    """

    recipients: tuple[str, ...]
    excluded: frozenset[CellKey] = field(default=frozenset(), repr=False)
    withheld: frozenset[CellKey] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A table that may leave, what the report says of it, and what it cost (for the officer alone)."""

    safe: SafeTable
    summary: AuditSummary
    loss: Loss


def protect(
    table: AggregateTable,
    contract: DataContract,
    *,
    parameters: SecretParameters,
    circle: Circle | None = None,
    pool: Pool = NOTHING_RELEASED,
    requests: Sequence[Request] = NO_REQUEST,
    recoded: Recoded | None = None,
    progress: Callable[[str, float], None],
) -> Protected:
    """Withhold every cell that could reveal a person or a firm, and enough others; the audits let it leave or not.

    Args:
        table: Every non-empty cell of the contract's tables, margins included.
        contract: Its disclosure clause gives the public minima and the floor.
        parameters: Those really used; at least as strict.
        circle: For whom; None: for every recipient alike. What is excluded from them is hidden like a sensitive cell,
            with complements, and then has no row at all.
        pool: Everything that was released before, the other side of a mirror, and what others published.
        requests: What must be withheld whatever the rules say.
        recoded: The same extract under the codes of an earlier contract, where a boundary moved within the period.
        progress: Told the stage (`primary`, `secondary`, `audit`, `pool`) and its share done, 0 to 1.

    Raises:
        ParametersTooLooseError: A parameter is looser than the contract.
        NotAdditiveError: The table's own margins are not the sums of their parts.
        NoSafePatternError: Nothing that could be withheld protects a cell.
        UnsafeTableError: The audit could not prove every withheld cell safe.
        PoolError: With what was released before, something follows that must not.

    Source: Hundepool et al., Statistical Disclosure Control (2012), chapter 4.
    """
    if contract.disclosure.method != METHOD:
        raise MethodUnsupportedError(contract=contract.id, method=contract.disclosure.method, offered=METHOD)
    parameters.require_strict(contract)
    circle = circle or Circle(recipients=contract.recipients_of(table.provider))
    asked = _asked(table, contract, pool, circle)
    pool, records = (pool, ()) if recoded is None else recoded.joined(asked, pool)
    progress("primary", 0.0)
    found = primary_suppressions(table, contract, parameters, requests=requests, revision=asked.revision)
    release = _with_past(table, contract, found, parameters, Past(asked, pool))
    release = release.withholding(sorted(circle.excluded)).holding(circle.withheld)
    release.require_additive()
    rules = PoolRules(minimum=max(parameters.contributors_min), records=records)
    settled = Settling(asked=asked, pool=pool, rules=rules, progress=progress).settle(release)
    _refuse_determined(settled.safe, contract)
    safe = _without(settled.safe, circle.excluded)
    return Protected(safe=safe, summary=_summary(safe, parameters, settled), loss=_loss(release, settled))


def vintages(
    releases: Sequence[Released], contract: DataContract, *, provider: str, period: str, recipients: tuple[str, ...]
) -> tuple[Released, ...]:
    """The earlier releases of one identity (provider, contract id, period, recipients), oldest first."""
    identity = (provider, contract.id, period, recipients)
    found = [r for r in releases if (r.table.provider, r.contract.id, r.table.period, r.recipients) == identity]
    return tuple(sorted(found, key=lambda release: release.revision))


def _asked(table: AggregateTable, contract: DataContract, pool: Pool, circle: Circle) -> Released:
    """The release that is being made, as the pool knows releases; its table has no rows yet."""
    earlier = vintages(
        pool.releases, contract, provider=table.provider, period=table.period, recipients=circle.recipients
    )
    return Released(
        contract=contract,
        revision=len(earlier),
        table=SafeTable(provider=table.provider, contract_id=table.contract_id, period=table.period, rows={}),
        recipients=circle.recipients,
        excluded=circle.excluded,
    )


def _with_past(
    table: AggregateTable, contract: DataContract, found: Sensitive, parameters: SecretParameters, past: Past
) -> Release:
    """What earlier releases add: withheld stays withheld, and a difference of a few persons is a primary cell."""
    values, primary = dict(found.values), dict(found.primary)
    least = max(parameters.contributors_min)
    sticky = past.withheld()
    for key in sorted(past.keys() | values.keys()):
        value = values.get(key, 0)
        if past.small_difference(key, value, contributors_min=least):
            primary.setdefault(key, requirement(contract, value).above(found.least.get(key, 0)))
        if key in sticky or key in primary:
            values.setdefault(key, 0)
    values = dict(sorted(values.items()))
    return Release(
        table=table,
        contract=contract,
        sensitive=Sensitive(values, dict(sorted(primary.items())), found.least),
        public=frozenset(key for key, value in values.items() if past.unchanged(key, value)),
        weights=weights_of(values, parameters.salt),
        held=sticky,
    )


def _refuse_determined(safe: SafeTable, contract: DataContract) -> None:
    """The value-blind check, as IOM will make it: it must agree that nothing follows by sums alone."""
    hidden = safe.withheld_keys()
    found = determined(equations(contract, hidden), hidden)
    if found:
        raise UnsafeTableError(
            contract=safe.contract_id,
            period=safe.period,
            exposed=len(found),
            withheld=len(hidden),
            cell=shown(min(found)),
            reason=Reason.SUMS.value,
        )


def _without(safe: SafeTable, excluded: frozenset[CellKey]) -> SafeTable:
    """The table without the rows of these keys."""
    return replace(safe, rows={key: row for key, row in safe.rows.items() if key not in excluded})


def _summary(safe: SafeTable, parameters: SecretParameters, settled: Settled) -> AuditSummary:
    hidden = len(safe.withheld_keys())
    return AuditSummary(
        verdict="safe",
        attacker=ATTACKER,
        solver=solver_name(),
        intervals_checked=len(settled.safe.withheld_keys()),
        cells=len(safe.rows),
        withheld=hidden,
        commitment=parameters.commitment(),
    )


def _loss(release: Release, settled: Settled) -> Loss:
    hidden = settled.safe.withheld_keys()
    primary = hidden & release.sensitive.primary.keys()
    return Loss(
        cells=len(settled.safe.rows),
        primary=len(primary),
        secondary=len(hidden) - len(primary),
        empty=sum(not release.sensitive.values[key] for key in hidden),
        tables=table_losses(release, settled.safe),
        cost=settled.suppressed.cost,
        gap=settled.suppressed.gap,
        stage=settled.suppressed.stage,
        attackers=settled.attackers,
        repairs=settled.repairs,
    )
