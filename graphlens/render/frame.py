"""The title of a cluster's frame: its words, and the room that they take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from graphlens.render.metrics import fitted, path_fitted, width
from graphlens.render.wrap import broken
from graphlens.view import Cluster
from graphlens.view.fold import CONTAINERS

LEAD = 10.0
"""Space kept free above a cluster's frame, where arrows come down with their shapes."""
_WIDEST = 100.0
"""How wide a line of a title may be."""
_ALONE = 92.0
"""How wide a title may be to stand in one line."""

_BESIDE = 8.0
"""Space beside a label, to its line and to the edge of a frame."""


def header(cluster: Cluster) -> list[tuple[str, float, str, bool]]:
    """The words of a cluster's title, its path and its class: text, type size, colour, bold."""
    kind = "" if cluster.kind in CONTAINERS and cluster.path else cluster.kind
    words = [(cluster.path, 10.5, "soft", True), (kind, 10.0, "faint", False)]
    return [
        (line, size, tone, bold)
        for text, size, tone, bold in words
        if text
        for line in broken(text, size, _WIDEST, bold=bold)
    ]


def header_widths(cluster: Cluster) -> list[float]:
    """The width of each word of a cluster's title."""
    return [
        width(title_fitted(text, size, _WIDEST, bold), size, bold)
        for text, size, _, bold in header(cluster)
    ]


def title_fitted(text: str, size: float, room: float, bold: bool) -> str:
    """A word of a title (the path is bold) in ``room`` points."""
    return (path_fitted if bold else fitted)(text, size, room, bold)


def in_one_line(cluster: Cluster) -> bool:
    """Whether the path and the class of a cluster stand in one line."""
    return sum(header_widths(cluster)) + 5.0 <= _ALONE


def title_needs(cluster: Cluster) -> float:
    """The width that the title takes."""
    widths = header_widths(cluster)
    return (sum(widths) + 5.0 if in_one_line(cluster) else max(widths, default=0.0)) + 1.0


def badge(cluster: Cluster) -> tuple[str, float]:
    """The number of repetitions, and the width of the badge that says it."""
    text = cluster.times
    return text, width(text, 11.0, True) + 14.0 if text else 0.0


def free(left: float, right: float, crossed: Sequence[float], needed: float) -> tuple[float, float]:
    """Where a title may begin and how long it may be: the first wide stretch between arrows."""
    edges = [left - 5.0, *sorted(crossed), right + 5.0]
    stretches = [(b - a - 8.0, a + 5.0) for a, b in pairwise(edges)]
    for room, start in stretches:
        if room >= needed:
            return start, room
    room, start = max(stretches)
    return start, room


def title_room(cluster: Cluster, wide: float, crossed: Sequence[float]) -> tuple[float, float]:
    """Where the title of a frame begins, from its left, and how long it may be.

    Args:
        cluster: What the frame is of.
        wide: Its width.
        crossed: Where arrows come in through its top, from its left.
    """
    _, span = badge(cluster)
    right = wide - (span + 7.0 if span else 0.0)
    between = [at for at in crossed if 0.0 < at < right]
    return free(10.0, right - 6.0, between, title_needs(cluster))


def title_lacks(cluster: Cluster, wide: float, crossed: Sequence[float]) -> float:
    """By how much a frame's title is longer than the widest stretch of its top.

    Or how far arrows come in where the number of repetitions stands, if that is more. A class that
    stands beside the path is left out where there is no room for it.
    """
    _, span = badge(cluster)
    over = max(crossed, default=0.0) + span + 11.0 - wide if span else 0.0
    widths = header_widths(cluster)
    if not widths:
        return max(0.0, over)
    _, room = title_room(cluster, wide, crossed)
    return max(0.0, over, (widths[0] if in_one_line(cluster) else max(widths)) + 1.0 - room)


def label_lacks(lines: Iterable[tuple[float, float]], room: float) -> float:
    """By how much the labels beside the lines out of one box are longer than a frame has room for.

    A label between two lines is left out where there is no room for it.

    Args:
        lines: Where each line starts, from the frame's left, and how wide its label is.
        room: How wide the frame is.
    """
    ordered = sorted(lines)
    (left, first), (right, last) = ordered[0], ordered[-1]
    if left == right:
        return last + _BESIDE - max(left, room - right)
    return max(first + _BESIDE - left, last + _BESIDE - (room - right))


def header_size(cluster: Cluster) -> tuple[float, float]:
    """Width and height that a cluster's title needs, with its number of repetitions.

    The trunk of the picture comes in through the middle of the top, so the title has one half of
    the width to itself.
    """
    widths = header_widths(cluster)
    if not widths:
        return 60.0, LEAD + (22.0 if cluster.is_run else 5.0)
    if in_one_line(cluster):
        return 2.0 * sum(widths) + 44.0, LEAD + 20.0
    return 2.0 * max(widths) + 44.0, LEAD + 8.0 + 12.5 * len(widths)
