"""Pulls on both sides as a person reads them: who pulled what is published here, what was pulled from partners."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Select, exists, func, select

from exchange.receipt import WITHDRAWN
from nodes.adapters.tables import AcknowledgedRow, PulledRow, PullRow, ReceiptRow, table_of

_PULL, _RECEIPT = table_of(PullRow), table_of(ReceiptRow)
_PULLED, _ACKNOWLEDGED = table_of(PulledRow), table_of(AcknowledgedRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPulls:
    """Which pulls of one side are asked for.

    Attributes:
        bundle: Of this bundle only, by its digest.
        member: With this member only.
        skip: How many of the newest to leave out.
        most: How many to give.
    """

    bundle: str | None = None
    member: str | None = None
    skip: int = 0
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedPull:
    """A pull that this node answered with data.

    Attributes:
        verdict: The puller's receipt's; None while it is owed.
        acknowledged: Whether the puller acknowledged the bundle's withdrawal.
    """

    pull: str
    bundle: str
    contract_id: str
    puller: str
    at: str
    index: int
    verdict: str | None
    acknowledged: bool

    def document(self) -> Mapping[str, object]:
        """For the desk."""
        return {
            "pull": self.pull,
            "bundle": self.bundle,
            "contract": self.contract_id,
            "puller": self.puller,
            "at": self.at,
            "index": self.index,
            "verdict": self.verdict,
            "acknowledged": self.acknowledged,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePull:
    """A pull from a partner.

    Attributes:
        verdict: Of the own receipt; None while the pull is on its way.
        taken: Whether the partner took the receipt.
        acknowledged: Whether its withdrawal was acknowledged, and (True) the partner took that.
    """

    pull: str
    partner: str
    bundle: str
    purpose: str
    at: str
    verdict: str | None
    taken: bool
    acknowledged: bool | None

    def document(self) -> Mapping[str, object]:
        """For the desk."""
        return {
            "pull": self.pull,
            "partner": self.partner,
            "bundle": self.bundle,
            "purpose": self.purpose,
            "at": self.at,
            "verdict": self.verdict,
            "taken": self.taken,
            "acknowledged": self.acknowledged,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePuller:
    """A member that pulled one bundle, however often.

    Attributes:
        at: Of its last pull.
        verdict: Of its last receipt, whichever pull that was for: one pays for all; None while it is owed.
    """

    puller: str
    pulls: int
    at: str
    verdict: str | None
    acknowledged: bool

    def document(self) -> Mapping[str, object]:
        """For the desk."""
        return {
            "puller": self.puller,
            "pulls": self.pulls,
            "at": self.at,
            "verdict": self.verdict,
            "acknowledged": self.acknowledged,
        }


def served_pulls(connection: Connection, asked: AskedPulls) -> tuple[list[ServedPull], int]:
    """Pulls that were answered here, newest first, and how many there are beyond what is given."""
    given = select(_RECEIPT.c.verdict).where(_RECEIPT.c.pull == _PULL.c.pull, _RECEIPT.c.verdict != WITHDRAWN)
    told = exists().where(_RECEIPT.c.pull == _PULL.c.pull, _RECEIPT.c.verdict == WITHDRAWN)
    found = select(
        *(_PULL.c[name] for name in ("pull", "bundle", "contract", "puller", "at")),
        _PULL.c["index"].label("position"),
        given.order_by(_RECEIPT.c["index"]).limit(1).scalar_subquery().label("verdict"),
        told.label("acknowledged"),
    ).order_by(_PULL.c["index"].desc())
    rows, count = _cut(connection, found, asked, bundle=_PULL.c.bundle, member=_PULL.c.puller)
    pulls = [
        ServedPull(
            pull=row.pull,
            bundle=row.bundle,
            contract_id=row.contract,
            puller=row.puller,
            at=row.at,
            index=row.position,
            verdict=row.verdict,
            acknowledged=bool(row.acknowledged),
        )
        for row in rows
    ]
    return pulls, count


def made_pulls(connection: Connection, asked: AskedPulls) -> tuple[list[MadePull], int]:
    """Pulls from partners, newest first, and how many there are beyond what is given."""
    taken = select(_ACKNOWLEDGED.c.taken).where(_ACKNOWLEDGED.c.pull == _PULLED.c.pull).scalar_subquery()
    names = ("pull", "partner", "bundle", "purpose", "verdict", "settled", "at", "taken")
    found = select(*(_PULLED.c[name] for name in names), taken.label("acknowledged")).order_by(
        _PULLED.c.at.desc(), _PULLED.c.pull
    )
    rows, count = _cut(connection, found, asked, bundle=_PULLED.c.bundle, member=_PULLED.c.partner)
    pulls = [
        MadePull(
            pull=row.pull,
            partner=row.partner,
            bundle=row.bundle,
            purpose=row.purpose,
            at=row.at,
            verdict=row.verdict if row.settled else None,
            taken=bool(row.taken),
            acknowledged=None if row.acknowledged is None else bool(row.acknowledged),
        )
        for row in rows
    ]
    return pulls, count


def members_met(connection: Connection) -> list[str]:
    """Every member that pulled here, or from which was pulled."""
    pullers = connection.execute(select(_PULL.c.puller).distinct()).scalars()
    partners = connection.execute(select(_PULLED.c.partner).distinct()).scalars()
    return sorted({*pullers, *partners})


def pullers_of(connection: Connection, bundle: str) -> list[BundlePuller]:
    """Every member that ever pulled this bundle, by its id."""
    of_member = (_PULL.c.bundle == bundle, _RECEIPT.c.pull == _PULL.c.pull)
    rows = connection.execute(
        select(_PULL.c.puller, func.count().label("pulls"), func.max(_PULL.c.at).label("at"))
        .where(_PULL.c.bundle == bundle)
        .group_by(_PULL.c.puller)
        .order_by(_PULL.c.puller)
    ).all()
    receipts = connection.execute(
        select(_PULL.c.puller, _RECEIPT.c.verdict).where(*of_member).order_by(_RECEIPT.c["index"])
    ).all()
    last = {row.puller: row.verdict for row in receipts if row.verdict != WITHDRAWN}
    told = {row.puller for row in receipts if row.verdict == WITHDRAWN}
    return [
        BundlePuller(
            puller=row.puller,
            pulls=row.pulls,
            at=row.at,
            verdict=last.get(row.puller),
            acknowledged=row.puller in told,
        )
        for row in rows
    ]


def _cut(
    connection: Connection, found: Select[Any], asked: AskedPulls, *, bundle: Column[Any], member: Column[Any]
) -> tuple[list[Any], int]:
    """The rows asked for, and how many there are in all."""
    wanted = ((bundle, asked.bundle), (member, asked.member))
    which = [column == text for column, text in wanted if text is not None]
    count = connection.execute(select(func.count()).select_from(bundle.table).where(*which)).scalar_one()
    cut = found.where(*which).offset(asked.skip).limit(asked.most)
    return list(connection.execute(cut)), int(count)
