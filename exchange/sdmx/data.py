"""The table as it leaves: `data.csv`, SDMX-CSV 2.1 in exactly one spelling, written and read (DESIGN.md §7).

    STRUCTURE,STRUCTURE_ID,ACTION,<dimensions>,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,RELEASE_SALT

Only a `SafeTable` has a writer. Rows are sorted by key, each key once; an absent key of a listed table is zero.
"""

import base64
import hmac
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from exchange.contract.model import DataContract, Zeros
from exchange.encoding import canonical_json
from exchange.errors.bundle import DataFieldError, DataFormError, DataHeaderError, DataKeyError, DataOrderError
from exchange.manifest import SALT_PATTERN
from exchange.sdmx.structure import MISSING, NORMAL, WITHHELD, ReleaseStructure
from exchange.table import CellKey, Observation, SafeTable

DATA_BYTES_MAX = 32 * 1024 * 1024
SALT_BYTES = 16
REPLACE = "R"
DELETE = "D"
STRUCTURE = "dataflow"

_SALT = re.compile(rf"(?={SALT_PATTERN}\Z).{{25}}[AEIMQUY4]", re.ASCII)
"""128 bits in 26 characters of 5: the last carries three, its two low bits are zero, so each salt has one spelling."""
_WHOLE_DIGITS_MAX = 15  # exact as a double, so any reader's table tool gets the figure that was cleared


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """What data.csv says.

    Attributes:
        table: The rows that replace.
        deleted: Keys of the superseded release that are absent now; to a reader they are absent.
        salt: The constant of the last column.
    """

    table: SafeTable
    deleted: frozenset[CellKey] = field(repr=False)
    salt: str


def write_data(
    safe: SafeTable,
    contract: DataContract,
    *,
    revision: int,
    salt_secret: bytes,
    deleted: Iterable[CellKey] = (),
    recipients: Collection[str] | None = None,
) -> bytes:
    """The bytes of data.csv for a protected table.

    Args:
        safe: The protected table.
        contract: Its contract.
        revision: 0 for the first release.
        salt_secret: The preparation zone's secret: without it, nobody can test a guessed table against the digest.
        deleted: Keys of the superseded release's rows that this one lacks.
        recipients: Who may read it; by default every recipient of the contract but the provider.

    Raises:
        DataError: The table does not fit the contract, or a row's value and status contradict each other.
    """
    readers = sorted(contract.recipients_of(safe.provider) if recipients is None else recipients)
    identity = {
        "type": "release-salt/1",
        "provider": safe.provider,
        "contract": contract.id,
        "period": safe.period,
        "recipients": readers,
        "revision": revision,
    }
    structure = ReleaseStructure(contract, safe.provider)
    gone = frozenset(deleted)
    plain = _lines(DataFile(table=safe, deleted=gone, salt=""), structure)
    unsalted = "\n".join(",".join(line[:-1]) for line in plain).encode("utf-8")
    digest = hmac.digest(salt_secret, canonical_json(identity) + b"\n" + unsalted, "sha256")
    salt = base64.b32encode(digest[:SALT_BYTES]).decode("ascii").rstrip("=")
    raw = _joined(_lines(DataFile(table=safe, deleted=gone, salt=salt), structure))
    parse_data(raw, contract, provider=safe.provider, period=safe.period)  # nothing leaves that a reader would refuse
    return raw


def format_data(data: DataFile, contract: DataContract) -> bytes:
    """The bytes of data.csv that `parse_data` read."""
    return _joined(_lines(data, ReleaseStructure(contract, data.table.provider)))


def read_data(raw: bytes, contract: DataContract, *, provider: str, period: str) -> SafeTable:
    """The table that data.csv publishes; refuses as `parse_data` does."""
    return parse_data(raw, contract, provider=provider, period=period).table


def parse_data(raw: bytes, contract: DataContract, *, provider: str, period: str) -> DataFile:
    """Read data.csv; whatever `format_data` would not write is refused.

    Args:
        raw: The file's bytes.
        contract: The contract it says it is under.
        provider: Who publishes it.
        period: The period of every row.

    Raises:
        DataFormError: Not UTF-8 lines ended by LF, or no row, so that nothing would carry the salt.
        DataHeaderError: Other columns.
        DataFieldError: A field that the contract or the row's status does not allow.
        DataKeyError: A key of no table of the contract.
        DataOrderError: Rows out of order, or a key twice.
    """
    structure = ReleaseStructure(contract, provider)
    lines = _split(raw, structure)
    reader = _RowReader(structure, period=period, zeros=contract.disclosure.zeros, salt=lines[0][-1])
    rows: dict[CellKey, Observation] = {}
    deleted: set[CellKey] = set()
    keys: list[CellKey] = []
    for number, fields in enumerate(lines, start=2):
        key, observation = reader.read(number, fields)
        keys.append(key)
        if observation is None:
            deleted.add(key)
        else:
            rows[key] = observation
    for number, (earlier, later) in enumerate(pairwise(keys), start=3):
        if later <= earlier:
            raise DataOrderError(line=number, key=".".join(later))
    table = SafeTable(provider=provider, contract_id=contract.id, period=period, rows=rows)
    return DataFile(table=table, deleted=frozenset(deleted), salt=lines[0][-1])


def _split(raw: bytes, structure: ReleaseStructure) -> list[list[str]]:
    """The fields of every row after the header."""
    if len(raw) > DATA_BYTES_MAX:
        raise DataFormError(reason=f"larger than {DATA_BYTES_MAX} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataFormError(reason="not UTF-8") from error
    if not text.endswith("\n"):
        raise DataFormError(reason="the last line is not ended by LF")
    header, *rows = text[:-1].split("\n")
    expected = ",".join(structure.columns)
    if header != expected:
        raise DataHeaderError(expected=expected, found=header[:200])
    if not rows:
        raise DataFormError(reason="no row, so nothing carries the release salt")
    split = [row.split(",") for row in rows]
    for number, fields in enumerate(split, start=2):
        if len(fields) != len(structure.columns):
            raise DataFieldError(line=number, column="row", expected=f"{len(structure.columns)} plain fields")
    if _SALT.match(split[0][-1]) is None:
        raise DataFieldError(line=2, column="RELEASE_SALT", expected="base32 of 128 bits: 26 characters A-Z and 2-7")
    return split


class _RowReader:
    """Reads rows of one file; all rows share structure, period and salt."""

    def __init__(self, structure: ReleaseStructure, *, period: str, zeros: Zeros, salt: str) -> None:
        self._structure = structure
        self._zeros_shown = zeros is Zeros.SENSITIVE
        self._constants = {"STRUCTURE": STRUCTURE, "STRUCTURE_ID": structure.structure_id, "TIME_PERIOD": period}
        self._constants["RELEASE_SALT"] = salt
        self._places = {column: place for place, column in enumerate(structure.columns)}
        self._key = slice(3, 3 + len(structure.dimensions))
        self._value = _value_pattern(structure.decimals)

    def read(self, line: int, fields: Sequence[str]) -> tuple[CellKey, Observation | None]:
        """The key and what is published there; None for a deleted key."""
        for column, constant in self._constants.items():
            self._require(line, column, fields, frozenset({constant}))
        key = tuple(fields[self._key])
        if not self._structure.holds(key):
            raise DataKeyError(line=line, key=".".join(key)[:200])
        action = self._require(line, "ACTION", fields, frozenset({REPLACE, DELETE}))
        value, status, confidentiality = fields[-4:-1]
        if action == DELETE:
            for column in ("OBS_VALUE", "OBS_STATUS", "CONF_STATUS"):
                self._require(line, column, fields, frozenset({""}))
            return key, None
        if status in {WITHHELD[0], MISSING[0]}:
            self._require(line, "OBS_VALUE", fields, frozenset({""}))
            fixed = WITHHELD if status == WITHHELD[0] else MISSING
            self._require(line, "CONF_STATUS", fields, frozenset({fixed[1]}))
            return key, Observation(value=None, obs_status=status, conf_status=confidentiality)
        self._require(line, "OBS_STATUS", fields, self._structure.obs_statuses)
        self._require(line, "CONF_STATUS", fields, self._structure.conf_statuses)
        number = self._number(line, value)
        if number == 0 and status == NORMAL and not self._zeros_shown:
            raise DataFieldError(line=line, column="OBS_VALUE", expected="no row where a plain zero is published")
        return key, Observation(value=number, obs_status=status, conf_status=confidentiality)

    def _require(self, line: int, column: str, fields: Sequence[str], allowed: frozenset[str]) -> str:
        found = fields[self._places[column]]
        if found not in allowed:
            expected = " or ".join(sorted(text or "nothing" for text in allowed))
            raise DataFieldError(line=line, column=column, expected=expected)
        return found

    def _number(self, line: int, text: str) -> int:
        if self._value.match(text) is None:
            decimals = self._structure.decimals
            expected = "a plain whole number" if not decimals else f"a plain number with {decimals} decimals"
            raise DataFieldError(line=line, column="OBS_VALUE", expected=expected)
        return int(text.replace(".", ""))


def _value_pattern(decimals: int) -> re.Pattern[str]:
    fraction = rf"\.[0-9]{{{decimals}}}" if decimals else ""
    return re.compile(rf"(0|[1-9][0-9]{{0,{_WHOLE_DIGITS_MAX - decimals - 1}}}){fraction}\Z", re.ASCII)


def _lines(data: DataFile, structure: ReleaseStructure) -> list[list[str]]:
    """Header and rows as fields, the salt last."""
    head = [STRUCTURE, structure.structure_id]
    period = data.table.period
    lines = {key: [*head, DELETE, *key, period, "", "", "", data.salt] for key in data.deleted}
    for key, row in data.table.rows.items():
        value = "" if row.value is None else _number_text(row.value, structure.decimals)
        lines[key] = [*head, REPLACE, *key, period, value, row.obs_status, row.conf_status, data.salt]
    return [list(structure.columns), *(line for _, line in sorted(lines.items()))]


def _number_text(value: int, decimals: int) -> str:
    if not decimals:
        return str(value)
    whole, fraction = divmod(value, 10**decimals)
    return f"{whole}.{fraction:0{decimals}d}"


def _joined(lines: list[list[str]]) -> bytes:
    return "".join(",".join(line) + "\n" for line in lines).encode("utf-8")
