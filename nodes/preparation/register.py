"""A register extract, opened so that this process can read that one file and nothing else.

DuckDB may read exactly the extract and spill to one folder inside the node's; it has no other file, no network, no
extension, and its configuration is locked before the first row is read.
"""

import csv
import gzip
import io
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TextIO

import duckdb

from exchange.errors.preparation import RegisterColumnError, RegisterFormatError, RegisterUnreadableError
from nodes.adapters.plain_files import open_plain
from nodes.preparation.mapping import RegisterMapping
from nodes.settings import PreparationSettings

LINE_BYTES_MAX = 2_000_000
"""Of one line of CSV, as DuckDB's reader has it; a last line beyond 32 MB it leaves out without a word (2.0.0)."""
COLUMNS_MAX = 4096
CHUNK_BYTES = 1024 * 1024
_SPILL = "spill-"
_GLOB = "*?[]"


class RegisterFormat(StrEnum):
    """The kinds of file a register is read from, by ending."""

    CSV = ".csv"
    CSV_GZ = ".csv.gz"
    PARQUET = ".parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """An extract that was opened, and how SQL names it.

    Attributes:
        header: The file's columns in its order.
        relation: The FROM clause that reads the file.
    """

    path: Path
    format: RegisterFormat
    header: tuple[str, ...]
    delimiter: str
    relation: str

    def text_of(self, column: str) -> str:
        """SQL for the text of a column; NULL where the field is empty."""
        if self.format is RegisterFormat.PARQUET:
            return f"nullif(cast({identifier(column)} AS VARCHAR), '')"
        return f"c{self.header.index(column)}"


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def database(path: Path, settings: PreparationSettings, *, work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory that may read `path` and nothing else, spill into `work`, and reach no network.

    The spilled pages hold micro-data: their folder is readable for this user only and is removed in the end; those of
    a process that was killed are removed at the next start.
    """
    open_plain(path).close()  # a link in a circle has no path that could be allowed
    _remove_stale(work)
    spill = work / f"{_SPILL}{os.getpid()}"
    spill.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "memory_limit": f"{settings.memory_mb}MB",
            "threads": str(settings.threads),
            "temp_directory": str(spill.resolve()),
            "preserve_insertion_order": "false",
        },
    )
    try:
        connection.execute(f"SET allowed_paths = [{literal(str(path.resolve()))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET enable_progress_bar = false")  # it would print into the command's own output
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def open_register(connection: duckdb.DuckDBPyConnection, path: Path, mapping: RegisterMapping) -> Register:
    """Read the header and make sure that every column of the mapping is there once.

    Raises:
        RegisterFormatError: Neither .csv, .csv.gz nor .parquet.
        RegisterUnreadableError: The file is not what its name says.
        RegisterColumnError: A mapped column is absent, or there twice.
        OSError: The file cannot be opened.
    """
    kind = next((kind for kind in reversed(RegisterFormat) if path.name.lower().endswith(kind)), None)
    if kind is None:
        raise RegisterFormatError(file=path.name)
    if any(character in _GLOB for character in str(path.resolve())):
        raise RegisterUnreadableError(file=path.name, format=kind, reason=f"its path holds one of {_GLOB}")
    with open_plain(path):
        """A missing or unreadable file is the operating system's error, not DuckDB's."""
    if kind is RegisterFormat.PARQUET:
        relation = f"read_parquet({literal(str(path.resolve()))}, hive_partitioning = false, file_row_number = true)"
        header = _parquet_header(connection, relation, path)
    else:
        _require_lines(path, kind)
        header = _csv_header(path, kind, mapping.delimiter)
        relation = _csv_relation(path, kind, header, mapping.delimiter)
    for column in mapping.columns():
        if (times := header.count(column)) != 1:
            raise RegisterColumnError(file=path.name, column=column, times=times, found=", ".join(header)[:500])
    return Register(path=path, format=kind, header=header, delimiter=mapping.delimiter, relation=relation)


@contextmanager
def csv_text(path: Path, kind: RegisterFormat) -> Iterator[TextIO]:
    """The CSV as text with its line ends; bytes that are not UTF-8 come as lone surrogates, to be refused by row."""
    with _plain(path, kind) as plain:
        yield io.TextIOWrapper(plain, encoding="utf-8-sig", errors="surrogateescape", newline="")


@contextmanager
def _plain(path: Path, kind: RegisterFormat) -> Iterator[BinaryIO]:
    with ExitStack() as stack:
        raw = stack.enter_context(open_plain(path))
        yield stack.enter_context(gzip.open(raw)) if kind is RegisterFormat.CSV_GZ else raw  # type: ignore[misc]  # a GzipFile reads as one


def _require_lines(path: Path, kind: RegisterFormat) -> None:
    """Read the file once: it unpacks to its end, and each line is within its limit.

    Raises:
        RegisterUnreadableError: The compressed data do not hold, or a line is too long.
    """
    since_end = 0
    try:
        with _plain(path, kind) as plain:
            while since_end <= LINE_BYTES_MAX and (chunk := plain.read(CHUNK_BYTES)):
                end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
                since_end = since_end + len(chunk) if end < 0 else len(chunk) - 1 - end
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        reason = "the compressed data end early or are altered"
        raise RegisterUnreadableError(file=path.name, format=kind, reason=reason) from error
    if since_end > LINE_BYTES_MAX:
        reason = f"a line of more than {LINE_BYTES_MAX} bytes"
        raise RegisterUnreadableError(file=path.name, format=kind, reason=reason)


def _csv_header(path: Path, kind: RegisterFormat, delimiter: str) -> tuple[str, ...]:
    try:
        with csv_text(path, kind) as text:
            header = tuple(next(csv.reader(text, delimiter=delimiter, strict=True), ()))
    except csv.Error as error:
        raise RegisterUnreadableError(file=path.name, format=kind, reason=type(error).__name__) from error
    if not header or any("\udc80" <= character <= "\udcff" for name in header for character in name):
        raise RegisterUnreadableError(file=path.name, format=kind, reason="no header line in UTF-8")
    if len(header) > COLUMNS_MAX:
        raise RegisterUnreadableError(file=path.name, format=kind, reason=f"more than {COLUMNS_MAX} columns")
    return header


def _csv_relation(path: Path, kind: RegisterFormat, header: tuple[str, ...], delimiter: str) -> str:
    # Everything is said, nothing is sniffed: a sniffer that reads one extract two ways would build two statistics.
    columns = ", ".join(f"c{number}: 'VARCHAR'" for number in range(len(header)))
    compression = "gzip" if kind is RegisterFormat.CSV_GZ else "none"
    return (
        f"read_csv({literal(str(path.resolve()))}, auto_detect = false, header = true, delim = {literal(delimiter)}, "
        f"quote = '\"', escape = '\"', comment = '', nullstr = '', strict_mode = true, null_padding = false, "
        f"compression = '{compression}', columns = {{{columns}}})"
    )


def _parquet_header(connection: duckdb.DuckDBPyConnection, relation: str, path: Path) -> tuple[str, ...]:
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        raise RegisterUnreadableError(
            file=path.name, format=RegisterFormat.PARQUET, reason=type(error).__name__
        ) from error
    return tuple(str(row[0]) for row in described if row[0] != "file_row_number")


def _remove_stale(work: Path) -> None:
    for folder in work.glob(f"{_SPILL}*"):
        owner = folder.name.removeprefix(_SPILL)
        if owner.isdecimal() and not _is_running(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        return True
    return False
