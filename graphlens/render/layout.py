"""Where everything stands: the columns of a diagram laid out one by one and put side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log

from graphlens.render.columns import PAGE, Room, columns, even_columns, scale
from graphlens.render.far import far
from graphlens.render.head import outline
from graphlens.render.lanes import Lanes
from graphlens.render.measure import evened
from graphlens.render.part import Frame, Line, Link, Part
from graphlens.render.ranks import WIDEST
from graphlens.render.room import NOTE
from graphlens.render.scene import Point
from graphlens.render.wrap import wrapped
from graphlens.view import Arrow, Box, Cluster, Diagram
from graphlens.view.tag import tag
from graphlens.view.trim import few_tags

LEGIBLE = 7.0 / NOTE
"""The scale at which the smallest type is 7 pt."""
_LANES, _NEAR, _FAR = 3, 14, 4
"""Tensors led from a column to the next, the boxes that one may pass, and tensors led farther."""
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
_OPEN, _LOOKED = 0.7, 8
"""The share of its boxes that a picture keeps for having no tensor come by name, and how many
coarser ones are looked at for it."""
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
        crossings: How many pairs of lines cross.
        named: How many tensors come by name, for they are for another column.
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
    named: int = 0


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
                return _bridged(diagram, placed)
            if diagram.behind is None:
                return _narrower(diagram, placed)
        diagram = diagram.coarser or diagram


def _bridged(diagram: Diagram, placed: Layout) -> Layout:
    """A picture with a little less open, where all that goes from column to column is led then."""
    least = _OPEN * len(placed.boxes)
    for _ in range(_LOOKED if placed.named else 0):
        diagram = diagram.coarser or diagram
        if len(diagram.boxes) < least:
            break
        whole = wrapped(diagram)
        other = _best(whole)
        if other is None or other.named:
            continue
        other = _untangled(whole, other)
        if _scale(other) >= LEGIBLE and not other.named and other.crossings <= placed.crossings:
            return other
    return placed


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
    """The columns side by side; a tensor for a column beyond the next is led where that is clear.

    That is where it crosses nothing on a picture that is legible; else it comes by its name.
    """
    links = _links(diagram, pieces)
    if any(link.is_far for link in links):
        for patient in dict.fromkeys((room.patient, True)):
            placed = _led(diagram, pieces, links, room._replace(patient=patient))
            if _scale(placed) < LEGIBLE:
                break
            if not placed.crossings:
                return placed
        links = [link for link in links if not link.is_far]
    return _led(diagram, pieces, links, room)


def _led(
    diagram: Diagram, pieces: Sequence[Sequence[Box]], links: Sequence[Link], room: Room
) -> Layout:
    places = {arrow: place for place, arrow in enumerate(diagram.arrows)}
    diagram, named = _tagged(diagram, pieces, links)
    sizes = evened(diagram.boxes)
    held = {box.id: box for box in diagram.boxes}
    parts: list[Part] = []
    for index, piece in enumerate(filter(None, pieces)):
        boxes = [held[box.id] for box in piece]
        parts.append(Part(index, boxes, diagram, sizes, links, room, parts, places))
    placed = Layout(diagram, held, pieces=pieces, room=room)
    placed.crossings = sum(part.crossings for part in parts)
    placed.named = named
    _place(placed, parts)
    return placed


def _links(diagram: Diagram, pieces: Sequence[Sequence[Box]]) -> list[Link]:
    """The tensors that may be led from a column to another."""
    column = {box.id: index for index, piece in enumerate(pieces) for box in piece}
    crossing: dict[tuple[str, str, int], list[Arrow]] = defaultdict(list)
    for arrow in diagram.arrows:
        if column[arrow.tail] < column[arrow.head]:
            crossing[arrow.tail, arrow.value, column[arrow.head]].append(arrow)
    led: dict[int, list[Link]] = defaultdict(list)
    far: list[Link] = []
    place = {box.id: index for index, box in enumerate(diagram.boxes)}
    for (tail, value, into), arrows in sorted(crossing.items(), key=lambda i: -place[i[0][0]]):
        link = Link(tail, value, column[tail], into, tuple(arrows))
        last = max(place[arrow.head] for arrow in arrows)
        if link.is_far:
            far.append(link)
        elif last - place[tail] <= _NEAR and len(led[link.column]) < _LANES:
            led[link.column].append(link)
    near = [link for home in sorted(led) for link in led[home]]
    return near + far if len(far) <= _FAR else near


def _tagged(
    diagram: Diagram, pieces: Sequence[Sequence[Box]], links: Sequence[Link]
) -> tuple[Diagram, int]:
    """The diagram without the arrows that are led, with tags for tensors that are not; how many."""
    column = {box.id: index for index, piece in enumerate(pieces) for box in piece}
    led = {arrow for link in links for arrow in link.arrows}
    named = {arrow for arrow in diagram.arrows if column[arrow.tail] != column[arrow.head]} - led
    tagged = named | far(diagram, pieces, evened(diagram.boxes))
    made = few_tags(tag(diagram, tagged.__contains__))
    made = made.having(arrows=[arrow for arrow in made.arrows if arrow not in led])
    return made, len({(arrow.tail, arrow.value) for arrow in named})


def _place(placed: Layout, parts: Sequence[Part]) -> None:
    """Put the columns side by side and lead the tensors between them."""
    lanes = Lanes(parts)
    above = lanes.above
    seen: set[str] = set()
    for part, x in zip(parts, lanes.lefts, strict=True):
        for name, frame in part.frames.items():
            placed.frames[name] = frame._replace(x=frame.x + x, y=frame.y + above)
        for cluster, frame in part.cluster_frames:
            moved = frame._replace(x=frame.x + x, y=frame.y + above)
            placed.clusters.append((cluster, moved, cluster.id in seen))
        seen.update(cluster.id for cluster, _ in part.cluster_frames)
        placed.lines += [_moved(line, x, above) for line in part.lines]
        forks = [part.points[fork.id] for fork in part.wiring.forks]
        placed.forks += [(px + x, py + above) for px, py in forks]
    placed.lines += lanes.lines()
    placed.crossings += lanes.crossings()
    placed.width = lanes.width
    placed.height = max((part.height for part in parts), default=0.0) + above + lanes.below


def _moved(line: Line, x: float, y: float) -> Line:
    points = tuple((px + x, py + y) for px, py in line.points)
    tip = None if line.tip is None else (line.tip[0] + x, line.tip[1] + y)
    return Line(line.arrow, points, tip, line.leaves)
