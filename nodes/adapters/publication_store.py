"""Publications as rows: what this member logged, published, superseded."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlmodel import col, insert, update

from exchange.encoding import Digest, format_instant, parse_instant
from exchange.flow.publish import PublicationState
from nodes.adapters.tables import PublicationRow, table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPublication:
    """One bundle of this member and where it stands."""

    bundle: Digest
    contract: Digest
    contract_id: str
    contract_version: str
    linkage_group: str
    period: str
    recipients: tuple[str, ...]
    revision: int
    supersedes: Digest | None
    not_before: datetime
    valid_until: datetime
    state: PublicationState
    index: int
    at: datetime
    zip_sha256: Digest | None = None
    zip_bytes: int | None = None

    @property
    def series(self) -> tuple[str, str, tuple[str, ...]]:
        """What all revisions of one release share."""
        return (self.contract_id, self.period, self.recipients)


def publications(connection: Connection) -> list[KeptPublication]:
    """Every publication, in the order of its entry."""
    table = table_of(PublicationRow)
    rows = connection.execute(select(table).order_by(table.c["index"])).mappings()
    return [
        KeptPublication(
            bundle=_digest(row["bundle"]),
            contract=_digest(row["contract"]),
            contract_id=row["contract_id"],
            contract_version=row["contract_version"],
            linkage_group=row["linkage_group"],
            period=row["period"],
            recipients=tuple(row["recipients"].split()),
            revision=row["revision"],
            supersedes=None if row["supersedes"] is None else _digest(row["supersedes"]),
            not_before=parse_instant(row["not_before"], subject="store"),
            valid_until=parse_instant(row["valid_until"], subject="store"),
            state=PublicationState(row["state"]),
            index=row["index"],
            at=parse_instant(row["at"], subject="store"),
            zip_sha256=None if row["zip_sha256"] is None else _digest(row["zip_sha256"]),
            zip_bytes=row["zip_bytes"],
        )
        for row in rows
    ]


def keep_publication(connection: Connection, kept: KeptPublication) -> None:
    """Keep a logged publication; raises IntegrityError if its identity is taken."""
    connection.execute(
        insert(PublicationRow),
        {
            "bundle": str(kept.bundle),
            "contract": str(kept.contract),
            "contract_id": kept.contract_id,
            "contract_version": kept.contract_version,
            "linkage_group": kept.linkage_group,
            "period": kept.period,
            "recipients": " ".join(kept.recipients),
            "revision": kept.revision,
            "supersedes": None if kept.supersedes is None else str(kept.supersedes),
            "not_before": format_instant(kept.not_before),
            "valid_until": format_instant(kept.valid_until),
            "state": kept.state.value,
            "index": kept.index,
            "at": format_instant(kept.at),
            "zip_sha256": None,
            "zip_bytes": None,
        },
    )


def mark_published(connection: Connection, bundle: Digest, *, zip_sha256: Digest, zip_bytes: int) -> None:
    """The ZIP with these bytes is in place: the bundle is listed from now on."""
    connection.execute(
        update(PublicationRow)
        .where(col(PublicationRow.bundle) == str(bundle))
        .values(state=PublicationState.PUBLISHED.value, zip_sha256=str(zip_sha256), zip_bytes=zip_bytes)
    )


def mark_superseded(connection: Connection, bundle: Digest) -> None:
    """A later revision is published."""
    connection.execute(
        update(PublicationRow)
        .where(col(PublicationRow.bundle) == str(bundle), col(PublicationRow.state) == PublicationState.PUBLISHED.value)
        .values(state=PublicationState.SUPERSEDED.value)
    )


def _digest(text: str) -> Digest:
    return Digest.parse(text, subject="store")
