"""Rows of complex tensors: arithmetic, parts, products."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.frontends.torch.call import TABLE
from graphlens.frontends.torch.complex import PairCall, crow, product
from graphlens.ir.node import Value


@crow("alias", "clone", "contiguous", "detach", "lift", "lift_fresh", "lift_fresh_copy", "positive")
@crow("resolve_conj", "resolve_neg", "view_as_real", "view_as_complex", "alias_copy", "detach_copy")
@crow("view_as_real_copy", "view_as_complex_copy")
def _same(call: PairCall, x: Value, *_: Any) -> Value:
    return call.same(x)


@crow("dropout")
def _dropout(call: PairCall, x: Value, p: float, train: bool) -> Value:
    return NotImplemented if train and p else call.same(x)


@crow("conj", "_conj", "conj_physical", "_conj_physical")
def _conj(call: PairCall, x: Value) -> Value:
    return call.emit("Mul", x, call.const(np.array([1, -1]), call.dtype(x)))


@crow("real", "imag")
def _real(call: PairCall, x: Value) -> Value:
    where = call.const(np.array(int(call.op == "imag"), np.int64))
    return call.emit("Gather", x, where, axis=-1)


@crow("complex")
def _complex(call: PairCall, real: Value, imaginary: Value) -> Value:
    shape = call.const(np.array((call.out.shape or (2,))[:-1], np.int64))
    if not call.out.is_static:
        return NotImplemented
    held = [
        one if call.shape(one) == (call.out.shape or ())[:-1] else call.step("Expand", one, shape)
        for one in (real, imaginary)
    ]
    return call.joined(*held)


@crow("polar")
def _polar(call: PairCall, size: Value, angle: Value) -> Value:
    return call.joined(*_turned(call, size, angle))


def _turned(call: PairCall, size: Value, angle: Value) -> tuple[Value, Value]:
    cosine, sine = call.step("Cos", angle), call.step("Sin", angle)
    return call.step("Mul", size, cosine), call.step("Mul", size, sine)


@crow("exp")
def _exp(call: PairCall, x: Value) -> Value:
    real, imaginary = call.parts(x, call.out.dtype)
    return call.joined(*_turned(call, call.step("Exp", real), imaginary))


@crow("neg", "negative", "_neg_view")
def _neg(call: PairCall, x: Value) -> Value:
    return call.emit("Neg", x)


@crow("abs", "absolute")
def _abs(call: PairCall, x: Value) -> Value:
    return call.emit("ReduceL2", x, call.const([-1]), keepdims=0)


@crow("angle")
def _angle(call: PairCall, x: Value) -> Value:
    real, imaginary = call.parts(x, call.out.dtype)
    return TABLE["atan2"](call, imaginary, real)


@crow("add", "sub", "subtract", "rsub")
def _add(call: PairCall, x: Any, other: Any, alpha: Any = 1) -> Value:
    dtype = call.out.dtype
    if call.op.startswith("rsub"):
        x, other = other, x
    a, b = call.pair(x, dtype), call.pair(other, dtype)
    if isinstance(alpha, complex):
        return NotImplemented
    if alpha != 1:
        b = call.step("Mul", b, call.number(alpha, dtype))
    return call.emit("Add" if call.op.startswith("add") else "Sub", a, b)


def _scaled(call: PairCall, op: str, x: Value, factor: Any) -> Value:
    """Pairs times or by a real tensor or number."""
    dtype = call.out.dtype
    held = call.column(factor, dtype) if isinstance(factor, Value) else call.number(factor, dtype)
    return call.emit(op, call.cast(x, dtype), held)


@crow("mul", "multiply")
def _mul(call: PairCall, x: Any, other: Any) -> Value:
    for one, factor in ((x, other), (other, x)):
        if call.is_pair(one) and not call.is_complex(factor):
            return _scaled(call, "Mul", one, factor)
    dtype = call.out.dtype
    return call.joined(*product(call, call.parts(x, dtype), call.parts(other, dtype)))


@crow("div", "divide", "true_divide")
def _div(call: PairCall, x: Any, other: Any) -> Value:
    if call.is_pair(x) and not call.is_complex(other):
        return _scaled(call, "Div", x, other)
    dtype = call.out.dtype
    return _quotient(call, call.parts(x, dtype), call.parts(other, dtype))


def _quotient(call: PairCall, one: tuple[Value, Value], other: tuple[Value, Value]) -> Value:
    real, imaginary = other
    squares = [call.step("Mul", part, part) for part in other]
    size = call.step("Add", *squares)
    made = product(call, one, (real, call.step("Neg", imaginary)))
    return call.joined(*(call.step("Div", part, size) for part in made))


@crow("reciprocal")
def _reciprocal(call: PairCall, x: Value) -> Value:
    dtype = call.out.dtype
    real, imaginary = call.parts(x, dtype)
    one = call.step("Add", call.step("Mul", real, call.number(0, dtype)), call.number(1, dtype))
    return _quotient(call, (one, call.step("Mul", real, call.number(0, dtype))), (real, imaginary))


@crow("square", "pow.Tensor_Scalar")
def _square(call: PairCall, x: Value, exponent: Any = 2) -> Value:
    if exponent != 2:
        return NotImplemented
    parts = call.parts(x, call.out.dtype)
    return call.joined(*product(call, parts, parts))


@crow("eq", "ne", "not_equal")
def _eq(call: PairCall, x: Any, other: Any) -> Value:
    dtype = call.dtype(x if call.is_pair(x) else other)
    held = call.step("Equal", call.pair(x, dtype), call.pair(other, dtype))
    both = call.step("ReduceMin", call.cast(held, "uint8"), call.const([-1]), keepdims=0)
    if call.op.startswith("eq"):
        return call.emit("Cast", both, to="bool")
    return call.emit("Not", call.cast(both, "bool"))


@crow("mm", "bmm", "matmul", "mv", "dot", "linalg_matmul")
def _matmul(call: PairCall, x: Value, other: Value) -> Value:
    dtype = call.out.dtype
    made = product(call, call.parts(x, dtype), call.parts(other, dtype), "MatMul")
    return call.joined(*made)


@crow("vdot")
def _vdot(call: PairCall, x: Value, other: Value) -> Value:
    dtype = call.out.dtype
    real, imaginary = call.parts(x, dtype)
    turned = real, call.step("Neg", imaginary)
    return call.joined(*product(call, turned, call.parts(other, dtype), "MatMul"))


@crow("einsum")
def _einsum(call: PairCall, equation: str, operands: Any, _: Any = None) -> Value:
    dtype = call.out.dtype
    if len(operands) != 2:
        return NotImplemented
    (a, b), (c, d) = (call.parts(one, dtype) for one in operands)
    spelt = equation.replace(" ", "")

    def einsum(one: Value, other: Value) -> Value:
        return call.step("Einsum", one, other, equation=spelt)

    real = call.step("Sub", einsum(a, c), einsum(b, d))
    return call.joined(real, call.step("Add", einsum(a, d), einsum(b, c)))


@crow("where.self", "where.ScalarSelf", "where.ScalarOther", "where.Scalar")
def _where(call: PairCall, condition: Value, x: Any, other: Any) -> Value:
    dtype = call.out.dtype
    chosen = call.column(condition, "bool")
    return call.emit("Where", chosen, call.pair(x, dtype), call.pair(other, dtype))


@crow("masked_fill")
def _masked_fill(call: PairCall, x: Value, mask: Value, value: Any) -> Value:
    return _where(call, mask, value, x)


@crow("to", "_to_copy", "type_as", "chalf", "cfloat")
def _to(call: PairCall, x: Value, *_: Any) -> Value:
    dtype = call.out.dtype
    if call.is_pair(x) and call.type(x).shape != call.out.shape:
        return call.emit("Cast", call.part(x, 0, call.dtype(x)), to=dtype)
    held = call.pair(x, call.dtype(x) if call.is_pair(x) else dtype)
    return call.same(held) if call.dtype(held) == dtype else call.emit("Cast", held, to=dtype)


@crow("copy")
def _copy(call: PairCall, x: Value, source: Value, _: bool = False) -> Value:
    dtype = call.out.dtype
    held = call.pair(source, dtype) if call.is_pair(x) else call.part(source, 0, dtype)
    if call.shape(held) == call.out.shape:
        return call.same(held)
    return call.emit("Expand", held, call.ints(call.out.shape or ()))


@crow("full", "full_like", "fill", "new_full", "zeros", "ones", "empty", "zeros_like", "ones_like")
@crow("empty_like", "zero", "new_zeros", "new_ones", "new_empty", "scalar_tensor")
def _full(call: PairCall, *arguments: Any) -> Value:
    name = call.op.partition(".")[0]
    if "full" in name or name in ("fill", "scalar_tensor"):
        plain = [one for one in arguments if isinstance(one, int | float | complex)]
        value: Any = plain[0] if plain else arguments[1]
        if isinstance(value, bool):
            return NotImplemented
    else:
        value = 1 if "ones" in name else 0
    if not call.out.is_static:
        return NotImplemented
    shape = call.const(np.array(call.out.shape, np.int64))
    return call.emit("Expand", call.pair(value, call.out.dtype), shape)
