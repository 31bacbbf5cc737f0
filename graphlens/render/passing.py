"""Which lines of a picture pass through a rectangle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphlens.render.part import Frame, Line
from graphlens.render.scene import Point

MANY = 2000
"""Lines from which on titles of clusters and labels do not look for a place between them."""
_STEPS = 12
_STRIDE = 4.0
"""Points from one place where a long line is looked at to the next: less than a label is high."""
_CELL = 120.0
"""Points from one line of the grid to the next."""

Curve = tuple[Point, ...]


class Curves:
    """The curves of some lines by the cells of a grid, so that few are looked at for a place."""

    def __init__(self, lines: Sequence[Line]) -> None:
        """Of all lines between which something looks for a place."""
        self._cells: dict[tuple[int, int], list[Curve]] = defaultdict(list)
        for line in lines:
            for start in range(0, len(line.points) - 3, 3):
                curve = line.points[start : start + 4]
                for cell in _cells(_around(curve)):
                    self._cells[cell].append(curve)

    def cross(self, room: Frame) -> bool:
        """Whether a line passes through a rectangle."""
        return any(
            passes(curve, room) for cell in _cells(room) for curve in self._cells.get(cell, ())
        )


def passes(curve: Curve, room: Frame) -> bool:
    """Whether a curve passes through a rectangle, looked at in a few places of it."""
    right, bottom = room.x + room.width, room.y + room.height
    left, top, wide, high = _around(curve)
    if left + wide < room.x or left > right or top + high < room.y or top > bottom:
        return False
    xs, ys = zip(*curve, strict=True)
    steps = max(_STEPS, int(max(wide, high) / _STRIDE))
    for step in range(steps + 1):
        t, u = step / steps, 1 - step / steps
        share = (u**3, 3 * u * u * t, 3 * u * t * t, t**3)
        x = sum(part * at for part, at in zip(share, xs, strict=True))
        y = sum(part * at for part, at in zip(share, ys, strict=True))
        if room.x <= x <= right and room.y <= y <= bottom:
            return True
    return False


def _around(curve: Curve) -> Frame:
    """The rectangle around a curve, which is within that around its four points."""
    xs, ys = zip(*curve, strict=True)
    left, top = min(xs), min(ys)
    return Frame(left, top, max(xs) - left, max(ys) - top)


def _cells(room: Frame) -> Iterator[tuple[int, int]]:
    """The cells of the grid that a rectangle reaches into."""
    for column in range(int(room.x // _CELL), int((room.x + room.width) // _CELL) + 1):
        for row in range(int(room.y // _CELL), int((room.y + room.height) // _CELL) + 1):
            yield column, row
