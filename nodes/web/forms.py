"""Reading a body strictly: a form in one spelling of its type, each field once, few and short; JSON of one meaning."""

from collections.abc import Collection
from urllib.parse import parse_qsl

from starlette.requests import Request

from exchange.encoding import parse_json
from exchange.errors.encoding import JsonError
from exchange.errors.exchange_ import FormRefusedError
from exchange.errors.node import RequestMalformedError

FORM_TYPE = "application/x-www-form-urlencoded"
FIELDS_MAX = 16


async def require_strict_json(request: Request) -> None:
    """Refuse a JSON body that another reader could read otherwise; for every route of a console, before it is heard.

    FastAPI's reader takes the last of two members of one name, and numbers that are none.

    Raises:
        RequestMalformedError: A member twice, NaN or an infinity, half a surrogate, nested too deeply.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    body = await request.body() if kind.endswith("json") else b""  # FastAPI reads application/…+json too
    if not body:
        return
    try:
        parse_json(body, subject="request")
    except JsonError as error:
        raise RequestMalformedError(subject="request", reason="expected strict JSON, each member once") from error


def parse_form(
    request: Request, body: bytes, *, required: Collection[str], optional: Collection[str]
) -> dict[str, str]:
    """The fields of a form.

    Raises:
        FormRefusedError: Another media type, a field twice, an unknown or missing one, or bytes that are not ASCII.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise FormRefusedError(reason=f"expected {FORM_TYPE}")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise FormRefusedError(reason="not a form") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FormRefusedError(reason="a parameter occurs twice")
    if not set(required) <= fields.keys() or not fields.keys() <= {*required, *optional}:
        raise FormRefusedError(reason=f"expected the parameters {', '.join(sorted(required))}")
    return fields
