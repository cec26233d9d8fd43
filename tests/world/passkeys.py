"""A software authenticator with a browser in front of it: real WebAuthn registrations and assertions, and false ones.

It follows Web Authentication Level 3, §5.8.1 (client data) and §6.1 (authenticator data); each part of an assertion can
be made otherwise, and is then signed as if it were right.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.encoding import base64url_encode
from exchange.signing.passkey import PasskeyCredential, PasskeyProof, open_registration

RP_ID = "desk.kz.example"
ORIGIN = "https://desk.kz.example"

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40

PrivateKey: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey


@dataclass
class Authenticator:
    """One credential of one officer, and how often it has signed."""

    label: str
    algorithm: str = "ES256"  # or Ed25519
    rp_id: str = RP_ID
    origin: str = ORIGIN
    counts: bool = True
    sign_count: int = 0
    key: PrivateKey = field(init=False, repr=False)
    credential_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        seed = hashlib.sha256(f"passkey {self.label}".encode()).digest()
        self.credential_id = hashlib.sha256(seed).digest()
        self.key = (
            derive_private_key(int.from_bytes(seed, "big") >> 1, SECP256R1())
            if self.algorithm == "ES256"
            else Ed25519PrivateKey.from_private_bytes(seed)
        )

    @property
    def cose_key(self) -> bytes:
        """RFC 9053 §7.1 and §7.2 in the encoding of CTAP 2 §6."""
        if isinstance(self.key, Ed25519PrivateKey):
            return bytes.fromhex("a4010103272006215820") + self.key.public_key().public_bytes_raw()
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return bytes.fromhex("a5010203262001215820") + point[1:33] + bytes.fromhex("225820") + point[33:]

    def register(self, *, challenge: bytes = bytes(32)) -> PasskeyCredential:
        """What the desk keeps of `navigator.credentials.create`."""
        return open_registration(
            self.client_data(challenge, ceremony="webauthn.create"),
            self.registration_data(),
            challenge=challenge,
            rp_id=self.rp_id,
            origins=(self.origin,),
        )

    def registration_data(self, *, flags: int = UP | UV | AT) -> bytes:
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self.cose_key
        return self._head(flags) + attested

    def prove(
        self,
        challenge: bytes,
        *,
        flags: int = UP | UV,
        client_data: bytes | None = None,
        extensions: bytes = b"",
        members: Mapping[str, object] | None = None,
    ) -> PasskeyProof:
        """An assertion, by `navigator.credentials.get`.

        Args:
            challenge: What the page hands over.
            flags: Of the authenticator data.
            client_data: In place of what a browser would write.
            extensions: Put behind the authenticator data.
            members: Of the client data, in place of or beside the usual ones.
        """
        if self.counts:
            self.sign_count += 1
        said = self.client_data(challenge, **(members or {})) if client_data is None else client_data
        data = self._head(flags) + extensions
        return PasskeyProof(
            credential_id=self.credential_id,
            client_data=said,
            authenticator_data=data,
            signature=self.sign(data + hashlib.sha256(said).digest()),
        )

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ECDSA(SHA256()))

    def client_data(self, challenge: bytes, /, *, ceremony: str = "webauthn.get", **members: object) -> bytes:
        usual = {
            "type": ceremony,
            "challenge": base64url_encode(challenge),
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(usual | members, separators=(",", ":")).encode()

    def _head(self, flags: int) -> bytes:
        party = hashlib.sha256(self.rp_id.encode()).digest()
        return party + bytes([flags]) + self.sign_count.to_bytes(4, "big")
