"""Working out result types that were not known when a node was captured, but are by now."""

from __future__ import annotations

from graphlens.ir import Editor, Graph
from graphlens.ops.infer import infer
from graphlens.ops.schema import schema
from graphlens.tensor import UNDEFINED, TensorType


def settle_types(graph: Graph) -> Graph:
    """The graph with every type inferred that its operands' types by now determine.

    A function that an exporter wrote for any shape is inlined with unknown types; so is what
    follows a list of tensors until the list is gone. Only nodes all of whose operands are of
    static type are looked at, in order of execution, so that one sweep settles all.
    """
    editor = Editor(graph)
    for name in graph.in_order():
        held = editor.graph.nodes[name]["results"]
        if not all(map(_is_settled, held)):
            found = _settled(editor.graph, name)
            if found is not None and found != held:
                editor.update(name, results=found)
    return editor.finish()


def _is_settled(held: TensorType) -> bool:
    return held.is_static and held.dtype != UNDEFINED


def _settled(graph: Graph, name: str) -> tuple[TensorType, ...] | None:
    """A node's result types with what inference adds to them, None if it cannot be asked."""
    node, operands = graph.node(name), graph.operands(name)
    types = [None if value is None else graph.type_of(value) for value in operands]
    if schema(node.op, node.domain) is None or node.regions:
        return None
    if not types or not all(held is None or _is_settled(held) for held in types):
        return None
    values = [graph.value_of(value) for value in operands]
    inferred = infer(node, types, values, len(node.results))
    pairs = zip(node.results, inferred, strict=True)
    return tuple(_sharper(old, new) for old, new in pairs)


def _sharper(old: TensorType, new: TensorType) -> TensorType:
    """The old type where it says more, or contradicts; else the new one."""
    if not _is_settled(new) or (old.dtype not in (new.dtype, UNDEFINED)):
        return old
    if old.shape is None:
        return new
    fits = len(old.shape) == len(new.shape or ()) and all(
        not isinstance(a, int) or a == b for a, b in zip(old.shape, new.shape or (), strict=True)
    )
    return new if fits else old
