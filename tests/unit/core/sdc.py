"""Small contracts and tables for the tests of disclosure control."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import product

from exchange.codes import Code, CodeList
from exchange.contract.model import (
    TOTAL,
    ApprovalRules,
    Calendar,
    Concept,
    DataContract,
    Dimension,
    DisclosureRules,
    IntervalFloor,
    Party,
    Role,
    Table,
    TableDimension,
    Zeros,
)
from exchange.disclosure import Pool, Protected, Released, SecretParameters, protect
from exchange.encoding import Digest
from exchange.table import AggregateCell, AggregateTable, CellKey, Observation, SafeTable

SALT = bytes(range(32))


def contract_of(
    dimensions: Mapping[str, Sequence[str]],
    tables: Sequence[Sequence[str]] = (),
    *,
    minimum: int = 5,
    floor: int = 5,
    **rules: object,
) -> DataContract:
    """A contract over these dimensions and codes; by default one table of all of them, everything additive."""
    lists = {name: code_list(name, codes) for name, codes in dimensions.items()}
    return DataContract(
        id="CT-01-TEST",
        version="1.0.0",
        digest=Digest.of(b"test"),
        raw=b"",
        title={"en": "Test", "ru": "Проверка"},
        parties=(Party(member="KZ", roles=frozenset({Role.PROVIDER})),),
        concept=Concept(
            counting_unit="person",
            duration_rule="none",
            source_register="register",
            direction="none",
            flow_or_stock="flow",
            definition="persons",
            standard_term="persons",
        ),
        dimensions=tuple(Dimension(id=name, codelist=lists[name], has_total=True) for name in dimensions),
        tables=tuple(
            Table(
                id=f"t{place}",
                dimensions=tuple(
                    TableDimension(dimension=name, level="codes", codes=tuple(dimensions[name])) for name in names
                ),
            )
            for place, names in enumerate(tables or [tuple(dimensions)])
        ),
        measure="PERSONS",
        unit="persons",
        decimals=0,
        calendar=Calendar(frequency="month", due_days=20, late_days=10, overdue_days=30, delinquent_days=90),
        disclosure=replace(
            DisclosureRules(
                method="suppression",
                profile="test",
                contributors=("person",),
                contributors_min=minimum,
                interval=IntervalFloor(width_abs=floor, must_reach=floor),
                zeros=Zeros.PUBLISHED,
                additive_over=frozenset(dimensions),
            ),
            **rules,
        ),
        permitted_purposes=(),
        prohibited_purposes=(),
        onward_sharing="prohibited",
        embargo_days=0,
        retention_months=36,
        publication_allowed=False,
        receipt_days=30,
        approvals=ApprovalRules(officers_min=2, roles=("clearing",), proofs=("officer-key",)),
        effective=date(2026, 1, 1),
        ends=None,
        notice_days=90,
        mirror=None,
    )


def code_list(name: str, codes: Sequence[str], parents: Mapping[str, str] | None = None) -> CodeList:
    """A list of these codes under the total, or under the parents given."""
    above = dict.fromkeys(codes, TOTAL) | dict(parents or {})
    found = [Code(id=TOTAL, labels={}, parent=None)]
    found += [Code(id=code, labels={}, parent=above[code]) for code in above]
    return CodeList(id=name, digest=Digest.of(name.encode()), codes=tuple(found))


def table_of(contract: DataContract, persons: Mapping[Sequence[str], int]) -> AggregateTable:
    """Every table of the contract, margins included, from counts of persons by code of every dimension."""
    names = [dimension.id for dimension in contract.dimensions]
    counts: Counter[CellKey] = Counter()
    for codes, count in persons.items():
        keys = {
            tuple(code if name in kept else TOTAL for name, code in zip(names, codes, strict=True))
            for table in contract.tables
            for kept in _subsets([entry.dimension for entry in table.dimensions])
        }
        for key in keys:
            counts[key] += count
    cells = {key: AggregateCell(value=n, contributors=(n,)) for key, n in counts.items() if n}
    return AggregateTable(provider="KZ", contract_id=contract.id, period="2026-09", cells=cells)


def protected(
    contract: DataContract,
    table: AggregateTable,
    earlier: Sequence[SafeTable] = (),
    *,
    pool: Pool | None = None,
    **stricter: object,
) -> Protected:
    """Protect with the contract's public minima, or stricter, after these earlier vintages."""
    parameters = replace(SecretParameters.public_minima(contract, salt=SALT), **stricter)
    released = pool or pool_of(contract, earlier)
    return protect(table, contract, parameters=parameters, pool=released, progress=lambda *_: None)


def pool_of(contract: DataContract, vintages: Sequence[SafeTable]) -> Pool:
    """A ledger with these vintages of one release, oldest first."""
    recipients = contract.recipients_of("KZ")
    return Pool(
        releases=tuple(
            Released(contract=contract, revision=revision, table=table, recipients=recipients)
            for revision, table in enumerate(vintages)
        )
    )


def published(contract: DataContract, values: Mapping[CellKey, int], withheld: Sequence[CellKey]) -> SafeTable:
    """A release of these values that hides these keys, made by hand: nobody has checked it."""
    rows = {
        key: Observation(value=None, obs_status="Q", conf_status="C")
        if key in withheld
        else Observation(value=value, obs_status="A", conf_status="N")
        for key, value in values.items()
    }
    return SafeTable(provider="KZ", contract_id=contract.id, period="2026-09", rows=rows)


def _subsets(names: Sequence[str]) -> list[set[str]]:
    chosen = product([True, False], repeat=len(names))
    return [{name for name, kept in zip(names, flags, strict=True) if kept} for flags in chosen]
