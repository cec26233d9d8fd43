"""This member as a puller of figures that were revised since: it pulls the revision, and its receipt says so.

    partner's catalogue ─ a newer revision of what was pulled here ─> an ordinary pull, for the same purpose ─> receipt

A receipt has no verdict of its own for a superseded bundle (DESIGN.md §8): who holds the receipt for the revision
knows that the puller has it (decision 42).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from exchange.errors import ExchangeError
from exchange.flow.offer import STATE_PUBLISHED, Offer, Wanted
from exchange.flow.pull import Pulled
from nodes.adapters.acknowledged_store import HeldPull, unacknowledged
from nodes.adapters.store import Store

LOOK_EVERY_S = 900.0
"""How often partners are asked what they revised."""
Catalogue = Callable[[str], Awaitable[Sequence[Offer]]]
Pull = Callable[[str, Wanted], Awaitable[Pulled]]
_LOG = logging.getLogger("exchange.gateway")


class Renewing:
    """Looks for revisions of what this member pulled.

    Attributes:
        untaken: By partner, the revisions that it offered when it was last asked and that could not be taken since.
    """

    untaken: dict[str, tuple[Offer, ...]]

    def __init__(self, store: Store, *, catalogue: Catalogue, pull: Pull) -> None:
        self.untaken = {}
        self._store = store
        self._catalogue = catalogue
        self._pull = pull

    async def keep_looking(self, *, every_s: float = LOOK_EVERY_S) -> None:
        """Look again and again, as long as the gateway runs; what fails is tried the next time."""
        while True:
            await asyncio.sleep(every_s)
            for partner in sorted({one.partner for one in await self._store.read(unacknowledged)}):
                try:
                    await self.look(partner)
                except (ExchangeError, OSError) as error:
                    _LOG.warning("revisions of %s: %s", partner, getattr(error, "code", type(error).__name__))

    async def look(self, partner: str) -> tuple[Pulled, ...]:
        """Pull whatever this partner revised of what was pulled from it.

        Raises:
            ExchangeError: The partner's answer, or a revision that does not hold; those before it were pulled.
        """
        held = [one for one in await self._store.read(unacknowledged) if one.partner == partner]
        if not held:
            return ()
        revised = _revised(held, await self._catalogue(partner))
        self.untaken[partner] = tuple(offer for offer, _ in revised)
        pulled: list[Pulled] = []
        for offer, wanted in revised:
            pulled.append(await self._pull(partner, wanted))
            self.untaken[partner] = tuple(one for one in self.untaken[partner] if one != offer)
        return tuple(pulled)


def _revised(held: Iterable[HeldPull], offers: Iterable[Offer]) -> list[tuple[Offer, Wanted]]:
    """What to ask for: the series of which the newest revision on offer is newer than any that arrived here."""
    offers = tuple(offers)
    purposes = {one.bundle: one.purpose for one in held}
    known = {(one.contract.id, one.period): one for one in sorted(offers, key=_revision) if one.bundle in purposes}
    newest = {(one.contract.id, one.period): one for one in sorted(offers, key=_revision)}
    return [
        (newest[series], Wanted(contract=series[0], period=series[1], purpose=purposes[known[series].bundle]))
        for series in sorted(known)
        if newest[series].state == STATE_PUBLISHED and newest[series].revision > known[series].revision
    ]


def _revision(offer: Offer) -> int:
    return offer.revision
