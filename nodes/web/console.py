"""The officers' side of an application, the same at a ministry's desk and at the auditor's: built once, installed once.

It refuses to begin where officers could not be told from strangers; only a demonstration may be so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI

from exchange.errors import ExchangeError
from exchange.errors.exchange_ import TooManyRequestsError
from exchange.errors.officers import ConsoleUnsafeError
from nodes.adapters.clock import Clock
from nodes.adapters.officer_db import OfficerDb
from nodes.settings import ConsoleSettings
from nodes.web.accounts import Accounts
from nodes.web.attempts import Attempts
from nodes.web.challenges import Challenges
from nodes.web.login import Login
from nodes.web.oidc import IdentityProvider
from nodes.web.pages.catalogues import Catalogue, catalogues
from nodes.web.passkeys import rp_id_of
from nodes.web.sessions import Officer, Sessions

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What lets officers in, and keeps them apart.

    Attributes:
        db: Accounts, sessions, journal.
        provider: The ministry's identity provider, where the settings name one.
        languages: What its pages say, by language.
    """

    settings: ConsoleSettings
    clock: Clock
    db: OfficerDb
    sessions: Sessions
    challenges: Challenges
    login: Login
    accounts: Accounts
    attempts: Attempts
    provider: IdentityProvider | None
    languages: Mapping[str, Catalogue]

    def note(self, officer: Officer, act: str, subject: str) -> None:
        """Write down who is about to do what in the member's name: before it is done, so that nothing is unseen."""
        with self.db.begin() as store:
            store.accounts.note(at=self.clock.now(), account=officer.account, act=act, subject=subject)

    def install(self, app: FastAPI) -> None:
        """Let this app's routes ask `officer_of` and `May`."""
        app.state.sessions = self.sessions
        app.state.attempts = self.attempts


def build_console(  # what it joins: the database, the settings, the time
    file: Path,
    settings: ConsoleSettings,
    *,
    clock: Clock,
    folder: Path,
    member: str,
    demo: bool,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Console:
    """Build the console whose accounts are in this file.

    Args:
        file: The database.
        settings: Its limits and where it is.
        clock: The time.
        folder: Against which the settings name files.
        member: Whose console it is.
        demo: Whether throw-away settings are accepted.
        transport: Another way to an identity provider than the network.

    Raises:
        ConsoleUnsafeError: A setting under which officers must not sign in.
        StoreNewerError, FileRefusedError: The database cannot be used.
    """
    require_safe(settings, demo=demo)
    db = OfficerDb(file)
    sessions, challenges = Sessions(db, settings, clock), Challenges(settings, clock)
    attempts = Attempts(db, settings, clock)
    provider = settings.identity_provider
    return Console(
        settings=settings,
        clock=clock,
        db=db,
        sessions=sessions,
        challenges=challenges,
        login=Login(db, sessions, challenges, attempts, settings),
        attempts=attempts,
        accounts=Accounts(db, challenges, settings, clock, member=member),
        provider=None
        if provider is None
        else IdentityProvider(
            provider, settings, folder=folder, db=db, sessions=sessions, challenges=challenges, clock=clock,
            transport=transport,
        ),
        languages=catalogues(),
    )  # fmt: skip


def refusal_headers(error: ExchangeError) -> Mapping[str, str]:
    """More headers of a refusal: when a caller who failed too often may ask again (RFC 9110 §10.2.3)."""
    if isinstance(error, TooManyRequestsError):
        return {"Retry-After": str(error.facts["retry_after_s"])}
    return {}


def require_safe(settings: ConsoleSettings, *, demo: bool) -> None:
    """Refuse settings under which officers must not sign in.

    Raises:
        ConsoleUnsafeError: With the setting and why.
    """
    provider = settings.identity_provider
    host = rp_id_of(settings.origin)
    rules = (
        (_is_address(host), "origin", "a passkey is bound to a name, not to an IP address"),
        (not demo and not settings.origin.startswith("https://"), "origin", "expected https"),
        (not demo and settings.passwords, "passwords", "only a demonstration has passwords"),
        (
            not demo and settings.tls is None and settings.host not in LOOPBACK,
            "host",
            "without a certificate only a proxy on this machine may reach it",
        ),
        (
            not demo and provider is not None and not _all_https(
                (
                    provider.issuer, provider.authorization_endpoint, provider.token_endpoint,
                    provider.pushed_authorization_request_endpoint or provider.token_endpoint,
                )
            ),
            "identity_provider",
            "expected https for each of its addresses",
        ),
    )  # fmt: skip
    for broken, setting, reason in rules:
        if broken:
            raise ConsoleUnsafeError(setting=setting, reason=reason)


def _all_https(addresses: Iterable[str]) -> bool:
    return all(urlsplit(address).scheme == "https" for address in addresses)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
