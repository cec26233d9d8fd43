"""A mirror holds all entries of others' logs, so that a node whose disk died gets its own back (decision 50).

The auditor's member mirrors every log, and any member those that its settings name: the auditor's own log, above all.

A log is fetched as soon as this node has cosigned it, and every half minute besides. Only entries under a checkpoint
that a quorum cosigned are kept. Shown are they to the log's own operator and to the auditor.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.errors import ExchangeError
from exchange.errors.exchange_ import NotFoundError
from exchange.errors.log import QuorumError, TreeRootError
from exchange.log.checkpoint import Checkpoint
from exchange.log.policy import parse_policy
from exchange.log.tiles import ENTRIES, TILE_WIDTH, format_tile_path, parse_entry_bundle, tile_at
from exchange.signing.trust import Member
from nodes.adapters.mirror_files import MirroredLog
from nodes.adapters.partner import PartnerClient
from nodes.gateway.access import Door
from nodes.gateway.context import GatewayContext
from nodes.gateway.log_files import FRESH, IMMUTABLE, file_route, parsed_tile, tile_of

EVERY_S = 30.0
PAUSE_S = 1.0
"""Between two rounds: a busy log is fetched once a second, not once for each of its checkpoints."""
_LOG = logging.getLogger("exchange.gateway")


class Mirror:
    """The copies of all other logs on the auditor's node, elsewhere of those that the settings name."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self._copies: dict[str, MirroredLog] = {}
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._grown = asyncio.Event()

    def hear(self) -> None:
        """Some log has grown."""
        self._grown.set()

    async def keep_mirroring(self, *, every_s: float = EVERY_S, pause_s: float = PAUSE_S) -> None:
        """Fetch what is new, again and again, as long as the process runs."""
        while True:
            self._grown.clear()
            try:
                held = self._mirrored()
            except ExchangeError:  # an expired registry names no members: looked at again until it is renewed
                held = ()
            for member in held:
                await self._try(member)
            await asyncio.sleep(pause_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await self._grown.wait()

    async def refresh(self, member: Member) -> int:
        """Fetch what is new in one member's log; the size of the copy.

        Raises:
            PartnerError: The member does not answer.
            QuorumError: Its newest checkpoint has no quorum yet.
            LogError: What it serves is not what was cosigned.
        """
        policy = parse_policy(self._context.trust.current().policies[member.id])
        client = self._context.partner(member.id)
        async with self._one_at_a_time[member.id]:
            note = await client.checkpoint()
            seen = await asyncio.to_thread(policy.check, note)
            copy = self.copy_of(seen.origin)
            size = await asyncio.to_thread(copy.size, policy)
            if seen.size > size:
                entries = await _entries(client, size, seen.size)
                await asyncio.to_thread(copy.extend, entries, seen, note)
            return max(seen.size, size)

    def copy_of(self, origin: str) -> MirroredLog:
        """The copy of a log, perhaps empty."""
        if origin not in self._copies:
            self._copies[origin] = MirroredLog(self._context.node.mirror / _hash_of(origin), origin=origin)
        return self._copies[origin]

    def by_hash(self, origin_hash: str) -> tuple[Member, MirroredLog]:
        """The copy under this name, and whose log it is of.

        Raises:
            NotFoundError: There is none.
        """
        for member in self._mirrored():
            for origin in member.origins:
                if _hash_of(origin) == origin_hash:
                    return member, self.copy_of(origin)
        raise NotFoundError

    def _mirrored(self) -> Sequence[Member]:
        """The members whose logs are held here."""
        trust, wanted = self._context.trust.current(), self._context.settings.mirrors
        others = [member for member in trust.members.values() if member.id != self._context.member]
        return [member for member in others if trust.auditor == self._context.member or member.id in wanted]

    async def _try(self, member: Member) -> None:
        try:
            await self.refresh(member)
        except QuorumError:
            pass  # a busy log's newest checkpoint is a moment ahead of its quorum
        except TreeRootError as error:
            self._context.split_views.add(member.origin)
            _LOG.error("mirror: %s", error.sentence())
        except ExchangeError as error:
            _LOG.warning("mirror: %s waits: %s", member.id, error.code)
        except OSError as error:
            _LOG.warning("mirror: %s waits: %s", member.id, error.strerror)


def router(door: Door, mirror: Mirror) -> APIRouter:
    """`GET /mirror/<origin hash>/…`, laid out as C2SP tlog-mirror says."""
    routes = APIRouter(tags=["log"])

    @file_route(routes, "/mirror/{origin_hash}/checkpoint")
    async def checkpoint(origin_hash: str) -> Response:
        """The newest cosigned checkpoint whose entries are all kept here."""
        raw = mirror.by_hash(origin_hash)[1].files.checkpoint()
        if raw is None:
            raise NotFoundError
        return Response(raw, media_type="text/plain; charset=utf-8", headers=FRESH)

    @file_route(routes, "/mirror/{origin_hash}/tile/{path:path}")
    async def tile(request: Request, origin_hash: str, path: str) -> Response:
        """A tile of the copy; entries for the log's own operator and the auditor."""
        member, copy = mirror.by_hash(origin_hash)
        wanted = parsed_tile(path)
        if wanted.level == ENTRIES:
            caller = await door.admit(request)
            if not (caller.auditor or caller.member == member.id):
                raise NotFoundError
        raw = tile_of(copy.files, wanted)
        return Response(raw, media_type="application/octet-stream", headers=IMMUTABLE)

    return routes


async def _entries(client: PartnerClient, first: int, size: int) -> list[bytes]:
    """The entries from `first` on."""
    found: list[bytes] = []
    for index in range(first // TILE_WIDTH, -(-size // TILE_WIDTH)):
        tile = tile_at(ENTRIES, index, size=size)
        path = format_tile_path(tile)
        found += parse_entry_bundle(await client.entries(path), width=tile.width, path=path)
    return found[first % TILE_WIDTH :]


def _hash_of(origin: str) -> str:
    return Checkpoint(origin=origin, size=0, root=b"").origin_hash
