"""The vocabulary: ONNX's operator schemas at one opset, and which ops are in it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from graphlens.ir.node import OURS

if TYPE_CHECKING:
    from onnx.defs import OpSchema

OPSET = 26
"""The newest ONNX opset that the pinned onnx and onnxruntime both know."""


@cache
def schema(op: str, domain: str = "") -> OpSchema | None:
    """ONNX's schema of an op at `OPSET`, or None where ONNX has none."""
    import onnx.defs

    if domain not in ("", "ai.onnx.ml"):
        return None
    version = OPSET if domain == "" else onnx.defs.onnx_opset_version()
    try:
        found = onnx.defs.get_schema(op, version, domain)
    except onnx.defs.SchemaError:
        return None
    return None if found.deprecated else found


@cache
def defaults(op: str, domain: str = "") -> dict[str, Any]:
    """Default values of an op's attributes, as a Node holds them (lists as tuples)."""
    from graphlens.ops.proto import plain_attribute

    found = schema(op, domain)
    if found is None:
        return {}
    return {
        name: plain_attribute(attribute.default_value, op)
        for name, attribute in found.attributes.items()
        if attribute.default_value.type
    }


def in_vocabulary(op: str, domain: str = "") -> bool:
    """Whether an op is ONNX's or one of our documented extensions."""
    return domain == OURS or schema(op, domain) is not None
