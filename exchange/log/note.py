"""Signed notes and verifier keys (C2SP signed-note): a text and the lines of those who signed it.

Parsing decides form only; who signed is decided against a `VerifierKey`, never by the name on a line.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from exchange.encoding import base64_decode, base64_encode
from exchange.errors import ExchangeError
from exchange.errors.encoding import Base64Error
from exchange.errors.log import LogLineError, LogTextError, SignatureLineError, VerifierKeyError
from exchange.errors.trust import SignatureError, TrustError
from exchange.signing.keys import NOTE_COSIGNATURE, NOTE_ED25519, Algorithm, PublicKey, Signer, note_key_id

NOTE_BYTES_MAX = 256 * 1024
SIGNATURES_MAX = 64
"""Lines beyond this are refused; C2SP asks to accept at least 16."""

_KEY_ID_BYTES = 4
_LINE = "— "
_LINE_PATTERN = "— <name> <base64>"
_VKEY_PATTERN = "<name>+<8 hex>+<base64>"
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class SignatureKind(IntEnum):
    """The signature types of C2SP signed-note that this exchange verifies; every other is ignored."""

    LOG = NOTE_ED25519
    COSIGNATURE = NOTE_COSIGNATURE


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key by name and kind, as `<name>+<key id>+<key>` gives it."""

    name: str
    kind: SignatureKind
    key: PublicKey
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        require_key_name(self.name)
        object.__setattr__(self, "key_id", note_key_id(self.name, self.key, self.kind))

    def verify(self, message: bytes, signature: bytes, *, subject: str) -> None:
        """Accept exactly this key's signature.

        Raises:
            SignatureLineError: Anything else.
        """
        try:
            self.key.verify(message, signature)
        except SignatureError as error:
            raise SignatureLineError(subject=subject, signer=self.name, key_id=self.key_id.hex()) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLine:
    """One line `— <name> base64(key id ‖ signature)`; nothing about it is verified."""

    name: str
    key_id: bytes
    signature: bytes

    def by(self, vkey: VerifierKey) -> bool:
        """Whether the line claims this key; only `VerifierKey.verify` decides whether the claim is true."""
        return (self.name, self.key_id) == (vkey.name, vkey.key_id)

    def __str__(self) -> str:
        return f"{_LINE}{self.name} {base64_encode(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedNote:
    """A text that ends in a newline, and at least one signature line."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def lines_by(self, vkey: VerifierKey) -> tuple[SignatureLine, ...]:
        """The lines that claim this key."""
        return tuple(line for line in self.signatures if line.by(vkey))

    def with_lines(self, lines: Iterable[SignatureLine]) -> "SignedNote":
        """The same text with more signature lines, none twice."""
        return SignedNote(text=self.text, signatures=tuple(dict.fromkeys((*self.signatures, *lines))))


def format_note(note: SignedNote) -> bytes:
    """Text, empty line, signature lines."""
    return (note.text + "\n" + "".join(map(str, note.signatures))).encode("utf-8")


def parse_note(raw: bytes, *, subject: str = "note") -> SignedNote:
    """Read a signed note of which every signature line is canonical, known or not.

    Raises:
        LogTextError: Too long, not UTF-8, a control character, no empty line, or too many signatures.
        LogLineError: A signature line that is not one.

    Source: C2SP signed-note, "Format".
    """
    text = _plain_text(raw, subject=subject)
    body, empty_line, signatures = text.rpartition("\n\n")
    if not empty_line:
        raise LogTextError(subject=subject, expected="<text> <empty line> <signature lines>", found="no empty line")
    lines = parse_signature_lines(signatures, subject=subject, first_line=body.count("\n") + 3)
    return SignedNote(text=body + "\n", signatures=lines)


def parse_signature_lines(text: str, *, subject: str, first_line: int = 1) -> tuple[SignatureLine, ...]:
    """Read one or more signature lines, each ended by a newline.

    Raises:
        LogTextError: None, too many, or a last line that does not end.
        LogLineError: A line that is not one.
    """
    *lines, rest = text.split("\n")
    if rest or not 1 <= len(lines) <= SIGNATURES_MAX:
        expected = f"1 to {SIGNATURES_MAX} signature lines, each ended by a newline"
        raise LogTextError(subject=subject, expected=expected, found=f"{len(lines)} ended lines")
    return tuple(_parse_signature_line(line, number, subject) for number, line in enumerate(lines, first_line))


def format_vkey(vkey: VerifierKey) -> str:
    """`<name>+<8 hex>+<base64(type ‖ key)>`."""
    return f"{vkey.name}+{vkey.key_id.hex()}+{base64_encode(bytes([vkey.kind]) + vkey.key.raw)}"


def parse_vkey(text: str, *, kind: SignatureKind, subject: str = "vkey") -> VerifierKey:
    """Read a verifier key of this kind.

    Raises:
        VerifierKeyError: Another spelling, kind or key id, or a public key that may not be used.

    Source: C2SP signed-note, "Verifier keys".
    """
    matched = _VKEY.match(text)
    try:
        if matched is None:
            raise VerifierKeyError(subject=subject, expected=_VKEY_PATTERN, found=shown(text))
        name, key_id, encoded = matched.groups()
        content = base64_decode(encoded, subject=subject)
        if content[:1] != bytes([kind]):
            raise VerifierKeyError(
                subject=subject, expected=f"{_VKEY_PATTERN}, type 0x{kind:02x}", found=f"type 0x{content[:1].hex()}"
            )
        vkey = VerifierKey(name=name, kind=kind, key=PublicKey(Algorithm.ED25519, content[1:]))
    except (Base64Error, TrustError, LogTextError) as error:
        raise VerifierKeyError(subject=subject, expected=_VKEY_PATTERN, found=str(error)) from error
    if vkey.key_id.hex() != key_id:
        raise VerifierKeyError(
            subject=subject, expected=f"{_VKEY_PATTERN}, key id {vkey.key_id.hex()}", found=f"key id {key_id}"
        )
    return vkey


def sign_text(text: str, *, name: str, signer: Signer) -> SignatureLine:
    """A log's Ed25519 line over a note's text (C2SP signed-note, "Ed25519 signatures")."""
    key_id = note_key_id(name, signer.public, SignatureKind.LOG)
    return SignatureLine(name=name, key_id=key_id, signature=signer.sign(text.encode("utf-8")))


def require_key_name(name: str) -> None:
    """Refuse a key name that C2SP signed-note forbids: empty, or with a space, a plus or a control character.

    Raises:
        LogTextError: With the name found.
    """
    # str.isspace is true for every Unicode space; a surrogate stands for octets that are not UTF-8.
    if not name or "+" in name or any(c.isspace() or c < " " or "\ud800" <= c <= "\udfff" for c in name):
        raise LogTextError(subject="key name", expected="<UTF-8, no space, no plus, not empty>", found=shown(name))


def shown(text: str) -> str:
    """The start of a text for a person to read; octets that were not UTF-8 are escaped, so that it can be written."""
    return text[:80].encode("utf-8", "backslashreplace").decode("utf-8")


def verify_lines(note: SignedNote, keys: Sequence[VerifierKey], *, subject: str) -> tuple[VerifierKey, ...]:
    """The log keys among `keys` that signed the note's text, after verifying every line that claims one of them.

    Raises:
        SignatureLineError: A line claims a known key and does not verify; then nothing in the note counts.
    """
    signed = []
    for vkey in keys:
        for line in note.lines_by(vkey):
            vkey.verify(note.text.encode("utf-8"), line.signature, subject=subject)
            signed.append(vkey)
    return tuple(dict.fromkeys(signed))


def _plain_text(raw: bytes, *, subject: str) -> str:
    if len(raw) > NOTE_BYTES_MAX:
        raise LogTextError(subject=subject, expected=f"at most {NOTE_BYTES_MAX} bytes", found=f"{len(raw)} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LogTextError(subject=subject, expected="UTF-8", found=f"byte {error.start} is not") from error
    control = _CONTROL.search(text)
    if control is not None:
        found = f"U+{ord(control.group()):04X} at character {control.start()}"
        raise LogTextError(subject=subject, expected="no control character but newline", found=found)
    return text


def _parse_signature_line(line: str, number: int, subject: str) -> SignatureLine:
    refusal = LogLineError(subject=subject, line=number, expected=_LINE_PATTERN, found=line[:80])
    if not line.startswith(_LINE):
        raise refusal
    name, _, encoded = line.removeprefix(_LINE).partition(" ")
    try:
        require_key_name(name)
        content = base64_decode(encoded, subject=subject)
    except ExchangeError as error:
        raise refusal from error
    if len(content) <= _KEY_ID_BYTES:
        raise refusal
    return SignatureLine(name=name, key_id=content[:_KEY_ID_BYTES], signature=content[_KEY_ID_BYTES:])
