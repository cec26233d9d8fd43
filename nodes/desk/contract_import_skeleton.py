"""Every clause of a contract with what stands in it always, and an example where the parties decide.

The order is that of contracts/README.md and of the closed profile, so a draft reads as our contracts do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exchange.encoding import Json


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in both languages of the program."""

    en: str
    ru: str


@dataclass(frozen=True, slots=True)
class Decide:
    """A term that somebody must have agreed to: it has no default, and the example shows its form only."""

    example: Json


@dataclass(frozen=True, slots=True)
class OnlyIfThere:
    """A clause that a contract may lack; to lack it has a meaning, which whoever reads the draft is told."""

    name: str
    clause: "Skeleton"
    without: Words


Skeleton: TypeAlias = Decide | OnlyIfThere | Mapping[str, "Skeleton"] | Sequence["Skeleton"] | str | float | None

FIXED_COLUMNS = ("TIME_PERIOD", "OBS_VALUE", "OBS_STATUS", "CONF_STATUS")
_CODELIST: Json = {"id": "sex", "sha256": "sha256:<64 hex digits of the file's bytes>", "validFrom": "2026-01-01"}
_PARTIES: Json = [
    {
        "username": "KZ",
        "name": "Kazakhstan",
        "customProperties": [
            {"property": "roles", "value": ["provider", "recipient"]},
            {"property": "sender", "value": "the agency that holds the register"},
        ],
    },
    {"username": "IOM", "name": "IOM", "customProperties": [{"property": "roles", "value": ["auditor"]}]},
]
_TABLE: Json = [
    {
        "id": "citizenship-sex",
        "dimensions": [{"dimension": "CITIZENSHIP", "level": "leaves"}, {"dimension": "SEX", "level": "leaves"}],
    }
]
_MIRROR: Json = {
    "contract": "CA-06-LABOUR-EMIG",
    "major": 1,
    "exactConcept": False,
    "ratioMin": None,
    "ratioMax": None,
    "rule": "which figure of this contract answers to which of the other; or null: there is none",
}


def skeleton(dimensions: int) -> dict[str, Skeleton]:
    """A contract with that many dimensions; with none, an example stands where the first would."""
    columns: list[Skeleton] = [_dimension(position) for position in range(1, dimensions + 1)]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": Decide("CA-05-WORK-PERMITS"),
        "name": Decide("Work permits of foreign workers"),
        "version": Decide("1.0.0"),
        "status": "active",
        "domain": "migration",
        "description": {
            "purpose": Decide("what the figures are for"),
            "usage": Decide("who pulls them, and how they are acknowledged"),
            "limitations": Decide("what a reader must know, such as along which dimension they never sum"),
        },
        "schema": [_subject(columns or [Decide("a column with primaryKey: true, a code list and a total or not")])],
        "team": {"name": "Parties", "members": Decide(_PARTIES)},
        "roles": [_recipient(), {"role": "auditor", "access": "evidence without values"}],
        "slaProperties": _deadlines(),
        "customProperties": _life(),
    }


def _subject(dimensions: list[Skeleton]) -> Skeleton:
    position = len(dimensions) + 1
    return {
        "name": Decide("the id of the contract once more"),
        "logicalType": "object",
        "dataGranularityDescription": Decide("one row per cell and month; a value counts permits"),
        "properties": [*dimensions, *_fixed_columns(position)],
        "customProperties": [
            _keyed("concept", _concept()),
            _keyed("tables", Decide(_TABLE)),
        ],
        "quality": [
            {"type": "custom", "name": "disclosure", "engine": "exchange-sdc", "implementation": _disclosure()}
        ],
    }


def _dimension(position: int) -> Skeleton:
    return {
        "name": Decide("CITIZENSHIP"),
        "businessName": Decide("Citizenship"),
        "logicalType": "string",
        "required": True,
        "primaryKey": True,
        "primaryKeyPosition": position,
        "customProperties": [
            _keyed("codelist", Decide(_CODELIST)),
            _keyed("dimension", Decide({"total": True, "additive": True})),
        ],
    }


def _fixed_columns(position: int) -> list[Skeleton]:
    """The columns that every data.csv ends with."""
    period: Skeleton = {
        "name": "TIME_PERIOD",
        "businessName": Decide("Month"),
        "logicalType": "string",
        "required": True,
        "primaryKey": True,
        "primaryKeyPosition": position,
        "customProperties": [_keyed("dimension", Decide({"total": False, "additive": True}))],
    }
    value: Skeleton = {
        "name": "OBS_VALUE",
        "businessName": Decide("Permits decided"),
        "logicalType": Decide("integer"),
        "required": False,
        "customProperties": [_keyed("measure", Decide({"id": "PERMITS", "unit": "permits", "decimals": 0}))],
    }
    statuses: list[Skeleton] = [
        {
            "name": name,
            "businessName": Decide(label),
            "logicalType": "string",
            "required": True,
            "customProperties": [_keyed("codelist", Decide(_CODELIST))],
        }
        for name, label in (("OBS_STATUS", "Status of the observation"), ("CONF_STATUS", "Confidentiality"))
    ]
    return [period, value, *statuses]


def _concept() -> Skeleton:
    return {
        "definition": Decide("what exactly is counted"),
        "standardTerm": Decide("the term of a statistical standard"),
        "countingUnit": Decide("event, person, permit or amount"),
        "durationRule": Decide("none, or from which stay on somebody counts"),
        "sourceRegister": Decide("the register that the figures come from"),
        "direction": Decide("in, out, both or none"),
        "flowOrStock": Decide("flow, stock or both"),
    }


def _disclosure() -> Skeleton:
    return {
        "method": "suppression",
        "profile": Decide("counts_standard"),
        "contributors": Decide([{"unit": "worker", "definition": "a distinct worker, however many permits"}]),
        "contributorsMin": Decide(5),
        "interval": Decide({"widthAbs": 5, "mustReach": 5, "widthRel": 0}),
        "zeros": Decide("published"),
        "groupDisclosureK": Decide(3),
        "sensitiveDimensions": Decide(["CITIZENSHIP"]),
        "linkageGroup": Decide("ca-05-work-permits"),
    }


def _recipient() -> Skeleton:
    return {
        "role": "recipient",
        "access": "bundles",
        "customProperties": [
            _keyed("permittedPurposes", Decide(["official_statistics"])),
            _keyed("prohibitedPurposes", Decide(["identification_of_persons", "enforcement_against_individuals"])),
            _keyed("onwardSharing", Decide("prohibited")),
            _keyed("publication", Decide(False)),  # noqa: FBT003  # a value of the contract, not a switch
            OnlyIfThere(
                "exclusions",
                _keyed("exclusions", Decide(None)),
                Words("absent: no recipient is kept from any cell", "нет: ни от кого из получателей ничего не скрыто"),
            ),
        ],
    }


def _deadlines() -> list[Skeleton]:
    days = {"latency": 30, "late": 15, "overdue": 45, "delinquent": 90, "embargo": 0, "receipt": 7}
    counted: list[Skeleton] = [{"property": name, "value": Decide(days[name]), "unit": "d"} for name in days]
    return [
        _keyed("frequency", Decide("month")),
        *counted,
        {"property": "retention", "value": Decide(36), "unit": "m"},
    ]


def _life() -> list[Skeleton]:
    return [
        _keyed("titles", Decide({"en": "Work permits", "ru": "Разрешения на работу"})),
        _keyed("effective", Decide("2026-01-01")),
        _keyed("ends", Decide("2029-12-31, or null: until further notice")),
        _keyed("noticeDays", Decide(90)),
        _keyed("approvals", Decide({"officersMin": 2, "roles": ["clearing"], "proofs": ["officer-key"]})),
        _keyed("revisions", Decide({"provisionalAfterDays": 45, "finalAfterMonths": 15})),
        _keyed("mirror", Decide(_MIRROR)),
    ]


def _keyed(name: str, value: Skeleton) -> Skeleton:
    """An entry of the kind by which ODCS holds what it has no key for."""
    return {"property": name, "value": value}
