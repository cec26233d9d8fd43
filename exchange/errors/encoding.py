"""Bytes that are not the one legal spelling of what they claim to be."""

from exchange.errors import ExchangeError, ExitCode, Side


class EncodingError(ExchangeError):
    """The branch of everything a strict parser refuses."""

    side = Side.AUTHOR
    exit_code = ExitCode.DOES_NOT_HOLD


class JsonError(EncodingError):
    """The document has a member twice, is not UTF-8, is nested too deeply, or is no JSON at all."""

    code = "json-not-strict"
    en = "{subject}: not strict JSON: {reason}"
    ru = "{subject}: не строгий JSON: {reason}"


class CanonicalJsonError(EncodingError):
    """The document was written by a program that orders, spaces or escapes JSON otherwise."""

    code = "json-not-canonical"
    en = "{subject}: not in canonical form (RFC 8785)"
    ru = "{subject}: не в канонической форме (RFC 8785)"


class Base64Error(EncodingError):
    """Padding, stray bits, white space or letters of the other alphabet."""

    code = "base64-not-canonical"
    en = "{subject}: not canonical {alphabet}"
    ru = "{subject}: не каноническая запись {alphabet}"


class DigestError(EncodingError):
    """A digest in upper case, of another length, or without its algorithm."""

    code = "digest-malformed"
    en = "{subject}: a digest reads sha256:<64 lower-case hex digits>, found {found}"
    ru = "{subject}: дайджест пишется sha256:<64 строчные шестнадцатеричные цифры>, найдено {found}"


class InstantError(EncodingError):
    """A time with another zone, with fractions, without seconds, or that does not exist."""

    code = "instant-malformed"
    en = "{subject}: a time reads YYYY-MM-DDTHH:MM:SSZ in UTC, found {found}"
    ru = "{subject}: время пишется ГГГГ-ММ-ДДTЧЧ:ММ:ССZ в UTC, найдено {found}"


class FieldError(EncodingError):
    """A member is missing, unknown, or of another kind than it must be."""

    code = "field-malformed"
    en = "{subject}: {field}: expected {expected}, found {found}"
    ru = "{subject}: {field}: ожидалось {expected}, найдено {found}"
