"""Types that become known once constants are folded: of a Reshape to a computed shape, say."""

from __future__ import annotations

from graphlens.ir import OURS, Editor, Graph
from graphlens.ops.infer import infer
from graphlens.rewrite import agree
from graphlens.rewrite.regions import inside
from graphlens.tensor import UNDEFINED, TensorType


def refine_types(graph: Graph) -> Graph:
    """The graph with unknown result types inferred again, inside regions too.

    Only types with an unknown dtype, rank or unnamed dimension are looked at; what the graph
    says already is never contradicted.
    """
    graph = inside(graph, refine_types)
    editor = Editor(graph)
    for name in graph.in_order():
        held = graph.nodes[name]
        if held["domain"] == OURS or held["regions"] or not any(map(_is_vague, held["results"])):
            continue
        operands = graph.operands(name)
        types = [None if value is None else editor.graph.type_of(value) for value in operands]
        values = [graph.value_of(value) for value in operands]
        found = infer(graph.node(name), types, values, len(held["results"]))
        results = tuple(map(_better, held["results"], found))
        if results != held["results"]:
            editor.update(name, results=results)
    return editor.finish()


def _is_vague(held: TensorType) -> bool:
    return held.dtype == UNDEFINED or held.shape is None or "?" in held.shape


def _better(old: TensorType, new: TensorType) -> TensorType:
    """What two types say together; the old one where they disagree."""
    if not agree(old, new):
        return old
    dtype = new.dtype if old.dtype == UNDEFINED else old.dtype
    if old.shape is None or new.shape is None:
        return TensorType(dtype, new.shape if old.shape is None else old.shape)
    dims = zip(old.shape, new.shape, strict=True)
    return TensorType(dtype, tuple(b if a == "?" else a for a, b in dims))
