"""TLS between nodes: the own certificate, and whose certificates count; TLS 1.3 alone."""

import ssl
from pathlib import Path

from exchange.errors.settings import FileRefusedError
from nodes.adapters.private_files import read_owned
from nodes.settings import TlsSettings

KEY_BYTES_MAX = 64 * 1024


def server_context(folder: Path, tls: TlsSettings) -> ssl.SSLContext:
    """What the gateway listens with; with `client_authorities` it hears only callers whose certificate is of those.

    Raises:
        TrustError: The key's file is open to others.
        FileRefusedError: A file is not there, or is no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    _load_own(context, folder, tls)
    if tls.client_authorities is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _load_authorities(context, folder / tls.client_authorities)
    return context


def partner_context(folder: Path, tls: TlsSettings | None) -> ssl.SSLContext | None:
    """What the node calls partners with: their names are checked; its own certificate is shown if they ask for one.

    None if the settings say nothing about it.

    Raises:
        TrustError, FileRefusedError: As above.
    """
    if tls is None:
        return None
    context = ssl.create_default_context()
    if tls.partner_authorities is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load_authorities(context, folder / tls.partner_authorities)
    _load_own(context, folder, tls)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _load_own(context: ssl.SSLContext, folder: Path, tls: TlsSettings) -> None:
    certificate, key = folder / tls.certificate, folder / tls.certificate_key
    read_owned(key, KEY_BYTES_MAX)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:
        raise FileRefusedError(path=str(certificate), reason=_reason(error)) from error


def _load_authorities(context: ssl.SSLContext, file: Path) -> None:
    try:
        context.load_verify_locations(file)
    except OSError as error:
        raise FileRefusedError(path=str(file), reason=_reason(error)) from error


def _no_password() -> str:
    """A key that asks for one is refused, rather than asked for on the terminal."""
    return ""


def _reason(error: OSError) -> str:
    return (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or "not a certificate or key in PEM"
