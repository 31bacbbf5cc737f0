"""If, Loop and Scan as ONNX defines them, their bodies run by whoever calls.

They are needed where a body has an op of a framework in it, and so is no ONNX model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from graphlens.errors import RunError
from graphlens.tensor import TensorType

Body = Callable[[Sequence[Any]], list[Any]]
"""A body: its formal inputs in, its outputs out; it knows the outer values that it reads."""


def run_control(
    node: onnx.NodeProto,
    operands: Sequence[Any],
    bodies: Mapping[str, Body],
    types: Sequence[TensorType],
) -> list[Any]:
    """The results of an If, Loop or Scan.

    Args:
        node: The op and its attributes.
        operands: Its own operands, None for one not given.
        bodies: Its bodies by the names of their attributes.
        types: What is known of its results: of a Loop that does not go round once there is
            nothing else to tell a result's dtype.

    Raises:
        RunError: If it is another op.
    """
    if node.op_type == "If":
        return bodies["then_branch" if np.all(operands[0]) else "else_branch"]([])
    if node.op_type == "Loop":
        return _loop(operands, bodies["body"], types)
    if node.op_type == "Scan":
        return _scan(node, operands, bodies["body"], types)
    raise RunError(f"{node.name!r} ({node.op_type}) has bodies, and is no If, Loop or Scan")


def _loop(operands: Sequence[Any], body: Body, types: Sequence[TensorType]) -> list[Any]:
    most = None if operands[0] is None else int(np.asarray(operands[0]).item())
    goes_on = len(operands) < 2 or operands[1] is None or bool(np.all(operands[1]))
    state = list(operands[2:])
    stacks: list[list[Any]] = [[] for _ in types[len(state) :]]
    trip = 0
    while goes_on and (most is None or trip < most):
        made = body([np.array(trip, np.int64), np.array(goes_on), *state])
        goes_on = bool(np.all(made[0]))
        for stack, item in zip(stacks, made[1 + len(state) :], strict=True):
            stack.append(item)
        state = made[1 : 1 + len(state)]
        trip += 1
    held = types[len(state) :]
    return [*state, *(_stacked(s, t, 0, False) for s, t in zip(stacks, held, strict=True))]


def _scan(
    node: onnx.NodeProto, operands: Sequence[Any], body: Body, types: Sequence[TensorType]
) -> list[Any]:
    told = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    count = told["num_scan_inputs"]
    state, scanned = list(operands[: len(operands) - count]), operands[len(operands) - count :]
    outputs = len(types) - len(state)
    axes = told.get("scan_input_axes", [0] * count)
    backward = told.get("scan_input_directions", [0] * count)
    columns = [
        np.flip(np.moveaxis(array, axis, 0), 0) if flipped else np.moveaxis(array, axis, 0)
        for array, axis, flipped in zip(scanned, axes, backward, strict=True)
    ]
    stacks: list[list[Any]] = [[] for _ in range(outputs)]
    for items in zip(*columns, strict=True):
        made = body([*state, *(np.ascontiguousarray(item) for item in items)])
        for stack, item in zip(stacks, made[len(state) :], strict=True):
            stack.append(item)
        state = made[: len(state)]
    placed = zip(
        stacks,
        types[len(state) :],
        told.get("scan_output_axes", [0] * outputs),
        told.get("scan_output_directions", [0] * outputs),
        strict=True,
    )
    return [*state, *(_stacked(*each) for each in placed)]


def _stacked(items: list[Any], held: TensorType, axis: int, flipped: bool) -> np.ndarray:
    if items:
        return np.stack(items[::-1] if flipped else items, axis)
    shape = [0] if held.shape is None else [d if isinstance(d, int) else 0 for d in held.shape]
    return np.zeros(shape, np.float32 if held.dtype == "undefined" else held.dtype)
