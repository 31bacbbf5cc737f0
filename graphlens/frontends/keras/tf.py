"""Capture of Keras on TensorFlow: the tf.function of the model's call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from graphlens.errors import CaptureError
from graphlens.frontends.keras.call import Call
from graphlens.frontends.keras.names import LayerNames
from graphlens.frontends.tf.function import Names, capture_concrete, spec_of
from graphlens.frontends.tf.specs import Feeds
from graphlens.frontends.tf.trace import told
from graphlens.ir.graph import Graph


def capture_call(call: Call, inputs: Sequence[Any]) -> Graph:
    """The Graph of a call; of the inputs given only the types count, which the call knows.

    Raises:
        CaptureError: If TensorFlow cannot trace it.
    """
    del inputs
    model = call.model
    concrete = _trace(call)
    found = LayerNames(model)
    held = [(variable.value, variable) for variable in model.variables]
    parameters = {
        id(inner): found.parameters.get(id(outer), outer.path.replace("/", "."))
        for inner, outer in held
    }
    variables = tuple(inner for inner, _ in held)
    known = Names(variables, parameters, found.node, found.title, found.outputs())
    graph = capture_concrete(concrete, Feeds(call.types), known)
    graph.graph["scopes"] = {**found.classes, **graph.scopes}
    return graph


def _trace(call: Call) -> Any:
    specs = [spec_of(held, name) for held, name in zip(call.types, call.names, strict=True)]
    try:
        if not call.model.built:
            call(*(tf.zeros([dim or 1 for dim in spec.shape], spec.dtype) for spec in specs))
        return tf.function(lambda *tensors: call(*tensors)).get_concrete_function(*specs)
    except (Exception, SystemExit) as error:
        raise CaptureError(
            f"the Keras model {call.model.name!r} could not be traced on "
            f"{list(map(str, call.types))}: {told(error)}"
        ) from error
