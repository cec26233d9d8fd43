"""The gateway's state as tables; rows never leave `nodes/adapters` and the modules that speak to them.

Digests are stored as `sha256:<hex>`, times as `YYYY-MM-DDTHH:MM:SSZ`, so that a row can be read beside a log entry.
The statements that create these tables are the numbered steps of `migrations.py`; a test holds both together.
"""

from typing import ClassVar, cast

from sqlalchemy import Table
from sqlmodel import Field, SQLModel


def table_of(row: type[SQLModel]) -> Table:
    """The Core table of a row class, for queries over whole rows."""
    return cast("Table", vars(row)["__table__"])


class HeadRow(SQLModel, table=True):
    """The head of the own log: one row, advanced by compare-and-swap on size and root."""

    __tablename__: ClassVar[str] = "head"

    id: int = Field(primary_key=True)
    size: int
    root: bytes
    edge: bytes  # hashes of the complete subtrees, largest first, 32 bytes each


class EntryRow(SQLModel, table=True):
    """One entry of the own log, byte for byte."""

    __tablename__: ClassVar[str] = "entry"

    index: int = Field(primary_key=True)
    raw: bytes
    evidence: str | None
    counterpart: str | None


class CheckpointRow(SQLModel, table=True):
    """A checkpoint that this node signed; stored before anybody sees it."""

    __tablename__: ClassVar[str] = "checkpoint"

    size: int = Field(primary_key=True)
    root: bytes
    note: bytes


class CosignatureRow(SQLModel, table=True):
    """A witness's cosignature line under the own checkpoint of that size."""

    __tablename__: ClassVar[str] = "cosignature"

    size: int = Field(primary_key=True)
    witness: str = Field(primary_key=True)
    line: str


class WitnessedRow(SQLModel, table=True):
    """The newest checkpoint of another log that this node cosigned; never goes back."""

    __tablename__: ClassVar[str] = "witnessed"

    origin: str = Field(primary_key=True)
    origin_hash: str  # SHA-256 of the origin, hex: by which monitors ask (C2SP tlog-witness)
    size: int
    root: bytes
    note: bytes  # with the log's line and this witness's own


class RivalRow(SQLModel, table=True):
    """A checkpoint that another log signed and that was not shown to continue what this node cosigned."""

    __tablename__: ClassVar[str] = "rival"

    origin: str = Field(primary_key=True)
    size: int = Field(primary_key=True)
    root: bytes = Field(primary_key=True)
    origin_hash: str
    note: bytes


class OverdueRow(SQLModel, table=True):
    """A debt that was logged as overdue: once per partner and bundle."""

    __tablename__: ClassVar[str] = "overdue"

    bundle: str = Field(primary_key=True)
    puller: str = Field(primary_key=True)
    index: int  # of the receipt.overdue entry


class SpentRow(SQLModel, table=True):
    """A single-use id; the INSERT decides who used it first."""

    __tablename__: ClassVar[str] = "spent"

    kind: str = Field(primary_key=True)
    member: str = Field(primary_key=True)
    jti: str = Field(primary_key=True)
    expires: int  # Unix seconds; the row may go after this


class EvidenceRow(SQLModel, table=True):
    """Signed bytes that an entry of the own log refers to by their digest."""

    __tablename__: ClassVar[str] = "evidence"

    digest: str = Field(primary_key=True)
    media_type: str
    raw: bytes


class PublicationRow(SQLModel, table=True):
    """A bundle of this member on its way: logged, published, superseded, withdrawn."""

    __tablename__: ClassVar[str] = "publication"

    bundle: str = Field(primary_key=True)
    contract: str  # digest
    contract_id: str
    contract_version: str
    linkage_group: str
    period: str
    recipients: str  # sorted, joined by a space
    revision: int
    supersedes: str | None
    not_before: str
    valid_until: str
    state: str
    index: int  # of the bundle.published entry
    at: str
    zip_sha256: str | None  # of the bytes that were published
    zip_bytes: int | None


class WithdrawalRow(SQLModel, table=True):
    """A bundle that this member takes back."""

    __tablename__: ClassVar[str] = "withdrawal"

    bundle: str = Field(primary_key=True)
    index: int  # of the bundle.withdrawn entry
    document: bytes  # withdrawal.json
    signatures: bytes  # withdrawal.jws
    proof: bytes | None  # withdrawal.tlog-proof, once the quorum has cosigned the entry


class PullRow(SQLModel, table=True):
    """A 200 answer that carried data; `receipt` is filled when the puller's receipt arrived."""

    __tablename__: ClassVar[str] = "pull"

    pull: str = Field(primary_key=True)
    bundle: str
    contract: str
    puller: str
    file: str
    index: int  # of the pull.served entry
    content: str  # digest of the bytes sent
    at: str
    receipt: str | None


class RefusalRow(SQLModel, table=True):
    """Refused pulls of one member for one bundle, counted; at most one entry per hour."""

    __tablename__: ClassVar[str] = "refusal"

    member: str = Field(primary_key=True)
    bundle: str = Field(primary_key=True)
    logged_hour: str  # YYYY-MM-DDTHH of the newest entry
    uncounted: int  # refusals since that entry
    code: str  # of the newest refusal
    pull: str  # of the newest refusal


class ReceiptRow(SQLModel, table=True):
    """A partner's verified receipt."""

    __tablename__: ClassVar[str] = "receipt"

    digest: str = Field(primary_key=True)
    pull: str
    bundle: str
    puller: str
    verdict: str
    index: int  # of the receipt.got entry
    raw: bytes


class PulledRow(SQLModel, table=True):
    """A pull that this node makes from a partner: first on its way, then settled, then receipted.

    Before the request leaves there is a row that is not settled; a crash leaves it, and the next start settles it as
    `incomplete`.
    """

    __tablename__: ClassVar[str] = "pulled"

    pull: str = Field(primary_key=True)
    partner: str
    bundle: str
    contract: str  # digest
    purpose: str
    verdict: str
    settled: bool
    index: int | None  # of the own bundle.received or bundle.rejected entry
    at: str
    delivery: bytes | None
    receipt: bytes | None
    taken: bool  # whether the partner took the receipt
    folder: str | None


class ContractRow(SQLModel, table=True):
    """A contract's text; one text per id and version."""

    __tablename__: ClassVar[str] = "contract"

    digest: str = Field(primary_key=True)
    id: str
    version: str
    raw: bytes


class StatementRow(SQLModel, table=True):
    """A party's statement about a contract, and whether it already has effect here."""

    __tablename__: ClassVar[str] = "statement"

    digest: str = Field(primary_key=True)
    contract: str
    party: str
    raw: bytes
    index: int  # of the contract.* entry
    effective: bool  # signed and resumed: once the own entry is cosigned


class RelayRow(SQLModel, table=True):
    """Something of our own that another member must still get."""

    __tablename__: ClassVar[str] = "relay"

    kind: str = Field(primary_key=True)  # contract | statement
    digest: str = Field(primary_key=True)
    member: str = Field(primary_key=True)
    taken: bool


class AcknowledgedRow(SQLModel, table=True):
    """A withdrawal that this node acknowledged to a partner: one receipt for each of its pulls of the bundle."""

    __tablename__: ClassVar[str] = "acknowledged"

    pull: str = Field(primary_key=True)
    partner: str
    bundle: str
    receipt: bytes
    taken: bool  # whether the partner took it


class SharedSecretRow(SQLModel, table=True):
    """A secret that every worker over this store shares and no other process has; made by whoever comes first."""

    __tablename__: ClassVar[str] = "shared_secret"

    name: str = Field(primary_key=True)
    secret: bytes


class XRoadRow(SQLModel, table=True):
    """What the ministry's security server said about an authenticated request; metadata only, no rule reads it."""

    __tablename__: ClassVar[str] = "xroad"

    proof: str = Field(primary_key=True)  # SHA-256 of the request's DPoP proof: the pull id, if it was a pull
    member: str
    headers: str  # canonical JSON: header to value
    at: str
