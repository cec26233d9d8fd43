"""A table as a file for people's own tools: named codes, figures as numbers, nothing that a spreadsheet would run.

The file of record is the bundle's `data.csv`; this one is for reading. A withheld cell is empty, flagged, never zero.
"""

import csv
import io

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # it has no stubs

from exchange.contract.model import TOTAL, DataContract
from exchange.table import SafeTable
from nodes.desk.pages.names import TOTAL_LABELS
from nodes.desk.sheet import SheetRow, table_rows
from nodes.web.pages.files import harmless
from nodes.web.pages.locale import Reader

_SHEET = "table"
_SOURCE = "source"


def table_csv(table: SafeTable, contract: DataContract, reader: Reader) -> bytes:
    """UTF-8 with a byte-order mark, by which spreadsheets know it; figures with a point, whatever the language."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_header(contract))
    for row in table_rows(table, contract):
        figure = "" if row.now.figure is None else f"{row.now.figure:f}"
        writer.writerow([*(harmless(text) for text in _keys(row, contract, reader)), figure, row.now.kind.value])
    return out.getvalue().encode("utf-8-sig")


def table_xlsx(table: SafeTable, contract: DataContract, reader: Reader, *, source: str) -> bytes:
    """A workbook with the table and, on a second sheet, which bundle it is from; no formula is in it.

    Args:
        table: Of a bundle.
        contract: Its contract.
        reader: Of the codes' names.
        source: The bundle's digest.
    """
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(out, options) as book:
        sheet = book.add_worksheet(_SHEET)
        for column, title in enumerate(_header(contract)):
            sheet.write_string(0, column, title)
        for line, row in enumerate(table_rows(table, contract), 1):
            keys = _keys(row, contract, reader)
            for column, text in enumerate(keys):
                sheet.write_string(line, column, text)
            if row.now.figure is not None:
                sheet.write_number(line, len(keys), float(row.now.figure))
            sheet.write_string(line, len(keys) + 1, row.now.kind.value)
        sheet.freeze_panes(1, 0)
        about = book.add_worksheet(_SOURCE)
        for line, text in enumerate((source, f"{contract.id} {contract.version}", str(contract.digest), table.period)):
            about.write_string(line, 0, text)
    return out.getvalue()


def _header(contract: DataContract) -> list[str]:
    return [*(dimension.id for dimension in contract.dimensions), "OBS_VALUE", "CELL"]


def _keys(row: SheetRow, contract: DataContract, reader: Reader) -> list[str]:
    return [
        reader.label(TOTAL_LABELS if code == TOTAL else dimension.codelist.code(code).labels)
        for code, dimension in zip(row.key, contract.dimensions, strict=True)
    ]
