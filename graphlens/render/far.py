"""Arrows over so many ranks that nobody follows them: they come by name, as across columns.

A line takes a bend on each rank that it passes, so that the lines of many branches side by side,
each to the one box that joins them, would take a square of time and room.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from graphlens.render.measure import Size
from graphlens.render.ranks import WIDEST, Item, Link, ranks
from graphlens.view import Arrow, Box, Diagram

_BENDS = 3
"""Bends that a picture may have for each of its boxes: those of real models have up to one."""
_FEW = 300
"""Boxes up to which a picture may have as many as it likes."""


def far(
    diagram: Diagram, pieces: Sequence[Sequence[Box]], sizes: Mapping[str, Size]
) -> frozenset[Arrow]:
    """The longest of the arrows within columns, where a large picture would have too many bends.

    Args:
        diagram: What is laid out.
        pieces: The boxes of each column.
        sizes: The size of each box.
    """
    if len(diagram.boxes) <= _FEW:
        return frozenset()
    column = {box.id: index for index, piece in enumerate(pieces) for box in piece}
    within: list[list[Arrow]] = [[] for _ in pieces]
    for arrow in diagram.arrows:
        if column[arrow.tail] == column[arrow.head]:
            within[column[arrow.tail]].append(arrow)
    passed: dict[Arrow, int] = {}
    for piece, arrows in zip(pieces, within, strict=True):
        passed |= _passed(piece, arrows, sizes)
    most = _limit(passed, _BENDS * len(diagram.boxes))
    return frozenset(arrow for arrow, count in passed.items() if count > most)


def _passed(
    piece: Sequence[Box], arrows: Sequence[Arrow], sizes: Mapping[str, Size]
) -> dict[Arrow, int]:
    """How many ranks each arrow of a column passes, were there no frames."""
    place = {box.id: index for index, box in enumerate(piece)}
    items = [Item(*sizes[box.id]) for box in piece]
    links = [Link(place[arrow.tail], place[arrow.head], arrow.value) for arrow in arrows]
    rank = ranks(items, links, WIDEST)
    return {
        arrow: max(0, rank[link.head] - rank[link.tail] - 1)
        for arrow, link in zip(arrows, links, strict=True)
    }


def _limit(passed: Mapping[Arrow, int], bends: int) -> int:
    """How many ranks an arrow may pass for all to have so many bends; those of a value share."""
    values: dict[tuple[str, str], list[int]] = defaultdict(list)
    for arrow, count in passed.items():
        values[arrow.tail, arrow.value].append(count)
    low, high = 0, max(passed.values(), default=0)
    while low < high:
        most = (low + high + 1) // 2
        kept = (max((n for n in held if n <= most), default=0) for held in values.values())
        low, high = (most, high) if sum(kept) <= bends else (low, most - 1)
    return low
