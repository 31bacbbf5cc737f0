"""Where everything stands: the columns of a diagram laid out one by one and put side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log

from graphlens.render.columns import GUTTER, PAGE, Room, columns, even_columns, scale
from graphlens.render.far import far
from graphlens.render.head import outline
from graphlens.render.measure import evened
from graphlens.render.part import Frame, Line, Link, Part
from graphlens.render.ranks import WIDEST
from graphlens.render.room import NOTE
from graphlens.render.scene import Point, rounded
from graphlens.render.wrap import wrapped
from graphlens.view import Arrow, Box, Cluster, Diagram
from graphlens.view.tag import tag
from graphlens.view.trim import few_tags

LANE = 7.0
LEGIBLE = 7.0 / NOTE
"""The scale at which the smallest type is 7 pt."""
_LANES, _NEAR = 2, 14
_USUAL = Room(WIDEST)
_WIDE, _FLAT = (_USUAL.widest, 720.0, 480.0, 240.0, 150.0), 2.5
"""Points that boxes side by side may take; tried in turn until a picture is not too flat."""
_NEEDLE, _SQUARE, _RIBBON, _RECUT = 0.4, 1.2, 2.7, 4
"""Width over height from which on a picture is cut into other columns, what they aim at, and how
often."""
_SHARES, _FEW = (0.85, 0.72), 2
"""Shares of the width of boxes that are tried where more panes than that are not legible."""
_MANY = 400
"""Boxes from which on no time is taken for lines that cross: there would be too much of it."""
_TRIED = 2
"""Other ways to cut a picture that are tried where the first is not legible."""


@dataclass(slots=True)
class Layout:
    """A diagram with coordinates, its top left corner at (0, 0).

    Attributes:
        diagram: What is laid out, with tags where arrows gave way to them.
        boxes: Its boxes by id.
        frames: Where each box stands.
        clusters: Where each cluster stands; one that is cut stands in several columns.
        lines: The arrows' ways.
        forks: Where one line becomes several.
        width: Of the whole.
        height: Of the whole.
        pieces: The boxes of each column.
        room: How wide they were allowed to be.
        crossings: How many pairs of lines cross within a column.
    """

    diagram: Diagram
    boxes: dict[str, Box]
    frames: dict[str, Frame] = field(default_factory=dict)
    clusters: list[tuple[Cluster, Frame, bool]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    forks: list[Point] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    pieces: Sequence[Sequence[Box]] = ()
    room: Room = _USUAL
    crossings: int = 0


def layout(diagram: Diagram) -> Layout:
    """Lay out a diagram in as many columns as make it fit a page best.

    Where the diagram has coarser ones behind it, the finest is taken whose smallest type is
    legible on a page.
    """
    while True:
        whole = wrapped(diagram)
        placed = _best(whole)
        if placed is not None and (diagram.behind is None or _scale(placed) >= LEGIBLE):
            placed = _untangled(whole, placed if diagram.behind else _squarer(whole, placed))
            if _scale(placed) >= LEGIBLE:
                return placed
            if diagram.behind is None:
                return _narrower(diagram, placed)
        diagram = diagram.coarser or diagram


def _narrower(diagram: Diagram, placed: Layout) -> Layout:
    """A diagram of many panes with shorter lines in its boxes, where that makes it larger."""
    for share in _SHARES if len(diagram.panes) > _FEW else ():
        whole = wrapped(diagram, share)
        found = _best(whole)
        if found is not None:
            placed = max(placed, _untangled(whole, found), key=_scale)
        if _scale(placed) >= LEGIBLE:
            break
    return placed


def _squarer(diagram: Diagram, placed: Layout) -> Layout:
    """The same in more columns where it is a needle, in fewer where it is a ribbon."""
    for _ in range(_RECUT):
        aspect = _aspect(placed)
        count = max(1, round(len(placed.pieces) * (_SQUARE / max(aspect, 1e-3)) ** 0.5))
        if _NEEDLE <= aspect <= _RIBBON or count == len(placed.pieces):
            break
        found = _laid_out(diagram, even_columns(diagram, evened(diagram.boxes), count))
        placed = max(placed, found, key=lambda held: -abs(log(_aspect(held) / _SQUARE)))
    return placed


def _aspect(placed: Layout) -> float:
    return max(1.0, len(placed.diagram.panes) * placed.width) / max(1.0, placed.height)


def _untangled(diagram: Diagram, placed: Layout) -> Layout:
    """The same with time taken for the lines that cross, if there are any."""
    if not placed.crossings or len(placed.boxes) > _MANY:
        return placed
    return _laid_out(diagram, placed.pieces, placed.room._replace(patient=True))


def _best(diagram: Diagram) -> Layout | None:
    """A diagram in the columns that make it largest; None if it is far too much for a page."""
    best, *others = columns(diagram, evened(diagram.boxes))
    if diagram.behind is not None and best.scale < 0.8 * LEGIBLE:
        return None
    placed = _laid_out(diagram, best.columns)
    for widest in _WIDE[1:]:
        wide = len(diagram.panes) * placed.width
        flat = wide > _FLAT * (placed.height + 130.0) or _scale(placed) < LEGIBLE
        if len(best.columns) > 1 or not (flat and _is_wide(placed)):
            break
        placed = max(placed, _laid_out(diagram, best.columns, Room(widest)), key=_scale)
    for cut in others[:_TRIED]:
        if _scale(placed) >= LEGIBLE:
            break
        placed = max(placed, _laid_out(diagram, cut.columns), key=_scale)
    return placed


def _is_wide(placed: Layout) -> bool:
    """Whether it is the width that a picture lacks on a page, so that narrower ranks may help."""
    around = outline(placed.diagram, placed.width, placed.height)
    return around.width * PAGE[1] > around.height * PAGE[0]


def _scale(placed: Layout) -> float:
    return scale(placed.diagram, placed.width, placed.height)


def _laid_out(diagram: Diagram, pieces: Sequence[Sequence[Box]], room: Room = _USUAL) -> Layout:
    diagram, links = _links(diagram, pieces)
    sizes = evened(diagram.boxes)
    held = {box.id: box for box in diagram.boxes}
    parts = [
        Part(index, [held[box.id] for box in piece], diagram, sizes, links, room)
        for index, piece in enumerate(pieces)
        if piece
    ]
    placed = Layout(diagram, held, pieces=pieces, room=room)
    placed.crossings = sum(part.crossings for part in parts)
    _place(placed, parts, links)
    return placed


def _links(diagram: Diagram, pieces: Sequence[Sequence[Box]]) -> tuple[Diagram, list[Link]]:
    """The tensors led from a column to the next, and the diagram with tags for what is not led."""
    column = {box.id: index for index, piece in enumerate(pieces) for box in piece}
    crossing: dict[tuple[str, str], list[Arrow]] = defaultdict(list)
    for arrow in diagram.arrows:
        if column[arrow.tail] != column[arrow.head]:
            crossing[arrow.tail, arrow.value].append(arrow)
    led: dict[int, list[Link]] = defaultdict(list)
    place = {box.id: index for index, box in enumerate(diagram.boxes)}
    tagged = set(far(diagram, pieces, evened(diagram.boxes)))
    for (tail, value), arrows in sorted(crossing.items(), key=lambda item: -place[item[0][0]]):
        home = column[tail]
        near = [arrow for arrow in arrows if column[arrow.head] == home + 1]
        last = max((place[arrow.head] for arrow in near), default=0)
        if near and last - place[tail] <= _NEAR and len(led[home]) < _LANES:
            led[home].append(Link(tail, value, home, tuple(near)))
        else:
            near = []
        tagged.update(arrow for arrow in arrows if arrow not in near)
    links = [link for home in sorted(led) for link in led[home]]
    left = {arrow for link in links for arrow in link.arrows}
    diagram = few_tags(tag(diagram, tagged.__contains__))
    return diagram.having(arrows=[arrow for arrow in diagram.arrows if arrow not in left]), links


def _place(placed: Layout, parts: Sequence[Part], links: Sequence[Link]) -> None:
    """Put the columns side by side and lead the tensors between them."""
    high = max((part.height for part in parts), default=0.0)
    above = LANE * _LANES + 8.0 if len(parts) > 1 and links else 0.0
    seen: set[str] = set()
    x = 0.0
    gutters: list[tuple[float, float]] = []
    shift: list[float] = []
    for index, part in enumerate(parts):
        shift.append(x)
        for name, frame in part.frames.items():
            placed.frames[name] = frame._replace(x=frame.x + x, y=frame.y + above)
        for cluster, frame in part.cluster_frames:
            moved = frame._replace(x=frame.x + x, y=frame.y + above)
            placed.clusters.append((cluster, moved, cluster.id in seen))
        seen.update(cluster.id for cluster, _ in part.cluster_frames)
        placed.lines += [_moved(line, x, above) for line in part.lines]
        forks = [part.points[fork.id] for fork in part.wiring.forks]
        placed.forks += [(px + x, py + above) for px, py in forks]
        leaving = len(part.leaving)
        gutters.append((x + part.width, leaving))
        x += part.width + (GUTTER + LANE * max(0, leaving - 1) if index < len(parts) - 1 else 0.0)
    for index, part in enumerate(parts[:-1]):
        _lead(placed, part, parts[index + 1], shift[index : index + 2], above, high + above)
    placed.width = x
    placed.height = high + above + (above if links else 0.0)


def _moved(line: Line, x: float, y: float) -> Line:
    points = tuple((px + x, py + y) for px, py in line.points)
    tip = None if line.tip is None else (line.tip[0] + x, line.tip[1] + y)
    return Line(line.arrow, points, tip, line.leaves)


def _lead(
    placed: Layout,
    part: Part,
    following: Part,
    shift: Sequence[float],
    above: float,
    bottom: float,
) -> None:
    """Lines from the bottom of a column, up the gutter, to the top of the next."""
    ends = {link.exit + link.tail + link.value: point for point, link in following.entering}
    ordered = sorted(part.leaving, key=lambda item: -part.points[item[0]][0])
    gutter = (
        shift[0] + part.width + (shift[1] - shift[0] - part.width - LANE * (len(ordered) - 1)) / 2
    )
    for lane, (point, link) in enumerate(ordered):
        x0, y0 = part.starts[point]
        x1, y1 = following.starts[ends[link.exit + link.tail + link.value]]
        low = part.height + above + 8.0 + LANE * lane
        high = above - 8.0 - LANE * (len(ordered) - 1 - lane)
        middle = gutter + LANE * lane
        way = [
            (x0 + shift[0], y0 + above),
            (x0 + shift[0], low),
            (middle, low),
            (middle, high),
            (x1 + shift[1], high),
            (x1 + shift[1], y1 + above),
        ]
        placed.lines.append(Line(link.arrows[0], rounded(way), None))
