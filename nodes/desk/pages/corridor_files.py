"""The rows of the corridors' page as files: the values of `exchange mirror show --json`, and as CSV safe to open."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

from nodes.desk.mirror_words import comparison_json
from nodes.desk.pages.corridor_views import Line
from nodes.web.pages.files import harmless

_COLUMNS = (
    "period", "origin", "destination", "breakdown", "by_origin", "by_origin_state", "by_destination",
    "by_destination_state", "flag", "index", "signed", "log_ratio", "previous_period", "previous_log_ratio",
    "within_agreed", "expected_log_ratio", "expected_deviation",
)  # fmt: skip


def rows_json(lines: Sequence[Line], *, contract: str, version: str) -> bytes:
    """`{"contract": {id, version}, "rows": [...]}`, the rows as the command gives them."""
    rows = [comparison_json(one.comparison, one.expected) for one in lines]
    document = {"contract": {"id": contract, "version": version}, "rows": rows}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def rows_csv(lines: Sequence[Line]) -> bytes:
    """UTF-8 CSV (RFC 4180) with a header; codes and periods as in the contracts, decimals with a point."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for one in lines:
        found = _flat(one)
        writer.writerow([_cell(found[column]) for column in _COLUMNS])
    return out.getvalue().encode()


def _flat(line: Line) -> Mapping[str, object]:
    comparison, entry, expected = line.comparison, line.entry, line.expected
    previous = comparison.previous or (None, None)
    return {
        "period": entry.period,
        "origin": entry.corridor.origin,
        "destination": entry.corridor.destination,
        "breakdown": " ".join(f"{name}={code.partition('/')[0]}" for name, code in sorted(entry.breakdown)),
        "by_origin": entry.by_origin.value,
        "by_origin_state": entry.by_origin.state.value,
        "by_destination": entry.by_destination.value,
        "by_destination_state": entry.by_destination.state.value,
        "flag": comparison.flag.value,
        "index": comparison.index,
        "signed": comparison.signed,
        "log_ratio": comparison.log_ratio,
        "previous_period": previous[0],
        "previous_log_ratio": previous[1],
        "within_agreed": comparison.within_agreed,
        "expected_log_ratio": None if expected is None else expected.log_ratio,
        "expected_deviation": None if expected is None else expected.deviation,
    }


def _cell(value: object) -> object:
    """A number stays one, also below zero; nothing is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return harmless(value) if isinstance(value, str) else value
