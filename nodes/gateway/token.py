"""The token endpoint: client_credentials, `private_key_jwt`, DPoP with the server's nonce, tokens of 300 s.

Authlib (RFC 6749, 7521, 7523) decides the order of the flow and the OAuth errors; each of its hooks that would read a
token asks our strict reader instead, since its own accepts duplicate members and refuses Ed25519. Authlib is
synchronous: it runs in a thread, once the assertion has authenticated a member, and touches no database; the single-use
ids are spent in one durable transaction before the answer, and stay spent if a later step failed.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, OAuth2Error
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.encoding import base64url_encode, canonical_json
from exchange.errors.exchange_ import (
    AssertionRefusedError,
    NonceNeededError,
    PassageError,
    ProofRefusedError,
    ReplayedError,
    TooManyRequestsError,
)
from exchange.errors.trust import TrustError, UnknownMemberError
from exchange.signing.dpop import Assertion, Proof, make_token, open_assertion, peek_member, peek_registry
from exchange.signing.keys import KeyPurpose, PublicKey
from nodes.adapters.sequencer import Transaction
from nodes.gateway.access import Door, challenge, spend
from nodes.gateway.context import GatewayContext
from nodes.web.forms import parse_form
from nodes.web.shortcut import Shortcut

TOKEN_PATH = "/oauth/token"  # noqa: S105  # an address
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JTI_BYTES = 16
_FORM_MEMBERS = {"grant_type", "client_assertion_type", "client_assertion"}
_FORM_OPTIONAL = {"scope", "resource", "client_id"}
# At DEBUG, Authlib writes every token that it issues into the log.
logging.getLogger("authlib").setLevel(logging.WARNING)


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """The request of an authenticated member on its way through Authlib."""

    now: datetime
    proof_header: str
    request: Request
    assertion: Assertion
    keys: list[PublicKey]
    proof: Proof | None = None


class _Member(ClientMixin):
    """A member as Authlib's client."""

    def __init__(self, member: str) -> None:
        self.client_id = member

    def get_client_id(self) -> str:
        """The member's id."""
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:  # noqa: ARG002  # rights come from contracts, never from a token
        """None."""
        return ""

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Only `private_key_jwt`, only here."""
        return method == "private_key_jwt" and endpoint == "token"

    def check_grant_type(self, grant_type: str) -> bool:
        """Only client_credentials."""
        return grant_type == "client_credentials"


class _Request(OAuth2Request):
    """The request as Authlib reads it; its address is the configured one."""

    def __init__(self, url: str, form: Mapping[str, str], attempt: _Attempt) -> None:
        # Authlib refuses http addresses; whether this node may have one is decided by its settings, not here.
        super().__init__("POST", "https://" + url.partition("://")[2])
        self.payload = BasicOAuth2Payload(dict(form))
        self.attempt = attempt

    @property
    def args(self) -> dict[str, str]:
        """No parameter is read from the address."""
        return {}

    @property
    def form(self) -> dict[str, str]:
        """The body's parameters."""
        return cast("dict[str, str]", self.payload.data)


class _PrivateKeyJwt(JWTBearerClientAssertion):
    """RFC 7523 client authentication; the assertion was read by our own reader before Authlib was asked."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __call__(self, query_client: Any, request: _Request) -> _Member:  # noqa: ANN401  # Authlib's callback
        """The member that the assertion authenticated."""
        return self.authenticate_client(query_client(request.attempt.assertion.member))

    def authenticate_client(self, client: _Member) -> _Member:
        """The client, if this is its way to authenticate."""
        if client.check_endpoint_auth_method(self.CLIENT_AUTH_METHOD, "token"):
            return client
        raise InvalidClientError(description="authentication method")


class _Grant(ClientCredentialsGrant):
    """client_credentials with a proof of possession of the registered key."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("private_key_jwt",)

    def validate_token_request(self) -> None:
        """Authenticate the client, then its DPoP proof."""
        client = self.authenticate_token_endpoint_client()
        attempt = self.request.attempt
        attempt.proof = self.server.door.check_proof(
            attempt.request, attempt.proof_header, keys=attempt.keys, now=attempt.now, token=None
        )
        self.request.client = client

    def generate_token(self, **_: object) -> dict[str, object]:
        """An access token bound to the key of the proof."""
        return cast("dict[str, object]", self.server.issue(self.request.client, self.request.attempt))


class _Server(AuthorizationServer):
    """Authlib's authorization server for one gateway."""

    def __init__(self, context: GatewayContext, door: Door) -> None:
        super().__init__(scopes_supported=[])
        self._context = context
        self.door = door
        self.register_client_auth_method("private_key_jwt", _PrivateKeyJwt())
        self.register_grant(_Grant)

    def query_client(self, client_id: str) -> _Member:
        """The member of that id; its keys were already asked of the registry."""
        return _Member(client_id)

    def save_token(self, token: dict[str, object], request: _Request) -> None:
        """Nothing is kept: tokens carry all they say."""

    def create_oauth2_request(self, request: _Request) -> _Request:
        """The request is one already."""
        return request

    def handle_response(self, status: int, body: object, headers: object) -> tuple[int, object, object]:
        """Hand the answer on."""
        return status, body, headers

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def issue(self, client: _Member, attempt: _Attempt) -> dict[str, object]:
        """The token answer."""
        context = self._context
        assert attempt.proof is not None
        token = make_token(
            signer=context.transport,
            issuer=context.issuer,
            member=client.client_id,
            thumbprint=attempt.proof.key.kid,
            at=attempt.now,
            jti=base64url_encode(context.random(JTI_BYTES)),
            life_s=context.settings.token_life_s,
            registry=context.trust.current().ref.version,
        )
        return {"access_token": token, "token_type": "DPoP", "expires_in": context.settings.token_life_s}


class TokenDesk:
    """Gives tokens."""

    def __init__(self, context: GatewayContext, door: Door) -> None:
        self._context = context
        self._server = _Server(context, door)

    async def answer(self, request: Request) -> Response:
        """An access token for a member that authenticates by its registered transport key."""
        headers = {"Cache-Control": "no-store"}
        try:
            form = parse_form(request, await request.body(), required=_FORM_MEMBERS, optional=_FORM_OPTIONAL)
            status, body = await _issue(self._context, self._server, request, form)
        except PassageError as error:
            status, body = _oauth_error(error)
            headers |= challenge(error) if isinstance(error, TooManyRequestsError) else {}
        return Response(canonical_json(body), status, headers=headers, media_type="application/json")


def router(context: GatewayContext, desk: TokenDesk) -> APIRouter:
    """The token endpoint and its metadata."""
    routes = APIRouter(tags=["token"])

    @routes.get("/.well-known/oauth-authorization-server")
    async def metadata() -> Response:
        """RFC 8414 metadata; keys are the registry's, so there is no jwks_uri."""
        document = {
            "issuer": context.issuer,
            "token_endpoint": context.issuer + TOKEN_PATH,
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": list[str](),
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["Ed25519"],
            "dpop_signing_alg_values_supported": ["Ed25519"],
        }
        return Response(canonical_json(document), media_type="application/json")

    @routes.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        """An access token for a member that authenticates by its registered transport key."""
        return await desk.answer(request)

    return routes


def shortcut(desk: TokenDesk) -> Shortcut:
    """The short way to a token."""
    return Shortcut(method="POST", address=re.compile(re.escape(TOKEN_PATH)), answer=desk.answer)


async def _issue(
    context: GatewayContext, server: _Server, request: Request, form: Mapping[str, str]
) -> tuple[int, object]:
    proofs = request.headers.getlist("DPoP")
    if len(proofs) != 1:
        raise ProofRefusedError(reason="expected in one header DPoP")
    if form["client_assertion_type"] != ASSERTION_TYPE:
        raise AssertionRefusedError(reason="client_assertion_type")
    # Before anything that costs more than a signature: whoever is nobody has none of the thread's or writer's time.
    assertion, keys = await _authenticate(context, form["client_assertion"])
    if form.get("client_id", assertion.member) != assertion.member:  # RFC 7521 §4.2
        raise AssertionRefusedError(reason="another client_id than its own")
    if form.get("resource", context.issuer) != context.issuer:  # RFC 8707 §2
        return 400, {"error": "invalid_target", "error_description": "resource is not this issuer"}
    server.door.enter(request, assertion.member, assertion.jti)
    now = context.clock.now()
    attempt = _Attempt(now=now, proof_header=proofs[0], request=request, assertion=assertion, keys=keys)
    refusal: PassageError | None = None
    status, body = 400, dict[str, object]()
    try:
        status, body, _ = await asyncio.to_thread(
            server.create_token_response, _Request(context.issuer + TOKEN_PATH, form, attempt)
        )
    except OAuth2Error as error:
        status, body = error.status_code, dict(error.get_body())
    except PassageError as error:
        refusal = error
    await context.sequencer.submit(lambda transaction: _spend(transaction, server.door, attempt), gated=False)
    if refusal is not None:
        raise refusal
    return status, body


async def _authenticate(context: GatewayContext, raw: str) -> tuple[Assertion, list[PublicKey]]:
    """The assertion, and its member's keys under the newest registry that this node can have.

    Who acts under a newer registry than ours is met before we go on; its new key may stand only there, so that a name
    without a proof is a reason to look around, though never at an address of its choosing.

    Raises:
        AssertionRefusedError: It authenticates nobody, or names a version that nobody has.
    """
    version = peek_registry(raw)
    try:
        opened = _open(context, raw)
    except AssertionRefusedError:
        before = context.registry.version()
        await context.registry.hear(version)
        if context.registry.version() == before:
            raise
        opened = _open(context, raw)
    if version is None or version <= context.registry.version():
        return opened
    try:
        await context.registry.meet(version, of=opened[0].member)
    except TrustError as error:
        raise AssertionRefusedError(reason="its registry version could not be had") from error
    return _open(context, raw)


def _open(context: GatewayContext, raw: str) -> tuple[Assertion, list[PublicKey]]:
    now = context.clock.now()
    try:
        keys = context.trust.current().keys(peek_member(raw), KeyPurpose.TRANSPORT, at=now)
    except UnknownMemberError as error:
        raise AssertionRefusedError(reason="unknown client") from error
    assertion = open_assertion(
        raw,
        keys=keys,
        audience=context.issuer,
        at=now,
        life_s=context.settings.assertion_life_s,
        skew_s=context.settings.clock_skew_s,
    )
    return assertion, list(keys)


def _spend(transaction: Transaction, door: Door, attempt: _Attempt) -> None:
    member, proof = attempt.assertion.member, attempt.proof
    until = int(attempt.assertion.expires.timestamp()) + 60
    spend(transaction, kind="assertion", member=member, jti=attempt.assertion.jti, until=until)
    if proof is not None:
        spend(transaction, kind="proof", member=member, jti=proof.jti, until=door.spent_until(proof))
    door.settle(member, attempt.assertion.jti)


def _oauth_error(error: PassageError) -> tuple[int, dict[str, object]]:
    """RFC 6749 §5.2 and RFC 9449 §5, §8; the description says which rule, and repeats nothing of the request."""
    if isinstance(error, NonceNeededError):
        return 400, {"error": "use_dpop_nonce", "error_description": "use the nonce of the header DPoP-Nonce"}
    if isinstance(error, ProofRefusedError):
        return 400, {"error": "invalid_dpop_proof", "error_description": error.sentence()}
    if isinstance(error, AssertionRefusedError):
        return 400, {"error": "invalid_client", "error_description": f"assertion: {error.facts['reason']}"}
    if isinstance(error, ReplayedError):
        return 401, {"error": "invalid_client", "error_description": error.sentence()}
    if isinstance(error, TooManyRequestsError):
        return 429, {"error": "temporarily_unavailable", "error_description": error.sentence()}
    return 400, {"error": "invalid_request", "error_description": error.sentence()}
