"""Secrets that the workers of one node share through its store: the first one makes it, all others read it."""

from nodes.adapters.store import Store, driver_of

SECRET_BYTES = 32
NONCE_KEY = "dpop-nonce"
"""What keys the nonces of RFC 9449 §8: they hold in every worker alike, and after a restart."""


def shared_secret(store: Store, name: str, candidate: bytes) -> bytes:
    """The secret of this name; `candidate`, unpredictable and 32 bytes long, if there is none yet."""
    with store.open_writer() as connection, connection.begin():
        driver = driver_of(connection)
        driver.execute("INSERT OR IGNORE INTO shared_secret (name, secret) VALUES (?, ?)", (name, candidate))
        row = driver.execute("SELECT secret FROM shared_secret WHERE name = ?", (name,)).fetchone()
        return bytes(row[0])
