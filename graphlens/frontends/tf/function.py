"""Capture of tf.function and ConcreteFunction: traced if need be, its captured variables Params."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from graphlens.errors import CaptureError
from graphlens.frontends.input_types import symbols, type_given, with_symbols
from graphlens.frontends.tf.call import Handle, Literal, Operand
from graphlens.frontends.tf.importer import Frame, Importer
from graphlens.frontends.tf.session import finish, node_name
from graphlens.frontends.tf.specs import Feeds, fitted
from graphlens.frontends.tf.trace import told
from graphlens.frontends.tf.types import function_title
from graphlens.frontends.tf.variables import shared, table_content, table_size
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

_TRACED = "get_concrete_function"
"""What a tf.function has, be it the model or (of a tf.Module) the model's call."""


def capture_function(
    function: Callable[..., Any],
    feeds: Feeds,
) -> Graph:
    """The Graph of a tf.function (or any callable on tensors), traced on the inputs' types."""
    traced = next((f for f in (function, function.__call__) if hasattr(f, _TRACED)), None)
    names = _arguments(traced or function, len(feeds.inputs))
    specs = [
        _spec(value, symbols(feeds.dynamic, index, name))
        for index, (value, name) in enumerate(zip(feeds.inputs, names, strict=True))
    ]
    words = {
        name: _spec(value, symbols(feeds.dynamic, len(specs) + index, name))
        for index, (name, value) in enumerate(feeds.named.items())
    }
    title = getattr(function, "__name__", type(function).__name__)
    try:
        concrete = (traced or tf.function(function)).get_concrete_function(*specs, **words)
    except (Exception, SystemExit) as error:
        raise CaptureError(
            f"tf.function {title!r} could not be traced on {[*specs, *words.values()]}: "
            f"{told(error)}"
        ) from error
    return capture_concrete(concrete, Feeds(dynamic=feeds.dynamic, calls=feeds.calls))


@dataclass(frozen=True)
class Names:
    """What a caller knows of a function's variables and names beyond what TF does.

    Attributes:
        variables: Variables that it may read beside those that it knows itself.
        parameters: Names of Params by ``id`` of the variable, where TF's own are not wanted.
        node: The node name of an op name.
        graph: The graph's name, by default the function's.
        outputs: Names of the outputs, by default the keys of the dict that it returns.
    """

    variables: Sequence[Any] = ()
    parameters: Mapping[int, str] = field(default_factory=dict)
    node: Callable[[str], str] = node_name
    graph: str = ""
    outputs: Sequence[str] = ()


def capture_concrete(concrete: Any, feeds: Feeds, names: Names | None = None) -> Graph:
    """The Graph of a ConcreteFunction.

    Args:
        concrete: The function.
        feeds: What it is fed; only types are looked at.
        names: What the caller knows better than TF.

    Returns:
        The function's outputs; if it trains (assigns to a trainable variable), then the new value
        of each variable that it assigns, named as the variable's Param.
    """
    names = names or Names()
    target = Graph(name=names.graph or title_of(concrete))
    target.graph["capture"] = "tf.function"
    builder = Builder(target)
    captured = list(concrete.captured_inputs)
    fed = list(concrete.inputs)[: len(concrete.inputs) - len(captured)]
    frame = _feed(builder, fed, feeds)
    known = [*names.variables, *concrete.graph.variables]
    held = _Captured(builder, known, names)
    for tensor, outside in zip(concrete.inputs[len(fed) :], captured, strict=True):
        frame[tensor.name] = held.operand(tensor, outside)
    importer = Importer(builder, held.refuse, names.node, feeds.calls)
    results = importer.run(concrete.graph, concrete.outputs, frame)
    named = list(_output_names(concrete) or names.outputs)
    changed = held.changed(frame)
    if changed:
        named = named or [f"output_{index}" for index in range(len(results))]
        results, named = [*results, *changed.values()], [*named, *changed]
    finish(builder, results, named)
    return target


def title_of(concrete: Any) -> str:
    """The name under which the function was written."""
    name = concrete.name.decode() if isinstance(concrete.name, bytes) else str(concrete.name)
    return function_title(name)


def spec_of(held: TensorType, name: str | None = None) -> tf.TensorSpec:
    """A TF TensorSpec of that type; symbols become sizes left open."""
    shape = held.shape
    dims = None if shape is None else [dim if isinstance(dim, int) else None for dim in shape]
    return tf.TensorSpec(dims, held.dtype, name=name)


def _arguments(function: Callable[..., Any], count: int) -> list[str]:
    """Names of the first arguments, made up where the signature does not tell."""
    written = getattr(function, "python_function", function)
    try:
        names = list(inspect.signature(written).parameters)
    except (TypeError, ValueError):
        names = []
    names = [name for name in names if name != "self"][:count]
    return names + [f"input_{index}" for index in range(len(names), count)]


def _spec(value: Any, asked: Mapping[int, str]) -> Any:
    """What a function is traced on: a spec of a tensor, anything else (a flag) as it is."""
    if isinstance(value, bool | int | float | str | None):
        return value
    if isinstance(value, list | tuple | dict):
        return tf.nest.map_structure(lambda item: _spec(item, asked), value)
    return spec_of(with_symbols(type_given(value), asked))


def _by_name(fed: Sequence[tf.Tensor], feeds: Feeds) -> dict[str, Any]:
    inputs, named = feeds.inputs, feeds.named
    names = [tensor.op.name for tensor in fed]
    unknown = [name for name in named if name not in names]
    if unknown or len(inputs) > len(names):
        raise CaptureError(
            f"the function is fed {names}, not {len(inputs)} inputs by place and {list(named)}"
        )
    return {**dict(zip(names, inputs, strict=False)), **named}


def _feed(builder: Builder, fed: Sequence[tf.Tensor], feeds: Feeds) -> Frame:
    given = _by_name(fed, feeds)
    frame: Frame = {}
    for index, tensor in enumerate(fed):
        name = node_name(tensor.op.name)
        held = fitted(tensor, given.get(tensor.op.name), name, symbols(feeds.dynamic, index, name))
        frame[tensor.name] = builder.input(name, held)
    return frame


def _output_names(concrete: Any) -> list[str]:
    """The keys of what the function returns, if that is a flat dict."""
    made = concrete.structured_outputs
    if isinstance(made, Mapping) and len(made) == len(concrete.outputs):
        return sorted(str(key) for key in made)
    return []


def _held(handle: Any) -> np.ndarray | None:
    """The value behind a resource that nobody knows the variable of; None if it is no variable."""
    known = getattr(handle, "_handle_data", None)
    if known is None or not known.is_set or len(known.shape_and_type) != 1:
        return None
    dtype = tf.dtypes.as_dtype(known.shape_and_type[0].dtype)
    try:
        with context.eager_mode():
            return shared(tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype))
    except (tf.errors.OpError, TypeError):
        return None


class _Captured:
    """What a function reads from outside: variables become Params, eager tensors constants."""

    def __init__(self, builder: Builder, variables: Sequence[Any], names: Names) -> None:
        self._builder = builder
        self._variables = {id(variable.handle): variable for variable in variables}
        self._names = names
        self._read: dict[str, tuple[Any, Value]] = {}

    def operand(self, tensor: tf.Tensor, outside: Any) -> Operand:
        """What a captured placeholder stands for."""
        if outside.dtype != tf.resource:
            array = shared(outside)
            name = self._names.node(tensor.op.name)
            return Literal(array, "const" if name.isdigit() else name)
        variable = self._variables.get(id(outside))
        array = _held(outside) if variable is None else shared(variable.read_value())
        if array is None:
            name = self._names.node(tensor.op.name)
            return Handle(name, partial(table_content, outside), partial(table_size, outside))
        name = self._names.node(tensor.op.name)
        if variable is not None:
            own = node_name(variable.name.partition(":")[0])
            name = self._names.parameters.get(id(variable)) or own
        value = self._builder.param(name, TensorType(str(array.dtype), tuple(array.shape)), array)
        self._read[tensor.name] = (variable, value)
        return value

    def changed(self, frame: Frame) -> dict[str, Operand]:
        """What the variables became, by Param, of a function that trains: changes a weight."""
        found = {
            value.node: (variable, frame[name])
            for name, (variable, value) in self._read.items()
            if frame[name] != value
        }
        if not any(getattr(variable, "trainable", False) for variable, _ in found.values()):
            return {}
        return {name: operand for name, (_, operand) in found.items()}

    def refuse(self, op: Any) -> Value:
        """A variable that a function makes while it runs is nothing that it was given."""
        raise CaptureError(f"the function makes the variable {op.name!r} each time it runs")
