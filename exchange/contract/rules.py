"""Rules that tie the clauses of a contract to each other, which no JSON Schema can say. A broken one raises."""

from collections.abc import Sequence
from itertools import pairwise

from exchange.codes import CodeList
from exchange.contract.clause import Clause
from exchange.contract.levels import PROVIDER_SCOPE, nested, uncovered
from exchange.contract.model import TOTAL, DataContract, Dimension, Role, Table, TableDimension, Zeros

TABLE_DIMENSIONS_MAX = 3
TABLE_DIMENSIONS_PROTECTED_MAX = 2
"""Dimensions with a total that one table may cross; those without (DIRECTION, MEASURE) are not counted."""


def check(contract: DataContract, top: Clause) -> None:
    """Check everything the schemas cannot.

    Raises:
        ContractRuleError: The first rule broken, with its line.
    """
    _check_parties(contract, top)
    _check_calendar(contract, top)
    _check_dimensions(contract, top.at("schema", 0, "properties"))
    tables = top.at("schema", 0).custom("tables")
    _check_each_once([table.id for table in contract.tables], tables)
    for table, clause in zip(contract.tables, tables.items(), strict=True):
        _check_table(contract, table, clause)
    _check_disclosure(contract, top.at("schema", 0, "quality", 0, "implementation"))
    if contract.exclusions:
        _check_exclusions(contract, top.at("roles", 0).custom("exclusions"))
    if (top.at("schema", 0).text("name")) != contract.id:
        raise top.at("schema", 0, "name").broken(contract.id, top.at("schema", 0).text("name"))


def check_columns(columns: Clause, fixed: Sequence[str]) -> None:
    """Dimensions first, each once, with their positions counted from 1; then the fixed columns in their order."""
    names = [column.text("name") for column in columns.items()]
    _check_each_once(names, columns)
    if names[-len(fixed) :] != list(fixed):
        raise columns.broken("dimensions, then " + ", ".join(fixed), ", ".join(names))
    keys = [column for column in columns.items() if column.has("primaryKey")]
    for position, column in enumerate(keys, start=1):
        if column.integer("primaryKeyPosition") != position:
            found = str(column.integer("primaryKeyPosition"))
            raise column.at("primaryKeyPosition").broken(str(position), found)


def check_codes(clause: Clause, codelist: CodeList, *, allowed: tuple[str, ...] | None = None) -> None:
    """Every code is one of the list, none the total, and one of those the dimension is restricted to."""
    for item in clause.items():
        code = str(item.value)
        if code not in codelist or code == TOTAL:
            raise item.broken(f"a code of {codelist.id} other than {TOTAL}", code)
        if allowed is not None and code not in allowed:
            raise item.broken("one of " + ", ".join(allowed), code)


def _check_parties(contract: DataContract, top: Clause) -> None:
    members = top.at("team", "members")
    _check_each_once([party.member for party in contract.parties], members)
    for role in (Role.PROVIDER, Role.RECIPIENT):
        if not contract.members(role):
            raise members.broken(f"at least one {role}", "none")
    for party, clause in zip(contract.parties, members.items(), strict=True):
        provides = Role.PROVIDER in party.roles
        if provides != (party.sender is not None):
            expected = "a sender for a provider" if provides else "no sender for a member that provides nothing"
            raise clause.broken(expected, "none" if provides else "one")
        if Role.AUDITOR in party.roles and len(party.roles) > 1:
            raise clause.broken("an auditor that is neither provider nor recipient", ", ".join(sorted(party.roles)))
    for provider in contract.members(Role.PROVIDER):
        if not contract.recipients_of(provider):
            raise members.broken(f"a recipient other than {provider}", "none")
    # The federation's auditor audits every contract by its office in the registry. A party with that role is one more.
    if contract.members(Role.AUDITOR) and len(list(top.at("roles").items())) == 1:
        raise top.at("roles").broken("what an auditor reads, as a party is one", "nothing")


def _check_calendar(contract: DataContract, top: Clause) -> None:
    rungs = [contract.calendar.late_days, contract.calendar.overdue_days, contract.calendar.delinquent_days]
    for place, (lower, higher) in enumerate(pairwise(rungs), start=2):
        if lower >= higher:
            raise top.at("slaProperties", place, "value").broken(f"fewer days than {higher}", str(lower))
    if contract.embargo_days >= contract.calendar.due_days:
        expected = f"fewer days than {contract.calendar.due_days}, after which the figures are due"
        raise top.at("slaProperties", 5, "value").broken(expected, str(contract.embargo_days))
    if contract.ends is not None and contract.ends <= contract.effective:
        raise top.custom("ends").broken(f"a day after {contract.effective}", str(contract.ends))
    mirror = contract.mirror
    if mirror is not None and (mirror.ratio_min is None) != (mirror.ratio_max is None):
        raise top.custom("mirror").broken("both bounds of the ratio, or neither", "one")
    if mirror is not None and (mirror.ratio_min or 0) > (mirror.ratio_max or 0):
        raise top.custom("mirror").broken("ratioMin at most ratioMax", f"{mirror.ratio_min}")


def _check_dimensions(contract: DataContract, columns: Clause) -> None:
    used = {part.dimension for table in contract.tables for part in table.dimensions}
    for dimension, column in zip(contract.dimensions, columns.items(), strict=False):
        if dimension.id not in used:
            raise column.broken("a table that releases this dimension", "none")
        ends_early = dimension.valid_to is not None and dimension.valid_to <= contract.effective
        if ends_early or (dimension.valid_from or contract.effective) > contract.effective:
            valid = f"{dimension.valid_from} to {dimension.valid_to or 'further notice'}"
            raise column.custom("codelist").broken(f"a list valid on {contract.effective}", valid)
        _check_validity(dimension, column)
        if dimension.scope == PROVIDER_SCOPE:
            _check_scope(contract, dimension, column)
    flow_only = contract.concept.flow_or_stock == "flow"
    if not flow_only and "TIME_PERIOD" in contract.disclosure.additive_over:
        time = columns.at(len(contract.dimensions)).custom("dimension")
        raise time.at("additive").broken("false: a stock does not sum over time", "true")
    integer = columns.at(len(contract.dimensions) + 1).text("logicalType") == "integer"
    if integer != (contract.decimals == 0):
        value = columns.at(len(contract.dimensions) + 1, "logicalType")
        raise value.broken("integer without decimals, number with them", str(value.value))


def _check_validity(dimension: Dimension, column: Clause) -> None:
    """Every code has one meaning as long as the list is meant to be used: a region that was divided has two."""
    first, last = dimension.valid_from, dimension.valid_to
    for code in dimension.codelist.codes:
        if code.valid_from is not None and first is not None and first < code.valid_from:
            found = f"{code.id}, which means this from {code.valid_from} on"
            raise column.custom("codelist").at("validFrom").broken(f"codes that are valid on {first}", found)
        if code.valid_to is not None and (last is None or last > code.valid_to):
            found = f"{code.id}, which means this until {code.valid_to}"
            raise column.custom("codelist").broken(f"a validTo of {code.valid_to} at the latest", found)


def _check_scope(contract: DataContract, dimension: Dimension, column: Clause) -> None:
    if not dimension.has_total:
        raise column.custom("dimension").broken("a total beside the scope provider: the country", "none")
    for provider in contract.members(Role.PROVIDER):
        below = dimension.codelist.leaves_under(provider) if provider in dimension.codelist else ()
        if below in {(), (provider,)}:
            raise column.custom("codelist").broken(f"codes under {provider}", "none")


def _check_table(contract: DataContract, table: Table, clause: Clause) -> None:
    parts = clause.at("dimensions")
    _check_each_once([part.dimension for part in table.dimensions], parts)
    held = {part.dimension for part in table.dimensions}
    for dimension in contract.dimensions:
        if not dimension.has_total and dimension.id not in held:
            # Without a total there is no code to stand for the dimension in a table that leaves it out.
            raise parts.broken(f"{dimension.id}, which has no total", "a table without it")
    counted = sum(contract.dimension(part.dimension).has_total for part in table.dimensions)
    protected = contract.disclosure.profile == "counts_protected"
    most = TABLE_DIMENSIONS_PROTECTED_MAX if protected else TABLE_DIMENSIONS_MAX
    if counted > most:
        raise parts.broken(f"at most {most} dimensions with a total", str(counted))
    for part, item in zip(table.dimensions, parts.items(), strict=True):
        _check_level(contract.dimension(part.dimension), part, item)
    if table.dominance is not None and table.dominance.contributor not in contract.disclosure.contributors:
        expected = "one of the contributors " + ", ".join(contract.disclosure.contributors)
        raise clause.at("dominance", "contributor").broken(expected, table.dominance.contributor)


def _check_level(dimension: Dimension, part: TableDimension, clause: Clause) -> None:
    if (pair := nested(dimension.codelist, part.codes)) is not None:
        raise clause.broken("codes none of which holds another", f"{pair[0]} inside {pair[1]}")
    if part.residual is not None and part.residual not in part.codes:
        raise clause.at("residual").broken("one of the level's codes", part.residual)
    missing = uncovered(dimension, part.codes) if dimension.has_total else ()
    if missing and part.residual is None:
        few = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")  # noqa: PLR2004  # as many as read well
        raise clause.broken("codes that cover the list, or a residual code for the rest", f"{few} in none")


def _check_disclosure(contract: DataContract, clause: Clause) -> None:
    disclosure = contract.disclosure
    known = {dimension.id for dimension in contract.dimensions}
    for item in clause.at("sensitiveDimensions").items():
        if item.value not in known:
            raise item.broken("one of " + ", ".join(sorted(known)), str(item.value))
    if disclosure.sensitive_dimensions and disclosure.group_disclosure_k is None:
        raise clause.at("groupDisclosureK").broken("a number, as there are sensitive dimensions", "null")
    _check_each_once(list(disclosure.contributors), clause.at("contributors"))


def _check_exclusions(contract: DataContract, clause: Clause) -> None:
    _check_each_once([exclusion.dimension for exclusion in contract.exclusions], clause)
    for exclusion, item in zip(contract.exclusions, clause.items(), strict=True):
        keyed = [dimension.id for dimension in contract.dimensions if dimension.has_total]
        if exclusion.dimension not in keyed:
            raise item.at("dimension").broken("one of " + ", ".join(keyed), exclusion.dimension)
        if not any(exclusion.dimension in contract.barred(member) for member in contract.members(Role.RECIPIENT)):
            raise item.at("dimension").broken("a dimension in which some recipient is a code of a table", "none")
        if contract.disclosure.zeros is not Zeros.SENSITIVE:
            # Where zeros are published, a sum whose other parts are all empty would show the excluded cell.
            raise item.broken(f"zeros: {Zeros.SENSITIVE} beside an exclusion", contract.disclosure.zeros.value)


def _check_each_once(names: list[str], clause: Clause) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise clause.at(position).broken("each once", f"{name} again")
