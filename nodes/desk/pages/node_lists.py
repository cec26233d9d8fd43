"""The lists of the node's pages: expiries, keys, settings, witnesses in trouble, and the way to each partner."""

from dataclasses import dataclass
from datetime import datetime

from exchange.encoding import format_instant
from exchange.signing.members import MemberKey
from exchange.signing.trust import Trust
from nodes.desk.gateway_answers import PathAnswer, StatusAnswer
from nodes.desk.pages.node_settings import Setting
from nodes.web.pages.lists import Listing

NODE, PARTNERS_PAGE = "/node", "/node/partners"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """Until when a part of the registry holds."""

    part: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A witness that does not cosign this log now, and the code of why."""

    name: str
    trouble: str


EXPIRIES: Listing[Expiry] = Listing(
    name="expiries",
    page=NODE,
    parameter="expiries",
    columns={"part": lambda one: one.part, "until": lambda one: format_instant(one.at)},
    filters=("part",),
)
KEYS: Listing[MemberKey] = Listing(
    name="keys",
    page=NODE,
    parameter="keys",
    columns={
        "purpose": lambda one: one.purpose.value,
        "officer": lambda one: one.officer,
        "key": lambda one: one.key.kid,
        "from": lambda one: format_instant(one.valid_from),
        "until": lambda one: None if one.ends_at is None else format_instant(one.ends_at),
    },
    filters=("purpose", "officer"),
)
SETTINGS: Listing[Setting] = Listing(
    name="settings",
    page=NODE,
    parameter="settings",
    columns={
        "setting": lambda one: one.name,
        "value": lambda one: one.value,
        "from": lambda one: one.origin,
    },
    filters=("from",),
)
WITNESSES: Listing[Witness] = Listing(
    name="witnesses",
    page=NODE,
    parameter="witnesses",
    columns={"witness": lambda one: one.name, "trouble": lambda one: one.trouble},
    filters=("trouble",),
)
PARTNERS: Listing[PathAnswer] = Listing(
    name="partners",
    page=PARTNERS_PAGE,
    columns={
        "member": lambda one: one.member,
        "issuer": lambda one: one.issuer,
        "state": lambda one: "works" if one.problem is None else "fails",
        "problem": lambda one: None if one.problem is None else one.problem.code,
        "milliseconds": lambda one: one.milliseconds,
        "witness_trouble": lambda one: one.witness_trouble,
        "was_here_at": lambda one: one.was_here_at,
    },
    filters=("member", "state"),
)


def expiries(trust: Trust) -> list[Expiry]:
    """Of every part, the soonest first."""
    ends = sorted(trust.ends.items(), key=lambda one: (one[1], one[0]))
    return [Expiry(part=part, at=at) for part, at in ends]


def keys(trust: Trust, member: str) -> list[MemberKey]:
    """This member's keys in the registry, by purpose."""
    found = trust.members.get(member)
    return sorted(() if found is None else found.keys, key=_order)


def witnesses(status: StatusAnswer | None) -> list[Witness]:
    """Those in trouble, as the gateway tells."""
    troubles = {} if status is None else status.witnesses
    return [Witness(name=name, trouble=trouble) for name, trouble in sorted(troubles.items())]


def _order(key: MemberKey) -> tuple[str, str, str]:
    return key.purpose.value, key.officer or "", key.key.kid
