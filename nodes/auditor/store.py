"""What the auditor keeps in `audit.db`: every entry and checkpoint ever seen, evidence, and the findings of each run.

A log is kept as it was shown first; a history that contradicts it is kept apart, to prove that it does. Checkpoints are
kept for ever: one that a member signed once convicts it of every history that does not contain it.
Nothing here can hold a figure: entries are metadata, evidence is statements about digests.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Connection, RowMapping
from sqlalchemy import select as core_select
from sqlalchemy.pool import NullPool
from sqlmodel import Field, SQLModel, col, create_engine, delete, insert, select, update

from exchange.encoding import Digest, canonical_json, format_instant, parse_instant, parse_json_object
from exchange.log.checkpoint import Checkpoint
from exchange.reconcile.memory import Memory
from exchange.reconcile.model import SeenCheckpoint
from nodes.adapters.migrations import upgrade
from nodes.adapters.tables import table_of
from nodes.auditor.memory_rows import MEMORY_TABLES, forget_memory, read_memory, write_memory

STEP_1 = (
    """CREATE TABLE audited_entry (member TEXT NOT NULL, "index" INTEGER NOT NULL, raw BLOB NOT NULL,
       PRIMARY KEY (member, "index")) WITHOUT ROWID""",
    """CREATE TABLE seen_checkpoint (member TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
       note BLOB NOT NULL, cosigned_at TEXT, PRIMARY KEY (member, size, root)) WITHOUT ROWID""",
    "CREATE TABLE seen_evidence (digest TEXT PRIMARY KEY, raw BLOB NOT NULL)",
    "CREATE TABLE audit_run (id INTEGER PRIMARY KEY, at TEXT NOT NULL, result BLOB NOT NULL)",
)
STEP_2 = (
    """CREATE TABLE seen_file (bundle TEXT NOT NULL, name TEXT NOT NULL, verified INTEGER NOT NULL, raw BLOB NOT NULL,
       PRIMARY KEY (bundle, name)) WITHOUT ROWID""",
    "CREATE TABLE seen_contract (digest TEXT PRIMARY KEY, raw BLOB NOT NULL)",
)
STEP_3 = (
    """CREATE TABLE rival_entry (member TEXT NOT NULL, root BLOB NOT NULL, "index" INTEGER NOT NULL, raw BLOB NOT NULL,
       PRIMARY KEY (member, root, "index")) WITHOUT ROWID""",
)
STEP_4 = (
    "CREATE TABLE proven_signature (digest TEXT PRIMARY KEY, typ TEXT NOT NULL, kid TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE seen_note (digest TEXT PRIMARY KEY) WITHOUT ROWID",
)
STEPS = (STEP_1, STEP_2, STEP_3, STEP_4, MEMORY_TABLES)


class AuditedEntryRow(SQLModel, table=True):
    """One entry of one member's log, byte for byte, once its tree agreed with a signed checkpoint."""

    __tablename__: ClassVar[str] = "audited_entry"

    member: str = Field(primary_key=True)
    index: int = Field(primary_key=True)
    raw: bytes


class RivalEntryRow(SQLModel, table=True):
    """One entry of a history that contradicts the one kept, from where they part; the root says whose history it is."""

    __tablename__: ClassVar[str] = "rival_entry"

    member: str = Field(primary_key=True)
    root: bytes = Field(primary_key=True)
    index: int = Field(primary_key=True)
    raw: bytes


class SeenCheckpointRow(SQLModel, table=True):
    """A checkpoint that a member signed, wherever it was seen."""

    __tablename__: ClassVar[str] = "seen_checkpoint"

    member: str = Field(primary_key=True)
    size: int = Field(primary_key=True)
    root: bytes = Field(primary_key=True)
    note: bytes
    cosigned_at: str | None


class SeenEvidenceRow(SQLModel, table=True):
    """Signed bytes by their digest."""

    __tablename__: ClassVar[str] = "seen_evidence"

    digest: str = Field(primary_key=True)
    raw: bytes


class SeenFileRow(SQLModel, table=True):
    """A file of a bundle, never its data, as its publisher served it last."""

    __tablename__: ClassVar[str] = "seen_file"

    bundle: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    verified: bool
    raw: bytes


class SeenContractRow(SQLModel, table=True):
    """A contract's file by the contract's digest."""

    __tablename__: ClassVar[str] = "seen_contract"

    digest: str = Field(primary_key=True)
    raw: bytes


class ProvenSignatureRow(SQLModel, table=True):
    """Signed bytes whose signature was verified once: as what, and by which key."""

    __tablename__: ClassVar[str] = "proven_signature"

    digest: str = Field(primary_key=True)
    typ: str
    kid: str


class SeenNoteRow(SQLModel, table=True):
    """A checkpoint's note that was verified once, by the digest of whose it is and of its bytes."""

    __tablename__: ClassVar[str] = "seen_note"

    digest: str = Field(primary_key=True)


class AuditRunRow(SQLModel, table=True):
    """The result of one run, as JSON."""

    __tablename__: ClassVar[str] = "audit_run"

    id: int | None = Field(default=None, primary_key=True)
    at: str
    result: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """What one run came to; `number` counts the runs from 1."""

    number: int
    at: str
    green: bool
    findings: int
    exchanges: int


_RUNS = (
    "SELECT id, at, json_extract(said, '$.green'), json_array_length(said, '$.findings'), "
    "json_array_length(said, '$.exchanges') FROM (SELECT id, at, CAST(result AS TEXT) AS said FROM audit_run) "
    "ORDER BY id DESC"
)


class AuditStore:
    """The auditor's database: one process, one writer."""

    def __init__(self, file: Path) -> None:
        """Open or create it, and bring its schema to the newest number.

        Raises:
            StoreNewerError: A later version of the program wrote it.
        """
        self._engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
        with self._engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            upgrade(connection, file, steps=STEPS)

    def entries(self, member: str) -> list[bytes]:
        """The entries kept of a member's log, in order."""
        with self._engine.begin() as connection:
            query = select(AuditedEntryRow.raw).where(col(AuditedEntryRow.member) == member)
            return [bytes(row[0]) for row in connection.execute(query.order_by(col(AuditedEntryRow.index)))]

    def log_under(self, member: str, checkpoint: Checkpoint) -> list[bytes]:
        """The entries that were shown under this checkpoint: those kept, or a rival history's."""
        kept = self.entries(member)
        with self._engine.begin() as connection:
            mine = (col(RivalEntryRow.member) == member, col(RivalEntryRow.root) == checkpoint.root)
            query = select(RivalEntryRow.index, RivalEntryRow.raw).where(*mine).order_by(col(RivalEntryRow.index))
            rival = [(int(row[0]), bytes(row[1])) for row in connection.execute(query)]
        if rival:
            kept = [*kept[: rival[0][0]], *(raw for _, raw in rival)]
        return kept[: checkpoint.size]

    def keep_rival(self, member: str, root: bytes, entries: Sequence[bytes]) -> None:
        """Keep a history that contradicts the one kept, apart from it, from the first entry on in which they differ."""
        kept = self.entries(member)
        pairs = enumerate(zip(kept, entries, strict=False))
        parted = next((index for index, (one, other) in pairs if one != other), min(len(kept), len(entries)))
        rows = [
            {"member": member, "root": root, "index": index, "raw": entries[index]}
            for index in range(parted, len(entries))
        ]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(RivalEntryRow).prefix_with("OR IGNORE"), rows)

    def keep_log(self, member: str, entries: Iterable[tuple[int, bytes]], seen: SeenCheckpoint) -> None:
        """Keep new entries together with the checkpoint that their tree agreed with."""
        rows = [{"member": member, "index": index, "raw": raw} for index, raw in entries]
        with self._engine.begin() as connection:
            if rows:
                connection.execute(insert(AuditedEntryRow), rows)
            _keep_checkpoint(connection, member, seen)

    def keep_checkpoint(self, member: str, seen: SeenCheckpoint) -> None:
        """Keep a checkpoint for ever, also one that contradicts others."""
        with self._engine.begin() as connection:
            _keep_checkpoint(connection, member, seen)

    def unseen(self, notes: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        """Of these members' notes, once each, those that `keep_notes` was not yet given."""
        by_digest = {_note_digest(member, note): (member, note) for member, note in notes}
        with self._engine.begin() as connection:
            for digest in list(by_digest):
                query = select(SeenNoteRow.digest).where(col(SeenNoteRow.digest) == digest)
                if connection.execute(query).first() is not None:
                    del by_digest[digest]
        return list(by_digest.values())

    def keep_notes(self, seen: Iterable[tuple[str, SeenCheckpoint]]) -> None:
        """Keep checkpoints for ever, and that their notes need not be verified again."""
        with self._engine.begin() as connection:
            for member, checkpoint in seen:
                _keep_checkpoint(connection, member, checkpoint)
                row = {"digest": _note_digest(member, checkpoint.note)}
                connection.execute(insert(SeenNoteRow).prefix_with("OR IGNORE"), row)

    def checkpoints(self, member: str) -> list[SeenCheckpoint]:
        """Every checkpoint of a member's log ever seen, smallest first."""
        table = table_of(SeenCheckpointRow)
        query = core_select(table).where(table.c.member == member).order_by(table.c.size)
        with self._engine.begin() as connection:
            return [_seen(row) for row in connection.execute(query).mappings()]

    def evidence(self, digests: Iterable[Digest]) -> dict[Digest, bytes]:
        """Of these digests, the evidence already seen."""
        found: dict[Digest, bytes] = {}
        with self._engine.begin() as connection:
            for digest in digests:
                query = select(SeenEvidenceRow.raw).where(col(SeenEvidenceRow.digest) == str(digest))
                row = connection.execute(query).first()
                if row is not None:
                    found[digest] = bytes(row[0])
        return found

    def proven(self, digests: Iterable[Digest]) -> dict[Digest, tuple[str, str]]:
        """Of these digests, the type and the key under which a signature was found good."""
        found: dict[Digest, tuple[str, str]] = {}
        with self._engine.begin() as connection:
            for digest in digests:
                query = select(ProvenSignatureRow.typ, ProvenSignatureRow.kid)
                row = connection.execute(query.where(col(ProvenSignatureRow.digest) == str(digest))).first()
                if row is not None:
                    found[digest] = (str(row[0]), str(row[1]))
        return found

    def keep_proven(self, proven: Mapping[Digest, tuple[str, str]]) -> None:
        """Keep which signatures were found good."""
        rows = [{"digest": str(digest), "typ": typ, "kid": kid} for digest, (typ, kid) in proven.items()]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(ProvenSignatureRow).prefix_with("OR REPLACE"), rows)

    def memory(self, judged_by: Digest) -> Memory:
        """What the last run found in order, for one that judges by this program and registry."""
        with self._engine.begin() as connection:
            return read_memory(connection, judged_by)

    def keep_memory(self, memory: Memory) -> None:
        """Keep what a run found in order, and no more than that."""
        with self._engine.begin() as connection:
            write_memory(connection, memory)

    def forget(self) -> None:
        """Forget everything that was verified and all that was concluded; what was seen stays."""
        with self._engine.begin() as connection:
            connection.execute(delete(ProvenSignatureRow))
            connection.execute(delete(SeenNoteRow))
            forget_memory(connection)

    def signed(self) -> dict[Digest, bytes]:
        """Every signed statement, request, delivery and receipt ever seen."""
        with self._engine.begin() as connection:
            rows = connection.execute(select(SeenEvidenceRow.digest, SeenEvidenceRow.raw))
            return {Digest.parse(row[0], subject="store"): bytes(row[1]) for row in rows}

    def keep_evidence(self, evidence: Mapping[Digest, bytes]) -> None:
        """Keep signed bytes by their digest."""
        rows = [{"digest": str(digest), "raw": raw} for digest, raw in evidence.items()]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(SeenEvidenceRow).prefix_with("OR IGNORE"), rows)

    def keep_files(self, bundle: Digest, files: Mapping[str, bytes], *, verified: bool) -> None:
        """Keep a bundle's files as they were served, in place of those before."""
        rows = [{"bundle": str(bundle), "name": name, "verified": verified, "raw": raw} for name, raw in files.items()]
        with self._engine.begin() as connection:
            connection.execute(delete(SeenFileRow).where(col(SeenFileRow.bundle) == str(bundle)))
            if rows:
                connection.execute(insert(SeenFileRow), rows)

    def files(self, bundle: Digest, *, verified: bool | None = None) -> dict[str, bytes]:
        """The kept files of a bundle by name; those that verified, those that did not, or either (None)."""
        query = select(SeenFileRow.name, SeenFileRow.raw).where(col(SeenFileRow.bundle) == str(bundle))
        if verified is not None:
            query = query.where(col(SeenFileRow.verified) == verified)
        with self._engine.begin() as connection:
            return {str(row[0]): bytes(row[1]) for row in connection.execute(query)}

    def publications(self) -> dict[Digest, dict[str, bytes]]:
        """The kept files of every bundle, by bundle and name."""
        found: dict[Digest, dict[str, bytes]] = {}
        with self._engine.begin() as connection:
            for row in connection.execute(select(SeenFileRow.bundle, SeenFileRow.name, SeenFileRow.raw)):
                found.setdefault(Digest.parse(row[0], subject="store"), {})[str(row[1])] = bytes(row[2])
        return found

    def keep_contract(self, digest: Digest, raw: bytes) -> None:
        """Keep a contract's file."""
        row = {"digest": str(digest), "raw": raw}
        with self._engine.begin() as connection:
            connection.execute(insert(SeenContractRow).prefix_with("OR IGNORE"), row)

    def contracts(self) -> dict[Digest, bytes]:
        """Every contract's file ever seen."""
        with self._engine.begin() as connection:
            rows = connection.execute(select(SeenContractRow.digest, SeenContractRow.raw))
            return {Digest.parse(row[0], subject="store"): bytes(row[1]) for row in rows}

    def keep_run(self, at: datetime, result: dict[str, object]) -> None:
        """Keep the result of a run."""
        with self._engine.begin() as connection:
            connection.execute(insert(AuditRunRow), {"at": format_instant(at), "result": canonical_json(result)})

    def last_run(self) -> dict[str, object] | None:
        """The result of the newest run; None if there was none."""
        with self._engine.begin() as connection:
            query = select(AuditRunRow.result).order_by(col(AuditRunRow.id).desc()).limit(1)
            row = connection.execute(query).first()
        return None if row is None else dict(parse_json_object(bytes(row[0]), subject="audit run"))

    def runs(self) -> list[RunLine]:
        """What every run came to, the newest first, without reading the whole of any."""
        with self._engine.begin() as connection:
            return [
                RunLine(number=number, at=at, green=bool(green), findings=findings, exchanges=exchanges)
                for number, at, green, findings, exchanges in connection.exec_driver_sql(_RUNS)
            ]

    def close(self) -> None:
        """Close it."""
        self._engine.dispose()


def _note_digest(member: str, note: bytes) -> str:
    return str(Digest.of(member.encode("ascii") + b"\n" + note))


def _keep_checkpoint(connection: Connection, member: str, seen: SeenCheckpoint) -> None:
    row = {
        "member": member,
        "size": seen.checkpoint.size,
        "root": seen.checkpoint.root,
        "note": seen.note,
        "cosigned_at": None if seen.cosigned_at is None else format_instant(seen.cosigned_at),
    }
    connection.execute(insert(SeenCheckpointRow).prefix_with("OR IGNORE"), row)
    if seen.cosigned_at is not None:
        same = (
            col(SeenCheckpointRow.member) == member,
            col(SeenCheckpointRow.size) == seen.checkpoint.size,
            col(SeenCheckpointRow.root) == seen.checkpoint.root,
            col(SeenCheckpointRow.cosigned_at).is_(None),
        )
        values = {"note": seen.note, "cosigned_at": row["cosigned_at"]}
        connection.execute(update(SeenCheckpointRow).where(*same).values(values))


def _seen(row: RowMapping) -> SeenCheckpoint:
    note = bytes(row["note"])
    origin = note.split(b"\n", 1)[0].decode("utf-8", "replace")
    return SeenCheckpoint(
        checkpoint=Checkpoint(origin=origin, size=row["size"], root=bytes(row["root"])),
        note=note,
        cosigned_at=None if row["cosigned_at"] is None else parse_instant(row["cosigned_at"], subject="store"),
    )
