"""Private keys in a token (PKCS #11): Ed25519 made there, signing there, never given out.

A token can go away while a node runs: a card is pulled, a network module restarts. Whatever fails, the library is
started anew, a session opened and the signature asked for once more; a refusal means that the token is still gone, and
the next signature asks again. Only a refused PIN is not tried twice, since tokens lock themselves.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass

from exchange.errors.keys import TokenGoneError, TokenKeyError, TokenPinError, TokenUriError
from exchange.errors.trust import SignatureError
from exchange.signing.key_file import TokenReference
from exchange.signing.keys import Algorithm, PublicKey
from exchange.signing.token_uri import TokenUri
from nodes.adapters.private_files import PASSPHRASE_BYTES_MAX, read_owned

CURVE = b"\x13\x0cedwards25519"
"""CKA_EC_PARAMS of Ed25519: the curve's name as a DER PrintableString (PKCS #11 v3.0 §2.3.5)."""
POINT_BYTES = 32
POINT_HEADER = b"\x04\x20"
"""An OCTET STRING of 32 bytes, in DER."""
PROBE = b"exchange: does the token hold this key"
"""What is signed once when a token is opened; no document of ours begins so."""

_LOCK = threading.Lock()
"""A PKCS #11 library has one state for the whole process (started, logged in), and python-pkcs11 starts it without
locks of its own: one call at a time."""
_PIN_ERRORS = (
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinLocked,
    pkcs11.PinExpired,
    pkcs11.UserPinNotInitialized,
)


@dataclass(slots=True)
class _Library:
    """A token's library as this process has started it, and which PINs its tokens refused (by digest)."""

    path: str
    sessions: dict[TokenUri, pkcs11.Session] = field(default_factory=dict)
    keys: dict[TokenUri, pkcs11.SignMixin] = field(default_factory=dict)
    refused: dict[str, bytes] = field(default_factory=dict)

    def session(self, uri: TokenUri) -> pkcs11.Session:
        """A session in which the token's user is logged in: one for all keys of a token."""
        if uri not in self.sessions:
            token = _find_token(pkcs11.lib(self.path).get_slots(token_present=True), uri)
            opened = [session for session in self.sessions.values() if session.token == token]
            self.sessions[uri] = opened[0] if opened else self._login(token, uri)
        return self.sessions[uri]

    def key(self, uri: TokenUri) -> pkcs11.SignMixin:
        """The private key, which stays where it is."""
        if uri not in self.keys:
            found = self.session(uri).get_key(
                object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC_EDWARDS, label=uri.object, id=uri.id
            )
            if not isinstance(found, pkcs11.SignMixin):
                raise TokenKeyError(token=uri.shown, expected="a key that may sign", found="another")
            self.keys[uri] = found
        return self.keys[uri]

    def restart(self) -> None:
        """Forget what was open and let the library look for its tokens again."""
        self.sessions.clear()
        self.keys.clear()
        pkcs11.lib(self.path).reinitialize()

    def _login(self, token: pkcs11.Token, uri: TokenUri) -> pkcs11.Session:
        pin = read_owned(Path(uri.pin_source), PASSPHRASE_BYTES_MAX).removesuffix(b"\n")
        which, digest = f"{token.label} {token.serial!r}", hashlib.sha256(pin).digest()
        if self.refused.get(which) == digest:
            raise TokenPinError(token=uri.shown, file=uri.pin_source, reason="refused before")
        try:
            return token.open(user_pin=pin.decode("utf-8", "surrogateescape"))
        except _PIN_ERRORS as error:
            self.refused[which] = digest
            raise TokenPinError(token=uri.shown, file=uri.pin_source, reason=type(error).__name__) from error


_LIBRARIES: dict[str, _Library] = {}


class TokenSigner:
    """An Ed25519 key in a token, behind the `Signer` port."""

    __slots__ = ("_uri", "public")

    public: PublicKey

    def __init__(self, uri: TokenUri, public: PublicKey) -> None:
        self._uri = uri
        self.public = public

    def sign(self, message: bytes) -> bytes:
        """RFC 8032 §5.1.6, in the token.

        The answer is verified before it leaves: a faulty signature beside a right one over the same message would give
        the private key away.

        Raises:
            TokenGoneError: No token, or it failed twice.
            TokenPinError: It does not take the PIN.
            TokenKeyError: It lacks the key, or signs with another.
        """
        signature = _twice(self._uri, lambda library: _sign(library, self._uri, message))
        try:
            self.public.verify(message, signature)
        except SignatureError as error:
            raise TokenKeyError(token=self._uri.shown, expected=f"key {self.public.kid}", found="another") from error
        return signature

    def __repr__(self) -> str:
        return f"TokenSigner({self._uri.shown}, kid={self.public.kid})"


def open_token_signer(reference: TokenReference) -> TokenSigner:
    """The key that a reference names, after it has signed once.

    Raises:
        TokenError: As `TokenSigner.sign` says.
        PrivateKeyFileError, PrivateKeyModeError: The PIN's file cannot be used.
    """
    signer = TokenSigner(reference.uri, reference.public)
    signer.sign(PROBE)
    return signer


def make_token_key(uri: TokenUri) -> TokenSigner:
    """A new key in the token: sensitive, never to be extracted; one that is there already is not replaced.

    Raises:
        TokenError: No token, a PIN it does not take, a key under this name, or no Ed25519 in this token.
        PrivateKeyFileError, PrivateKeyModeError: The PIN's file cannot be used.
    """
    if uri.object is None:
        raise TokenUriError(reason="object: expected a label for the new key, found none")
    point = _twice(uri, lambda library: _generate(library, uri))
    signer = TokenSigner(uri, PublicKey(Algorithm.ED25519, bare_point(point)))
    signer.sign(PROBE)
    return signer


def bare_point(attribute: bytes) -> bytes:
    """The 32 bytes of a CKA_EC_POINT: a DER OCTET STRING (PKCS #11 v3.0 §2.3.5), in some tokens bare."""
    return attribute if len(attribute) == POINT_BYTES else attribute.removeprefix(POINT_HEADER)


def _twice(uri: TokenUri, action: Callable[[_Library], bytes]) -> bytes:
    """Ask the token, and once more after a new start of its library.

    Raises:
        TokenGoneError, TokenKeyError: It failed again.
    """
    with _LOCK:
        library = _LIBRARIES.setdefault(uri.module_path, _Library(uri.module_path))
        try:
            try:
                return action(library)
            except pkcs11.PKCS11Error:
                library.restart()
                return action(library)
        except pkcs11.NoSuchKey as error:
            raise TokenKeyError(token=uri.shown, expected="one Ed25519 key of that name", found="none") from error
        except pkcs11.MultipleObjectsReturned as error:
            raise TokenKeyError(token=uri.shown, expected="one Ed25519 key of that name", found="several") from error
        except pkcs11.PKCS11Error as error:
            raise TokenGoneError(token=uri.shown, reason=str(error) or type(error).__name__) from error


def _sign(library: _Library, uri: TokenUri, message: bytes) -> bytes:
    return library.key(uri).sign(message, mechanism=Mechanism.EDDSA)


def _generate(library: _Library, uri: TokenUri) -> bytes:
    """The new key's CKA_EC_POINT."""
    logged_in = library.session(uri)
    if any(True for _ in logged_in.get_objects({Attribute.LABEL: uri.object})):
        raise TokenKeyError(token=uri.shown, expected="no object of that name", found="one")
    with logged_in.token.open(rw=True) as session:  # the login is the token's: it counts for this session too
        curve = session.create_domain_parameters(KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: CURVE}, local=True)
        public, _ = curve.generate_keypair(
            id=uri.id,
            label=uri.object,
            store=True,
            capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
            mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
            private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        )
        return bytes(public[Attribute.EC_POINT])


def _find_token(slots: Iterable[pkcs11.Slot], uri: TokenUri) -> pkcs11.Token:
    """The one token whose description agrees with all that the URI says of it.

    Raises:
        pkcs11.NoSuchToken: None does.
        TokenKeyError: Several do.
    """
    found = []
    for slot in slots:
        token = slot.get_token()
        says = {
            "model": token.model,
            "manufacturer": token.manufacturer_id,
            "serial": token.serial.decode("utf-8", "replace").rstrip(),
            "token": token.label,
        }
        if all(getattr(uri, name) in {None, value} for name, value in says.items()):
            found.append(token)
    if len(found) > 1:
        raise TokenKeyError(token=uri.shown, expected="one token of that description", found=len(found))
    if not found:
        raise pkcs11.NoSuchToken
    return found[0]
