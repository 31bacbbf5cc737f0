"""Types of TensorFlow's tensors, and bodies of the functions that a graph calls by name."""

from __future__ import annotations

import re
from typing import Any

from graphlens.errors import CaptureError
from graphlens.frontends.tf.nodes import Nodes
from graphlens.frontends.tf.schema import parsed
from graphlens.tensor import UNKNOWN, TensorType


def type_of(tensor: Any) -> TensorType:
    """The static type that TensorFlow noted of a tensor; a size that it leaves open is ``'?'``.

    Of a variant (a list of tensors) TF knows nothing: its dtype is undefined.
    """
    kind = dtype_name(tensor)
    if kind == "variant":
        return UNKNOWN
    dims = None if tensor.shape.rank is None else tensor.shape.as_list()
    shape = None if dims is None else tuple("?" if dim is None else dim for dim in dims)
    return TensorType(kind, shape)


def dtype_name(tensor: Any) -> str:
    """The name of a tensor's dtype; a reference to a variable has the variable's."""
    return tensor.dtype.base_dtype.name


def is_variable(tensor: Any) -> bool:
    """Whether a tensor stands for a variable: a resource, or one of TF1's references."""
    return tensor.dtype.name == "resource" or tensor.dtype.name.endswith("_ref")


def body_of(graph: Any, name: str) -> Any:
    """The body of a function that a graph calls by name.

    Raises:
        CaptureError: If the graph's library has none of that name.
    """
    if isinstance(graph, Nodes):
        return graph.body(name)
    held = graph._get_function(name)
    body = getattr(held, "graph", None)
    if body is not None and getattr(body, "outputs", None) is not None:
        return body
    whole = graph.as_graph_def()
    if not any(function.signature.name == name for function in whole.library.function):
        raise CaptureError(f"the TF graph calls the function {name!r}, which it does not hold")
    whole.ClearField("node")
    return Nodes.of(parsed("GraphDef", whole.SerializeToString(), "the TF graph")).body(name)


def function_title(name: str) -> str:
    """The name of a function without what TF adds: ``__inference_block_42`` is ``block``."""
    return re.sub(r"^(__inference_|__forward_|__backward_)?(.*?)(_\d+)?$", r"\2", name)
