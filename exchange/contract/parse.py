"""From a contract's bytes to a `DataContract`, or a refusal that names line, path, expected and found.

1. the text, read strictly (text.py); 2. both schemas, offline (schemas.py); 3. code lists found by their digest;
4. the rules that tie clauses to each other (rules.py). What was signed is the digest of the RFC 8785 form of 1.
"""

from collections.abc import Mapping
from functools import lru_cache

from exchange.codes import CodeList, parse_codelist
from exchange.contract import rules
from exchange.contract.clause import Clause
from exchange.contract.levels import leaf_codes
from exchange.contract.model import (
    ApprovalRules,
    Calendar,
    Concept,
    DataContract,
    Dimension,
    DisclosureRules,
    DominanceRule,
    Exclusion,
    IntervalFloor,
    Mirror,
    Party,
    RevisionPolicy,
    Role,
    Table,
    TableDimension,
    Zeros,
)
from exchange.contract.schemas import PROFILE, schema_findings
from exchange.contract.text import ContractText, read_text
from exchange.encoding import Digest, canonical_json
from exchange.errors.contract import CodeListAbsentError, ContractError

TIME_PERIOD = "TIME_PERIOD"
FIXED_COLUMNS = (TIME_PERIOD, "OBS_VALUE", "OBS_STATUS", "CONF_STATUS")
"""The columns that follow the dimensions, in this order."""

CODELISTS_KEPT = 128
"""How many parsed code lists a process keeps, the last ones used."""
TEXTS_KEPT = 64
"""How many contracts' texts a process keeps read, the last ones used; only what met both schemas is kept."""


def parse_contract(raw: bytes, *, codelists: Mapping[Digest, bytes]) -> DataContract:
    """Read a contract and resolve every code in it.

    Args:
        raw: The YAML file.
        codelists: Files of code lists by the digest of their bytes; more than needed does no harm.

    Raises:
        ContractYamlError: The text is not YAML 1.2 that every reader reads alike.
        ContractSchemaError: It breaks ODCS 3.1.0 or the exchange profile; the first finding.
        CodeListAbsentError: No file has the bytes that a clause pins.
        CodeListError: A pinned file is not a code list.
        ContractRuleError: Two clauses contradict each other, or a code is not in its list.
    """
    return read_clauses(checked_text(raw), raw, codelists=codelists)


def read_clauses(source: ContractText, raw: bytes, *, codelists: Mapping[Digest, bytes]) -> DataContract:
    """Read a contract whose document met both schemas.

    Raises:
        CodeListAbsentError, CodeListError, ContractRuleError: As in `parse_contract`.
    """
    contract = _contract(source, raw, _Shelf(codelists))
    rules.check(contract, Clause(source))
    return contract


@lru_cache(maxsize=TEXTS_KEPT)
def checked_text(raw: bytes) -> ContractText:
    """Read a contract's text and hold it against both schemas; the same bytes are read once, so nobody changes it.

    Raises:
        ContractYamlError, ContractSchemaError: As in `parse_contract`.
    """
    source = read_text(raw)
    for finding in schema_findings(source):
        raise finding
    return source


def contract_findings(raw: bytes, *, codelists: Mapping[Digest, bytes]) -> tuple[ContractError, ...]:
    """Everything that is wrong with a contract's file, by line; empty if it is a valid contract.

    A text that cannot be read, and rules between clauses, yield one finding: what follows from it would mislead.
    """
    try:
        source = read_text(raw)
        found = tuple(schema_findings(source))
        # Where both schemas object to one place, ours says it in the words of this contract.
        ours = {finding.facts["path"] for finding in found if finding.facts["schema"] == PROFILE}
        kept = [f for f in found if f.facts["schema"] == PROFILE or f.facts["path"] not in ours]
        if not kept:
            parse_contract(raw, codelists=codelists)
    except ContractError as error:
        return (error,)
    return tuple(sorted(kept, key=lambda finding: int(str(finding.facts["line"]))))


class _Shelf:
    """The code lists at hand."""

    def __init__(self, files: Mapping[Digest, bytes]) -> None:
        self._files = files

    def take(self, clause: Clause) -> CodeList:
        digest, list_id = clause.digest("sha256"), clause.text("id")
        if digest not in self._files:
            raise CodeListAbsentError(line=clause.line, list=list_id, digest=str(digest))
        codelist = _codelist(self._files[digest], list_id)
        if codelist.digest != digest:
            raise clause.at("sha256").broken(str(digest), str(codelist.digest))
        return codelist


@lru_cache(maxsize=CODELISTS_KEPT)
def _codelist(raw: bytes, list_id: str) -> CodeList:
    """The same bytes are the same list, and most contracts share most lists."""
    return parse_codelist(raw, list_id=list_id)


def _contract(source: ContractText, raw: bytes, shelf: _Shelf) -> DataContract:
    top = Clause(source)
    subject = top.at("schema", 0)
    rules.check_columns(subject.at("properties"), FIXED_COLUMNS)
    columns = {column.text("name"): column for column in subject.at("properties").items()}
    dimensions = tuple(_dimension(column, shelf) for name, column in columns.items() if name not in FIXED_COLUMNS)
    measure = columns["OBS_VALUE"].custom("measure")
    sla = {entry.text("property"): entry for entry in top.at("slaProperties").items()}
    recipient = top.at("roles", 0)
    terms = {entry.text("property"): entry for entry in top.at("customProperties").items()}
    return DataContract(
        id=top.text("id"),
        version=top.text("version"),
        digest=Digest.of(canonical_json(source.document)),
        raw=raw,
        title=top.custom("titles").labels(),
        parties=tuple(_party(member) for member in top.at("team", "members").items()),
        concept=_concept(subject.custom("concept")),
        dimensions=dimensions,
        tables=tuple(_table(table, dimensions) for table in subject.custom("tables").items()),
        measure=measure.text("id"),
        unit=measure.text("unit"),
        decimals=measure.integer("decimals"),
        calendar=_calendar(sla),
        disclosure=_disclosure(subject.at("quality", 0, "implementation"), list(columns.values())),
        permitted_purposes=_custom_texts(recipient, "permittedPurposes"),
        prohibited_purposes=_custom_texts(recipient, "prohibitedPurposes"),
        onward_sharing=str(recipient.custom("onwardSharing").value),
        embargo_days=sla["embargo"].integer("value"),
        retention_months=sla["retention"].integer("value"),
        publication_allowed=recipient.custom("publication").value is True,
        receipt_days=sla["receipt"].integer("value"),
        approvals=_approvals(top.custom("approvals")),
        effective=terms["effective"].day("value"),
        ends=terms["ends"].optional_day("value"),
        notice_days=terms["noticeDays"].integer("value"),
        mirror=_mirror(top.custom("mirror")),
        limitations=top.at("description").text("limitations"),
        revisions=_revisions(top.custom("revisions")),
        exclusions=_exclusions(recipient),
        document=source.document,
        attributes={name: shelf.take(columns[name].custom("codelist")) for name in ("OBS_STATUS", "CONF_STATUS")},
    )


def _dimension(column: Clause, shelf: _Shelf) -> Dimension:
    pinned, clause = column.custom("codelist"), column.custom("dimension")
    codelist = shelf.take(pinned)
    if clause.has("codes"):
        rules.check_codes(clause.at("codes"), codelist)
    return Dimension(
        id=column.text("name"),
        codelist=codelist,
        has_total=clause.flag("total"),
        scope=clause.optional_text("scope"),
        codes=clause.texts("codes") or None,
        valid_from=pinned.day("validFrom"),
        valid_to=pinned.optional_day("validTo"),
    )


def _table(clause: Clause, dimensions: tuple[Dimension, ...]) -> Table:
    by_id = {dimension.id: dimension for dimension in dimensions}
    return Table(
        id=clause.text("id"),
        dimensions=tuple(_table_dimension(item, by_id) for item in clause.at("dimensions").items()),
        dominance=_dominance(clause.at("dominance")) if clause.has("dominance") else None,
    )


def _table_dimension(clause: Clause, dimensions: Mapping[str, Dimension]) -> TableDimension:
    name = clause.text("dimension")
    if name not in dimensions:
        raise clause.at("dimension").broken("one of " + ", ".join(dimensions), name)
    dimension = dimensions[name]
    if clause.has("codes"):
        rules.check_codes(clause.at("codes"), dimension.codelist, allowed=dimension.codes)
    codes = clause.texts("codes") or leaf_codes(dimension)
    return TableDimension(
        dimension=name,
        level=clause.text("level"),
        codes=codes,
        residual=clause.optional_text("residual"),
    )


def _dominance(clause: Clause) -> DominanceRule:
    return DominanceRule(
        contributor=clause.text("contributor"),
        n=clause.integer("largest"),
        k_percent_max=clause.number("kPercentMax"),
        p_percent_min=clause.number("pPercentMin"),
        contributors_min=clause.integer("contributorsMin"),
        width_rel_min=clause.number("widthRelMin"),
    )


def _party(clause: Clause) -> Party:
    entries = {entry.text("property"): entry for entry in clause.at("customProperties").items()}
    return Party(
        member=clause.text("username"),
        roles=frozenset(Role(role) for role in entries["roles"].texts("value")),
        sender=entries["sender"].text("value") if "sender" in entries else None,
    )


def _concept(clause: Clause) -> Concept:
    return Concept(
        counting_unit=clause.text("countingUnit"),
        duration_rule=clause.text("durationRule"),
        source_register=clause.text("sourceRegister"),
        direction=clause.text("direction"),
        flow_or_stock=clause.text("flowOrStock"),
        definition=clause.text("definition"),
        standard_term=clause.text("standardTerm"),
    )


def _disclosure(clause: Clause, columns: list[Clause]) -> DisclosureRules:
    interval = clause.at("interval")
    units = list(clause.at("contributors").items())
    keys = [column for column in columns if column.has("primaryKey")]
    return DisclosureRules(
        method=clause.text("method"),
        profile=clause.text("profile"),
        contributors=tuple(unit.text("unit") for unit in units),
        contributors_min=clause.integer("contributorsMin"),
        interval=IntervalFloor(
            width_abs=interval.integer("widthAbs"),
            must_reach=interval.integer("mustReach"),
            width_rel=interval.number("widthRel"),
        ),
        zeros=Zeros(clause.text("zeros")),
        sensitive_dimensions=clause.texts("sensitiveDimensions"),
        group_disclosure_k=clause.integer("groupDisclosureK") if clause.has("groupDisclosureK") else None,
        linkage_group=clause.text("linkageGroup"),
        additive_over=frozenset(key.text("name") for key in keys if key.custom("dimension").flag("additive")),
        contributor_definitions=tuple(unit.text("definition") for unit in units),
    )


def _calendar(sla: Mapping[str, Clause]) -> Calendar:
    return Calendar(
        frequency=sla["frequency"].text("value"),
        due_days=sla["latency"].integer("value"),
        late_days=sla["late"].integer("value"),
        overdue_days=sla["overdue"].integer("value"),
        delinquent_days=sla["delinquent"].integer("value"),
    )


def _approvals(clause: Clause) -> ApprovalRules:
    return ApprovalRules(
        officers_min=clause.integer("officersMin"), roles=clause.texts("roles"), proofs=clause.texts("proofs")
    )


def _revisions(clause: Clause) -> RevisionPolicy:
    return RevisionPolicy(
        provisional_after_days=clause.integer("provisionalAfterDays"),
        final_after_months=clause.integer("finalAfterMonths"),
    )


def _mirror(clause: Clause) -> Mirror | None:
    if clause.value is None:
        return None
    return Mirror(
        contract_id=clause.text("contract"),
        major_version=clause.integer("major"),
        exact_concept=clause.flag("exactConcept"),
        ratio_min=clause.optional_number("ratioMin"),
        ratio_max=clause.optional_number("ratioMax"),
        rule=clause.text("rule"),
    )


def _exclusions(recipient: Clause) -> tuple[Exclusion, ...]:
    return tuple(
        Exclusion(dimension=item.text("dimension"), reason=item.text("reason"))
        for entry in recipient.at("customProperties").items()
        if entry.text("property") == "exclusions"
        for item in entry.at("value").items()
    )


def _custom_texts(clause: Clause, name: str) -> tuple[str, ...]:
    return tuple(str(item.value) for item in clause.custom(name).items())
