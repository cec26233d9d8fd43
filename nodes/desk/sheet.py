"""What leaves the country, as text: the table exactly as the partner will get it, and the difference to the last."""

from decimal import Decimal

from exchange.bundle.difference import Difference
from exchange.contract.model import DataContract
from exchange.flow.candidate import CandidateFiles
from exchange.sdmx.data import read_data
from exchange.table import CellKey, Observation, SafeTable
from nodes.terminal import Output

ROWS_SHOWN_MAX = 40


def read_table(files: CandidateFiles, contract: DataContract) -> SafeTable:
    """The candidate's table, read as a partner would."""
    candidate = files.candidate
    return read_data(files.data, contract, provider=candidate.provider, period=candidate.period)


def print_table(output: Output, files: CandidateFiles, contract: DataContract) -> None:
    """Every row that would leave."""
    table = read_table(files, contract)
    output.line(files.candidate.title)
    output.table(
        [*_headers(contract), *(("значение", "статус") if output.language == "ru" else ("value", "status"))],
        [
            [*key, shown(row, contract, output), f"{row.obs_status} {row.conf_status}"]
            for key, row in sorted(table.rows.items())
        ],
    )


def print_difference(output: Output, found: Difference, contract: DataContract, *, whole: bool) -> None:
    """Counts, then the first rows of each kind; un-withheld cells first, since they show what was hidden."""

    def shown_before(key: CellKey) -> str:
        return "-" if found.before is None else shown(found.before.rows.get(key), contract, output)

    was, now = ("было", "стало") if output.language == "ru" else ("before", "now")

    for name, english, russian in (
        ("newly_unwithheld", "newly UN-withheld", "впервые ОТКРЫТО"),
        ("newly_withheld", "newly withheld", "впервые скрыто"),
        ("changed", "changed", "изменено"),
        ("removed", "removed", "удалено"),
        ("added", "added", "добавлено"),
    ):
        keys: tuple[CellKey, ...] = getattr(found, name)
        output.say(en=f"{english}: {len(keys)}", ru=f"{russian}: {len(keys)}")
        rows = [[*key, shown_before(key), shown(found.after.rows.get(key), contract, output)] for key in keys]
        if rows:
            output.table([*_headers(contract), was, now], rows if whole else rows[:ROWS_SHOWN_MAX])
        if len(rows) > ROWS_SHOWN_MAX and not whole:
            rest = len(rows) - ROWS_SHOWN_MAX
            output.say(en=f"… and {rest} more (--all shows them)", ru=f"… и ещё {rest} (--all покажет все)")


def shown(row: Observation | None, contract: DataContract, output: Output) -> str:
    """A cell for a person: a figure, a word for what is withheld or missing, 0 for an absent key."""
    if row is None:
        return "0"
    if row.withheld:
        return "скрыто" if output.language == "ru" else "withheld"
    if row.value is None:
        return "нет данных" if output.language == "ru" else "missing"
    return f"{Decimal(row.value).scaleb(-contract.decimals):f}"


def _headers(contract: DataContract) -> list[str]:
    return [dimension.id for dimension in contract.dimensions]
