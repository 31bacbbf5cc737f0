"""Rules that bring convolutions and pools to one form: the bias inside, the padding inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize_views import rebuilt, reshaped
from graphlens.rewrite import Match, Rule, const, op, optional, param, var
from graphlens.rewrite.pattern import CONST_OP
from graphlens.tensor import TensorType

_CONVOLUTIONS = ("Conv", "ConvTranspose")


def _is_bias(m: Match) -> bool:
    """Whether the added weight has one element a channel, along the axis of channels."""
    held, bias = m.type(), m.type("b")
    rank = held.rank
    if rank is None or rank < 3 or not bias.is_static or held != m.type("conv"):
        return False
    axis = rank - 1 if m.attribute("data_format", "conv") == "NHWC" else 1
    channels = (held.shape or ())[axis]
    wanted = [channels if place == axis else 1 for place in range(rank)]
    shape = bias.shape or ()
    return isinstance(channels, int) and wanted == [1] * (rank - len(shape)) + list(shape)


def _with_bias(m: Match, b: Builder) -> Value | None:
    channels = m.type("b").elements or 1
    bias = reshaped(b, m["b"], TensorType(m.type("b").dtype, (channels,)))
    if bias is not None and m.node().op == "Sub":
        bias = b.op("Neg", bias, results=[b.type_of(bias)])
    return b.op(
        m.node("conv").op,
        m["x"],
        m["w"],
        bias,
        results=[m.type()],
        name=m["conv"].node,
        **m.attributes("conv"),
    )


def _no_bias(m: Match) -> bool:
    """Whether a bias is a literal 0; a Param that is 0 yet will be trained."""
    array = m.array("b")
    return m.graph.op(m["b"].node) == CONST_OP and array is not None and not np.any(array)


def _image_pads(m: Match) -> tuple[int, ...] | None:
    """A Pad's pads of the spatial axes as a convolution's attribute, if it pads only those."""
    array, rank = m.array("pads"), m.type("x").rank
    if array is None or rank is None or m.attribute("mode", "pad") != "constant":
        return None
    pads = [int(pad) for pad in array]
    if len(pads) != 2 * rank or min(pads) < 0 or "auto_pad" in m.node().attributes:
        return None
    last = m.attribute("data_format") == "NHWC"
    axes = range(1, rank - 1) if last else range(2, rank)
    if any(pads[axis] or pads[axis + rank] for axis in set(range(rank)) - set(axes)):
        return None
    own: Any = m.node().attributes.get("pads") or (0,) * 2 * len(axes)
    new = [pads[axis] for axis in axes] + [pads[axis + rank] for axis in axes]
    return tuple(a + n for a, n in zip(own, new, strict=True))


def _pads_zeros(m: Match) -> bool:
    value = m.array("value")
    zero = m.get("value") is None or (value is not None and not np.any(value))
    return zero and _image_pads(m) is not None


def _take_pads(m: Match, b: Builder, **more: Any) -> Value:
    node = m.node()
    attributes: dict[str, Any] = {**m.attributes(), "pads": _image_pads(m), **more}
    others = m.graph.operands(m.root)[1:]
    return b.op(node.op, m["x"], *others, results=node.results, name=m.root, **attributes)


def _pools_padded(m: Match) -> bool:
    """Whether a MaxPool may pad by itself (with -inf) what was padded with less than all else."""
    pads = _image_pads(m)
    kernel: Any = m.attribute("kernel_shape")
    if pads is None or len(m.node().results) > 1 or max(pads) >= min(kernel):
        return False
    value = m.array("value")
    if value is not None and np.all(value == -np.inf):
        return True
    zero = m.get("value") is None or (value is not None and not np.any(value))
    return zero and m.graph.op(m["x"].node) in _NOT_NEGATIVE


def _averages_padded(m: Match) -> bool:
    own = not any(m.attributes().get("pads") or ()) or m.attribute("count_include_pad")
    return _pads_zeros(m) and bool(own) and not m.attribute("ceil_mode")


_NOT_NEGATIVE = frozenset({"Relu", "Sigmoid", "Softmax", "Exp", "Abs", "HardSigmoid", "Softplus"})
"""Ops whose results a padding of 0 never exceeds."""

_PAD = op("Pad", var("x"), const("pads"), optional(const("value")), name="pad")

CONVOLUTION = (
    Rule(
        "conv-bias",
        op("Add", op(_CONVOLUTIONS, var("x"), var("w"), name="conv"), param("b")),
        _with_bias,
        _is_bias,
        "Add(Conv(x, w), b[C, 1, 1]) -> Conv(x, w, b)",
    ),
    Rule(
        "conv-minus",
        op("Sub", op(_CONVOLUTIONS, var("x"), var("w"), name="conv"), param("b")),
        _with_bias,
        _is_bias,
        "Sub(Conv(x, w), b[C, 1, 1]) -> Conv(x, w, -b)",
    ),
    Rule(
        "conv-bias-of-zeros",
        op(_CONVOLUTIONS, var("x"), var("w"), const("b")),
        lambda m, b: rebuilt(m, b, m["x"], m["w"]),
        _no_bias,
        "Conv(x, w, 0) -> Conv(x, w): torch's ONNX exporter writes a bias where there is none",
    ),
    Rule(
        "conv-of-pad",
        op("Conv", _PAD, var("w"), optional(var("b"))),
        _take_pads,
        _pads_zeros,
        "Conv(Pad(x, pads), w) -> Conv(x, w, pads=pads)",
    ),
    Rule(
        "max-pool-of-pad",
        op("MaxPool", _PAD),
        _take_pads,
        _pools_padded,
        "MaxPool(Pad(Relu(x), pads)) -> MaxPool(Relu(x), pads=pads)",
    ),
    Rule(
        "average-pool-of-pad",
        op("AveragePool", _PAD),
        lambda m, b: _take_pads(m, b, count_include_pad=1),
        _averages_padded,
        "AveragePool(Pad(x, pads)) -> AveragePool(x, pads=pads, count_include_pad=1)",
    ),
)
"""Convolutions and pools."""
