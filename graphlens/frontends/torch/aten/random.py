"""Rows of the aten table: random numbers."""

from __future__ import annotations

from typing import Any

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


def _drawn(call: Call, op: str, dtype: str, **attributes: float) -> Value:
    """A draw of the result's shape, as a step."""
    shape = tuple(int(n) for n in call.out.shape or ())
    return call.step(op, type=call.out.with_dtype(dtype), shape=shape, dtype=dtype, **attributes)


def _is_fixed(call: Call) -> bool:
    return call.out.is_static


@row("randint", "randint.low", "randint_like", "randint_like.low_dtype")
def _randint(call: Call, *arguments: Any) -> Value:
    name, _, overload = call.op.partition(".")
    ends = arguments[1:] if name.endswith("like") else arguments
    low, high = ends[:2] if overload.startswith("low") else (0, ends[0])
    if not _is_fixed(call) or not isinstance(low, int) or not isinstance(high, int):
        return NotImplemented
    wide = "float64" if high - low > 2**22 else "float32"
    drawn = call.step(
        "Floor", _drawn(call, "RandomUniform", wide, low=float(low), high=float(high))
    )
    drawn = call.step("Min", drawn, call.number(high - 1, wide))
    return call.emit("Cast", drawn, to=call.out.dtype)


@row("uniform", "normal", "normal.float_float", "normal_functional")
def _uniform(call: Call, *arguments: Any) -> Value:
    plain = [one for one in arguments[:3] if isinstance(one, int | float)]
    if not _is_fixed(call) or not call.out.is_floating or len(plain) < 2:
        return NotImplemented
    shape, dtype = tuple(int(n) for n in call.out.shape or ()), call.out.dtype
    first, second = map(float, plain[:2])
    if call.op.startswith("uniform"):
        return call.emit("RandomUniform", shape=shape, dtype=dtype, low=first, high=second)
    return call.emit("RandomNormal", shape=shape, dtype=dtype, mean=first, scale=second)


@row("normal.Tensor_Tensor", "normal.Tensor_float", "normal.float_Tensor")
def _normal(call: Call, mean: Any, deviation: Any = 1.0, _: Any = None) -> Value:
    if not _is_fixed(call) or not call.out.is_floating:
        return NotImplemented
    dtype = call.out.dtype
    spread = call.step("Mul", _drawn(call, "RandomNormal", dtype), call.operand(deviation, dtype))
    return call.emit("Add", spread, call.operand(mean, dtype))


@row("bernoulli", "bernoulli.p", "bernoulli.Tensor", "bernoulli.float")
def _bernoulli(call: Call, x: Value, chance: Any = None, _: Any = None) -> Value:
    if not _is_fixed(call):
        return NotImplemented
    chance = x if chance is None else chance
    drawn = _drawn(call, "RandomUniform", "float32")
    below = call.step("Less", drawn, call.operand(chance, "float32"))
    return call.emit("Cast", below, to=call.out.dtype)


@row("exponential")
def _exponential(call: Call, x: Value, rate: float = 1.0, _: Any = None) -> Value:
    if not _is_fixed(call) or not call.out.is_floating:
        return NotImplemented
    drawn = _drawn(call, "RandomUniform", call.out.dtype, low=1e-7, high=1.0)
    return call.emit("Mul", call.step("Log", drawn), call.number(-1 / rate, call.out.dtype))


@row("multinomial")
def _multinomial(
    call: Call, x: Value, count: int, replacement: bool = False, _: Any = None
) -> Value:
    """The largest of perturbed logarithms (Gumbel-top-k, Kool et al., arXiv 1903.06059)."""
    if not _is_fixed(call) or not call.type(x).is_static:
        return NotImplemented
    logarithm = call.step("Log", call.cast(x, "float32"))
    *lead, last = (int(n) for n in call.shape(x))
    shape = (*lead, count, last) if replacement else (*lead, last)
    held = call.out.with_dtype("float32").with_shape(shape)
    drawn = call.step("RandomUniform", type=held, shape=shape, dtype="float32", low=1e-20, high=1.0)
    noise = call.step("Neg", call.step("Log", call.step("Neg", call.step("Log", drawn))))
    if replacement:
        column = call.step("Unsqueeze", logarithm, call.const([-2]))
        return call.emit("ArgMax", call.step("Add", column, noise), axis=len(lead) + 1, keepdims=0)
    raised = call.step("Add", logarithm, noise)
    kept = call.step("TopK", raised, call.const([count]), count=2, axis=-1)
    return call.same(Value(kept.node, 1))


@row("randperm")
def _randperm(call: Call, count: Any, *_: Any) -> Value:
    if not _is_fixed(call) or not isinstance(count, int):
        return NotImplemented
    drawn = _drawn(call, "RandomUniform", "float32")
    kept = call.step("TopK", drawn, call.const([count]), count=2, axis=0)
    place = Value(kept.node, 1)
    return (
        call.same(place)
        if call.out.dtype == "int64"
        else call.emit("Cast", place, to=call.out.dtype)
    )
