"""Where everything stands inside each scope of a page, whatever is open or closed around it.

Each scope is laid out once, with what is inside it closed: in rows, an item standing in one row,
a wire going from row to row. Opening an item makes its row higher and its column wider, and moves
the others apart without changing their order, so that the places in every combination of open and
closed scopes follow from these by sums: the page adds up, and lays out nothing. A wire keeps to
the gaps between rows and to its own column within them, so that it meets no box in any of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

from graphlens.render.engine import lay_out
from graphlens.render.measure import Size, measured
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
        tracks: The way of each wire.
    """

    rows: int
    width: int
    places: tuple[tuple[int, int], ...]
    top: tuple[int, ...]
    bottom: tuple[int, ...]
    tracks: tuple[Track, ...]


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


def insides(page: Page) -> list[Inside]:
    """The inside of every scope; those that look the same are laid out once."""
    texts = [_source(scope, sizes(page, scope)) for scope in page.scopes]
    unique = list(dict.fromkeys(texts))
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(unique), _BATCH):
        batch = unique[start : start + _BATCH]
        found.update(zip(batch, lay_out(batch), strict=True))
    return [_read(scope, found[text]) for scope, text in zip(page.scopes, texts, strict=True)]


def _source(scope: Scope, held: Sequence[Size]) -> str:
    """The DOT text of a scope; every coordinate in points."""
    lines = ["digraph {", 'nodesep=0.28 ranksep=0.4 node [shape=box fixedsize=true label=""]']
    for index, size in enumerate(held):
        lines.append(f"n{index} [width={size.width / 72:.3f} height={size.height / 72:.3f}]")
    for side, values, rank in (("p", scope.entering, "source"), ("q", scope.leaving, "sink")):
        names = [f"{side}{index} [width=0.02 height=0.02]" for index in range(len(values))]
        lines += [f"{{rank={rank}; {'; '.join(names)}}}"] if names else []
    for tail, head in _ends(scope):
        lines.append(f"{tail} -> {head}")
    return "\n".join([*lines, "}"])


def _ends(scope: Scope) -> dict[tuple[str, str], int]:
    """The pairs of nodes that wires join, numbered."""
    pairs = dict.fromkeys(
        (
            f"n{wire.tail}" if wire.tail >= 0 else f"p{-1 - wire.tail}",
            f"n{wire.head}" if wire.head >= 0 else f"q{-1 - wire.head}",
        )
        for wire in scope.wires
    )
    return {pair: index for index, pair in enumerate(pairs)}


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
    pairs = _ends(scope)
    curves = {
        (layout["objects"][edge["tail"]]["name"], layout["objects"][edge["head"]]["name"]): edge[
            "pos"
        ]
        for edge in layout.get("edges", ())
    }
    tracks = {pair: _track(pair, curves[pair], places, rows, heights) for pair in pairs}
    return Inside(
        rows=len(heights),
        width=round(float(layout["bb"].split(",")[2])),
        places=tuple((rows[name], round(places[name][0])) for name in names),
        top=tuple(round(places[f"p{index}"][0]) for index in range(len(scope.entering))),
        bottom=tuple(round(places[f"q{index}"][0]) for index in range(len(scope.leaving))),
        tracks=tuple(
            tracks[
                f"n{wire.tail}" if wire.tail >= 0 else f"p{-1 - wire.tail}",
                f"n{wire.head}" if wire.head >= 0 else f"q{-1 - wire.head}",
            ]
            for wire in scope.wires
        ),
    )


def _track(
    pair: tuple[str, str],
    curve: str,
    places: dict[str, Any],
    rows: dict[str, int],
    heights: Sequence[int],
) -> Track:
    points = _flattened(curve)
    first, last = rows.get(pair[0], -1), rows.get(pair[1], len(heights))
    between = tuple(round(_crossing(points, heights[row])) for row in range(first + 1, last))
    start = round(points[0][0] - places[pair[0]][0])
    return Track(start, round(points[-1][0] - places[pair[1]][0]), between)


def _flattened(text: str) -> list[tuple[float, float]]:
    """The points of a curve of Graphviz, downward, each piece as eight lines."""
    held: list[tuple[float, float]] = []
    end: list[tuple[float, float]] = []
    for word in text.split():
        mark, _, rest = word.rpartition(",")[0].partition(",")
        x, y = map(float, word.split(",")[-2:])
        if mark == "e" and rest:
            end = [(x, -y)]
        elif mark != "s" or not rest:
            held.append((x, -y))
    points = held[:1]
    for index in range(0, len(held) - 3, 3):
        a, b, c, d = held[index : index + 4]
        for step in range(1, 9):
            t = step / 8
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            points.append(
                (
                    sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True)),
                    sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True)),
                )
            )
    return points + end


def _crossing(points: Sequence[tuple[float, float]], y: float) -> float:
    """Where a curve that goes down passes a height."""
    index = bisect_left(points, y, key=lambda point: point[1])
    if index in (0, len(points)):
        return points[min(index, len(points) - 1)][0]
    (x0, y0), (x1, y1) = points[index - 1], points[index]
    return x0 + (x1 - x0) * (y - y0) / max(y1 - y0, 1e-9)
