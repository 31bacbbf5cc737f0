"""Capture of TensorFlow's graph mode: TF1 graphs, tf.function, ConcreteFunction, saved models."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from graphlens.errors import CaptureError
from graphlens.frontends.input_types import DynamicShapes
from graphlens.frontends.tf import saved as tf_saved
from graphlens.frontends.tf.function import capture_concrete, capture_function
from graphlens.frontends.tf.session import capture_graph
from graphlens.frontends.tf.specs import Feeds
from graphlens.frontends.tf.variables import session_values
from graphlens.ir.graph import Graph


def capture(
    model: Any,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: DynamicShapes = None,
    outputs: Sequence[Any] | None = None,
    session: Any | None = None,
    calls: str = "scopes",
) -> Graph:
    """The Graph of a model of TensorFlow's graph mode.

    Variables become Params that share TF's memory where that can be. Integer arithmetic on static
    shapes is done now. An op outside the vocabulary stays in domain ``'tf'``.

    Args:
        model: A ``tf.Graph`` (TF1 placeholders and variables), a ``tf.function``, a
            ``ConcreteFunction``, any callable on tensors, a frozen GraphDef or the path of its
            ``.pb`` file, or the path of a SavedModel directory.
        inputs: Arrays, tensors, TensorSpecs or TensorTypes that say what the model is fed. Not
            needed where the model says it itself (placeholders, an input signature).
        kwargs: The same by argument name (of a TF1 graph: by placeholder name).
        dynamic_shapes: Symbols for axes of the inputs, by input name or place:
            ``{'x': {0: 'N'}}``. A size that the model leaves open and no input fixes is the symbol
            ``'N'`` if it is of the first axis, else it is named after input and axis.
        outputs: Of a TF1 graph: the tensors (or their names) that it returns. By default those
            that nobody reads, apart from what initialises, saves, assigns and differentiates. An
            op that changes variables (the step of an optimiser) returns what they become.
        session: Of a TF1 graph: the session that holds the variables. Without one the variables'
            initialisers are run in a fresh session: seeded as the graph says, and different each
            time where it says nothing.
        calls: What becomes of calls of functions: ``'scopes'`` of the function's name, or
            ``'inline'`` among the caller's ops.

    Raises:
        CaptureError: If the model cannot be captured; the message says why.
        FormatError: If a file is not what its name says.
    """
    feeds = Feeds(inputs, kwargs or {}, dynamic_shapes, calls)
    if isinstance(model, str | os.PathLike | tf.compat.v1.GraphDef):
        return tf_saved.capture(
            model,
            *inputs,
            kwargs=kwargs,
            dynamic_shapes=dynamic_shapes,
            outputs=outputs,
            calls=calls,
        )
    if isinstance(model, tf.Graph):
        values = partial(session_values, model, session=session)
        return capture_graph(model, feeds, outputs, values)
    if outputs is not None or session is not None:
        raise CaptureError(
            f"outputs= and session= are for a tf.Graph; a {type(model).__name__} says itself what "
            "it returns, and holds its variables"
        )
    if isinstance(model, tf.types.experimental.ConcreteFunction):
        return capture_concrete(model, feeds)
    if callable(model):
        return capture_function(model, feeds)
    raise CaptureError(
        f"a {type(model).__name__} is no TensorFlow model: expected a tf.Graph, a tf.function, a "
        "ConcreteFunction, a callable, or a path"
    )
