"""Lanes: the ways of tensors from the bottom of a column, up the gutter, to the top of a later one.

They are nested, so that they cross neither one another nor a column: what leaves a column farthest
to the right turns up first, and runs highest above those that it passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from graphlens.render.columns import GUTTER
from graphlens.render.part import Line, Link, Part
from graphlens.render.scene import Point, rounded

LANE = 7.0
"""Space between lanes."""
_CLEAR = 8.0
"""Space between the columns and the first lane."""
_USUAL = 2
"""Lanes for which there is room at any rate."""


class _Way(NamedTuple):
    """The way of a link, its corners' heights as numbers of lanes.

    Attributes:
        link: What is led.
        start: Where it leaves its column.
        end: Where it enters the other.
        low: The lane below its column, counted downward.
        up: Where it goes up, from the left.
        high: The lane above the columns, counted upward.
    """

    link: Link
    start: Point
    end: Point
    low: int
    up: float
    high: int


class Lanes:
    """The columns of a picture from left to right, and what is led between them.

    Attributes:
        lefts: Where each column begins.
        width: Of the whole.
        above: Room above the columns.
        below: Room below the highest of them.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        """Give every link its lanes."""
        self.parts = parts
        self.lefts: list[float] = []
        self.width = 0.0
        for part in parts:
            self.lefts.append(self.width)
            self.width += part.width
            if part is not parts[-1]:
                self.width += GUTTER + LANE * max(0, len(part.leaving) - 1)
        self.ways = self._stacked([way for index in range(len(parts)) for way in self._up(index)])
        levels = max((way.high + 1 for way in self.ways), default=0)
        lows = max((way.low + 1 for way in self.ways), default=0)
        self.above = _CLEAR + LANE * max(_USUAL, levels) if self.ways else 0.0
        self.below = _CLEAR + LANE * max(_USUAL, lows) if self.ways else 0.0

    def _up(self, index: int) -> list[_Way]:
        """The links that leave a column, each with its lane below it and in the gutter."""
        part, left = self.parts[index], self.lefts[index]
        ordered = sorted(part.leaving, key=lambda item: -part.exit(item[1]))
        if not ordered:
            return []
        gutter = self.lefts[index + 1] - left - part.width
        first = left + part.width + (gutter - LANE * (len(ordered) - 1)) / 2
        ways: list[_Way] = []
        for lane, (point, link) in enumerate(ordered):
            x, y = part.starts[point]
            following = self.parts[link.into]
            end = next(name for name, entering in following.entering if entering is link)
            into, top = following.starts[end]
            start, entry = (x + left, y), (into + self.lefts[link.into], top)
            ways.append(_Way(link, start, entry, lane, first + LANE * lane, 0))
        return ways

    def _stacked(self, ways: Sequence[_Way]) -> list[_Way]:
        """The ways with their lanes above the columns: each above those that it passes over."""
        found: list[_Way] = []
        for way in sorted(ways, key=lambda way: (way.link.into - way.link.column, -way.up)):
            under = [
                other.high for other in found if way.up <= other.end[0] and other.up <= way.end[0]
            ]
            found.append(way._replace(high=max(under, default=-1) + 1))
        return found

    def lines(self) -> list[Line]:
        """What is drawn of them between the columns."""
        return [
            Line(way.link.arrow, rounded(self._corners(way)), None)
            for way in sorted(self.ways, key=lambda way: way.up)
        ]

    def _corners(self, way: _Way) -> list[Point]:
        (x0, y0), (x1, y1) = way.start, way.end
        low = self.parts[way.link.column].height + self.above + _CLEAR + LANE * way.low
        high = self.above - _CLEAR - LANE * way.high
        down, up = (x0, y0 + self.above), (x1, y1 + self.above)
        return [down, (x0, low), (way.up, low), (way.up, high), (x1, high), up]

    def crossings(self) -> int:
        """How many pairs of them cross."""
        corners = [self._corners(way) for way in self.ways]
        return sum(
            _cross(one, other) for index, one in enumerate(corners) for other in corners[:index]
        )


def _cross(one: Sequence[Point], other: Sequence[Point]) -> bool:
    """Whether two ways of upright and level pieces cross."""
    return any(
        _meets(*upright, *level)
        for a, b in ((one, other), (other, one))
        for upright in zip(a[::2], a[1::2], strict=False)
        for level in zip(b[1::2], b[2::2], strict=False)
    )


def _meets(top: Point, bottom: Point, left: Point, right: Point) -> bool:
    """Whether an upright piece passes a level one."""
    (x, _), (_, y) = top, left
    wide, high = sorted((left[0], right[0])), sorted((top[1], bottom[1]))
    return wide[0] < x < wide[1] and high[0] < y < high[1]
