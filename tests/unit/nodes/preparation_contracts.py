"""Small contracts for the tests of the preparation zone: the project's own, with fewer codes and tables."""

from dataclasses import replace
from pathlib import Path

from exchange.codes import Code, CodeList, parse_codelist
from exchange.contract.model import DataContract, Dimension, DominanceRule, Party, Role, Table, TableDimension
from exchange.encoding import Digest
from tests.world.contracts import contract

CODELISTS = Path(__file__).resolve().parents[3] / "contracts" / "codelists"


def codelist(name: str) -> CodeList:
    return parse_codelist((CODELISTS / f"{name}.csv").read_bytes(), list_id=name)


def inline(name: str, *codes: str) -> CodeList:
    return CodeList(
        id=name, digest=Digest.of(name.encode()), codes=tuple(Code(id=c, labels={"en": c}, parent=None) for c in codes)
    )


def level(dimension: str, *codes: str, residual: str | None = None) -> TableDimension:
    return TableDimension(dimension=dimension, level="level", codes=codes, residual=residual)


PARTIES = (
    Party(member="KZ", roles=frozenset({Role.PROVIDER, Role.RECIPIENT})),
    Party(member="KG", roles=frozenset({Role.PROVIDER, Role.RECIPIENT})),
    Party(member="IOM", roles=frozenset({Role.AUDITOR})),
)


def border() -> DataContract:
    """Events by direction, citizenship and oblast of the provider; the thresholds count travellers."""
    countries = ("KZ", "KG", "RU", "NO", "NA", "XU")
    regions = codelist("regions")
    return replace(
        contract("CA-01-BORDER"),
        parties=PARTIES,
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
    )


def returns() -> DataContract:
    """Persons by citizenship, manner of return and sex; MEASURE is constant and never summed."""
    measure = inline("enforcement", "LEFT", "ORDERED")
    return replace(
        contract("CA-07-EXPULSIONS-BANS", "1.1.0"),
        parties=PARTIES,
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
    )


def permits() -> DataContract:
    """Permits by oblast and sector; workers and employers count, and one employer may dominate."""
    regions = codelist("regions")
    return replace(
        contract("CA-05-WORK-PERMITS"),
        parties=PARTIES,
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
    )
