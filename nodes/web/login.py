"""Signing in: a passkey over a statement of this console's own, used once; and the step-up before anything that signs.

Whatever fails, the answer is one and the same, so that nobody learns which accounts, passkeys or passwords exist.
"""

import secrets
import time
from dataclasses import dataclass

from starlette.requests import Request

from exchange.clearance.passkey import challenge_of
from exchange.errors.exchange_ import TooManyRequestsError
from exchange.errors.officers import LoginRefusedError
from exchange.signing.passkey import PasskeyProof, verify_assertion
from exchange.signing.password import hash_password, is_password
from nodes.adapters.account_store import AccountRow, PasskeyRow
from nodes.adapters.officer_db import OfficerDb, OfficerStore
from nodes.settings import ConsoleSettings
from nodes.web.attempts import Attempt, Attempts
from nodes.web.challenges import Challenges
from nodes.web.limits import Budget
from nodes.web.passkeys import credential_name, read_credential
from nodes.web.sessions import Officer, Sessions

LOGIN_COOKIE = "__Host-login"
LOGIN, STEP_UP = "console.login/1", "console.step-up/1"
SIGN_IN = "sign in"
"""The act in the journal."""
_NOBODY = hash_password("the work for a name that nobody has", random=secrets.token_bytes)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page hands to the authenticator, and the handle by which the answer is recognised."""

    handle: str
    challenge: bytes
    credentials: tuple[str, ...] = ()


class Login:
    """The ways in to one console.

    Args:
        db: Accounts and sessions.
        sessions: What a login begins.
        challenges: What is to be proved.
        attempts: What was refused.
        settings: Limits, and whether passwords count.
    """

    def __init__(
        self,
        db: OfficerDb,
        sessions: Sessions,
        challenges: Challenges,
        attempts: Attempts,
        settings: ConsoleSettings,
    ) -> None:
        self._db = db
        self._sessions = sessions
        self._challenges = challenges
        self._attempts = attempts
        self._settings = settings
        self._names = Budget(per_s=1 / settings.failure_recovery_s, burst=settings.failures_max, seconds=time.monotonic)

    def ask(self) -> Asked:
        """A statement for somebody who wants in; the passkey will say who it is."""
        statement = self._challenges.statement(LOGIN)
        with self._db.begin() as store:
            handle = self._challenges.issue(store, statement, kind=LOGIN, account=None)
        return Asked(handle, challenge_of(statement))

    def by_passkey(self, request: Request, handle: str, proof: PasskeyProof) -> str:
        """The token of a new session, for whoever holds a passkey of an open account.

        Raises:
            LoginRefusedError: Whatever was wrong.
            TooManyRequestsError: Many logins failed from this address, and this one too.
        """
        with self._attempts.judged(request, SIGN_IN, LoginRefusedError) as attempt:
            with self._db.begin() as store:
                statement = self._challenges.take(store, handle, kind=LOGIN, account=None)
            with self._db.begin() as store:
                account = self._shown(store, proof, statement, attempt)
                return self._sessions.begin(store, account, method="passkey", request=request)

    def by_password(self, request: Request, name: str, password: str) -> str:
        """The token of a new session; a demonstration's only.

        Raises:
            LoginRefusedError: Whatever was wrong.
            TooManyRequestsError: Many logins failed for this name; asked before the work, which is heavy.
        """
        with self._attempts.judged(request, SIGN_IN, LoginRefusedError) as attempt:
            if not self._settings.passwords:  # else anybody could have this console do the heavy work all day
                raise attempt.refused("passwords-off")
            wait_s = self._names.wait_s(name)
            if wait_s:
                raise TooManyRequestsError(retry_after_s=wait_s)
            with self._db.begin() as store:
                account = store.accounts.account_named(name)
            if account is not None:
                attempt.account = account.id
            kept = None if account is None or account.closed_at is not None else account.password
            holds = is_password(password, kept or _NOBODY)
            if kept is None or account is None or not holds:
                self._names.charge(name)
                raise attempt.refused("password-refused")
            with self._db.begin() as store:
                return self._sessions.begin(store, account, method="password", request=request)

    def ask_again(self, officer: Officer) -> Asked:
        """A statement for a step-up by one of the officer's own passkeys."""
        statement = self._challenges.statement(STEP_UP, account=officer.account, session=officer.session)
        with self._db.begin() as store:
            handle = self._challenges.issue(store, statement, kind=STEP_UP, account=officer.account)
            kept = store.accounts.passkeys_of(officer.account)
        return Asked(handle, challenge_of(statement), tuple(row.credential for row in kept if row.revoked_at is None))

    def step_up(self, request: Request, officer: Officer, handle: str, proof: PasskeyProof) -> str:
        """The session's new token.

        Raises:
            LoginRefusedError: Not a passkey of this account, or not over what it was asked for.
            TooManyRequestsError: As at a login.
        """
        with self._attempts.judged(request, "step up", LoginRefusedError) as attempt:
            attempt.account, attempt.proved = officer.account, True
            with self._db.begin() as store:
                statement = self._challenges.take(store, handle, kind=STEP_UP, account=officer.account)
            with self._db.begin() as store:
                if self._shown(store, proof, statement, attempt).id != officer.account:
                    raise attempt.refused("passkey-of-another")
                return self._sessions.step_up(store, officer)

    def _shown(self, store: OfficerStore, proof: PasskeyProof, statement: bytes, attempt: Attempt) -> AccountRow:
        """The open account whose passkey this is, over this statement; its counter is kept.

        Raises:
            LoginRefusedError, PasskeyError, SignatureError: It is none.
        """
        row = store.accounts.passkey(credential_name(proof.credential_id))
        account = None if row is None else store.accounts.account(row.account)
        if row is None or account is None:
            raise attempt.refused("passkey-unknown")
        attempt.account = attempt.account or account.id
        if row.revoked_at is not None or account.closed_at is not None:
            raise attempt.refused("passkey-revoked" if account.closed_at is None else "account-closed")
        keep_count(store, row, proof, statement)
        return account


def keep_count(store: OfficerStore, row: PasskeyRow, proof: PasskeyProof, statement: bytes) -> None:
    """Verify an assertion by a kept passkey, and keep how often it has signed.

    Raises:
        PasskeyError, SignatureError: It does not hold.
    """
    credential = read_credential(row)
    row.sign_count = verify_assertion(proof, challenge=challenge_of(statement), credential=credential)
    store.accounts.keep(row)
