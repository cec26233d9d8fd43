"""Whether a request comes from the console's own pages: Origin, Fetch metadata, and the token of each form.

A browser sends the session's cookie with whatever a foreign page makes it ask. Three things stop that, each alone: the
cookie is SameSite, the browser says where a write comes from, and a write repeats a token that only our pages know.
"""

import hashlib
import hmac

from starlette.requests import Request

from exchange.encoding import base64url_encode
from exchange.errors.officers import CrossOriginError, FormTokenError

TOKEN_HEADER = "X-Form-Token"  # noqa: S105  # a header's name
TOKEN_FIELD = "form_token"  # noqa: S105  # a field's name
READING = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def require_same_origin(request: Request, *, origin: str) -> None:
    """Refuse a write that does not come from the console's own pages.

    Args:
        request: Any; reading is always allowed.
        origin: The configured one, never taken from Host.

    Raises:
        CrossOriginError: `Origin` is another, `Sec-Fetch-Site` is not `same-origin`, or neither is there.
    """
    if request.method in READING:
        return
    named, site = request.headers.getlist("Origin"), request.headers.getlist("Sec-Fetch-Site")
    if not (named or site) or named not in ([], [origin]) or site not in ([], ["same-origin"]):
        raise CrossOriginError(expected=origin)


def form_token(session_token: str) -> str:
    """The token that every write of this session repeats; it does not give the session away."""
    return base64url_encode(hashlib.sha256(b"exchange/form-token/v1\0" + session_token.encode("ascii")).digest())


async def require_form_token(request: Request, expected: str) -> None:
    """Refuse a write without the session's token, in its header or, from a plain form, in its field.

    Raises:
        FormTokenError: None, another, or several.
    """
    if request.method in READING:
        return
    found = [str(value) for value in request.headers.getlist(TOKEN_HEADER)]
    if not found and request.headers.get("Content-Type", "").startswith(_FORMS):
        form = await request.form(max_files=0, max_fields=64)
        found = [str(value) for value in form.getlist(TOKEN_FIELD)]
    if len(found) != 1 or not hmac.compare_digest(found[0].encode(), expected.encode()):
        raise FormTokenError
