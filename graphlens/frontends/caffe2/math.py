"""Caffe2's ops on numbers: elementwise, products, reductions."""

from __future__ import annotations

import numpy as np

from graphlens.frontends.caffe2.call import Call, Row
from graphlens.frontends.caffe2.proto import DTYPES
from graphlens.ir.node import Attribute, Value


def _named(op: str, **usual: float) -> Row:
    """The same op under ONNX's name; arguments with the defaults that Caffe2 has."""

    def row(call: Call) -> Value:
        attributes = {name: call.float(name, value) for name, value in usual.items()}
        return call.emit(op, *call.operands, **attributes)

    return row


def _binary(op: str) -> Row:
    """Two operands; until 2018 the second was aligned at ``axis``, as ONNX's of opset 6 was."""

    def row(call: Call) -> Value | None:
        one, other = call.operands[:2]
        axis = call.int("axis", -1)
        if "axis_str" in call.arguments:
            axis = str(call.arguments.get("order", "NCHW")).find(str(call.arguments["axis_str"]))
        if axis != -1:
            left, right = call.shape(0), call.shape(1)
            if left is None or right is None:
                return None
            behind = len(left) - axis % max(len(left), 1) - len(right)
            if behind > 0:
                axes = np.arange(len(right), len(right) + behind)
                other = call.step("Unsqueeze", other, call.const(axes))
        return call.emit(op, one, other)

    return row


def _not_equal(call: Call) -> Value | None:
    equal = _binary("Equal")(call)
    return call.step("Not", equal) if isinstance(equal, Value) else None


def _power(call: Call) -> Value:
    if len(call.operands) > 1:
        return call.emit("Pow", *call.operands)
    return call.emit("Pow", call.operands[0], call.const(call.float("exponent", 1.0)))


def _square(call: Call) -> Value:
    return call.emit("Mul", call.operands[0], call.operands[0])


def _cube(call: Call) -> Value:
    return call.emit("Pow", call.operands[0], call.const(3.0))


def _rsqrt(call: Call) -> Value:
    return call.emit("Reciprocal", call.step("Sqrt", call.operands[0]))


def _scale(call: Call) -> Value:
    return call.emit("Mul", call.operands[0], call.const(call.float("scale", 1.0)))


def _swish(call: Call) -> Value:
    return call.emit("Mul", call.operands[0], call.step("Sigmoid", call.operands[0]))


def _gelu(call: Call) -> Value:
    fast = call.int("fast_gelu")
    return call.emit("Gelu", call.operands[0], approximate="tanh" if fast else None)


def _clip(call: Call) -> Value:
    bounds = [
        call.const(np.array(call.float(name), np.float32)) if name in call.arguments else None
        for name in ("min", "max")
    ]
    return call.emit("Clip", call.operands[0], *bounds)


def _softmax(op: str) -> Row:
    """It works on the operand flattened to a matrix at ``axis``."""

    def row(call: Call) -> Value:
        axis, shape = call.int("axis", 1), call.shape(0)
        if shape is not None:
            axis %= max(len(shape), 1)
            if all(dim == 1 for dim in shape[axis + 1 :]):
                return call.emit(op, call.operands[0], axis=axis)
        flat = call.step("Flatten", call.operands[0], axis=axis)
        sizes = call.step("Shape", call.operands[0])
        return call.emit("Reshape", call.step(op, flat, axis=-1), sizes)

    return row


def _fully_connected(transposed: bool) -> Row:
    """``X W^T + b``, with X flattened to a matrix at ``axis``."""

    def row(call: Call) -> Value | None:
        image, weight, bias = call.operands
        axis, shape = call.int("axis", 1), call.shape(0)
        wide = call.shape(1)
        if axis != 1 or call.int("axis_w", 1) != 1:
            return None
        if shape is None or len(shape) != 2:
            image = call.step("Flatten", image, axis=1)
        if wide is not None and len(wide) > 2:
            weight = call.step("Flatten", weight, axis=1)
        return call.emit("Gemm", image, weight, bias, transB=None if transposed else 1)

    return row


def _matmul(call: Call) -> Value | None:
    if call.int("axis_a", 1) != 1 or call.int("axis_b", 1) != 1:
        return None
    return _batch_matmul(call)


def _batch_matmul(call: Call) -> Value | None:
    factors: list[Value] = []
    for index, name in enumerate(("trans_a", "trans_b")):
        value, shape = call.operands[index], call.shape(index)
        if call.int(name):
            if shape is None or len(shape) < 2:
                return None
            rank = len(shape)
            order = (*range(rank - 2), rank - 1, rank - 2)
            value = call.step("Transpose", value, perm=order)
        factors.append(value)
    return call.emit("MatMul", *factors)


def _reduce(kind: str) -> Row:
    def row(call: Call) -> Value:
        axes = call.ints("axes") or call.ints("axis")
        given = [] if axes is None else [call.const(np.array(axes))]
        keeps: Attribute = None if call.int("keepdims", 1) else 0
        return call.emit(f"Reduce{kind}", call.operands[0], *given, keepdims=keeps)

    return row


def _sum_elements(call: Call) -> Value:
    op = "ReduceMean" if call.int("average") else "ReduceSum"
    return call.emit(op, call.operands[0], keepdims=0)


def _arg(kind: str) -> Row:
    def row(call: Call) -> Value:
        keeps: Attribute = None if call.int("keepdims", 1) else 0
        axis = call.int("axis", -1)
        return call.emit(f"Arg{kind}", call.operands[0], axis=axis, keepdims=keeps)

    return row


def _top_k(call: Call) -> list[Value] | None:
    if call.outputs > 2:
        return None
    operands = call.operands
    count = operands[1] if len(operands) > 1 else call.const(np.array([call.int("k", 1)]))
    first = call.emit("TopK", operands[0], count, results=2, axis=call.int("axis", -1))
    return [first, Value(first.node, 1)]


def _layer_norm(call: Call) -> list[Value] | None:
    if call.outputs > 2:  # the third is the deviation, ONNX's its inverse
        return None
    axis, shape = call.int("axis", 1), call.shape(0)
    if shape is None or not all(isinstance(dim, int) for dim in shape[axis:]):
        return None
    sizes = tuple(int(dim) for dim in shape[axis:])
    scale = call.const(np.ones(sizes, np.float32))
    operands = call.operands if call.int("elementwise_affine") else [call.operands[0], scale]
    epsilon = call.float("epsilon", 1e-5)
    made = call.emit(
        "LayerNormalization", *operands, results=call.outputs, axis=axis, epsilon=epsilon
    )
    return [Value(made.node, index) for index in range(call.outputs)]


def _cast(call: Call) -> Value | None:
    to = call.arguments.get("to")
    names = {"float": "float32", "int": "int32", "double": "float64", "byte": "uint8"}
    if isinstance(to, str):
        word = to.lower()
        dtype = names.get(word, word if word in DTYPES.values() else None)
    else:
        dtype = DTYPES.get(call.int("to", 1))
    return None if dtype is None else call.emit("Cast", call.operands[0], to=dtype)


_SAME_NAME = (
    "Relu Sigmoid Tanh Softplus Softsign Abs Sqrt Exp Log Floor Ceil Sin Cos Tan Sign Not Erf "
    "Asin Acos Atan Sinh Cosh Reciprocal Sum Max Min Mean"
)
ROWS: dict[str, Row] = {
    **{op: _named(op) for op in _SAME_NAME.split()},
    "Negative": _named("Neg"),
    "Elu": _named("Elu", alpha=1.0),
    "Selu": _named("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    "LeakyRelu": _named("LeakyRelu", alpha=0.01),
    "ThresholdedRelu": _named("ThresholdedRelu", alpha=1.0),
    "HardSigmoid": _named("HardSigmoid", alpha=0.2, beta=0.5),
    "Where": _named("Where"),
    **{op: _binary(op) for op in ("Add", "Sub", "Mul", "Div", "And", "Or", "Xor")},
    "EQ": _binary("Equal"),
    "NE": _not_equal,
    "GT": _binary("Greater"),
    "GE": _binary("GreaterOrEqual"),
    "LT": _binary("Less"),
    "LE": _binary("LessOrEqual"),
    "Pow": _power,
    "Sqr": _square,
    "Cube": _cube,
    "Rsqrt": _rsqrt,
    "Scale": _scale,
    "Swish": _swish,
    "Gelu": _gelu,
    "Clip": _clip,
    "Softmax": _softmax("Softmax"),
    "LogSoftmax": _softmax("LogSoftmax"),
    "FC": _fully_connected(transposed=False),
    "FCTransposed": _fully_connected(transposed=True),
    "MatMul": _matmul,
    "BatchMatMul": _batch_matmul,
    **{f"Reduce{kind}": _reduce(kind) for kind in ("Mean", "Sum", "Max", "Min", "L1", "L2")},
    "SumElements": _sum_elements,
    "ArgMax": _arg("Max"),
    "ArgMin": _arg("Min"),
    "TopK": _top_k,
    "LayerNorm": _layer_norm,
    "Cast": _cast,
}
