"""The node's registry kept up with the members': at the start, on a schedule, and when somebody acts under a newer one.

Each round asks the auditor and one other member in turn, so that neither a silent auditor nor one that shows an old
state keeps news away for long; whoever does not answer is passed over. A newer state that was met and cannot be had is
a refusal: nobody goes on under an older registry than the partner's.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import httpx
from tuf.api.exceptions import DownloadError, DownloadHTTPError

from exchange.errors import ExchangeError
from exchange.errors.trust import RegistryUnreachableError
from exchange.signing.trust import Trust
from nodes.adapters.clock import Clock
from nodes.adapters.outbound import outbound
from nodes.adapters.tls_files import partner_context
from nodes.adapters.trust_folder import FILE_BYTES_MAX, load_trust
from nodes.adapters.trust_updater import Fetch, refresh_registry
from nodes.adapters.witness_calls import PLAIN
from nodes.settings import NodeFolder

NOT_AGAIN_S = 5.0
"""After a version that nobody had, for so long its namer causes no other round: anybody can name a number."""
STALE_ROUNDS = 10
FILE_S_MAX = 30.0
"""A file that drips in for longer than this is given up."""
SOURCE_S_MAX = 600.0
"""A member each of whose files comes just in time is given up: meanwhile no other is asked."""
_LOG = logging.getLogger("exchange.gateway")


class TrustSource(Protocol):
    """Where the current registry comes from."""

    @property
    def problem(self) -> ExchangeError | None:
        """Why the newest state in the folder is not the one acted under; None if it is."""
        ...

    def current(self) -> Trust:
        """The registry state to act under now.

        Raises:
            TrustError: There is none that verifies and has not expired.
        """
        ...


class Registry:
    """Refreshes one node's registry folder.

    Args:
        node: Its folder is refreshed.
        trust: Reads the folder, so that what is written is acted under at once.
        network: The way to other members.
        clock: The time.
        source_s: How long one member may take for all that is asked of it.
    """

    def __init__(
        self,
        node: NodeFolder,
        *,
        trust: TrustSource,
        network: httpx.AsyncClient,
        clock: Clock,
        source_s: float = SOURCE_S_MAX,
    ) -> None:
        self._source_s = source_s
        self._node = node
        self._trust = trust
        self._network = network
        self._clock = clock
        # A thread of its own: it waits for the loop, and must not take the place of work that the loop waits for.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="registry")
        self._asked = _Asked()
        self._lock = asyncio.Lock()
        self._turn = 0
        self._missed_until: dict[str, datetime] = {}  # by who named a version that nobody had
        self._heard_until: datetime | None = None
        self.refreshed_at: datetime | None = None
        self.refusals: dict[str, ExchangeError] = {}  # by member: what was wrong with its registry, last time

    async def close(self) -> None:
        """Begin nothing more, and wait for the thread while the loop can still answer it."""
        self._asked.end()
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    async def keep_fresh(self, changed: Callable[[], object]) -> None:
        """Refresh again and again; `changed` is called after each round that finds a new state, whoever brought it."""
        known = self.version()
        while True:
            await self.refresh()
            if self.version() != known:
                known = self.version()
                changed()
            await asyncio.sleep(self._node.settings.gateway.registry_refresh_s)

    async def refresh(self) -> None:
        """One round: the auditor and the member whose turn it is; the others too if neither has a usable answer."""
        async with self._lock:
            trust = self._known()
            auditor, others = trust.auditor, [m for m in trust.members if m not in {trust.auditor, self._node.member}]
            self._turn += 1
            if others:
                turn = self._turn % len(others)
                others = [*others[turn:], *others[:turn]]
            first, rest = [auditor, *others[:1]], others[1:]
            answered = [await self._ask(member, trust) for member in first if member != self._node.member]
            if not any(answered):
                await self._ask_until_one_answers(rest, trust)

    async def hear(self, version: int | None) -> None:
        """Somebody unproven names this version: whoever signed by a key that is listed only there deserves a look.

        One round at most in `NOT_AGAIN_S`, to the members whom any round would ask, whatever number is named; those
        who come meanwhile wait for nothing.
        """
        now = self._clock.now()
        if version is None or version <= self.version() or (self._heard_until is not None and now < self._heard_until):
            return
        self._heard_until = now + timedelta(seconds=NOT_AGAIN_S)
        await self.refresh()

    async def meet(self, version: int | None, *, of: str) -> None:
        """An authenticated member acts under this version: have it too before going on.

        Raises:
            RegistryUnreachableError: It is higher than what this node has or can get.
        """
        if version is None or version <= self.version():
            return
        async with self._lock:
            until = self._missed_until.get(of)
            missed = until is not None and self._clock.now() < until
            if version > self.version() and not missed:
                trust = self._known()
                for member in dict.fromkeys((of, trust.auditor)):
                    if version > self.version() and member in trust.members and member != self._node.member:
                        await self._ask(member, trust)
        if version > self.version():
            if not missed:
                self._missed_until[of] = self._clock.now() + timedelta(seconds=NOT_AGAIN_S)
            raise RegistryUnreachableError(source=of, reason=f"version {version}, under which it acts")

    def version(self) -> int:
        """The version acted under; 0 if there is none that holds."""
        try:
            return self._trust.current().ref.version
        except ExchangeError:
            return 0

    def stale(self) -> bool:
        """Whether nobody has confirmed the registry for a good while."""
        limit = timedelta(seconds=STALE_ROUNDS * self._node.settings.gateway.registry_refresh_s)
        return self.refreshed_at is not None and self._clock.now() - self.refreshed_at > limit

    def _known(self) -> Trust:
        """The state here, expired or not: it says where the others listen.

        Raises:
            TrustError: It does not verify at all.
        """
        try:
            return self._trust.current()
        except ExchangeError:
            return load_trust(self._node.keys, at=self._clock.now(), expired="notice")

    async def _ask_until_one_answers(self, members: Iterable[str], trust: Trust) -> None:
        for member in members:
            if await self._ask(member, trust):
                return

    async def _ask(self, member: str, trust: Trust) -> bool:
        """Whether this member's registry was good, and taken where it is newer."""
        source = trust.members[member].issuer
        try:
            if not source:
                raise RegistryUnreachableError(source=member, reason="no address: the member is silenced")
            fetch = _fetcher(self._network, asyncio.get_running_loop(), self._asked, source_s=self._source_s)
            work = partial(refresh_registry, self._node.keys, source=source, fetch=fetch, now=self._clock.now)
            await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except ExchangeError as error:
            if self.refusals.get(member) != error:
                _LOG.info("registry of %s: %s", member, error.code)
            self.refusals[member] = error
            return False
        self.refusals.pop(member, None)
        self.refreshed_at = self._clock.now()
        return True


@dataclass(frozen=True, slots=True)
class _Here:
    """A state as it is, expired or not."""

    trust: Trust
    problem: ExchangeError | None = None

    def current(self) -> Trust:
        return self.trust


def registry_client(node: NodeFolder, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """The way to registries and witnesses: no redirect is followed, no proxy of the environment is used."""
    settings = node.settings.gateway
    way = transport or outbound(partner_context(node.path, settings.tls), private_addresses=settings.private_addresses)
    return httpx.AsyncClient(transport=way, timeout=settings.witness_timeout_s, follow_redirects=False, trust_env=False)


async def refresh_at_start(node: NodeFolder, clock: Clock) -> None:
    """One round before anything is built: a node that was off for longer than a timestamp lives comes back by it."""
    here = _Here(trust=load_trust(node.keys, at=clock.now(), expired="notice"))
    async with registry_client(node) as network:
        with suppress(ExchangeError):
            await Registry(node, trust=here, network=network, clock=clock).refresh()


class _Asked:
    """The file that the thread waits for, so that an end need not wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: Future[bytes] | None = None
        self._ended = False

    def begin(self, network: httpx.AsyncClient, url: str, loop: asyncio.AbstractEventLoop) -> Future[bytes]:
        """Ask for a file, in the loop.

        Raises:
            DownloadError: It has ended.
        """
        with self._lock:
            if self._ended:
                raise DownloadError("the node ends")
            self._under_way = asyncio.run_coroutine_threadsafe(fetch_file(network, url), loop)
            return self._under_way

    def end(self) -> None:
        """Ask for nothing more, and wait for nothing."""
        with self._lock:
            self._ended = True
            if self._under_way is not None:
                self._under_way.cancel()


def _fetcher(network: httpx.AsyncClient, loop: asyncio.AbstractEventLoop, files: _Asked, *, source_s: float) -> Fetch:
    """One file, for the thread in which python-tuf's client works; the loop carries it."""
    until = time.monotonic() + source_s

    def fetch(url: str) -> bytes:
        if time.monotonic() > until:
            raise DownloadError(f"not done within {source_s:g} s")
        try:
            return files.begin(network, url, loop).result()
        except CancelledError as error:
            raise DownloadError("the node ends") from error

    return fetch


async def fetch_file(network: httpx.AsyncClient, url: str, *, file_s: float = FILE_S_MAX) -> bytes:
    """One file of a registry, whole, within its time and its size.

    Raises:
        DownloadHTTPError: The mirror answers with another status than 200; a redirect is one.
        DownloadError: It does not answer so.
    """
    content = bytearray()
    try:
        async with asyncio.timeout(file_s), network.stream("GET", url, headers=PLAIN) as answer:
            if answer.status_code != httpx.codes.OK:
                raise DownloadHTTPError(f"status {answer.status_code}", answer.status_code)
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > FILE_BYTES_MAX:
                    raise DownloadError(f"more than {FILE_BYTES_MAX} bytes")
    except TimeoutError as error:
        raise DownloadError(f"not had within {file_s:g} s") from error
    except httpx.HTTPError as error:
        raise DownloadError(f"{type(error).__name__}: {error}") from error
    return bytes(content)
