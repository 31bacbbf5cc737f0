"""Capture of Keras 3 models, by the backend that Keras runs on."""

from __future__ import annotations

import importlib
import inspect
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.input_types import (
    DynamicShapes,
    named_sizes,
    symbols,
    type_given,
    with_symbols,
)
from graphlens.frontends.keras.call import Call
from graphlens.frontends.keras.names import input_names
from graphlens.ir.graph import Graph
from graphlens.tensor import TensorType

_BACKENDS = {
    "tensorflow": "graphlens.frontends.keras.tf",
    "torch": "graphlens.frontends.keras.torch",
}
"""What captures a call, by Keras's backend; the module imports the backend's framework."""

_BACKEND = (
    importlib.import_module(_BACKENDS[keras.backend.backend()])
    if keras.backend.backend() in _BACKENDS
    else None
)


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
        kwargs: Inputs by name, where none are given by place, and further arguments of the call
            (``mask=...``).
        dynamic_shapes: Symbols for axes of the inputs, by input name or place:
            ``{'input_layer': {0: 'N'}}``.

    Raises:
        CaptureError: If the model cannot be captured; the message says why.
        FormatError: If a file is no Keras model.
    """
    if _BACKEND is None:
        raise CaptureError(
            f"Keras runs on {keras.backend.backend()!r} here; a model is captured from "
            f"{sorted(_BACKENDS)}: set KERAS_BACKEND to one of them before Keras is imported"
        )
    if isinstance(model, str | os.PathLike):
        model = _load(Path(model))
    if not isinstance(model, keras.Layer):
        raise CaptureError(f"a {type(model).__name__} is no Keras model or layer")
    struct, names, types = _signature(model, inputs, dynamic_shapes)
    words = dict(kwargs or {})
    if not inputs:
        types = [
            type_given(words.pop(name)) if name in words else held
            for name, held in zip(names, types, strict=True)
        ]
    _refuse_unknown(model, words, names)
    call = Call(model, struct, tuple(names), tuple(types), words)
    graph: Graph = _BACKEND.capture_call(call, inputs)
    graph.graph["capture"] = "keras"
    return graph


def _refuse_unknown(model: Any, words: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse what a model would ignore (one made of layers takes any keyword) or cannot use.

    Raises:
        CaptureError: If a keyword is neither an input nor an argument of the call, or if a type is
            given for an argument, which needs its value.
    """
    formals = inspect.signature(model.call).parameters
    anything = any(each.kind is each.VAR_KEYWORD for each in formals.values())
    ignored = anything and isinstance(model, keras.Model) and bool(getattr(model, "inputs", None))
    for name, value in words.items():
        if name not in formals and (ignored or not anything):
            raise CaptureError(f"{model.name!r} has no input {name!r}, only {list(names)}")
        if isinstance(value, TensorType):
            raise CaptureError(
                f"{name!r} is an argument of the call of {model.name!r}, and not one of its inputs "
                f"{list(names)}: give its value, not its type"
            )


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


def _load(path: Path) -> Any:
    """A saved model; what could run code from the file (a Lambda layer) is refused by Keras."""
    _refuse_bomb(path)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras builds what a stranger's file says, and fails as it may
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise FormatError(f"{path}: Keras cannot load this file: {first}") from error


def _refuse_bomb(path: Path) -> None:
    """Keras packs weights without compressing them; what unpacks to far more is no model."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        whole = sum(member.file_size for member in archive.infolist())
    packed = path.stat().st_size
    if whole > _MOST_TIMES * packed + _SMALL:
        raise FormatError(
            f"{path}: a file of {packed} bytes that unpacks to {whole}: expected a model whose "
            "weights are stored as they are, as Keras saves them"
        )


_MOST_TIMES, _SMALL = 8, 2**24
"""How many times its size a file may unpack to, beyond a few bytes that do no harm."""
