"""A corridor diagram: members around a circle, an arrow for each flow. No map, so no border is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import cos, hypot, pi, sin, sqrt

WIDTH = 440
_CENTRE = (WIDTH / 2, 180.0)
_RADII = (135.0, 125.0)
NODE_RADIUS = 22
_BEND = 0.16  # how far an arrow bends aside, so that there and back lie apart
_GAP = 6.0
_HEAD = 11.0
_WIDTH_MIN, _WIDTH_MAX = 1.5, 7.0
_LABEL_GAP = 18
_MARGIN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One corridor.

    Attributes:
        volume: The greater of both reports; None where neither shows a figure.
        kind: A word for how it is drawn, given back with its arrow.
    """

    origin: str
    destination: str
    volume: Decimal | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A member at its place, and where its name stands."""

    member: str
    x: float
    y: float
    label_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A flow as a curve with a head."""

    flow: Flow
    path: str
    head: str
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """Where everything lies."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]

    @property
    def height(self) -> int:
        """Down to the lowest name."""
        return round(max(max(node.y + NODE_RADIUS, node.label_y) for node in self.nodes)) + _MARGIN


def diagram(members: Sequence[str], flows: Sequence[Flow]) -> Diagram:
    """Members from the top, clockwise; a flow's width grows as the root of its volume.

    Args:
        members: All ends of the flows, at least two.
        flows: At most one of a corridor.
    """
    places = {member: _place(index, len(members)) for index, member in enumerate(members)}
    greatest = max((float(flow.volume) for flow in flows if flow.volume is not None), default=0.0)
    return Diagram(
        nodes=tuple(_node(member, place) for member, place in places.items()),
        arrows=tuple(_arrow(flow, places[flow.origin], places[flow.destination], greatest) for flow in flows),
    )


def _place(index: int, count: int) -> tuple[float, float]:
    angle = 2 * pi * index / count - pi / 2
    return _CENTRE[0] + _RADII[0] * cos(angle), _CENTRE[1] + _RADII[1] * sin(angle)


def _node(member: str, place: tuple[float, float]) -> Node:
    x, y = place
    above = y < _CENTRE[1] - 1
    label = y - NODE_RADIUS - _LABEL_GAP / 2 if above else y + NODE_RADIUS + _LABEL_GAP
    return Node(member=member, x=round(x, 1), y=round(y, 1), label_y=round(label, 1))


def _arrow(flow: Flow, start: tuple[float, float], end: tuple[float, float], greatest: float) -> Arrow:
    dx, dy = end[0] - start[0], end[1] - start[1]
    bend = ((start[0] + end[0]) / 2 - dy * _BEND, (start[1] + end[1]) / 2 + dx * _BEND)
    first = _towards(start, bend, NODE_RADIUS + _GAP / 2)
    tip = _towards(end, bend, NODE_RADIUS + _GAP / 2)
    base = _towards(tip, bend, _HEAD)
    across = ((tip[1] - base[1]) / 2, (base[0] - tip[0]) / 2)
    corners = (tip, (base[0] + across[0], base[1] + across[1]), (base[0] - across[0], base[1] - across[1]))
    return Arrow(
        flow=flow,
        path=f"M{_xy(first)} Q{_xy(bend)} {_xy(base)}",
        head=" ".join(_xy(corner) for corner in corners),
        width=_width(flow, greatest),
    )


def _width(flow: Flow, greatest: float) -> float:
    if flow.volume is None or not greatest:
        return _WIDTH_MIN
    return round(_WIDTH_MIN + (_WIDTH_MAX - _WIDTH_MIN) * sqrt(float(flow.volume) / greatest), 1)


def _towards(one: tuple[float, float], other: tuple[float, float], length: float) -> tuple[float, float]:
    far = hypot(other[0] - one[0], other[1] - one[1])
    return one[0] + (other[0] - one[0]) * length / far, one[1] + (other[1] - one[1]) * length / far


def _xy(place: tuple[float, float]) -> str:
    return f"{place[0]:.1f},{place[1]:.1f}"
