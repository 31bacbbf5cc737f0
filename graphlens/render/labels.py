"""Where the shapes stand beside the arrows: clear of boxes, lines, frames' edges and each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from graphlens.render.frame import LEAD
from graphlens.render.layout import Layout
from graphlens.render.metrics import fitted, width
from graphlens.render.part import Frame, Line
from graphlens.render.passing import MANY, Curves
from graphlens.render.room import NOTE, SHAPE
from graphlens.render.scene import Text
from graphlens.view import Cluster

_ASIDE, _BELOW, _HIGH = 5.0, 11.5, 11.0
"""From a line to its label, from its box to the foot of the letters, and how high a label is."""
_LOWER = (0.0, 7.0, 14.0)
"""How much further down a label may stand, tried in turn."""
_ROW = 12.0
_STACK = 6.0
"""How far the frames behind a frame that is repeated look out."""


def labels(placed: Layout, pane: int, x: float, y: float) -> list[Text]:
    """The shapes beside the arrows of a pane, each once; one with no room is in its title only."""
    found: list[Text] = []
    said: set[tuple[str, str]] = set()
    turns = _turns(placed.lines)
    room = _Room(placed)
    for line in placed.lines:
        arrow = line.arrow
        shown = arrow.label and line.leaves and (not arrow.panes or pane in arrow.panes)
        if not shown or _carried(line) in said:
            continue
        for label, frame in _places(line, placed.frames[arrow.tail], turns[_carried(line)]):
            if room.take(frame):
                said.add(_carried(line))
                found.append(replace(label, x=label.x + x, y=label.y + y))
                break
    return found


class _Room:
    """What is free between the boxes and the lines of a picture."""

    def __init__(self, placed: Layout) -> None:
        self._right = placed.width + 20.0
        self._near = Curves(placed.lines if len(placed.lines) < MANY else ())
        self._taken: dict[int, list[Frame]] = defaultdict(list)
        for frame in placed.frames.values():
            self._put(frame)
        for cluster, frame, _ in placed.clusters:
            for edge in _edges(cluster, frame):
                self._put(edge)

    def take(self, frame: Frame) -> bool:
        """Take a rectangle if nothing stands or runs there; whether it did."""
        if frame.x < -4.0 or frame.x + frame.width > self._right:
            return False
        if any(not _apart(frame, other) for row in _rows(frame) for other in self._taken[row]):
            return False
        if self._near.cross(frame):
            return False
        self._put(frame)
        return True

    def _put(self, frame: Frame) -> None:
        for row in _rows(frame):
            self._taken[row].append(frame)


def _edges(cluster: Cluster, frame: Frame) -> Iterator[Frame]:
    """The edges of a cluster's frame as it is drawn, as thin rectangles."""
    x, y, wide, high = frame
    top, high = y + LEAD, high - LEAD
    thick = _STACK if cluster.is_run else 0.0
    yield Frame(x, top, wide, 0.0)
    yield Frame(x, top, 0.0, high)
    yield Frame(x + wide, top, thick, high)
    yield Frame(x, top + high, wide, thick)


def _rows(frame: Frame) -> range:
    """The rows of some points that a rectangle reaches into."""
    return range(int(frame.y // _ROW), int((frame.y + frame.height) // _ROW) + 1)


def _carried(line: Line) -> tuple[str, str]:
    """What a line carries: the box that makes it, and which of its values it is."""
    return line.arrow.tail, line.arrow.value


def _turns(lines: Sequence[Line]) -> dict[tuple[str, str], tuple[float, float]]:
    """How far the lines of each value turn to the left and to the right of where they start."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for line in lines:
        if not line.leaves:
            continue
        start, *others = (x for x, _ in line.points)
        key = _carried(line)
        left, right = found.get(key, (0.0, 0.0))
        found[key] = (
            max(left, *(start - x for x in others)),
            max(right, *(x - start for x in others)),
        )
    return found


def _places(line: Line, box: Frame, turned: tuple[float, float]) -> Iterator[tuple[Text, Frame]]:
    """Where a label may stand, in turn; further down as long as its line runs beside it."""
    for lower in _LOWER:
        if lower and _leans(line, box.y + box.height + _BELOW + lower):
            return
        for right in _sides(*turned):
            yield _label(line, box, right, lower)


def _leans(line: Line, y: float) -> bool:
    """Whether a line is somewhere else at a height than where it starts, or has ended."""
    start, *ends = line.points[::3]
    for x, below in ends:
        if abs(x - start[0]) > _ASIDE:
            return True
        if below >= y:
            return False
    return True


def _sides(left: float, right: float) -> tuple[bool, bool]:
    """Whether a label goes to the right: first the side that its lines do not turn to."""
    first = right <= max(left, 2.0)
    return first, not first


def _apart(one: Frame, other: Frame) -> bool:
    across = one.x + one.width <= other.x or other.x + other.width <= one.x
    return across or one.y + one.height <= other.y or other.y + other.height <= one.y


def _label(line: Line, frame: Frame, right: bool, lower: float) -> tuple[Text, Frame]:
    """A shape beside the arrow where it leaves its box, and the room that it takes."""
    text = fitted(line.arrow.label, NOTE, SHAPE)
    wide = width(text, NOTE)
    left = line.points[0][0] + (_ASIDE if right else -_ASIDE)
    base = frame.y + frame.height + _BELOW + lower
    label = Text(left, base, text, NOTE, "faint", anchor="start" if right else "end", halo="paper")
    return label, Frame(left if right else left - wide, base - _HIGH + 2.0, wide, _HIGH)
