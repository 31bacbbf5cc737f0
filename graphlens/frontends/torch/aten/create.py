"""Rows of the aten table: tensors made from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


def filled(call: Call, number: Any) -> Value:
    """Emit the result's shape full of one number (or of a scalar value)."""
    scalar = call.operand(number, call.out.dtype)
    if call.out.shape == ():
        return call.same(scalar)
    return call.emit("Expand", scalar, _shape(call))


def _shape(call: Call) -> Value:
    return call.ints(call.sizes if call.sizes is not None else call.out.shape or ())


@row("full")
def _full(call: Call, size: Sequence[Any], value: Any, *_: Any) -> Value:
    call.sizes = size
    return filled(call, value)


@row("full_like", "fill")
def _full_like(call: Call, x: Value, value: Any, *_: Any) -> Value:
    return _like(call, x, value)


@row("new_full")
def _new_full(call: Call, x: Value, size: Sequence[Any], value: Any, *_: Any) -> Value:
    call.sizes = size
    return filled(call, value)


@row("zeros", "empty", "ones", "empty_permuted", "empty_strided")
def _zeros(call: Call, size: Sequence[Any], *_: Any) -> Value:
    call.sizes = size
    return filled(call, 1 if call.op.startswith("ones") else 0)


@row("zeros_like", "empty_like", "ones_like", "zero")
def _zeros_like(call: Call, x: Value, *_: Any) -> Value:
    return _like(call, x, 1 if call.op.startswith("ones") else 0)


@row("new_zeros", "new_empty", "new_ones")
def _new_zeros(call: Call, x: Value, size: Sequence[Any], *_: Any) -> Value:
    call.sizes = size
    return filled(call, 1 if call.op.startswith("new_ones") else 0)


def _like(call: Call, x: Value, value: Any) -> Value:
    if call.out.is_static:
        return filled(call, value)
    return call.emit("Expand", call.operand(value, call.out.dtype), call.step("Shape", x))


@row("scalar_tensor")
def _scalar_tensor(call: Call, value: Any, *_: Any) -> Value:
    return call.same(call.number(value, call.out.dtype))


@row("arange")
def _arange(call: Call, *arguments: Any) -> Value:
    numbers = [one for one in arguments if _is_number(one)]
    overload = call.op.partition(".")[2]
    if overload in ("", "default"):
        start, end, step = 0, numbers[0], 1
    else:
        start, end, step = [*numbers[:2], numbers[2] if overload == "start_step" else 1]
    if not call.out.is_floating and all(isinstance(n, int | float) for n in (start, end, step)):
        start, step = int(start), int(step)  # each is made an integer, the count is not
        end = start + step * int((call.out.shape or (0,))[0])
    # the widest type that counts exactly, then the wanted one, as torch does
    dtype = "int64" if all(isinstance(n, int) for n in (start, end, step)) else "float64"
    dtype = "int64" if any(not isinstance(n, int | float) for n in (start, end, step)) else dtype
    if dtype == call.out.dtype:
        return call.emit("Range", *(call.number(n, dtype) for n in (start, end, step)))
    held = call.out.with_dtype(dtype)
    counted = call.step("Range", *(call.number(n, dtype) for n in (start, end, step)), type=held)
    return call.emit("Cast", counted, to=call.out.dtype)


def _is_number(one: Any) -> bool:
    return isinstance(one, int | float | torch.SymInt | torch.SymFloat) and not isinstance(
        one, bool
    )


@row("linspace")
def _linspace(call: Call, start: float, end: float, steps: int, *_: Any) -> Value:
    if isinstance(start, Value) or isinstance(end, Value):
        return NotImplemented
    held = np.linspace(start, end, steps)
    return call.same(call.const(held, call.out.dtype))


@row("eye")
def _eye(call: Call, *_: Any) -> Value:
    if not call.out.is_static:
        zeros = call.step("Expand", call.number(0, call.out.dtype), call.ints(call.out.shape or ()))
        return call.emit("EyeLike", zeros, dtype=call.out.dtype)
    rows, columns = (int(n) for n in call.out.shape or ())
    return call.same(call.const(np.eye(rows, columns), call.out.dtype))


@row("tril_indices", "triu_indices")
def _triangle(call: Call, rows: int, columns: int, offset: int = 0, *_: Any) -> Value:
    made = np.tril_indices if call.op.startswith("tril") else np.triu_indices
    return call.same(call.const(np.stack(made(rows, offset, columns)), call.out.dtype))


_RANDOM = {"rand": "RandomUniform", "randn": "RandomNormal"}


@row("rand", "randn")
def _random(call: Call, size: Sequence[Any], *_: Any) -> Value:
    if not call.out.is_static or not call.out.is_floating:
        return NotImplemented
    shape = tuple(int(n) for n in call.out.shape or ())
    return call.emit(_RANDOM[call.op.split(".")[0]], shape=shape, dtype=call.out.dtype)


@row("rand_like", "randn_like")
def _random_like(call: Call, x: Value, *_: Any) -> Value:
    op = _RANDOM[call.op.split("_")[0]]
    return call.emit(f"{op}Like", x, dtype=call.out.dtype)
