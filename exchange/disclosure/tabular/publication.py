"""What is published of an instance: the dimensions and `published`, which is empty (or `x`) where withheld."""

import csv
import io
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from exchange.disclosure.arrays import Integers, Mask
from exchange.disclosure.tabular.model import Instance
from exchange.disclosure.tabular.rows import CellRows, read_rows, shown
from exchange.errors.tabular import CellMissingError, PublicationContradictsError

PUBLISHED = "published"
WITHHELD = ("", "x")
"""How a withheld figure is written; we write the first."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One place per cell of the instance.

    Attributes:
        known: Which figures are published.
        figures: Them, in the instance's unit; 0 where withheld.
    """

    known: Mask
    figures: Integers


def parse_publication(raw: bytes, instance: Instance, *, file: str) -> Publication:
    """Read a publication of this instance.

    Raises:
        TableFieldError: No such CSV, a text that is no number, a row of no cell.
        UnknownCellCodeError: A code of no hierarchy.
        CellTwiceError: A cell twice.
        CellMissingError: A cell of the instance without a row.
        PublicationContradictsError: A figure that is not the instance's; so published figures agree with each other.
    """
    rows = read_rows(raw, instance.structure, file=file, required=(PUBLISHED,))
    rows.require_known()
    texts = rows.columns[PUBLISHED]
    withheld = np.array([text in WITHHELD for text in texts], dtype=np.bool_)
    shown_only = CellRows(
        file, rows.keys, rows.lines, {PUBLISHED: tuple("" if text in WITHHELD else text for text in texts)}, None
    )
    numbers = shown_only.numbers(PUBLISHED)
    places = _places(instance, rows)
    truth = instance.cells.values[places]
    wrong = [
        line
        for number, line, figure in zip(numbers, rows.lines, truth.tolist(), strict=True)
        if number is not None and number.scaleb(instance.decimals) != figure
    ]
    if wrong:
        key = rows.keys[rows.lines.index(wrong[0])]
        raise PublicationContradictsError(file=file, line=wrong[0], cell=shown(key), count=len(wrong))
    known = np.zeros(instance.size, dtype=np.bool_)
    known[places] = ~withheld
    return Publication(known, np.where(known, instance.cells.values, 0))


def format_publication(instance: Instance, publication: Publication) -> bytes:
    """The rows of the instance in its order, LF, withheld figures empty."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(dimension.name for dimension in instance.structure.dims), PUBLISHED])
    texts = _texts(instance, publication)
    writer.writerows([*key, text] for key, text in zip(instance.cells.keys, texts, strict=True))
    return out.getvalue().encode("utf-8")


def figure_text(units: int, decimals: int) -> str:
    """The shortest decimal of a figure."""
    text = f"{Decimal(units).scaleb(-decimals):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _texts(instance: Instance, publication: Publication) -> list[str]:
    return [
        figure_text(figure, instance.decimals) if known else WITHHELD[0]
        for figure, known in zip(publication.figures.tolist(), publication.known.tolist(), strict=True)
    ]


def _places(instance: Instance, rows: CellRows) -> Integers:
    number = {key: place for place, key in enumerate(instance.cells.keys)}
    places = []
    for key, line in zip(rows.keys, rows.lines, strict=True):
        if key not in number:
            raise rows.refused(line, "(row)", "a cell that the instance has", f"{shown(key)}, which is empty there")
        places.append(number[key])
    missing = number.keys() - set(rows.keys)
    if missing:
        first = min(missing, key=lambda key: number[key])
        raise CellMissingError(file=rows.file, cell=shown(first), reason="which the instance has", count=len(missing))
    return np.array(places, dtype=np.int64)
