"""After a start, what others saw of a log comes first: the witness takes it over before it cosigns it (DESIGN.md §9).

Asked are the log's operator and every other member. What they offer goes through the same compare-and-store as any
request, with a consistency proof out of the operator's tiles. A witness that has heard too little, or was shown two
histories, stays closed for that log and asks again at the next request.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from exchange.errors import ExchangeError
from exchange.errors.log import LogError, WitnessClosedError, WitnessSplitViewError
from exchange.log.checkpoint import Checkpoint
from exchange.log.merkle import consistency_proof
from exchange.log.note import VerifierKey, format_vkey
from exchange.log.policy import WitnessPolicy
from exchange.log.takeover import Offer, heard_enough, history, open_offer, tiles_of_consistency
from exchange.log.tiles import format_tile_path, hash_reader
from exchange.log.witness import AddCheckpoint
from exchange.signing.trust import Member, Trust
from nodes.adapters.partner import PartnerClient
from nodes.adapters.partner_problems import PartnerProblemError
from nodes.adapters.witness_calls import plan_of
from nodes.adapters.witness_store import is_over, known_of
from nodes.gateway.context import GatewayContext
from nodes.gateway.witnessing import Witness, operator_of

ANSWER_WAIT_S = 1.0
"""How long a request waits for the catching up that it set off; whoever asked comes again."""
_LOG = logging.getLogger("exchange.gateway")


@dataclass(slots=True)
class _Log:
    """Where the witness stands with one log since the start."""

    open: bool = False
    answered: int = 0
    attempt: "asyncio.Task[None] | None" = None


class Takeover:
    """Which logs this node may witness since it started."""

    def __init__(self, context: GatewayContext, witness: Witness) -> None:
        self._context = context
        self._witness = witness
        self._logs: dict[str, _Log] = {}

    async def require(self, origin: str, logs: Sequence[VerifierKey]) -> None:
        """Return if the log may be cosigned; else begin to catch up, and wait a little for it.

        Raises:
            WitnessClosedError: Not caught up yet.
        """
        log = self._logs.setdefault(origin, _Log())
        if log.open:
            return
        if log.attempt is None or log.attempt.done():
            log.attempt = self._context.background.start(self._catch_up(origin, logs, log))
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(log.attempt), ANSWER_WAIT_S)
        if not log.open:
            raise WitnessClosedError(origin=origin, answered=log.answered)

    async def _catch_up(self, origin: str, logs: Sequence[VerifierKey], log: _Log) -> None:
        try:
            trust = self._context.trust.current()
            operator = operator_of(trust, origin)
            policy = plan_of(trust, operator.id).policy
            before = operator.before(origin)
            if before is not None and before.cut is None:
                # The log whose place it takes comes first: this one must go on from there.
                earlier = [vkey for vkey in policy.logs if vkey.name == before.origin]
                _, offers = await self._ask(trust, operator, before.origin, policy)
                await self._take_over(operator, before.origin, earlier, offers)
            answered, offers = await self._ask(trust, operator, origin, policy)
            log.answered = len(answered)
            if heard_enough(policy, answered):
                await self._take_over(operator, origin, logs, offers)
                log.open = True
        except WitnessSplitViewError as error:
            self._context.split_views.add(origin)
            _LOG.error("witness: %s", error.sentence())
        except (ExchangeError, OSError) as error:
            reason = error.code if isinstance(error, ExchangeError) else type(error).__name__
            _LOG.warning("witness: not caught up with %s: %s", origin, reason)

    async def _ask(
        self, trust: Trust, operator: Member, origin: str, policy: WitnessPolicy
    ) -> tuple[set[str], list[Offer]]:
        """The witnesses that told what they know, by their names in the policy, and all that was offered."""
        others = [member for member in trust.members.values() if member.id not in {self._context.member, operator.id}]
        origin_hash = Checkpoint(origin=origin, size=0, root=b"").origin_hash
        shown, *told = await asyncio.gather(
            self._told(self._context.partner(operator.id).checkpoint),
            *(self._told(partial(self._context.partner(member.id).witnessed, origin_hash)) for member in others),
        )
        answered = {
            name
            for member, (answers, _) in zip(others, told, strict=True)
            for name, vkey in policy.witnesses.items()
            if answers and any(listed.vkey == format_vkey(vkey) for listed in member.keys)
        }
        notes = [note for _, note in (shown, *told) if note is not None]
        return answered, await asyncio.to_thread(_opened, notes, policy)

    async def _told(self, call: Callable[[], Awaitable[bytes]]) -> tuple[bool, bytes | None]:
        """Whether a member answers, and what it offers."""
        try:
            async with asyncio.timeout(self._context.settings.witness_timeout_s):
                return True, await call()
        except PartnerProblemError as error:
            return error.status == HTTPStatus.NOT_FOUND, None
        except (ExchangeError, TimeoutError):
            return False, None

    async def _take_over(
        self, operator: Member, origin: str, logs: Sequence[VerifierKey], offers: Sequence[Offer]
    ) -> None:
        """Cosign, in order, what is larger than what was cosigned here last.

        Raises:
            WitnessSplitViewError: Two histories were offered, or another one than this witness knows.
            WitnessInconsistentError, PartnerError: One history was not shown.
        """
        if await self._context.store.read(lambda connection: is_over(connection, origin, operator)):
            return
        latest = await self._context.store.read(lambda connection: known_of(connection, origin, operator))
        for offer in history(latest, [one for one in offers if one.checkpoint.origin == origin]):
            old_size = 0 if latest is None else latest.size
            proof = await _proof(self._context.partner(operator.id), old_size, offer.checkpoint.size)
            await self._witness.cosign(AddCheckpoint(old_size=old_size, proof=proof, note=offer.note), logs)
            latest = offer.checkpoint


def _opened(notes: Iterable[bytes], policy: WitnessPolicy) -> list[Offer]:
    """The offers that a witness vouches for; whatever else somebody sends says nothing about the log."""
    offers = []
    for note in notes:
        with suppress(LogError):
            offers.append(open_offer(note, policy=policy))
    return offers


async def _proof(client: PartnerClient, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """Consistency between two sizes of a partner's log, out of its tiles; whether it holds is decided with it.

    Raises:
        PartnerError, LogError: A tile cannot be had, or is none.
    """
    wanted = tiles_of_consistency(old_size, new_size)
    tiles = dict(zip(wanted, [await client.tile(format_tile_path(tile)) for tile in wanted], strict=True))
    return tuple(consistency_proof(old_size, new_size, hash_reader(tiles.__getitem__, size=new_size)))
