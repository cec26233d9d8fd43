"""Pulls on both sides as a person reads them: who pulled what is published here, what was pulled from partners."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlmodel import text

from exchange.receipt import WITHDRAWN

ROWS_MAX = 2000
"""The newest so many of each side: a page shows ten of its own at most."""

_SERVED = text(
    'SELECT p.pull AS pull, p.bundle AS bundle, p.contract AS contract, p.puller AS puller, p.at AS at, p."index" AS '
    "position, (SELECT r.verdict FROM receipt r WHERE r.pull = p.pull AND r.verdict <> :withdrawn "
    'ORDER BY r."index" LIMIT 1) AS verdict, EXISTS (SELECT 1 FROM receipt r WHERE r.pull = p.pull AND '
    'r.verdict = :withdrawn) AS acknowledged FROM pull p ORDER BY p."index" DESC LIMIT :most'
)
_MADE = text(
    "SELECT p.pull AS pull, p.partner AS partner, p.bundle AS bundle, p.purpose AS purpose, p.verdict AS verdict, "
    "p.settled AS settled, p.at AS at, p.taken AS taken, (SELECT a.taken FROM acknowledged a WHERE a.pull = p.pull) "
    "AS acknowledged FROM pulled p ORDER BY p.at DESC, p.pull LIMIT :most"
)


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


def served_pulls(connection: Connection) -> list[ServedPull]:
    """The newest pulls that were answered here, newest first."""
    return [
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
        for row in connection.execute(_SERVED, {"withdrawn": WITHDRAWN, "most": ROWS_MAX})
    ]


def made_pulls(connection: Connection) -> list[MadePull]:
    """The newest pulls from partners, newest first."""
    return [
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
        for row in connection.execute(_MADE, {"most": ROWS_MAX})
    ]
