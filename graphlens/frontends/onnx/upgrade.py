"""Nodes of older opsets as nodes of ours, one at a time.

``onnx.version_converter`` converts whole models: it copies the weights, drops the metadata, and
stops at the first op for which it has no rule. Here each op whose meaning (not only whose types)
changed has a row; what has no row means the same at every opset since 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper

from graphlens.errors import FormatError
from graphlens.frontends.onnx.attributes import constant, give, look, set_operand, take, told
from graphlens.frontends.onnx.first import (
    affine,
    crop,
    image_scaler,
    pad_of_opset_1,
    power_of_pool,
    scale,
    scaled_tanh,
    tile_of_opset_1,
)
from graphlens.frontends.onnx.scan import scan_of_opset_8
from graphlens.ops.proto import NUMBERS
from graphlens.ops.schema import OPSET, defaults
from graphlens.tensor import TensorType


@dataclass(frozen=True)
class Upgrade:
    """What a rule may use.

    Attributes:
        version: The opset that the node was written for.
        types: The type of each operand, None where it is not given or known.
        fresh: Makes a value name that is free, from a hint.
    """

    version: int
    types: Sequence[TensorType | None]
    fresh: Callable[[str], str]

    def shape(self, operand: int) -> tuple[Any, ...] | None:
        """The shape of an operand, where it is known."""
        held = self.types[operand] if operand < len(self.types) else None
        return None if held is None else held.shape

    def dtype(self, operand: int) -> str:
        """The dtype of an operand; float32 where it is not known."""
        held = self.types[operand] if operand < len(self.types) else None
        known = held is not None and held.dtype in NUMBERS and held.dtype != "undefined"
        return held.dtype if held is not None and known else "float32"


Nodes = list[onnx.NodeProto]
Rule = Callable[[onnx.NodeProto, Upgrade], Nodes]


def must_upgrade(op: str, version: int) -> bool:
    """Whether an ONNX op of that opset means something else at ours."""
    if version < 7 or version > OPSET:
        return True
    return any(version < since for since, _ in RULES.get(op, ()))


def upgraded(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """The nodes at `OPSET` that mean what ``node`` meant at its own.

    Raises:
        FormatError: If there is no way to say it.
    """
    made = onnx.NodeProto()
    made.CopyFrom(node)
    if upgrade.version > OPSET:
        return [_without_newer_attributes(made)]
    for name in _DROPPED & {entry.name for entry in made.attribute}:
        take(made, name)
    before: Nodes = []
    after: Nodes = []
    for since, rule in RULES.get(node.op_type, ()):
        if upgrade.version < since:
            steps = rule(made, upgrade)
            place = next(i for i, step in enumerate(steps) if step is made)
            before, after = before + steps[:place], steps[place + 1 :] + after
    return [*before, made, *after]


# -- rules ----------------------------------------------------------------------------------


def _as_operands(*moved: tuple[str, int, str]) -> Rule:
    """Attributes that became operands: name, operand index, dtype ('T' is operand 0's)."""

    def rule(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
        constants: Nodes = []
        for name, operand, dtype in moved:
            value = take(node, name)
            if value is None or (len(node.input) > operand and node.input[operand]):
                continue
            array = np.array(value, upgrade.dtype(0) if dtype == "T" else dtype)
            constants.append(constant(array, upgrade.fresh(f"{node.output[0]}.{name}")))
            set_operand(node, operand, constants[-1].output[0])
        return [*constants, node]

    return rule


def _softmax(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """Before opset 13 it worked on the operand flattened to a matrix at ``axis``."""
    axis = take(node, "axis")
    axis = 1 if axis is None else axis
    shape = upgrade.shape(0)
    if axis == -1 or (shape is not None and axis % max(len(shape), 1) == len(shape) - 1):
        return [node]
    source, result = node.input[0], node.output[0]
    flat, soft, sizes = (upgrade.fresh(f"{result}.{part}") for part in ("flat", "soft", "shape"))
    node.input[0], node.output[0] = flat, soft
    return [
        helper.make_node("Shape", [source], [sizes]),
        helper.make_node("Flatten", [source], [flat], axis=axis),
        node,
        helper.make_node("Reshape", [soft, sizes], [result]),
    ]


def _resize_of_opset_10(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """Upsample and the first Resize: asymmetric coordinates, rounded down."""
    del upgrade
    mode = take(node, "mode") or b"nearest"
    node.op_type = "Resize"
    node.input[:] = [node.input[0], "", *node.input[1:]]
    linear = mode in (b"linear", b"bilinear")
    give(node, "mode", "linear" if linear else "nearest")
    give(node, "coordinate_transformation_mode", "asymmetric")
    if not linear:
        give(node, "nearest_mode", "floor")
    return [node]


def _upsample_of_opset_1(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    height, width = take(node, "height_scale"), take(node, "width_scale")
    if height is None or width is None:
        return [node]
    give(node, "scales", [1.0, 1.0, height, width])
    return [node]


def _split(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """Since opset 18 equal parts are asked for by their number."""
    del upgrade
    if len(node.input) < 2 or not node.input[1]:
        give(node, "num_outputs", len(node.output))
    return [node]


def _batch_normalization(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """Until opset 13 training was said by the number of results, which had more of them."""
    del upgrade
    if take(node, "spatial") == 0:
        raise FormatError(f"{told(node)}: spatial=0 has no form in today's opsets")
    if len([name for name in node.output if name]) > 1:
        give(node, "training_mode", 1)
        del node.output[3:]
    return [node]


def _group_normalization(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """Before opset 21 scale and bias were per group, now they are per channel."""
    shape, groups = upgrade.shape(0), look(node, "num_groups")
    channels = shape[1] if shape and len(shape) > 1 else None
    if not isinstance(channels, int) or not groups:
        raise FormatError(f"{told(node)}: its number of channels must be known")
    made: Nodes = []
    for operand in (1, 2):
        source = node.input[operand]
        names = [upgrade.fresh(f"{source}.{part}") for part in ("column", "each", "flat")]
        sizes = [constant(np.array(size), upgrade.fresh(f"{source}.shape"))
                 for size in ([groups, 1], [groups, channels // groups], [channels])]  # fmt: skip
        made += sizes
        for op, size, result in zip(("Reshape", "Expand", "Reshape"), sizes, names, strict=True):
            made.append(helper.make_node(op, [source, size.output[0]], [result]))
            source = result
        node.input[operand] = source
    return [*made, node]


def _default(name: str, value: Any) -> Rule:
    """An attribute whose default changed: the old one is written out."""

    def rule(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
        del upgrade
        if look(node, name) is None:
            give(node, name, value)
        return [node]

    return rule


def _renamed_to(op: str) -> Rule:
    """An op that has another name now."""

    def rule(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
        del upgrade
        node.op_type = op
        return [node]

    return rule


def _renamed_mode(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """GridSample said bilinear and bicubic until opset 19."""
    del upgrade
    mode = take(node, "mode") or b"bilinear"
    give(node, "mode", {b"bilinear": b"linear", b"bicubic": b"cubic"}.get(mode, mode))
    return [node]


def _broadcast(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """Before opset 7 the second operand was aligned at ``axis``, now always at the end."""
    axis = take(node, "axis")
    one, other = upgrade.shape(0), upgrade.shape(1)
    if node.op_type == "PRelu":
        axis = 1 if other is not None and len(other) == 1 and other != (1,) else None
    if axis is None:
        return [node]
    if one is None or other is None:
        raise FormatError(f"{told(node)}: axis={axis} needs operands of known rank")
    behind = len(one) - axis % max(len(one), 1) - len(other)
    if behind <= 0:
        return [node]
    axes = constant(np.arange(len(other), len(other) + behind), upgrade.fresh("axes"))
    moved = upgrade.fresh(f"{node.input[1]}.aligned")
    unsqueeze = helper.make_node("Unsqueeze", [node.input[1], axes.output[0]], [moved])
    node.input[1] = moved
    return [axes, unsqueeze, node]


def _cast_of_opset_1(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    """Its type was a word until opset 5."""
    del upgrade
    to = take(node, "to")
    number = onnx.TensorProto.DataType.Value(to.decode()) if isinstance(to, bytes) else to
    give(node, "to", number)
    return [node]


def _top_k(node: onnx.NodeProto, upgrade: Upgrade) -> Nodes:
    k = take(node, "k")
    if k is None:
        return [node]
    count = constant(np.array([k]), upgrade.fresh(f"{node.output[0]}.k"))
    set_operand(node, 1, count.output[0])
    return [count, node]


_AXES = _as_operands(("axes", 1, "int64"))
_BROADCASTING = ("Add", "Sub", "Mul", "Div", "And", "Or", "Xor", "Pow", "Greater", "Less", "Equal")
_BROADCASTING += ("PRelu",)
_RESIZE = (11, _resize_of_opset_10)
_DROPPED_SINCE = OPSET + 1  # in no standard opset, whatever the file says
RULES: dict[str, tuple[tuple[int, Rule], ...]] = {
    "Affine": ((_DROPPED_SINCE, affine),),
    "BatchNormalization": ((14, _batch_normalization),),
    "Cast": ((6, _cast_of_opset_1),),
    "Clip": ((11, _as_operands(("min", 1, "T"), ("max", 2, "T"))),),
    "Concat": ((4, _default("axis", 1)),),
    "Crop": ((_DROPPED_SINCE, crop),),
    "DFT": ((20, _default("axis", 1)), (20, _as_operands(("axis", 2, "int64")))),
    "Dropout": ((12, _as_operands(("ratio", 1, "float32"))),),
    "GlobalLpPool": ((2, power_of_pool),),
    "GridSample": ((20, _renamed_mode),),
    "GroupNormalization": ((21, _group_normalization),),
    "Hardmax": ((13, _softmax),),
    "ImageScaler": ((_DROPPED_SINCE, image_scaler),),
    "LogSoftmax": ((13, _softmax),),
    "LpPool": ((2, power_of_pool),),
    "Pad": ((2, pad_of_opset_1), (11, _as_operands(("pads", 1, "int64"), ("value", 2, "T")))),
    "Reshape": ((5, _as_operands(("shape", 1, "int64"))),),
    "Resize": (_RESIZE,),
    "RoiAlign": ((16, _default("coordinate_transformation_mode", "output_half_pixel")),),
    "Scale": ((_DROPPED_SINCE, scale),),
    "ScaledTanh": ((_DROPPED_SINCE, scaled_tanh),),
    "Scatter": ((11, _renamed_to("ScatterElements")),),
    "Scan": ((9, scan_of_opset_8),),
    "Selu": ((6, _default("alpha", 1.6732)), (6, _default("gamma", 1.0507))),
    "Slice": (
        (10, _as_operands(("starts", 1, "int64"), ("ends", 2, "int64"), ("axes", 3, "int64"))),
    ),
    "Softmax": ((13, _softmax),),
    "Split": ((13, _as_operands(("split", 1, "int64"))), (18, _split)),
    "Squeeze": ((13, _AXES),),
    "Tile": ((6, tile_of_opset_1),),
    "TopK": ((10, _top_k),),
    "Unsqueeze": ((13, _AXES),),
    "Upsample": (
        (7, _upsample_of_opset_1),
        (9, _as_operands(("scales", 1, "float32"))),
        (11, _resize_of_opset_10),
    ),
    "ReduceSum": ((13, _AXES),),
    **{
        f"Reduce{what}": ((18, _AXES),)
        for what in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")
    },
    **dict.fromkeys(_BROADCASTING, ((7, _broadcast),)),
}
"""Rules by op: the opset since which the op means something else, and what to do before it."""

_DROPPED = {"consumed_inputs", "broadcast", "is_test", "output_sequence"}
"""Attributes of the first opsets that say nothing that is still to be said."""


# -- protobuf -------------------------------------------------------------------------------


def _without_newer_attributes(node: onnx.NodeProto) -> onnx.NodeProto:
    """A node of a newer opset; an attribute that ours lacks goes if it is at its default there."""
    known = defaults(node.op_type) if node.op_type else {}
    newer = {"stash_type": 1, "round_mode": b"up", "precision": 0}
    for name, usual in newer.items():
        if name not in known and look(node, name) == usual:
            take(node, name)
    return node
