"""Result types of the commonest ops, worked out here: ONNX's inference costs a protobuf each way.

Each rule says what ONNX's own inference says (a test holds it), or None where it has no quick
answer. Unlike ONNX's, a Reshape or Expand to a value with symbols in it keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphlens.ir.node import Node
from graphlens.tensor import Dim, TensorType

Shape = tuple[Dim, ...]
_Types = Sequence[TensorType]
_Values = Sequence[np.ndarray | None]
_Rule = Callable[[Node, _Types, _Values], TensorType | None]


def quick(
    node: Node, operands: Sequence[TensorType | None], values: Sequence[np.ndarray | None]
) -> TensorType | None:
    """The type of a node's only result, or None where this module does not know."""
    rule = _RULES.get(node.op)
    if rule is None or node.domain or not operands or node.attributes.get("data_format"):
        return None
    held = [operand for operand in operands if operand is not None]
    if len(held) != len(operands) or any(it.shape is None for it in held):
        return None
    if len(values) < len(held):
        values = [*values, *[None] * (len(held) - len(values))]
    try:
        return rule(node, held, values)
    except (IndexError, TypeError, ValueError, ZeroDivisionError):
        return None  # a stranger's node may lack operands, or have attributes of another kind


def broadcast(shapes: Sequence[Shape]) -> Shape | None:
    """The shape that ONNX (as numpy) broadcasts shapes to; None if they do not fit."""
    rank = max(map(len, shapes), default=0)
    made: list[Dim] = []
    for axis in range(-rank, 0):
        found: Dim = 1
        for shape in shapes:
            if len(shape) < -axis or shape[axis] == 1:
                continue
            merged = _merged(found, shape[axis])
            if merged is None:
                return None
            found = merged
        made.append(found)
    return tuple(made)


def _merged(one: Dim, other: Dim) -> Dim | None:
    if one in (1, other):
        return other
    if isinstance(one, int) and isinstance(other, int):
        return None
    if isinstance(one, int) or isinstance(other, int):
        return one if isinstance(one, int) else other
    return "?"


def _same(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del node, values
    return operands[0]


def _cast(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del values
    to = node.attributes.get("to")
    return operands[0].with_dtype(to) if isinstance(to, str) else None


def _elementwise(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del values
    if any(operand.dtype != operands[0].dtype for operand in operands) and node.op != "Pow":
        return None
    shape = broadcast([operand.shape or () for operand in operands])
    return None if shape is None else TensorType(operands[0].dtype, shape)


def _comparison(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    held = _elementwise(node, operands, values)
    return None if held is None else held.with_dtype("bool")


def _where(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del node, values
    if len(operands) != 3 or operands[1].dtype != operands[2].dtype:
        return None
    shape = broadcast([operand.shape or () for operand in operands])
    return None if shape is None else TensorType(operands[1].dtype, shape)


def _matmul(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del node, values
    one, other = operands[0].shape or (), operands[1].shape or ()
    if len(one) < 2 or len(other) < 2 or operands[0].dtype != operands[1].dtype:
        return None
    if isinstance(one[-1], int) and isinstance(other[-2], int) and one[-1] != other[-2]:
        return None
    batch = broadcast([one[:-2], other[:-2]])
    if batch is None:
        return None
    return TensorType(operands[0].dtype, (*batch, one[-2], other[-1]))


def _transpose(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del values
    shape = operands[0].shape or ()
    order: Any = node.attributes.get("perm", tuple(reversed(range(len(shape)))))
    if sorted(order) != list(range(len(shape))):
        return None
    turned: Shape = tuple(shape[int(axis)] for axis in order)
    return operands[0].with_shape(turned)


def _reshape(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    wanted = values[1] if len(values) > 1 else None
    shape = operands[0].shape or ()
    if wanted is None or wanted.ndim != 1 or node.attributes.get("allowzero"):
        return None
    made: list[Dim] = [_dim(item) for item in wanted]
    if any(dim == 0 and axis >= len(shape) for axis, dim in enumerate(made)):
        return None
    made = [shape[axis] if dim == 0 else dim for axis, dim in enumerate(made)]
    if -1 in made:
        left = _left(shape, made)
        if left is None:
            return None
        made[made.index(-1)] = left
    return operands[0].with_shape(tuple(made)) if -1 not in made else None


def _left(shape: Shape, made: Sequence[Dim]) -> Dim | None:
    """What a Reshape's -1 stands for; symbols that are in both shapes cancel out."""
    rest = list(shape)
    for dim in made:
        if isinstance(dim, str):
            if dim == "?" or dim not in rest:
                return None
            rest.remove(dim)
    symbols = [dim for dim in rest if isinstance(dim, str)]
    numbers = int(np.prod([dim for dim in rest if isinstance(dim, int)], dtype=object))
    divisor = int(np.prod([d for d in made if isinstance(d, int) and d != -1], dtype=object))
    if not divisor or numbers % divisor:
        return None
    numbers //= divisor
    if "?" in symbols:
        return None
    factors = [it if it.isidentifier() else f"({it})" for it in symbols]
    if numbers != 1 or not factors:
        factors.insert(0, str(numbers))
    return "*".join(factors) if symbols else numbers


def _dim(item: Any) -> Dim:
    return item if isinstance(item, str) else int(item)


def _expand(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del node
    wanted = values[1] if len(values) > 1 else None
    if wanted is None or wanted.ndim != 1:
        return None
    made = broadcast([operands[0].shape or (), tuple(_dim(item) for item in wanted)])
    return None if made is None else operands[0].with_shape(made)


def _axes(value: np.ndarray | None, rank: int) -> set[int] | None:
    if value is None or value.dtype == object:
        return None
    axes = {int(axis) + rank if axis < 0 else int(axis) for axis in value.ravel()}
    return axes if all(0 <= axis < rank for axis in axes) else None


def _unsqueeze(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del node
    shape = list(operands[0].shape or ())
    count = 0 if len(values) < 2 or values[1] is None else values[1].size
    axes = _axes(values[1] if len(values) > 1 else None, len(shape) + count)
    if axes is None or len(axes) != count:
        return None
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return operands[0].with_shape(tuple(shape))


def _squeeze(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del node
    shape = operands[0].shape or ()
    axes = _axes(values[1] if len(values) > 1 else None, len(shape))
    if axes is None or any(shape[axis] != 1 for axis in axes):
        return None
    return operands[0].with_shape(tuple(d for i, d in enumerate(shape) if i not in axes))


def _concat(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del values
    shapes = [operand.shape or () for operand in operands]
    axis = node.attributes.get("axis")
    rank = len(shapes[0])
    if not isinstance(axis, int) or not -rank <= axis < rank:
        return None
    axis %= rank
    if any(len(shape) != rank for shape in shapes):
        return None
    if any(s[:axis] != shapes[0][:axis] or s[axis + 1 :] != shapes[0][axis + 1 :] for s in shapes):
        return None
    sizes = [shape[axis] for shape in shapes]
    total: Dim = sum(d for d in sizes if isinstance(d, int))
    if any(isinstance(size, str) for size in sizes):
        total = sizes[0] if len(sizes) == 1 else "?"
    return operands[0].with_shape((*shapes[0][:axis], total, *shapes[0][axis + 1 :]))


def _gather(node: Node, operands: _Types, values: _Values) -> TensorType | None:
    del values
    shape, indices = operands[0].shape or (), operands[1].shape or ()
    axis = node.attributes.get("axis", 0)
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        return None
    axis %= len(shape)
    return operands[0].with_shape((*shape[:axis], *indices, *shape[axis + 1 :]))


_UNARY = (
    "Abs Ceil Cos Erf Exp Floor Identity Log Neg Not Reciprocal Round Sigmoid Sign Sin Sqrt Tanh "
    "Relu Gelu LeakyRelu Elu Selu Softplus Softmax LogSoftmax HardSwish HardSigmoid Swish Mish"
)
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_UNARY.split(), _same),
    **dict.fromkeys(
        ["Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Min", "Max"], _elementwise
    ),
    **dict.fromkeys(["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"], _comparison),
    "Cast": _cast,
    "Concat": _concat,
    "Expand": _expand,
    "Gather": _gather,
    "MatMul": _matmul,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
