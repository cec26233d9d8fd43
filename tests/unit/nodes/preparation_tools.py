"""Tools of the preparation tests: a mapping from text, and one call from rows to an aggregate."""

from pathlib import Path

from exchange.contract.model import DataContract
from exchange.table import AggregateTable
from nodes.preparation.aggregate import Census
from nodes.preparation.extract import Workshop, aggregate_extract
from nodes.preparation.mapping import RegisterMapping, parse_mapping
from nodes.preparation.rows import BadCell  # noqa: TC001 - an annotation, and the name of what is kept
from nodes.settings import PreparationSettings

BORDER_MAP = """v = 1
contract = "CA-01-BORDER"
[period]
column = "month"
format = "month"
[dimensions]
DIRECTION = { column = "direction" }
CITIZENSHIP = { column = "citizenship" }
BORDER_REGION = { column = "region" }
SEX = { column = "sex", absent = "_U" }
[contributors]
traveller = { column = "traveller" }
[codes.SEX]
"м" = "M"
"ж" = "F"
"""

PERMITS_MAP = """v = 1
contract = "CA-05-WORK-PERMITS"
[period]
column = "day"
format = "date"
[dimensions]
REGION = { column = "region" }
ACTIVITY = { column = "activity" }
[contributors]
worker = { column = "worker" }
employer = { column = "employer", own_row = { column = "type", values = ["PATENT", "SELF"] } }
"""

RETURNS_MAP = """v = 1
contract = "CA-07-EXPULSIONS-BANS"
[period]
column = "quarter"
format = "quarter"
[dimensions]
MEASURE = { constant = "LEFT" }
CITIZENSHIP = { column = "nationality", else = "XU" }
RETURN_TYPE = { column = "type" }
SEX = { column = "sex" }
[contributors]
person = { each_row = true }
[[filter]]
column = "type"
drop = ["refused"]
[codes.CITIZENSHIP]
"Afghanistan" = "AF"
"Namibia" = "NA"
[codes.RETURN_TYPE]
"court" = "EXP_COURT"
"assisted" = "AVRR"
"enforced" = "FORCED"
"""


def mapping(text: str) -> RegisterMapping:
    return parse_mapping(text.encode(), file="MAP.toml")


class Bench:
    """A folder in which registers are aggregated; the bad rows of the last call are kept."""

    def __init__(self, folder: Path, *, settings: PreparationSettings | None = None) -> None:
        self.folder = folder
        self.settings = settings or PreparationSettings(memory_mb=256, threads=2)
        self.bad: list[BadCell] = []
        self.stages: list[tuple[str, float]] = []

    @property
    def report(self) -> Path:
        return self.folder / "bad-rows.csv"

    def file(self, name: str, content: str | bytes) -> Path:
        file = self.folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def aggregate(
        self, file: Path, mapped: str, contract: DataContract, period: str, *, provider: str = "KZ"
    ) -> tuple[AggregateTable, Census]:
        workshop = Workshop(
            settings=self.settings,
            work=self.folder / "work",
            bad_rows=self.report,
            show=self.bad.extend,
            progress=lambda stage, share: self.stages.append((stage, share)),
        )
        return aggregate_extract(file, mapping(mapped), contract, provider=provider, period=period, workshop=workshop)
