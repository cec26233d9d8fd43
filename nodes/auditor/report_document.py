"""An audit report for a person, in English or Russian: made from the signed JSON alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exchange.encoding import Digest
from exchange.errors import Language
from exchange.reconcile.model import UNDECIDED
from nodes.auditor.report import HOLDS, VERDICTS_RU
from nodes.paper import Block, Code, Document, Grid, Heading, Items, Line, Paragraph, Strong

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


def report_document(document: Mapping[str, Any], signed: bytes, language: Language) -> Document:
    """The report as it is printed.

    Args:
        document: The report as parsed.
        signed: Its bytes, whose digest every sheet bears.
        language: Of its words.
    """
    report = _Report(document, language)
    digest = str(Digest.of(signed))
    return Document(
        title=f"{report.word('heading')} {document['at']}",
        language=language,
        foot=digest,
        blocks=tuple(report.blocks(digest)),
    )


class _Report:
    """The sections of the report, in its language."""

    def __init__(self, document: Mapping[str, Any], language: Language) -> None:
        self._document = document
        self._language: Language = language
        self._index = 1 if language == "ru" else 0

    def word(self, name: str) -> str:
        return _WORDS[name][self._index]

    def blocks(self, digest: str) -> Iterator[Block]:
        document, registry = self._document, self._document["registry"]
        yield Paragraph(
            (
                (f"{self.word('by')}: {_text(document['auditor'])}, {self.word('at')} {_text(document['at'])}",),
                (f"{self.word('digest')}: ", Code(digest)),
                (f"{self.word('registry')}: {_text(registry['version'])} ", Code(_text(registry["sha256"]))),
            )
        )
        count = len(document["findings"])
        sentence = self.word("green") if document["green"] else self.word("red").format(count=count)
        yield Paragraph(((Strong(sentence),),))
        yield from self._list("checked", _CHECKED)
        yield Heading(self.word("logs"))
        yield self._logs()
        yield Heading(self.word("findings"))
        yield self._findings()
        yield Heading(self.word("exchanges"))
        yield self._exchanges()
        yield from self._list("unknown", _UNKNOWN)

    def _logs(self) -> Grid:
        return self._grid(
            ("log", "entries", "root", "cosigned", "verdict"),
            [
                (
                    (_text(log["member"]),),
                    (_text(log["size"]),),
                    (self.word("not"),) if log["root"] is None else (Code(_text(log["root"])),),
                    (_text(log["cosigned_at"]),),
                    (self.word("holds" if log["verdict"] == HOLDS else "fails"),),
                )
                for log in self._document["logs"]
            ],
        )

    def _findings(self) -> Block:
        found = self._document["findings"]
        if not found:
            return Paragraph(((self.word("none"),),))
        return Items(tuple(Paragraph(tuple(self._finding(one))) for one in found), numbered=True)

    def _finding(self, found: Mapping[str, Any]) -> Iterator[Line]:
        party = self.word("undecided") if found["party"] == UNDECIDED else _text(found["party"])
        yield Strong(_text(found["code"])), f", {self.word('party')}: {party}"
        yield (_text(found["message"][self._language]),)
        if found["evidence"]:
            yield f"{self.word('proof')}: ", Code(" ".join(_text(one) for one in found["evidence"]))
        if found["entries"]:
            entries = ", ".join(f"{one['member']} {one['index']}" for one in found["entries"])
            yield (f"{self.word('rests')}: {entries}",)

    def _exchanges(self) -> Grid:
        return self._grid(
            ("publisher", "puller", "contract", "pull", "verdict", "fault"),
            [
                (
                    (_text(one["publisher"]),),
                    (_text(one["puller"]),),
                    (f"{_text(one['contract'])} {_text(one['period'])}",),
                    (Code(_text(one["pull"])),),
                    (VERDICTS_RU[one["verdict"]] if self._language == "ru" else _text(one["verdict"]),),
                    (_text(one["fault"]),),
                )
                for one in self._document["exchanges"]
            ],
        )

    def _list(self, heading: str, sentences: Sequence[tuple[str, str]]) -> Iterator[Block]:
        yield Heading(self.word(heading))
        yield Items(tuple(Paragraph(((sentence[self._index],),)) for sentence in sentences))

    def _grid(self, names: Sequence[str], rows: Sequence[tuple[Line, ...]]) -> Grid:
        return Grid(tuple(self.word(name) for name in names), tuple(rows))


def _text(found: object) -> str:
    return "–" if found in {None, ""} else str(found)
