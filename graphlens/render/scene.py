"""A finished picture as plain shapes with coordinates: what every writer writes.

Coordinates are in points, y downward. Colours are words of `theme.PALETTE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle with round corners, but for those that are to be square."""

    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0
    fill: str = "none"
    stroke: str = "none"
    line: float = 1.0
    dash: str = ""
    square_top: bool = False
    square_bottom: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text on its baseline; ``anchor`` is ``'start'``, ``'middle'`` or ``'end'``."""

    x: float
    y: float
    text: str
    size: float
    fill: str = "ink"
    bold: bool = False
    anchor: str = "start"
    italic: bool = False
    halo: str = ""
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """A line through cubic curves: ``points`` is one, then three more for each curve.

    Attributes:
        points: Start, then two control points and an end for each curve.
        stroke: Colour word of the line.
        fill: Colour word of the inside.
        line: Width of the line.
        dash: SVG dash pattern.
        closed: Whether it ends where it began.
    """

    points: tuple[Point, ...]
    stroke: str = "line"
    fill: str = "none"
    line: float = 1.1
    dash: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that belong together, with what is said of them to who points at them.

    Attributes:
        shapes: What is drawn.
        title: Everything, for who points at it.
        role: What it is: ``'box op'``, ``'cluster'``, ``'arrow'`` ...
        link: An address to go to, ``''`` for none.
        name: What a screen reader says, ``''`` for what its texts say.
    """

    shapes: tuple[Shape, ...]
    title: str = ""
    role: str = ""
    link: str = ""
    name: str = ""


Shape = Rect | Text | Path | Group


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str = ""
    description: str = ""


def straight(*points: Point) -> tuple[Point, ...]:
    """The points of a `Path` that goes straight from point to point."""
    found = [points[0]]
    for start, end in pairwise(points):
        found += [start, end, end]
    return tuple(found)


def rounded(points: list[Point], radius: float = 7.0) -> tuple[Point, ...]:
    """The points of a `Path` from point to point with round corners, for lines at right angles."""
    found: list[Point] = [points[0]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _toward(corner, before, radius), _toward(corner, after, radius)
        found += [found[-1], start, start, _blend(start, corner), _blend(end, corner), end]
    found += [found[-1], points[-1], points[-1]]
    return tuple(found)


def _toward(point: Point, other: Point, distance: float) -> Point:
    length = abs(other[0] - point[0]) + abs(other[1] - point[1])
    share = min(0.5, distance / length) if length else 0.0
    return (point[0] + (other[0] - point[0]) * share, point[1] + (other[1] - point[1]) * share)


def _blend(end: Point, corner: Point) -> Point:
    return (end[0] + (corner[0] - end[0]) * 0.55, end[1] + (corner[1] - end[1]) * 0.55)
