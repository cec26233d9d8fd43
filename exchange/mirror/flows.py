"""Two-sided flows of other sources as a file: what Eurostat's tables of both sides give side by side.

UTF-8 CSV with a header. Read are `year`, `origin`, `destination`, `reported_by_origin`, `reported_by_destination`; an
empty report is none. Other columns are notes for people. A corridor has one row a year.
"""

import re
from dataclasses import dataclass

from exchange.codes import read_rows
from exchange.errors.contract import CodeListError
from exchange.errors.mirror import FlowFieldError
from exchange.mirror.ratio import Pair

COLUMNS = ("year", "origin", "destination", "reported_by_origin", "reported_by_destination")

_YEAR = re.compile(r"[12][0-9]{3}\Z", re.ASCII)
_PLACE = re.compile(r"[A-Z0-9_]{2,16}\Z", re.ASCII)
_COUNT = re.compile(r"[0-9]{0,15}\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A corridor's year; a report that is not there is None."""

    origin: str
    destination: str
    year: int
    by_origin: int | None
    by_destination: int | None

    @property
    def pair(self) -> Pair | None:
        """Both reports, if both are there and above zero."""
        if not self.by_origin or not self.by_destination:
            return None
        return Pair(
            origin=self.origin,
            destination=self.destination,
            year=float(self.year),
            by_origin=float(self.by_origin),
            by_destination=float(self.by_destination),
        )


def parse_flows(raw: bytes, *, file: str) -> tuple[Flow, ...]:
    """Read a file of two-sided flows.

    Raises:
        FlowFieldError: Names the line and the column.
    """
    try:
        (_, header), *rows = read_rows(raw, file)
    except CodeListError as error:
        facts = error.facts
        raise FlowFieldError(
            file=file, line=facts["line"], column="(row)", expected=facts["expected"], found=facts["found"]
        ) from error
    for name in COLUMNS:
        if header.count(name) != 1:
            raise FlowFieldError(file=file, line=1, column=name, expected="one column", found=header.count(name))
    found: dict[tuple[str, str, int], Flow] = {}
    for line, row in rows:
        flow = _flow(dict(zip(header, row, strict=True)), file, line)
        named = (flow.origin, flow.destination, flow.year)
        if named in found:
            raise FlowFieldError(file=file, line=line, column="year", expected="a corridor once a year", found="twice")
        found[named] = flow
    return tuple(found.values())


def _flow(row: dict[str, str], file: str, line: int) -> Flow:
    for column, pattern, expected in (
        ("year", _YEAR, "a year, as 2014"),
        ("origin", _PLACE, "a code of capitals and digits"),
        ("destination", _PLACE, "a code of capitals and digits"),
        ("reported_by_origin", _COUNT, "a whole number from 0, or nothing"),
        ("reported_by_destination", _COUNT, "a whole number from 0, or nothing"),
    ):
        if pattern.match(row[column]) is None:
            raise FlowFieldError(file=file, line=line, column=column, expected=expected, found="another text")
    if row["origin"] == row["destination"]:
        raise FlowFieldError(file=file, line=line, column="destination", expected="another place", found="the origin")
    departures, arrivals = row["reported_by_origin"], row["reported_by_destination"]
    return Flow(
        origin=row["origin"],
        destination=row["destination"],
        year=int(row["year"]),
        by_origin=int(departures) if departures else None,
        by_destination=int(arrivals) if arrivals else None,
    )
