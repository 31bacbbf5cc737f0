"""Reading and writing the parts of a NodeProto that is brought up to date."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper

from graphlens.ops.proto import tensor_proto


def look(node: onnx.NodeProto, name: str) -> Any:
    """An attribute's value, None if it is not there."""
    for entry in node.attribute:
        if entry.name == name:
            return helper.get_attribute_value(entry)
    return None


def take(node: onnx.NodeProto, name: str) -> Any:
    """An attribute's value, None if it is not there; it is removed."""
    value = look(node, name)
    if value is not None:
        kept = [entry for entry in node.attribute if entry.name != name]
        del node.attribute[:]
        node.attribute.extend(kept)
    return value


def give(node: onnx.NodeProto, name: str, value: Any) -> None:
    """Add an attribute."""
    node.attribute.append(helper.make_attribute(name, value))


def constant(array: np.ndarray, name: str) -> onnx.NodeProto:
    """A Constant of that name."""
    return helper.make_node("Constant", [], [name], name=name, value=tensor_proto(array))


def set_operand(node: onnx.NodeProto, operand: int, name: str) -> None:
    """Give a node an operand, however many it had."""
    node.input.extend([""] * (operand + 1 - len(node.input)))
    node.input[operand] = name


def told(node: onnx.NodeProto) -> str:
    """A node as messages name it."""
    return f"{node.name or (node.output[0] if node.output else '?')!r} ({node.op_type})"
