"""Withdrawals as rows: what this member takes back; without a proof it still waits for its witnesses."""

from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlmodel import col, insert, update

from exchange.encoding import Digest
from exchange.flow.publish import PublicationState
from exchange.publication.withdrawal import WITHDRAWAL, WITHDRAWAL_PROOF, WITHDRAWAL_SIGNATURES
from nodes.adapters.tables import PublicationRow, WithdrawalRow, table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWithdrawal:
    """The files of a withdrawal and the index of its entry; recovered from the log alone, it has no files."""

    bundle: Digest
    index: int
    document: bytes
    signatures: bytes
    proof: bytes | None = None

    @property
    def is_entry_alone(self) -> bool:
        """Whether only the log says that the bundle was withdrawn: the files lie with the desk and the partners."""
        return not self.document

    def files(self) -> dict[str, bytes]:
        """The files by name; the proof among them once it is there."""
        if self.is_entry_alone:
            return {}
        files = {WITHDRAWAL: self.document, WITHDRAWAL_SIGNATURES: self.signatures}
        return files if self.proof is None else {**files, WITHDRAWAL_PROOF: self.proof}


def withdrawals(connection: Connection) -> list[KeptWithdrawal]:
    """Every withdrawal, in the order of its entry."""
    table = table_of(WithdrawalRow)
    rows = connection.execute(select(table).order_by(table.c["index"])).mappings()
    return [
        KeptWithdrawal(
            bundle=Digest.parse(row["bundle"], subject="store"),
            index=row["index"],
            document=bytes(row["document"]),
            signatures=bytes(row["signatures"]),
            proof=None if row["proof"] is None else bytes(row["proof"]),
        )
        for row in rows
    ]


def keep_withdrawal(connection: Connection, kept: KeptWithdrawal) -> None:
    """Keep a logged withdrawal; raises IntegrityError if the bundle has one."""
    connection.execute(
        insert(WithdrawalRow),
        {
            "bundle": str(kept.bundle),
            "index": kept.index,
            "document": kept.document,
            "signatures": kept.signatures,
            "proof": None,
        },
    )


def keep_entry_alone(connection: Connection, bundle: Digest, *, index: int) -> None:
    """Keep that a recovered entry withdraws this bundle, whose withdrawal is in no file here; it is in effect."""
    row = {"bundle": str(bundle), "index": index, "document": b"", "signatures": b"", "proof": b""}
    connection.execute(insert(WithdrawalRow), row)
    mark_publication_withdrawn(connection, bundle)


def fill_entry_alone(connection: Connection, bundle: Digest, *, document: bytes, signatures: bytes) -> None:
    """The files of such a withdrawal have come back; its proof is made again by the gateway."""
    connection.execute(
        update(WithdrawalRow)
        .where(col(WithdrawalRow.bundle) == str(bundle))
        .values(document=document, signatures=signatures, proof=None)
    )


def mark_publication_withdrawn(connection: Connection, bundle: Digest) -> None:
    """The bundle is withdrawn, as its log says, whatever came back of it."""
    connection.execute(
        update(PublicationRow)
        .where(col(PublicationRow.bundle) == str(bundle))
        .values(state=PublicationState.WITHDRAWN.value)
    )


def is_withdrawn(connection: Connection, bundle: Digest) -> bool:
    """Whether an entry of this log withdraws the bundle."""
    query = select(col(WithdrawalRow.bundle)).where(col(WithdrawalRow.bundle) == str(bundle))
    return connection.execute(query).first() is not None


def mark_withdrawn(connection: Connection, bundle: Digest, *, proof: bytes) -> None:
    """The witnesses have seen it: from now on the bundle is withdrawn."""
    connection.execute(update(WithdrawalRow).where(col(WithdrawalRow.bundle) == str(bundle)).values(proof=proof))
    mark_publication_withdrawn(connection, bundle)
