"""Where in a token a private key lies: a PKCS #11 URI (RFC 7512), as far as it names one key of one token.

`pkcs11:token=kz-desk;object=bundle?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/secrets/pin`.
Attributes stand in any order when a person writes them and in one order when we do. A PIN cannot stand in it: it would
lie in shell histories and process lists.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from exchange.errors.keys import TokenUriError

URI_CHARS_MAX = 2048
SCHEME = "pkcs11:"
PIN_SCHEME = "file:"
PATH_ATTRIBUTES = ("model", "manufacturer", "serial", "token", "id", "object", "type")
QUERY_ATTRIBUTES = ("module-path", "pin-source")

_PATH_SAFE = "-._~:[]@!$'()*+,=&"  # RFC 7512 §2.3: unreserved, pk11-res-avail and "&"
_QUERY_SAFE = "-._~:[]@!$'()*+,=/?|"
_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:\[\]@!$'()*+,=/?|&;%]*\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUri:
    """One key in one token: library, PIN file, the token or its serial, and the key's object label or id.

    Attributes:
        model, manufacturer, serial, token: As the token says of itself; what is None is not compared.
        object, id: The key's CKA_LABEL and CKA_ID.
        module_path: The token's PKCS #11 library, an absolute path.
        pin_source: The file with the PIN, an absolute path.
    """

    module_path: str
    pin_source: str
    model: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    token: str | None = None
    object: str | None = None
    id: bytes | None = None

    @property
    def shown(self) -> str:
        """Token and key without the paths, for messages."""
        return format_token_uri(self).partition("?")[0]


def parse_token_uri(text: str) -> TokenUri:
    """Read a URI that names one key.

    Raises:
        TokenUriError: With the reason; the URI itself is not repeated, as it might hold a PIN.
    """
    if not text.startswith(SCHEME) or len(text) > URI_CHARS_MAX or _ALLOWED.match(text) is None:
        raise TokenUriError(reason=f"it starts with {SCHEME}, has no other letters than RFC 7512 allows and ends there")
    if _BAD_ESCAPE.search(text) is not None:
        raise TokenUriError(reason="a % is followed by two hexadecimal digits")
    path, _, query = text.removeprefix(SCHEME).partition("?")
    found = {**_attributes(path, ";", PATH_ATTRIBUTES), **_attributes(query, "&", QUERY_ATTRIBUTES)}
    if found.pop("type", b"private") != b"private":
        raise TokenUriError(reason="type: a private key is asked for")
    for needed in (("token", "serial"), ("object", "id"), ("module-path",), ("pin-source",)):
        if not any(found.get(name) for name in needed):
            raise TokenUriError(reason=f"{' or '.join(needed)}: expected, found none")
    identifier = found.pop("id", None)
    texts = {name: _text(name, raw) for name, raw in found.items()}
    return TokenUri(
        module_path=_absolute("module-path", texts["module-path"]),
        pin_source=_absolute("pin-source", _without_scheme(texts["pin-source"])),
        model=texts.get("model"),
        manufacturer=texts.get("manufacturer"),
        serial=texts.get("serial"),
        token=texts.get("token"),
        object=texts.get("object"),
        id=identifier,
    )


def format_token_uri(uri: TokenUri) -> str:
    """The one spelling in which a key file holds it."""
    named = {
        "model": uri.model,
        "manufacturer": uri.manufacturer,
        "serial": uri.serial,
        "token": uri.token,
        "id": uri.id,
        "object": uri.object,
    }
    path = ";".join(f"{name}={_escaped(value)}" for name, value in named.items() if value is not None)
    module, pin = quote(uri.module_path, safe=_QUERY_SAFE), quote(uri.pin_source, safe=_QUERY_SAFE)
    return f"{SCHEME}{path}?module-path={module}&pin-source={PIN_SCHEME}{pin}"


def _escaped(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return "".join(f"%{byte:02X}" for byte in value)  # RFC 7512 §2.3: id is percent-encoded whole
    return quote_from_bytes(value.encode(), safe=_PATH_SAFE)


def _attributes(text: str, separator: str, known: tuple[str, ...]) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    for attribute in text.split(separator) if text else ():
        name, equals, value = attribute.partition("=")
        if name not in known or not equals:
            raise TokenUriError(reason=f"attributes here are {', '.join(known)}, found another")
        if name in found:
            raise TokenUriError(reason=f"{name}: stands there twice")
        found[name] = unquote_to_bytes(value)
    return found


def _text(name: str, raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise TokenUriError(reason=f"{name}: not UTF-8") from error
    if _PRINTABLE.match(text) is None:
        raise TokenUriError(reason=f"{name}: empty, or with control characters")
    return text


def _without_scheme(pin_source: str) -> str:
    if not pin_source.startswith(PIN_SCHEME):
        raise TokenUriError(reason=f"pin-source: expected {PIN_SCHEME}/path, found another kind of source")
    return pin_source.removeprefix(PIN_SCHEME)


def _absolute(name: str, path: str) -> str:
    if not path.startswith("/"):
        raise TokenUriError(reason=f"{name}: expected an absolute path, found a relative one")
    return path
