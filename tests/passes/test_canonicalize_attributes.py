"""Attributes in canonical form: what goes without saying goes, the rest is exact at float32."""

from __future__ import annotations

from typing import Any

import pytest

from graphlens.ir import Graph, Node, Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize_attributes import settle_attributes
from graphlens.tensor import TensorType


def one(op: str, shape: tuple[Any, ...], made: tuple[Any, ...], **attributes: Any) -> Graph:
    """A graph of one op on an input (and on a weight, for a convolution)."""
    graph = Graph(name="one")
    builder = Builder(graph)
    operands = [builder.input("x", TensorType("float32", shape))]
    if op == "Conv":
        operands.append(builder.param("w", TensorType("float32", (4, shape[1], 3, 3))))
    results = [TensorType("float32", made)]
    builder.output([builder.op(op, *operands, results=results, name="y", **attributes)])
    return graph


@pytest.mark.parametrize(
    ("graph", "left"),
    [
        (one("Softmax", (2, 3), (2, 3), axis=-1), {}),
        (one("Softmax", (2, 3), (2, 3), axis=1), {}),
        (one("Softmax", (2, 3), (2, 3), axis=-2), {"axis": 0}),
        (one("LeakyRelu", (2,), (2,), alpha=0.01), {}),
        (one("LeakyRelu", (2,), (2,), alpha=0.1), {"alpha": 0.10000000149011612}),
        (one("Transpose", (2, 3), (3, 2), perm=(1, 0)), {}),
        (one("Cast", (2,), (2,), to="int32", saturate=0), {"to": "int32"}),
        (
            one("Conv", (1, 3, 8, 8), (1, 4, 6, 6), strides=(1, 1), pads=(0, 0, 0, 0), group=1,
                kernel_shape=(3, 3), dilations=(1, 1), auto_pad="VALID", data_format="NCHW"),
            {},
        ),
        (
            one("Conv", (1, 3, 8, 8), (1, 4, 8, 8), auto_pad="SAME_UPPER"),
            {"pads": (1, 1, 1, 1)},
        ),
        (
            one("Conv", (1, 3, 8, 8), (1, 4, 4, 4), auto_pad="SAME_UPPER", strides=(2, 2)),
            {"pads": (0, 0, 1, 1), "strides": (2, 2)},
        ),
        (
            one("Conv", (1, 3, 8, 8), (1, 4, 4, 4), auto_pad="SAME_LOWER", strides=(2, 2)),
            {"pads": (1, 1, 0, 0), "strides": (2, 2)},
        ),
        (
            one("Conv", (1, 3, "h", 8), (1, 4, "g", 4), auto_pad="SAME_UPPER", strides=(2, 2)),
            {"auto_pad": "SAME_UPPER", "strides": (2, 2)},
        ),
        (
            one("MaxPool", (1, 3, 8, 8), (1, 3, 4, 4), kernel_shape=(2, 2), strides=(2, 2),
                ceil_mode=1),
            {"kernel_shape": (2, 2), "strides": (2, 2)},
        ),
        (
            one("MaxPool", (1, 3, 7, 7), (1, 3, 4, 4), kernel_shape=(2, 2), strides=(2, 2),
                ceil_mode=1),
            {"ceil_mode": 1, "kernel_shape": (2, 2), "strides": (2, 2)},
        ),
        (
            one("AveragePool", (1, 3, 8, 8), (1, 3, 7, 7), kernel_shape=(2, 2),
                count_include_pad=1),
            {"kernel_shape": (2, 2)},
        ),
    ],
)  # fmt: skip
def test_what_is_left_of_attributes(graph: Graph, left: dict[str, Any]) -> None:
    after = settle_attributes(graph)
    assert after.node("y").attributes == left
    assert settle_attributes(after) is after


def test_results_that_nobody_reads_are_left_out() -> None:
    graph = Graph(name="pool")
    builder = Builder(graph)
    x = builder.input("x", TensorType("float32", (1, 1, 4, 4)))
    held = TensorType("float32", (1, 1, 3, 3))
    pooled = builder.op(
        "MaxPool", x, kernel_shape=(2, 2), results=[held, held.with_dtype("int64")], name="y"
    )
    builder.output([pooled])
    assert settle_attributes(graph).node("y").results == (held,)
    graph = graph.copy()
    graph.connect(Value(pooled.node, 1), "output", 1)
    assert settle_attributes(graph) is graph


def test_foreign_ops_keep_all_they_say() -> None:
    graph = Graph(name="foreign")
    held = TensorType("float32", (2,))
    graph.add(Node("Input", "graphlens", results=(held,)), name="x")
    graph.add(Node("foo", "aten", {"axis": -1, "alpha": 0.1}, (held,)), [Value("x")], "y")
    graph.add(Node("Output", "graphlens"), [Value("y")], "output")
    assert settle_attributes(graph) is graph
