"""Errors as RFC 9457 problems: one table from stable code to HTTP status, and nothing of the request in the answer.

A refusal of the core keeps its code, sentence, facts and the exit code a command ends with. Anything else is an
`internal` problem without a word about what happened; the process's own log has the traceback.
"""

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from exchange.encoding import canonical_json
from exchange.errors import ExchangeError, ExitCode, Fact, Language, Side
from exchange.errors.node import RequestMalformedError
from exchange.errors.web import FrameworkRefusedError, InternalError, MethodNotAllowedError, NoSuchAddressError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/errors/"
"""A relative reference with a full path (RFC 9457 §3.1.1): every node serves the page. Decision 62."""
NO_STORE = {"Cache-Control": "no-store"}

STATUS: Mapping[str, HTTPStatus] = {
    "token-missing": HTTPStatus.UNAUTHORIZED,
    "token-refused": HTTPStatus.UNAUTHORIZED,
    "dpop-refused": HTTPStatus.UNAUTHORIZED,
    "dpop-nonce-needed": HTTPStatus.UNAUTHORIZED,
    "replayed": HTTPStatus.UNAUTHORIZED,
    "assertion-refused": HTTPStatus.UNAUTHORIZED,
    "not-found": HTTPStatus.NOT_FOUND,
    "pull-unknown": HTTPStatus.NOT_FOUND,
    "login-needed": HTTPStatus.UNAUTHORIZED,
    "login-refused": HTTPStatus.UNAUTHORIZED,
    "account-unknown": HTTPStatus.NOT_FOUND,
    "case-not-found": HTTPStatus.NOT_FOUND,
    "contract-not-at-hand": HTTPStatus.NOT_FOUND,
    "withdrawal-not-found": HTTPStatus.NOT_FOUND,
    "audit-finding-unknown": HTTPStatus.NOT_FOUND,
    "audit-subject": HTTPStatus.NOT_FOUND,
    "audit-not-run": HTTPStatus.CONFLICT,
    "auditor-no-data": HTTPStatus.FORBIDDEN,
    "contract-ended": HTTPStatus.FORBIDDEN,
    "contract-suspended": HTTPStatus.FORBIDDEN,
    "contract-not-in-force-here": HTTPStatus.FORBIDDEN,
    "not-a-party": HTTPStatus.FORBIDDEN,
    "statement-not-by-a-party": HTTPStatus.FORBIDDEN,
    "bundle-withdrawn": HTTPStatus.GONE,
    "already-withdrawn": HTTPStatus.CONFLICT,
    "receipt-owed": HTTPStatus.CONFLICT,
    "receipt-mismatch": HTTPStatus.CONFLICT,
    "bundle-identity-taken": HTTPStatus.CONFLICT,
    "revision-order": HTTPStatus.CONFLICT,
    "contract-version-taken": HTTPStatus.CONFLICT,
    "contract-unknown": HTTPStatus.NOT_FOUND,
    "bundle-damaged": HTTPStatus.INTERNAL_SERVER_ERROR,
    "storage-full": HTTPStatus.SERVICE_UNAVAILABLE,
    "log-behind-witness": HTTPStatus.SERVICE_UNAVAILABLE,
    "registry-expired": HTTPStatus.SERVICE_UNAVAILABLE,
    "request-too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "request-malformed": HTTPStatus.BAD_REQUEST,
    "no-such-address": HTTPStatus.NOT_FOUND,
    "method-not-allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "address-too-long": HTTPStatus.REQUEST_URI_TOO_LONG,
    "request-head-too-large": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "request-too-slow": HTTPStatus.REQUEST_TIMEOUT,
    "request-coding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too-many-requests": HTTPStatus.TOO_MANY_REQUESTS,
}
"""Codes whose status says more than their exit code does."""

_STATUS_BY_EXIT: Mapping[ExitCode, HTTPStatus] = {
    ExitCode.ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
    ExitCode.USAGE: HTTPStatus.BAD_REQUEST,
    ExitCode.DOES_NOT_HOLD: HTTPStatus.UNPROCESSABLE_ENTITY,
    ExitCode.NOT_AUTHORISED: HTTPStatus.FORBIDDEN,
    ExitCode.UNREACHABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ExitCode.CONTRACT_REFUSES: HTTPStatus.CONFLICT,
    ExitCode.DISCLOSURE_BLOCKS: HTTPStatus.CONFLICT,
}
_BY_STATUS: Mapping[HTTPStatus, type[ExchangeError]] = {
    HTTPStatus.NOT_FOUND: NoSuchAddressError,
    HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowedError,
}
PLACES_CHARS_MAX = 200
DOCUMENTS_KEPT_MAX = 256
_LOG = logging.getLogger("exchange.gateway")


def status_of(error: ExchangeError) -> HTTPStatus:
    """The HTTP status of a refusal; what the caller did is never a failure of the server."""
    if error.code not in STATUS and (error.side, error.exit_code) == (Side.CALLER, ExitCode.ERROR):
        return HTTPStatus.CONFLICT
    return STATUS.get(error.code) or _STATUS_BY_EXIT.get(error.exit_code, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(
    error: ExchangeError,
    *,
    language: Language = "en",
    headers: Mapping[str, str] | None = None,
    status: int | None = None,
) -> Response:
    """The answer for a refusal; `status` where a standard asks for another one than the code's own."""
    status = status_of(error).value if status is None else status
    content = _document(
        error.code,
        status,
        error.sentence(language),
        error.mend(language),
        int(error.exit_code),
        # 1 and True are equal, and are written differently.
        tuple((name, type(fact), fact) for name, fact in error.facts.items()),
    )
    return Response(content, status, headers={**NO_STORE, **(headers or {})}, media_type=MEDIA_TYPE)


@lru_cache(maxsize=DOCUMENTS_KEPT_MAX)
def _document(
    code: str, status: int, detail: str, mend: str, exit_code: int, facts: tuple[tuple[str, type, Fact], ...]
) -> bytes:
    """A problem's bytes: whoever fails all day gets the same few, which need not be written anew for each."""
    document = {
        "type": TYPE_PREFIX + code,
        "title": code,
        "status": status,
        "code": code,
        "detail": detail,
        "mend": mend,
        "facts": {name: fact for name, _, fact in facts},
        "exit_code": exit_code,
    }
    return canonical_json(document)


def language_of(request: Request) -> Language:
    """`ru` if the caller asks for Russian first."""
    return "ru" if request.headers.get("Accept-Language", "").lower().startswith("ru") else "en"


class Refusals:
    """What an application answers to each failure.

    Args:
        headers: More headers for a refusal, such as the challenge of RFC 9110 §11.6.1.
    """

    def __init__(self, headers: Callable[[ExchangeError], Mapping[str, str]] = lambda _: {}) -> None:
        self._headers = headers

    def answer(self, request: Request, error: Exception) -> Response:
        """The problem for a refusal of the core; for anything else one that does not say what happened."""
        if isinstance(error, ExchangeError):
            return problem(error, language=language_of(request), headers=self._headers(error))
        _LOG.error("internal error", exc_info=error)
        return problem(InternalError(), language=language_of(request))

    def install(self, app: FastAPI) -> None:
        """Answer every failure of this app with a problem."""

        async def failed(request: Request, error: Exception) -> Response:
            return self.answer(request, error)

        app.add_exception_handler(ExchangeError, failed)
        app.add_exception_handler(RequestValidationError, _malformed)
        app.add_exception_handler(HTTPException, _framework)
        app.add_exception_handler(Exception, failed)


async def _malformed(request: Request, error: Exception) -> Response:
    # FastAPI's own answer repeats the input; this one says only where it was wrong.
    assert isinstance(error, RequestValidationError)
    places = ", ".join(sorted({".".join(str(part) for part in found["loc"][:2]) for found in error.errors()}))
    refusal = RequestMalformedError(subject="request", reason=f"not in the form asked for: {places[:PLACES_CHARS_MAX]}")
    return problem(refusal, language=language_of(request))


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, ExchangeError):  # a body that the guard refused while FastAPI was reading it
        return problem(error.__cause__, language=language_of(request))
    status = HTTPStatus(error.status_code)
    refusal = _BY_STATUS[status]() if status in _BY_STATUS else FrameworkRefusedError(phrase=status.phrase)
    return problem(refusal, language=language_of(request), headers=error.headers, status=status.value)
