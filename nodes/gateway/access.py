"""Who is calling: the access token, the DPoP proof of this very request, the server's nonce, and single use.

A token only says which member; what that member may do is asked of registry and contracts at every request.
"""

import hashlib
import hmac
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from sqlmodel import col, delete
from starlette.requests import Request

from exchange.encoding import Digest, base64url_encode
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import (
    BundleWithdrawnError,
    NonceNeededError,
    NotFoundError,
    ProofRefusedError,
    ReplayedError,
    TokenMissingError,
    TokenRefusedError,
    TooManyRequestsError,
)
from exchange.errors.trust import UnknownMemberError
from exchange.receipt import pull_id
from exchange.signing.dpop import AccessToken, Proof, open_proof, open_token
from exchange.signing.keys import KeyPurpose, PublicKey
from nodes.adapters.clock import Clock
from nodes.adapters.sequencer import Transaction
from nodes.adapters.store import driver_of
from nodes.adapters.tables import SpentRow
from nodes.adapters.xroad_store import keep_xroad
from nodes.gateway.context import GatewayContext
from nodes.web.limits import MemberLimits
from nodes.web.passage import Passage, passage_of
from nodes.web.shortcut import Doorstep

SCHEME = "DPoP "
CALLER = "exchange.caller"
"""The key of the ASGI scope under which a caller goes along who was let in at the doorstep."""
NONCE_HEADER = "DPoP-Nonce"
NONCE_WINDOW_S = 60
NONCE_BYTES = 16
NONCES_KEPT = 2
"""Of this window and the last one."""
TOKENS_KEPT_MAX = 1024
USED_KEPT_MAX = 16_384
"""Single-use ids that a worker remembers to have seen; what it forgot, the store knows."""

_MEMBERS_ONLY = {
    "GET": re.compile(r"/v1/(?:catalogue|contracts(?:/[^/]+/[^/]+)?)|/log/evidence/[^/]+"),
    "POST": re.compile(r"/v1/contracts(?:/[^/]+/[^/]+/statements)?"),
}
# Straight to the driver wherever every pull passes: building a statement costs more than SQLite takes to run it.
_SPEND = "INSERT INTO spent (kind, member, jti, expires) VALUES (?, ?, ?, ?)"

_CHALLENGES: Mapping[type[ExchangeError], str] = {
    NonceNeededError: "use_dpop_nonce",
    ProofRefusedError: "invalid_dpop_proof",
    ReplayedError: "invalid_dpop_proof",
    TokenRefusedError: "invalid_token",
}


class Nonces:
    """Nonces of this server: keyed by the minute, so that none is stored; this and the last one count.

    Args:
        clock: The time.
        key: 32 bytes that all workers of the node share.
    """

    def __init__(self, clock: Clock, key: bytes) -> None:
        self._clock = clock
        self._key = key
        self._of = lru_cache(maxsize=NONCES_KEPT)(self._make)

    def fresh(self) -> str:
        """The nonce to send now."""
        return self._of(self._window())

    def require(self, found: str | None) -> None:
        """Refuse a nonce that is not this server's of the last two minutes.

        Raises:
            NonceNeededError: None, a foreign or an old one.
        """
        window = self._window()
        known = (self._of(window), self._of(window - 1))
        if found is None or not any(hmac.compare_digest(found.encode(), nonce.encode()) for nonce in known):
            raise NonceNeededError(found="none" if found is None else "another")

    def _window(self) -> int:
        return int(self._clock.now().timestamp()) // NONCE_WINDOW_S

    def _make(self, window: int) -> str:
        return base64url_encode(hashlib.blake2b(str(window).encode(), key=self._key, digest_size=NONCE_BYTES).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated member and the proof of this request.

    Attributes:
        auditor: Whether it is the federation's auditor.
        keys: Its transport keys that count now.
        proof: The DPoP proof as it stood in the header; if this becomes a pull, it is the evidence.
        pull: The id that a pull by this request has.
    """

    member: str
    auditor: bool
    keys: tuple[PublicKey, ...]
    proof: str
    pull: Digest
    jti: str
    spent_until: int
    passage: Passage


class Door:
    """Lets members in, one request at a time.

    Args:
        context: The gateway.
        nonces: Its nonces.
        limits: What one member may ask.
    """

    def __init__(self, context: GatewayContext, nonces: Nonces, limits: MemberLimits) -> None:
        self._context = context
        self.nonces = nonces
        self._limits = limits
        self._tokens: OrderedDict[str, AccessToken] = OrderedDict()
        self._used: OrderedDict[tuple[str, str], None] = OrderedDict()

    def authenticate(self, request: Request) -> Caller:
        """The caller of this request; its proof is verified, and still to be spent.

        Raises:
            TokenMissingError, TokenRefusedError, ProofRefusedError, NonceNeededError: 401.
            TooManyRequestsError: 429.
        """
        known = request.scope.get(CALLER)
        if isinstance(known, Caller):  # at the doorstep, a moment ago
            return known
        caller = request.scope[CALLER] = self._judged(request)
        return caller

    def _judged(self, request: Request) -> Caller:
        context = self._context
        now = context.clock.now()
        token, presented = self.read_token(request, now)
        trust = context.trust.current()
        try:
            keys = trust.keys(token.member, KeyPurpose.TRANSPORT, at=now)
        except UnknownMemberError as error:
            raise TokenRefusedError(reason="its member is not in the registry any more") from error
        bound = [key for key in keys if key.kid == token.thumbprint]
        if not bound:
            raise TokenRefusedError(reason="bound to a key that the registry no longer lists")
        header = _one_header(request, "DPoP")
        if header is None:
            raise ProofRefusedError(reason="expected in one header DPoP")
        proof = self.check_proof(request, header, keys=bound, now=now, token=presented)
        return Caller(
            passage=self.enter(request, token.member, proof.jti),
            member=token.member,
            auditor=token.member == trust.auditor,
            keys=keys,
            proof=header,
            pull=pull_id(header),
            jti=proof.jti,
            spent_until=self.spent_until(proof),
        )

    def read_token(self, request: Request, now: datetime) -> tuple[AccessToken, str]:
        """The access token of a request, read and as it stood there.

        Raises:
            TokenMissingError, TokenRefusedError: 401.
        """
        raw = _one_header(request, "Authorization")
        if raw is None or not raw.startswith(SCHEME):
            raise TokenMissingError
        presented = raw.removeprefix(SCHEME)
        return self._token(presented, now), presented

    def doorstep(self) -> Doorstep:
        """Whoever shows no token and proof that count gets no further at the addresses that ask for them."""
        return Doorstep(addresses=_MEMBERS_ONLY, require=self.authenticate)

    async def admit(self, request: Request) -> Caller:
        """The caller, with its proof spent durably: for every request that is not a pull.

        Raises:
            PassageError: 401.
        """
        caller = self.authenticate(request)
        await self._context.sequencer.submit(lambda transaction: self.spend(transaction, caller), gated=False)
        return caller

    def enter(self, request: Request, member: str, jti: str) -> Passage:
        """A request that this member signed begins to run.

        Raises:
            ReplayedError: 401: this worker saw its id before, so the writer need not be asked.
            TooManyRequestsError: 429: the member asked too much of late, or has too much running.
        """
        passage = passage_of(request)
        passage.member = member
        if (member, jti) in self._used:
            raise ReplayedError(subject="single-use id")
        self._limits.require(member)
        self._limits.enter(member)
        passage.running = True
        return passage

    def settle(self, member: str, jti: str) -> None:
        """The request was this member's own and no replay: it counts as the member's."""
        self._limits.charge(member)
        self._used[member, jti] = None
        if len(self._used) > USED_KEPT_MAX:
            self._used.popitem(last=False)

    def spend(self, transaction: Transaction, caller: Caller) -> None:
        """Use up the proof's id, in the transaction of whatever it authorises; note what X-Road said about it.

        Raises:
            ReplayedError: It was used before; the INSERT decides.
        """
        spend(transaction, kind="proof", member=caller.member, jti=caller.jti, until=caller.spent_until)
        self.settle(caller.member, caller.jti)
        if caller.passage.xroad:
            keep_xroad(
                transaction.connection,
                proof=caller.pull,
                member=caller.member,
                headers=caller.passage.xroad,
                at=self._context.clock.now(),
            )

    def check_proof(
        self, request: Request, header: str, *, keys: list[PublicKey], now: datetime, token: str | None
    ) -> Proof:
        """Verify a DPoP proof for this request, its nonce included.

        Raises:
            ProofRefusedError, NonceNeededError: 401, or 400 at the token endpoint.
        """
        settings = self._context.settings
        proof = open_proof(
            header,
            keys=keys,
            method=request.method,
            url=self._context.issuer + request.scope["raw_path"].decode("ascii", "replace"),
            at=now,
            age_s=settings.dpop_age_s,
            skew_s=settings.clock_skew_s,
            access_token=token,
        )
        self.nonces.require(proof.nonce)
        return proof

    def spent_until(self, proof: Proof) -> int:
        """Until when a proof's id must be remembered: as long as it could be accepted again."""
        settings = self._context.settings
        kept = timedelta(seconds=settings.dpop_age_s + settings.clock_skew_s)
        return int((proof.issued_at + kept).timestamp()) + 1

    def _token(self, presented: str, now: datetime) -> AccessToken:
        # What verified once verifies again: the same bytes, the same key. Only its end must be looked at anew.
        token = self._tokens.get(presented)
        if token is None:
            context = self._context
            if not presented.isascii():
                raise TokenRefusedError(reason="not a token")
            token = open_token(presented, keys=[context.transport.public], issuer=context.issuer, at=now)
            self._tokens[presented] = token
            if len(self._tokens) > TOKENS_KEPT_MAX:
                self._tokens.popitem(last=False)
        if token.expires <= now:
            self._tokens.pop(presented, None)
            raise TokenRefusedError(reason="expired")
        return token


def spend(transaction: Transaction, *, kind: str, member: str, jti: str, until: int) -> None:
    """Use up a single-use id.

    Raises:
        ReplayedError: It was used before.
    """
    try:
        driver_of(transaction.connection).execute(_SPEND, (kind, member, jti, until))
    except sqlite3.IntegrityError as error:
        raise ReplayedError(subject="client assertion" if kind == "assertion" else "DPoP proof") from error


def forget_spent(transaction: Transaction, now: datetime) -> None:
    """Drop ids that no longer could be accepted."""
    transaction.connection.execute(delete(SpentRow).where(col(SpentRow.expires) < int(now.timestamp())))


def require_auditor(caller: Caller) -> None:
    """Refuse everybody but the auditor, as if there were nothing.

    Raises:
        NotFoundError: Not the auditor.
    """
    if not caller.auditor:
        raise NotFoundError


def challenge(error: ExchangeError) -> Mapping[str, str]:
    """The challenge of a refusal (RFC 9449 §7.1, §9), or the link to why a bundle is gone."""
    if isinstance(error, BundleWithdrawnError):
        return {"Link": f'<{error.facts["link"]}>; rel="describedby"'}
    if isinstance(error, TooManyRequestsError):
        return {"Retry-After": str(error.facts["retry_after_s"])}
    if isinstance(error, TokenMissingError):
        return {"WWW-Authenticate": 'DPoP algs="Ed25519"'}
    for kind, name in _CHALLENGES.items():
        if isinstance(error, kind):
            return {"WWW-Authenticate": f'DPoP error="{name}", algs="Ed25519"'}
    return {}


def _one_header(request: Request, name: str) -> str | None:
    """The value of a header that stands exactly once."""
    found = request.headers.getlist(name)
    return found[0] if len(found) == 1 else None
