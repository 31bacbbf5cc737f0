"""Norms written out, in the spellings of torch, ONNX exporters, TensorFlow and Keras."""

from __future__ import annotations

from collections.abc import Callable

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.passes.recognise_spelling import (
    all_equal,
    divided_by_root,
    filled,
    given,
    rsqrt,
    square,
    trailing_axes,
    trailing_shape,
)
from graphlens.rewrite import Match, Pattern, Rule, const, either, op, param, scalar, var

_X, _EPSILON = var("x"), scalar(name="epsilon")
_MEAN = op("ReduceMean", _X, const("axes"), keepdims=1)
_CENTRED = either(op("Sub", _X, _MEAN), op("Add", op("Neg", _MEAN), _X))
_VARIANCE = op("ReduceMean", square(_CENTRED), const("axes2"), keepdims=1)
_ONES = const("ones", when=all_equal(1))


def _same_rows(m: Match) -> bool:
    """Whether mean and variance were taken over the same last axes of sizes that are known."""
    axis = trailing_axes(m, "axes", "x")
    same = "axes2" not in m or axis == trailing_axes(m, "axes2", "x")
    return axis is not None and same and trailing_shape(m, axis, "x") is not None


def _bare(name: str) -> Callable[[Match, Builder], Value | None]:
    """A replacement: the norm without scale and shift, which later rules put in."""

    def build(m: Match, b: Builder) -> Value | None:
        axis = trailing_axes(m, "axes", "x")
        shape = None if axis is None else trailing_shape(m, axis, "x")
        if shape is None:
            return None
        ones = filled(b, 1, shape, m.type("x").dtype)
        return b.op(
            name,
            m["x"],
            ones,
            axis=axis,
            epsilon=m.number("epsilon"),
            results=[m.type()],
            name=m.root,
        )

    return build


def _whole_rows(m: Match, name: str) -> bool:
    """Whether an operand has the very shape of the rows that a norm is over."""
    shape, own = m.type("x").shape, m.type(name)
    axis, rank = m.attribute("axis", "norm"), m.type("x").rank
    if shape is None or rank is None or not isinstance(axis, int):
        return False
    return own.shape == shape[axis % rank :] and own.dtype == m.type("x").dtype


def _with(m: Match, b: Builder, scale: Value, bias: Value | None = None) -> Value:
    held = m.node("norm")
    return b.op(held.op, m["x"], scale, bias, results=[m.type()], name=m.root, **given(held))


def _split(m: Match, b: Builder) -> Value | None:
    """LayerNormalization from ``x * k + (beta - mean * k)``, k = gamma * rsqrt(variance)."""
    axis = trailing_axes(m, "axes", "x")
    shape = None if axis is None else trailing_shape(m, axis, "x")
    if shape is None:
        return None
    gamma, beta = m.get("gamma"), m.get("beta")
    if any(v is not None and m.graph.type_of(v).shape != shape for v in (gamma, beta)):
        return None
    return b.op(
        "LayerNormalization",
        m["x"],
        gamma or filled(b, 1, shape, m.type("x").dtype),
        beta,
        axis=axis,
        epsilon=m.number("epsilon"),
        results=[m.type()],
        name=m.root,
    )


def _inverse(variance: Pattern, gamma: Pattern) -> Pattern:
    root = rsqrt(op("Add", variance, _EPSILON))
    return either(op("Mul", root, gamma), root)


def _moved(mean: Pattern, inverse: Pattern, beta: Pattern) -> Pattern:
    """What is left to add after ``x * inverse``."""
    product = op("Mul", mean, inverse)
    negated = either(op("Mul", op("Neg", mean), inverse), op("Neg", product))
    return either(op("Sub", beta, product), op("Add", negated, beta), negated)


_INVERSE = _inverse(_VARIANCE, var("gamma"))

ROWS = (
    *(
        Rule(
            "layer-norm",
            root,
            _bare("LayerNormalization"),
            when=_same_rows,
            comment="(x - mean) / Sqrt(variance + e) -> LayerNormalization(x, 1)",
        )
        for root in divided_by_root(_CENTRED, op("Add", _VARIANCE, _EPSILON))
    ),
    *(
        Rule(
            "layer-norm-split",
            root,
            _split,
            when=_same_rows,
            comment="x * k + (b - mean * k), k = g * rsqrt(variance + e) -> LayerNormalization",
        )
        for root in (
            op("Add", op("Mul", _X, _INVERSE), _moved(_MEAN, _INVERSE, var("beta"))),
            op("Sub", op("Mul", _X, _INVERSE), op("Mul", _MEAN, _INVERSE)),
        )
    ),
    *(
        Rule(
            "rms-norm",
            root,
            _bare("RMSNormalization"),
            when=_same_rows,
            comment="x / Sqrt(mean(x * x) + e) -> RMSNormalization(x, 1)",
        )
        for root in divided_by_root(
            _X, op("Add", op("ReduceMean", square(_X), const("axes"), keepdims=1), _EPSILON)
        )
    ),
    Rule(
        "norm-scale",
        op("Mul", op(("LayerNormalization", "RMSNormalization"), _X, _ONES, name="norm"), var("g")),
        lambda m, b: _with(m, b, m["g"]),
        when=lambda m: _whole_rows(m, "g"),
        comment="Mul(Norm(x, 1), g) -> Norm(x, g)",
    ),
    Rule(
        "norm-shift",
        op("Add", op("LayerNormalization", _X, var("g"), name="norm"), var("b")),
        lambda m, b: _with(m, b, m["g"], m["b"]),
        when=lambda m: _whole_rows(m, "b"),
        comment="Add(LayerNormalization(x, g), b) -> LayerNormalization(x, g, b)",
    ),
)
"""Rules for LayerNormalization and RMSNormalization."""

# -- BatchNormalization ----------------------------------------------------------------------

_PARTS = ("mean", "variance", "gamma", "beta")


def _channel(name: str) -> Pattern:
    """A weight by channel, as it is or reshaped to be broadcast."""
    return either(op("Reshape", param(name), const(), name=f"{name}.shaped"), param(name))


def _axis(m: Match) -> int | None:
    """The axis of the channels: the one along which all of the numbers vary."""
    shape = m.type().shape
    if shape is None or m.type("x") != m.type() or not m.type().is_floating:
        return None
    axes = {_axis_of(m, part, len(shape)) for part in _PARTS if part in m}
    axis = axes.pop() if len(axes) == 1 else None
    fits = axis in (1, len(shape) - 1) and len(shape) > 1
    return axis if fits and isinstance(shape[axis or 0], int) else None


def _axis_of(m: Match, part: str, rank: int) -> int | None:
    held = m.type(f"{part}.shaped" if f"{part}.shaped" in m else part)
    shape = held.shape or ()
    axes = [rank - len(shape) + index for index, size in enumerate(shape) if size != 1]
    return axes[0] if len(axes) == 1 and len(shape) <= rank else None


def _flat(m: Match, b: Builder, part: str, size: int, default: float) -> Value:
    if part not in m:
        return filled(b, default, (size,), m.type("x").dtype)
    if m.type(part).shape == (size,):
        return m[part]
    return b.op("Reshape", m[part], b.const([size]), name=f"{m[part].node}.flat")


def _batch_norm(m: Match, b: Builder) -> Value | None:
    axis, shape = _axis(m), m.type().shape
    size = None if axis is None or shape is None else shape[axis]
    if shape is None or not isinstance(size, int):
        return None
    last = axis == len(shape) - 1 and len(shape) > 2
    defaults = (("gamma", 1.0), ("beta", 0.0), ("mean", 0.0), ("variance", 1.0))
    numbers = [_flat(m, b, part, size, default) for part, default in defaults]
    return b.op(
        "BatchNormalization",
        m["x"],
        *numbers,
        epsilon=m.number("epsilon"),
        data_format="NHWC" if last else None,
        results=[m.type()],
        name=m.root,
    )


_K = _inverse(_channel("variance"), _channel("gamma"))
_STANDARD = divided_by_root(
    op("Sub", _X, _channel("mean")), op("Add", _channel("variance"), _EPSILON)
)

BATCH_NORM = (
    Rule(
        "batch-norm-split",
        op("Add", op("Mul", _X, _K), _moved(_channel("mean"), _K, _channel("beta"))),
        _batch_norm,
        when=lambda m: _axis(m) is not None,
        comment="x * k + (b - mean * k), k = g * rsqrt(var + e) -> BatchNormalization",
    ),
    *(
        Rule(
            "batch-norm",
            root,
            _batch_norm,
            when=lambda m: _axis(m) is not None,
            comment="(x - mean) / Sqrt(var + e) * g + b -> BatchNormalization",
        )
        for root in (
            op("Add", op("Mul", standard, _channel("gamma")), _channel("beta"))
            for standard in _STANDARD
        )
    ),
)
"""Rules for BatchNormalization of known or unknown weights."""

NORMS = (*ROWS, *BATCH_NORM)
"""Rules that put a norm's own op in the place of its spelling."""
