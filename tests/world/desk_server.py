"""KZ's desk as an application that answers, and browsers with passkeys at it: requests as pages make them."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from exchange.clearance.passkey import PasskeyProof
from exchange.encoding import base64url_decode, base64url_encode
from exchange.flow.ceremony import rotate_keys
from nodes.adapters.trust_folder import write_trust_files
from nodes.cli.main import PRIVATE_UMASK
from nodes.desk.main import build_desk, guarded
from nodes.desk.server.context import DeskContext
from nodes.settings import NodeFolder, open_node
from nodes.web.accounts import Wanted
from nodes.web.roles import Role
from tests.world.ceremonies import Living
from tests.world.clock import StillClock
from tests.world.desk import SUBMITTED, DeskWorld, desk_world
from tests.world.passkey_bundles import apply_for
from tests.world.passkeys import UP, UV, Authenticator

PREPARING = 202
PATIENCE_S = 120
ORIGIN = "http://localhost:8600"
PEOPLE: Mapping[str, tuple[str | None, frozenset[Role]]] = {
    "Operator A": (None, frozenset({Role.OPERATOR})),
    "Operator B": (None, frozenset({Role.OPERATOR})),
    "Preparer": ("kz-01", frozenset({Role.DATA})),
    "Clearer A": ("kz-02", frozenset({Role.CLEARING})),
    "Clearer B": ("kz-03", frozenset({Role.CLEARING, Role.DATA})),
    "Contracts": ("kz-04", frozenset({Role.CONTRACT})),
    "Auditor": (None, frozenset({Role.AUDITOR})),
}


CLEARERS = {"Clearer A": "kz-02", "Clearer B": "kz-03"}
"""Whose passkeys the registry lists too."""


def authenticator(name: str) -> Authenticator:
    return Authenticator(label=name, rp_id="localhost", origin=ORIGIN)


@dataclass
class Browser:
    """One person's browser at the desk: its cookies, and what its pages send with each write.

    `app` is an application of this process, or the address of another's.
    """

    app: ASGIApp | str
    passkey: Authenticator
    cookies: dict[str, str] = field(default_factory=dict)
    form_token: str | None = None
    address: str = "127.0.0.1"

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        fields: Iterable[tuple[str, bytes]] = (),
    ) -> httpx.Response:
        """As our own page would ask; `headers` change or (None) take away what the browser sends, `fields` come too."""
        sent: dict[str, str | None] = {
            "Origin": self.passkey.origin,
            "Sec-Fetch-Site": "same-origin",
            "X-Form-Token": self.form_token,
        }
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= headers or {}
        named = [(name, value.encode("utf-8")) for name, value in sent.items() if value is not None] + [*fields]
        answer = ask(self.app, self.address, method, path, headers=named, content=content, json=body)
        self._keep(answer)
        return answer

    def get(self, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401  # as `request`
        """As a browser that a page asks to look again: it does, for as long as a busy machine may need."""
        began = time.monotonic()
        while True:
            answer = self.request("GET", path, **more)
            if answer.status_code != PREPARING or time.monotonic() - began > PATIENCE_S:
                return answer
            time.sleep(0.05)

    def post(self, path: str, body: object = None, **more: Any) -> httpx.Response:  # noqa: ANN401  # as `request`
        return self.request("POST", path, body, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401  # as `request`
        return self.request("DELETE", path, **more)

    # --- what pages do ---------------------------------------------------------------------------------------------

    def prove(self, challenge: str, **how: Any) -> dict[str, Any]:  # noqa: ANN401  # as `Authenticator.prove`
        """An assertion over a challenge as the server gave it."""
        return wire(self.passkey.prove(base64url_decode(challenge, subject="challenge"), **how))

    def sign_in(self) -> httpx.Response:
        asked = self.post("/api/login/challenge").json()
        answer = self.post("/api/login", {"proof": self.prove(asked["challenge"])})
        if answer.status_code == 200:
            self.form_token = answer.json()["form_token"]
        return answer

    def step_up(self) -> httpx.Response:
        asked = self.post("/api/session/step-up/challenge").json()
        answer = self.post("/api/session/step-up", {"handle": asked["handle"], "proof": self.prove(asked["challenge"])})
        if answer.status_code == 200:
            self.form_token = answer.json()["form_token"]
        return answer

    def new_passkey(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A registration and its first assertion, over one challenge."""
        challenge = base64url_decode(asked["challenge"], subject="challenge")
        return {
            "handle": asked["handle"],
            "label": self.passkey.label,
            "registration": {
                "client_data": base64url_encode(self.passkey.client_data(challenge, ceremony="webauthn.create")),
                "authenticator_data": base64url_encode(self.passkey.registration_data(flags=UP | UV | 0x40)),
            },
            "proof": self.prove(asked["challenge"]),
        }

    def approve(self, path: str, body: object = None) -> httpx.Response:
        """Ask for a statement at this address, and answer it with the passkey."""
        asked = self.act(self.post(f"{path}/challenge", body))
        return self.post(path, {"handle": asked["handle"], "proof": self.prove(asked["challenge"])})

    def enrol(self, code: str) -> httpx.Response:
        asked = self.post("/api/enrolments/challenge", {"code": code}).json()
        return self.post("/api/enrolments/passkey", {"code": code, **self.new_passkey(asked)})

    def act(self, answer: httpx.Response) -> Any:  # noqa: ANN401  # whatever JSON it is
        """A step on the way to what a test is about: it has to succeed."""
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def _keep(self, answer: httpx.Response) -> None:
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
                if not morsel.value or morsel["max-age"] == "0":
                    del self.cookies[name]


@dataclass
class DeskServer:
    """KZ's desk with everybody enrolled, and nobody signed in."""

    world: DeskWorld
    context: DeskContext
    app: ASGIApp
    passkeys: dict[str, Authenticator]
    browsers: int = 0

    @property
    def node(self) -> NodeFolder:
        return self.world.node

    def browser(self, name: str = "Nobody") -> Browser:
        """Another browser of the same person, with the same passkey."""
        self.browsers += 1
        passkey = self.passkeys.setdefault(name, authenticator(name))
        return Browser(self.app, passkey, address=f"192.0.2.{self.browsers % 256}")

    def signed_in(self, name: str) -> Browser:
        """With a passkey shown just now."""
        browser = self.browser(name)
        browser.act(browser.sign_in())
        return browser

    def account_id(self, name: str) -> str:
        with self.context.console.db.begin() as store:
            row = store.accounts.account_named(name)
        assert row is not None
        return row.id


def desk_server(folder: Path) -> DeskServer:
    """A desk of its own in this folder."""
    os.umask(PRIVATE_UMASK)  # as every command of the program begins
    template, counts = _enrolled()
    shutil.copytree(template.node.path, folder, dirs_exist_ok=True)
    world = replace(template, node=open_node(folder), clock=StillClock(SUBMITTED))
    context = build_desk(world.node, clock=world.clock)
    passkeys = {name: authenticator(name) for name in counts}
    for name, count in counts.items():
        passkeys[name].sign_count = count
    return DeskServer(world, context, guarded(context), passkeys)


def wire(proof: PasskeyProof) -> dict[str, Any]:
    return dict(proof.as_json())


def ask(app: ASGIApp | str, address: str, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401  # as httpx
    """One request to the application, in an event loop of its own where it runs in this process."""
    if isinstance(app, str):
        return httpx.request(method, app + path, timeout=30, **more)
    transport = httpx.ASGITransport(app=app, client=(address, 50_000), raise_app_exceptions=False)

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, path, **more)

    return asyncio.run(once())


@cache
def _enrolled() -> tuple[DeskWorld, dict[str, int]]:
    """The accounts of everybody, made once per process through the desk's own interface."""
    folder = Path(tempfile.mkdtemp(prefix="desk-server-"))
    world = desk_world(folder)
    context = build_desk(world.node, clock=world.clock)
    app = guarded(context)
    browsers = {name: Browser(app, authenticator(name)) for name in PEOPLE}
    operators = [browsers[name] for name in ("Operator A", "Operator B")]
    for name, (officer, roles) in PEOPLE.items():
        if browsers[name] in operators:
            code = context.console.accounts.invite(Wanted(name=name, officer=officer, roles=roles))
        else:
            wanted = {"name": name, "officer": officer, "roles": sorted(roles)}
            proposed = operators[0].act(operators[0].post("/api/enrolments", wanted))
            code = operators[1].act(operators[1].post(f"/api/enrolments/{proposed['enrolment']}/approval"))["code"]
        browsers[name].act(browsers[name].enrol(code))
        if browsers[name] in operators:
            browsers[name].act(browsers[name].sign_in())
    with context.console.db.begin() as store:
        for browser in operators:
            (row,) = store.sessions.sessions_of(_account(store, browser.passkey.label))
            store.sessions.end_session(row)
    _list_passkeys(world, {officer: browsers[name].passkey for name, officer in CLEARERS.items()})
    return world, {name: browser.passkey.sign_count for name, browser in browsers.items()}


def _list_passkeys(world: DeskWorld, passkeys: Mapping[str, Authenticator]) -> None:
    """The registry lists the clearing officers' passkeys, by KZ's delegation."""
    living = Living(world.federation)
    application = apply_for(living, list(passkeys.items()))
    living.decide(rotate_keys(living.base, application, overlap=timedelta(0), at=living.at), living.pair("KZ"))
    write_trust_files(world.node.keys, living.files)


def _account(store: Any, name: str) -> str:  # noqa: ANN401  # an OfficerStore
    return str(store.accounts.account_named(name).id)
