"""Rows of the aten table: other shapes of the same elements, joining, splitting, repeating."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.aten.places import diagonal_places
from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value
from graphlens.tensor import Dim, TensorType


@row("view", "reshape", "_unsafe_view", "_reshape_alias", "view_as", "reshape_as", "view_copy")
def _view(call: Call, x: Value, size: Any = None, *_: Any) -> Value:
    if not isinstance(size, list | tuple) or isinstance(size, Value):
        if isinstance(size, Value):
            size = call.shape(size)
        else:
            return NotImplemented  # view.dtype: the same bytes as another type
    return call.reshaped(x, size)


@row("flatten", "unflatten", "unsqueeze", "squeeze", "ravel", "atleast_1d", "atleast_2d")
@row("unsqueeze_copy", "squeeze_copy", "atleast_3d")
def _flatten(call: Call, x: Value, *_: Any) -> Value:
    return call.reshaped(x) if isinstance(x, Value) else NotImplemented


@row("transpose", "swapaxes", "swapdims", "transpose_copy")
def _transpose(call: Call, x: Value, first: int, second: int) -> Value:
    order = list(range(call.rank(x)))
    if not order:
        return call.same(x)
    a, b = call.axis(x, first), call.axis(x, second)
    order[a], order[b] = order[b], order[a]
    return call.emit("Transpose", x, perm=tuple(order))


@row("permute", "permute_copy")
def _permute(call: Call, x: Value, dims: Sequence[int]) -> Value:
    return call.emit("Transpose", x, perm=tuple(call.axis(x, dim) for dim in dims))


@row("t", "numpy_T", "t_copy")
def _t(call: Call, x: Value) -> Value:
    return call.emit("Transpose", x, perm=tuple(range(call.rank(x)))[::-1])


@row("mT", "matrix_H", "mH", "adjoint")
def _matrix_transpose(call: Call, x: Value) -> Value:
    return _transpose(call, x, -2, -1)


@row("movedim", "moveaxis")
def _movedim(call: Call, x: Value, source: Any, target: Any) -> Value:
    pairs = [[one] if isinstance(one, int) else list(one) for one in (source, target)]
    moved = {call.axis(x, t): call.axis(x, s) for s, t in zip(*pairs, strict=True)}
    rest = iter(axis for axis in range(call.rank(x)) if axis not in moved.values())
    order = tuple(moved[i] if i in moved else next(rest) for i in range(call.rank(x)))
    return call.emit("Transpose", x, perm=order)


@row("expand", "broadcast_to", "expand_as", "expand_copy")
def _expand(call: Call, x: Value, size: Any, *_: Any) -> Value:
    if isinstance(size, Value):
        return call.emit("Expand", x, call.step("Shape", size))
    lead = len(size) - call.rank(x)
    # -1 keeps the operand's size, which Expand spells 1
    sizes = [1 if isinstance(s, int) and s == -1 and i >= lead else s for i, s in enumerate(size)]
    return call.emit("Expand", x, call.ints(sizes))


@row("repeat", "tile")
def _repeat(call: Call, x: Value, repeats: Sequence[Any]) -> Value:
    missing = len(repeats) - call.rank(x)
    if missing < 0:
        repeats = [1] * -missing + list(repeats)
    elif missing > 0:
        shape = (1,) * missing + call.shape(x)
        x = call.reshape(x, shape, call.type(x).with_shape(shape))
    return call.emit("Tile", x, call.ints(repeats))


@row("repeat_interleave.self_int")
def _repeat_interleave(
    call: Call, x: Value, repeats: int, dim: int | None = None, _: Any = None
) -> Value:
    if dim is None:
        x, dim = call.flat(x), 0
    axis, shape = call.axis(x, dim), call.shape(x)
    spread = call.step("Unsqueeze", x, call.const([axis + 1]))
    sizes = [repeats if i == axis + 1 else 1 for i in range(len(shape) + 1)]
    return call.reshaped(call.step("Expand", spread, call.ints(sizes)))


@row("repeat_interleave.Tensor")
def _repeated_places(call: Call, repeats: Value, _: Any = None) -> Value:
    """Each place as often as is said of it: how many runs have ended, of which each ends one."""
    wide = call.cast(repeats, "int64")
    ends = call.step("CumSum", wide, call.const(np.array(0)))
    ones = call.step("Expand", call.const([1]), call.step("Shape", ends))
    whole = call.step("ReduceSum", wide, call.const([0]), keepdims=1)
    zeros = call.step(
        "Expand", call.const([0]), call.step("Add", whole, call.const([1])), type=_VECTOR
    )
    ended = call.step("ScatterElements", zeros, ends, ones, axis=0, reduction="add")
    run = call.step("CumSum", ended, call.const(np.array(0)))
    if call.out.dtype == "int64":
        return call.emit("Slice", run, call.const([0]), whole, call.const([0]))
    kept = call.step("Slice", run, call.const([0]), whole, call.const([0]), type=_VECTOR)
    return call.emit("Cast", kept, to=call.out.dtype)


@row("repeat_interleave.self_Tensor")
def _repeated(call: Call, x: Value, repeats: Value, dim: int | None = None, _: Any = None) -> Value:
    if dim is None:
        x = call.flat(x)
    axis, known = call.axis(x, dim or 0), call.build.value_of(repeats)
    if known is not None and known.size == 1:  # a trace has numbers as tensors
        return _repeat_interleave(call, x, int(known.item()), axis)
    size = call.shape(x)[axis]
    if call.shape(repeats) != (size,):
        held = call.type(repeats).with_shape((size,))
        repeats = call.step("Expand", repeats, call.size(size), type=held)
    inner = Call(call.build, call.op, f"{call.name}.places", [_VECTOR])
    return call.emit("Gather", x, _repeated_places(inner, repeats), axis=axis)


_VECTOR = TensorType("int64", ("?",))


@row("cat", "concat", "concatenate")
def _cat(call: Call, tensors: Sequence[Value], dim: int = 0) -> Value:
    held = [one for one in tensors if call.shape(one) != (0,)] or list(tensors)[:1]
    parts = [call.cast(one, call.out.dtype) for one in held]
    return call.emit("Concat", *parts, axis=call.axis(parts[0], dim))


@row("stack")
def _stack(call: Call, tensors: Sequence[Value], dim: int = 0) -> Value:
    axis = dim % (call.rank(tensors[0]) + 1)
    parts = [call.cast(one, call.out.dtype) for one in tensors]
    return _joined_on_new_axis(call, parts, axis)


def _joined_on_new_axis(call: Call, parts: Sequence[Value], axis: int) -> Value:
    spread: list[Value] = []
    for one in parts:
        shape = list(call.shape(one))
        shape.insert(axis, 1)
        held = call.type(one).with_shape(tuple(shape))
        spread.append(call.step("Unsqueeze", one, call.const([axis]), type=held))
    return call.emit("Concat", *spread, axis=axis)


_STACKS = {"hstack": 1, "column_stack": 1, "vstack": 0, "row_stack": 0, "dstack": 2}


@row(*_STACKS)
def _named_stack(call: Call, tensors: Sequence[Value]) -> Value:
    axis = _STACKS[call.op.split(".")[0]]
    rank = len(call.out.shape or ())
    parts: list[Value] = []
    for one in tensors:
        shape = call.shape(one)
        if len(shape) < rank and call.op.startswith("column"):
            shape = (*shape, 1) if shape else (1, 1)
        elif len(shape) < rank and axis == 2:
            shape = (1, *shape, 1) if len(shape) == 1 else (*shape, 1)
        else:
            shape = (1,) * (rank - len(shape)) + tuple(shape)
        held = call.type(one).with_shape(tuple(shape))
        parts.append(call.cast(call.reshape(one, tuple(shape), held), call.out.dtype))
    return call.emit("Concat", *parts, axis=0 if rank == 1 else axis)


@row("split.Tensor", "chunk", "tensor_split", "unsafe_split.Tensor", "unsafe_chunk", "split_copy")
@row("split.sizes", "split_with_sizes", "unsafe_split_with_sizes", "split_with_sizes_copy")
def _split(call: Call, x: Value, _: Any, dim: int = 0) -> Any:
    axis = call.axis(x, dim)
    if not isinstance(dim, int):
        return NotImplemented
    sizes = [(held.shape or ())[axis] for held in call.types]
    if len(sizes) == 1:
        return (call.same(x),)
    first = call.emit("Split", x, call.ints(sizes), axis=axis)
    return tuple(Value(first.node, i) for i in range(len(sizes)))


@row("unbind", "unbind_copy")
def _unbind(call: Call, x: Value, dim: int = 0) -> Any:
    axis, shape = call.axis(x, dim), call.shape(x)
    if len(call.types) == 1:
        return (call.emit("Squeeze", x, call.const([axis])),)
    part = call.type(x).with_shape((*shape[:axis], 1, *shape[axis + 1 :]))
    first = call.build.op(
        "Split",
        x,
        results=[part] * len(call.types),
        name=f"{call.name}.split",
        axis=axis,
        num_outputs=len(call.types),
    )
    return tuple(
        call.build.op(
            "Squeeze",
            Value(first.node, i),
            call.const([axis]),
            results=[held],
            name=f"{call.name}.{i}",
        )
        for i, held in enumerate(call.types)
    )


@row("flip")
def _flip(call: Call, x: Value, dims: Sequence[int]) -> Value:
    axes = call.axes(x, dims) if dims else ()
    if not axes:
        return call.same(x)
    count = len(axes)
    lowest = np.iinfo(np.int64).min
    bounds = ([-1] * count, [lowest] * count, list(axes), [-1] * count)
    return call.emit("Slice", x, *(call.const(bound) for bound in bounds))


@row("roll")
def _roll(call: Call, x: Value, shifts: Any, dims: Any = ()) -> Value:
    shifts = list(shifts) if isinstance(shifts, list | tuple) else [shifts]
    dims = list(dims) if isinstance(dims, list | tuple) else [dims]
    held = x
    if not dims:
        held, dims = call.flat(x), [0]
    for shift, dim in zip(shifts, dims, strict=True):
        axis = call.axis(held, dim)
        cut, end = _cut(call, shift, call.shape(held)[axis])
        head = call.step("Slice", held, cut, end, call.const([axis]))
        tail = call.step("Slice", held, call.const([0]), cut, call.const([axis]))
        held = call.step("Concat", head, tail, type=call.type(held), axis=axis)
    return call.reshaped(held)


def _cut(call: Call, shift: Any, size: Dim) -> tuple[Value, Value]:
    """Where an axis is cut so that its parts, exchanged, are rolled by a shift; and its end."""
    if isinstance(shift, int) and isinstance(size, int):
        return call.const([-shift % size if size else 0]), call.const([size])
    whole = call.size(size)
    some = call.step("Max", whole, call.const([1]))  # a remainder by 0 ends the program
    return call.step("Mod", call.step("Neg", call.size(shift)), some), whole


@row("unfold")
def _unfold(call: Call, x: Value, dim: int, size: int, step: int) -> Value:
    axis, shape = call.axis(x, dim), call.shape(x)
    if not shape or not isinstance(shape[axis], int):
        return NotImplemented
    starts = np.arange(0, int(shape[axis]) - size + 1, step)
    where = call.const(starts[:, None] + np.arange(size)[None, :])
    taken = call.step("Gather", x, where, axis=axis)
    order = [i for i in range(len(shape) + 1) if i != axis + 1] + [axis + 1]
    return call.emit("Transpose", taken, perm=tuple(order))


@row("meshgrid")
def _meshgrid(call: Call, tensors: Sequence[Value], indexing: str = "ij") -> Any:
    rank, made = len(tensors), []
    for index, (one, held) in enumerate(zip(tensors, call.types, strict=True)):
        place = {0: 1, 1: 0}.get(index, index) if indexing == "xy" and rank > 1 else index
        shape: list[Dim] = [1] * rank
        shape[place] = next(iter(call.shape(one)), 1)
        column = call.reshape(one, shape, call.type(one).with_shape(tuple(shape)))
        sizes = call.ints(held.shape or ())
        made.append(
            call.build.op("Expand", column, sizes, results=[held], name=f"{call.name}.{index}")
        )
    return tuple(made)


@row("broadcast_tensors")
def _broadcast_tensors(call: Call, tensors: Sequence[Value]) -> Any:
    return tuple(
        call.build.op("Expand", one, call.ints(held.shape or ()), results=[held], name=call.name)
        for one, held in zip(tensors, call.types, strict=True)
    )


@row("diagonal", "diagonal_copy")
def _diagonal(call: Call, x: Value, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Value:
    first, second, shape = call.axis(x, dim1), call.axis(x, dim2), call.shape(x)
    rest = [axis for axis in range(len(shape)) if axis not in (first, second)]
    turned = call.permuted(x, (first, second, *rest))
    where = diagonal_places(call, (call.out.shape or (0,))[-1], offset)
    taken = call.step("GatherND", turned, where)
    order = (*range(1, len(rest) + 1), 0)
    return call.emit("Transpose", taken, perm=order)
