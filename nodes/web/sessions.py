"""Sessions of officers: kept by the server, bounded in time, ended by one row; and what every route asks first.

The cookie holds 256 random bits and nothing else; the database has their SHA-256. A session has a new token after each
login and each step-up, so that one who had fixed or seen the old one holds nothing.
"""

import asyncio
import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from exchange.encoding import format_instant, parse_instant
from exchange.errors import ExchangeError
from exchange.errors.officers import (
    AccountUnknownError,
    CrossOriginError,
    FormTokenError,
    LoginNeededError,
    OfficerIdMissingError,
    RightMissingError,
    StepUpNeededError,
)
from nodes.adapters.account_store import AccountRow
from nodes.adapters.clock import Clock
from nodes.adapters.officer_db import OfficerDb, OfficerStore
from nodes.adapters.session_store import SessionRow
from nodes.settings import ConsoleSettings
from nodes.web.cookies import sole_cookie
from nodes.web.origin import form_token, require_form_token, require_same_origin
from nodes.web.roles import Action, Role, require_right

COOKIE = "__Host-session"
TOKEN_BYTES = 32
HANDLE_BYTES = 9
SEEN_EVERY_S = 30
"""A session's last use is written down at most this often: reading a page need not cost a write to the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """Somebody who is signed in.

    Attributes:
        account: The account's id.
        name: For this ministry's own eyes.
        officer_id: As the registry and every signature name the officer; None for an operator or auditor.
        roles: What the account may do.
        session: The handle by which sessions are listed and ended; it signs nobody in.
        method: How: passkey, oidc, password.
        stepped_up_at: When a passkey was last shown in this session.
        form_token: What every write of this session repeats.
    """

    account: str
    name: str
    officer_id: str | None
    roles: frozenset[Role]
    session: str
    method: str
    began_at: datetime
    stepped_up_at: datetime | None
    form_token: str

    def require_officer_id(self) -> str:
        """The officer's pseudonymous id.

        Raises:
            OfficerIdMissingError: The account is no registered officer's.
        """
        if self.officer_id is None:
            raise OfficerIdMissingError(account=self.name)
        return self.officer_id


class Sessions:
    """The sessions of one console.

    Args:
        db: Where they are kept.
        settings: Their limits, and the origin of the console.
        clock: The time.
    """

    def __init__(self, db: OfficerDb, settings: ConsoleSettings, clock: Clock) -> None:
        self.settings = settings
        self._db = db
        self._clock = clock

    def begin(self, store: OfficerStore, account: AccountRow, *, method: str, request: Request) -> str:
        """A new session after a login, and the end of the one that the browser came with; the new token."""
        before = self._kept(store, request)
        if before is not None:
            store.sessions.end_session(before)
        store.accounts.note(at=self._clock.now(), account=account.id, act="sign in", subject=method)
        at = format_instant(self._clock.now())
        return _keep_new(
            store, account.id, method=method, began_at=at, seen_at=at, stepped_up_at=at if method == "passkey" else None
        )

    def step_up(self, store: OfficerStore, officer: Officer) -> str:
        """The session goes on under a new token, with a passkey shown now; the old token is nobody's.

        Raises:
            LoginNeededError: It was ended meanwhile.
        """
        kept = next((row for row in store.sessions.sessions_of(officer.account) if row.handle == officer.session), None)
        if kept is None:
            raise LoginNeededError
        at = format_instant(self._clock.now())
        store.sessions.end_session(kept)
        return _keep_new(store, kept.account, method=kept.method, began_at=kept.began_at, seen_at=at, stepped_up_at=at)

    def end(self, store: OfficerStore, *, account: str, handle: str) -> None:
        """End one session of an account.

        Raises:
            AccountUnknownError: It has no such session.
        """
        for row in store.sessions.sessions_of(account):
            if row.handle == handle:
                store.sessions.end_session(row)
                return
        raise AccountUnknownError(what="session")

    def find(self, request: Request) -> Officer:
        """Who is signed in.

        Raises:
            LoginNeededError: Nobody, or the session has run out, or the account was closed.
        """
        now = self._clock.now()
        with self._db.begin() as store:
            kept = self._kept(store, request)
            if kept is not None and self._has_run_out(kept, now):
                store.sessions.end_session(kept)
                kept = None
            account = None if kept is None else store.accounts.account(kept.account)
            if kept is not None and now - _at(kept.seen_at) >= timedelta(seconds=SEEN_EVERY_S):
                kept.seen_at = format_instant(now)
                store.sessions.keep_session(kept)
        if kept is None or account is None or account.closed_at is not None:
            raise LoginNeededError
        return _officer(account, kept, sole_cookie(request, COOKIE) or "")

    def require_step_up(self, officer: Officer, action: Action) -> None:
        """Refuse an act that signs unless a passkey was shown just before.

        Raises:
            StepUpNeededError: With how recent it must be.
        """
        if not self.has_stepped_up(officer):
            raise StepUpNeededError(action=action.value, seconds=self.settings.step_up_s)

    def has_stepped_up(self, officer: Officer) -> bool:
        """Whether the officer's passkey was shown so recently that an act that signs needs no other."""
        shown, limit = officer.stepped_up_at, timedelta(seconds=self.settings.step_up_s)
        return shown is not None and self._clock.now() - shown <= limit

    def set_cookie(self, answer: Response, token: str) -> None:
        """Hand the browser its session."""
        answer.set_cookie(
            COOKIE,
            token,
            max_age=self.settings.session_absolute_s,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )

    def clear_cookie(self, answer: Response) -> None:
        """Take the session from the browser."""
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")

    def _kept(self, store: OfficerStore, request: Request) -> SessionRow | None:
        token = sole_cookie(request, COOKIE)
        return None if token is None else store.sessions.session(_sha256(token))

    def _has_run_out(self, kept: SessionRow, now: datetime) -> bool:
        idle, absolute = self.settings.session_idle_s, self.settings.session_absolute_s
        return now - _at(kept.seen_at) > timedelta(seconds=idle) or now - _at(kept.began_at) > timedelta(
            seconds=absolute
        )


def officer_of(request: Request) -> Officer:
    """Who is signed in at the console that answers this request; for pages and endpoints that need no right.

    Raises:
        LoginNeededError: Nobody.
    """
    known = getattr(request.state, "officer", None)
    if isinstance(known, Officer):
        return known
    sessions: Sessions = request.app.state.sessions
    request.state.officer = officer = sessions.find(request)
    return officer


@dataclass(frozen=True, slots=True)
class May:
    """The dependency of every route: who asks, from where, with which right; a write with the session's token.

    Use it as `officer: Annotated[Officer, Depends(May(Action.CANDIDATE_READ))]`.
    """

    action: Action

    async def __call__(self, request: Request) -> Officer:
        """The officer, admitted to this action.

        Raises:
            CrossOriginError, LoginNeededError, FormTokenError, RightMissingError, StepUpNeededError: In this order.
        """
        sessions: Sessions = request.app.state.sessions
        officer: Officer | None = None
        try:
            require_same_origin(request, origin=sessions.settings.origin)
            officer = await asyncio.to_thread(officer_of, request)
            await require_form_token(request, officer.form_token)
            right = require_right(self.action, officer.roles)
        except (CrossOriginError, FormTokenError, RightMissingError) as error:
            await asyncio.to_thread(_write_down, request, self.action, error, officer)
            raise
        if right.step_up:
            sessions.require_step_up(officer, self.action)
        return officer


def _write_down(request: Request, action: Action, error: ExchangeError, officer: Officer | None) -> None:
    """Keep a refusal. A write from a foreign page names the officer whose cookie it has, as one who was only named."""
    named = officer
    if named is None:
        with suppress(LoginNeededError):
            named = officer_of(request)
    account = None if named is None else named.account
    request.app.state.attempts.refused(request, action.value, error, account, proved=officer is not None)


def _keep_new(
    store: OfficerStore, account: str, *, method: str, began_at: str, seen_at: str, stepped_up_at: str | None
) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = SessionRow(
        token_sha256=_sha256(token),
        handle=secrets.token_urlsafe(HANDLE_BYTES),
        account=account,
        method=method,
        began_at=began_at,
        seen_at=seen_at,
        stepped_up_at=stepped_up_at,
    )
    store.sessions.keep_session(row)
    return token


def _officer(account: AccountRow, kept: SessionRow, token: str) -> Officer:
    return Officer(
        account=account.id,
        name=account.name,
        officer_id=account.officer,
        roles=frozenset(Role(role) for role in account.roles.split()),
        session=kept.handle,
        method=kept.method,
        began_at=_at(kept.began_at),
        stepped_up_at=None if kept.stepped_up_at is None else _at(kept.stepped_up_at),
        form_token=form_token(token),
    )


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _at(text: str) -> datetime:
    return parse_instant(text, subject="accounts.db")
