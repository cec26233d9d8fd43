"""What somebody is asked to prove by passkey: a statement, kept here, used once, soon, by the one it was made for.

The browser signs the digest of the statement; what the statement says is read from here and never from the answer.
"""

import hashlib
import secrets
from datetime import timedelta

from exchange.encoding import base64url_encode, canonical_json, format_instant, parse_instant
from exchange.errors.officers import StatementStaleError
from nodes.adapters.clock import Clock
from nodes.adapters.officer_db import OfficerStore
from nodes.adapters.session_store import ChallengeRow
from nodes.settings import ConsoleSettings

HANDLE_BYTES = 32
NONCE_BYTES = 16


class Challenges:
    """The challenges of one console.

    Args:
        settings: How long one lives, and the origin that every statement names.
        clock: The time.
    """

    def __init__(self, settings: ConsoleSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def statement(self, kind: str, **said: str) -> bytes:
        """A statement that nobody was ever asked for before.

        Args:
            kind: What is proved by it, such as `console.login/1`.
            said: What else is bound by the signature.
        """
        nonce = base64url_encode(secrets.token_bytes(NONCE_BYTES))
        return canonical_json({"type": kind, "origin": self._settings.origin, "nonce": nonce, **said})

    def issue(self, store: OfficerStore, statement: bytes, *, kind: str, account: str | None) -> str:
        """Keep a statement; the handle by which its proof comes back.

        Args:
            store: In its transaction.
            statement: The bytes that are to be proved.
            kind: For which act.
            account: Who must prove it; None where the proof says who it is.
        """
        now, handle = self._clock.now(), secrets.token_urlsafe(HANDLE_BYTES)
        expires = now + timedelta(seconds=self._settings.challenge_s)
        row = ChallengeRow(
            handle_sha256=_sha256(handle),
            kind=kind,
            account=account,
            statement=statement,
            expires_at=format_instant(expires),
        )
        store.sessions.keep_challenge(row, at=now)
        return handle

    def take(self, store: OfficerStore, handle: str, *, kind: str, account: str | None) -> bytes:
        """The statement behind a handle, which is spent: let the transaction end before the proof is judged.

        Raises:
            StatementStaleError: Unknown, spent, run out, of another act, or somebody else's.
        """
        row = store.sessions.take_challenge(_sha256(handle), kind)
        if row is None or row.account != account or self._has_run_out(row):
            raise StatementStaleError(subject=kind, seconds=self._settings.challenge_s)
        return row.statement

    def _has_run_out(self, row: ChallengeRow) -> bool:
        return self._clock.now() >= parse_instant(row.expires_at, subject="accounts.db")


def _sha256(handle: str) -> str:
    return hashlib.sha256(handle.encode("utf-8", "surrogateescape")).hexdigest()
