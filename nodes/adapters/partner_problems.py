"""What a partner answers when it refuses, as errors of ours: its own code, sentence and exit code; and its token."""

from collections.abc import Mapping

import httpx

from exchange.encoding import Digest, JsonObject, parse_json_object
from exchange.errors import ExitCode
from exchange.errors.encoding import EncodingError
from exchange.errors.exchange_ import PartnerMalformedError, PartnerRefusedError
from exchange.errors.pull import BrokenOffError, OverlongError

TEXT_CHARS_MAX = 400
SERVER_FAILED = 500
TOKEN_LIFE_S_MAX = 3600
"""Asked for anew after this, however long a partner says: a number of its own can be beyond any date."""

_EXIT_BY_CODE: Mapping[str, ExitCode] = {
    "contract-ended": ExitCode.CONTRACT_REFUSES,
    "contract-suspended": ExitCode.CONTRACT_REFUSES,
    "contract-not-in-force-here": ExitCode.CONTRACT_REFUSES,
    "bundle-withdrawn": ExitCode.DOES_NOT_HOLD,
    "bundle-damaged": ExitCode.DOES_NOT_HOLD,
    "receipt-mismatch": ExitCode.DOES_NOT_HOLD,
    "pull-unknown": ExitCode.DOES_NOT_HOLD,
}
_SERVICE_UNAVAILABLE = 503


class PartnerProblemError(PartnerRefusedError):
    """A partner's problem document (RFC 9457), with the exit code that its own code deserves."""

    mend_en = "{mend}"
    mend_ru = "{mend}"

    def __init__(self, *, partner: str, subject: str, status: int, problem: str, detail: str, mend: str) -> None:
        super().__init__(partner=partner, subject=subject, status=status, problem=problem, detail=detail, mend=mend)
        self.status = status
        self.problem = problem
        self.__dict__["exit_code"] = (
            ExitCode.UNREACHABLE if status == _SERVICE_UNAVAILABLE else _EXIT_BY_CODE.get(problem, self.exit_code)
        )

    @property
    def says_nothing(self) -> bool:
        """Whether the partner failed without saying what it had done by then: it may have served the request."""
        return (
            self.status >= SERVER_FAILED and self.problem not in _EXIT_BY_CODE and self.status != _SERVICE_UNAVAILABLE
        )


NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before a request left: the partner cannot have served it."""


def broken_off(partner: str, bundle: Digest, error: Exception | None, *, delivery: str = "") -> BrokenOffError:
    """A delivery that broke off, with the signed word that had come before its bytes, if any."""
    reason = str(error) or type(error).__name__
    broken = BrokenOffError(partner=partner, bundle=bundle.hex, reason=reason)
    broken.delivery = delivery
    return broken


def overlong(partner: str, bundle: Digest, bytes_max: int, *, delivery: str) -> OverlongError:
    """A delivery that did not end within the limit."""
    too_long = OverlongError(partner=partner, bundle=bundle.hex, bytes_max=bytes_max)
    too_long.delivery = delivery
    return too_long


def read_problem(raw: bytes, *, partner: str, subject: str, status: int) -> PartnerProblemError:
    """The error of an RFC 9457 problem, or of an OAuth error (RFC 6749 §5.2); other bodies say nothing."""
    try:
        document = parse_json_object(raw, subject=subject)
    except EncodingError:
        document = {}
    return PartnerProblemError(
        partner=partner,
        subject=subject,
        status=status,
        problem=_text(document, "code") or _text(document, "error") or "no-code",
        detail=_text(document, "detail") or _text(document, "error_description"),
        mend=_text(document, "mend"),
    )


def read_token(raw: bytes, *, partner: str, subject: str) -> tuple[str, int]:
    """The token of an answer, and for how many seconds it is good.

    Raises:
        PartnerMalformedError: There is none that is bound to a key.
    """
    try:
        document = parse_json_object(raw, subject=subject)
    except EncodingError as error:
        raise PartnerMalformedError(partner=partner, subject=subject, reason=error.sentence()) from error
    token, kind, life_s = (document.get(name) for name in ("access_token", "token_type", "expires_in"))
    # A bearer token would be good for whoever steals it; only one bound to our key is used (RFC 9449 §5).
    if not isinstance(token, str) or not token.isascii() or kind != "DPoP":
        raise PartnerMalformedError(partner=partner, subject=subject, reason="no access token of the type DPoP")
    return token, min(life_s, TOKEN_LIFE_S_MAX) if isinstance(life_s, int) and not isinstance(life_s, bool) else 0


def _text(document: JsonObject, name: str) -> str:
    found = document.get(name)
    return found[:TEXT_CHARS_MAX] if isinstance(found, str) else ""
