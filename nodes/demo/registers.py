"""The registers behind the demo: synthetic ones for the five, and GB's real one where the Home Office's table is.

Every synthetic file says SYNTHETIC in its name, and so does the title of every bundle made from it (its mapping).
They are written the way registers are: Cyrillic column names, national spellings, three kinds of file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TypeAlias

import duckdb
import numpy as np

from exchange.codes import parse_period
from nodes.demo import synthetic
from nodes.demo.figures import read_figures

Drawn: TypeAlias = synthetic.Crossings | synthetic.Permits | synthetic.Removals
MAPPINGS = Path(__file__).with_name("mappings")
SEED = 20260922
BORDER, PERMITS, REMOVALS = 120_000, 50_000, 30_000
FIVE = ("KZ", "KG", "TJ", "TM", "UZ")

HOW_TO_OBTAIN = {
    "en": "GB runs a synthetic register: the Home Office's table is not at hand. It is public (Immigration system "
    "statistics, detailed data tables: returns; Open Government Licence v3.0). Download it, save it as Parquet or CSV "
    "with the columns year, quarter, nationality, return_type_group, age, sex, number_of_returns, and name that file "
    "in the environment variable EXCHANGE_UK_RETURNS; the mapping nodes/demo/mappings/uk-returns.toml imports it.",
    "ru": "GB работает на синтетическом регистре: таблицы Home Office под рукой нет. Она открыта (Immigration system "
    "statistics, detailed data tables: returns; Open Government Licence v3.0). Скачайте её, сохраните как Parquet или "
    "CSV со столбцами year, quarter, nationality, return_type_group, age, sex, number_of_returns и укажите файл в "
    "переменной окружения EXCHANGE_UK_RETURNS; загружает её сопоставление nodes/demo/mappings/uk-returns.toml.",
}
"""What the demo says where GB's real register is absent."""

_ISO3 = {
    "KZ": "KAZ", "KG": "KGZ", "TJ": "TJK", "TM": "TKM", "UZ": "UZB", "RU": "RUS", "CN": "CHN", "TR": "TUR", "DE": "DEU",
    "AE": "ARE", "IN": "IND", "AF": "AFG", "IR": "IRN", "PK": "PAK", "KR": "KOR", "AZ": "AZE", "NO": "NOR", "NA": "NAM",
    "UA": "UKR", "US": "USA", "AL": "ALB", "RO": "ROU", "BR": "BRA", "NG": "NGA", "FR": "FRA", "XS": "БГ",
    "XU": "НЕИЗВ",
}  # fmt: skip
_OTHERS = ("RU", "CN", "TR", "UA", "IN", "DE", "AZ", "US", "KR", "XS")
_LAND = {
    "KZ": ("RU", "UZ", "KG", "CN", "TM"),
    "KG": ("KZ", "UZ", "TJ", "CN"),
    "TJ": ("UZ", "KG", "AF", "CN"),
    "TM": ("UZ", "KZ", "IR", "AF"),
    "UZ": ("KZ", "KG", "TJ", "TM", "AF"),
}
_REGIONS = {
    "KZ": ("47", "19", "75", "61", "79", "71", "15", "23", "27", "31", "33", "35", "39", "43", "55", "59", "63", "11",
           "10", "62"),
    "KG": ("C", "GB", "O", "J", "B", "GO", "Y", "T", "N"),
    "TJ": ("SU", "DU", "KT", "RA", "GB"),
    "TM": ("S", "L", "B", "M", "A", "D"),
    "UZ": ("TK", "TO", "SU", "FA", "AN", "SA", "XO", "BU", "QR", "NG", "NW", "QA", "SI", "JI"),
}  # fmt: skip
_ACTIVITIES = tuple("FCGABHIMNT")
_PATENTS = ("F", "G", "T")  # building, trade, households
_OCCUPATIONS = ("OC9", "OC7", "OC8", "OC5", "OC2", "OC1", "OC3", "OC6")
_GROUNDS = ("EXP_ADM", "SELF_DEP", "EXP_COURT", "SHORTEN", "READM", "AVRR")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRegister:
    """One extract that the demo builds a bundle from.

    Attributes:
        contract: The beginning of the contract's id, as a person types it.
        synthetic: False only for the Home Office's table.
    """

    contract: str
    period: str
    file: Path
    mapping: Path
    synthetic: bool


def make_registers(member: str, folder: Path, *, uk_returns: Path | None = None) -> tuple[DemoRegister, ...]:
    """Write a member's registers into its folder; the same bytes of content at every call.

    Args:
        member: One of the five, or GB.
        folder: Where the files go.
        uk_returns: The Home Office's table of counts, .parquet or .csv; read in place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if member == "GB":
        return (_returns(uk_returns, folder) if uk_returns is not None else _removals(member, folder, "2018-Q4"),)
    return (
        _border(member, folder, "2026-09"),
        _permits(member, folder, "2026-09"),
        _removals(member, folder, "2026-Q3"),
    )


def _returns(table: Path, folder: Path) -> DemoRegister:
    """GB's register: each row of the table of counts repeated by its count, so that a row is a person."""
    file = folder / "gb-returns.parquet"
    with duckdb.connect() as connection:
        read = "read_parquet" if table.suffix == ".parquet" else "read_csv"
        connection.execute(
            "COPY (SELECT year || '-Q' || quarter AS quarter, nationality, return_type_group, age, sex "
            f"FROM {read}({_text(table)}), range(CAST(number_of_returns AS BIGINT))) TO {_text(file)} (FORMAT parquet)"
        )
    return DemoRegister(
        contract="CA-07", period="2018-Q4", file=file, mapping=MAPPINGS / "uk-returns.toml", synthetic=False
    )


def _border(member: str, folder: Path, period: str) -> DemoRegister:
    figures = read_figures()
    weights = figures.members[member]
    corridors = figures.weights(weights.corridors)
    arrivals, departures = figures.weight(weights.arrivals), figures.weight(weights.departures)
    others = [code for code in _OTHERS if code != member]
    drawn = synthetic.crossings(
        _rng(member, "border"),
        rows=BORDER,
        corridors=list(corridors.values()),
        arrivals_share=arrivals / (arrivals + departures),
        others=len(others),
        regions=len(_REGIONS[member]),
        land=[code in _LAND[member] for code in corridors],
    )
    columns = {
        "месяц": _pick("earlier", [period, _before(period)]),
        "направление": _pick("direction", ["въезд", "выезд"]),
        "гражданство": f"CASE holder WHEN 0 THEN '{_ISO3[member]}' WHEN 1 THEN {_pick('corridor', _iso3(corridors))} "
        f"ELSE {_pick('holder - 2', _iso3(others))} END",
        "сопредельная страна": _pick("corridor", _iso3(corridors)),
        "область": _pick("region", [f"{member}-{region}" for region in _REGIONS[member]]),
        "транспорт": _pick("mode", ["воздушный", "железнодорожный", "автомобильный"]),
        "пол": _pick("sex", ["м", "ж", ""]),
        "возраст": _pick("age", ["0-13", "14-17", "18-34", "35-64", "65+", ""]),
        "код лица": _pseudonym(member, "traveller"),
    }
    file = folder / f"{member.lower()}-border-SYNTHETIC.parquet"
    _write(drawn, columns, file, "(FORMAT parquet)")
    return _synthetic("CA-01", period, file, "ca-01-border.toml")


def _permits(member: str, folder: Path, period: str) -> DemoRegister:
    figures = read_figures()
    workers = figures.weights(figures.members[member].workers)
    regions = _REGIONS[member]
    drawn = synthetic.permits(
        _rng(member, "permits"),
        rows=PERMITS,
        citizenships=list(workers.values()),
        activities=[section in _PATENTS for section in _ACTIVITIES],
        mining=_ACTIVITIES.index("B"),
        regions=[0.78**place for place in range(len(regions))],
        occupations=len(_OCCUPATIONS),
    )
    columns = {
        "месяц": _pick("earlier", [period, _before(period)]),
        "гражданство": _pick("citizenship", _iso3(workers)),
        "вид разрешения": _pick("kind", ["QUOTA", "EXQUOTA", "SEASON", "FREE", "PATENT", "SELF"]),
        "решение": _pick("decision", ["выдано", "продлено", "отказано", "отозвано"]),
        "область": _pick("region", [f"{member}-{region}" for region in regions]),
        "секция": _pick("activity", _ACTIVITIES),
        "группа занятий": _pick("occupation", _OCCUPATIONS),
        "пол": _pick("sex", ["м", "ж"]),
        "код работника": _pseudonym(member, "worker"),
        "код работодателя": f"CASE WHEN employer >= 0 THEN {_pseudonym(member, 'employer')} END",
    }
    file = folder / f"{member.lower()}-permits-SYNTHETIC.csv"
    _write(drawn, columns, file, "(FORMAT csv, HEADER, DELIMITER ';')")
    return _synthetic("CA-05", period, file, "ca-05-work-permits.toml")


def _removals(member: str, folder: Path, period: str) -> DemoRegister:
    figures = read_figures()
    removed = figures.weights(figures.members[member].removed)
    quarter = parse_period(period)
    drawn = synthetic.removals(
        _rng(member, "removals"),
        rows=REMOVALS,
        citizenships=list(removed.values()),
        grounds=len(_GROUNDS),
        days=(quarter.end - quarter.start).days + 1,
    )
    columns = {
        "дата": f"strftime(DATE '{quarter.start}' + day::INTEGER - earlier::INTEGER * 92, '%Y-%m-%d')",
        "гражданство": _pick("citizenship", _iso3(removed)),
        "основание": _pick("ground", _GROUNDS),
        "пол": _pick("sex", ["м", "ж", ""]),
        "возраст": _pick("age", ["0-17", "18-29", "30-49", "50+", ""]),
        "код лица": _pseudonym(member, "row_number() OVER ()"),
    }
    file = folder / f"{member.lower()}-removals-SYNTHETIC.csv.gz"
    _write(drawn, columns, file, "(FORMAT csv, HEADER, COMPRESSION gzip)")
    return _synthetic("CA-07", period, file, "ca-07-removals.toml")


def _synthetic(contract: str, period: str, file: Path, mapping: str) -> DemoRegister:
    return DemoRegister(contract=contract, period=period, file=file, mapping=MAPPINGS / mapping, synthetic=True)


def _write(drawn: Drawn, columns: Mapping[str, str], file: Path, form: str) -> None:
    """Turn drawn numbers into the register's texts and write them."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("drawn", {f.name: getattr(drawn, f.name) for f in fields(drawn)})
        selected = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
        connection.execute(f"COPY (SELECT {selected} FROM drawn) TO {_text(file)} {form}")


def _rng(member: str, register: str) -> np.random.Generator:
    return np.random.default_rng([SEED, *f"{member}/{register}".encode()])


def _pick(place: str, texts: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    """SQL for the text at a place of a list; an empty text is an empty field."""
    listed = ", ".join(_text(text) for text in texts)
    return f"nullif([{listed}][({place}) + 1], '')"


def _pseudonym(member: str, number: str) -> str:
    return f"substr(md5('{member}/{number.partition(' ')[0]}/' || ({number})), 1, 12)"


def _iso3(codes: Mapping[str, int] | list[str]) -> list[str]:
    return [_ISO3[code] for code in codes]


def _text(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _before(month: str) -> str:
    first = parse_period(month).start
    earlier = date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)
    return f"{earlier:%Y-%m}"
