"""Pictures as plain data: diagrams, before/after, memory maps; no colours and no layout."""

from graphlens.view.before_after import before_after
from graphlens.view.diagram import (
    Arrow,
    Band,
    Box,
    Cluster,
    Diagram,
    Face,
    Fact,
    MemoryMap,
    Pane,
    Picture,
    Row,
    Span,
    Tag,
)
from graphlens.view.memory_map import memory
from graphlens.view.merged import difference
from graphlens.view.picture import graph

__all__ = [
    "Arrow",
    "Band",
    "Box",
    "Cluster",
    "Diagram",
    "Face",
    "Fact",
    "MemoryMap",
    "Pane",
    "Picture",
    "Row",
    "Span",
    "Tag",
    "before_after",
    "difference",
    "graph",
    "memory",
]
