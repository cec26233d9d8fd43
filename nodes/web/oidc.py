"""Signing in through the ministry's own identity provider: OpenID Connect, authorization code, PKCE (RFC 7636).

Authlib writes the requests; what comes back is read here, strictly. The provider's addresses and keys are settings:
nothing is discovered, no key is fetched, no redirect followed, so no answer chooses where this console connects to or
whom it believes. Whom the provider means is (iss, sub), which two administrators gave to an account; nobody is made an
account by signing in. Such a session has shown no passkey: whatever signs asks for one.
"""

import asyncio
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwk, jws
from joserfc.errors import JoseError
from starlette.requests import Request

from exchange.encoding import JsonObject, base64url_decode, parse_canonical_object, parse_json_object, text_member
from exchange.errors import ExchangeError
from exchange.errors.officers import ConsoleUnsafeError, LoginRefusedError
from nodes.adapters.clock import Clock
from nodes.adapters.officer_db import OfficerDb
from nodes.adapters.private_files import read_owned
from nodes.settings import ConsoleSettings, IdentityProviderSettings
from nodes.web.attempts import Attempt
from nodes.web.challenges import Challenges
from nodes.web.sessions import Sessions

RETURN_PATH = "/api/login/identity/return"
LOGIN = "console.oidc/1"
SECRET_BYTES = 32
ANSWER_BYTES_MAX = 64 * 1024
TOKEN_CHARS_MAX = 8192
TOKEN_AGE_S_MAX = 300
CLOCK_SKEW_S = 10
SUBJECT_CHARS_MAX = 255
_FORM = "application/x-www-form-urlencoded"
_HEADER = frozenset({"alg", "kid", "typ"})
_REFERENCE = re.compile(r"[\x21-\x7e]{1,512}\Z")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser is sent, and the handle by which its return is recognised."""

    address: str
    handle: str


class IdentityProvider:
    """The ministry's identity provider, as one console sees it.

    Args:
        provider: Its settings.
        settings: The console's: its origin is where the browser comes back to.
        folder: Against which the settings name files.
        db: Accounts and sessions.
        transport: Another way to the provider than the network; None is the network.

    Raises:
        ConsoleUnsafeError: No public keys of the provider where the settings say.
        TrustError: The client's secret is not to be had, or open to others.
    """

    def __init__(
        self,
        provider: IdentityProviderSettings,
        settings: ConsoleSettings,
        *,
        folder: Path,
        db: OfficerDb,
        sessions: Sessions,
        challenges: Challenges,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._provider = provider
        self._redirect = settings.origin + RETURN_PATH
        self._db, self._sessions, self._challenges, self._clock = db, sessions, challenges, clock
        self._transport = transport
        self._keys = _read_keys(folder / provider.jwks_file)
        secret = provider.client_secret_file
        self._secret = None if secret is None else read_owned(folder / secret, 4096).decode("ascii").strip()

    def begin(self) -> Begun:
        """Send a browser to the provider; where it takes pushed requests, with nothing but a reference to one.

        Raises:
            LoginRefusedError, EncodingError: The provider did not take the request.
        """
        state, nonce, verifier = (secrets.token_urlsafe(SECRET_BYTES) for _ in range(3))
        statement = self._challenges.statement(LOGIN, state=state, oidc_nonce=nonce, verifier=verifier)
        with self._db.begin() as store:
            handle = self._challenges.issue(store, statement, kind=LOGIN, account=None)
        asked = {
            "client_id": self._provider.client_id,
            "response_type": "code",
            "redirect_uri": self._redirect,
            "scope": self._provider.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
            **({} if self._provider.acr is None else {"acr_values": self._provider.acr}),
        }
        if self._provider.pushed_authorization_request_endpoint is None:
            return Begun(str(prepare_grant_uri(self._provider.authorization_endpoint, **asked)), handle)
        pushed = [("client_id", self._provider.client_id), ("request_uri", self._pushed(asked))]
        return Begun(str(add_params_to_uri(self._provider.authorization_endpoint, pushed)), handle)

    def finish(self, request: Request, handle: str, attempt: Attempt) -> str:
        """The token of a new session, for a browser that came back; `attempt` learns whose it would have been.

        Raises:
            LoginRefusedError: Another state, another issuer (RFC 9207), a token that does not hold, nobody's identity.
        """
        with self._db.begin() as store:
            asked = parse_canonical_object(
                self._challenges.take(store, handle, kind=LOGIN, account=None), subject=LOGIN
            )
        found = _single(request)
        _require(hmac.compare_digest(found["state"].encode(), text_member(asked, "state", subject=LOGIN).encode()))
        _require(found["iss"] == self._provider.issuer)
        token = self._token(found["code"], text_member(asked, "verifier", subject=LOGIN))
        subject = self._subject(token, nonce=text_member(asked, "oidc_nonce", subject=LOGIN))
        with self._db.begin() as store:
            identity = store.accounts.identity(self._provider.issuer, subject)
            account = None if identity is None else store.accounts.account(identity.account)
            if account is None:
                raise attempt.refused("identity-unknown")
            attempt.account, attempt.proved = account.id, True
            if account.closed_at is not None:
                raise attempt.refused("account-closed")
            return self._sessions.begin(store, account, method="oidc", request=request)

    def _pushed(self, asked: Mapping[str, str]) -> str:
        """The reference that the provider gives for a request (RFC 9126 §2.2)."""
        endpoint = self._provider.pushed_authorization_request_endpoint or ""
        answer = _document(self._post(endpoint, urlencode(asked), status=httpx.codes.CREATED))
        reference = text_member(answer, "request_uri", subject="pushed request")
        _require(_REFERENCE.match(reference) is not None)
        return reference

    def _token(self, code: str, verifier: str) -> str:
        """The ID token that the provider gives for a code."""
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._redirect, code_verifier=verifier
        )
        answer = self._post(self._provider.token_endpoint, body, status=httpx.codes.OK)
        return text_member(_document(answer), "id_token", subject="token answer")

    def _post(self, endpoint: str, body: str, *, status: int) -> bytes:
        """What the provider answers to this client's form.

        Raises:
            LoginRefusedError: It does not answer, or with another status.
        """
        method = "none" if self._secret is None else "client_secret_basic"
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": _FORM}
        auth = ClientAuth(self._provider.client_id, self._secret, method)
        address, headers, body = auth.prepare("POST", endpoint, headers, body)
        request = httpx.Request("POST", str(address), content=body, headers=dict(headers))
        try:
            return asyncio.run(self._answered(request, status=status))
        except (httpx.HTTPError, TimeoutError) as error:
            raise LoginRefusedError from error

    async def _answered(self, request: httpx.Request, *, status: int) -> bytes:
        """The body, had in time as a whole: one that came byte by byte would keep a thread of the desk for hours."""
        wait_s = self._provider.timeout_s
        async with (
            asyncio.timeout(wait_s),
            httpx.AsyncClient(transport=self._transport, timeout=wait_s, trust_env=False) as client,
        ):
            answer = await client.send(request, stream=True, follow_redirects=False)
            try:
                _require(answer.status_code == status)
                return await _bounded(answer)
            finally:
                await answer.aclose()

    def _subject(self, token: str, *, nonce: str) -> str:
        """Whom an ID token is about (OpenID Connect Core §3.1.3.7).

        Raises:
            LoginRefusedError, EncodingError: It does not hold.
        """
        claims = self._claims(token)
        provider, now = self._provider, self._clock.now()
        audience = claims.get("aud")
        _require(claims.get("iss") == provider.issuer)
        _require(audience in (provider.client_id, [provider.client_id]))
        _require(claims.get("azp", provider.client_id) == provider.client_id)
        _require(claims.get("nonce") == nonce)
        _require(provider.acr is None or claims.get("acr") == provider.acr)
        _require_now(claims, now)
        subject = text_member(claims, "sub", subject="id token")
        _require(0 < len(subject) <= SUBJECT_CHARS_MAX)
        return subject

    def _claims(self, token: str) -> JsonObject:
        """What the provider signed: strict spelling first, then the signature by a key of the settings."""
        parts = token.split(".")
        _require(len(token) <= TOKEN_CHARS_MAX and len(parts) == len(("header", "claims", "signature")))
        header, claims, _ = (base64url_decode(part, subject="id token") for part in parts)
        said = _document(header)
        _require(said.keys() <= _HEADER and said.get("typ", "JWT") == "JWT")
        _require(said.get("alg") in self._provider.algorithms)
        try:
            jws.deserialize_compact(token, self._keys, algorithms=[str(said["alg"])])
        except (JoseError, ValueError) as error:
            raise LoginRefusedError from error
        return _document(claims)


def _read_keys(file: Path) -> jwk.KeySet:
    """The provider's public keys, a JWK set (RFC 7517 §5) that the ministry itself put there.

    Raises:
        ConsoleUnsafeError: No such file, no such set, or a key in it that is not public.
    """
    try:
        document: Any = _document(file.read_bytes())
        keys = jwk.KeySet.import_key_set(document)
    except (OSError, ExchangeError, JoseError, ValueError, KeyError, TypeError) as error:
        raise ConsoleUnsafeError(setting="identity_provider.jwks_file", reason="expected a JWK set") from error
    if not keys.keys or any(key.key_type == "oct" or key.is_private for key in keys):
        raise ConsoleUnsafeError(setting="identity_provider.jwks_file", reason="expected public keys")
    return keys


async def _bounded(answer: httpx.Response) -> bytes:
    """The body, read no further than a body of the provider's may be long; a coding could make much of a little."""
    _require("content-encoding" not in answer.headers)
    found = bytearray()
    async for part in answer.aiter_bytes():
        found += part
        _require(len(found) <= ANSWER_BYTES_MAX)
    return bytes(found)


def _single(request: Request) -> Mapping[str, str]:
    """The return's parameters, each once; an error of the provider is a refusal like any other."""
    pairs = request.query_params.multi_items()
    found = dict(pairs)
    _require(len(pairs) == len(found) and {"code", "state", "iss"} <= found.keys() and "error" not in found)
    return found


def _require_now(claims: Mapping[str, Any], now: datetime) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    _require(isinstance(issued, int) and isinstance(expires, int))
    skew = timedelta(seconds=CLOCK_SKEW_S).total_seconds()
    at = now.timestamp()
    _require(at - TOKEN_AGE_S_MAX - skew <= int(issued or 0) <= at + skew and at - skew < int(expires or 0))


def _document(raw: bytes) -> JsonObject:
    return parse_json_object(raw, subject="identity provider", bytes_max=ANSWER_BYTES_MAX)


def _require(held: bool) -> None:  # noqa: FBT001  # reads as a sentence
    if not held:
        raise LoginRefusedError
