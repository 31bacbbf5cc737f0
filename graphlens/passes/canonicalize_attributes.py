"""Attributes in canonical form: at float32, padding explicit, and nothing said that goes without.

What goes without saying: ONNX's defaults, strides and dilations of 1, pads of 0, a kernel_shape
that the weight shows, and what has no effect on the node at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from graphlens.ir import OURS, Attribute, Editor, Graph, Value
from graphlens.ops.schema import defaults, schema
from graphlens.passes.canonicalize_padding import explicit_padding
from graphlens.rewrite.regions import inside
from graphlens.tensor import TensorType

_OPTIONAL = frozenset({"MaxPool", "LayerNormalization", "BatchNormalization", "Attention"})
"""Ops whose results after the first may be left out where nobody reads them."""

_OF_OPERAND = frozenset({"Softmax", "LogSoftmax", "Hardmax", "Concat", "Split", "Gather"}) | {
    "GatherElements",
    "ScatterElements",
    "ArgMax",
    "ArgMin",
    "TopK",
    "LayerNormalization",
    "RMSNormalization",
    "LpNormalization",
    "QuantizeLinear",
    "DequantizeLinear",
}
"""Ops whose ``axis`` is one of operand 0's, to be counted from the front."""

_ZEROS = frozenset({"pads", "output_padding"})
_ONES = frozenset({"strides", "dilations"})
_POOLS = frozenset({"MaxPool", "AveragePool", "LpPool"})

_HALF_PIXEL = {"coordinate_transformation_mode": "pytorch_half_pixel"}
"""What differs from the default only where a Resize makes an axis of size 1."""

Says = Callable[[Mapping[str, Any], TensorType | None], bool]


def settle_attributes(graph: Graph) -> Graph:
    """The graph with every node's attributes in canonical form, inside regions too."""
    graph = inside(graph, settle_attributes)
    editor = Editor(graph)
    for name, held in graph.nodes.items():
        if held["domain"] == OURS or schema(held["op"], held["domain"]) is None:
            continue
        wanted = settled(graph, name)
        if not _equal(wanted, held["attributes"]):
            editor.update(name, attributes=wanted)
        if held["op"] in _OPTIONAL and _only_first_of_several_is_read(graph, name):
            editor.update(name, results=held["results"][:1])
    return editor.finish()


def settled(graph: Graph, name: str) -> dict[str, Attribute]:
    """The attributes of one node of the vocabulary in canonical form."""
    held = graph.nodes[name]
    if not held["attributes"]:
        return {}
    op, domain = held["op"], held["domain"]
    operand = next((value for value in graph.operands(name)[:1] if value is not None), None)
    read = None if operand is None else graph.type_of(operand)
    given = {key: _rounded(value) for key, value in held["attributes"].items() if value is not None}
    if "auto_pad" in given:
        given = explicit_padding(op, _with_kernel(graph, name, given), read, held["results"][0])
    usual = {key: _rounded(value) for key, value in defaults(op, domain).items()}
    if op in _OF_OPERAND and isinstance(given.get("axis"), int) and read and read.rank is not None:
        given["axis"] = _counted(given["axis"], read.rank)
        if "axis" in usual:
            usual["axis"] = _counted(usual["axis"], read.rank)
    if _HALF_PIXEL.items() <= given.items() and _resizes_to_many(read, held["results"][0]):
        del given["coordinate_transformation_mode"]
    said = _Said(op, {**usual, **given}, usual, read, held["results"][0])
    return {key: value for key, value in sorted(given.items()) if not said.without(key, value)}


class _Said(NamedTuple):
    """All that is known when an attribute is looked at: the node's op, attributes and types."""

    op: str
    full: Mapping[str, Any]
    usual: Mapping[str, Any]
    read: TensorType | None
    made: TensorType

    def without(self, key: str, value: Any) -> bool:
        """Whether an attribute goes without saying."""
        if key in self.usual and value == self.usual[key]:
            return True
        if key in _ONES or key in _ZEROS:
            return all(part == (key in _ONES) for part in value)
        if key == "perm" and value == tuple(reversed(range(len(value)))):
            return True
        if key == "data_format":
            return value == "NCHW"
        if key == "ceil_mode" and self.op in _POOLS:
            return floor_is_enough(self.full, self.read, self.made)
        idle = _IDLE.get((self.op, key))
        return idle is not None and idle(self.full, self.read)


def _resizes_to_many(read: TensorType | None, made: TensorType) -> bool:
    """Whether no axis surely becomes, or could become, a single element by being resized."""
    if read is None or read.shape is None or made.shape is None:
        return False
    return all(
        (new == old and "?" not in (old, new)) or (isinstance(new, int) and new > 1)
        for old, new in zip(read.shape, made.shape, strict=True)
    )


def floor_is_enough(full: Mapping[str, Any], read: TensorType | None, made: TensorType) -> bool:
    """Whether a pool's windows fit without rounding up, so that ceil_mode changes nothing."""
    if read is None or not (read.is_static and made.is_static):
        return False
    sizes = spatial(read, full)
    kernel = full["kernel_shape"]
    count = len(kernel)
    strides, dilations = full.get("strides", (1,) * count), full.get("dilations", (1,) * count)
    pads = full.get("pads", (0,) * 2 * count)
    return all(
        (sizes[i] + pads[i] + pads[i + count] - dilations[i] * (kernel[i] - 1) - 1) % strides[i]
        == 0
        for i in range(count)
    )


def spatial(held: TensorType, attributes: Mapping[str, Any]) -> tuple[Any, ...]:
    """The sizes of an image's spatial axes, wherever its data_format puts them."""
    shape = held.shape or ()
    return shape[1:-1] if attributes.get("data_format") == "NHWC" else shape[2:]


def _with_kernel(graph: Graph, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """A convolution's attributes with the kernel_shape that its filter shows."""
    operands = graph.operands(name)
    if "kernel_shape" in given or len(operands) < 2 or operands[1] is None:
        return given
    held = graph.type_of(operands[1])
    return {**given, "kernel_shape": held.shape[2:]} if held.shape and held.is_static else given


def _counted(axis: int, rank: int) -> int:
    return axis + rank if axis < 0 else axis


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_rounded, value))
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        with np.errstate(over="ignore"):
            return float(np.float32(value))
    return value


def _equal(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether attributes are the same, type by type (True is not 1 here), nan equal to nan."""
    return wanted.keys() == held.keys() and all(
        repr(value) == repr(held[key]) for key, value in wanted.items()
    )


def _only_first_of_several_is_read(graph: Graph, name: str) -> bool:
    others = range(1, len(graph.nodes[name]["results"]))
    return len(others) > 0 and not any(graph.users(Value(name, result)) for result in others)


def _is_float8(full: Mapping[str, Any]) -> bool:
    return str(full.get("to", "")).startswith("float8") or str(full.get("to")) == "float4e2m1"


def _is_usual_scale(full: Mapping[str, Any], read: TensorType | None) -> bool:
    """Whether an Attention's scale is one over the root of the head size, its default."""
    shape = read.shape if read is not None else None
    if shape is None or len(shape) != 4 or not isinstance(shape[-1], int):
        return False
    return abs(float(full["scale"]) * shape[-1] ** 0.5 - 1) < 1e-6


_IDLE: Mapping[tuple[str, str], Says] = {
    ("Attention", "scale"): _is_usual_scale,
    ("BatchNormalization", "momentum"): lambda full, _: not full["training_mode"],
    ("Cast", "saturate"): lambda full, _: not _is_float8(full),
    ("Cast", "round_mode"): lambda full, _: not _is_float8(full),
    ("Conv", "kernel_shape"): lambda full, _: True,
    ("ConvTranspose", "kernel_shape"): lambda full, _: True,
    ("AveragePool", "count_include_pad"): lambda full, _: not any(full.get("pads", ())),
    ("Resize", "nearest_mode"): lambda full, _: full["mode"] != "nearest",
    ("Resize", "cubic_coeff_a"): lambda full, _: full["mode"] != "cubic",
    ("Resize", "exclude_outside"): lambda full, _: full["mode"] != "cubic",
    ("Resize", "extrapolation_value"): lambda full, _: (
        full["coordinate_transformation_mode"] != "tf_crop_and_resize"
    ),
}
"""When an attribute has no effect, from all of the node's attributes and operand 0's type."""
