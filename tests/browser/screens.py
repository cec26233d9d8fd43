"""Pictures of every screen, English and Russian, wide, narrow, printed: `python -m tests.browser.screens FOLDER`."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from exchange.encoding import Digest
from exchange.manifest import MANIFEST
from exchange.report import pooled_digest
from tests.browser.audit import audit_site
from tests.browser.chromium import Browser, chromium
from tests.browser.serving import port, served
from tests.browser.site import ORIGIN_PORT, Site
from tests.world.auditors import AUDITOR
from tests.world.bundles import PERIOD
from tests.world.corridor_desk import MONTHS, OWN, bundle_of, corridor_desk
from tests.world.desk import ASKED, figure, hidden, table
from tests.world.desk_server import desk_server

WIDTHS = (1280, 360)
LANGUAGES = ("en", "ru")
UZ_TOTAL = ("IN", "UZ", "_T", "_T", "_T", "_T", "_T")
KG_TOTAL = ("IN", "KG", "_T", "_T", "_T", "_T", "_T")
OTHER = ("OUT", "_T", "_T", "_T", "_T", "_T", "_T")


@dataclass(frozen=True)
class Tour:
    """Screens of one console as one of its people sees them: addresses by names that pictures are called by."""

    site: Site
    person: str
    screens: Mapping[str, str]


@contextmanager
def clearing(browser: Browser) -> Iterator[Tour]:
    """A first release before the officers and, of the same period, a revision that shows what was hidden."""
    with tempfile.TemporaryDirectory() as folder:
        server = desk_server(Path(folder) / "kz")
        server.world.act("bundle", "submit", *ASKED)
        before = server.world.release_earlier(table({UZ_TOTAL: hidden(), KG_TOTAL: figure(1900), OTHER: None}))
        files = server.world.candidate(revision=1, supersedes=before, pooled=pooled_digest([before]))
        server.world.act("bundle", "submit", str(server.world.build(files)))
        screens = {
            "tasks": "/",
            "release": "/releases/1",
            "revision": "/releases/2",
            "release-withheld": "/releases/1?only=withheld",
            "release-printed": "/releases/2?whole=1",
            "release-new": "/releases/new",
            "receipts": "/receipts",
            "contracts": "/contracts",
            "contract": "/contracts/CA-01-BORDER/1.0.0",
            "refused": "/releases/99",
        }
        with served(server.app, port(ORIGIN_PORT)):
            yield Tour(Site(server.passkeys, browser), "Clearer B", screens)


@contextmanager
def at_a_new_desk(browser: Browser, person: str, screens: Mapping[str, str]) -> Iterator[Tour]:
    """A desk at which nothing has happened yet."""
    with tempfile.TemporaryDirectory() as folder:
        server = desk_server(Path(folder) / "kz")
        with served(server.app, port(ORIGIN_PORT)):
            yield Tour(Site(server.passkeys, browser), person, screens)


def founding(browser: Browser) -> AbstractContextManager[Tour]:
    """An officer whose lists are empty."""
    return at_a_new_desk(
        browser, "Clearer A", {"tasks-none": "/", "bundles-none": "/bundles", "corridors-none": "/corridors"}
    )


def operating(browser: Browser) -> AbstractContextManager[Tour]:
    """An administrator, while the gateway does not run."""
    return at_a_new_desk(browser, "Operator A", {"node": "/node", "accounts": "/accounts"})


def agreeing(browser: Browser) -> AbstractContextManager[Tour]:
    """The officer who signs contracts."""
    return at_a_new_desk(
        browser, "Contracts", {"contract-new": "/contracts/new", "contract-to-sign": "/contracts/CA-01-BORDER/1.0.0"}
    )


@contextmanager
def comparing(browser: Browser) -> Iterator[Tour]:
    """KG's analyst: three months of KZ's bundles, pulled, beside KG's own releases."""
    with tempfile.TemporaryDirectory() as folder:
        desk = corridor_desk(Path(folder) / "kg")
        desk.pull(*MONTHS)
        desk.release(OWN)
        pulled = Digest.of(bundle_of(PERIOD)[MANIFEST])
        screens = {
            "bundles": "/bundles",
            "bundle": f"/bundles/{pulled.hex}",
            "corridors": "/corridors",
            "corridors-parts": "/corridors?contract=CA-01-BORDER&period=&parts=1&flag=CHANGED",
            "corridors-no-row": "/corridors?contract=CA-01-BORDER&origin=TJ&destination=TM",
            "corridor": "/corridors/KG/KZ",
            "corridor-nothing": "/corridors/TJ/TM",
        }
        with served(desk.server.app, port(ORIGIN_PORT)):
            yield Tour(Site(desk.server.passkeys, browser), "Preparer", screens)


@contextmanager
def auditing(browser: Browser) -> Iterator[Tour]:
    """IOM, after a bundle was altered at rest."""
    with audit_site(browser, tampered=True) as (site, digest):
        screens = {
            "board": "/",
            "exchanges": "/exchanges",
            "exchanges-none": "/exchanges?puller=KZ&publisher=KZ",
            "findings": "/findings",
            "logs": "/logs",
            "patterns": "/patterns",
            "reports-none": "/reports",
            "timeline": f"/exchanges/{digest}",
        }
        yield Tour(site, AUDITOR, screens)


@contextmanager
def auditing_honest(browser: Browser) -> Iterator[Tour]:
    """IOM, and nothing to find."""
    with audit_site(browser, tampered=False) as (site, digest):
        screens = {"board-honest": "/", "findings-none": "/findings", "timeline-honest": f"/exchanges/{digest}"}
        yield Tour(site, AUDITOR, screens)


TOURS: Mapping[str, Callable[[Browser], AbstractContextManager[Tour]]] = {
    "clearing": clearing,
    "founding": founding,
    "operating": operating,
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
                site.browser.screenshot(folder / f"{name}-{language}-{width}.png")
                fits = "too wide" if site.browser.overflows() else "fits"
                sys.stdout.write(f"{name} {language} {width} {fits}\n")
            (folder / f"{name}-{language}.pdf").write_bytes(site.browser.pdf())
        site.browser.width(WIDTHS[0])


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for begin in TOURS.values():
            with begin(browser) as tour:
                if begin is founding:
                    for language in LANGUAGES:
                        tour.site.open("/sign-in", language=language)
                        browser.screenshot(folder / f"sign-in-{language}.png")
                take(tour, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
