"""Rules that bring the mask of an Attention to one form: none, causal, or True where seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize_views import reshaped
from graphlens.rewrite import Match, Rule, const, op, param, scalar, var
from graphlens.tensor import TensorType

LOW = -1e9
"""What added to a score hides it at float32 and less, as long as another key is seen."""


def _seen(m: Match) -> np.ndarray | None:
    array = m.array("mask")
    return None if array is None or array.ndim < 2 else seen_by(array)


def seen_by(array: np.ndarray) -> np.ndarray | None:
    """A mask as True where a key is seen; None if it weighs keys, or hides a whole row.

    Args:
        array: Of bool, or of what is added to the scores; (..., queries, keys).
    """
    if array.dtype == bool:
        return array
    wide = array.astype(np.float64)
    seen = wide == 0
    hides = np.all(seen | (wide <= LOW)) and np.all(seen.any(axis=-1))
    return seen if hides else None


def _sees_all(m: Match) -> bool:
    seen = _seen(m)
    return seen is not None and bool(seen.all())


def _is_causal(m: Match) -> bool:
    """Whether query i sees the keys up to i, and each key of the sequence is in the mask."""
    seen = _seen(m)
    queries, keys = m.type("q").shape, m.type("k").shape
    if seen is None or queries is None or keys is None or m.type("q").rank != 4:
        return False
    wanted = (queries[-2], keys[-2])
    if seen.shape[-2:] != wanted or m.attribute("is_causal"):
        return False
    return bool(np.all(seen == np.tril(np.ones(seen.shape[-2:], bool))))


def attention(m: Match, b: Builder, mask: Value | None, **changes: int) -> Value:
    """The root, an Attention without a past, with another mask."""
    node = m.node()
    attributes: dict[str, Any] = {**m.attributes(), **changes}
    return b.op(
        "Attention", m["q"], m["k"], m["v"], mask, results=node.results, name=m.root, **attributes
    )


def _bool(m: Match, b: Builder) -> Value:
    return attention(m, b, b.const(_seen(m), name=m["mask"].node))


def _says_ones(held: TensorType, _: np.ndarray | None) -> bool:
    return held.shape is not None and len(held.shape) > 2 and held.shape[0] == 1


def _short(m: Match, b: Builder) -> Value | None:
    """The mask without leading axes of 1, which broadcasting adds again."""
    shape = m.type("mask").shape or ()
    first = next((axis for axis, size in enumerate(shape[:-2]) if size != 1), len(shape) - 2)
    mask = reshaped(b, m["mask"], m.type("mask").with_shape(shape[first:]))
    return None if mask is None else attention(m, b, mask)


def _broadcasts_mask(m: Match) -> bool:
    """Whether Attention gives a mask its shape itself: all queries and keys are in it."""
    shape, expanded = m.type("mask").shape, m.type("expanded").shape
    queries, keys = m.type("q").shape, m.type("k").shape
    if shape is None or expanded is None or queries is None or keys is None:
        return False
    if len(queries) != 4 or len(keys) != 4 or len(shape) < 2 or not 2 <= len(expanded) <= 4:
        return False
    scores = (*queries[:-1], keys[2])
    return shape[-1:] == expanded[-1:] == keys[2:3] and all(
        small in (1, large) for small, large in zip(expanded[::-1], scores[::-1], strict=False)
    )


_OPERANDS = (var("q"), var("k"), var("v"))

MASKS = (
    Rule(
        "mask-of-all",
        op("Attention", *_OPERANDS, const("mask")),
        lambda m, b: attention(m, b, None),
        _sees_all,
        "Attention(q, k, v, [[True, True]]) -> Attention(q, k, v)",
    ),
    Rule(
        "mask-causal",
        op("Attention", *_OPERANDS, const("mask")),
        lambda m, b: attention(m, b, None, is_causal=1),
        _is_causal,
        "Attention(q, k, v, lower triangle) -> Attention(q, k, v, is_causal=1)",
    ),
    Rule(
        "mask-bool",
        op("Attention", *_OPERANDS, const("mask", when=lambda held, _: held.dtype != "bool")),
        _bool,
        lambda m: _seen(m) is not None,
        "Attention(q, k, v, [[0, -inf]]) -> Attention(q, k, v, [[True, False]])",
    ),
    Rule(
        "mask-expand",
        op("Attention", *_OPERANDS, op("Expand", var("mask"), var(), name="expanded", kept=True)),
        lambda m, b: attention(m, b, m["mask"]),
        _broadcasts_mask,
        "Attention(q, k, v, Expand(m)) -> Attention(q, k, v, m)",
    ),
    Rule(
        "mask-rank",
        op("Attention", *_OPERANDS, param("mask", when=_says_ones)),
        _short,
        lambda m: m.type("mask").is_static,
        "Attention(q, k, v, [[[True]]]) -> Attention(q, k, v, [[True]])",
    ),
)
"""Masks that are known."""

ADDED_MASKS = (
    Rule(
        "mask-of-where",
        op(
            "Attention",
            *_OPERANDS,
            op("Where", var("mask"), scalar(0.0), scalar(None, "low"), kept=True),
        ),
        lambda m, b: attention(m, b, m["mask"]),
        lambda m: m.number("low") <= LOW,
        "Attention(q, k, v, Where(mask, 0, -3.4e38)) -> Attention(q, k, v, mask)",
    ),
)
"""Masks that are computed: a query that sees no key gets zeros for the mean of all values."""
