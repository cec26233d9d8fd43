"""What a partner answers when it refuses, as errors of ours: its own code and sentence, and our exit code for them."""

from collections.abc import Mapping

import httpx

from exchange.encoding import Digest, JsonObject, parse_json_object
from exchange.errors import ExitCode
from exchange.errors.encoding import EncodingError
from exchange.errors.exchange_ import PartnerRefusedError
from exchange.errors.pull import BrokenOffError

TEXT_CHARS_MAX = 400

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

    code = "partner-problem"
    mend_en = "{mend}"
    mend_ru = "{mend}"

    def __init__(self, *, partner: str, subject: str, status: int, problem: str, detail: str, mend: str) -> None:
        super().__init__(partner=partner, subject=subject, status=status, problem=problem, detail=detail, mend=mend)
        self.status = status
        self.problem = problem
        self.__dict__["exit_code"] = (
            ExitCode.UNREACHABLE if status == _SERVICE_UNAVAILABLE else _EXIT_BY_CODE.get(problem, self.exit_code)
        )


class DeliveryBrokenOffError(BrokenOffError):
    """A delivery that broke off, with the signed word that had come before its bytes, if any."""

    def __init__(self, partner: str, bundle: Digest, delivery: str, error: httpx.TransportError) -> None:
        super().__init__(partner=partner, bundle=bundle.hex, reason=str(error) or type(error).__name__)
        self.delivery = delivery


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


def _text(document: JsonObject, name: str) -> str:
    found = document.get(name)
    return found[:TEXT_CHARS_MAX] if isinstance(found, str) else ""
