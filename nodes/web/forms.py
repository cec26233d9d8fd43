"""Reading a form body strictly: one spelling of the type, each field once, few and short."""

from collections.abc import Collection
from urllib.parse import parse_qsl

from starlette.requests import Request

from exchange.errors.exchange_ import FormRefusedError

FORM_TYPE = "application/x-www-form-urlencoded"
FIELDS_MAX = 16


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
