"""The vocabulary: ONNX's operator schemas at one opset, and which ops are in it."""

from __future__ import annotations

from functools import cache

import onnx.defs
from onnx.defs import OpSchema

from graphlens.ir.node import OURS, REGION, STRUCTURAL, Attribute
from graphlens.ops.proto import plain_attribute

OPSET = 26
"""The newest ONNX opset that the pinned onnx and onnxruntime both know."""

_ML = "ai.onnx.ml"
_VERSIONS = {"": OPSET, _ML: 4, "ai.onnx.preview": 1, "ai.onnx.preview.training": 1}


def opset_of(op: str, domain: str) -> int:
    """The version of its domain that an op is to be read by; 1 for domains that are not ONNX's.

    Version 5 of ``ai.onnx.ml`` replaced the tree ops of all exporters, so both are spoken.
    """
    if domain == _ML and op == "TreeEnsemble":
        return 5
    return _VERSIONS.get(domain, 1)


@cache
def schema(op: str, domain: str = "") -> OpSchema | None:
    """ONNX's schema of an op at `OPSET`, or None where ONNX has none."""
    if domain not in _VERSIONS:
        return None
    try:
        found = onnx.defs.get_schema(op, opset_of(op, domain), domain)
    except onnx.defs.SchemaError:
        return None
    return None if found.deprecated else found


@cache
def defaults(op: str, domain: str = "") -> dict[str, Attribute]:
    """Default values of an op's attributes, as a Node holds them (lists as tuples)."""
    found = schema(op, domain)
    if found is None:
        return {}
    return {
        name: plain_attribute(attribute.default_value)
        for name, attribute in found.attributes.items()
        if attribute.default_value.type
    }


def in_vocabulary(op: str, domain: str = "") -> bool:
    """Whether an op is ONNX's or one of our documented extensions."""
    return domain == OURS or schema(op, domain) is not None


RUNNABLE = frozenset({"", "com.microsoft", "com.microsoft.nchwc"})
"""Domains whose ops ONNX Runtime or the reference evaluator may know."""


def is_foreign(op: str, domain: str) -> bool:
    """Whether neither ONNX nor graphlens nor ONNX Runtime defines an op."""
    return domain != OURS and domain not in RUNNABLE and schema(op, domain) is None


def vocabulary() -> tuple[tuple[str, str], ...]:
    """Every ONNX op at `OPSET`, then the ops of our own domain, as (domain, op), by name."""
    names = {each.name for each in onnx.defs.get_all_schemas() if each.domain == ""}
    found = [("", name) for name in sorted(names) if schema(name) is not None]
    return (*found, *((OURS, name) for name in sorted({*STRUCTURAL, REGION})))
