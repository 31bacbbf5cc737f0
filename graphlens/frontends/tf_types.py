"""Types of TensorFlow tensors, and bodies of the functions that a graph calls by name."""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph

from graphlens.errors import CaptureError
from graphlens.tensor import UNKNOWN, TensorType


def type_of(tensor: tf.Tensor) -> TensorType:
    """TF's static type of a tensor; a size that it leaves open is ``'?'``.

    Of a variant (a list of tensors) TF knows nothing: its type is `UNKNOWN`.
    """
    if tensor.dtype.base_dtype == tf.variant:
        return UNKNOWN
    dims = None if tensor.shape.rank is None else tensor.shape.as_list()
    shape = None if dims is None else tuple("?" if dim is None else dim for dim in dims)
    return TensorType(tensor.dtype.base_dtype.name, shape)


def body_of(graph: tf.Graph, name: str) -> Any:
    """The body (a FuncGraph) of a function that a graph calls by name.

    Raises:
        CaptureError: If the graph's library has none of that name.
    """
    held = graph._get_function(name)
    body = getattr(held, "graph", None)
    if body is not None and getattr(body, "outputs", None) is not None:
        return body
    library = graph.as_graph_def().library
    definition = next((f for f in library.function if f.signature.name == name), None)
    if definition is None:
        raise CaptureError(f"the TF graph calls the function {name!r}, which it does not hold")
    return function_def_to_graph.function_def_to_graph(definition)


def function_title(name: str) -> str:
    """The name of a function without what TF adds: ``__inference_block_42`` is ``block``."""
    return re.sub(r"^(__inference_|__forward_|__backward_)?(.*?)(_\d+)?$", r"\2", name)
