"""Capture of Keras 3 models on the TensorFlow backend, through the tf.function of their call."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.keras_names import LayerNames, input_names
from graphlens.frontends.tf_function import Names, capture_concrete
from graphlens.frontends.tf_specs import (
    DynamicShapes,
    Feeds,
    named_sizes,
    spec_of,
    symbols,
    type_given,
    with_symbols,
)
from graphlens.ir.graph import Graph
from graphlens.tensor import TensorType


def capture(
    model: Any,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: DynamicShapes = None,
) -> Graph:
    """The Graph of what a Keras model computes in inference (``training=False``).

    Scopes are the names of the layers, ``graph.scopes`` their classes, and Params are named by
    layer and variable (``conv1_conv.kernel``). Names that Keras made up are counted anew within
    the model, so that two copies of a model give the same Graph.

    Args:
        model: A Keras model or layer, or the path of a ``.keras`` file.
        inputs: Arrays, tensors or TensorTypes, as the model is called with (one per input, or one
            list or dict). Without any, the model's own input specs are taken with batch size 1.
        kwargs: Further arguments of the call (``mask=...``).
        dynamic_shapes: Symbols for axes of the inputs, by input name or place:
            ``{'input_layer': {0: 'N'}}``.

    Raises:
        CaptureError: If the model cannot be captured; the message says why.
        FormatError: If a file is no Keras model.
    """
    if keras.backend.backend() != "tensorflow":
        raise CaptureError(
            f"Keras runs on {keras.backend.backend()!r} here; a Keras model is captured from "
            "TensorFlow: set KERAS_BACKEND=tensorflow, or give the torch model to a torch front end"
        )
    if isinstance(model, str | os.PathLike):
        model = _load(Path(model))
    if not isinstance(model, keras.Layer):
        raise CaptureError(f"a {type(model).__name__} is no Keras model or layer")
    struct, names, types = _signature(model, inputs, dynamic_shapes)
    concrete = _trace(model, struct, names, types, kwargs or {})
    found = LayerNames(model)
    held = [(variable.value, variable) for variable in model.variables]
    parameters = {
        id(inner): found.parameters.get(id(outer), outer.path.replace("/", "."))
        for inner, outer in held
    }
    variables = tuple(inner for inner, _ in held)
    known = Names(variables, parameters, found.node, found.title, found.outputs())
    graph = capture_concrete(concrete, Feeds(types), known)
    graph.graph["capture"] = "keras"
    graph.graph["scopes"] = {**found.classes, **graph.scopes}
    return graph


def _signature(
    model: Any, inputs: Sequence[Any], dynamic: DynamicShapes
) -> tuple[Any, list[str], list[TensorType]]:
    """How the model is called: the structure of its arguments, and their flat names and types."""
    own = getattr(model, "inputs", None) if isinstance(model, keras.Model) else None
    flat = keras.tree.flatten(list(inputs))
    if not inputs:
        if not own:
            raise CaptureError(
                f"the {type(model).__name__} {model.name!r} does not say what it is fed: "
                "give example inputs"
            )
        struct = getattr(model, "_inputs_struct", own)
        struct = struct[0] if isinstance(struct, list | tuple) and len(struct) == 1 else struct
        return _named(model, [struct], [_own_type(tensor) for tensor in own], dynamic)
    return _named(model, list(inputs), [type_given(value) for value in flat], dynamic)


def _named(
    model: Any, struct: list[Any], types: Sequence[TensorType], dynamic: DynamicShapes
) -> tuple[Any, list[str], list[TensorType]]:
    names = _names(model, struct, len(types))
    asked = [symbols(dynamic, index, name) for index, name in enumerate(names)]
    held = [
        named_sizes(with_symbols(found, wanted), name)
        for found, wanted, name in zip(types, asked, names, strict=True)
    ]
    return struct, names, held


def _names(model: Any, struct: list[Any], count: int) -> list[str]:
    """Names of the flat inputs: the model's own, else its call's arguments."""
    own = getattr(model, "inputs", None) if isinstance(model, keras.Model) else None
    if own and len(own) == count:
        return input_names(own)
    arguments = [name for name in inspect.signature(model.call).parameters if name != "self"]
    names: list[str] = []
    for index, argument in enumerate(struct):
        name = arguments[index] if index < len(arguments) else f"input_{index}"
        leaves = len(keras.tree.flatten(argument))
        names += [name] if leaves == 1 else [f"{name}_{leaf}" for leaf in range(leaves)]
    return names


def _own_type(tensor: Any) -> TensorType:
    """What an input spec of the model says, with batch size 1 where it leaves that open."""
    batch, *rest = tensor.shape or (None,)
    if not tensor.shape:
        return TensorType(tensor.dtype, ())
    return TensorType(tensor.dtype, (batch or 1, *("?" if dim is None else dim for dim in rest)))


def _trace(
    model: Any,
    struct: list[Any],
    names: Sequence[str],
    types: Sequence[TensorType],
    words: Mapping[str, Any],
) -> Any:
    specs = [spec_of(held, name) for held, name in zip(types, names, strict=True)]

    def call(*tensors: Any) -> Any:
        arguments = keras.tree.pack_sequence_as(struct, list(tensors))
        return model(*arguments, **{**training, **words})

    training = {"training": False} if model._call_has_training_arg else {}
    try:
        if not model.built:
            call(*(tf.zeros([dim or 1 for dim in spec.shape], spec.dtype) for spec in specs))
        return tf.function(call).get_concrete_function(*specs)
    except Exception as error:
        raise CaptureError(
            f"the Keras model {model.name!r} could not be traced on {list(map(str, types))}: "
            f"{error}"
        ) from error


def _load(path: Path) -> Any:
    """A saved model; what could run code from the file (a Lambda layer) is refused by Keras."""
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FormatError(f"{path}: Keras cannot load this file: {error}") from error
