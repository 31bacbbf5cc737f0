"""numpy kernels of the ops that compute on constants in nearly every captured graph.

They follow ONNX's operator specification; all other ops are evaluated by `runtime.run`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphlens.ops.schema import defaults
from graphlens.tensor import TensorType

Array = np.ndarray
Kernel = Callable[[Mapping[str, Any], Sequence[Any]], Any]


def evaluate(
    op: str,
    attributes: Mapping[str, Any],
    operands: Sequence[Array | None],
    results: Sequence[TensorType],
) -> list[Any] | None:
    """What an op of `KERNELS` makes of arrays: one for each result; None if it declines.

    Args:
        op: Its ONNX name.
        attributes: Its attributes, those of the schema's defaults left out.
        operands: One array an operand, None for one not given.
        results: The types of its results.
    """
    settled: Mapping[str, Any] = {
        **defaults(op),
        "num_outputs": len(results),
        "result": results[0].dtype,
        **attributes,
    }
    try:
        with np.errstate(all="ignore"):
            made = KERNELS[op](settled, operands)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return made if made is None or isinstance(made, list) else [made]


def _axes(
    operands: Sequence[Array | None], attributes: Mapping[str, Any]
) -> tuple[int, ...] | None:
    given = operands[1] if len(operands) > 1 else None
    if given is None:
        return attributes.get("axes")
    return tuple(int(axis) for axis in given.reshape(-1))


def reshape(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    """Reshape: 0 takes the operand's dimension unless allowzero, -1 is worked out."""
    array, shape = operands
    wanted = [int(dim) for dim in shape]
    if not attributes.get("allowzero"):
        wanted = [array.shape[axis] if dim == 0 else dim for axis, dim in enumerate(wanted)]
    return array.reshape(wanted)


def _transpose(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    return operands[0].transpose(attributes.get("perm"))


def _flatten(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    shape = operands[0].shape
    axis = attributes["axis"] + (len(shape) if attributes["axis"] < 0 else 0)
    return operands[0].reshape(int(np.prod(shape[:axis])), -1)


def _squeeze(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    return np.squeeze(operands[0], _axes(operands, attributes))


def _unsqueeze(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    return np.expand_dims(operands[0], _axes(operands, attributes) or ())


def _cast(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array | None:
    wanted = attributes["to"]
    if wanted == "string" or operands[0].dtype.hasobject or wanted.startswith("float8"):
        return None
    return operands[0].astype(np.dtype(wanted), copy=False)


def _gather(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    return np.take(operands[0], operands[1], axis=attributes["axis"])


def _gather_nd(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array | None:
    data, indices = operands
    if attributes["batch_dims"]:
        return None
    return data[tuple(np.moveaxis(indices, -1, 0))]


def _cum_sum(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array | None:
    array, axis = operands[0], int(operands[1].reshape(()))
    if attributes["exclusive"] or attributes["reverse"]:
        return None
    return np.cumsum(array, axis, array.dtype)


def _slice(_: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    array, starts, ends = operands[:3]
    axes = operands[3] if len(operands) > 3 and operands[3] is not None else range(len(starts))
    steps = operands[4] if len(operands) > 4 and operands[4] is not None else [1] * len(starts)
    index = [slice(None)] * array.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        low = -array.shape[axis] - 1
        stop = None if step < 0 and end <= low else int(end)
        index[int(axis)] = slice(int(start), stop, int(step))
    return array[tuple(index)]


def split_sizes(total: int, count: int) -> list[int]:
    """Sizes of a Split into ``count`` parts: equal, the last one smaller where need be."""
    part = -(-total // count)
    return [min(part, max(total - part * index, 0)) for index in range(count)]


def _split(attributes: Mapping[str, Any], operands: Sequence[Any]) -> list[Array]:
    array, axis = operands[0], attributes["axis"]
    if len(operands) > 1 and operands[1] is not None:
        sizes = [int(size) for size in operands[1]]
    else:
        sizes = split_sizes(array.shape[axis], attributes["num_outputs"])
    return np.split(array, np.cumsum(sizes)[:-1], axis=axis)


def _divide(_: Mapping[str, Any], operands: Sequence[Any]) -> Array | None:
    left, right = operands
    if left.dtype.kind in "iu":
        if not np.all(right):
            return None
        return (np.sign(left) * np.sign(right) * (abs(left) // abs(right))).astype(left.dtype)
    return left / right


def _constant_of_shape(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array | None:
    value = attributes.get("value", 0.0)
    value = value[0] if isinstance(value, tuple) else value
    dtype = attributes["result"]
    return None if dtype == "string" else np.full(operands[0], value, np.dtype(dtype))


def _range(_: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    start, limit, step = (operand.reshape(()) for operand in operands)
    return np.arange(start, limit, step, dtype=start.dtype)


def _expand(_: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    shape = np.broadcast_shapes(operands[0].shape, tuple(int(dim) for dim in operands[1]))
    return np.ascontiguousarray(np.broadcast_to(operands[0], shape))


def _trilu(attributes: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    diagonal = int(operands[1]) if len(operands) > 1 and operands[1] is not None else 0
    return (np.triu if attributes["upper"] else np.tril)(operands[0], diagonal)


def _identity(_: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    return operands[0]


def _cast_like(_: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    return operands[0].astype(operands[1].dtype)


def _reciprocal(_: Mapping[str, Any], operands: Sequence[Any]) -> Array:
    return (1 / operands[0]).astype(operands[0].dtype)


def _plain(function: Callable[..., Any]) -> Kernel:
    return lambda _, operands: function(*operands)


def _power(left: Array, right: Array) -> Array:
    return np.power(left, right).astype(left.dtype, copy=False)


def _folded(function: Callable[..., Any]) -> Kernel:
    def run(_: Mapping[str, Any], operands: Sequence[Any]) -> Array:
        result = operands[0]
        for operand in operands[1:]:
            result = function(result, operand)
        return result

    return run


KERNELS: Mapping[str, Kernel] = {
    "Reshape": reshape,
    "Transpose": _transpose,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Identity": _identity,
    "Cast": _cast,
    "CastLike": _cast_like,
    "Gather": _gather,
    "GatherND": _gather_nd,
    "CumSum": _cum_sum,
    "Slice": _slice,
    "Split": _split,
    "Concat": lambda a, operands: np.concatenate(operands, axis=a["axis"]),
    "Expand": _expand,
    "Tile": _plain(np.tile),
    "Range": _range,
    "ConstantOfShape": _constant_of_shape,
    "Trilu": _trilu,
    "Where": _plain(np.where),
    "Add": _plain(np.add),
    "Sub": _plain(np.subtract),
    "Mul": _plain(np.multiply),
    "Div": _divide,
    "Pow": _plain(_power),
    "Neg": _plain(np.negative),
    "Abs": _plain(np.abs),
    "Sqrt": _plain(np.sqrt),
    "Floor": _plain(np.floor),
    "Ceil": _plain(np.ceil),
    "Sin": _plain(np.sin),
    "Cos": _plain(np.cos),
    "Exp": _plain(np.exp),
    "Log": _plain(np.log),
    "Reciprocal": _reciprocal,
    "Max": _folded(np.maximum),
    "Min": _folded(np.minimum),
    "Sum": _folded(np.add),
    "Equal": _plain(np.equal),
    "Greater": _plain(np.greater),
    "GreaterOrEqual": _plain(np.greater_equal),
    "Less": _plain(np.less),
    "LessOrEqual": _plain(np.less_equal),
    "And": _plain(np.logical_and),
    "Or": _plain(np.logical_or),
    "Not": _plain(np.logical_not),
}
"""Kernels by op."""
