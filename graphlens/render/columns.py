"""Wrapping: a long picture is cut into columns where few tensors cross, so that it fits a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from graphlens.render.head import outline
from graphlens.render.measure import Size
from graphlens.render.ranks import WIDEST, Rows
from graphlens.view import Box, Diagram

RANK_GAP, BARE_GAP, BOX_GAP, GUTTER = 22.0, 16.0, 18.0, 38.0
"""Space between ranks, between those with nothing written between them, boxes and columns."""
_GAP = 18.0
"""Space between ranks, as it is guessed."""
_FRAME = 30.0
PAGE = (785.0, 538.0)
"""An A4 page less a centimetre all around, in points."""
_MOST = 9
_EXACT = 250
"""Boxes up to which the best cuts are looked for; beyond, columns are cut at even heights."""
_THROUGH = 24
"""Tensors from which on a cut through more of them is no worse."""
_COLUMN, _ASPECT = 230.0, 1.4
_CARELESS = 0.2
"""How much what a cut goes through counts where even columns are wanted more."""


class Piece(NamedTuple):
    """The part of a diagram that stands in one column."""

    boxes: tuple[Box, ...]
    height: float
    width: float


class Room(NamedTuple):
    """What laying out a column may take.

    Attributes:
        widest: Points that boxes side by side may take.
        patient: Whether to take time for lines that cross.
    """

    widest: float
    patient: bool = False


class Cut(NamedTuple):
    """The boxes of each column, and the scale at which the picture is guessed to fit a page."""

    columns: list[tuple[Box, ...]]
    scale: float


def columns(diagram: Diagram, sizes: Mapping[str, Size]) -> list[Cut]:
    """Cut a diagram into columns: first the cut that seems to make it largest on a page.

    The cuts balance the columns' heights and cross few tensors and few clusters; the second one
    has as many columns as the first, of more even heights.
    """
    boxes = diagram.boxes
    if not boxes:
        return [Cut([()], 1.0)]
    cutter = _Cutter(diagram, sizes)
    if len(boxes) > _EXACT:
        return [Cut(cutter.roughly(), 0.0)]
    tried = [cutter.cut(count) for count in range(1, max(1, min(_MOST, len(boxes) // 2)) + 1)]
    scales = [_scale(diagram, pieces) for pieces in tried]
    order = sorted(range(len(tried)), key=lambda index: -min(1.0, scales[index]) * 0.985**index)
    found = [Cut([piece.boxes for piece in tried[index]], scales[index]) for index in order]
    if order[0]:
        even = cutter.cut(order[0] + 1, _CARELESS)
        found.insert(1, Cut([piece.boxes for piece in even], _scale(diagram, even)))
    return found


def even_columns(diagram: Diagram, sizes: Mapping[str, Size], count: int) -> list[tuple[Box, ...]]:
    """A diagram in about so many columns of about as many boxes, cut where it costs least."""
    cutter = _Cutter(diagram, sizes)
    return [diagram.boxes[start:stop] for start, stop in pairwise(cutter.even(count))]


def _scale(diagram: Diagram, pieces: Sequence[Piece]) -> float:
    wide = sum(piece.width for piece in pieces) + GUTTER * (len(pieces) - 1)
    return scale(diagram, wide, max(piece.height for piece in pieces) + 20.0)


def scale(diagram: Diagram, wide: float, high: float) -> float:
    """The scale at which a picture fits a page, if its panes are of some size."""
    around = outline(diagram, wide, high)
    return fits(around.width, around.height)


def fits(wide: float, high: float) -> float:
    """The scale at which a picture of some size fits a page in landscape."""
    return min(PAGE[0] / wide, PAGE[1] / high)


class _Cutter:
    def __init__(self, diagram: Diagram, sizes: Mapping[str, Size]) -> None:
        self.boxes, self.sizes = diagram.boxes, sizes
        place = {box.id: index for index, box in enumerate(self.boxes)}
        self.tails: dict[int, list[int]] = defaultdict(list)
        reach: dict[tuple[int, str], int] = {}
        for arrow in diagram.arrows:
            tail, head = place[arrow.tail], place[arrow.head]
            if tail < head:
                self.tails[head].append(tail)
                key = (tail, arrow.value)
                reach[key] = max(reach.get(key, 0), head)
        parents = {cluster.id: cluster.parent for cluster in diagram.clusters}
        self.around = [_around(box.cluster, parents) for box in self.boxes]
        self.penalty = self._penalties(reach)
        total = sum(size.height + _GAP for size in sizes.values())
        self.total = max(total, 1.0)
        self._pieces: dict[int, list[tuple[float, float]]] = {}

    def _penalties(self, reach: Mapping[tuple[int, str], int]) -> list[float]:
        """What it costs to cut before each box."""
        count = len(self.boxes)
        change = [0] * (count + 1)
        for (tail, _), head in reach.items():
            change[tail + 1] += 1
            change[head + 1] -= 1
        crossing, found = 0, [0.0]
        for index in range(1, count):
            crossing += change[index]
            shared = len(self.around[index] & self.around[index - 1])
            found.append(70.0 * max(0, min(crossing, _THROUGH) - 1) + 45.0 * shared)
        return found

    def roughly(self) -> list[tuple[Box, ...]]:
        """Columns of about even height that make a landscape page, cut where it costs least."""
        count = max(1.0, (_ASPECT * self.total / _COLUMN) ** 0.5)
        cuts: list[int] = []
        while True:
            cuts = self.even(max(1, round(count)))
            pieces = [self.extent(start, stop) for start, stop in pairwise(cuts)]
            wide = sum(piece_wide + GUTTER for _, piece_wide in pieces)
            if count <= 1.0 or wide <= 1.4 * _ASPECT * max(high for high, _ in pieces):
                return [self.boxes[start:stop] for start, stop in pairwise(cuts)]
            count *= 0.8

    def even(self, count: int) -> list[int]:
        """Where ``count`` columns of about even length begin, and the end of the last."""
        length = max(2, len(self.boxes) // count)
        found = [0]
        while len(self.boxes) - found[-1] > 1.3 * length:
            start = found[-1]
            near = range(start + max(1, int(0.75 * length)), start + int(1.25 * length) + 1)
            found.append(
                min(near, key=lambda index: (self.penalty[index], abs(index - start - length)))
            )
        return [*found, len(self.boxes)]

    def extent(self, start: int, stop: int) -> tuple[float, float]:
        """Height and width of the column from ``start`` up to ``stop``."""
        ranks: dict[int, int] = {}
        wide: dict[int, float] = defaultdict(float)
        high: dict[int, float] = defaultdict(float)
        rows = Rows(WIDEST)
        free: list[Size] = []
        for index in range(start, stop):
            size = self.sizes[self.boxes[index].id]
            before = [ranks[tail] + 1 for tail in self.tails[index] if tail >= start]
            rank = max(before, default=0)
            if before or index == start:
                rank = rows.put(rank, (size.width,))
                wide[rank] += size.width + BOX_GAP
            else:  # it reads nothing here, and will stand beside its reader, not with all such
                free.append(size)
                wide[rank] += 0.0
            ranks[index] = rank
            high[rank] = max(high[rank], size.height + _GAP)
        below, across = _overflow(free, wide)
        nested = 20.0 * max(map(len, self.around[start:stop]))
        return sum(high.values()) + below, max(across, max(wide.values())) + nested

    def piece(self, start: int) -> list[tuple[float, float]]:
        """Height and width of the column from ``start`` to each box after it."""
        if start in self._pieces:
            return self._pieces[start]
        ends: dict[int, float] = {}
        ranks: dict[int, int] = {}
        wide: dict[int, float] = defaultdict(float)
        high, widest = 0.0, 0.0
        found: list[tuple[float, float]] = []
        limit = 3.0 * max(PAGE[1], self.total / _MOST)
        for index in range(start, len(self.boxes)):
            size = self.sizes[self.boxes[index].id]
            before = [tail for tail in self.tails[index] if tail >= start]
            top, rank = _FRAME * len(self.around[index]) if not before else 0.0, 0
            for tail in before:
                entered = len(self.around[index] - self.around[tail])
                left = len(self.around[tail] - self.around[index])
                top = max(top, ends[tail] + _GAP + _FRAME * entered + 8 * left)
                rank = max(rank, ranks[tail] + 1)
            ends[index], ranks[index] = top + size.height, rank
            wide[rank] += size.width + BOX_GAP if before or index == start else 0.0
            high = max(high, ends[index])
            widest = max(widest, wide[rank] + 20.0 * len(self.around[index]))
            found.append((high, widest))
            if high > limit and index > start:
                break
        self._pieces[start] = found
        return found

    def cut(self, count: int, care: float = 1.0) -> list[Piece]:
        """The best cut into ``count`` columns (dynamic programming over the places to cut).

        Args:
            count: How many columns.
            care: How much it counts what is cut through.
        """
        length = len(self.boxes)
        even = self.piece(0)[-1][0] / count if count == 1 else self.total / count
        best = [[float("inf")] * (length + 1) for _ in range(count + 1)]
        came = [[0] * (length + 1) for _ in range(count + 1)]
        best[0][0] = 0.0
        for used in range(1, count + 1):
            for start in range(length):
                if best[used - 1][start] == float("inf"):
                    continue
                paid = best[used - 1][start] + care * self.penalty[start]
                for step, (high, _) in enumerate(self.piece(start), start + 1):
                    cost = paid + high * high / max(even, 1.0)
                    if cost < best[used][step]:
                        best[used][step], came[used][step] = cost, start
        if best[count][length] == float("inf"):
            return [Piece(self.boxes, self.total, 10 * PAGE[0])]
        found: list[Piece] = []
        end = length
        for used in range(count, 0, -1):
            start = came[used][end]
            high, wide = self.piece(start)[end - start - 1]
            found.append(Piece(self.boxes[start:end], high, wide))
            end = start
        return found[::-1]


def _overflow(free: Sequence[Size], wide: Mapping[int, float]) -> tuple[float, float]:
    """How high and how wide the rows are of things that ranks have no room for beside the others.

    Args:
        free: The size of what may stand on any rank.
        wide: How wide what stands on each rank is.
    """
    room = sum(max(0.0, WIDEST - taken) for taken in wide.values())
    wanted = sum(size.width + BOX_GAP for size in free)
    if wanted <= room:
        return 0.0, 0.0
    area = sum((size.width + BOX_GAP) * (size.height + _GAP) for size in free)
    return area * (1 - room / wanted) / WIDEST, WIDEST


def _around(cluster: str, parents: Mapping[str, str]) -> frozenset[str]:
    found: set[str] = set()
    while cluster:
        found.add(cluster)
        cluster = parents[cluster]
    return frozenset(found)
