"""Activations written out: GELU, softmax, sigmoid and what is made of them, as single ops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.passes.recognise_spelling import cube, number, products, scaled
from graphlens.rewrite import Match, Pattern, Rule, const, either, op, scalar, var

_X = var("x")


def _one(name: str, **attributes: Any) -> Callable[[Match, Builder], Value]:
    """A replacement: one op on x, of the root's type."""

    def build(m: Match, b: Builder) -> Value:
        return b.op(name, m["x"], results=[m.type()], name=m.root, **attributes)

    return build


def _like_x(m: Match) -> bool:
    """Whether the root has x's type: nothing was broadcast."""
    return m.type() == m.type("x") and m.type("x").is_floating


# -- GELU ------------------------------------------------------------------------------------

_ERF = either(
    op("Add", op("Erf", scaled(_X, math.sqrt(0.5))), number(1)),
    op(  # TensorFlow's, by erfc
        "Sub",
        number(1),
        op("Erf", either(scaled(op("Neg", _X), math.sqrt(0.5)), scaled(_X, -math.sqrt(0.5)))),
    ),
)
_INNER = either(
    op("Add", op("Mul", cube(_X), number(0.044715)), _X),
    op("Mul", op("Add", op("Mul", op("Mul", _X, _X), number(0.044715)), number(1)), _X),
)
_TANH = op(
    "Add",
    op(
        "Tanh",
        either(
            op("Mul", _INNER, number(math.sqrt(2 / math.pi))),
            op(
                "Mul",
                op("Mul", _X, number(math.sqrt(2 / math.pi))),
                op("Add", op("Mul", op("Mul", _X, _X), number(0.044715)), number(1)),
            ),
        ),
    ),
    number(1),
)


def _gelu(kind: str, body: Pattern) -> tuple[Rule, ...]:
    roots = [*products(_X, number(0.5), body)]
    roots += [
        op("Mul", op("Div", _X, number(2)), body),
        op("Div", op("Mul", _X, body), number(2)),
    ]
    return tuple(
        Rule(
            f"gelu-{kind}",
            root,
            _one("Gelu", **({"approximate": "tanh"} if kind == "tanh" else {})),
            when=_like_x,
            comment=f"x * 0.5 * (1 + {kind}(...)) -> Gelu(x)",
        )
        for root in roots
    )


# -- softmax ---------------------------------------------------------------------------------

_STABLE = op("Sub", _X, op("ReduceMax", _X, const("axes"), keepdims=1))
_EXP = op("Exp", _STABLE)


def _one_axis(m: Match) -> bool:
    axes, sums = m.array("axes"), m.array("sums")
    rank = m.type("x").rank
    if axes is None or sums is None or rank is None or axes.size != 1 or sums.size != 1:
        return False
    return int(axes.reshape(())) % rank == int(sums.reshape(())) % rank and _like_x(m)


def _along_axis(name: str) -> Callable[[Match, Builder], Value | None]:
    def build(m: Match, b: Builder) -> Value | None:
        axes, rank = m.array("axes"), m.type("x").rank
        if axes is None or rank is None:
            return None
        axis = int(axes.reshape(())) % rank - rank
        return b.op(name, m["x"], axis=axis, results=[m.type()], name=m.root)

    return build


_SOFTMAX = (
    Rule(
        "softmax",
        op("Div", _EXP, op("ReduceSum", _EXP, const("sums"), keepdims=1)),
        _along_axis("Softmax"),
        when=_one_axis,
        comment="e / ReduceSum(e), e = Exp(x - ReduceMax(x)) -> Softmax(x)",
    ),
    Rule(
        "log-softmax",
        op("Sub", _STABLE, op("Log", op("ReduceSum", _EXP, const("sums"), keepdims=1))),
        _along_axis("LogSoftmax"),
        when=_one_axis,
        comment="s - Log(ReduceSum(Exp(s))), s = x - ReduceMax(x) -> LogSoftmax(x)",
    ),
)

# -- the rest --------------------------------------------------------------------------------


def _is_relu6(m: Match) -> bool:
    return _like_x(m) and (m.number("low"), m.number("high")) == (0.0, 6.0)


_PLUS_3 = op("Add", _X, number(3))
_RELU6 = op("Clip", _PLUS_3, scalar(name="low"), scalar(name="high"))


def _is_sixth(alpha: float) -> bool:
    return abs(alpha - 1 / 6) < 1e-6


_HARD = op("HardSigmoid", _X, alpha=_is_sixth, beta=0.5)

_HARD_RULES = (
    *(
        Rule(
            "hard-swish",
            root,
            _one("HardSwish"),
            when=_is_relu6,
            comment="x * Clip(x + 3, 0, 6) / 6 -> HardSwish(x)",
        )
        for root in (
            *products(_X, _RELU6, number(1 / 6)),
            op("Div", op("Mul", _X, _RELU6), number(6)),
            op("Mul", _X, op("Div", _RELU6, number(6))),
            op("Mul", op("Div", _X, number(6)), _RELU6),
        )
    ),
    *(
        Rule(
            "hard-sigmoid",
            root,
            _one("HardSigmoid", alpha=1 / 6),
            when=_is_relu6,
            comment="Clip(x + 3, 0, 6) / 6 -> HardSigmoid(x)",
        )
        for root in (op("Div", _RELU6, number(6)), op("Mul", _RELU6, number(1 / 6)))
    ),
    Rule(
        "hard-swish-of-hard-sigmoid",
        op("Mul", _X, _HARD),
        _one("HardSwish"),
        when=_like_x,
        comment="x * HardSigmoid(x, 1/6, 0.5) -> HardSwish(x)",
    ),
)


def _swish_beta(m: Match, b: Builder) -> Value:
    alpha = m.number("alpha")
    return b.op("Swish", m["x"], alpha=alpha, results=[m.type()], name=m.root)


_SMOOTH_RULES = (
    *(
        Rule(
            "sigmoid",
            root,
            _one("Sigmoid"),
            when=_like_x,
            comment="1 / (1 + Exp(-x)) -> Sigmoid(x)",
        )
        for root in (
            op("Div", number(1), op("Add", op("Exp", op("Neg", _X)), number(1))),
            op("Reciprocal", op("Add", op("Exp", op("Neg", _X)), number(1))),
        )
    ),
    Rule(
        "swish",
        op("Mul", _X, op("Sigmoid", _X)),
        _one("Swish"),
        when=_like_x,
        comment="x * Sigmoid(x) -> Swish(x)",
    ),
    Rule(
        "swish-alpha",
        op("Mul", _X, op("Sigmoid", op("Mul", _X, scalar(name="alpha")))),
        _swish_beta,
        when=_like_x,
        comment="x * Sigmoid(a * x) -> Swish(x, alpha=a)",
    ),
    Rule(
        "mish",
        op("Mul", _X, op("Tanh", op("Softplus", _X))),
        _one("Mish"),
        when=_like_x,
        comment="x * Tanh(Softplus(x)) -> Mish(x)",
    ),
)

ACTIVATIONS = (
    *_gelu("erf", _ERF),
    *_gelu("tanh", _TANH),
    *_SOFTMAX,
    *_HARD_RULES,
    *_SMOOTH_RULES,
)
"""Rules that put an activation's own op in the place of its spelling."""
