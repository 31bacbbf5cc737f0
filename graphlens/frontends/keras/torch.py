"""Capture of Keras on PyTorch: the model's call as a module, by the front ends of PyTorch."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import torch

from graphlens.errors import CaptureError
from graphlens.frontends.keras.call import Call
from graphlens.frontends.keras.names import LayerNames
from graphlens.frontends.torch import eager as torch_eager
from graphlens.frontends.torch import fx as torch_fx
from graphlens.ir.graph import Graph
from graphlens.tensor import TensorType


class _Module(torch.nn.Module):
    """A call as a module whose children are the layers, under their paths.

    Keras's layers are modules of PyTorch, but they do not know each other as such: each holds its
    weights in a dict by Keras's path, and its layers in a list of its own.
    """

    def __init__(self, call: Call, names: LayerNames) -> None:
        super().__init__()
        object.__setattr__(self, "call", call)
        for variable in call.model.variables:
            name = names.parameters.get(id(variable), variable.path.replace("/", "."))
            held = variable.value
            into = self._parameters if isinstance(held, torch.nn.Parameter) else self._buffers
            into.setdefault(name, held)
        # The deepest first: a path met before is what a module is called by.
        for layer, path in sorted(names.layers(), key=lambda found: -found[1].count(".")):
            self._modules.setdefault(path, layer)
        object.__setattr__(self, "forward", _named(call))


def _named(call: Call) -> Callable[..., Any]:
    """The call as a function whose arguments have the names of the inputs."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    words = [re.sub(r"\W", "_", name) for name in call.names]
    distinct = len(set(words)) == len(words) and all(word.isidentifier() for word in words)

    def forward(*tensors: Any, **named: Any) -> Any:
        return call(*tensors, *named.values())

    if distinct:
        signature = inspect.Signature([inspect.Parameter(word, kind) for word in words])
        setattr(forward, "__signature__", signature)  # noqa: B010  (a function has no such field)
    return forward


def capture_call(call: Call, inputs: Sequence[Any]) -> Graph:
    """The Graph of a call, on fake tensors where that can be, else of one real run.

    Raises:
        CaptureError: If neither can capture it, or Keras does not run it by PyTorch.
    """
    _build(call)
    names = LayerNames(call.model)
    _refuse_tensorflow(call, names)
    given = keras.tree.flatten(list(inputs)) or list(call.types)
    module = _Module(call, names).eval()
    # The types come last: of an input given by its value they may hold a symbol.
    fed = [
        held if held.shape and not held.is_static else value
        for held, value in zip(call.types, given, strict=True)
    ]
    try:
        graph = torch_fx.capture(module, *fed)
    except CaptureError:
        graph = torch_eager.capture(module, *given)
    graph.name = names.title
    graph.graph["scopes"] = {**names.classes, **graph.scopes}
    outputs = names.outputs()
    if len(outputs) == len(graph.outputs):
        graph.update_node(graph.output, attributes={"names": tuple(outputs)})
    return graph


_BY_TENSORFLOW = frozenset({"HashedCrossing", "Hashing", "IndexLookup", "TextVectorization"})
"""Layers that Keras runs by TensorFlow whatever its backend is."""


def _refuse_tensorflow(call: Call, names: LayerNames) -> None:
    for layer in [call.model, *(layer for layer, _ in names.layers())]:
        if _BY_TENSORFLOW & {kind.__name__ for kind in type(layer).__mro__}:
            raise CaptureError(
                f"Keras runs the layer {layer.name!r} ({type(layer).__name__}) by TensorFlow "
                "whatever its backend is: set KERAS_BACKEND=tensorflow to capture it"
            )


def _build(call: Call) -> None:
    """Make the weights of a model that was never called."""
    if not call.model.built and all(hasattr(torch, held.dtype) for held in call.types):
        with torch.no_grad():
            call(*(_zeros(held) for held in call.types))


def _zeros(held: TensorType) -> torch.Tensor:
    shape = [dim if isinstance(dim, int) else 1 for dim in held.shape or ()]
    return torch.zeros(shape, dtype=getattr(torch, held.dtype))
