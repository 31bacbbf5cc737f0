"""TensorFlow's slicing, gathering and scattering as rows of the op table."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from graphlens.frontends.tf.call import Call, Row
from graphlens.ir.node import Value

_LAST, _FIRST = np.iinfo(np.int64).max, np.iinfo(np.int64).min
"""Ends that ONNX clamps to one past the last element and to one before the first."""


Bound = int | Value
"""A start or end: known, or computed (a vector of one int64)."""


@dataclass
class _Cuts:
    """What a strided slice does to each axis, in ONNX's terms."""

    axes: list[int] = field(default_factory=list)
    starts: list[Bound] = field(default_factory=list)
    ends: list[Bound] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    picked: list[tuple[int, int]] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)

    def cut(self, axis: int, start: Bound, end: Bound, step: int) -> None:
        """Take ``start:end:step`` of an axis."""
        self.axes.append(axis)
        self.starts.append(start)
        self.ends.append(end)
        self.steps.append(step)


def _strided_slice(call: Call) -> Value | tuple[()]:
    """Python's ``x[1:, ..., None, 0, ::-1]``: Slice, then Squeeze, then Unsqueeze as needed.

    A computed index (``x[i]``) is gathered; computed bounds are operands of the Slice.
    """
    steps = call.ints(3)
    cuts = None if steps is None else _read_spec(call, steps)
    if cuts is None:
        return ()
    chain: list[tuple[str, list[Value], dict[str, int]]] = []
    if cuts.axes:
        bounds = [_vector(call, cuts.starts), _vector(call, cuts.ends)]
        chain.append(("Slice", [*bounds, call.const(cuts.axes), call.const(cuts.steps)], {}))
    picked = sorted(cuts.picked, reverse=True)
    for axis, place in picked:
        index = call.step("Gather", call.int64(1), call.const(np.int64(place)))
        chain.append(("Gather", [index], {"axis": axis}))
    if cuts.removed:
        gone = [axis for axis, _ in picked]
        axes = [axis - sum(other < axis for other in gone) for axis in cuts.removed]
        chain.append(("Squeeze", [call.const(axes)], {}))
    if cuts.added:
        chain.append(("Unsqueeze", [call.const(cuts.added)], {}))
    return call.chain(call.value(0), *chain)


def _vector(call: Call, bounds: list[Bound]) -> Value:
    """Bounds as one vector of int64."""
    if all(isinstance(bound, int) for bound in bounds):
        return call.const(bounds)
    parts = [call.const([bound]) if isinstance(bound, int) else bound for bound in bounds]
    return parts[0] if len(parts) == 1 else call.step("Concat", *parts, axis=0)


_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")


def _read_spec(call: Call, steps: tuple[int, ...]) -> _Cuts | None:
    """The cuts of each axis, or None where an ellipsis stands for an unknown number of axes."""
    masks = {key: call.attr(f"{key}_mask") for key in _MASKS}
    cuts, axis, made = _Cuts(), 0, 0
    for place, step in enumerate(steps):
        on = {key: bool(mask >> place & 1) for key, mask in masks.items()}
        if on["ellipsis"]:
            rank = call.rank(0)
            if rank is None:
                return None
            later = sum(not masks["new_axis"] >> p & 1 for p in range(place + 1, len(steps)))
            axis, made = rank - later, made + rank - later - axis
        elif on["new_axis"]:
            cuts.added.append(made)
            made += 1
        elif on["shrink_axis"]:
            _shrink(call, cuts, axis, place)
            axis += 1
        else:
            _range(call, cuts, axis, (place, step), on)
            axis, made = axis + 1, made + 1
    return cuts


def _shrink(call: Call, cuts: _Cuts, axis: int, place: int) -> None:
    """``x[3]``: one element, its axis gone; ``x[i]`` gathers it."""
    start = _known(call, 1, place)
    if start is None:
        cuts.picked.append((axis, place))
        return
    cuts.cut(axis, start, _LAST if start == -1 else start + 1, 1)
    cuts.removed.append(axis)


def _range(call: Call, cuts: _Cuts, axis: int, spec: tuple[int, int], on: dict[str, bool]) -> None:
    """``x[begin:end:step]``."""
    place, step = spec
    open_start, open_end = (0, _LAST) if step > 0 else (_LAST, _FIRST)
    start = open_start if on["begin"] else _bound(call, 1, place)
    end = open_end if on["end"] else _bound(call, 2, place)
    if (start, end, step) != (0, _LAST, 1):
        cuts.cut(axis, start, end, step)


def _known(call: Call, index: int, place: int) -> int | None:
    """An element of an operand, or None where it is computed."""
    found = call.partial(index)
    return None if found is None else found[place]


def _bound(call: Call, index: int, place: int) -> Bound:
    known = _known(call, index, place)
    if known is not None:
        return known
    return call.step("Slice", call.int64(index), call.const([place]), call.const([place + 1]))


def _slice(call: Call) -> Value:
    """``size`` elements from ``begin``; a size of -1 is all that is left."""
    begins, sizes = call.ints(1), call.ints(2)
    if begins is not None and sizes is not None:
        ends = [
            _LAST if size == -1 else begin + size for begin, size in zip(begins, sizes, strict=True)
        ]
        axes = call.const(list(range(len(begins))))
        return call.emit("Slice", call.value(0), call.const(list(begins)), call.const(ends), axes)
    begin, size = call.int64(1), call.int64(2)
    rest = call.step("Equal", size, call.const(-1))
    end = call.step("Where", rest, call.const(_LAST), call.step("Add", begin, size))
    return call.emit("Slice", call.value(0), begin, end)


def _reverse(call: Call) -> Value | tuple[()]:
    axes = call.ints(1)
    if axes is None:
        return ()
    lists = ([-1] * len(axes), [_FIRST] * len(axes), list(axes), [-1] * len(axes))
    return call.emit("Slice", call.value(0), *(call.const(numbers) for numbers in lists))


def _reverse_sequence(call: Call) -> Value:
    return call.emit(
        "ReverseSequence",
        call.value(0),
        call.value(1, "int64"),
        batch_axis=call.attr("batch_dim"),
        time_axis=call.attr("seq_dim"),
    )


def _gather(call: Call) -> Value | tuple[()]:
    """Along one axis; with leading batch axes in common, as ONNX's GatherND does it."""
    axis = call.ints(2) if call.op == "GatherV2" else (0,)
    batch = call.attr("batch_dims") if call.op == "GatherV2" else 0
    if axis is None:
        return ()
    if batch == 0:
        return call.emit("Gather", call.value(0), call.value(1), axis=axis[0] or None)
    rank = call.rank(0)
    if batch < 0 or rank is None or axis[0] % rank != batch:
        return ()
    indices = call.step("Unsqueeze", call.value(1, "int64"), call.const([-1]))
    return call.emit("GatherND", call.value(0), indices, batch_dims=batch)


def _gather_nd(call: Call) -> Value:
    return call.emit("GatherND", call.value(0), call.value(1, "int64"))


def _one_hot(call: Call) -> Value:
    """TF's negative index is no index at all, ONNX's counts from the end: it is moved past it."""
    indices = call.value(0)
    held = call.type(0)
    depth = call.value(1, held.dtype)
    if not held.dtype.startswith("uint"):
        negative = call.step("Less", indices, call.const(0, held.dtype))
        indices = call.step("Where", negative, depth, indices)
    off_on = [call.step("Unsqueeze", call.value(i), call.const([0])) for i in (3, 2)]
    values = call.step("Concat", *off_on, axis=0)
    return call.emit("OneHot", indices, call.int64(1), values, axis=call.attr("axis"))


def _where(call: Call) -> Value:
    """The places of the true elements, one a row; ONNX's come one a column."""
    return call.emit("Transpose", call.step("NonZero", call.value(0)), perm=(1, 0))


def _range_of(call: Call) -> Value:
    return call.emit("Range", *call.values())


def _scatter(reduction: str | None) -> Row:
    return lambda call: call.emit(
        "ScatterND", call.value(0), call.value(1, "int64"), call.value(2), reduction=reduction
    )


def _scatter_new(call: Call) -> Value:
    """Updates added into zeros: equal indices add up."""
    zeros = call.step("Expand", call.const(0, call.type(1).dtype), call.int64(2))
    indices = call.value(0, "int64")
    return call.emit("ScatterND", zeros, indices, call.value(1), reduction="add")


def _bucketize(call: Call) -> Value:
    """How many of the boundaries are at or below each element."""
    x = call.step("Unsqueeze", call.value(0), call.const([-1]))
    bounds = call.const(np.array(call.attr("boundaries"), call.type(0).dtype))
    below = call.step("Cast", call.step("GreaterOrEqual", x, bounds), to="int32")
    return call.emit("ReduceSum", below, call.const([-1]), keepdims=0)


ROWS: dict[str, Row] = {
    "StridedSlice": _strided_slice,
    "Slice": _slice,
    "ReverseV2": _reverse,
    "ReverseSequence": _reverse_sequence,
    "Gather": _gather,
    "GatherV2": _gather,
    "ResourceGather": _gather,
    "GatherNd": _gather_nd,
    "ResourceGatherNd": _gather_nd,
    "OneHot": _one_hot,
    "Where": _where,
    "Range": _range_of,
    "Bucketize": _bucketize,
    "TensorScatterUpdate": _scatter(None),
    "TensorScatterAdd": _scatter("add"),
    "TensorScatterMax": _scatter("max"),
    "TensorScatterMin": _scatter("min"),
    "ScatterNd": _scatter_new,
}
"""Rows of this family by TF op type."""
