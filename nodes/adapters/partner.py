"""A partner's gateway as its caller sees it: token, catalogue, bundles, evidence, contracts, log files, receipts.

The client trusts nothing that a partner says: it follows no redirect, uses no proxy of the environment, reads at most
as many bytes as its settings allow, waits at most as long, and names the partner in every error. Keys come from the
registry; nothing that a partner serves is a key.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from exchange.encoding import Digest, base64_decode, parse_json_object
from exchange.errors.encoding import EncodingError
from exchange.errors.exchange_ import PartnerMalformedError, PartnerRefusedError, PartnerUnreachableError
from exchange.receipt import pull_id
from exchange.signing.dpop import make_assertion, make_proof, peek_registry
from nodes.adapters.outbound import outbound
from nodes.adapters.partner_calls import (
    CATALOGUE_ITEMS_MAX,
    CATALOGUE_PAGES_MAX,
    Attempt,
    Caller,
    PartnerLimits,
    Served,
    Session,
    delivery_of,
)
from nodes.adapters.partner_problems import (
    NEVER_SENT,
    PartnerProblemError,
    broken_off,
    overlong,
    read_problem,
    read_token,
)

__all__ = ["Attempt", "Caller", "PartnerClient", "PartnerLimits", "Served"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_RENEWED_BEFORE_S = 15
ATTEMPTS_MAX = 3
"""A request, once more with the server's nonce, once more with a new token."""
WAITS_MAX = 10
"""An answer's head, and its body, may each take so many times what one wait may: bytes one by one would never end."""


class _OverlongAnswerError(Exception):
    """An answer beyond its limit, not read further."""


class PartnerClient:
    """One partner's gateway.

    Args:
        partner: The member whose gateway it is.
        issuer: Its address as the registry gives it.
        caller: Who calls.
        limits: How long and how much.
        transport: Another transport than the network, such as a federation in memory.
    """

    def __init__(
        self,
        *,
        partner: str,
        issuer: str,
        caller: Caller,
        limits: PartnerLimits,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.partner = partner
        self.issuer = issuer
        self._caller = caller
        self._limits = limits
        self._session = Session()
        self._http = httpx.AsyncClient(
            transport=transport or outbound(limits.tls, private_addresses=limits.private_addresses),
            timeout=limits.timeout_s,
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": "indicator-exchange", "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- what may be asked --------------------------------------------------------------------------------------

    async def catalogue(self, *, contract: str | None = None) -> tuple[dict[str, Any], ...]:
        """Every item of the partner's catalogue for this caller, page after page, unverified."""
        items: list[dict[str, Any]] = []
        since: str | None = None
        for _ in range(CATALOGUE_PAGES_MAX):
            query = {name: value for name, value in (("contract", contract), ("since", since)) if value is not None}
            page = await self._json("GET", "/v1/catalogue", query=query)
            found, following = page.get("bundles"), page.get("next")
            if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
                raise self._malformed("/v1/catalogue", "bundles is not a list of objects")
            items += found
            if following is None:
                return tuple(items)
            if not found or str(following) == since:
                raise self._malformed("/v1/catalogue", "an empty page names a next one")
            since = str(following)
            if len(items) > CATALOGUE_ITEMS_MAX:
                raise self._malformed("/v1/catalogue", f"more than {CATALOGUE_ITEMS_MAX} bundles")
        raise self._malformed("/v1/catalogue", f"more than {CATALOGUE_PAGES_MAX} pages")

    async def bundle(self, digest: Digest, *, attempt: Attempt) -> Served:
        """The ZIP of a bundle: a pull.

        Raises:
            CutShortError: The answer began, or may have begun, and did not end; the last `attempt` has its pull id.
            PartnerProblemError, PartnerMalformedError, PartnerUnreachableError: There was no pull.
        """
        path = f"/v1/bundles/{digest.hex}"
        delivery = ""
        try:
            async with self._ask("GET", path, attempt=attempt) as (answer, proof):
                delivery = delivery_of(answer.headers)
                content = await self._read(answer, self._limits.bundle_bytes_max)
                return Served(pull=pull_id(proof), delivery=delivery, content=content)
        except httpx.TransportError as error:
            raise broken_off(self.partner, digest, error, delivery=delivery) from error
        except _OverlongAnswerError as error:
            raise overlong(self.partner, digest, self._limits.bundle_bytes_max, delivery=delivery) from error
        except PartnerProblemError as error:
            if error.says_nothing:
                raise broken_off(self.partner, digest, error) from error
            raise

    async def bundle_file(self, digest: Digest, name: str) -> bytes:
        """One file of a bundle other than its data; no pull."""
        return await self._bytes(f"/v1/bundles/{digest.hex}/{name}")

    async def evidence(self, digest: Digest) -> dict[str, Any]:
        """The log entry with this evidence digest, its proof, and the signed evidence, unverified."""
        return await self._json("GET", f"/log/evidence/{digest.hex}")

    async def contracts(self) -> list[object]:
        """The contracts that this member may read there, each with id, version and digest, unverified."""
        found = (await self._json("GET", "/v1/contracts")).get("contracts")
        return found if isinstance(found, list) else []

    async def contract(self, contract_id: str, version: str) -> dict[str, Any]:
        """A contract's text and its statements, unverified."""
        return await self._json("GET", f"/v1/contracts/{contract_id}/{version}")

    async def receipt(self, token: str) -> dict[str, Any]:
        """Send a receipt; the partner's answer."""
        return await self._json("POST", "/v1/receipts", content=token.encode("ascii"), media_type="application/jose")

    async def checkpoint(self) -> bytes:
        """The partner's newest published checkpoint; no token."""
        return await self._open_bytes("/log/checkpoint")

    async def witnessed(self, origin_hash: str) -> bytes:
        """The checkpoint of a log that the partner cosigned last; no token."""
        return await self._open_bytes(f"/witness/{origin_hash}/checkpoint")

    async def rivals(self, origin_hash: str) -> list[bytes]:
        """For the auditor: the checkpoints of a log that the partner refused to cosign, unverified."""
        path = f"/witness/{origin_hash}/rivals"
        found = (await self._json("GET", path)).get("checkpoints")
        try:
            return [base64_decode(note, subject=path) for note in found] if isinstance(found, list) else []
        except EncodingError as error:
            raise self._malformed(path, error.sentence()) from error

    async def snapshot(self, version: int) -> bytes:
        """The registry snapshot of this version as the partner keeps it, unverified; no token."""
        return await self._open_bytes(f"/trust/metadata/{version}.snapshot.json")

    async def tile(self, path: str) -> bytes:
        """A hash tile of the partner's log; no token. `path` begins with `tile/`."""
        return await self._open_bytes(f"/log/{path}")

    async def entries(self, path: str) -> bytes:
        """An entry tile of the partner's log, for the auditor. `path` begins with `tile/entries/`."""
        return await self._bytes(f"/log/{path}")

    async def mirrored_checkpoint(self, origin_hash: str) -> bytes:
        """The checkpoint of the partner's copy of a log; no token."""
        return await self._open_bytes(f"/mirror/{origin_hash}/checkpoint")

    async def mirrored_entries(self, origin_hash: str, path: str) -> bytes:
        """An entry tile of the partner's copy of this member's log. `path` begins with `tile/entries/`."""
        return await self._bytes(f"/mirror/{origin_hash}/{path}")

    # --- one request --------------------------------------------------------------------------------------------

    async def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        media_type: str | None = None,
    ) -> dict[str, Any]:
        async with self._ask(method, path, query=query, content=content, media_type=media_type) as (answer, _):
            raw = await self._read_all(answer, path, self._limits.answer_bytes_max)
        try:
            return dict(parse_json_object(raw, subject=path))
        except EncodingError as error:
            raise self._malformed(path, error.sentence()) from error

    async def _bytes(self, path: str) -> bytes:
        async with self._ask("GET", path) as (answer, _):
            return await self._read_all(answer, path, self._limits.answer_bytes_max)

    async def _open_bytes(self, path: str) -> bytes:
        """A GET without a token."""
        async with self._send("GET", path, {}) as answer:
            if not answer.is_success:
                raise await self._problem(answer, path)
            return await self._read_all(answer, path, self._limits.answer_bytes_max)

    @asynccontextmanager
    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        media_type: str | None = None,
        attempt: Attempt | None = None,
    ) -> AsyncIterator[tuple[httpx.Response, str]]:
        """A request with token and proof; repeated with the server's nonce, or with a new token, when it asks so."""
        for number in range(1, ATTEMPTS_MAX + 1):
            token = await self._token()
            proof = self._proof(method, path, token)
            if attempt is not None:
                await attempt(pull_id(proof))
            headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
            if media_type is not None:
                headers["Content-Type"] = media_type
            async with self._send(
                method, path, headers, query=query, content=content, may_serve=attempt is not None
            ) as answer:
                if answer.is_success:
                    yield answer, proof
                    return
                retry = number < ATTEMPTS_MAX and self._may_retry(answer)
                if not retry:
                    raise await self._problem(answer, path)

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        may_serve: bool = False,
    ) -> AsyncIterator[httpx.Response]:
        """One request as it is; with `may_serve`, one that left and was not answered stays a transport error."""
        request = self._http.build_request(
            method, self.issuer + path, params=query, content=content, headers=dict(headers)
        )
        try:
            answer = await self._head(request)
        except httpx.TransportError as error:
            if may_serve and not isinstance(error, NEVER_SENT):
                raise
            raise self._unreachable(error) from error
        try:
            self._remember_nonce(answer)
            yield answer
        finally:
            await answer.aclose()

    async def _head(self, request: httpx.Request) -> httpx.Response:
        """Send, and have the head of the answer in time; the request may have been served all the same."""
        try:
            async with asyncio.timeout(self._limits.timeout_s * WAITS_MAX):
                return await self._http.send(request, stream=True)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the answer's head did not end in time") from error

    async def _read_all(self, answer: httpx.Response, path: str, bytes_max: int) -> bytes:
        try:
            return await self._read(answer, bytes_max)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        except _OverlongAnswerError as error:
            raise self._malformed(path, f"more than {bytes_max} bytes") from error

    async def _read(self, answer: httpx.Response, bytes_max: int) -> bytes:
        """The body, up to a limit; a partner could send for ever, so the whole has a time limit too."""
        content = bytearray()
        try:
            async with asyncio.timeout(self._limits.timeout_s * WAITS_MAX):
                async for chunk in answer.aiter_raw():
                    content += chunk
                    if len(content) > bytes_max:
                        raise _OverlongAnswerError
        except TimeoutError as error:
            raise httpx.ReadTimeout("the answer did not end in time") from error
        return bytes(content)

    # --- token --------------------------------------------------------------------------------------------------

    async def _token(self) -> str:
        session = self._session
        async with session.lock:
            now = self._caller.clock.now()
            if session.token is None or session.until is None or now >= session.until:
                session.token, life_s = await self._new_token()
                session.until = now + timedelta(seconds=max(life_s - TOKEN_RENEWED_BEFORE_S, 0))
            return session.token

    async def _new_token(self) -> tuple[str, int]:
        """`private_key_jwt` and DPoP (RFC 7523, RFC 9449 §5); each attempt has its own single-use assertion."""
        path = "/oauth/token"
        for number in range(1, ATTEMPTS_MAX + 1):
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": make_assertion(
                    signer=self._caller.signer,
                    member=self._caller.member,
                    audience=self.issuer,
                    at=self._caller.clock.now(),
                    jti=self._caller.jti(),
                    registry=self._caller.registry(),
                ),
            }
            headers = {
                "DPoP": self._proof("POST", path, None),
                "Content-Type": "application/x-www-form-urlencoded",
            }
            body = str(httpx.QueryParams(form)).encode("ascii")
            async with self._send("POST", path, headers, content=body) as answer:
                if answer.is_success:
                    raw = await self._read_all(answer, path, self._limits.answer_bytes_max)
                    token, life_s = read_token(raw, partner=self.partner, subject=path)
                    await self._caller.met(self.partner, peek_registry(token))
                    return token, life_s
                if number == ATTEMPTS_MAX or not self._may_retry(answer):
                    raise await self._problem(answer, path)
        raise AssertionError  # the last attempt returns or raises

    def _proof(self, method: str, path: str, token: str | None) -> str:
        return make_proof(
            signer=self._caller.signer,
            method=method,
            url=self.issuer + path,
            at=self._caller.clock.now(),
            jti=self._caller.jti(),
            nonce=self._session.nonce,
            access_token=token,
        )

    def _remember_nonce(self, answer: httpx.Response) -> None:
        nonce = answer.headers.get("DPoP-Nonce")
        if nonce is not None:
            self._session.nonce = nonce

    def _may_retry(self, answer: httpx.Response) -> bool:
        """Whether the server asks for its nonce (RFC 9449 §8), or for a new token."""
        if answer.status_code not in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED}:
            return False
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status_code == httpx.codes.UNAUTHORIZED and "use_dpop_nonce" not in challenge:
            self._session.token = None
        return "DPoP-Nonce" in answer.headers or self._session.token is None

    # --- errors -------------------------------------------------------------------------------------------------

    def _unreachable(self, error: httpx.TransportError) -> PartnerUnreachableError:
        host = urlsplit(self.issuer).netloc
        reason = str(error) or type(error).__name__
        return PartnerUnreachableError(partner=self.partner, issuer=host, reason=reason)

    def _malformed(self, path: str, reason: str) -> PartnerMalformedError:
        return PartnerMalformedError(partner=self.partner, subject=path, reason=reason)

    async def _problem(self, answer: httpx.Response, path: str) -> PartnerRefusedError | PartnerMalformedError:
        """The error for an answer that is not a success; a redirect is none that we follow."""
        if answer.is_redirect or answer.status_code < httpx.codes.BAD_REQUEST:
            return self._malformed(path, f"status {answer.status_code}, which the interface does not know")
        raw = await self._read_all(answer, path, self._limits.answer_bytes_max)
        return read_problem(raw, partner=self.partner, subject=path, status=answer.status_code)
