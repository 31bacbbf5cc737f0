"""Rows of the aten table: what ONNX has of linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.frontends.torch.aten.reduce import reduced
from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


@row("linalg_det", "det", "_linalg_det")
def _det(call: Call, x: Value) -> Value:
    if len(call.types) > 1 or call.type(x).elements == 0:
        return NotImplemented  # det of nothing is 1
    return call.emit("Det", x)


@row("logdet")
def _logdet(call: Call, x: Value) -> Value:
    if call.type(x).elements == 0:
        return NotImplemented
    return call.emit("Log", call.step("Det", x, type=call.out))


@row("linalg_slogdet", "slogdet")
def _slogdet(call: Call, x: Value) -> Any:
    if len(call.types) != 2 or call.type(x).elements == 0:
        return NotImplemented
    det = call.step("Det", x, type=call.types[0])
    sign = call.build.op("Sign", det, results=call.types[:1], name=call.name)
    size = call.step("Abs", det, type=call.types[1])
    log = call.build.op("Log", size, results=call.types[1:], name=f"{call.name}.logabsdet")
    return sign, log


@row("linalg_matrix_norm.str_ord", "linalg_norm.ord_str", "frobenius_norm.dim")
def _frobenius(
    call: Call, x: Value, order: Any = "fro", dims: Any = (-2, -1), keepdim: Any = False, *_: Any
) -> Value:
    if call.op.startswith("frobenius"):
        order, dims, keepdim = "fro", order, dims if isinstance(dims, bool) else False
    if order != "fro" or not call.out.is_floating:
        return NotImplemented
    dims = list(dims) if dims is not None else [-2, -1]
    return reduced(call, "ReduceL2", call.cast(x, call.out.dtype), dims, keepdim)


@row("linalg_matrix_power", "matrix_power")
def _matrix_power(call: Call, x: Value, n: int) -> Value:
    if n < 1:
        return NotImplemented
    if n == 1:
        return call.same(x)
    held = x
    for turn in range(n - 1):
        last = turn == n - 2
        held = call.emit("MatMul", held, x) if last else call.step("MatMul", held, x)
    return held


@row("linalg_inv", "inverse", "linalg_inv_ex")
def _inverse(call: Call, x: Value, *_: Any) -> Any:
    """Of matrices of 2 by 2, by their determinant; torch's own of larger ones."""
    if call.op.endswith("_ex") or call.shape(x)[-2:] != (2, 2) or call.type(x).elements == 0:
        return NotImplemented
    flat = call.reshape(
        x, (*call.shape(x)[:-2], 4), call.type(x).with_shape((*call.shape(x)[:-2], 4))
    )
    moved = call.step("Gather", flat, call.const([3, 1, 2, 0]), axis=-1)
    signs = call.const(np.array([1, -1, -1, 1]), call.out.dtype)
    turned = call.step("Mul", moved, signs)
    det = call.step("Unsqueeze", call.step("Det", x), call.const([-1]))
    return call.reshaped(call.step("Div", turned, det))
