"""Arrows over so many ranks that nobody follows them: they come by name, as across columns.

A line takes a bend on each rank that it passes, so that the lines of many branches side by side,
each to the one box that joins them, would take a square of time and room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from graphlens.render.measure import Size
from graphlens.render.ranks import WIDEST, Item, Link, ranks
from graphlens.view import Arrow, Box, Diagram

_BENDS = 3
"""Bends that a column may have for each of its boxes: those of real models have up to one."""
_ABREAST = 24
"""Lines that may pass a rank side by side: they and their boxes have to stand beside each other."""
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
    return frozenset(
        arrow
        for piece, arrows in zip(pieces, within, strict=True)
        for arrow in _longest(piece, arrows, sizes)
    )


def _longest(
    piece: Sequence[Box], arrows: Sequence[Arrow], sizes: Mapping[str, Size]
) -> Iterator[Arrow]:
    """The arrows of a column that pass more ranks than any may there."""
    place = {box.id: index for index, box in enumerate(piece)}
    links = [Link(place[arrow.tail], place[arrow.head], arrow.value) for arrow in arrows]
    rank = ranks([Item(*sizes[box.id]) for box in piece], links, WIDEST)
    spans = [_Span((link.tail, link.out), rank[link.tail], rank[link.head]) for link in links]
    most = _limit(spans, _BENDS * len(piece))
    return (arrow for arrow, span in zip(arrows, spans, strict=True) if span.passed > most)


class _Span(NamedTuple):
    """The ranks that an arrow leads from and to, were there no frames; those of a value share."""

    value: tuple[int, str]
    start: int
    end: int

    @property
    def passed(self) -> int:
        """How many ranks are between."""
        return max(0, self.end - self.start - 1)


def _limit(spans: Sequence[_Span], bends: int) -> int:
    """How many ranks an arrow may pass where there are to be so many bends."""
    low, high = 0, max((span.passed for span in spans), default=0)
    while low < high:
        most = (low + high + 1) // 2
        low, high = (most, high) if _is_light(spans, most, bends) else (low, most - 1)
    return low


def _is_light(spans: Sequence[_Span], most: int, bends: int) -> bool:
    """Whether there are so few bends, and so few on a rank, if no arrow passes more than some."""
    ends: dict[tuple[int, str], int] = {}
    starts: dict[tuple[int, str], int] = {}
    for span in spans:
        if 0 < span.passed <= most:
            starts[span.value] = span.start
            ends[span.value] = max(ends.get(span.value, 0), span.end)
    begun = Counter(start + 1 for start in starts.values())
    ended = Counter(ends.values())
    change = (begun[rank] - ended[rank] for rank in range(max(ended, default=0)))
    abreast = list(accumulate(change))
    return sum(abreast) <= bends and max(abreast, default=0) <= _ABREAST
