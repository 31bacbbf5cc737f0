"""Rules that know a GroupNormalization in the instance norm of groups that exporters write."""

from __future__ import annotations

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize_views import reshaped
from graphlens.passes.recognise_spelling import all_equal, filled, given
from graphlens.rewrite import Match, Rule, const, op, param, var

_GROUPS = op("Reshape", var("x"), var(), name="groups", kept=True)
_ONES, _ZEROS = const(when=all_equal(1.0)), const(when=all_equal(0.0))
_SHIFT, _BETA = const("shift", when=all_equal(0.0)), param("beta")


def _channels(m: Match) -> int | None:
    """The number of channels, if the instances are groups of them, and the shape is x's again."""
    shape, groups = m.type("x").shape, m.type("groups").shape
    if shape is None or groups is None or m.type() != m.type("x") or len(groups) != 3:
        return None
    if len(shape) < 3 or shape[0] != groups[0]:
        return None
    channels, count = shape[1], groups[1]
    if not isinstance(channels, int) or not isinstance(count, int) or not count:
        return None
    return channels if channels % count == 0 else None


def _group_norm(m: Match, b: Builder) -> Value | None:
    channels, groups = _channels(m), m.type("groups").shape
    if channels is None or groups is None:
        return None
    dtype = m.type("x").dtype
    return b.op(
        "GroupNormalization",
        m["x"],
        filled(b, 1, (channels,), dtype),
        filled(b, 0, (channels,), dtype),
        num_groups=int(groups[1]),
        results=[m.type()],
        name=m.root,
        **given(m.node("norm")),
    )


def _by_channel(m: Match, name: str) -> bool:
    """Whether a weight varies along the channels only, and changes no shape."""
    shape, held = m.type("x").shape, m.type(name)
    if shape is None or held.shape is None or m.type() != m.type("x"):
        return False
    rest = (1,) * (len(shape) - 2)
    return held.shape in ((shape[1], *rest), (1, shape[1], *rest)) and isinstance(shape[1], int)


def _with(m: Match, b: Builder, name: str) -> Value | None:
    """The norm with the weight as its scale or shift."""
    flat = reshaped(b, m[name], m.type(name).with_shape((m.type("x").shape or ())[1:2]))
    norm = m.node("norm")
    pair = (flat, m["shift"]) if name == "gamma" else (m["scale"], flat)
    return b.op(norm.op, m["x"], *pair, results=[m.type()], name=m.root, **given(norm))


GROUP_NORMS = (
    Rule(
        "group-norm",
        op("Reshape", op("InstanceNormalization", _GROUPS, _ONES, _ZEROS, name="norm"), var()),
        _group_norm,
        when=lambda m: _channels(m) is not None,
        comment="Reshape(InstanceNormalization(Reshape(x, groups), 1, 0)) -> GroupNormalization",
    ),
    Rule(
        "group-norm-scale",
        op("Mul", op("GroupNormalization", var("x"), _ONES, _SHIFT, name="norm"), param("gamma")),
        lambda m, b: _with(m, b, "gamma"),
        when=lambda m: _by_channel(m, "gamma"),
        comment="Mul(GroupNormalization(x, 1, 0), g) -> GroupNormalization(x, g, 0)",
    ),
    Rule(
        "group-norm-shift",
        op("Add", op("GroupNormalization", var("x"), var("scale"), _ZEROS, name="norm"), _BETA),
        lambda m, b: _with(m, b, "beta"),
        when=lambda m: _by_channel(m, "beta"),
        comment="Add(GroupNormalization(x, g, 0), b) -> GroupNormalization(x, g, b)",
    ),
)
"""GroupNormalization as an instance norm, with its scale and shift."""
