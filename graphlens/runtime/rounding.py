"""Ops on integers that ONNX Runtime does in float64.

It rounds what is beyond 2**53 and ends at the largest integer, where every framework goes round;
ONNX's reference evaluator is exact.
"""

from __future__ import annotations

from graphlens.ir.graph import Graph

ROUNDED = frozenset({"Pow", "ReduceL1", "ReduceProd", "ReduceSum", "ReduceSumSquare"})
"""The ops, as found by running each on large integers beside numpy."""

_GROWING = frozenset({"Mul", "Pow", "MatMul", "BitShift"})
_VIEWS = frozenset({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Slice"})


def may_round(graph: Graph, name: str) -> bool:
    """Whether a node's result may be beyond what float64 holds.

    A sum is held to do so where it is one of products. Counts and sums of masks, which are common,
    never do; a sum of large inputs would, and is not told from them.
    """
    fields = graph.nodes[name]
    results = fields["results"]
    if fields["op"] not in ROUNDED or fields["domain"] or not results:
        return False
    if not results[0].dtype.startswith(("int", "uint")):
        return False
    if fields["op"] != "ReduceSum":
        return True
    value = graph.operands(name)[0]
    while value is not None and graph.op(value.node) in _VIEWS:
        value = graph.operands(value.node)[0]
    return value is not None and graph.op(value.node) in _GROWING
