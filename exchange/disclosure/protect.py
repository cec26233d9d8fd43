"""From an aggregate table to a safe one: rules, suppression, audit; or a refusal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from exchange.contract.model import DataContract, Zeros
from exchange.disclosure.audit import Reason
from exchange.disclosure.differencing import PriorReleases
from exchange.disclosure.exposure import Exposed, findings
from exchange.disclosure.knowledge import least_possible
from exchange.disclosure.primary import NO_REQUEST, Request, Sensitive, primary_suppressions, shown
from exchange.disclosure.protection import Requirement, SecretParameters, requirement
from exchange.disclosure.relations import System
from exchange.disclosure.secondary import Suppression, UnprotectableError
from exchange.disclosure.solver import solver_name
from exchange.encoding import Digest
from exchange.errors.disclosure import (
    MethodUnsupportedError,
    NoSafePatternError,
    NotAdditiveError,
    UnsafeTableError,
)
from exchange.pattern import determined, equations, relations
from exchange.table import AggregateTable, CellKey, Observation, SafeTable

METHOD = "suppression"
REPAIRS_MAX = 5
"""How often the suppression may try again with what the audit found, before the table is refused."""

_TOO_CLOSE = "even with everything else withheld, it can be computed too closely"


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
class Protected:
    """A table that may leave, and what the audit says of it."""

    safe: SafeTable
    summary: AuditSummary


def protect(
    table: AggregateTable,
    contract: DataContract,
    *,
    parameters: SecretParameters,
    released: PriorReleases,
    requests: Sequence[Request] = NO_REQUEST,
    progress: Callable[[str, float], None],
) -> Protected:
    """Withhold every cell that could reveal a person or a firm, and enough others; the audit lets it leave or not.

    Args:
        table: Every non-empty cell of the contract's tables, margins included.
        contract: Its disclosure clause gives the public minima and the floor.
        parameters: Those really used; at least as strict.
        released: Earlier vintages of the same identity.
        requests: What must be withheld whatever the rules say.
        progress: Told the stage (`primary`, `secondary`, `audit`) and its share done, 0 to 1.

    Raises:
        ParametersTooLooseError: A parameter is looser than the contract.
        NotAdditiveError: The table's own margins are not the sums of their parts.
        NoSafePatternError: Nothing that could be withheld protects a cell.
        UnsafeTableError: The audit could not prove every withheld cell safe.

    Source: Hundepool et al., Statistical Disclosure Control (2012), chapter 4.
    """
    if contract.disclosure.method != METHOD:
        raise MethodUnsupportedError(contract=contract.id, method=contract.disclosure.method, offered=METHOD)
    parameters.require_strict(contract)
    released.require_same_identity(table)
    progress("primary", 0.0)
    revision = len(released.vintages)
    found = primary_suppressions(table, contract, parameters, requests=requests, revision=revision)
    sensitive = _with_earlier(found, contract, parameters, released)
    release = _Release(table, contract, sensitive, revision, progress)
    release.require_additive()
    safe = release.settle(release.suppression(released))
    _refuse_determined(safe, contract)
    _refuse(released.findings(safe, contract, release.required(safe)), safe)
    return Protected(safe=safe, summary=_summary(safe, parameters))


def _with_earlier(
    sensitive: Sensitive, contract: DataContract, parameters: SecretParameters, released: PriorReleases
) -> Sensitive:
    """What earlier releases add: withheld stays withheld, and a difference of a few persons is withheld too."""
    values, primary = dict(sensitive.values), dict(sensitive.primary)
    least = max(parameters.contributors_min)
    sticky = released.withheld()
    for key in sorted(released.keys() | values.keys()):
        value = values.get(key, 0)
        if key in sticky or released.small_difference(key, value, contributors_min=least):
            values.setdefault(key, 0)
            primary.setdefault(key, requirement(contract, value))
    return Sensitive(dict(sorted(values.items())), dict(sorted(primary.items())), sensitive.least)


class _Release:
    """One table on its way out."""

    def __init__(
        self,
        table: AggregateTable,
        contract: DataContract,
        sensitive: Sensitive,
        revision: int,
        progress: Callable[[str, float], None],
    ) -> None:
        self._revision = revision
        self._table, self._contract, self._sensitive, self._progress = table, contract, sensitive, progress
        self._values = np.array(list(sensitive.values.values()), dtype=np.int64)
        self._least = np.array([sensitive.least.get(key, 0) for key in sensitive.values], dtype=np.int64)
        self._system = System.of(tuple(sensitive.values), relations(contract, sensitive.values.keys()))

    def require_additive(self) -> None:
        """Refuse a table whose own margins are not the sums of their parts: no attacker could be modelled."""
        broken = self._system.broken(self._values)
        if len(broken):
            start, end = self._system.starts[broken[0]], self._system.starts[broken[0] + 1]
            wholes = [entry for entry in range(start, end) if self._system.coefficients[entry] < 0]
            key = self._system.keys[self._system.columns[[*wholes, start][0]]]
            raise NotAdditiveError(
                contract=self._contract.id, period=self._table.period, cell=shown(key), count=len(broken)
            )

    def suppression(self, released: PriorReleases) -> Suppression:
        """The suppression with the primary cells withheld; what was shown unchanged before can hide nothing."""
        values, primary = self._sensitive.values, self._sensitive.primary
        fixed = [key not in primary and released.unchanged(key, value) for key, value in values.items()]
        number = {key: cell for cell, key in enumerate(self._system.keys)}
        # Counted from what is known of each cell, so that nothing is below zero.
        return Suppression(
            replace(self._system, right=self._system.right - self._system.sums(self._least)),
            self._values - self._least,
            {number[key]: self._over(number[key], need) for key, need in primary.items()},
            lambda cell: self._over(cell, requirement(self._contract, int(self._values[cell]))),
            np.array(fixed, dtype=np.bool_),
        )

    def _over(self, cell: int, need: Requirement) -> Requirement:
        least = int(self._least[cell])
        return Requirement(need.reach - least, max(need.fall - least, 0), need.width)

    def settle(self, suppression: Suppression) -> SafeTable:
        """Suppress, audit, and ask more for what the audit finds short, until it finds nothing."""
        for repair in range(REPAIRS_MAX + 1):
            self._suppress(suppression, clean_up=repair == 0)
            safe = self._safe_table(suppression)
            required = self.required(safe)
            hints = [
                dict(zip(self._system.keys, (table + self._least).tolist(), strict=True))
                for table in suppression.witnesses()
            ]
            found = self._audit(safe, required, hints)
            if not found or repair == REPAIRS_MAX:
                break
            for finding in found:
                need = required[finding.key]
                more = Requirement(need.reach + repair + 1, need.fall, need.width + repair + 1)
                cell = self._system.keys.index(finding.key)
                suppression.demand(cell, self._over(cell, more))
        _refuse(found, safe)
        return safe

    def required(self, safe: SafeTable) -> dict[CellKey, Requirement]:
        """What each withheld cell must keep: a primary by its rule, any other the floor."""
        values, primary, least = self._sensitive.values, self._sensitive.primary, self._sensitive.least
        return {
            key: primary.get(key, requirement(self._contract, values[key]).above(least.get(key, 0)))
            for key in safe.withheld_keys()
        }

    def _audit(
        self, safe: SafeTable, required: Mapping[CellKey, Requirement], hints: Iterable[Mapping[CellKey, int]]
    ) -> list[Exposed]:
        """The audit of a release from what it shows, with relations built anew from its rows."""
        system = System.of(sorted(safe.rows), relations(self._contract, safe.rows.keys()))
        published = {key: row.value for key, row in safe.rows.items() if row.value is not None}
        least = least_possible(self._contract, safe.rows.keys(), revision=self._revision)
        return findings(
            system, published, required, least=least, hints=hints, progress=partial(self._progress, "audit")
        )

    def _suppress(self, suppression: Suppression, *, clean_up: bool) -> None:
        try:
            suppression.protect(partial(self._progress, "secondary"))
            if clean_up:
                suppression.clean_up()
        except UnprotectableError as error:
            raise NoSafePatternError(
                contract=self._contract.id,
                period=self._table.period,
                cell=shown(self._system.keys[error.cell]),
                reason=_TOO_CLOSE,
            ) from error

    def _safe_table(self, suppression: Suppression) -> SafeTable:
        conf = "F" if self._contract.publication_allowed else "N"
        zeros_stand = self._contract.disclosure.zeros is Zeros.SENSITIVE
        rows = {
            key: Observation(value=None, obs_status="Q", conf_status="C")
            if hidden
            else Observation(value=value, obs_status="A", conf_status=conf)
            for (key, value), hidden in zip(self._sensitive.values.items(), suppression.withheld.tolist(), strict=True)
            if hidden or value or zeros_stand
        }
        return SafeTable(
            provider=self._table.provider, contract_id=self._table.contract_id, period=self._table.period, rows=rows
        )


def _refuse(found: Sequence[Exposed], safe: SafeTable) -> None:
    if found:
        first = min(found, key=lambda finding: finding.key)
        raise UnsafeTableError(
            contract=safe.contract_id,
            period=safe.period,
            exposed=len({finding.key for finding in found}),
            withheld=len(safe.withheld_keys()),
            cell=shown(first.key),
            reason=first.reason.value,
        )


def _refuse_determined(safe: SafeTable, contract: DataContract) -> None:
    """The value-blind check, as IOM will make it: it must agree that nothing follows by sums alone."""
    hidden = safe.withheld_keys()
    _refuse([Exposed(key, Reason.SUMS) for key in determined(equations(contract, hidden), hidden)], safe)


def _summary(safe: SafeTable, parameters: SecretParameters) -> AuditSummary:
    hidden = len(safe.withheld_keys())
    return AuditSummary(
        verdict="safe",
        attacker="outsider",
        solver=solver_name(),
        intervals_checked=hidden,
        cells=len(safe.rows),
        withheld=hidden,
        commitment=parameters.commitment(),
    )
