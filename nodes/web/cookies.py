"""Reading a cookie that matters: under exactly its name, once.

`__Host-` in a name is a promise of the browser's, and it holds only for that very name. Readers that are kinder than
the browser break it: Starlette's takes a name with a byte 0xA0 or 0x85 before it for the name itself (both are white
space to Python), and a neighbouring host of the ministry may set such a cookie for all of the domain (RFC 6265bis,
§4.1.3.2 and §5.6).
"""

from starlette.requests import Request

_SPACE = b" \t"


def sole_cookie(request: Request, name: str) -> str | None:
    """The value of the cookie of this name; None where there is none, or more than one.

    Args:
        request: Any.
        name: In ASCII.
    """
    wanted = name.encode("ascii") + b"="
    pairs = (pair.strip(_SPACE) for field in _fields(request) for pair in field.split(b";"))
    found = [pair.removeprefix(wanted) for pair in pairs if pair.startswith(wanted)]
    return found[0].decode("latin-1") if len(found) == 1 else None


def _fields(request: Request) -> list[bytes]:
    return [value for field, value in request.scope["headers"] if field == b"cookie"]
