"""The title of a cluster's frame: its words, and the room that they take."""

from __future__ import annotations

from graphlens.render.metrics import fitted, path_fitted, width
from graphlens.view import Cluster
from graphlens.view.fold import CONTAINERS

LEAD = 10.0
"""Space kept free above a cluster's frame, where arrows come down with their shapes."""
_ALONE = 92.0
"""How wide a title may be to stand in one line."""


def header(cluster: Cluster) -> list[tuple[str, float, str, bool]]:
    """The words of a cluster's title, its path and its class: text, type size, colour, bold."""
    kind = "" if cluster.kind in CONTAINERS and cluster.path else cluster.kind
    words = [(cluster.path, 10.5, "soft", True), (kind, 10.0, "faint", False)]
    return [word for word in words if word[0]]


def header_widths(cluster: Cluster) -> list[float]:
    """The width of each word of a cluster's title."""
    return [
        width(title_fitted(text, size, 130.0, bold), size, bold)
        for text, size, _, bold in header(cluster)
    ]


def title_fitted(text: str, size: float, room: float, bold: bool) -> str:
    """A word of a title (the path is bold) in ``room`` points."""
    return (path_fitted if bold else fitted)(text, size, room, bold)


def in_one_line(cluster: Cluster) -> bool:
    """Whether the path and the class of a cluster stand in one line."""
    return sum(header_widths(cluster)) + 5.0 <= _ALONE


def header_size(cluster: Cluster) -> tuple[float, float]:
    """Width and height that a cluster's title needs, with its number of repetitions.

    The trunk of the picture comes in through the middle of the top, so the title has one half of
    the width to itself.
    """
    widths = header_widths(cluster)
    if not widths:
        return 60.0, LEAD + (22.0 if cluster.repeat > 1 else 5.0)
    if in_one_line(cluster):
        return 2.0 * sum(widths) + 44.0, LEAD + 20.0
    return 2.0 * max(widths) + 44.0, LEAD + 8.0 + 12.5 * len(widths)
