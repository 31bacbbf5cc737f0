"""Rules that bring moves of data to one form: Slice, Gather, Split, Concat, Pad."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize_views import rebuilt, reshaped
from graphlens.passes.eliminate_moves import reshape_target
from graphlens.rewrite import Match, Rule, const, op, optional, rest, var
from graphlens.tensor import TensorType

_END = np.iinfo(np.int64).max


def _is_ones(_: TensorType, array: np.ndarray | None) -> bool:
    return array is not None and bool(np.all(array == 1))


def _ints(m: Match, name: str) -> list[int] | None:
    array = m.array(name)
    return None if array is None else [int(element) for element in array.reshape(-1)]


def _slices(m: Match) -> dict[int, tuple[int, int, int]] | None:
    """What a Slice takes by axis, (start, end, step) counted from the front; None if unknown."""
    shape = m.type("x").shape
    starts, ends = _ints(m, "starts"), _ints(m, "ends")
    if shape is None or starts is None or ends is None:
        return None
    axes = _ints(m, "axes") if "axes" in m else list(range(len(starts)))
    steps = _ints(m, "steps") if "steps" in m else [1] * len(starts)
    if axes is None or steps is None or any(step <= 0 for step in steps):
        return None
    found: dict[int, tuple[int, int, int]] = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = axis % len(shape)
        size = shape[axis]
        if isinstance(size, int):
            start, end = (min(max(p + size if p < 0 else p, 0), size) for p in (start, end))
        elif end >= np.iinfo(np.int32).max:
            end = _END
        whole = (0, size if isinstance(size, int) else _END, 1)
        if (start, end, step) != whole:
            found[axis] = (start, end, step)
    return dict(sorted(found.items()))


def _slice_operands(m: Match) -> list[np.ndarray] | None:
    """The operands of a Slice in canonical form, steps last where any is not 1."""
    taken = _slices(m)
    if taken is None:
        return None
    parts = [list(taken), *map(list, zip(*taken.values(), strict=True))] if taken else [[]] * 4
    axes, starts, ends, steps = parts
    made = [starts, ends, axes, *([steps] if any(step != 1 for step in steps) else [])]
    return [np.array(part, np.int64) for part in made]


def _slice_is_unsettled(m: Match) -> bool:
    wanted = _slice_operands(m)
    if not wanted or not wanted[0].size:
        return False
    held = [m.array(name) for name in ("starts", "ends", "axes", "steps") if m.get(name)]
    return len(held) != len(wanted) or not all(
        a is not None and a.dtype == np.int64 and np.array_equal(a, w)
        for a, w in zip(held, wanted, strict=True)
    )


def _settle_slice(m: Match, b: Builder) -> Value:
    operands = [b.const(array, name="slice") for array in _slice_operands(m) or ()]
    return b.op("Slice", m["x"], *operands, results=[m.type()], name=m.root)


def _takes_one(m: Match) -> bool:
    """Whether a Gather takes one known place of a known axis, in a shape that can be written."""
    index, shape = m.array("index"), m.type("x").shape
    if index is None or index.size != 1 or index.ndim > 1 or shape is None:
        return False
    size = shape[_axis(m)]
    return isinstance(size, int) and (index.ndim == 1 or reshape_target(m.type()) is not None)


def _axis(m: Match) -> int:
    axis: Any = m.attribute("axis")
    return axis % len(m.type("x").shape or (1,))


def _slice_one(m: Match, b: Builder) -> Value | None:
    shape = m.type("x").shape or ()
    axis = _axis(m)
    size: Any = shape[axis]
    place = int(m.number("index")) % size
    bounds = [b.const([part], "int64", name="slice") for part in (place, place + 1, axis)]
    held = m.type("x").with_shape((*shape[:axis], 1, *shape[axis + 1 :]))
    return reshaped(b, b.op("Slice", m["x"], *bounds, results=[held]), m.type(), m.root)


def _run(m: Match) -> int | None:
    """Where the run of elements begins that a Gather takes one after the other, if it does."""
    index, size = m.array("index"), (m.type("x").shape or ("?",))[_axis(m)]
    if index is None or index.size < 2 or not isinstance(size, int):
        return None
    flat = index.reshape(-1).astype(np.int64)
    flat = np.where(flat < 0, flat + size, flat)
    start = int(flat[0])
    return start if np.array_equal(flat, np.arange(start, start + flat.size)) else None


def _slice_run(m: Match, b: Builder) -> Value | None:
    shape, axis = m.type("x").shape or (), _axis(m)
    start, index = _run(m), m.array("index")
    if start is None or index is None or reshape_target(m.type()) is None:
        return None
    bounds = [b.const([part], "int64", name="slice") for part in (start, start + index.size, axis)]
    held = m.type("x").with_shape((*shape[:axis], index.size, *shape[axis + 1 :]))
    return reshaped(b, b.op("Slice", m["x"], *bounds, results=[held]), m.type(), m.root)


def _split_sizes(m: Match) -> list[int] | None:
    """The sizes of a Split's results, where they are known and not written yet."""
    axis = _axis(m)
    sizes = [held.shape[axis] if held.shape else None for held in m.node().results]
    known = [size for size in sizes if isinstance(size, int)]
    return known if len(known) == len(sizes) and "sizes" not in m else None


def _write_sizes(m: Match, b: Builder) -> list[Value]:
    node = m.node()
    attributes = {key: value for key, value in m.attributes().items() if key != "num_outputs"}
    sizes = b.const(_split_sizes(m) or (), "int64", name="sizes")
    made = b.op("Split", m["x"], sizes, results=node.results, name=m.root, **attributes)
    return [Value(made.node, index) for index in range(len(node.results))]


def _inner_concats(m: Match) -> list[int]:
    """Operands of a Concat that are Concats of the same axis, each read once.

    One read twice would be written out twice: a tensor that doubles sixty times has 2**60 parts.
    """
    return [
        index
        for index, value in enumerate(m.all("parts"))
        if value is not None
        and m.graph.op(value.node) == "Concat"
        and m.graph.out_degree(value.node) == 1
        and m.graph.nodes[value.node]["attributes"]["axis"] == m.attribute("axis")
    ]


def _flat_concat(m: Match, b: Builder) -> Value:
    inner = set(_inner_concats(m))
    parts: list[Value | None] = []
    for index, value in enumerate(m.all("parts")):
        parts += m.graph.operands(value.node) if index in inner and value else [value]
    return rebuilt(m, b, *parts)


def _pads(m: Match) -> list[int] | None:
    """A Pad's pads over all axes, None where they are not known."""
    pads, rank = _ints(m, "pads"), m.type("x").rank
    if pads is None or rank is None or m.get("axes") is None:
        return pads
    axes = _ints(m, "axes")
    if axes is None:
        return None
    full = [0] * 2 * rank
    for index, axis in enumerate(axes):
        full[axis % rank] = pads[index]
        full[axis % rank + rank] = pads[index + len(axes)]
    return full


def _pad_says_too_much(m: Match) -> bool:
    value = m.array("value")
    zero = value is not None and not np.any(value)
    return _pads(m) is not None and (m.get("axes") is not None or zero)


def _settle_pad(m: Match, b: Builder) -> Value:
    value = m.array("value")
    kept = None if value is not None and not np.any(value) else m.get("value")
    return rebuilt(m, b, m["x"], b.const(_pads(m), "int64", name="pads"), kept)


def _pad_turned(m: Match, b: Builder) -> Value | None:
    """The Pad after the Transpose, where a convolution can take it in."""
    pads, rank = _ints(m, "pads"), m.type("x").rank or 0
    given: Any = m.attribute("perm")
    order = given if given is not None else tuple(reversed(range(rank)))
    shape = m.type("x").shape
    if pads is None or shape is None or len(pads) != 2 * rank:
        return None
    held = m.type("x").with_shape(tuple(shape[axis] for axis in order))
    turned = b.op("Transpose", m["x"], perm=order, results=[held], name=m.root)
    moved = [pads[axis + end] for end in (0, rank) for axis in order]
    attributes: dict[str, Any] = dict(m.node("pad").attributes)
    wanted = b.const(moved, "int64", name="pads")
    return b.op(
        "Pad", turned, wanted, m.get("value"), results=[m.type()], name=m["pad"].node, **attributes
    )


def _steps_of_1(m: Match, b: Builder) -> Value:
    return rebuilt(m, b, *m.graph.operands(m.root)[:4])


MOVES = (
    Rule(
        "slice-steps",
        op("Slice", var(), var(), var(), var(), const(when=_is_ones)),
        _steps_of_1,
        comment="Slice(x, starts, ends, axes, [1, 1]) -> Slice(x, starts, ends, axes)",
    ),
    Rule(
        "slice-form",
        op(
            "Slice",
            var("x"),
            const("starts"),
            const("ends"),
            optional(const("axes")),
            optional(const("steps")),
        ),
        _settle_slice,
        when=_slice_is_unsettled,
        comment="Slice -> axes in order, counted from the front, whole axes left out",
    ),
    Rule(
        "gather-one",
        op("Gather", var("x"), const("index")),
        _slice_one,
        when=_takes_one,
        comment="Gather(x, 3) -> Reshape(Slice(x, 3, 4))",
    ),
    Rule(
        "gather-run",
        op("Gather", var("x"), const("index")),
        _slice_run,
        when=lambda m: _run(m) is not None,
        comment="Gather(x, [[3, 4], [5, 6]]) -> Reshape(Slice(x, 3, 7))",
    ),
    Rule(
        "split-sizes",
        op("Split", var("x"), optional(var("sizes"))),
        _write_sizes,
        when=lambda m: _split_sizes(m) is not None,
        comment="Split(x, num_outputs=3) -> Split(x, [4, 4, 4])",
    ),
    Rule(
        "concat-of-concat",
        op("Concat", rest("parts")),
        _flat_concat,
        when=lambda m: bool(_inner_concats(m)),
        comment="Concat(Concat(x, y), z) -> Concat(x, y, z)",
    ),
    Rule(
        "pad-form",
        op("Pad", var("x"), const("pads"), optional(var("value")), optional(const("axes"))),
        _settle_pad,
        when=_pad_says_too_much,
        comment="Pad(x, pads, 0, axes) -> Pad(x, pads of all axes)",
    ),
    Rule(
        "transpose-of-pad",
        op("Transpose", op("Pad", var("x"), const("pads"), optional(var("value")), name="pad")),
        _pad_turned,
        comment="Transpose(Pad(x, pads)) -> Pad(Transpose(x), pads in its order)",
    ),
)
"""Moves."""
