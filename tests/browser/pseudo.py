"""A pseudo-locale in the place of one language: what is not in a catalogue, or does not fit, shows at once."""

import io
import re
from importlib import resources

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from nodes.web.pages.catalogues import Catalogue
from tests.browser.site import Site

PSEUDO = "kk"
"""The language in whose place the pseudo-locale stands."""
BEGUN, ENDED = "⟦", "⟧"
ACCENTS = str.maketrans("aeiouycnszAEIOUYCNSZ", "áéíóúýçñšžÁÉÍÓÚÝÇÑŠŽ")
TEXTS = """
const hidden = one => !one.checkVisibility() || one.closest('.govuk-visually-hidden, .govuk-skip-link, template');
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
while (walker.nextNode()) {
  const one = walker.currentNode, parent = one.parentElement;
  if (!one.data.trim() || hidden(parent)) continue;
  const range = document.createRange();
  range.selectNodeContents(one);
  const { right } = range.getBoundingClientRect(), held = parent.closest('.console-scroll') !== null;
  let box = parent;
  while (!box.clientWidth) box = box.parentElement;
  const beyond = box.scrollWidth > box.clientWidth && right > box.getBoundingClientRect().right;
  const clipped = beyond || (!held && right > innerWidth);
  const code = parent.closest('code, pre, .console-hex, .console-code, [lang]:not(html), .console-person') !== null;
  found.push({ text: one.data.trim(), clipped: clipped && parent.localName !== 'option', code });
}
return found;
"""


def pseudo_locale() -> Catalogue:
    """Every sentence with accents and at least 40 % longer, in brackets: text without them is in no catalogue."""
    raw = resources.files("nodes.web").joinpath("i18n", "ru.po").read_bytes()
    catalogue = Catalog(locale=PSEUDO)
    for message in read_po(io.BytesIO(raw), locale="ru"):
        if message.id:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            said = tuple(_stretched(str(one)) for one in ids)
            catalogue.add(message.id, said if len(said) > 1 else said[0], flags=message.flags)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    count = len(catalogue)
    return Catalogue(language=PSEUDO, translations=Translations(compiled), translated=count, total=count)


def _stretched(text: str) -> str:
    """Vowels twice, then the rest of the length as words; names of facts stay."""
    parts = re.split(r"(%\(\w+\)s)", text)
    long = [part if part.startswith("%(") else re.sub(r"([aeiou])", r"\1\1", part) for part in parts]
    said = "".join(part if part.startswith("%(") else part.translate(ACCENTS) for part in long)
    missing = round(len(text) * 1.4) - len(said)
    return f"{BEGUN}{said}{' ôñé' * -(-missing // 4) if missing > 0 else ''}{ENDED}"


def pseudo_faults(site: Site) -> tuple[list[str], list[str]]:
    """On the page as it is: texts that are clipped, and texts that are in no catalogue."""
    for details in site.all("details summary"):
        details.click()
    texts = site.browser.driver.execute_script(TEXTS)
    assert any(BEGUN in one["text"] for one in texts)
    plain = [one["text"] for one in texts if not one["code"] and BEGUN not in one["text"]]
    return [one["text"] for one in texts if one["clipped"]], plain


def texts_of(site: Site) -> set[str]:
    """Every text of the page as it is."""
    for details in site.all("details summary"):
        details.click()
    return {one["text"] for one in site.browser.driver.execute_script(TEXTS)}
