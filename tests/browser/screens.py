"""Pictures of every screen, English and Russian, wide, narrow, printed: `python -m tests.browser.screens FOLDER`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.report import pooled_digest
from tests.browser.audit import audit_site
from tests.browser.chromium import Browser, chromium
from tests.browser.serving import port, served
from tests.browser.site import ORIGIN_PORT, Site
from tests.world.auditors import AUDITOR
from tests.world.desk import ASKED, figure, hidden, table
from tests.world.desk_server import desk_server

WIDTHS = (1280, 360)
LANGUAGES = ("en", "ru")
UZ_TOTAL = ("IN", "UZ", "_T", "_T", "_T", "_T", "_T")
KG_TOTAL = ("IN", "KG", "_T", "_T", "_T", "_T", "_T")
OTHER = ("OUT", "_T", "_T", "_T", "_T", "_T", "_T")
DESK = {
    "tasks": "/",
    "release": "/releases/1",
    "revision": "/releases/2",
    "release-withheld": "/releases/1?only=withheld",
    "release-printed": "/releases/2?whole=1",
    "contracts": "/contracts",
    "contract": "/contracts/CA-01-BORDER/1.0.0",
    "refused": "/releases/99",
}
AUDIT = {"board": "/", "exchanges": "/exchanges", "findings": "/findings", "logs": "/logs", "patterns": "/patterns"}


@contextmanager
def desk_site(browser: Browser) -> Iterator[Site]:
    """A desk with a first release and, of the same period, a revision that shows what was hidden."""
    with tempfile.TemporaryDirectory() as folder:
        server = desk_server(Path(folder) / "kz")
        server.world.act("bundle", "submit", *ASKED)
        before = server.world.release_earlier(table({UZ_TOTAL: hidden(), KG_TOTAL: figure(1900), OTHER: None}))
        files = server.world.candidate(revision=1, supersedes=before, pooled=pooled_digest([before]))
        server.world.act("bundle", "submit", str(server.world.build(files)))
        with served(server.app, port(ORIGIN_PORT)):
            yield Site(server.passkeys, browser)


def take(site: Site, screens: dict[str, str], folder: Path, *, person: str) -> None:
    """Each screen of a signed-in person."""
    for language in LANGUAGES:
        site.sign_in(person, language=language)
        for name, path in screens.items():
            for width in WIDTHS:
                site.browser.width(width)
                site.open(path, language=language)
                site.browser.screenshot(folder / f"{name}-{language}-{width}.png")
                fits = "too wide" if site.browser.overflows() else "fits"
                sys.stdout.write(f"{name} {language} {width} {fits}\n")
            if name.endswith("printed"):
                (folder / f"{name}-{language}.pdf").write_bytes(site.browser.pdf())
        site.browser.width(WIDTHS[0])


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        with desk_site(browser) as site:
            for language in LANGUAGES:
                site.open("/sign-in", language=language)
                browser.screenshot(folder / f"sign-in-{language}.png")
            take(site, DESK, folder, person="Clearer A")
        with audit_site(browser, tampered=True) as (site, digest):
            take(site, {**AUDIT, "timeline": f"/exchanges/{digest}"}, folder, person=AUDITOR)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
