"""Contracts and statements as rows: kept once each, with the entry that speaks of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy import select as core_select
from sqlmodel import col, insert, select, update

from exchange.encoding import Digest
from nodes.adapters.store import driver_of
from nodes.adapters.tables import ContractRow, EvidenceRow, RelayRow, StatementRow, table_of

STATEMENT_MEDIA_TYPE = "application/jose+json"
_KEEP_EVIDENCE = "INSERT OR IGNORE INTO evidence (digest, media_type, raw) VALUES (?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStatement:
    """A statement as it was kept; its signatures were verified before."""

    digest: Digest
    contract: Digest
    party: str
    raw: bytes
    index: int
    effective: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something of our own that another member must still get."""

    kind: str  # contract | statement
    digest: Digest
    member: str


def contract_texts(connection: Connection) -> list[tuple[Digest, bytes]]:
    """Every contract's text by digest."""
    rows = connection.execute(select(ContractRow.digest, ContractRow.raw))
    return [(Digest.parse(row.digest, subject="store"), bytes(row.raw)) for row in rows]


def keep_contract(connection: Connection, *, digest: Digest, contract_id: str, version: str, raw: bytes) -> None:
    """Keep a text; raises IntegrityError if id and version have another."""
    row = {"digest": str(digest), "id": contract_id, "version": version, "raw": raw}
    connection.execute(insert(ContractRow), row)


def statements(connection: Connection) -> list[KeptStatement]:
    """Every statement, in the order of their entries."""
    table = table_of(StatementRow)
    rows = connection.execute(core_select(table).order_by(table.c["index"])).mappings()
    return [
        KeptStatement(
            digest=Digest.parse(row["digest"], subject="store"),
            contract=Digest.parse(row["contract"], subject="store"),
            party=row["party"],
            raw=bytes(row["raw"]),
            index=row["index"],
            effective=bool(row["effective"]),
        )
        for row in rows
    ]


def statement_index(connection: Connection, digest: Digest) -> int | None:
    """The entry of a statement that was kept before."""
    return connection.execute(
        select(StatementRow.index).where(col(StatementRow.digest) == str(digest))
    ).scalar_one_or_none()


def keep_statement(connection: Connection, kept: KeptStatement) -> None:
    """Keep a statement, and its bytes as the evidence of its entry."""
    connection.execute(
        insert(StatementRow),
        {
            "digest": str(kept.digest),
            "contract": str(kept.contract),
            "party": kept.party,
            "raw": kept.raw,
            "index": kept.index,
            "effective": kept.effective,
        },
    )
    keep_evidence(connection, kept.digest, STATEMENT_MEDIA_TYPE, kept.raw)


def take_effect(connection: Connection, digest: Digest) -> None:
    """The own entry of this statement is cosigned: it binds from now on."""
    connection.execute(update(StatementRow).where(col(StatementRow.digest) == str(digest)).values(effective=True))


def keep_evidence(connection: Connection, digest: Digest, media_type: str, raw: bytes) -> None:
    """Keep signed bytes that an entry names by their digest."""
    driver_of(connection).execute(_KEEP_EVIDENCE, (str(digest), media_type, raw))


def has_evidence(connection: Connection, digest: Digest | None) -> bool:
    """Whether the signed bytes with this digest are kept."""
    query = select(EvidenceRow.digest).where(col(EvidenceRow.digest) == str(digest))
    return connection.execute(query).first() is not None


def add_errands(connection: Connection, errands: Iterable[Errand]) -> None:
    """Remember what other members must get."""
    rows = [
        {"kind": errand.kind, "digest": str(errand.digest), "member": errand.member, "taken": False}
        for errand in errands
    ]
    if rows:
        connection.execute(insert(RelayRow).prefix_with("OR IGNORE"), rows)


def open_errands(connection: Connection) -> list[Errand]:
    """What other members have not taken yet; contracts first, since statements are about them."""
    rows = connection.execute(
        select(RelayRow.kind, RelayRow.digest, RelayRow.member)
        .where(col(RelayRow.taken).is_(False))
        .order_by(col(RelayRow.kind), col(RelayRow.digest))
    )
    return [Errand(kind=row.kind, digest=Digest.parse(row.digest, subject="store"), member=row.member) for row in rows]


def errand_done(connection: Connection, errand: Errand) -> None:
    """The member took it."""
    connection.execute(
        update(RelayRow)
        .where(
            col(RelayRow.kind) == errand.kind,
            col(RelayRow.digest) == str(errand.digest),
            col(RelayRow.member) == errand.member,
        )
        .values(taken=True)
    )
