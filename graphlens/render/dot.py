"""DOT text: opaque ids, fixed sizes, and every word of a stranger escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import graphviz

from graphlens.render.columns import BOX_GAP, RANK_GAP
from graphlens.render.measure import Size
from graphlens.render.metrics import clean, fitted, width
from graphlens.render.wires import Wiring
from graphlens.view import Box, Cluster, Diagram
from graphlens.view.fold import CONTAINERS

_INCH = 72.0
LEAD = 10.0
"""Space kept free above a cluster's frame, where arrows come down with their shapes."""


_ALONE = 92.0


def header(cluster: Cluster) -> list[tuple[str, float, str, bool]]:
    """The words of a cluster's title, its path and its class: text, type size, colour, bold."""
    kind = "" if cluster.kind in CONTAINERS and cluster.path else cluster.kind
    words = [(cluster.path, 10.5, "soft", True), (kind, 10.0, "faint", False)]
    return [word for word in words if word[0]]


def header_widths(cluster: Cluster) -> list[float]:
    """The width of each word of a cluster's title."""
    return [
        width(fitted(text, size, 130.0, bold), size, bold)
        for text, size, _, bold in header(cluster)
    ]


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


def source(
    boxes: Sequence[Box],
    clusters: Sequence[Cluster],
    sizes: Mapping[str, Size],
    wiring: Wiring,
) -> str:
    """The DOT text of one column.

    Args:
        boxes: Its boxes, which become ``n0``, ``n1`` ... in this order.
        clusters: Those that hold one of the boxes, outer ones first.
        sizes: The size of each box.
        wiring: What runs between them.
    """
    text = graphviz.Digraph("g")
    text.attr("graph", ranksep=_inches(RANK_GAP), nodesep=_inches(BOX_GAP), splines="true")
    text.attr("graph", remincross="true", searchsize="60", nslimit="8", mclimit="2")
    text.attr("node", shape="box", fixedsize="true", label="")
    text.attr("edge", arrowsize="0.6", arrowhead="normal")
    _fill(text, boxes, clusters, sizes, wiring)
    for point in wiring.entries + wiring.exits:
        _point(text, point)
    for wire in wiring.wires:
        end = {} if wire.pointed else {"arrowhead": "none"}
        port = {"headport": "n"} if wire.head[0] == "f" else {}
        text.edge(wire.tail, wire.head, weight=str(wire.weight), **end, **port)
    _hold(text, "source", wiring.entries)
    _hold(text, "sink", wiring.exits)
    return text.source


def _point(text: graphviz.Digraph, name: str) -> None:
    text.node(name, shape="point", width="0.01", height="0.01")


def _hold(text: graphviz.Digraph, rank: str, points: Sequence[str]) -> None:
    if points:
        line = graphviz.Digraph(graph_attr={"rank": rank})
        for point in points:
            line.node(point)
        text.subgraph(line)


def _fill(
    text: graphviz.Digraph,
    boxes: Sequence[Box],
    clusters: Sequence[Cluster],
    sizes: Mapping[str, Size],
    wiring: Wiring,
) -> None:
    """Nodes within their clusters, written inside out, for a subgraph is added when it is whole."""
    frames: dict[str, graphviz.Digraph] = {"": text}
    for index, cluster in enumerate(clusters):
        frame = graphviz.Digraph(f"cluster_{index}")
        wide, high = header_size(cluster)
        table = (
            f'<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" FIXEDSIZE="TRUE" '
            f'WIDTH="{wide:.0f}" HEIGHT="{high:.0f}"><TR><TD></TD></TR></TABLE>'
        )
        frame.attr(label=f"<{table}>", margin="8", labeljust="l")
        frames[cluster.id] = frame
    for index, box in enumerate(boxes):
        size = sizes[box.id]
        frames[box.cluster].node(
            f"n{index}", width=_inches(size.width), height=_inches(size.height)
        )
    for fork in wiring.forks:
        _point(frames[fork.cluster], fork.id)
    for cluster in reversed(clusters):
        frames[cluster.parent].subgraph(frames[cluster.id])


def _inches(points: float) -> str:
    return f"{points / _INCH:.4f}"


def to_dot(diagram: Diagram) -> str:
    """A diagram as DOT for other tools: one label per box, clusters with their titles."""
    ids = {box.id: f"n{index}" for index, box in enumerate(diagram.boxes)}
    text = graphviz.Digraph("graphlens")
    text.attr("graph", label=_word(diagram.title), labelloc="t", fontname="Helvetica")
    text.attr("node", shape="box", style="rounded", fontname="Helvetica", fontsize="11")
    text.attr("edge", arrowsize="0.6", fontname="Helvetica", fontsize="9")
    frames: dict[str, graphviz.Digraph] = {"": text}
    for index, cluster in enumerate(diagram.clusters):
        frame = graphviz.Digraph(f"cluster_{index}")
        times = f" × {cluster.repeat}" if cluster.repeat > 1 else ""
        frame.attr(label=_word(cluster.label + times), tooltip=_word(cluster.title))
        frames[cluster.id] = frame
    for box in diagram.boxes:
        rows = [f"{row.text} {row.detail}".strip() for row in box.face.rows]
        rows += [f"{'→' if tag.outgoing else '←'} {tag.text}" for tag in box.tags]
        label = graphviz.nohtml("\\n".join(_word(fitted(row, 11, 260)) for row in rows))
        frames[box.cluster].node(ids[box.id], label=label, tooltip=_word(box.id))
    for cluster in reversed(diagram.clusters):
        frames[cluster.parent].subgraph(frames[cluster.id])
    for arrow in diagram.arrows:
        text.edge(ids[arrow.tail], ids[arrow.head], label=_word(arrow.label))
    return text.source


def _word(text: str) -> str:
    return graphviz.escape(clean(text[:1000]))
