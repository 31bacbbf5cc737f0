"""Values of TensorFlow variables: of eager ones by sharing memory, of TF1's by a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from graphlens.errors import CaptureError

_INITIALISES = frozenset({"Assign", "AssignVariableOp"})


def shared(tensor: Any) -> np.ndarray:
    """An eager tensor as a read-only array over its own memory; a copy where TF cannot share.

    TF copies a variable before it changes memory that somebody else reads, so the array keeps the
    values of the moment of capture.
    """
    try:
        return np.asarray(memoryview(tensor))
    except (TypeError, ValueError, BufferError):
        return np.asarray(tensor.numpy())


def table_content(handle: Any, key: str, value: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Keys and values of the lookup table behind a handle; None where they cannot be had."""
    try:
        with context.eager_mode():
            pair = tf.raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=key, Tvalues=value)
            return pair[0].numpy(), pair[1].numpy()
    except (tf.errors.OpError, ValueError, TypeError):
        return None


def table_size(handle: Any) -> int | None:
    """How many keys a lookup table has; None if it is none."""
    try:
        with context.eager_mode():
            return int(tf.raw_ops.LookupTableSizeV2(table_handle=handle).numpy())
    except (tf.errors.OpError, ValueError, TypeError):
        return None


def session_values(
    graph: tf.Graph, variables: Sequence[Any], session: Any | None
) -> dict[str, np.ndarray]:
    """Values of TF1 variables by op name, without adding an op to the graph.

    Args:
        graph: The graph that they are in.
        variables: Their ops (VarHandleOp, VariableV2, Variable).
        session: Where they live; None runs their initialisers in a fresh session. Those draw
            random numbers from the seeds that the graph gave them, anew each time if it gave none.

    Raises:
        CaptureError: If a value cannot be had.
    """
    fetches = {op.name: _reading(op) for op in variables}
    fetches = {name: tensor for name, tensor in fetches.items() if tensor is not None}
    if not fetches:
        return {}
    try:
        if session is not None:
            return dict(session.run(fetches))
        with tf.compat.v1.Session(graph=graph) as fresh:
            fresh.run([first for op in variables for first in _initialiser(op)])
            return dict(fresh.run(fetches))
    except tf.errors.OpError as error:
        what = "the session given does not hold" if session else "the initialisers did not give"
        advice = "initialise them in it" if session else "pass session=, in which they have values"
        raise CaptureError(
            f"{what} values for the variables {sorted(fetches)[:5]} "
            f"({str(error.message).splitlines()[0]}): {advice}"
        ) from error


def _reading(op: Any) -> Any | None:
    """The tensor that carries a variable's value when nothing has changed it."""
    if op.type != "VarHandleOp":
        return op.outputs[0]
    reads = [reader for reader in op.outputs[0].consumers() if reader.type == "ReadVariableOp"]
    free = [read for read in reads if not read.control_inputs]
    return free[0].outputs[0] if free else None


def _initialiser(op: Any) -> list[Any]:
    """The assignment that gives a variable its first value, which TF makes right after it."""
    writers = (reader for reader in op.outputs[0].consumers() if reader.type in _INITIALISES)
    return [writer for writer in writers if writer.inputs[0].op is op][:1]
