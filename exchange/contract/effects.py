"""What a change of each field of a contract does: the table that `diff` reads, one row for every field of the profile.

`*` stands for an item of a list: a column, a table, a party, a code, a purpose. A field without a row is a loosening.
What no program can judge, the meaning of a figure or the words of a permission, is a loosening too.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeAlias

from exchange.encoding import Json


class Effect(StrEnum):
    """What a change does to what the parties are protected by."""

    TIGHTENING = "tightening"
    NEUTRAL = "neutral"
    LOOSENING = "loosening"


class Absent:
    """Stands for a value that one version lacks."""


ABSENT = Absent()

Value: TypeAlias = "Json | Absent"
Rule: TypeAlias = Callable[["Value", "Value"], Effect]
Pattern: TypeAlias = tuple[str, ...]


def effect_of(pattern: Pattern, before: Value, after: Value) -> Effect:
    """What the change of the field at this pattern does."""
    rule = EFFECTS.get(pattern)
    return Effect.LOOSENING if rule is None else rule(before, after)


def _neutral(_: Value, __: Value) -> Effect:
    return Effect.NEUTRAL


def _loosens(_: Value, __: Value) -> Effect:
    return Effect.LOOSENING


def _rank_of(value: Value, *, absent: float) -> float | str:
    """A number or a day as something to compare; no value counts as `absent`."""
    if isinstance(value, Absent) or value is None:
        return absent
    return value if isinstance(value, int | float | str) else absent


def _higher_tightens(before: Value, after: Value) -> Effect:
    old, new = _rank_of(before, absent=float("-inf")), _rank_of(after, absent=float("-inf"))
    return Effect.TIGHTENING if _less(old, new) else Effect.LOOSENING


def _lower_tightens(before: Value, after: Value) -> Effect:
    old, new = _rank_of(before, absent=float("inf")), _rank_of(after, absent=float("inf"))
    return Effect.TIGHTENING if _less(new, old) else Effect.LOOSENING


def _less(low: float | str, high: float | str) -> bool:
    """Numbers and days each by their own order; against a day, no day at all is the number −∞ or +∞."""
    if isinstance(low, str) and isinstance(high, str):
        return low < high
    if isinstance(low, str):
        return high == float("inf")
    if isinstance(high, str):
        return low == float("-inf")
    return low < high


def _added_loosens(before: Value, _: Value) -> Effect:
    return Effect.LOOSENING if isinstance(before, Absent) else Effect.TIGHTENING


def _added_tightens(before: Value, _: Value) -> Effect:
    return Effect.TIGHTENING if isinstance(before, Absent) else Effect.LOOSENING


def _from_tight_to_loose(*order: Json) -> Rule:
    def rule(before: Value, after: Value) -> Effect:
        if isinstance(before, Absent) or isinstance(after, Absent) or before not in order or after not in order:
            return Effect.LOOSENING
        return Effect.TIGHTENING if order.index(after) < order.index(before) else Effect.LOOSENING

    return rule


def _party(before: Value, after: Value) -> Effect:
    """A party more sees or sends more; a party less is less, unless it was the one that looked after the others."""
    gone = isinstance(after, Absent) and "auditor" not in str(before)
    return Effect.TIGHTENING if gone else Effect.LOOSENING


_CODELIST: Mapping[str, Rule] = {"id": _loosens, "sha256": _loosens, "validFrom": _neutral, "validTo": _neutral}
_COLUMN: Mapping[str, Rule] = {
    "name": _neutral,
    "businessName": _neutral,
    "logicalType": _neutral,
    "required": _neutral,
    "primaryKey": _neutral,
    "primaryKeyPosition": _neutral,
}
_DISCLOSURE: Mapping[Pattern, Rule] = {
    ("method",): _loosens,
    ("profile",): _loosens,
    ("contributors", "*"): _added_tightens,
    ("contributors", "*", "unit"): _loosens,
    ("contributors", "*", "definition"): _loosens,
    ("contributorsMin",): _higher_tightens,
    ("interval", "widthAbs"): _higher_tightens,
    ("interval", "mustReach"): _higher_tightens,
    ("interval", "widthRel"): _higher_tightens,
    ("zeros",): _from_tight_to_loose("sensitive", "published"),
    ("groupDisclosureK",): _higher_tightens,
    ("sensitiveDimensions", "*"): _added_tightens,
    ("linkageGroup",): _loosens,
}
_TABLES: Mapping[Pattern, Rule] = {
    ("*",): _added_loosens,
    ("*", "id"): _loosens,
    ("*", "dimensions", "*"): _added_loosens,
    ("*", "dimensions", "*", "dimension"): _loosens,
    ("*", "dimensions", "*", "level"): _from_tight_to_loose("codes", "leaves"),
    ("*", "dimensions", "*", "codes"): _added_tightens,
    ("*", "dimensions", "*", "codes", "*"): _added_loosens,
    ("*", "dimensions", "*", "residual"): _loosens,
    ("*", "dominance"): _added_tightens,
    ("*", "dominance", "profile"): _neutral,
    ("*", "dominance", "contributor"): _loosens,
    ("*", "dominance", "largest"): _higher_tightens,
    ("*", "dominance", "kPercentMax"): _lower_tightens,
    ("*", "dominance", "pPercentMin"): _higher_tightens,
    ("*", "dominance", "contributorsMin"): _higher_tightens,
    ("*", "dominance", "widthRelMin"): _higher_tightens,
}
_SLA: Mapping[str, Rule] = {
    "frequency": _loosens,
    "latency": _lower_tightens,
    "late": _lower_tightens,
    "overdue": _lower_tightens,
    "delinquent": _lower_tightens,
    "embargo": _higher_tightens,
    "receipt": _lower_tightens,
    "retention": _lower_tightens,
}
LANGUAGES = ("en", "ru", "kk", "ky", "tg", "tk", "uz")
"""The languages a contract's title may have."""

_COLUMNS = ("schema", "*", "properties", "*")
_SUBJECT = ("schema", "*", "customProperties")
_RECIPIENT = ("roles", "*", "customProperties")
_MEMBER = ("team", "members", "*")
_TERMS = ("customProperties",)


def _value(around: Pattern, name: str, *inside: str) -> Pattern:
    """The place of a custom property's value."""
    return (*around, name, "value", *inside)


EFFECTS: Mapping[Pattern, Rule] = {
    ("apiVersion",): _neutral,
    ("kind",): _neutral,
    ("id",): _loosens,
    ("name",): _neutral,
    ("version",): _neutral,  # judged by the step that the other changes ask for
    ("status",): _neutral,
    ("domain",): _neutral,
    ("description", "purpose"): _loosens,
    ("description", "usage"): _loosens,
    ("description", "limitations"): _loosens,
    ("schema", "*", "name"): _neutral,
    ("schema", "*", "logicalType"): _neutral,
    ("schema", "*", "dataGranularityDescription"): _neutral,
    _COLUMNS: _added_loosens,
    **{(*_COLUMNS, name): rule for name, rule in _COLUMN.items()},
    **{_value((*_COLUMNS, "customProperties"), "codelist", name): rule for name, rule in _CODELIST.items()},
    _value((*_COLUMNS, "customProperties"), "dimension", "total"): _loosens,
    _value((*_COLUMNS, "customProperties"), "dimension", "additive"): _loosens,
    _value((*_COLUMNS, "customProperties"), "dimension", "scope"): _loosens,
    _value((*_COLUMNS, "customProperties"), "dimension", "codes"): _added_tightens,
    _value((*_COLUMNS, "customProperties"), "dimension", "codes", "*"): _added_loosens,
    _value((*_COLUMNS, "customProperties"), "measure", "id"): _loosens,
    _value((*_COLUMNS, "customProperties"), "measure", "unit"): _loosens,
    _value((*_COLUMNS, "customProperties"), "measure", "decimals"): _lower_tightens,
    **{
        _value(_SUBJECT, "concept", name): _loosens
        for name in (
            "definition",
            "standardTerm",
            "countingUnit",
            "durationRule",
            "sourceRegister",
            "direction",
            "flowOrStock",
        )
    },
    **{_value(_SUBJECT, "tables", *pattern): rule for pattern, rule in _TABLES.items()},
    ("schema", "*", "quality", "*", "type"): _neutral,
    ("schema", "*", "quality", "*", "name"): _neutral,
    ("schema", "*", "quality", "*", "engine"): _neutral,
    **{("schema", "*", "quality", "*", "implementation", *pattern): rule for pattern, rule in _DISCLOSURE.items()},
    ("team", "name"): _neutral,
    _MEMBER: _party,
    (*_MEMBER, "username"): _loosens,
    (*_MEMBER, "name"): _neutral,
    _value((*_MEMBER, "customProperties"), "roles", "*"): _added_loosens,
    (*_MEMBER, "customProperties", "sender"): _neutral,
    _value((*_MEMBER, "customProperties"), "sender"): _neutral,
    ("roles", "*", "role"): _neutral,
    ("roles", "*", "access"): _neutral,
    _value(_RECIPIENT, "permittedPurposes", "*"): _added_loosens,
    _value(_RECIPIENT, "prohibitedPurposes", "*"): _added_tightens,
    _value(_RECIPIENT, "onwardSharing"): _from_tight_to_loose("prohibited", "with_consent"),
    (*_RECIPIENT, "exclusions"): _added_tightens,
    _value(_RECIPIENT, "exclusions", "*"): _added_tightens,
    _value(_RECIPIENT, "exclusions", "*", "dimension"): _loosens,
    _value(_RECIPIENT, "exclusions", "*", "code"): _loosens,
    _value(_RECIPIENT, "exclusions", "*", "reason"): _neutral,
    _value(_RECIPIENT, "publication"): _from_tight_to_loose(False, True),  # noqa: FBT003  # the two values themselves
    **{_value(("slaProperties",), name): rule for name, rule in _SLA.items()},
    **{("slaProperties", name, "unit"): _neutral for name in _SLA if name != "frequency"},
    **{_value(_TERMS, "titles", language): _neutral for language in LANGUAGES},
    _value(_TERMS, "effective"): _higher_tightens,
    _value(_TERMS, "ends"): _lower_tightens,
    _value(_TERMS, "noticeDays"): _higher_tightens,
    _value(_TERMS, "approvals", "officersMin"): _higher_tightens,
    _value(_TERMS, "approvals", "roles", "*"): _added_loosens,
    _value(_TERMS, "approvals", "proofs", "*"): _added_loosens,
    _value(_TERMS, "revisions", "provisionalAfterDays"): _lower_tightens,
    _value(_TERMS, "revisions", "finalAfterMonths"): _lower_tightens,
    _value(_TERMS, "mirror"): _added_tightens,
    _value(_TERMS, "mirror", "contract"): _loosens,
    _value(_TERMS, "mirror", "major"): _loosens,
    _value(_TERMS, "mirror", "exactConcept"): _from_tight_to_loose(True, False),  # noqa: FBT003  # the two values
    _value(_TERMS, "mirror", "ratioMin"): _neutral,
    _value(_TERMS, "mirror", "ratioMax"): _neutral,
    _value(_TERMS, "mirror", "rule"): _neutral,
}
"""By pattern of a field, what its change does."""
