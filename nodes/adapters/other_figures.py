"""Figures of others that a candidate is audited with: the counterparts' side of a mirror, and public statistics.

Mirrors are the bundles that this member pulled: `pulled/<provider>/<contract id>/<period>-r<revision>-<digest>/`, each
verified again. Public statistics are files laid down by hand, `<folder>/<contract id>/<source>.csv`: UTF-8, a column
per dimension of the contract in its order, TIME_PERIOD, OBS_VALUE; `_T` stands for a total.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from exchange.bundle import open_bundle
from exchange.codes import parse_period
from exchange.contract.model import TOTAL, DataContract
from exchange.contract.statistic import within
from exchange.disclosure.pool import Outside, Released
from exchange.errors import ExchangeError
from exchange.errors.preparation import OutsideFigureError
from exchange.pattern import Shape
from exchange.publication import ContractShelf
from exchange.signing.trust import Trust
from nodes.adapters.plain_files import read_plain

TIME, VALUE = "TIME_PERIOD", "OBS_VALUE"
OUTSIDE_BYTES_MAX = 64 * 1024 * 1024
"""A file of public statistics larger than this is refused before it is read."""

_FOLDER = re.compile(r"(?P<period>[0-9Q-]+)-r[0-9]+-[0-9a-f]+\Z", re.ASCII)


def read_mirrors(
    pulled: Path, contract: DataContract, *, member: str, period: str, trust: Trust, shelf: ContractShelf
) -> tuple[Released, ...]:
    """The counterparts' releases of the mirror contract for this period, its parts and what it is a part of.

    Nothing unless the contract names a mirror whose concept is exactly its own.

    Raises:
        ExchangeError: A pulled bundle no longer verifies.
    """
    mirror = contract.mirror
    if mirror is None or not mirror.exact_concept:
        return ()
    found = []
    for folder in sorted(pulled.glob(f"*/{mirror.contract_id}/*")):
        named = _FOLDER.match(folder.name)
        if folder.parent.parent.name == member or named is None or not _near(named["period"], period):
            continue
        files = {file.name: read_plain(file) for file in sorted(folder.iterdir())}
        opened = open_bundle(files, trust=trust, contracts=shelf)
        agreed = opened.publication.contract
        if opened.data is not None and agreed is not None:
            found.append(
                Released(
                    contract=agreed,
                    revision=opened.manifest.revision,
                    table=opened.data.table,
                    recipients=opened.manifest.recipients,
                    bundle=opened.digest,
                    excluded=frozenset(opened.publication.report.excluded),
                )
            )
    return tuple(found)


def read_outside(folder: Path, contract: DataContract, *, period: str) -> tuple[Outside, ...]:
    """The public statistics laid down for this contract, of this period, its parts and what it is a part of.

    Raises:
        OutsideFigureError: Names the file and the line.
    """
    found = []
    for file in sorted((folder / contract.id).glob("*.csv")):
        by_period: dict[str, dict[tuple[str, ...], int]] = {}
        for line, row in _rows(file, contract):
            at = _period(row[-2], file, line)
            if _near(at, period):
                key = tuple(row[:-2])
                if key in by_period.setdefault(at, {}):
                    raise _refusal(file, line, "each cell once", "a second row of it")
                by_period[at][key] = _value(row[-1], contract.decimals, file, line)
        found += [
            Outside(source=f"{file.stem} {at}", contract=contract, period=at, cells=cells)
            for at, cells in sorted(by_period.items())
        ]
    return tuple(found)


def _rows(file: Path, contract: DataContract) -> Iterator[tuple[int, list[str]]]:
    if file.stat().st_size > OUTSIDE_BYTES_MAX:
        raise _refusal(file, 0, f"at most {OUTSIDE_BYTES_MAX} bytes", "more")
    try:
        text = read_plain(file, bytes_max=OUTSIDE_BYTES_MAX).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refusal(file, 0, "UTF-8", "other bytes") from error
    header = [*(dimension.id for dimension in contract.dimensions), TIME, VALUE]
    shape = Shape(contract)
    for line, row in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
        if line == 1:
            if row != header:
                raise _refusal(file, line, ",".join(header), "other columns")
            continue
        if len(row) != len(header):
            raise _refusal(file, line, f"{len(header)} fields", f"{len(row)}")
        for dimension, code in zip(contract.dimensions, row[:-2], strict=True):
            if code not in dimension.codelist and (code != TOTAL or not dimension.has_total):
                raise _refusal(file, line, f"a code of {dimension.id}", "another text")
        if shape.holds(tuple(row[:-2])):
            yield line, row


def _value(text: str, decimals: int, file: Path, line: int) -> int:
    fraction = rf"\.[0-9]{{{decimals}}}" if decimals else ""
    if re.fullmatch(rf"[0-9]{{1,15}}{fraction}", text, re.ASCII) is None:
        raise _refusal(file, line, f"a number with {decimals} decimals", "another text")
    return int(text.replace(".", ""))


def _period(text: str, file: Path, line: int) -> str:
    try:
        return str(parse_period(text))
    except ExchangeError as error:
        raise _refusal(file, line, "a period such as 2026-09, 2026-Q3 or 2026", "another text") from error


def _near(one: str, other: str) -> bool:
    return within(one, other) or within(other, one)


def _refusal(file: Path, line: int, expected: str, found: str) -> OutsideFigureError:
    return OutsideFigureError(file=str(file), line=line, expected=expected, found=found)
