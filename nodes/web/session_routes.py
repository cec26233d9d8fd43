"""Signing in, stepping up, signing out, and the own sessions and passkeys: the same at a desk and at the auditor's."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from exchange.encoding import base64url_encode, format_instant
from nodes.web import oidc_routes
from nodes.web.answers import SIGNED_IN, Body, Document, Fresh, refusals
from nodes.web.console import Console
from nodes.web.cookies import sole_cookie
from nodes.web.login import LOGIN_COOKIE, Asked
from nodes.web.origin import form_token, require_same_origin
from nodes.web.passkeys import NewPasskey, ProofBody, RegistrationBody, rp_id_of
from nodes.web.roles import Action, Role
from nodes.web.sessions import May, Officer

SECRET_CHARS_MAX = 64
OwnSession = Annotated[Officer, Depends(May(Action.OWN_SESSION))]
PasskeyChange = Annotated[Officer, Depends(May(Action.OWN_PASSKEYS))]


class LoginBody(Body):
    """An assertion over the challenge that the cookie stands for."""

    proof: ProofBody


class PasswordBody(Body):
    """A name and password; only a demonstration takes them."""

    name: str = Field(min_length=1, max_length=80)
    password: str = Field(min_length=1, max_length=128)


class StepUpBody(Body):
    """An assertion over the challenge behind this handle."""

    handle: str = Field(max_length=SECRET_CHARS_MAX)
    proof: ProofBody


class NewPasskeyBody(Body):
    """A new passkey, with its first assertion over the same challenge."""

    handle: str = Field(max_length=SECRET_CHARS_MAX)
    label: str = Field(min_length=1, max_length=80)
    registration: RegistrationBody
    proof: ProofBody

    def passkey(self) -> NewPasskey:
        """The parts, unverified."""
        return NewPasskey(self.registration, self.proof.proof())


class AskedDocument(Document):
    """What a page hands to `navigator.credentials`."""

    handle: str | None
    challenge: str
    rp_id: str
    credentials: list[str]


class SessionDocument(Document):
    """Who is signed in; every write repeats `form_token` in the header X-Form-Token."""

    account: str
    name: str
    officer: str | None
    roles: list[Role]
    session: str
    method: str
    began_at: str
    stepped_up_at: str | None
    form_token: str


class BegunDocument(Document):
    """A session has begun, or goes on under a new cookie."""

    form_token: str


class SessionLine(Document):
    """One of the own sessions."""

    session: str
    method: str
    began_at: str
    seen_at: str
    this: bool


class SessionsDocument(Document):
    """The own sessions."""

    sessions: list[SessionLine]


class PasskeyLine(Document):
    """One of the own passkeys."""

    credential: str
    label: str
    added_at: str
    revoked_at: str | None


class PasskeysDocument(Document):
    """The own passkeys."""

    passkeys: list[PasskeyLine]


class AddedDocument(Document):
    """A passkey was added."""

    credential: str


def router(console: Console) -> APIRouter:
    """`/api/login…`, `/api/session…`, `/api/passkeys…`."""
    routes = APIRouter(prefix="/api", tags=["session"], default_response_class=Fresh)
    _login_routes(routes, console)
    _session_routes(routes, console)
    _passkey_routes(routes, console)
    if console.provider is not None:
        routes.include_router(oidc_routes.router(console, console.provider))
    return routes


def _login_routes(routes: APIRouter, console: Console) -> None:
    origin = console.settings.origin

    @routes.post("/login/challenge", response_model=AskedDocument, responses=refusals(403))
    def ask(request: Request) -> Response:
        """A challenge for somebody who wants in; the cookie binds it to this browser."""
        require_same_origin(request, origin=origin)
        asked = console.login.ask()
        answer = Fresh(asked_document(asked, origin, shown=False).model_dump())
        answer.set_cookie(
            LOGIN_COOKIE, asked.handle, max_age=console.settings.challenge_s, path="/", secure=True, httponly=True,
            samesite="strict",
        )  # fmt: skip
        return answer

    @routes.post("/login", response_model=BegunDocument, responses=refusals(401, 403, 422))
    def login(request: Request, body: LoginBody) -> Response:
        """Sign in with a passkey."""
        require_same_origin(request, origin=origin)
        token = console.login.by_passkey(request, sole_cookie(request, LOGIN_COOKIE) or "", body.proof.proof())
        return begun(console, token)

    @routes.post("/login/password", response_model=BegunDocument, responses=refusals(401, 403))
    def password(request: Request, body: PasswordBody) -> Response:
        """Sign in with a password; a demonstration's only."""
        require_same_origin(request, origin=origin)
        return begun(console, console.login.by_password(request, body.name, body.password))


def _session_routes(routes: APIRouter, console: Console) -> None:
    @routes.get("/session", responses=refusals(*SIGNED_IN))
    def session(officer: OwnSession) -> SessionDocument:
        """Who is signed in."""
        return session_document(officer)

    @routes.delete("/session", status_code=204, responses=refusals(*SIGNED_IN))
    def logout(officer: OwnSession) -> Response:
        """Sign out."""
        with console.db.begin() as store:
            console.sessions.end(store, account=officer.account, handle=officer.session)
        answer = Response(status_code=204)
        console.sessions.clear_cookie(answer)
        return answer

    @routes.post("/session/step-up/challenge", responses=refusals(*SIGNED_IN))
    def ask_again(officer: OwnSession) -> AskedDocument:
        """A challenge for one of the own passkeys."""
        return asked_document(console.login.ask_again(officer), console.settings.origin)

    @routes.post("/session/step-up", response_model=BegunDocument, responses=refusals(*SIGNED_IN, 422))
    def step_up(request: Request, officer: OwnSession, body: StepUpBody) -> Response:
        """Show a passkey; the session goes on under a new cookie and a new form token."""
        return begun(console, console.login.step_up(request, officer, body.handle, body.proof.proof()))

    @routes.get("/sessions", responses=refusals(*SIGNED_IN))
    def sessions(officer: OwnSession) -> SessionsDocument:
        """The own sessions."""
        with console.db.begin() as store:
            kept = store.sessions.sessions_of(officer.account)
        lines = [
            SessionLine(
                session=row.handle,
                method=row.method,
                began_at=row.began_at,
                seen_at=row.seen_at,
                this=row.handle == officer.session,
            )
            for row in kept
        ]
        return SessionsDocument(sessions=lines)

    @routes.delete("/sessions/{session}", status_code=204, responses=refusals(*SIGNED_IN, 404))
    def end(officer: OwnSession, session: str) -> Response:
        """End one of the own sessions."""
        with console.db.begin() as store:
            console.sessions.end(store, account=officer.account, handle=session)
        return Response(status_code=204)


def _passkey_routes(routes: APIRouter, console: Console) -> None:
    @routes.get("/passkeys", responses=refusals(*SIGNED_IN))
    def passkeys(officer: OwnSession) -> PasskeysDocument:
        """The own passkeys."""
        with console.db.begin() as store:
            kept = store.accounts.passkeys_of(officer.account)
        return PasskeysDocument(
            passkeys=[
                PasskeyLine(
                    credential=row.credential, label=row.label, added_at=row.added_at, revoked_at=row.revoked_at
                )
                for row in kept
            ]
        )

    @routes.post("/passkeys/challenge", responses=refusals(*SIGNED_IN))
    def ask_another(officer: PasskeyChange) -> AskedDocument:
        """A challenge for another passkey of the own account."""
        return asked_document(console.accounts.ask_another(officer), console.settings.origin)

    @routes.post("/passkeys", status_code=201, responses=refusals(*SIGNED_IN, 409, 422))
    def add(officer: PasskeyChange, body: NewPasskeyBody) -> AddedDocument:
        """Add a passkey to the own account."""
        return AddedDocument(credential=console.accounts.add(officer, body.handle, body.passkey(), label=body.label))

    @routes.delete("/passkeys/{credential}", status_code=204, responses=refusals(*SIGNED_IN, 404))
    def revoke(officer: PasskeyChange, credential: str) -> Response:
        """A passkey of the own account counts no more."""
        console.accounts.revoke(officer, credential)
        return Response(status_code=204)


def begun(console: Console, token: str) -> Response:
    """The answer that hands the browser its session."""
    answer = Fresh(BegunDocument(form_token=form_token(token)).model_dump())
    answer.delete_cookie(LOGIN_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    console.sessions.set_cookie(answer, token)
    return answer


def asked_document(asked: Asked, origin: str, *, shown: bool = True) -> AskedDocument:
    """A challenge for a page; the handle of a login's is in a cookie, and is not shown."""
    return AskedDocument(
        handle=asked.handle if shown else None,
        challenge=base64url_encode(asked.challenge),
        rp_id=rp_id_of(origin),
        credentials=list(asked.credentials),
    )


def session_document(officer: Officer) -> SessionDocument:
    """A session for its own officer."""
    return SessionDocument(
        account=officer.account,
        name=officer.name,
        officer=officer.officer_id,
        roles=sorted(officer.roles),
        session=officer.session,
        method=officer.method,
        began_at=format_instant(officer.began_at),
        stepped_up_at=None if officer.stepped_up_at is None else format_instant(officer.stepped_up_at),
        form_token=officer.form_token,
    )
