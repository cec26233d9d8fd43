"""A contract as one page to print: everything from its signed fields, in English or Russian; no scripts, no links out.

The foot of every sheet bears the digest that the parties sign, so that a printed sheet says what it belongs to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import groupby

from exchange.codes import CodeList
from exchange.contract.model import DataContract
from exchange.encoding import format_instant
from exchange.errors import Language
from exchange.flow.agree import Standing
from exchange.sdmx.structures_labels import column_labels
from exchange.statement import Statement, StatementType
from nodes.desk.contract_commands import status_table
from nodes.desk.contract_export_text import yaml_lines
from nodes.desk.contract_words import describe

_WORDS: Mapping[str, tuple[str, str]] = {
    "heading": ("Data contract", "Договор о данных"),
    "version": ("version", "версия"),
    "clauses": ("What is agreed", "О чём договорились"),
    "columns": ("Dimensions", "Измерения"),
    "column": ("column", "столбец"),
    "list": ("code list and the digest it is pinned by", "справочник и закреплённый дайджест"),
    "total": ("total _T", "итог _T"),
    "sums": ("sums", "складывается"),
    "own": ("only the provider's own", "только своей страны"),
    "codes": ("Codes", "Коды"),
    "signatures": ("Signatures", "Подписи"),
    "text": ("What is signed, word by word", "Подписываемый текст, слово в слово"),
    "party": ("party", "сторона"),
    "signed": ("signed", "подписано"),
    "not": ("not signed", "не подписано"),
    "unknown": (
        "not looked up: this page was made without anybody's statements",
        "не сверялись: страница сделана без чьих-либо заявлений",
    ),
    "only": ("only", "только"),
    "at": ("as of", "на момент"),
    "yes": ("yes", "да"),
    "no": ("no", "нет"),
}
_STYLE = """
@page { size: A4; margin: 20mm 18mm 22mm; @bottom-left { content: "@FOOT@"; font: 6.5pt sans-serif; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 7pt sans-serif; } }
body { font: 10pt/1.4 "Noto Serif", "DejaVu Serif", Georgia, serif; max-width: 48rem; margin: 2rem auto; color: #000; }
h1 { font-size: 17pt; line-height: 1.2; margin: 0 0 .3rem; } h2 { font-size: 12pt; margin: 1.6rem 0 .4rem; }
h3 { font-size: 10pt; margin: 1rem 0 .2rem; } h2, h3 { break-after: avoid; }
table { border-collapse: collapse; width: 100%; } tr { break-inside: avoid; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: .4pt solid #999; }
th { font-weight: 600; } tbody th { width: 24%; } thead { display: table-header-group; }
code { font: 8pt "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
p { margin: .3rem 0; } td p:first-child { margin-top: 0; }
ul { columns: 3; column-gap: 1.2rem; margin: .2rem 0; padding: 0; list-style: none;
  font-size: 8pt; }
pre { font: 6.5pt/1.35 "DejaVu Sans Mono", monospace; white-space: pre-wrap; } section { break-inside: avoid; }
li { break-inside: avoid; padding-left: 1em; text-indent: -1em; }
@media print { body { max-width: none; margin: 0; } }
"""


@dataclass(frozen=True, slots=True)
class Signing:
    """Who has signed, and when; where that leaves the contract; as of which moment."""

    signed: dict[str, datetime]
    standing: Standing
    at: datetime

    @classmethod
    def of(cls, contract: DataContract, statements: Iterable[Statement], standing: Standing, at: datetime) -> "Signing":
        """From the statements that somebody holds about a contract."""
        parties = contract.members()
        signed = {s.party: s.at for s in statements if s.type is StatementType.SIGNED and s.party in parties}
        return cls(signed, standing, at)


def contract_page(contract: DataContract, language: Language, signing: Signing | None) -> bytes:
    """The page, in UTF-8; without `signing` the same bytes for the same contract and language."""
    page = _Page(contract, language)
    foot = f"{contract.id} {contract.version} · {contract.digest}"
    parts = [
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(f'{contract.id} {contract.version}')}</title>",
        f"<style>{_STYLE.replace('@FOOT@', foot)}</style>\n</head>\n<body>",
        *page.head(),
        *page.clauses(),
        *page.dimensions(),
        *page.codes(),
        *page.signed_text(),
        *page.signatures(signing),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts).encode("utf-8")


class _Page:
    """The sections of the page, in its language."""

    def __init__(self, contract: DataContract, language: Language) -> None:
        self._contract = contract
        self._language: Language = language
        self._index = 1 if language == "ru" else 0

    def head(self) -> Iterator[str]:
        contract = self._contract
        yield f"<p>{self._word('heading')}</p>"
        yield f"<h1>{escape(contract.title.get(self._language, contract.title['en']))}</h1>"
        yield f"<p>{escape(contract.id)}, {self._word('version')} {escape(contract.version)}<br>"
        yield f"<code>{contract.digest}</code></p>"

    def clauses(self) -> Iterator[str]:
        """Every clause as `contract show` words it; id and digest stand above already."""
        yield f"<h2>{self._word('clauses')}</h2>\n<table><tbody>"
        lines = describe(self._contract, self._language)[2:]
        for about, group in groupby(lines, key=lambda clause: clause.about):
            agreed = "".join(f"<p>{escape(clause.agreed)}</p>" for clause in group)
            yield f"<tr><th scope=row>{escape(about)}</th><td>{agreed}</td></tr>"
        yield "</tbody></table>"

    def dimensions(self) -> Iterator[str]:
        yield f"<h2>{self._word('columns')}</h2>"
        yield self._table_head("column", "list", "total", "sums")
        names = column_labels(self._contract)
        for dimension in self._contract.dimensions:
            name = names[dimension.id].get(self._language, names[dimension.id]["en"])
            pinned = f"{escape(dimension.codelist.id)}<br><code>{dimension.codelist.digest}</code>"
            own = f"<br>{self._word('own')}" if dimension.scope is not None else ""
            if dimension.codes is not None:
                own += f"<br>{self._word('only')} {escape(', '.join(dimension.codes))}"
            sums = dimension.id in self._contract.disclosure.additive_over
            yield (
                f"<tr><th scope=row>{escape(dimension.id)}<br>{escape(name)}</th><td>{pinned}{own}</td>"
                f"<td>{self._yes(dimension.has_total)}</td><td>{self._yes(sums)}</td></tr>"
            )
        yield "</tbody></table>"

    def codes(self) -> Iterator[str]:
        """Every code that a pinned list has, by its name in the page's language, else in English."""
        yield f"<h2>{self._word('codes')}</h2>"
        seen: set[str] = set()
        for dimension in self._contract.dimensions:
            if dimension.codelist.digest.hex not in seen:
                seen.add(dimension.codelist.digest.hex)
                yield f"<h3>{escape(dimension.codelist.id)}</h3>\n<ul>"
                yield from self._listed(dimension.codelist)
                yield "</ul>"

    def signatures(self, signing: Signing | None) -> Iterator[str]:
        yield f"<section>\n<h2>{self._word('signatures')}</h2>\n<p><code>{self._contract.digest}</code></p>"
        if signing is None:
            yield f"<p>{self._word('unknown')}</p>"
        yield self._table_head("party", "signed")
        for member in self._contract.members():
            at = None if signing is None else signing.signed.get(member)
            absent = "" if signing is None else self._word("not")
            yield f"<tr><th scope=row>{escape(member)}</th><td>{format_instant(at) if at else absent}</td></tr>"
        yield "</tbody></table>"
        if signing is not None:
            yield from self._standing(signing)
        yield "</section>"

    def signed_text(self) -> Iterator[str]:
        """All of what the digest is over: the sections above word it, and leave out what no sentence needs."""
        yield f"<h2>{self._word('text')}</h2>\n<pre>"
        yield escape("\n".join(yaml_lines(self._contract.document)), quote=False)
        yield "</pre>"

    def _standing(self, signing: Signing) -> Iterator[str]:
        """The same line as `contract status` has, and the moment at which it was true."""
        headers, lines = status_table([(self._contract, signing.standing, signing.signed)], self._language)
        told = [f"{header}: {cell}" for header, cell in zip(headers, lines[0], strict=True) if cell not in {"", "-"}]
        yield f"<p>{escape('; '.join(told[2:]))} ({self._word('at')} {format_instant(signing.at)})</p>"

    def _listed(self, codelist: CodeList) -> Iterator[str]:
        for code in codelist.codes:
            name = code.labels.get(self._language, code.labels["en"])
            yield f"<li><code>{escape(code.id)}</code> {escape(name)}</li>"

    def _table_head(self, *words: str) -> str:
        cells = "".join(f"<th scope=col>{self._word(word)}</th>" for word in words)
        return f"<table><thead><tr>{cells}</tr></thead><tbody>"

    def _word(self, name: str) -> str:
        return escape(_WORDS[name][self._index])

    def _yes(self, found: object) -> str:
        return self._word("yes" if found else "no")
