"""Result types of one node: of the commonest ops at once, of the others by ONNX's inference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import shape_inference

from graphlens.errors import GraphError
from graphlens.ir.graph import Graph
from graphlens.ir.node import REGION, Node
from graphlens.ops.contrib import BLOCKED, MICROSOFT, contributed
from graphlens.ops.facts import facts
from graphlens.ops.node_proto import node_proto
from graphlens.ops.proto import tensor_proto, tensor_type, type_proto
from graphlens.ops.quick import quick
from graphlens.ops.schema import opset_of, schema
from graphlens.tensor import UNKNOWN, Dim, TensorType

_LARGEST = 1024
"""Elements of a constant operand up to which inference is shown its value."""


def infer(
    node: Node,
    operands: Sequence[TensorType | None],
    values: Sequence[np.ndarray | None] = (),
    results: int = 1,
) -> tuple[TensorType, ...]:
    """The types of a node's results.

    Args:
        node: The op, its attributes and regions; of its own ``results`` only the dtype of a
            ConstantOfShape is looked at.
        operands: The type of each operand, None for one not given.
        values: The value of each operand where it is a known constant (a Reshape's shape), as
            `values.propagate` makes them.
        results: How many results the node has.

    Returns:
        One type a result; `UNKNOWN` where nothing can tell.
    """
    if node.regions:
        made = _of_regions(node, operands)
    elif results == 1 and (found := quick(node, operands, values)) is not None:
        return (found,)
    elif node.domain in (MICROSOFT, BLOCKED):
        made = contributed(node, operands, _plain)
    else:
        made = _by_onnx(node, operands, values, results)
    return (*made[:results], *(UNKNOWN,) * (results - len(made)))


def _plain(node: Node, operands: Sequence[TensorType | None]) -> tuple[TensorType, ...]:
    """Inference of an ONNX node whose operands have no known values."""
    return infer(node, operands)


def _by_onnx(
    node: Node,
    operands: Sequence[TensorType | None],
    values: Sequence[np.ndarray | None],
    results: int,
) -> tuple[TensorType, ...]:
    found = schema(node.op, node.domain)
    if found is None:
        return ()
    layout = facts(node.op, node.domain).layout
    channels_last = node.attributes.get("data_format") == "NHWC"
    types = list(operands)
    if channels_last:
        for index in layout[0]:
            types[index] = _moved(types[index], channels_first)
    names = ["" if held is None else f"o{index}" for index, held in enumerate(types)]
    outputs = [f"r{index}" for index in range(results)]
    try:
        got = shape_inference.infer_node_outputs(
            found,
            node_proto(node, "n", names, outputs),
            {f"o{i}": type_proto(held) for i, held in enumerate(types) if held is not None},
            {
                f"o{i}": tensor_proto(value)
                for i, value in enumerate(values)
                if value is not None and names[i] and _is_shown(value)
            },
            opset_imports=[onnx.helper.make_opsetid(node.domain, opset_of(node.op, node.domain))],
        )
    except (*_REFUSALS, GraphError, RuntimeError, ValueError, TypeError):
        return ()
    made = [tensor_type(got[name]) if name in got else UNKNOWN for name in outputs]
    if node.op == "ConvTranspose" or (node.op == "Resize" and 0 not in _axes(node)):
        made[0] = _with_batch(made[0], types[0])
    if channels_last:
        for index in layout[1]:
            made[index] = _moved(made[index], channels_last_order) or UNKNOWN
    return tuple(made)


def _axes(node: Node) -> tuple[object, ...]:
    """The axes that a Resize speaks of: by default all."""
    found = node.attributes.get("axes", (0,))
    return found if isinstance(found, tuple) else (0,)


def _with_batch(made: TensorType, image: TensorType | None) -> TensorType:
    """The type with the image's batch, which ONNX's inference loses where it is a symbol."""
    if image is None or not image.shape or not made.shape or made.shape[0] != "?":
        return made
    return made.with_shape((image.shape[0], *made.shape[1:]))


_REFUSALS = (shape_inference.InferenceError, onnx.checker.ValidationError)


def _is_shown(value: np.ndarray) -> bool:
    return value.size < _LARGEST and value.dtype != object


# -- ops with regions -----------------------------------------------------------------------


def _of_regions(node: Node, operands: Sequence[TensorType | None]) -> tuple[TensorType, ...]:
    bodies = [_outputs(body) for body in node.regions.values()]
    if node.op == REGION:
        return bodies[0]
    if node.op == "If" and len(bodies) == 2:
        return tuple(map(_common, *bodies)) if len(bodies[0]) == len(bodies[1]) else ()
    captured = node.attributes.get("captures", 0)
    given = operands[: len(operands) - (captured if isinstance(captured, int) else 0)]
    if node.op == "Loop":
        carried = given[2:]
        made = bodies[0][1:]
        return (
            *(_common(own or UNKNOWN, new) for own, new in zip(carried, made, strict=False)),
            *(_stacked(held, 0, "?") for held in made[len(carried) :]),
        )
    return _of_scan(node, given, bodies[0]) if node.op == "Scan" else ()


def _of_scan(
    node: Node, given: Sequence[TensorType | None], made: tuple[TensorType, ...]
) -> tuple[TensorType, ...]:
    scanned = node.attributes.get("num_scan_inputs", 0)
    states = len(given) - (scanned if isinstance(scanned, int) else 0)
    axes = node.attributes.get("scan_input_axes", ())
    axis = axes[0] if isinstance(axes, tuple) and axes else 0
    first = given[states] if states < len(given) else None
    shape = None if first is None else first.shape
    steps: Dim = "?"
    if shape and isinstance(axis, int) and -len(shape) <= axis < len(shape):
        steps = shape[axis]
    placed = node.attributes.get("scan_output_axes", ())
    out = [it for it in placed if isinstance(it, int)] if isinstance(placed, tuple) else []
    out += [0] * (len(made) - states - len(out))
    return (
        *made[:states],
        *(_stacked(held, at, steps) for held, at in zip(made[states:], out, strict=False)),
    )


def _outputs(body: Graph) -> tuple[TensorType, ...]:
    return tuple(body.type_of(value) for value in body.outputs)


def _common(one: TensorType, other: TensorType) -> TensorType:
    """What is true of both types."""
    dtype = one.dtype if one.dtype == other.dtype else UNKNOWN.dtype
    if one.shape is None or other.shape is None or len(one.shape) != len(other.shape):
        return TensorType(dtype, None)
    pairs = zip(one.shape, other.shape, strict=True)
    return TensorType(dtype, tuple(a if a == b else "?" for a, b in pairs))


def _stacked(held: TensorType, axis: int, size: Dim) -> TensorType:
    """The type of many values of a type, stacked along a new axis."""
    if held.shape is None:
        return held
    axis = axis % (len(held.shape) + 1)
    return held.with_shape((*held.shape[:axis], size, *held.shape[axis:]))


# -- layouts --------------------------------------------------------------------------------


def channels_first(rank: int) -> tuple[int, ...]:
    """The permutation from [N, spatial..., C] to [N, C, spatial...]."""
    return (0, rank - 1, *range(1, rank - 1))


def channels_last_order(rank: int) -> tuple[int, ...]:
    """The permutation from [N, C, spatial...] to [N, spatial..., C]."""
    return (0, *range(2, rank), 1)


def _moved(held: TensorType | None, order: Callable[[int], tuple[int, ...]]) -> TensorType | None:
    if held is None or held.shape is None:
        return held
    return held.with_shape(tuple(held.shape[axis] for axis in order(len(held.shape))))
