"""IOM's console in the browser, over a real federation that was audited; honest, or with a bundle altered at rest."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from starlette.types import ASGIApp

from nodes.auditor.pages.app import auditor_app
from tests.browser.chromium import Browser
from tests.browser.pseudo import PSEUDO, pseudo_locale
from tests.browser.serving import port, served
from tests.browser.site import ORIGIN_PORT, Site
from tests.world.auditors import AUDITOR, audited, auditor_console
from tests.world.desk_server import authenticator
from tests.world.gateways import gateway_world


@contextmanager
def audit_site(browser: Browser, *, tampered: bool) -> Iterator[tuple[Site, str]]:
    """The console, the pseudo-locale in the place of one language, and the digest of KZ's bundle."""
    with tempfile.TemporaryDirectory() as folder:
        app, digest = asyncio.run(_audited(Path(folder), tampered=tampered))
        with served(app, port(ORIGIN_PORT)):
            yield Site({AUDITOR: authenticator(AUDITOR)}, browser), digest


async def _audited(folder: Path, *, tampered: bool) -> tuple[ASGIApp, str]:
    async with gateway_world(folder) as world:
        assert (await world.pull("KG")).status_code == 200
        if tampered:
            (stored,) = world.node("KZ").bundles.glob("*.zip")
            raw = bytearray(stored.read_bytes())
            raw[len(raw) // 2] ^= 1
            stored.write_bytes(raw)
            assert not (await world.pull("TJ")).is_success
        digest = world.gateways["KZ"].context.library.all()[0].bundle
        result = await audited(world)
        assert result.green is not tampered
        context = auditor_console(world)
        languages = {**context.console.languages, PSEUDO: pseudo_locale()}
        return auditor_app(replace(context, console=replace(context.console, languages=languages))), digest.hex
