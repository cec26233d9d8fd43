"""What is tried at a console and refused: charged to the address it comes from, and written down.

A failure costs the address a share of its budget; only failures are limited, never an honest login from the same place.
Each is counted in the console's own database, so that administrators and the auditor see who was tried from where
(ASVS 16.3); the caller learns nothing of that. Somebody who proved nothing is written down by address prefix, and in a
budget of its own: no noise from outside displaces what an officer did (`nodes.adapters.attempt_store`).
"""

import time
from dataclasses import replace
from typing import Self

from starlette.requests import Request

from exchange.errors import ExchangeError
from exchange.errors.exchange_ import TooManyRequestsError
from exchange.errors.officers import LoginRefusedError
from exchange.errors.settings import FileRefusedError
from nodes.adapters.attempt_store import Refused
from nodes.adapters.clock import Clock
from nodes.adapters.officer_db import OfficerDb
from nodes.settings import ConsoleSettings
from nodes.web.limits import Budget, address_key
from nodes.web.passage import caller_of, networks

NOBODY = ""
"""In the place of an account, in the journal: the console itself."""


UNKNOWN = "-"
"""In the place of an address: a request that did not come over a network."""


class Attempts:
    """The refused attempts of one console.

    Args:
        db: Where they are kept.
        settings: How many may fail, and whose word about an address counts.
        clock: The time.
    """

    def __init__(self, db: OfficerDb, settings: ConsoleSettings, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._proxies = networks(settings.trusted_proxies)
        self._addresses = Budget(
            per_s=1 / settings.failure_recovery_s, burst=settings.failures_max, seconds=time.monotonic
        )

    def judged(self, request: Request, act: str, instead: type[LoginRefusedError] | None = None) -> "Attempt":
        """A context in which a refusal is charged and written down; `instead` is what it is answered with."""
        return Attempt(self, self._address(request), act, instead)

    def refused(self, request: Request, act: str, error: ExchangeError, account: str | None, *, proved: bool) -> None:
        """Write down an act that somebody may not do, or that came from a foreign page.

        Raises:
            FileRefusedError: The disk is full, or the folder is read-only.
        """
        address = self._address(request)
        self.note(Refused(act=act, reason=error.code, address=address, account=account, proved=proved))

    def charge(self, address: str) -> int:
        """One more failure of this address; the seconds to wait if it has failed too often already."""
        key = address_key(address)
        wait_s = self._addresses.wait_s(key)
        if not wait_s:
            self._addresses.charge(key)
        return wait_s

    def _address(self, request: Request) -> str:
        return caller_of(request.scope, self._proxies) or UNKNOWN

    def note(self, refused: Refused) -> None:
        """Write down one refusal.

        Raises:
            FileRefusedError: The disk is full, or the folder is read-only.
        """
        now = self._clock.now()
        if not refused.proved:
            refused = replace(refused, address=address_key(refused.address))
        with self._db.begin() as store:
            forgotten = store.attempts.note(refused, at=now)
            if forgotten:
                subject = f"{forgotten} oldest rows: {refused.source.value}"
                store.accounts.note(at=now, account=refused.account or NOBODY, act="forget attempts", subject=subject)


class Attempt:
    """Something that is tried; as a context it judges how that ended.

    Args:
        attempts: Where it is charged and written down.
        address: Where it comes from.
        act: What is tried.
        instead: The one answer to every refusal, so that nobody learns what was wrong.

    Attributes:
        account: Whose it would be, once that is known.
        proved: Whether that account is signed in, or its identity provider vouches for it.
    """

    def __init__(self, attempts: Attempts, address: str, act: str, instead: type[LoginRefusedError] | None) -> None:
        self._attempts = attempts
        self._address = address
        self._act = act
        self._instead = instead
        self._why: str | None = None
        self.account: str | None = None
        self.proved = False

    def refused(self, why: str) -> LoginRefusedError:
        """The refusal to raise; why is written down and not told."""
        self._why = why
        return LoginRefusedError()

    def __enter__(self) -> Self:
        """Nothing is asked of who has not failed."""
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Charge the address of a failed attempt, and write it down.

        Raises:
            LoginRefusedError, TooManyRequestsError: In place of a refusal.
            FileRefusedError: It cannot be written down.
        """
        if not isinstance(error, ExchangeError) or isinstance(error, FileRefusedError):
            return
        wait_s = self._attempts.charge(self._address)
        reason = self._why or error.code
        self._attempts.note(
            Refused(act=self._act, reason=reason, address=self._address, account=self.account, proved=self.proved)
        )
        if isinstance(error, TooManyRequestsError):
            return
        if wait_s:
            raise TooManyRequestsError(retry_after_s=wait_s) from error
        if self._instead is not None:
            raise self._instead from error
