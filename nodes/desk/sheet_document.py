"""What leaves the country, on paper: the sheet that an officer reads, signs and files."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from exchange.encoding import format_instant
from exchange.errors import Language
from exchange.sdmx.structures_labels import column_labels
from exchange.signing.words import digest_words
from nodes.desk.contract_words import describe
from nodes.desk.sheet import CHANGES, CellKind, Sheet, SheetCell, SheetRow
from nodes.paper import Block, Code, Document, Grid, Heading, Line, Paragraph, Piece, Strong, Withheld

_WORDS: Mapping[str, tuple[str, str]] = {
    "contract": ("contract", "договор"),
    "period": ("period", "период"),
    "revision": ("revision", "редакция"),
    "first": ("first release", "первый выпуск"),
    "recipients": ("who may pull it", "кто может получить"),
    "not_before": ("not before", "не ранее"),
    "valid_until": ("the clearance ends", "согласование действует до"),
    "prepared": ("prepared by", "подготовил(а)"),
    "approved": ("approved by", "одобрили"),
    "nobody": ("nobody yet", "пока никто"),
    "bytes": ("The bytes that are signed", "Подписываемые данные"),
    "file": ("file", "файл"),
    "words": ("words to compare aloud", "слова для сверки вслух"),
    "digest": ("digest", "дайджест"),
    "table": ("What leaves the country", "Что покидает страну"),
    "count": ("{cells} cells, {withheld} of them withheld", "ячеек: {cells}, из них скрыто: {withheld}"),
    "value": ("value", "значение"),
    "before": ("before", "было"),
    "now": ("now", "стало"),
    "clauses": ("What was agreed", "О чём договорились"),
    "sign": ("Signature, name, date", "Подпись, фамилия, дата"),
    "none": ("None.", "Нет."),
    "newly_unwithheld": ("Shown now, withheld before", "Теперь открыто, прежде скрыто"),
    "newly_withheld": ("Withheld now, shown before", "Теперь скрыто, прежде открыто"),
    "changed": ("Another figure", "Другое значение"),
    "removed": ("No longer there", "Больше нет"),
    "added": ("New", "Новое"),
    "withheld": ("withheld", "скрыто"),
    "missing": ("no data", "нет данных"),
    "all": ("Total", "Всего"),
}
_RULE = "_" * 60


def sheet_document(sheet: Sheet, language: Language) -> Document:
    """The whole sheet: who, what, for whom, the difference to the last release, and every cell that would leave.

    Args:
        sheet: Of a candidate.
        language: Of the words and of the codes' names.
    """
    return Document(
        title=sheet.candidate.title,
        language=language,
        foot=f"data.csv {sheet.candidate.data}",
        blocks=tuple(_Paper(sheet, language).blocks()),
    )


class _Paper:
    def __init__(self, sheet: Sheet, language: Language) -> None:
        self._sheet, self._language = sheet, language
        self._index = 1 if language == "ru" else 0
        self._dimensions = sheet.contract.dimensions

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(tuple(self._about()))
        yield from self._digests()
        yield from self._changes()
        yield Heading(self._word("table"))
        report = self._sheet.report
        yield Paragraph(((self._word("count").format(cells=report.cells, withheld=len(report.withheld)),),))
        yield self._grid(self._sheet.rows(), against=False)
        yield Heading(self._word("clauses"))
        yield Grid(
            ("", ""),
            tuple(((clause.about,), (clause.agreed,)) for clause in describe(self._sheet.contract, self._language)),
        )
        yield Paragraph((("",), (f"{self._word('sign')}:",), ("",), (_RULE,), ("",), (_RULE,)))

    def _about(self) -> Iterator[Line]:
        candidate, case = self._sheet.candidate, self._sheet.case
        reference = f"{candidate.contract.id} {candidate.contract.version}"
        yield f"{self._word('contract')}: ", Strong(reference), f" ({candidate.provider})"
        revision = self._word("first") if self._sheet.first else f"{self._word('revision')} {candidate.revision}"
        yield (f"{self._word('period')}: {candidate.period}, {revision}",)
        yield f"{self._word('recipients')}: ", Strong(", ".join(candidate.recipients))
        yield (f"{self._word('not_before')}: {format_instant(candidate.not_before)}",)
        if case.valid_until is not None:
            yield (f"{self._word('valid_until')}: {format_instant(case.valid_until)}",)
        yield (f"{self._word('prepared')}: {candidate.prepared_by}",)
        approved = [_approved(approval.officer, approval.at) for approval in case.approvals]
        yield (f"{self._word('approved')}: {', '.join(approved) or self._word('nobody')}",)

    def _digests(self) -> Iterator[Block]:
        candidate = self._sheet.candidate
        found = {"data.csv": candidate.data, "disclosure.json": candidate.disclosure, "labels": candidate.labels}
        yield Heading(self._word("bytes"))
        yield Grid(
            (self._word("file"), self._word("words"), self._word("digest")),
            tuple(((name,), (digest_words(digest),), (Code(str(digest)),)) for name, digest in found.items()),
        )

    def _changes(self) -> Iterator[Block]:
        if self._sheet.first:
            return
        for name in CHANGES:
            rows = self._sheet.changes(name)
            yield Heading(f"{self._word(name)}: {len(rows)}")
            yield self._grid(rows, against=True) if rows else Paragraph(((self._word("none"),),))

    def _grid(self, rows: tuple[SheetRow, ...], *, against: bool) -> Grid:
        names = column_labels(self._sheet.contract)
        heads = [names[one.id].get(self._language, names[one.id]["en"]) for one in self._dimensions]
        figures = ["before", "now"] if against else ["value"]
        width = len(heads)
        return Grid(
            (*heads, *(self._word(name) for name in figures)),
            tuple(self._row(row, against=against) for row in rows),
            figures=frozenset(range(width, width + len(figures))),
        )

    def _row(self, row: SheetRow, *, against: bool) -> tuple[Line, ...]:
        cells: list[Line] = [(self._code(place, code),) for place, code in enumerate(row.key)]
        if against:
            cells.append(("–",) if row.before is None else (self._cell(row.before),))
        return (*cells, (self._cell(row.now),))

    def _cell(self, cell: SheetCell) -> Piece:
        if cell.kind is CellKind.WITHHELD:
            return Withheld(self._word("withheld"))
        return self._word("missing") if cell.figure is None else f"{cell.figure:f}"

    def _code(self, place: int, code: str) -> str:
        known = self._dimensions[place].codelist
        if code not in known:
            return self._word("all")
        labels = known.code(code).labels
        return labels.get(self._language, labels["en"])

    def _word(self, name: str) -> str:
        return _WORDS[name][self._index]


def _approved(officer: str, at: datetime) -> str:
    return f"{officer} {format_instant(at)}"
