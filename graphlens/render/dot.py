"""DOT text, for other tools: opaque ids, and every word of a stranger escaped."""

from __future__ import annotations

import graphviz

from graphlens.render.metrics import clean, fitted
from graphlens.view import Diagram


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
        times = f" {cluster.times}".rstrip()
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
