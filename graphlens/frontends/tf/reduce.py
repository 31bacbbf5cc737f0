"""TensorFlow's reductions, matrix products and softmaxes as rows of the op table."""

from __future__ import annotations

import numpy as np

from graphlens.frontends.tf.call import Call, Row
from graphlens.ir.node import Value


def _reduce(op: str) -> Row:
    """TF reduces over no axis when it is given none; ONNX then over all, unless told."""

    def row(call: Call) -> Value:
        axes = call.ints(1)
        noop = 1 if axes == () else None
        keepdims = int(call.attr("keep_dims"))
        return call.emit(
            op, call.value(0), call.int64(1), keepdims=keepdims, noop_with_empty_axes=noop
        )

    return row


def _arg(op: str) -> Row:
    def row(call: Call) -> Value | tuple[()]:
        axis = call.ints(1)
        if axis is None:
            return ()
        wanted = call.attr("output_type")
        if wanted == "int64":
            return call.emit(op, call.value(0), axis=axis[0], keepdims=0)
        found = call.step(op, call.value(0), axis=axis[0], keepdims=0)
        return call.emit("Cast", found, to=wanted)

    return row


def _cumulative(op: str) -> Row:
    def row(call: Call) -> Value:
        flags = {key: 1 for key in ("exclusive", "reverse") if call.attr(key)}
        return call.emit(op, call.value(0), call.int64(1), **flags)

    return row


def _softmax(op: str) -> Row:
    return lambda call: call.emit(op, call.value(0), axis=-1)


def _swapped(call: Call, index: int) -> Value | None:
    """An operand with its last two axes swapped, or None where its rank is not known."""
    rank = call.rank(index)
    if rank is None:
        return None
    return call.step("Transpose", call.value(index), perm=(*range(rank - 2), rank - 1, rank - 2))


def _matmul(first: str, second: str) -> Row:
    """A product whose operands may be transposed (of reals the adjoint is the transpose)."""

    def row(call: Call) -> Value | tuple[()]:
        x = _swapped(call, 0) if call.attr(first) else call.value(0)
        y = _swapped(call, 1) if call.attr(second) else call.value(1)
        if x is None or y is None:
            return ()
        return call.emit("MatMul", x, y)

    return row


def _einsum(call: Call) -> Value:
    return call.emit("Einsum", *call.values(), equation=call.attr("equation"))


def _top_k(call: Call) -> list[Value]:
    """TF's k is a scalar of int32, ONNX's a vector of one int64; the indices come as int64."""
    k = call.ints(1)
    count = (
        call.const([k[0]])
        if k is not None
        else call.step("Unsqueeze", call.int64(1), call.const([0]))
    )
    sort = int(call.attr("sorted"))
    values, indices = call.results
    wide = (values, indices.with_dtype("int64"))
    found = call.builder.op(
        "TopK",
        call.value(0),
        count,
        results=wide,
        name=call.name,
        axis=-1,
        sorted=None if sort else 0,
    )
    where = Value(found.node, 1)
    if indices.dtype != "int64":
        where = call.step("Cast", where, to=indices.dtype)
    return [found, where]


def _in_band(call: Call) -> Value | tuple[()]:
    """The lower or the upper triangle of matrices; a band is neither."""
    lower, upper = call.ints(1), call.ints(2)
    if lower is None or upper is None or (lower[0] >= 0) == (upper[0] >= 0):
        return ()
    is_lower = lower[0] < 0
    diagonal = upper[0] if is_lower else -lower[0]
    return call.emit(
        "Trilu", call.value(0), call.const(np.int64(diagonal)), upper=0 if is_lower else 1
    )


ROWS: dict[str, Row] = {
    "Mean": _reduce("ReduceMean"),
    "Sum": _reduce("ReduceSum"),
    "Max": _reduce("ReduceMax"),
    "Min": _reduce("ReduceMin"),
    "Prod": _reduce("ReduceProd"),
    "All": _reduce("ReduceMin"),
    "Any": _reduce("ReduceMax"),
    "EuclideanNorm": _reduce("ReduceL2"),
    "ArgMax": _arg("ArgMax"),
    "ArgMin": _arg("ArgMin"),
    "Cumsum": _cumulative("CumSum"),
    "Cumprod": _cumulative("CumProd"),
    "Softmax": _softmax("Softmax"),
    "LogSoftmax": _softmax("LogSoftmax"),
    "MatMul": _matmul("transpose_a", "transpose_b"),
    "BatchMatMul": _matmul("adj_x", "adj_y"),
    "BatchMatMulV2": _matmul("adj_x", "adj_y"),
    "BatchMatMulV3": _matmul("adj_x", "adj_y"),
    "Einsum": _einsum,
    "TopKV2": _top_k,
    "MatrixBandPart": _in_band,
}
"""Rows of this family by TF op type."""
