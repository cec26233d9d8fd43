"""What one connection may cost before a request is whole: bytes, fields and time, and how many connections there are.

uvicorn's protocol for httptools bounds none of these. A request must arrive whole in time, its answer must be taken in
time, and nothing between two events of the parser may grow (a head, a chunk's extension, a trailer). Where there are
too many connections, one that has sent no request for longest gives way: those who only hold connections open lose
them, and a new honest one is always let in.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from exchange.errors import ExchangeError
from exchange.errors.node import RequestHeadTooLargeError, RequestMalformedError, RequestTooSlowError
from nodes.web.limits import address_key
from nodes.web.passage import PASSAGE, Network, Passage, within
from nodes.web.problems import problem

PIPELINED_MAX = 8
"""Requests on one connection that wait for the answer before theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLimits:
    """The bounds of one server.

    Attributes:
        head_bytes_max: Of a request's address and fields, and of anything else that is not its body.
        head_fields_max: How many fields.
        request_s: Within which a request must be there, from its first byte or the connection's beginning.
        answer_s: Within which an answer must be taken.
        connections_max: Of all callers together.
        connections_of_one_max: Of one address.
        unbounded: Addresses that stand for many callers: proxies of our own.
    """

    head_bytes_max: int
    head_fields_max: int
    request_s: float
    answer_s: float
    connections_max: int
    connections_of_one_max: int
    unbounded: Collection[Network] = ()


class Connections:
    """All connections of one server, by address, each in the order in which it last did something."""

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._by_address: dict[str, dict[BoundedProtocol, None]] = {}
        self._count = 0

    def add(self, one: "BoundedProtocol", address: str) -> None:
        """One more; another gives way if there are too many."""
        mine = self._by_address.setdefault(address, {})
        mine[one] = None
        self._count += 1
        limits = self._limits
        if len(mine) > limits.connections_of_one_max and not within(address, limits.unbounded):
            self._give_way(mine, one)
        elif self._count > limits.connections_max:
            self._give_way(max(self._by_address.values(), key=len), one)

    def remove(self, one: "BoundedProtocol", address: str) -> None:
        """One less."""
        mine = self._by_address.get(address, {})
        if one in mine:
            del mine[one]
            self._count -= 1
            if not mine:
                del self._by_address[address]

    def touch(self, one: "BoundedProtocol", address: str) -> None:
        """It did something: it stands last now."""
        mine = self._by_address.get(address)
        if mine is not None and one in mine:
            del mine[one]
            mine[one] = None

    @staticmethod
    def _give_way(among: "dict[BoundedProtocol, None]", newest: "BoundedProtocol") -> None:
        """Close the one that has done nothing for longest: never asked before asked and idle; if all are busy, the new.

        The new one has not asked yet either, and is the last to go: it may be the honest one.
        """
        others = [one for one in among if one is not newest]
        silent = next((one for one in others if not one.asked), None)
        (silent or next((one for one in others if one.idle), newest)).cut()


class BoundedProtocol(HttpToolsProtocol):
    """One connection within its bounds."""

    limits: ClassVar[WireLimits]
    others: ClassVar[Connections]

    asked = False
    _address = ""
    _between = 0
    _head_bytes = 0
    _arriving = False
    _in_head = True
    _refusal: ExchangeError | None = None
    _arrival: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether no request of it is being answered, but with a 429 that is held back."""
        if self.cycle is None or self.cycle.response_complete:
            return True
        passage = self.cycle.scope.get(PASSAGE)
        return isinstance(passage, Passage) and passage.held

    def cut(self) -> None:
        """End it at once."""
        self.transport.abort()

    # --- connection -------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin: the first request is awaited."""
        super().connection_made(transport)
        self._address = address_key(self.client[0]) if self.client else ""
        self._arrival = self.loop.call_later(self.limits.request_s, self._too_slow)
        self.others.add(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.others.remove(self, self._address)
        for timer in (self._arrival, self._taking):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        self._between += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._between > self.limits.head_bytes_max:
            self._refuse(self._head_too_large())
        elif len(self.pipeline) > PIPELINED_MAX:
            self.cut()
        elif self._arriving and self._arrival is None:
            self._arrival = self.loop.call_later(self.limits.request_s, self._too_slow)

    def pause_writing(self) -> None:
        """The caller takes its answer more slowly than it is made."""
        super().pause_writing()
        self._taking = self.loop.call_later(self.limits.answer_s, self.cut)

    def resume_writing(self) -> None:
        """It has taken most of it."""
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more came: an answer that nobody takes does not keep the connection."""
        if self.transport.get_write_buffer_size():
            self.cut()
        else:
            super().timeout_keep_alive_handler()

    # --- the parser's events ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._arriving, self._in_head, self._head_bytes = True, True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field; after the head it would be a trailer, of which there is none here."""
        self._head_bytes += len(name) + len(value)
        limits = self.limits
        if self._head_bytes + len(self.url) > limits.head_bytes_max or len(self.headers) >= limits.head_fields_max:
            self._stop(self._head_too_large())
        if not self._in_head:
            self._stop(RequestMalformedError(subject="request", reason="a field after its body"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        # RFC 9112 §6.1: a proxy that knows HTTP/1.0 only would see the end of this request elsewhere.
        if self.parser.get_http_version() == "1.0" and any(name == b"transfer-encoding" for name, _ in self.headers):
            self._stop(RequestMalformedError(subject="request", reason="Transfer-Encoding in HTTP/1.0"))
        super().on_headers_complete()
        self._in_head, self._between, self.asked = False, 0, True
        self.others.touch(self, self._address)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._between = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._arriving, self._between = False, 0
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
        super().on_message_complete()

    # --- refusals ---------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words; ours are a problem
        """What the parser refuses, or what stopped it."""
        self._refuse(self._refusal or RequestMalformedError(subject="request", reason="not HTTP/1.1"))

    def _stop(self, refusal: ExchangeError) -> None:
        """End the parser's work from within one of its events."""
        self._refusal = refusal
        raise ValueError(refusal.code)

    def _head_too_large(self) -> ExchangeError:
        limits = self.limits
        return RequestHeadTooLargeError(bytes_max=limits.head_bytes_max, fields_max=limits.head_fields_max)

    def _too_slow(self) -> None:
        self._refuse(RequestTooSlowError(seconds=self.limits.request_s))

    def _refuse(self, refusal: ExchangeError) -> None:
        """Answer and close; where an answer is under way or given already, only close."""
        if self.transport.is_closing():
            return
        answered = self.cycle is None or self.cycle.response_complete
        unanswered = answered if self._in_head else not self.cycle.response_started
        if unanswered:
            self.transport.write(on_the_wire(problem(refusal)))
        self.transport.close()


def bounded(limits: WireLimits) -> type[BoundedProtocol]:
    """The protocol of one server with these bounds."""

    class Bounded(BoundedProtocol):
        """One server's."""

    Bounded.limits, Bounded.others = limits, Connections(limits)
    return Bounded


def on_the_wire(answer: Response) -> bytes:
    """An answer as bytes, given where there is no application yet; the connection ends with it."""
    lines = [b"HTTP/1.1 %d -" % answer.status_code, *(b"%s: %s" % field for field in answer.raw_headers)]
    return b"\r\n".join([*lines, b"connection: close", b"", bytes(answer.body)])
