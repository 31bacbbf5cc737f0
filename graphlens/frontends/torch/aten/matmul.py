"""Rows of the aten table: matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphlens.frontends.torch.aten.create import filled
from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


@row("linear")
def _linear(call: Call, x: Value, weight: Value, bias: Value | None = None) -> Value:
    dtype = call.out.dtype  # not the operands' where autocast is on
    x, weight = call.cast(x, dtype), call.cast(weight, dtype)
    order = (1, 0) if call.rank(weight) == 2 else (0,)
    turned = call.permuted(weight, order)
    if bias is None:
        return call.emit("MatMul", x, turned)
    product = call.build.op("MatMul", x, turned, results=call.types, name=f"{call.name}.matmul")
    return call.emit("Add", product, call.cast(bias, dtype))


_NARROW = frozenset(["int8", "uint8", "int16", "uint16", "bool"])
"""Types that ONNX multiplies no matrices of."""


def _product(call: Call, x: Value, other: Value) -> Value:
    """A matrix product in the result's type, as a step."""
    dtype = call.out.dtype
    wide = "int32" if dtype in _NARROW else dtype
    made = call.build.op(
        "MatMul", call.cast(x, wide), call.cast(other, wide), name=f"{call.name}.matmul"
    )
    return call.cast(made, dtype)


@row("matmul", "mm", "bmm", "mv", "dot", "vdot", "linalg_matmul")
def _matmul(call: Call, x: Value, other: Value, *_: Any) -> Value:
    dtype = call.out.dtype
    if dtype in _NARROW:
        return call.same(_product(call, x, other))
    return call.emit("MatMul", call.cast(x, dtype), call.cast(other, dtype))


@row("inner")
def _inner(call: Call, x: Value, other: Value) -> Value:
    if call.rank(x) == 0 or call.rank(other) == 0:
        return call.emit("Mul", x, other)
    if call.rank(other) > 2:
        return NotImplemented
    return call.emit("MatMul", x, call.permuted(other, range(call.rank(other))[::-1]))


@row("outer", "ger")
def _outer(call: Call, x: Value, other: Value) -> Value:
    dtype = call.out.dtype
    column = call.step("Unsqueeze", call.cast(x, dtype), call.const([1]))
    return call.emit("Mul", column, call.cast(other, dtype))


@row("addmm", "baddbmm", "addmv", "addr")
def _addmm(call: Call, x: Value, a: Value, b: Value, beta: Any = 1, alpha: Any = 1) -> Value:
    dtype = call.out.dtype
    a, b = call.cast(a, dtype), call.cast(b, dtype)
    if call.op.startswith("addr"):
        column = call.step("Unsqueeze", a, call.const([1]))
        product = call.step("Mul", column, b)
    else:
        product = _product(call, a, b)
    product = _times(call, product, alpha)
    if beta == 0:
        return call.same(product)
    return call.emit("Add", product, _times(call, call.cast(x, dtype), beta))


@row("addbmm")
def _addbmm(call: Call, x: Value, a: Value, b: Value, beta: Any = 1, alpha: Any = 1) -> Value:
    product = call.step("ReduceSum", _product(call, a, b), call.const([0]), keepdims=0)
    return call.emit("Add", _times(call, product, alpha), _times(call, x, beta))


def _times(call: Call, x: Value, factor: Any) -> Value:
    if factor == 1:
        return x
    return call.step("Mul", x, call.number(factor, call.dtype(x)), type=call.type(x))


@row("bilinear")
def _bilinear(call: Call, a: Value, b: Value, weight: Value, bias: Value | None = None) -> Value:
    equation = "...i,oij,...j->...o"
    if bias is None:
        return call.emit("Einsum", a, weight, b, equation=equation)
    product = call.step("Einsum", a, weight, b, type=call.out, equation=equation)
    return call.emit("Add", product, bias)


@row("einsum")
def _einsum(call: Call, equation: str, operands: Sequence[Value], _: Any = None) -> Value:
    dtype = call.out.dtype
    if any(call.type(one).elements == 0 for one in operands):
        return filled(call, 0)  # ONNX Runtime divides by the size
    return call.emit(
        "Einsum", *(call.cast(one, dtype) for one in operands), equation=equation.replace(" ", "")
    )


@row("cdist", "_cdist_forward")
def _cdist(call: Call, a: Value, b: Value, p: float = 2.0, _: Any = None) -> Value:
    if p not in (1.0, 2.0):
        return NotImplemented
    rows = call.step("Unsqueeze", a, call.const([-2]))
    columns = call.step("Unsqueeze", b, call.const([-3]))
    gap = call.step("Sub", rows, columns)
    return call.emit(f"ReduceL{int(p)}", gap, call.const([-1]), keepdims=0)
