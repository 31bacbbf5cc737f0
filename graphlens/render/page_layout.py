"""Where everything stands inside each scope of a page, whatever is open or closed around it.

Each scope is laid out once, with what is inside it closed: in rows, an item standing in one row,
a wire going from row to row. Opening an item makes its row higher and its column wider, and moves
the others apart without changing their order, so that the places in every combination of open and
closed scopes follow from these by sums: the page adds up, and lays out nothing. A wire keeps to
the gaps between rows and to its own column within them, so that it meets no box in any of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphlens.render.engine import lay_out
from graphlens.render.measure import Size, measured
from graphlens.render.scene import Point
from graphlens.view import Box, Face, Row, Tag
from graphlens.view.page_data import Item, Page, Scope
from graphlens.view.words import count, many

_EVEN = 1.3
_BATCH = 400
"""Scopes that are laid out by one call of the engine."""


class Track(NamedTuple):
    """The way of a wire.

    Attributes:
        start: Where it leaves its tail, from that one's middle.
        end: Where it meets its head, from that one's middle.
        between: Where it passes each row between those of its ends.
    """

    start: int
    end: int
    between: tuple[int, ...]


class Inside(NamedTuple):
    """The inside of a scope, its items closed.

    Attributes:
        rows: How many rows there are.
        width: Of all.
        places: Row and middle of each item.
        top: Where each port at the top is.
        bottom: Where each port at the bottom is.
        tracks: The way of each wire by its ends.
    """

    rows: int
    width: int
    places: tuple[tuple[int, int], ...]
    top: tuple[int, ...]
    bottom: tuple[int, ...]
    tracks: Mapping[tuple[int, int], Track]


def face(page: Page, item: Item) -> Face:
    """How an item looks, closed."""
    if item.scope >= 0:
        return scope_face(page.scopes[item.scope])
    entries = [page.entries[index] for index in item.entries]
    return Face(tuple(row for entry in entries for row in entry.rows), entries[0].kind)


def scope_face(scope: Scope) -> Face:
    """How a scope looks, closed."""
    head = Row(scope.label, "", count(scope.params) if scope.params else "", "module")
    said = Row("", many(scope.ops, "operation"), style="summary")
    return Face((head, said, Row("", strip=scope.strip, style="module")), "module")


def sizes(page: Page, scope: Scope) -> list[Size]:
    """The size of each item of a scope, closed; nearly equal widths are made equal."""
    found = [
        measured(Box("", (face(page, item),), tags=tuple(Tag(name) for name in item.tags)))
        for item in scope.items
    ]
    widest = max((size.width for size in found), default=0.0)
    return [
        size._replace(width=widest) if _evens(page, item) and widest <= _EVEN * size.width else size
        for item, size in zip(scope.items, found, strict=True)
    ]


def _evens(page: Page, item: Item) -> bool:
    return item.scope >= 0 or page.entries[item.entries[0]].kind not in ("input", "output")


def insides(page: Page, held: Sequence[Sequence[Size]]) -> list[Inside]:
    """The inside of every scope, of whose items the sizes are given; equal ones are laid out once.

    Raises:
        RenderError: If no engine could do it.
    """
    texts = [_source(scope, of_items) for scope, of_items in zip(page.scopes, held, strict=True)]
    scopes = dict(zip(texts, page.scopes, strict=True))
    unique = list(scopes)
    found: dict[str, Inside] = {}
    for start in range(0, len(unique), _BATCH):
        batch = unique[start : start + _BATCH]
        for text, layout in zip(batch, lay_out(batch), strict=True):
            found[text] = _read(scopes[text], layout)
    return [found[text] for text in texts]


def _source(scope: Scope, held: Sequence[Size]) -> str:
    """The DOT text of a scope; every coordinate in points."""
    lines = ["digraph {", 'nodesep=0.28 ranksep=0.4 node [shape=box fixedsize=true label=""]']
    for index, size in enumerate(held):
        lines.append(f"n{index} [width={size.width / 72:.3f} height={size.height / 72:.3f}]")
    for side, values, rank in (("p", scope.entering, "source"), ("q", scope.leaving, "sink")):
        names = [f"{side}{index} [width=0.02 height=0.02]" for index in range(len(values))]
        lines += [f"{{rank={rank}; {'; '.join(names)}}}"] if names else []
    for tail, head in _ends(scope):
        lines.append(f"{_tail(tail)} -> {_head(head)}")
    return "\n".join([*lines, "}"])


def _ends(scope: Scope) -> dict[tuple[int, int], None]:
    """What wires join, each pair once, in a fixed order."""
    return dict.fromkeys((wire.tail, wire.head) for wire in scope.wires)


def _tail(index: int) -> str:
    return f"n{index}" if index >= 0 else f"p{-1 - index}"


def _head(index: int) -> str:
    return f"n{index}" if index >= 0 else f"q{-1 - index}"


def _read(scope: Scope, layout: dict[str, Any]) -> Inside:
    """The rows of a layout, and where wires pass them."""
    places = {
        held["name"]: tuple(map(float, held["pos"].split(",")))
        for held in layout.get("objects", ())
        if "pos" in held
    }
    names = [f"n{index}" for index in range(len(scope.items))]
    heights = sorted({-round(places[name][1]) for name in names})
    rows = {name: bisect_left(heights, -round(places[name][1])) for name in names}
    objects = [thing["name"] for thing in layout.get("objects", ())]
    curves = {
        (objects[edge["tail"]], objects[edge["head"]]): edge["pos"]
        for edge in layout.get("edges", ())
    }
    tracks: dict[tuple[int, int], Track] = {}
    for tail, head in _ends(scope):
        pair = _tail(tail), _head(head)
        tracks[tail, head] = _track(pair, curves[pair], places, rows, heights)
    return Inside(
        rows=len(heights),
        width=round(float(layout["bb"].split(",")[2])),
        places=tuple((rows[name], round(places[name][0])) for name in names),
        top=tuple(round(places[f"p{index}"][0]) for index in range(len(scope.entering))),
        bottom=tuple(round(places[f"q{index}"][0]) for index in range(len(scope.leaving))),
        tracks=tracks,
    )


def _track(
    pair: tuple[str, str],
    curve: str,
    places: dict[str, Any],
    rows: dict[str, int],
    heights: Sequence[int],
) -> Track:
    knots, tip = _knots(curve)
    first, last = rows.get(pair[0], -1), rows.get(pair[1], len(heights))
    passed = range(first + 1, last)
    points = _flattened(knots) if passed else []
    between = tuple(round(_crossing(points, heights[row])) for row in passed)
    start, end = knots[0][0] - places[pair[0]][0], tip[0] - places[pair[1]][0]
    return Track(round(start), round(end), between)


def _knots(text: str) -> tuple[list[Point], Point]:
    """The control points of a curve of Graphviz, y downward, and the tip of its head."""
    found: list[Point] = []
    tip: Point | None = None
    for word in text.split():
        *mark, x, y = word.split(",")
        if mark == ["e"]:
            tip = float(x), -float(y)
        elif not mark:
            found.append((float(x), -float(y)))
    return found, tip or found[-1]


def _flattened(knots: Sequence[Point]) -> list[Point]:
    """The points of a curve, each piece of it as eight lines."""
    points = list(knots[:1])
    for index in range(0, len(knots) - 3, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = knots[index : index + 4]
        for p, q, r, s in _WEIGHTS:
            points.append((p * ax + q * bx + r * cx + s * dx, p * ay + q * by + r * cy + s * dy))
    return points


_WEIGHTS = [
    ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    for t in (step / 8 for step in range(1, 9))
]
"""Of the four control points of a cubic curve, at eight places along it."""


def _crossing(points: Sequence[Point], y: float) -> float:
    """Where a curve that goes down passes a height."""
    index = bisect_left(points, y, key=lambda point: point[1])
    if index in (0, len(points)):
        return points[min(index, len(points) - 1)][0]
    (x0, y0), (x1, y1) = points[index - 1], points[index]
    return x0 + (x1 - x0) * (y - y0) / max(y1 - y0, 1e-9)
