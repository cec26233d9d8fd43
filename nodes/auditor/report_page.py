"""An audit report as one page, in English or Russian: written from the signed JSON alone; no scripts, no links out."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from exchange.encoding import Digest
from exchange.errors import Language
from exchange.reconcile.model import UNDECIDED
from nodes.auditor.report import HOLDS, VERDICTS_RU

_WORDS: Mapping[str, tuple[str, str]] = {
    "heading": ("Audit report", "Отчёт об аудите"),
    "by": ("Auditor", "Аудитор"),
    "at": ("decided at", "решено на момент"),
    "registry": ("registry", "реестр"),
    "green": ("Everything that was checked holds.", "Всё проверенное подтверждено."),
    "red": ("Not everything holds; findings: {count}.", "Подтверждено не всё; замечаний: {count}."),
    "digest": ("digest of the signed document", "дайджест подписанного документа"),
    "checked": ("What was checked", "Что проверено"),
    "logs": ("Logs, and against which checkpoints", "Журналы и контрольные точки"),
    "log": ("log", "журнал"),
    "entries": ("entries", "записей"),
    "root": ("root of the tree", "корень дерева"),
    "cosigned": ("cosigned", "заверен"),
    "verdict": ("verdict", "вердикт"),
    "not": ("not shown", "не показан"),
    "holds": ("holds", "подтверждён"),
    "fails": ("does not hold", "не подтверждён"),
    "exchanges": ("Exchanges", "Обмены"),
    "publisher": ("publisher", "публикатор"),
    "puller": ("puller", "получатель"),
    "contract": ("contract, period", "договор, период"),
    "pull": ("pull", "выдача"),
    "fault": ("at fault", "виновная сторона"),
    "findings": ("Findings", "Замечания"),
    "none": ("None.", "Нет."),
    "party": ("at fault", "виновная сторона"),
    "undecided": ("undecided", "не решено"),
    "proof": ("proof", "доказательство"),
    "rests": ("log entries", "записи журналов"),
    "unknown": ("What cannot be known", "Что узнать нельзя"),
}
_CHECKED = (
    (
        "every log, rebuilt from its entries and held against every checkpoint that anybody ever saw",
        "каждый журнал построен заново и сверен со всеми когда-либо виденными контрольными точками",
    ),
    (
        "every publication, its files but the data: contract in force, two officers, keys, order of revisions",
        "каждая публикация без самих данных: договор, два должностных лица, ключи, порядок редакций",
    ),
    (
        "the pattern of withheld cells, of each bundle and of all together, without a figure",
        "схема скрытия ячеек каждого набора и всех вместе, без единого значения",
    ),
    (
        "both sides of every pull: recipient, time, delivery, receipt, acknowledged withdrawals",
        "обе стороны каждой выдачи: получатель, срок, выдача, квитанция, подтверждение отзыва",
    ),
    ("what was due by the contracts' calendars", "что причиталось по календарям договоров"),
)
_UNKNOWN = (
    (
        "An exchange that both sides hide leaves no trace in any log.",
        "Обмен, который скрывают обе стороны, не оставляет следа ни в одном журнале.",
    ),
    (
        "Whether the figures are true: the auditor sees none, published or withheld.",
        "Верны ли данные: аудитор не видит ни одного значения, ни открытого, ни скрытого.",
    ),
    (
        "What follows from withheld cells being whole and not negative: provider and recipients judge that.",
        "Что следует из целости и неотрицательности скрытых ячеек: об этом судят поставщик и получатели.",
    ),
    (
        "What happened after the checkpoints named here.",
        "Что произошло после названных здесь контрольных точек.",
    ),
)
_STYLE = """
@page { size: A4; margin: 18mm 16mm 20mm; @bottom-right { content: counter(page) " / " counter(pages); } }
body { font: 10pt/1.4 "Noto Sans", "DejaVu Sans", sans-serif; max-width: 60rem; margin: 2rem auto; color: #000; }
h1 { font-size: 17pt; margin: 0 0 .3rem; } h2 { font-size: 12pt; margin: 1.6rem 0 .4rem; break-after: avoid; }
table { border-collapse: collapse; width: 100%; } tr, li { break-inside: avoid; }
thead { display: table-header-group; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; border-bottom: .4pt solid #999; }
code { font: 8pt "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
@media print { body { max-width: none; margin: 0; } }
"""


def report_page(document: Mapping[str, Any], signed: bytes, language: Language) -> bytes:
    """The page in UTF-8: the same bytes for the same document and language.

    Args:
        document: The report as parsed.
        signed: Its bytes, whose digest the page bears.
        language: The page's language.
    """
    return "\n".join(_Page(document, language).lines(Digest.of(signed))).encode("utf-8")


class _Page:
    """The sections of the page, in its language."""

    def __init__(self, document: Mapping[str, Any], language: Language) -> None:
        self._document = document
        self._language: Language = language
        self._index = 1 if language == "ru" else 0

    def lines(self, digest: Digest) -> Iterator[str]:
        document = self._document
        yield f'<!DOCTYPE html>\n<html lang="{self._language}">\n<head>\n<meta charset="utf-8">'
        yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        yield f"<title>{self._word('heading')} {self._text(document['at'])}</title>"
        yield f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{self._word('heading')}</h1>"
        yield f"<p>{self._word('by')}: {self._text(document['auditor'])}, {self._word('at')} "
        yield f"{self._text(document['at'])}<br>{self._word('digest')}: <code>{digest}</code><br>"
        registry = document["registry"]
        yield f"{self._word('registry')}: {self._text(registry['version'])} "
        yield f"<code>{self._text(registry['sha256'])}</code></p>"
        count = len(document["findings"])
        sentence = self._word("green") if document["green"] else self._word("red").format(count=count)
        yield f"<p><strong>{sentence}</strong></p>"
        yield from self._list("checked", _CHECKED)
        yield from self._logs()
        yield from self._findings()
        yield from self._exchanges()
        yield from self._list("unknown", _UNKNOWN)
        yield "</body>\n</html>\n"

    def _logs(self) -> Iterator[str]:
        yield f"<h2>{self._word('logs')}</h2>"
        yield self._head("log", "entries", "root", "cosigned", "verdict")
        for log in self._document["logs"]:
            root = self._word("not") if log["root"] is None else f"<code>{self._text(log['root'])}</code>"
            verdict = self._word("holds" if log["verdict"] == HOLDS else "fails")
            cells = [self._text(log["member"]), self._text(log["size"]), root, self._text(log["cosigned_at"]), verdict]
            yield self._row(cells)
        yield "</tbody></table>"

    def _findings(self) -> Iterator[str]:
        yield f"<h2>{self._word('findings')}</h2>"
        if not self._document["findings"]:
            yield f"<p>{self._word('none')}</p>"
            return
        yield "<ol>"
        for found in self._document["findings"]:
            party = self._word("undecided") if found["party"] == UNDECIDED else self._text(found["party"])
            yield f"<li><strong>{self._text(found['code'])}</strong>, {self._word('party')}: {party}<br>"
            yield self._text(found["message"][self._language])
            if found["evidence"]:
                proof = " ".join(self._text(one) for one in found["evidence"])
                yield f"<br>{self._word('proof')}: <code>{proof}</code>"
            if found["entries"]:
                entries = ", ".join(f"{one['member']} {one['index']}" for one in found["entries"])
                yield f"<br>{self._word('rests')}: {self._text(entries)}"
            yield "</li>"
        yield "</ol>"

    def _exchanges(self) -> Iterator[str]:
        yield f"<h2>{self._word('exchanges')}</h2>"
        yield self._head("publisher", "puller", "contract", "pull", "verdict", "fault")
        for one in self._document["exchanges"]:
            verdict = VERDICTS_RU[one["verdict"]] if self._language == "ru" else one["verdict"]
            cells = [one["publisher"], one["puller"], f"{one['contract']} {one['period']}"]
            pull = f"<code>{self._text(one['pull'])}</code>"
            yield self._row([*map(self._text, cells), pull, self._text(verdict), self._text(one["fault"])])
        yield "</tbody></table>"

    def _list(self, heading: str, sentences: Sequence[tuple[str, str]]) -> Iterator[str]:
        yield f"<h2>{self._word(heading)}</h2>\n<ul>"
        yield from (f"<li>{escape(sentence[self._index])}</li>" for sentence in sentences)
        yield "</ul>"

    def _head(self, *names: str) -> str:
        cells = "".join(f"<th scope=col>{self._word(name)}</th>" for name in names)
        return f"<table><thead><tr>{cells}</tr></thead><tbody>"

    @staticmethod
    def _row(cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"

    def _word(self, name: str) -> str:
        return escape(_WORDS[name][self._index])

    @staticmethod
    def _text(found: object) -> str:
        return "–" if found in {None, ""} else escape(str(found))
