"""Ops that ONNX Runtime does less exactly than a framework.

Some ops on integers it does in float64: it rounds what is beyond 2**53 and ends at the largest
integer, where every framework goes round; ONNX's reference evaluator is exact. A sum, which is
common, is written so that it is exact in ONNX Runtime too (`sum_in_parts`); the others, which are
rare, are run by the reference evaluator. So is a DFT whose length is no power of two: the chirp of
Bluestein's algorithm costs it four digits of float32 (5e-4 of the largest value at 1,920).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import onnx
from onnx import helper

from graphlens.ir.graph import Graph

ROUNDED = frozenset({"Pow", "ReduceL1", "ReduceProd", "ReduceSum", "ReduceSumSquare"})
"""The ops on integers, as found by running each on large integers beside numpy."""

_VIEWS = frozenset({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Slice"})
_SMALL = frozenset({"bool", "int8", "uint8", "int16", "uint16"})
"""Types of which 2**37 values have a sum below 2**53."""
_BASE = 1 << 32
"""An int64 is ``high * _BASE + low``, both halves below 2**32 in magnitude."""
_MOST = 1 << 21
"""As many halves have a sum below 2**53."""


def may_round(graph: Graph, name: str) -> bool:
    """Whether a node is to be run by the reference evaluator, as its result may be rounded."""
    fields = graph.nodes[name]
    results = fields["results"]
    if fields["op"] == "DFT" and not fields["domain"]:
        return not _is_power_of_two(_dft_length(graph, name))
    if fields["op"] not in ROUNDED or fields["domain"] or not results:
        return False
    if not results[0].dtype.startswith(("int", "uint")):
        return False
    if fields["op"] != "ReduceSum":
        return True
    operand = graph.operands(name)[0]
    shape = () if operand is None else graph.type_of(operand).shape or ()
    return prod(dim for dim in shape if isinstance(dim, int)) > _MOST and not _is_small(graph, name)


def _dft_length(graph: Graph, name: str) -> int:
    """The length of a Fourier transform, 0 where it is not known."""
    signal, length, axis = (*graph.operands(name), None, None)[:3]
    given = None if length is None else graph.value_of(length)
    if given is not None:
        return int(given.item())
    place = graph.value_of(axis) if axis is not None else -2
    shape = None if signal is None else graph.type_of(signal).shape
    if length is not None or place is None or shape is None:
        return 0
    size = shape[int(place)]
    return size if isinstance(size, int) else 0


def _is_power_of_two(length: int) -> bool:
    return length > 0 and not length & (length - 1)


def is_in_parts(graph: Graph, name: str) -> bool:
    """Whether a node is a sum of int64 or int32 that is to be written as `sum_in_parts`.

    A sum of what was cast from a mask or from small integers is left as it is.
    """
    fields = graph.nodes[name]
    if fields["op"] != "ReduceSum" or fields["domain"]:
        return False
    if fields["results"][0].dtype not in _PARTS:
        return False
    return not may_round(graph, name) and not _is_small(graph, name)


def _is_small(graph: Graph, name: str) -> bool:
    """Whether what is summed was cast from a type of small values."""
    value = graph.operands(name)[0]
    while value is not None and graph.op(value.node) in {*_VIEWS, "Cast"}:
        value = graph.operands(value.node)[0]
        if value is not None and graph.type_of(value).dtype in _SMALL:
            return True
    return False


def sum_in_parts(
    node: onnx.NodeProto, dtype: str, fresh: Callable[[str], str]
) -> list[onnx.NodeProto]:
    """A ReduceSum of integers as nodes that ONNX Runtime does exactly, modulo the integers' size.

    ``ReduceSum(x) -> ReduceSum(x / 2**32) * 2**32 + ReduceSum(x - x / 2**32 * 2**32)`` in int64,
    and ``Cast(ReduceSum(Cast(x)))`` in int32.

    Args:
        node: The ReduceSum.
        dtype: ``'int64'`` or ``'int32'``.
        fresh: Makes a name that is not taken.
    """
    kind, names = _PARTS[dtype]
    return kind(node, *(fresh(f"{node.output[0]}.{part}") for part in names.split()))


def _halved(node: onnx.NodeProto, *names: str) -> list[onnx.NodeProto]:
    x, *axes = node.input
    base, high, cut, low, top, bottom, moved = names
    return [
        helper.make_node("Constant", [], [base], value_int=_BASE),
        helper.make_node("Div", [x, base], [high]),
        helper.make_node("Mul", [high, base], [cut]),
        helper.make_node("Sub", [x, cut], [low]),
        _again(node, [high, *axes], top),
        _again(node, [low, *axes], bottom),
        helper.make_node("Mul", [top, base], [moved]),
        helper.make_node("Add", [moved, bottom], node.output, name=node.name),
    ]


def _widened(node: onnx.NodeProto, wide: str, made: str) -> list[onnx.NodeProto]:
    x, *axes = node.input
    return [
        helper.make_node("Cast", [x], [wide], to=onnx.TensorProto.INT64),
        _again(node, [wide, *axes], made),
        helper.make_node("Cast", [made], node.output, name=node.name, to=onnx.TensorProto.INT32),
    ]


_PARTS: dict[str, tuple[Callable[..., list[onnx.NodeProto]], str]] = {
    "int64": (_halved, "base high cut low top bottom moved"),
    "int32": (_widened, "wide made"),
}
"""How a sum of a type is written, and what its inner values are called."""


def _again(node: onnx.NodeProto, operands: list[str], result: str) -> onnx.NodeProto:
    """The same op on something else."""
    made = onnx.NodeProto()
    made.CopyFrom(node)
    made.input[:], made.output[:] = operands, [result]
    return made
