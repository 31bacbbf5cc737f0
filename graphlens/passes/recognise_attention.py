"""Scaled dot product attention written out, as one Attention of ONNX's.

Operands stay in the layout [batch, heads, sequence, head size] that they come in. One difference
is meant: a query all of whose keys are masked out by -inf is NaN in the products written out, and
zero by ONNX's definition of Attention.
"""

from __future__ import annotations

import math

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.passes.recognise_spelling import given
from graphlens.rewrite import (
    Match,
    OpPattern,
    Pattern,
    Rule,
    const,
    either,
    op,
    optional,
    scalar,
    var,
)
from graphlens.rewrite.pattern import Predicate
from graphlens.tensor import Dim, TensorType

_LARGE = -1e9
"""Scores below which adding a score changes nothing at float32, nor at less."""


def _low(_: TensorType, array: np.ndarray | None) -> bool:
    """Whether a constant is what a masked score is set to."""
    if array is None or array.size != 1 or array.dtype.kind not in "fV":
        return False
    return float(array.reshape(())) <= min(_LARGE, float(np.finfo(np.float16).min))


def _is_shape(_: TensorType, array: np.ndarray | None) -> bool:
    return array is not None and array.dtype.kind == "i"


_SHAPE: Predicate = _is_shape


def _scaled(x: Pattern, name: str) -> Pattern:
    """X times or over a constant that is captured under ``name``."""
    return either(
        op("Mul", x, scalar(name=f"{name}.times")), op("Div", x, scalar(name=f"{name}.over"))
    )


_PRODUCT = op(
    "MatMul",
    either(_scaled(var("q"), "q"), var("q")),
    either(_scaled(var("kt"), "k"), var("kt")),
    name="product",
)
_SCORES = either(_scaled(_PRODUCT, "s"), _PRODUCT)
_CAPPED = either(
    op("Mul", op("Tanh", op("Div", _SCORES, scalar(name="cap"))), scalar(name="cap2")),
    _SCORES,
)
_MASKED = either(
    op("Where", var("keep"), _CAPPED, const("low", when=_low)),
    op("Where", var("drop"), const("low", when=_low), _CAPPED),
    op("Add", _CAPPED, var("mask")),
    _CAPPED,
)

_WEIGHTS = op("Softmax", _MASKED, name="weights")
_NEVER_NAN = op("Where", op("IsNaN", _WEIGHTS), scalar(0.0), _WEIGHTS)
"""What torch.onnx writes: a query all of whose keys are masked out gets zeros, as in Attention."""


def _fits(m: Match) -> bool:
    """Whether the operands are [batch.., heads, sequence, size] of known rank, and the mask too."""
    q, kt, v = (m.type(name).shape for name in ("q", "kt", "v"))
    if q is None or kt is None or v is None or not len(q) == len(kt) == len(v) in (3, 4):
        return False
    if m.type("q").dtype not in ("float16", "bfloat16", "float32", "float64"):
        return False
    if m.attribute("axis", "weights") not in (-1, len(q) - 1):
        return False
    if q[:-2] != kt[:-2] or q[:-2] != v[:-2] or kt[-1] != v[-2] or not isinstance(q[-1], int):
        return False
    if "cap" in m and m.number("cap") != m.number("cap2"):
        return False
    mask = next((name for name in ("mask", "keep", "drop") if name in m), "")
    scores = (*q[:-1], kt[-1])
    return not mask or (_covers(m.type(mask), scores) and m.type("product").shape == scores)


def _covers(mask: TensorType, scores: tuple[Dim, ...]) -> bool:
    """Whether a mask can be broadcast to the scores; ONNX pads a shorter last axis by -inf."""
    shape = mask.shape
    if shape is None or not 2 <= len(shape) <= len(scores) or shape[-1] != scores[-1]:
        return False
    return all(a in (1, b) for a, b in zip(shape[::-1], scores[::-1], strict=False))


def _attention(m: Match, b: Builder) -> Value:
    q, k, v, mask = m["q"], _keys(m, b), m["v"], _mask(m, b)
    rank, size = m.type("q").rank, (m.type("q").shape or (0,))[-1]
    if rank == 3:
        q, k, v = (_unsqueezed(b, value) for value in (q, k, v))
        mask = _unsqueezed(b, mask) if mask is not None and b.type_of(mask).rank == 3 else mask
    found = b.op(
        "Attention",
        q,
        k,
        v,
        mask,
        scale=_attribute(_scale(m), size),
        softcap=m.number("cap") if "cap" in m else None,
        results=[m.type() if rank == 4 else _grown(m.type())],
        name=m.root,
    )
    if rank == 4:
        return found
    axes = b.const([0])
    return b.op("Squeeze", found, axes, results=[m.type()], name=f"{m.root}.squeeze")


def _grown(held: TensorType) -> TensorType:
    return held.with_shape((1, *(held.shape or ())))


def _unsqueezed(b: Builder, value: Value) -> Value:
    held = _grown(b.type_of(value))
    return b.op("Unsqueeze", value, b.const([0]), results=[held], name=f"{value.node}.unsqueeze")


def _keys(m: Match, b: Builder) -> Value:
    """K from its transpose: the operand of the Transpose that made it, if that is all it did."""
    kt = m["kt"]
    rank = m.type("kt").rank or 4
    swap = (*range(rank - 2), rank - 1, rank - 2)
    held = m.type("kt").with_shape(tuple((m.type("kt").shape or ())[axis] for axis in swap))
    perm, source = swap, kt
    if m.graph.op(kt.node) == "Transpose":
        own = m.graph.nodes[kt.node]["attributes"].get("perm", tuple(range(rank))[::-1])
        operand = m.graph.operands(kt.node)[0]
        if operand is not None:
            perm, source = tuple(own[axis] for axis in swap), operand
    if perm == tuple(range(rank)):
        return source
    return b.op("Transpose", source, perm=perm, results=[held], name=kt.node)


def _mask(m: Match, b: Builder) -> Value | None:
    """The mask as Attention takes it: True or 0 where a key is seen, -inf or low where not."""
    if "mask" in m:
        return m["mask"]
    name = "keep" if "keep" in m else "drop"
    if name not in m:
        return None
    held, dtype = m.type(name), m.type("q").dtype
    if math.isinf(m.number("low")):
        return m[name] if name == "keep" else b.op("Not", m[name], results=[held])
    zero = b.const(np.zeros((), np.dtype(dtype)), name="zero")
    pair = (zero, m["low"]) if name == "keep" else (m["low"], zero)
    return b.op("Where", m[name], *pair, results=[held.with_dtype(dtype)], name="mask")


def _scale(m: Match) -> float:
    """The product of all the constants that queries, keys and scores are multiplied by."""
    scale = 1.0
    for name in ("q", "k", "s"):
        if f"{name}.times" in m:
            scale *= m.number(f"{name}.times")
        elif f"{name}.over" in m:
            scale /= m.number(f"{name}.over")
    return scale


def _attribute(scale: float, size: Dim) -> float | None:
    """The scale as an attribute, None where it is the default, ``1 / sqrt(head size)``."""
    usual = isinstance(size, int) and abs(scale * math.sqrt(size) - 1) < 1e-6
    return None if usual else scale


# -- what can still go into an Attention ---------------------------------------------------


def _head_size(m: Match) -> int | None:
    size = (m.type("q").shape or ("?",))[-1]
    return size if isinstance(size, int) and m.type("q").rank == 4 else None


def _rescaled(m: Match, b: Builder) -> Value | None:
    size = _head_size(m)
    own = m.attribute("scale")
    if size is None or not (own is None or isinstance(own, float | int)):
        return None
    scale = _scale(m) * (1 / math.sqrt(size) if own is None else float(own))
    kept = {key: value for key, value in given(m.node()).items() if key != "scale"}
    keys = m["k"]
    if "m" in m:
        moved = m.node("m")
        keys = b.op("Transpose", keys, results=moved.results, name=keys.node, **given(moved))
    return b.op(
        "Attention",
        m["q"],
        keys,
        m["v"],
        m.get("mask"),
        scale=_attribute(scale, size),
        results=[m.type()],
        name=m.root,
        **kept,
    )


def _repeated(name: str) -> OpPattern:
    """Heads of keys or values repeated for groups of queries: ``repeat_kv`` of transformers."""
    return op(
        "Reshape",
        op(
            "Expand",
            op(("Reshape", "Unsqueeze"), var(name), const(), name=f"{name}.split"),
            const(),
            name=f"{name}.wide",
        ),
        const(when=_SHAPE),
        name=f"{name}.all",
    )


def _repeats(m: Match) -> bool:
    """Whether [B, G, S, D] became [B, G, 1, S, D], [B, G, n, S, D] and [B, G * n, S, D]."""
    counts: set[Dim] = set()
    for name in ("k", "v"):
        few, wide, many = (m.type(f"{name}.{n}").shape for n in ("split", "wide", "all"))
        if few is None or wide is None or len(few) != 5 or len(wide) != 5:
            return False
        batch, groups, one, *rest = few
        if one != 1 or wide[:2] != (batch, groups):
            return False
        own, split = m.type(name), m.type(f"{name}.split")
        if own.shape != (batch, groups, *rest) and None in (own.elements, split.elements):
            return False
        count = wide[2]
        if not isinstance(groups, int) or not isinstance(count, int) or wide[3:] != tuple(rest):
            return False
        if many != (batch, groups * count, *rest):
            return False
        counts.add(groups)
    return len(counts) == 1


def _few(m: Match, b: Builder, name: str) -> Value:
    """Keys or values before they were repeated; views before them may have become one with it."""
    few = tuple(dim for axis, dim in enumerate(m.type(f"{name}.split").shape or ()) if axis != 2)
    if m.type(name).shape == few:
        return m[name]
    held = m.type(name).with_shape(few)
    return b.op("Reshape", m[name], b.const(np.array(few)), results=[held], name=f"{m.root}.{name}")


def _grouped(m: Match, b: Builder) -> Value:
    operands = (m["q"], _few(m, b, "k"), _few(m, b, "v"), m.get("mask"))
    return b.op("Attention", *operands, results=[m.type()], name=m.root, **given(m.node()))


ATTENTION = (
    Rule(
        "attention",
        op("MatMul", either(_NEVER_NAN, _WEIGHTS), var("v")),
        _attention,
        when=_fits,
        comment="MatMul(Softmax(MatMul(q, kt) * s + mask), v) -> Attention(q, k, v, mask)",
    ),
    *(
        Rule(
            f"attention-scale-{name}",
            op("Attention", *operands, optional(var("mask"))),
            _rescaled,
            when=lambda m: _head_size(m) is not None,
            comment=f"Attention with a scaled {name} -> Attention(q, k, v, scale=...)",
        )
        for name, operands in (
            ("query", (_scaled(var("q"), "q"), var("k"), var("v"))),
            ("key", (var("q"), _scaled(var("k"), "k"), var("v"))),
            ("moved-key", (var("q"), op("Transpose", _scaled(var("k"), "k"), name="m"), var("v"))),
        )
    ),
    Rule(
        "attention-grouped",
        op("Attention", var("q"), _repeated("k"), _repeated("v"), optional(var("mask"))),
        _grouped,
        when=_repeats,
        comment="Attention(q, repeat(k), repeat(v)) -> Attention(q, k, v) by groups of queries",
    ),
)
"""Rules that put one Attention in the place of its products and softmax."""
