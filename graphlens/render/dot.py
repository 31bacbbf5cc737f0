"""DOT text: opaque ids, fixed sizes, and every word of a stranger escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import graphviz

from graphlens.render.columns import BOX_GAP, RANK_GAP
from graphlens.render.measure import Size
from graphlens.render.metrics import clean, fitted, width
from graphlens.view import Arrow, Box, Cluster, Diagram

_INCH = 72.0
HEADER = 20.0
"""Height of a cluster's title."""


def header_width(cluster: Cluster) -> float:
    """Width of a cluster's title with its number of repetitions."""
    badge = width(f"× {cluster.repeat}", 11, True) + 22 if cluster.repeat > 1 else 0.0
    return width(fitted(cluster.label, 10.5, 230.0, True), 10.5, True) + badge + 8


def source(
    boxes: Sequence[Box],
    arrows: Sequence[Arrow],
    clusters: Sequence[Cluster],
    sizes: Mapping[str, Size],
    entries: Sequence[tuple[str, str]] = (),
    exits: Sequence[tuple[str, str]] = (),
) -> str:
    """The DOT text of one column.

    Args:
        boxes: Its boxes, which become ``n0``, ``n1`` ... in this order.
        arrows: The arrows between them.
        clusters: Those that hold one of the boxes, outer ones first.
        sizes: The size of each box.
        entries: ``(id, box)``: points at the top from which a tensor comes to a box.
        exits: ``(box, id)``: points at the bottom to which a box's tensor goes.
    """
    ids = {box.id: f"n{index}" for index, box in enumerate(boxes)}
    text = graphviz.Digraph("g")
    text.attr("graph", ranksep=_inches(RANK_GAP), nodesep=_inches(BOX_GAP), splines="true")
    text.attr(
        "graph", newrank="false", remincross="true", searchsize="60", nslimit="8", mclimit="2"
    )
    text.attr("node", shape="box", fixedsize="true", label="")
    text.attr("edge", arrowsize="0.6", arrowhead="normal")
    _fill(text, boxes, clusters, sizes, ids)
    for point in [held for held, _ in entries] + [held for _, held in exits]:
        ids.setdefault(point, point)
        text.node(point, shape="point", width="0.02", height="0.02")
    place = {box.id: index for index, box in enumerate(boxes)}
    for arrow in arrows:
        steps = place[arrow.head] - place[arrow.tail]
        text.edge(ids[arrow.tail], ids[arrow.head], weight="8" if steps == 1 else "2")
    for point, box in entries:
        text.edge(point, ids[box], weight="4")
    for box, point in exits:
        text.edge(ids[box], point, weight="4", arrowhead="none")
    _hold(text, "min", [held for held, _ in entries])
    _hold(text, "max", [held for _, held in exits])
    return text.source


def _hold(text: graphviz.Digraph, rank: str, points: Sequence[str]) -> None:
    if points:
        with text.subgraph() as line:
            line.attr(rank="sink" if rank == "max" else "source")
            for point in dict.fromkeys(points):
                line.node(point)


def _fill(
    text: graphviz.Digraph,
    boxes: Sequence[Box],
    clusters: Sequence[Cluster],
    sizes: Mapping[str, Size],
    ids: Mapping[str, str],
) -> None:
    """Nodes within their clusters, written inside out, for a subgraph is added when it is whole."""
    frames: dict[str, graphviz.Digraph] = {"": text}
    for index, cluster in enumerate(clusters):
        frame = graphviz.Digraph(f"cluster_{index}")
        wide = round(header_width(cluster))
        table = (
            f'<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" FIXEDSIZE="TRUE" '
            f'WIDTH="{wide}" HEIGHT="{HEADER:.0f}"><TR><TD></TD></TR></TABLE>'
        )
        frame.attr(label=f"<{table}>", margin="9", labeljust="l")
        frames[cluster.id] = frame
    for box in boxes:
        size = sizes[box.id]
        frames[box.cluster].node(
            ids[box.id], width=_inches(size.width), height=_inches(size.height)
        )
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
