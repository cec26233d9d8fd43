"""Passwords of a demonstration's accounts: argon2id (RFC 9106), as a PHC string that carries its parameters.

Outside a demonstration nobody has a password here: officers show passkeys.
"""

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from exchange.signing.keys import Random

ITERATIONS, LANES, MEMORY_KIB = 3, 4, 64 * 1024
"""RFC 9106 §4, the second recommended choice: 64 MiB, three passes, four lanes."""
SALT_BYTES, TAG_BYTES = 16, 32
PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX = 15, 128
"""NIST SP 800-63B-4 §3.1.1.2: at least 15 characters where a password is the only factor; bounded work."""


def hash_password(password: str, *, random: Random) -> str:
    """The PHC string under which a password is kept."""
    salt = random(SALT_BYTES)
    kdf = Argon2id(salt=salt, length=TAG_BYTES, iterations=ITERATIONS, lanes=LANES, memory_cost=MEMORY_KIB)
    return kdf.derive_phc_encoded(password.encode("utf-8"))


def is_password(password: str, kept: str) -> bool:
    """Whether this is the password; as much work for a wrong one as for the right one."""
    try:
        Argon2id.verify_phc_encoded(password.encode("utf-8"), kept)
    except InvalidKey:
        return False
    return True
