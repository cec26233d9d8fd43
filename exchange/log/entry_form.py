"""The one spelling of each type of entry: what it is written by, and the expression that matches it and nothing else.

RFC 8785 leaves an entry one spelling: members in one order, nothing to escape, no other way to write a number. A type
then fixes which members are there, so each type has an expression of its own: an entry that it matches needs no further
check but that its date exists.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import product
from typing import Final, NamedTuple

ENTRY_VERSION = 1
CODE_CHARS_MAX = 64


class EntryType(StrEnum):
    """What happened (DESIGN.md §9)."""

    CONTRACT_SIGNED = "contract.signed"
    CONTRACT_ENDED = "contract.ended"
    CONTRACT_SUSPENDED = "contract.suspended"
    CONTRACT_RESUMED = "contract.resumed"
    CLEARANCE_DECIDED = "clearance.decided"
    BUNDLE_PUBLISHED = "bundle.published"
    BUNDLE_SUPERSEDED = "bundle.superseded"
    BUNDLE_WITHDRAWN = "bundle.withdrawn"
    PULL_SERVED = "pull.served"
    PULL_REFUSED = "pull.refused"
    BUNDLE_RECEIVED = "bundle.received"
    BUNDLE_REJECTED = "bundle.rejected"
    RECEIPT_GIVEN = "receipt.given"
    RECEIPT_GOT = "receipt.got"
    RECEIPT_OVERDUE = "receipt.overdue"
    KEY_CHANGED = "key.changed"
    TRUST_UPDATED = "trust.updated"
    AUDIT_OPENED = "audit.opened"
    HEARTBEAT = "heartbeat"


class Shape(NamedTuple):
    """Which of the optional members a type must have, and which it may have."""

    required: frozenset[str]
    permitted: frozenset[str]


def _shape(required: str, permitted: str = "") -> Shape:
    return Shape(frozenset(required.split()), frozenset(permitted.split()))


# `counterpart` of a contract's entry is the party whose statement it is, where that is not the node itself.
_STATEMENT = _shape("contract evidence", "counterpart")
_PULL = "counterpart contract bundle pull evidence"

SHAPES: Final[Mapping[EntryType, Shape]] = {
    EntryType.CONTRACT_SIGNED: _STATEMENT,
    EntryType.CONTRACT_ENDED: _STATEMENT,
    EntryType.CONTRACT_SUSPENDED: _STATEMENT,
    EntryType.CONTRACT_RESUMED: _STATEMENT,
    EntryType.CLEARANCE_DECIDED: _shape("contract evidence", "bundle code"),
    EntryType.BUNDLE_PUBLISHED: _shape("contract bundle evidence"),
    EntryType.BUNDLE_SUPERSEDED: _shape("contract bundle", "evidence"),
    EntryType.BUNDLE_WITHDRAWN: _shape("contract bundle evidence"),
    EntryType.PULL_SERVED: _shape(_PULL),
    EntryType.PULL_REFUSED: _shape("counterpart pull evidence code count", "contract bundle"),
    EntryType.BUNDLE_RECEIVED: _shape(_PULL),
    # An `incomplete` delivery leaves no evidence, and perhaps no contract, since no manifest arrived.
    EntryType.BUNDLE_REJECTED: _shape("counterpart bundle pull code", "contract evidence"),
    EntryType.RECEIPT_GIVEN: _shape(_PULL, "code"),
    EntryType.RECEIPT_GOT: _shape(_PULL, "code"),
    EntryType.RECEIPT_OVERDUE: _shape("counterpart contract bundle pull", "evidence"),
    EntryType.KEY_CHANGED: _shape("evidence", "counterpart code"),
    EntryType.TRUST_UPDATED: _shape("evidence"),
    EntryType.AUDIT_OPENED: _shape("", "counterpart contract bundle evidence code"),
    EntryType.HEARTBEAT: _shape(""),
}

PULLS = frozenset({EntryType.PULL_SERVED, EntryType.PULL_REFUSED})
"""Their evidence is the request, which is what the pull is named after."""
OPTIONAL = ("counterpart", "contract", "bundle", "evidence", "pull", "code", "count")

_SPELLING = (
    ("at", '"%s"'),
    ("bundle", '"sha256:%s"'),
    ("code", '"%s"'),
    ("contract", '"sha256:%s"'),
    ("count", "%s"),
    ("counterpart", '"%s"'),
    ("evidence", '"sha256:%s"'),
    ("node", '"%s"'),
    ("pull", '"sha256:%s"'),
    ("registry", '{"sha256":"sha256:%s","version":%s}'),
    ("salt", '"%s"'),
)
"""The members but `type` and `v`, in the order and form of RFC 8785 (§3.2.2, §3.2.3): ASCII without anything to escape
and small whole numbers leave each one spelling. A test compares with a library."""


def _pattern(entry_type: EntryType, absent: set[str]) -> str:
    """What an entry without these members is written by; an absent one takes its value and writes nothing."""
    written = (
        "%.0s" if name in absent else f'{"" if name == "at" else ","}"{name}":{value}' for name, value in _SPELLING
    )
    return "{" + "".join(written) + f',"type":"{entry_type.value}","v":{ENTRY_VERSION}}}'


def _patterns(entry_type: EntryType, shape: Shape) -> dict[tuple[bool, ...], str]:
    """By which of the optional members are there together, as far as a type allows it."""
    return {
        present: _pattern(entry_type, set(OPTIONAL) - names)
        for present in product((False, True), repeat=len(OPTIONAL))
        if shape.required
        <= (names := {name for name, there in zip(OPTIONAL, present, strict=True) if there})
        <= shape.required | shape.permitted
    }


PATTERNS: Final = {entry_type: _patterns(entry_type, shape) for entry_type, shape in SHAPES.items()}
"""How an entry is written, by type and by which of the optional members are there."""

_HEX = "[0-9a-f]{64}"
_MEMBER = "[A-Z][A-Z0-9]{1,15}"
_WHOLE_NUMBER = "[1-9][0-9]{0,14}"  # one digit fewer than the largest has: so every match is within bounds

_EXPRESSIONS = {
    "at": r'"(?P<at>\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\dZ)"',
    "bundle": rf'"sha256:(?P<bundle>{_HEX})"',
    "code": rf'"(?P<code>(?=[^"]{{1,{CODE_CHARS_MAX}}}")[a-z][a-z0-9]*(?:[-.:][a-z0-9]+)*)"',
    "contract": rf'"sha256:(?P<contract>{_HEX})"',
    "count": rf"(?P<count>{_WHOLE_NUMBER})",
    "counterpart": rf'"(?P<counterpart>{_MEMBER})"',
    "evidence": rf'"sha256:(?P<evidence>{_HEX})"',
    "node": rf'"(?P<node>{_MEMBER})"',
    "pull": rf'"sha256:(?P<pull>{_HEX})"',
    "registry": rf'\{{"sha256":"sha256:(?P<registry>{_HEX})","version":(?P<version>{_WHOLE_NUMBER})\}}',
    "salt": r'"(?P<salt>[A-Za-z0-9_-]{21}[AQgw])"',
}
_SAME_AS_EVIDENCE = '"sha256:(?P<pull>(?P=evidence))"'


def _expression(entry_type: EntryType, shape: Shape) -> re.Pattern[str]:
    """What matches an entry of this type; the groups are those of `_EXPRESSIONS`, in order, for every type."""
    expression = ""
    for name, form in _EXPRESSIONS.items():
        written = f'{"" if name == "at" else ","}"{name}":'
        written += _SAME_AS_EVIDENCE if name == "pull" and entry_type in PULLS else form
        if name in shape.required or name not in OPTIONAL:
            expression += written
        elif name in shape.permitted:
            expression += f"(?:{written})?"
        else:
            expression += f"(?P<{name}>(?!))?"  # never there
    ending = f',"type":"{re.escape(entry_type)}","v":{ENTRY_VERSION}'
    return re.compile(rf"\{{{expression}{ending}\}}\Z", re.ASCII)


_BEFORE_TYPE, _AFTER_TYPE = ',"type":"', f'","v":{ENTRY_VERSION}}}'
_BY_TYPE: Final = {
    entry_type.value: (entry_type, _expression(entry_type, shape).match) for entry_type, shape in SHAPES.items()
}


def match_entry(raw: bytes) -> tuple[EntryType, re.Match[str]] | None:
    """The type and the members of bytes that are an entry if their date exists, as groups in the order of their names.

    Returns:
        None where something is wrong, or a number has sixteen digits: then a slower reader decides, and says what.
    """
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        return None
    start = text.rfind(_BEFORE_TYPE) + len(_BEFORE_TYPE)
    found = _BY_TYPE.get(text[start : -len(_AFTER_TYPE)])
    if found is None:
        return None
    entry_type, match = found
    matched = match(text)
    return None if matched is None else (entry_type, matched)
