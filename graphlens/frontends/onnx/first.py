"""Nodes of the first six opsets, and of those before them, as nodes of ours.

Exporters of 2017 and 2018 wrote ops that ONNX called experimental and then dropped: ONNX Runtime
keeps their definitions in onnxruntime/core/graph/contrib_ops/onnx_deprecated_operators.cc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper

from graphlens.errors import FormatError
from graphlens.frontends.onnx.attributes import constant, give, set_operand, take, told

if TYPE_CHECKING:
    from graphlens.frontends.onnx.upgrade import Upgrade

Nodes = list[onnx.NodeProto]


def pad_of_opset_1(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """Its pads were called paddings."""
    del upgrade
    pads = take(node, "paddings")
    if pads is not None:
        give(node, "pads", pads)
    return [node]


def power_of_pool(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """The p of an Lp pool was a float."""
    del upgrade
    power = take(node, "p")
    if power is not None:
        give(node, "p", int(power))
    return [node]


def tile_of_opset_1(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """It repeated along one axis, both told by operands."""
    shape = upgrade.shape(0)
    if len(node.input) < 3:
        return [node]
    if shape is None:
        raise FormatError(f"{told(node)}: the rank of its operand must be known")
    title = node.output[0]
    ones = constant(np.ones(len(shape), np.int64), upgrade.fresh(f"{title}.ones"))
    flat = constant(np.array([1]), upgrade.fresh(f"{title}.one"))
    steps: Nodes = [ones, flat]
    counts: list[str] = []
    for operand in (1, 2):
        whole, each = (upgrade.fresh(f"{title}.{part}") for part in ("whole", "each"))
        steps.append(
            helper.make_node("Cast", [node.input[operand]], [whole], to=onnx.TensorProto.INT64)
        )
        steps.append(helper.make_node("Reshape", [whole, flat.output[0]], [each]))
        counts.append(each)
    repeats = upgrade.fresh(f"{title}.repeats")
    steps.append(
        helper.make_node("ScatterElements", [ones.output[0], counts[1], counts[0]], [repeats])
    )
    node.input[:] = [node.input[0], repeats]
    return [*steps, node]


def affine(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """``alpha * x + beta``."""
    alpha, beta = take(node, "alpha"), take(node, "beta")
    scaled, factor = _scaled(node, upgrade, 1.0 if alpha is None else alpha)
    shift = _number(node, upgrade, 0.0 if beta is None else beta, "beta")
    node.op_type = "Add"
    node.input[:] = [scaled.output[0], shift.output[0]]
    return [factor, scaled, shift, node]


def scale(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """``scale * x``."""
    factor = take(node, "scale")
    held = _number(node, upgrade, 1.0 if factor is None else factor, "scale")
    node.op_type = "Mul"
    set_operand(node, 1, held.output[0])
    return [held, node]


def image_scaler(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """``scale * x + bias``, with a bias for each channel."""
    factor, bias = take(node, "scale"), take(node, "bias")
    scaled, held = _scaled(node, upgrade, 1.0 if factor is None else factor)
    shape = (1, -1, 1, 1)
    column = np.array([0.0] if bias is None else bias, np.float32).reshape(shape)
    shift = constant(column, upgrade.fresh(f"{node.output[0]}.bias"))
    node.op_type = "Add"
    node.input[:] = [scaled.output[0], shift.output[0]]
    return [held, scaled, shift, node]


def scaled_tanh(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """``alpha * tanh(beta * x)``."""
    alpha, beta = take(node, "alpha"), take(node, "beta")
    scaled, factor = _scaled(node, upgrade, 1.0 if beta is None else beta)
    curve = helper.make_node("Tanh", [scaled.output[0]], [upgrade.fresh(f"{node.output[0]}.tanh")])
    outer = _number(node, upgrade, 1.0 if alpha is None else alpha, "alpha")
    node.op_type = "Mul"
    node.input[:] = [curve.output[0], outer.output[0]]
    return [factor, scaled, curve, outer, node]


def crop(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """An image without its border of [left, top, right, bottom], or of a given height and width."""
    left, top, right, bottom = take(node, "border") or (0, 0, 0, 0)
    size = take(node, "scale")
    last = np.iinfo(np.int64).max
    ends = [-bottom if bottom else last, -right if right else last]
    if size:
        ends = [top + size[0], left + size[1]]
    held = [
        constant(np.array(each), upgrade.fresh(f"{node.output[0]}.{name}"))
        for name, each in (("starts", [top, left]), ("ends", ends), ("axes", [2, 3]))
    ]
    node.op_type = "Slice"
    node.input.extend(each.output[0] for each in held)
    return [*held, node]


def _scaled(
    node: onnx.NodeProto, upgrade: Upgrade, factor: float
) -> tuple[onnx.NodeProto, onnx.NodeProto]:
    """The first operand times a number, and the Constant of that number."""
    held = _number(node, upgrade, factor, "factor")
    made = upgrade.fresh(f"{node.output[0]}.scaled")
    return helper.make_node("Mul", [node.input[0], held.output[0]], [made]), held


def _number(node: onnx.NodeProto, upgrade: Upgrade, value: float, name: str) -> onnx.NodeProto:
    array = np.array(value, upgrade.dtype(0))
    return constant(array, upgrade.fresh(f"{node.output[0]}.{name}"))
