"""Pictures of every screen, two languages, wide, narrow, printed: `python -m tests.browser.screens FOLDER [TOUR…]`."""

import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exchange.encoding import Digest
from exchange.manifest import MANIFEST
from exchange.report import pooled_digest
from nodes.adapters.node_folder import copy_contracts
from nodes.desk.main import guarded
from nodes.desk.pages import releases
from nodes.paper import Document, pdf_bytes
from tests.browser.audit import audit_site
from tests.browser.chromium import Browser, chromium
from tests.browser.pseudo import PSEUDO, pseudo_locale
from tests.browser.serving import port, served
from tests.browser.site import ORIGIN_PORT, Site
from tests.world.auditors import AUDITOR
from tests.world.bundles import PERIOD
from tests.world.corridor_desk import MONTHS, OWN, bundle_of, corridor_desk
from tests.world.desk import ASKED, figure, hidden, table
from tests.world.desk_server import DeskServer, desk_server
from tests.world.gateway_answers import all_answers

WIDTHS = (1280, 360)
PROOFS_CHECKED = "const told = document.querySelector('[data-proofs]'); return told === null || 'state' in told.dataset"
LANGUAGES = ("en", "ru")
UZ_TOTAL = ("IN", "UZ", "_T", "_T", "_T", "_T", "_T")
KG_TOTAL = ("IN", "KG", "_T", "_T", "_T", "_T", "_T")
PULLED = Digest.of(bundle_of(PERIOD)[MANIFEST])
OTHER = ("OUT", "_T", "_T", "_T", "_T", "_T", "_T")


@dataclass(frozen=True)
class Tour:
    """Screens of one console as one of its people sees them: addresses by names that pictures are called by."""

    site: Site
    person: str
    screens: Mapping[str, str]


ADDRESSES: Mapping[str, Mapping[str, str]] = {
    "clearing": {
        "tasks": "/",
        "due": "/due",
        "release": "/releases/1",
        "revision": "/releases/2",
        "release-withheld": "/releases/1?only=withheld",
        "release-printed": "/releases/2?whole=1",
        "release-new": "/releases/new",
        "release-of-period": "/releases/new?contract=CA-01-BORDER&period=2026-09",
        "receipts-silent": "/receipts",
        "contracts": "/contracts",
        "contract": "/contracts/CA-01-BORDER/1.0.0",
        "own": "/own",
        "enrol": "/enrol",
        "refused": "/releases/99",
    },
    "publishing": {
        "withdrawal": "/releases/1/withdrawal",
        "receipts": "/receipts",
        "receipts-of-bundle": "/receipts?member=KG",
        "pulls": "/pulls",
        "pulls-none": "/pulls?state=published&period=2026-08",
    },
    "waiting": {"prepared": "/releases/1/sheet.pdf"},
    "founding": {"tasks-none": "/", "bundles-none": "/bundles", "corridors-none": "/corridors", "sign-in": "/sign-in"},
    "operating": {"node-silent": "/node", "accounts": "/accounts"},
    "operating-well": {"node": "/node", "node-partners": "/node/partners", "node-keys": "/node?purpose=bundle"},
    "agreeing": {
        "contract-new": "/contracts/new",
        "contract-in-force": "/contracts/CA-01-BORDER/1.0.0",
        "contract-to-sign": "/contracts/CA-07-EXPULSIONS-BANS/1.1.0",
        "contract-compared": "/contracts/CA-07-EXPULSIONS-BANS/1.1.0/2.0.0",
    },
    "comparing": {
        "bundles": "/bundles",
        "bundle": f"/bundles/{PULLED.hex}",
        "corridors": "/corridors",
        "corridors-parts": "/corridors?contract=CA-01-BORDER&period=&parts=1&flag=CHANGED",
        "corridors-no-row": "/corridors?contract=CA-01-BORDER&origin=KG&destination=UZ",
        "corridor": "/corridors/KG/KZ",
        "corridor-nothing": "/corridors/TJ/TM",
    },
    "auditing": {
        "board": "/",
        "exchanges": "/exchanges",
        "exchanges-none": "/exchanges?puller=KZ&publisher=KZ",
        "findings": "/findings",
        "logs": "/logs",
        "patterns": "/patterns",
        "audits": "/audits",
        "reports-none": "/reports",
        "auditor-own": "/own",
        "auditor-enrol": "/enrol",
        "auditor-sign-in": "/sign-in",
        "timeline": "/exchanges/{digest}",
    },
    "auditing-honest": {"board-honest": "/", "findings-none": "/findings", "timeline-honest": "/exchanges/{digest}"},
}
"""Every screen by the name that its picture is called by, tour by tour; a test holds it against the routes."""


@contextmanager
def clearing(browser: Browser) -> Iterator[Tour]:
    """A first release before the officers and, of the same period, a revision that shows what was hidden."""
    with tempfile.TemporaryDirectory() as folder:
        server = desk_server(Path(folder) / "kz")
        server.world.act("bundle", "submit", *ASKED)
        before = server.world.release_earlier(table({UZ_TOTAL: hidden(), KG_TOTAL: figure(1900), OTHER: None}))
        files = server.world.candidate(revision=1, supersedes=before, pooled=pooled_digest([before]))
        server.world.act("bundle", "submit", str(server.world.build(files)))
        with served(many_languages(server), port(ORIGIN_PORT)):
            yield Tour(Site(server.passkeys, browser), "Clearer B", ADDRESSES["clearing"])


@contextmanager
def publishing(browser: Browser) -> Iterator[Tour]:
    """An officer who clears and prepares, after a release was published and pulled."""
    with tempfile.TemporaryDirectory() as folder:
        server = desk_server(Path(folder) / "kz")
        server.world.act("bundle", "submit", *ASKED)
        for name in ("Clearer A", "Clearer B"):
            officer = server.signed_in(name)
            officer.act(officer.approve("/api/candidates/1/approval"))
        with server.world.gateway():
            server.world.act("bundle", "release", *ASKED)
        with answering(server, str(server.world.state()["bundle"])), served(many_languages(server), port(ORIGIN_PORT)):
            yield Tour(Site(server.passkeys, browser), "Clearer B", ADDRESSES["publishing"])


@contextmanager
def waiting(browser: Browser) -> Iterator[Tour]:
    """An officer whose sheet is still being made; the page stands still, so that it can be looked at."""
    with tempfile.TemporaryDirectory() as folder, sheets_held():
        server = desk_server(Path(folder) / "kz")
        server.world.act("bundle", "submit", *ASKED)
        with served(standing_still(many_languages(server)), port(ORIGIN_PORT)):
            yield Tour(Site(server.passkeys, browser), "Clearer B", ADDRESSES["waiting"])


@contextmanager
def sheets_held() -> Iterator[threading.Event]:
    """No sheet is made before the event is set, or before this ends: as if the table were a large one."""
    go = threading.Event()

    def held(document: Document) -> bytes:
        go.wait()
        return pdf_bytes(document)

    with patch.object(releases, "pdf_bytes", held):
        try:
            yield go
        finally:
            go.set()


def standing_still(app: ASGIApp) -> ASGIApp:
    """Pages without the header by which a browser looks again."""

    async def still(scope: Scope, receive: Receive, send: Send) -> None:
        async def passed_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [one for one in message["headers"] if one[0].lower() != b"refresh"]
            await send(message)

        await app(scope, receive, passed_on)

    return still


def many_languages(server: DeskServer) -> ASGIApp:
    """The desk with the pseudo-locale in the place of one language that no tour is taken in."""
    console = server.context.console
    languages = {**console.languages, PSEUDO: pseudo_locale()}
    return guarded(replace(server.context, console=replace(console, languages=languages)))


def answering(server: DeskServer, bundle: str = "sha256:" + 64 * "f") -> AbstractContextManager[object]:
    """The desk's own gateway, which knows everything that pages ask."""
    contract = server.world.contract
    named = {"id": contract.id, "version": contract.version, "digest": str(contract.digest)}
    return server.world.gateway(**all_answers(bundle, named))


@contextmanager
def at_a_new_desk(browser: Browser, person: str, tour: str, *, answers: bool = False) -> Iterator[Tour]:
    """A desk at which nothing has happened yet; two versions of a contract wait for signatures."""
    with tempfile.TemporaryDirectory() as folder:
        server = desk_server(Path(folder) / "kz")
        copy_contracts(server.node.contracts, names=[("CA-07-EXPULSIONS-BANS", one) for one in ("1.1.0", "2.0.0")])
        with answering(server) if answers else nullcontext(), served(many_languages(server), port(ORIGIN_PORT)):
            yield Tour(Site(server.passkeys, browser), person, ADDRESSES[tour])


def founding(browser: Browser) -> AbstractContextManager[Tour]:
    """An officer whose lists are empty."""
    return at_a_new_desk(browser, "Clearer A", "founding")


def operating(browser: Browser) -> AbstractContextManager[Tour]:
    """An administrator, while the gateway does not run."""
    return at_a_new_desk(browser, "Operator A", "operating")


def operating_well(browser: Browser) -> AbstractContextManager[Tour]:
    """An administrator, while the gateway runs and one partner does not answer."""
    return at_a_new_desk(browser, "Operator A", "operating-well", answers=True)


def agreeing(browser: Browser) -> AbstractContextManager[Tour]:
    """The officer who signs contracts."""
    return at_a_new_desk(browser, "Contracts", "agreeing")


@contextmanager
def comparing(browser: Browser) -> Iterator[Tour]:
    """KG's analyst: three months of KZ's bundles, pulled, beside KG's own releases."""
    with tempfile.TemporaryDirectory() as folder:
        desk = corridor_desk(Path(folder) / "kg")
        desk.pull(*MONTHS)
        desk.release(OWN)
        with served(many_languages(desk.server), port(ORIGIN_PORT)):
            yield Tour(Site(desk.server.passkeys, browser), "Preparer", ADDRESSES["comparing"])


@contextmanager
def audited(browser: Browser, tour: str, *, tampered: bool) -> Iterator[Tour]:
    with audit_site(browser, tampered=tampered) as (site, digest):
        yield Tour(site, AUDITOR, {name: path.format(digest=digest) for name, path in ADDRESSES[tour].items()})


def auditing(browser: Browser) -> AbstractContextManager[Tour]:
    """IOM, after a bundle was altered at rest."""
    return audited(browser, "auditing", tampered=True)


def auditing_honest(browser: Browser) -> AbstractContextManager[Tour]:
    """IOM, and nothing to find."""
    return audited(browser, "auditing-honest", tampered=False)


TOURS: Mapping[str, Callable[[Browser], AbstractContextManager[Tour]]] = {
    "clearing": clearing,
    "publishing": publishing,
    "waiting": waiting,
    "founding": founding,
    "operating": operating,
    "operating-well": operating_well,
    "agreeing": agreeing,
    "comparing": comparing,
    "auditing": auditing,
    "auditing-honest": auditing_honest,
}


def take(tour: Tour, folder: Path) -> None:
    """Each screen of a signed-in person."""
    site = tour.site
    for language in LANGUAGES:
        site.sign_in(tour.person, language=language)
        for name, path in tour.screens.items():
            for width in WIDTHS:
                site.browser.width(width)
                site.open(path, language=language)
                site.wait(PROOFS_CHECKED)
                site.browser.screenshot(folder / f"{name}-{language}-{width}.png")
                fits = "too wide" if site.browser.overflows() else "fits"
                sys.stdout.write(f"{name} {language} {width} {fits}\n")
            (folder / f"{name}-{language}.pdf").write_bytes(site.browser.pdf())
        site.browser.width(WIDTHS[0])


def main(folder: Path, names: Iterable[str]) -> None:
    """All tours, or those that are named."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for name in names:
            with TOURS[name](browser) as tour:
                take(tour, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or TOURS)
