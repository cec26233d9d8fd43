"""A page about each refusal: what it says, what causes it, who can mend it and how.

A problem's `type` is the address of its page (RFC 9457 §3.1.1: a relative reference with a full path): `/errors/` and
the code, at every node alike, without a token. The same pages lie under docs/errors/, and `exchange errors CODE`
prints them. Decision 62.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from fastapi import APIRouter
from starlette.responses import Response

from exchange.errors import ExchangeError, ExitCode, Side
from exchange.errors.catalogue import every_leaf
from exchange.errors.web import NoSuchAddressError
from nodes.web.problems import status_of

MEDIA_TYPE = "text/markdown; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Who a side is, and what they do where the error itself names nothing better; English, Russian."""

    who: tuple[str, str]
    mend: tuple[str, str]


_SIDES: Mapping[Side, _Words] = {
    Side.CALLER: _Words(
        who=("whoever sent the request or called the command", "отправивший запрос или вызвавший команду"),
        mend=("correct what the sentence names and try again", "исправьте названное и повторите"),
    ),
    Side.AUTHOR: _Words(
        who=("whoever wrote or signed the document that was read", "автор или подписавший прочитанный документ"),
        mend=("have its author write it again in the form named", "пусть автор составит его заново в названной форме"),
    ),
    Side.NODE: _Words(
        who=("the operator of the node that answers", "оператор отвечающего узла"),
        mend=("its operator looks at exchange health and exchange doctor", "см. exchange health и exchange doctor"),
    ),
    Side.PARTNER: _Words(
        who=("the partner's node, or the way to it", "узел партнёра или путь к нему"),
        mend=("tell the partner, and try again later", "сообщите партнёру и повторите позже"),
    ),
    Side.PROVIDER: _Words(
        who=("the member whose release it is", "участник, чей это выпуск"),
        mend=("the provider corrects it and releases again", "поставщик исправляет и выпускает снова"),
    ),
    Side.PARTIES: _Words(
        who=("the parties of the contract", "стороны договора"),
        mend=("the parties sign, resume or agree on a new version", "стороны подписывают, возобновляют или меняют его"),
    ),
    Side.REGISTRY: _Words(
        who=("those who hold the registry's keys", "держатели ключей реестра"),
        mend=(
            "take the registry from another member; if it stays so, a ceremony",
            "возьмите реестр у другого участника",
        ),
    ),
    Side.LOG: _Words(
        who=("the member whose log, proof or witness it is", "участник, чей это журнал, доказательство или свидетель"),
        mend=("keep the bytes as evidence, tell the member", "сохраните байты как доказательство, сообщите участнику"),
    ),
    Side.PARTY: _Words(
        who=("the party that the finding names", "сторона, названная в выводе"),
        mend=("that party answers; exchange audit evidence holds what proves it", "эта сторона отвечает на вывод"),
    ),
}
_EXITS: Mapping[ExitCode, str] = {
    ExitCode.ERROR: "error",
    ExitCode.USAGE: "usage",
    ExitCode.DOES_NOT_HOLD: "checked and does not hold",
    ExitCode.NOT_AUTHORISED: "not authorised",
    ExitCode.UNREACHABLE: "partner unreachable",
    ExitCode.CONTRACT_REFUSES: "contract refuses",
    ExitCode.DISCLOSURE_BLOCKS: "disclosure blocks",
}


def router() -> APIRouter:
    """`GET /errors/{code}`: the address that a problem's `type` names."""
    routes = APIRouter(tags=["errors"])
    pages = {leaf.code: page(leaf) for leaf in every_leaf()}

    @routes.get("/errors/{code}", response_class=Response, responses={404: {"description": "no such code"}})
    async def error(code: str) -> Response:
        """The page about one code."""
        if code not in pages:
            raise NoSuchAddressError
        return Response(pages[code], media_type=MEDIA_TYPE)

    return routes


def page(leaf: type[ExchangeError]) -> str:
    """The page of one error, in Markdown: both languages, ‹name› for each fact."""
    words = _SIDES[leaf.side]
    return f"""# {leaf.code}

> {_shown(leaf.en)}
>
> {_shown(leaf.ru)}

**Cause.** {cause(leaf)}

**Who can mend it.** {_sentence(words.who[0])} · {_sentence(words.who[1])}

**Mend.** {_sentence(_shown(leaf.mend_en) or words.mend[0])} · {_sentence(_shown(leaf.mend_ru) or words.mend[1])}

**Seen as.** HTTP {status(leaf)} where a node answers with it; exit code {int(leaf.exit_code)} \
({_EXITS[leaf.exit_code]}) of a command.
"""


def index() -> str:
    """The table of all codes, in Markdown."""
    rows = "\n".join(f"| [{leaf.code}]({leaf.code}.md) | {leaf.side} | {_shown(leaf.en)} |" for leaf in every_leaf())
    return f"""# Errors

Every refusal has a code that never changes. A problem's `type` (RFC 9457) is `/errors/CODE`; every node serves the page
there, and `exchange errors CODE` prints it. Written by `exchange errors --pages docs/errors` from the classes in
`exchange/errors/`; ‹name› stands for a fact, which is never a figure, a key or a token.

| code | who can mend it | what it says |
|---|---|---|
{rows}
"""


def cause(leaf: type[ExchangeError]) -> str:
    """What brings the error about: the class's own words."""
    return " ".join(inspect.cleandoc(leaf.__doc__ or "").split("\n\n")[0].split())


def status(leaf: type[ExchangeError]) -> int:
    """The HTTP status that goes with an error."""
    return status_of(leaf(**dict.fromkeys(_facts(leaf.en), ""))).value


def _facts(sentence: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(sentence) if name]


def _shown(sentence: str) -> str:
    """The sentence with ‹name› for each fact; what Markdown would read as a table or a tag is escaped."""
    return sentence.format(**{name: f"‹{name}›" for name in _facts(sentence)}).replace("|", r"\|").replace("<", r"\<")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
