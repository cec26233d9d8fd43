"""A page from a template, in the reader's language; its policy is the application's (`nodes.web.security.Guard`).

The macros of GOV.UK Frontend are read by an environment of their own: they count on missing parameters being empty,
while in our templates a name that is not there is an error.
"""

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, Environment, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from exchange.encoding import format_instant, parse_instant
from nodes.web.pages.assets import asset_root
from nodes.web.pages.catalogues import LANGUAGES, Catalogue, preferred
from nodes.web.pages.locale import Reader

LANGUAGE_COOKIE = "lang"
COOKIE_AGE_S = 365 * 86400
COMPRESSED_BYTES_MIN = 1024
_WORDS = re.compile(r"\b[a-z]{4,} ")
"""Of a sentence; a hash or a code has none."""
_UNBROKEN = Markup('<span class="console-unbroken">{}</span>')
_COMPONENTS = (
    "button", "details", "error-summary", "generic-header", "input", "inset-text", "notification-banner", "pagination",
    "radios", "select", "service-navigation", "skip-link", "summary-list", "tag", "task-list", "textarea",
    "warning-text",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a zone's navigation; its text is a sentence of the catalogue."""

    address: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages of one zone share.

    Attributes:
        package: The package whose `templates/` holds them.
        name: Of the zone, a sentence of the catalogue.
        member: Whose node it is.
        zone: In which moments are shown beside UTC, by its name in the IANA database.
    """

    package: str
    name: str
    member: str
    zone: str
    navigation: tuple[Entry, ...]


class Pages:
    """Renders the pages of one zone.

    Args:
        site: What they share.
        languages: What they say, by language.
    """

    def __init__(self, site: Site, languages: Mapping[str, Catalogue]) -> None:
        self._site = site
        self._catalogues = languages
        self._environments: dict[str, Environment] = {}

    def page(self, request: Request, template: str, facts: Mapping[str, object], *, status: int = 200) -> Response:
        """A page in the reader's language; never kept by a browser or a proxy, since it may hold figures."""
        asked = request.query_params.get("lang")
        language = preferred(asked, request.cookies.get(LANGUAGE_COOKIE), request.headers.get("Accept-Language", ""))
        environment = self._environments.get(language) or self._environment(language)
        text = environment.get_template(template).render({**self._shared(request, language), **facts})
        answer = _answer(request, text.encode("utf-8"), status)
        if asked == language:
            answer.set_cookie(LANGUAGE_COOKIE, language, max_age=COOKIE_AGE_S, httponly=True, samesite="strict")
        return answer

    def catalogue(self, request: Request) -> Catalogue:
        """The catalogue that this reader's pages are in."""
        asked, remembered = request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)
        return self._catalogues[preferred(asked, remembered, request.headers.get("Accept-Language", ""))]

    def _shared(self, request: Request, language: str) -> Mapping[str, object]:
        return {
            "site": self._site,
            "path": request.url.path,
            "languages": [(code, name, _with_language(request, code)) for code, name in LANGUAGES.items()],
            "catalogue": self._catalogues[language],
        }

    def _environment(self, language: str) -> Environment:
        loaders = {"web": PackageLoader("nodes.web"), "zone": PackageLoader(self._site.package)}
        environment = Environment(
            loader=PrefixLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        catalogue, reader = self._catalogues[language], Reader(language, zone=self._site.zone)
        environment.install_gettext_translations(catalogue.translations, newstyle=True)  # type: ignore[attr-defined]  # by the extension
        environment.globals |= {"asset": _asset, "reader": reader, "language": language, **components()}
        environment.filters |= {
            "number": reader.number,
            "percent": reader.percent,
            "share": reader.share,
            "day": reader.day,
            "instant": reader.instant,
            "moment": lambda text: reader.instant(parse_instant(text, subject="moment")),
            "written": format_instant,
            "period": reader.period,
            "label": lambda labels: _in(reader.language_of(labels), reader.label(labels), page=language),
            "language_of": reader.language_of,
            "member": reader.member,
            "core": lambda text: _in(catalogue.core, text, page=language),
            "told": lambda sentences: told(sentences, catalogue.core, page=language),
            "unbroken": _UNBROKEN.format,
        }
        self._environments[language] = environment
        return environment


@cache
def components() -> Mapping[str, Callable[..., str]]:
    """The macros of GOV.UK Frontend by name: `govukButton({'text': …})`. Parameters named `html` must be Markup."""
    prefix = "govuk_frontend_jinja"
    environment = Environment(
        loader=PrefixLoader({prefix: PackageLoader(prefix)}), autoescape=True, undefined=ChainableUndefined
    )
    found: dict[str, Callable[..., str]] = {}
    for component in _COMPONENTS:
        name = "govuk" + "".join(part.capitalize() for part in component.split("-"))
        module = environment.get_template(f"{prefix}/components/{component}/macro.html").module
        found[name] = getattr(module, name)
    return found


def _in(language: str, text: str, *, page: str) -> str:
    """A text; in another language than the page's it is marked, and a screen reader reads it as what it is."""
    return text if language == page else Markup('<span lang="{}">{}</span>').format(language, text)


def told(sentences: Mapping[str, str], language: str, *, page: str) -> str:
    """A sentence that is kept in English and in Russian; what it quotes of a partner is English in both, and marked."""
    text, english = sentences[language], sentences["en"]
    if text == english:
        return _in("en", text, page=page)
    ends = (found.end() for found in re.finditer(": ", text))
    begin = next((end for end in ends if english.endswith(text[end:]) and _WORDS.search(text, end)), len(text))
    return _in(language, text[:begin] + _in("en", text[begin:], page=language) if text[begin:] else text, page=page)


def _asset(path: str) -> str:
    return f"{asset_root()}/{path}"


def _with_language(request: Request, language: str) -> str:
    """The address of this page in another language; a form that was sent is not sent again by it."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return "?" + urlencode([*kept, ("lang", language)])


def _answer(request: Request, content: bytes, status: int) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Vary": "Accept-Encoding, Accept-Language, Cookie, Sec-Fetch-Site",
    }
    # A page holds figures, the form's token, and words of its address. Whoever opens it from elsewhere with words of
    # their choosing, and sees how long it is on the way, would read the rest from what compresses well (BREACH).
    ours = request.headers.get("Sec-Fetch-Site") in {"same-origin", "none"}
    if ours and len(content) >= COMPRESSED_BYTES_MIN and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        content = gzip.compress(content, compresslevel=6, mtime=0)
    return Response(content, status, headers=headers, media_type="text/html")
