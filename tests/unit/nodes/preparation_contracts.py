"""Small contracts, built by hand, for the tests of the preparation zone."""

from datetime import date
from pathlib import Path

from exchange.codes import Code, CodeList, parse_codelist
from exchange.contract.model import (
    ApprovalRules,
    Calendar,
    Concept,
    DataContract,
    Dimension,
    DisclosureRules,
    DominanceRule,
    IntervalFloor,
    Party,
    Role,
    Table,
    TableDimension,
    Zeros,
)
from exchange.encoding import Digest

CODELISTS = Path(__file__).resolve().parents[3] / "contracts" / "codelists"


def codelist(name: str) -> CodeList:
    return parse_codelist((CODELISTS / f"{name}.csv").read_bytes(), list_id=name)


def inline(name: str, *codes: str) -> CodeList:
    return CodeList(
        id=name, digest=Digest.of(name.encode()), codes=tuple(Code(id=c, labels={"en": c}, parent=None) for c in codes)
    )


def level(dimension: str, *codes: str, residual: str | None = None) -> TableDimension:
    return TableDimension(dimension=dimension, level="level", codes=codes, residual=residual)


def contract(
    contract_id: str,
    *,
    dimensions: tuple[Dimension, ...],
    tables: tuple[Table, ...],
    contributors: tuple[str, ...] = ("person",),
    frequency: str = "month",
    counting_unit: str = "person",
    decimals: int = 0,
) -> DataContract:
    return DataContract(
        id=contract_id, version="1.0.0", digest=Digest.of(contract_id.encode()), raw=b"",
        title={"en": "A test contract", "ru": "Пробный контракт"},
        parties=(
            Party(member="KZ", roles=frozenset({Role.PROVIDER, Role.RECIPIENT})),
            Party(member="KG", roles=frozenset({Role.PROVIDER, Role.RECIPIENT})),
            Party(member="IOM", roles=frozenset({Role.AUDITOR})),
        ),
        concept=Concept(
            counting_unit=counting_unit, duration_rule="none", source_register="a register", direction="both",
            flow_or_stock="flow", definition="d", standard_term="t",
        ),
        dimensions=dimensions, tables=tables, measure="OBS_VALUE", unit="PS", decimals=decimals,
        calendar=Calendar(frequency=frequency, due_days=20, late_days=30, overdue_days=60),
        disclosure=DisclosureRules(
            method="suppression", profile="counts_sensitive", contributors=contributors, contributors_min=10,
            interval=IntervalFloor(width_abs=10, must_reach=10), zeros=Zeros.PUBLISHED, linkage_group="test",
            additive_over=frozenset(d.id for d in dimensions),
        ),
        permitted_purposes=("official_statistics",), prohibited_purposes=(), onward_sharing="prohibited",
        embargo_days=3, retention_months=36, publication_allowed=False, receipt_days=5,
        approvals=ApprovalRules(officers_min=2, roles=("clearing",), proofs=("officer-key",)),
        effective=date(2026, 1, 1), ends=None, notice_days=30, mirror=None,
    )  # fmt: skip


def border() -> DataContract:
    """Events by direction, citizenship and oblast of the provider; the thresholds count travellers."""
    countries = ("KZ", "KG", "RU", "NO", "NA", "XU")
    regions = codelist("regions")
    return contract(
        "CA-01-BORDER",
        dimensions=(
            Dimension(id="DIRECTION", codelist=codelist("direction"), has_total=False),
            Dimension(id="CITIZENSHIP", codelist=inline("countries", *countries), has_total=True),
            Dimension(id="BORDER_REGION", codelist=regions, has_total=True, scope="provider"),
            Dimension(id="SEX", codelist=codelist("sex"), has_total=True),
        ),
        tables=(
            Table(id="t1", dimensions=(level("DIRECTION", "IN", "OUT"), level("CITIZENSHIP", *countries))),
            Table(
                id="t2",
                dimensions=(
                    level("DIRECTION", "IN", "OUT"),
                    level("BORDER_REGION", *(c.id for c in regions.codes if c.parent)),
                    level("SEX", "M", "F", "_U"),
                ),
            ),
        ),
        contributors=("traveller",),
        counting_unit="event",
    )


def returns(frequency: str = "quarter") -> DataContract:
    """Persons by citizenship, manner of return and sex; MEASURE is constant and never summed."""
    measure = inline("enforcement", "LEFT", "ORDERED")
    return contract(
        "CA-07-EXPULSIONS-BANS",
        dimensions=(
            Dimension(id="MEASURE", codelist=measure, has_total=False, codes=("LEFT",)),
            Dimension(id="CITIZENSHIP", codelist=inline("countries", "AF", "NA", "NO", "XU"), has_total=True),
            Dimension(id="RETURN_TYPE", codelist=codelist("removal_type"), has_total=True),
            Dimension(id="SEX", codelist=codelist("sex"), has_total=True),
        ),
        tables=(
            Table(
                id="t1",
                dimensions=(
                    level("CITIZENSHIP", "AF", "NA", "NO", "XU"),
                    level("RETURN_TYPE", "FORCED", "VOL"),
                    level("SEX", "M", "F", "_U"),
                ),
            ),
        ),
        frequency=frequency,
    )


def permits() -> DataContract:
    """Permits by oblast and sector; workers and employers count, and one employer may dominate."""
    regions = codelist("regions")
    return contract(
        "CA-05-WORK-PERMITS",
        dimensions=(
            Dimension(id="REGION", codelist=regions, has_total=True, scope="provider"),
            Dimension(id="ACTIVITY", codelist=codelist("isic4_section"), has_total=True),
        ),
        tables=(
            Table(
                id="t1",
                dimensions=(
                    level("REGION", "KZ-75", "KZ-71"),
                    level("ACTIVITY", "AGR", "IND", "CON", residual="_U"),
                ),
                dominance=DominanceRule(
                    contributor="employer", n=2, k_percent_max=85.0, p_percent_min=10.0, contributors_min=3
                ),
            ),
        ),
        contributors=("worker", "employer"),
        counting_unit="permit",
    )
