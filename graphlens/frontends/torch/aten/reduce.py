"""Rows of the aten table: reductions, sorting, running sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.frontends.torch.aten.create import filled
from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value

_END = np.iinfo(np.int64).max


def reduced(call: Call, op: str, x: Value, dims: Any, keepdim: bool) -> Value:
    """Emit an ONNX reduction over dims, all of them where there are none."""
    if call.rank(x) == 0:
        return call.same(x)
    axes = call.const(list(call.axes(x, dims)))
    return call.emit(op, x, axes, keepdims=int(keepdim))


def _step_reduced(call: Call, op: str, x: Value, dims: Any, keepdim: bool) -> Value:
    axes = call.const(list(call.axes(x, dims)))
    return call.step(op, x, axes, keepdims=int(keepdim))


@row("sum", "nansum")
def _sum(call: Call, x: Value, dims: Any = None, keepdim: Any = False, _: Any = None) -> Value:
    if call.op.startswith("nan"):
        return NotImplemented
    dims, keepdim = (dims, keepdim) if "." in call.op else (None, False)
    return reduced(call, "ReduceSum", call.cast(x, call.out.dtype), dims, keepdim)


@row("mean")
def _mean(call: Call, x: Value, dims: Any = None, keepdim: Any = False, _: Any = None) -> Value:
    dims, keepdim = (dims, keepdim) if "." in call.op else (None, False)
    if call.type(x).elements == 0:
        return filled(call, float("nan"))  # the mean of nothing, which kernels take for 0
    return reduced(call, "ReduceMean", call.cast(x, call.out.dtype), dims, keepdim)


@row("prod.dim_int", "prod")
def _prod(call: Call, x: Value, dim: Any = None, keepdim: Any = False, _: Any = None) -> Value:
    dim = dim if call.op == "prod.dim_int" else None
    keepdim = keepdim if isinstance(keepdim, bool) else False
    return reduced(call, "ReduceProd", call.cast(x, call.out.dtype), dim, keepdim)


@row("amax", "amin")
def _amax(call: Call, x: Value, dims: Any = None, keepdim: bool = False) -> Value:
    return _extreme(call, "ReduceMax" if "amax" in call.op else "ReduceMin", x, dims, keepdim)


@row("max", "min", "max.default", "min.default")
def _max_all(call: Call, x: Value) -> Value:
    return _extreme(call, "ReduceMax" if "max" in call.op else "ReduceMin", x, None, False)


def _extreme(call: Call, op: str, x: Value, dims: Any, keepdim: bool) -> Value:
    if call.dtype(x) != "bool":
        return reduced(call, op, x, dims, keepdim)
    held = _step_reduced(call, op, call.cast(x, "uint8"), dims, keepdim)
    return call.emit("Cast", held, to="bool")


@row("max.dim", "min.dim")
def _max_dim(call: Call, x: Value, dim: int, keepdim: bool = False) -> Any:
    largest = call.op.startswith("max")
    if call.rank(x) == 0 or call.dtype(x) == "bool":
        return NotImplemented
    axis = call.axis(x, dim)
    values = call.build.op(
        "ReduceMax" if largest else "ReduceMin",
        x,
        call.const([axis]),
        results=call.types[:1],
        name=call.name,
        keepdims=int(keepdim),
    )
    where = call.build.op(
        "ArgMax" if largest else "ArgMin",
        x,
        results=call.types[1:],
        name=f"{call.name}.indices",
        axis=axis,
        keepdims=int(keepdim),
    )
    return values, where


@row("argmax", "argmin")
def _argmax(call: Call, x: Value, dim: int | None = None, keepdim: bool = False) -> Value:
    op = "ArgMax" if call.op.startswith("argmax") else "ArgMin"
    if call.rank(x) == 0 or call.dtype(x) == "bool":
        return NotImplemented
    if dim is not None:
        return call.emit(op, x, axis=call.axis(x, dim), keepdims=int(keepdim))
    flat = call.flat(x)
    if not keepdim:
        return call.emit(op, flat, axis=0, keepdims=0)
    held = call.step(op, flat, axis=0, keepdims=0)
    return call.reshaped(held)


@row("any", "any.dim", "any.dims", "all", "all.dim", "all.dims", "_is_any_true", "_is_all_true")
def _any(call: Call, x: Value, dims: Any = None, keepdim: bool = False) -> Value:
    op = "ReduceMax" if "any" in call.op else "ReduceMin"
    held = call.cast(call.cast(x, "bool"), "uint8")
    if call.rank(x):
        held = _step_reduced(call, op, held, dims, keepdim)
    return call.emit("Cast", held, to=call.out.dtype)


@row("logsumexp", "special_logsumexp")
def _logsumexp(call: Call, x: Value, dims: Any, keepdim: bool = False) -> Value:
    return reduced(call, "ReduceLogSumExp", call.cast(x, call.out.dtype), dims, keepdim)


@row("norm", "linalg_vector_norm")
def _norm(
    call: Call, x: Value, order: Any = 2, dims: Any = None, keepdim: Any = False, *_: Any
) -> Value:
    order = 2 if order is None else order
    keepdim = keepdim if isinstance(keepdim, bool) else False
    dims = dims if isinstance(dims, list | tuple | int) else None
    held = call.cast(x, call.out.dtype)
    if order in (1, 2) and call.rank(x):
        return reduced(call, f"ReduceL{int(order)}", held, dims, keepdim)
    size = call.step("Abs", held)
    if order in (float("inf"), float("-inf")):
        return reduced(call, "ReduceMax" if order > 0 else "ReduceMin", size, dims, keepdim)
    if order == 0:
        return NotImplemented
    power = call.step("Pow", size, call.number(order, call.out.dtype))
    total = power if call.rank(x) == 0 else _step_reduced(call, "ReduceSum", power, dims, keepdim)
    return call.emit("Pow", total, call.number(1 / order, call.out.dtype))


@row("var", "std", "var_mean", "std_mean")
def _var(call: Call, x: Value, *arguments: Any) -> Any:
    """``var(x, unbiased)``, or ``var(x, dims, correction, keepdim)``, True counting as 1."""
    name, _, overload = call.op.partition(".")
    if overload in ("", "default"):
        dims, correction, keepdim = None, int(arguments[0]), False
    else:
        dims, correction, keepdim = arguments
        correction = 1 if correction is None else correction
    axes = call.axes(x, dims)
    sizes = [call.shape(x)[axis] for axis in axes] if call.rank(x) else []
    if not sizes or 0 in sizes or not all(isinstance(size, int) for size in sizes):
        return NotImplemented
    mean = _step_reduced(call, "ReduceMean", x, axes, True)
    gap = call.step("Sub", x, mean, type=call.type(x))
    total = _step_reduced(
        call, "ReduceSum", call.step("Mul", gap, gap, type=call.type(x)), axes, keepdim
    )
    divisor = int(np.prod(sizes)) - correction
    inner = Call(call.build, call.op, call.name, call.types[:1])
    operand = call.number(max(divisor, 0), call.out.dtype)
    if name.startswith("std"):
        result = inner.emit("Sqrt", call.step("Div", total, operand, type=call.out))
    else:
        result = inner.emit("Div", total, operand)
    if not name.endswith("_mean"):
        return result
    return result, (mean if keepdim else call.step("Squeeze", mean, call.const(list(axes))))


@row("cumsum", "cumprod")
def _cumsum(call: Call, x: Value, dim: int, _: Any = None) -> Value:
    if call.rank(x) == 0:
        return call.same(call.cast(x, call.out.dtype))
    op = "CumSum" if call.op.startswith("cumsum") else "CumProd"
    axis = call.const(np.array(call.axis(x, dim), np.int64))
    return call.emit(op, call.cast(x, call.out.dtype), axis)


@row("topk")
def _topk(
    call: Call, x: Value, k: int, dim: int = -1, largest: bool = True, ordered: bool = True
) -> Any:
    if call.rank(x) == 0:
        return NotImplemented
    first = call.emit(
        "TopK", x, call.ints(k), axis=call.axis(x, dim), largest=int(largest), sorted=int(ordered)
    )
    return first, Value(first.node, 1)


@row("sort", "sort.stable", "argsort", "argsort.stable")
def _sort(call: Call, x: Value, *arguments: Any) -> Any:
    stable = call.op.endswith(".stable")
    dim, descending = arguments[-2:] if stable else arguments
    if call.rank(x) == 0:
        return NotImplemented
    axis = call.axis(x, dim)
    size = call.shape(x)[axis]
    if call.op.startswith("sort"):
        first = call.emit("TopK", x, call.ints([size]), axis=axis, largest=int(descending))
        return first, Value(first.node, 1)
    held = call.step("TopK", x, call.ints([size]), count=2, axis=axis, largest=int(descending))
    return call.same(Value(held.node, 1))


@row("diff")
def _diff(
    call: Call, x: Value, n: int = 1, dim: int = -1, before: Any = None, after: Any = None
) -> Value:
    axis, over = call.axis(x, dim), call.const([call.axis(x, dim)])
    parts = [part for part in (before, x, after) if part is not None]
    held = x if len(parts) == 1 else call.step("Concat", *parts, axis=axis)
    if n < 1:
        return call.same(held)
    for turn in range(n):
        later = call.step("Slice", held, call.const([1]), call.const([_END]), over)
        sooner = call.step("Slice", held, call.const([0]), call.const([-1]), over)
        last = call.emit if turn == n - 1 else call.step
        held = last("Xor" if call.out.dtype == "bool" else "Sub", later, sooner)
    return held
