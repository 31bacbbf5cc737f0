"""Capture of a tf.Graph of TF1: placeholders in, what nobody reads out, variables by a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from graphlens.errors import CaptureError
from graphlens.frontends.input_types import symbols
from graphlens.frontends.tf_call import materialise
from graphlens.frontends.tf_import import (
    READS,
    VARIABLES,
    Frame,
    Importer,
    reached,
)
from graphlens.frontends.tf_specs import Feeds, fitted
from graphlens.frontends.tf_types import type_of
from graphlens.frontends.tf_update import ASSIGNS, REF_ASSIGNS, changes, is_update
from graphlens.frontends.tf_variables import session_values
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.build import Builder

_PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2"})
_NOT_RETURNED = (
    VARIABLES
    | READS
    | ASSIGNS
    | REF_ASSIGNS
    | _PLACEHOLDERS
    | {"Const", "NoOp", "Assert", "VarIsInitializedOp", "IsVariableInitialized"}
)
_NOT_THE_MODELS = ("gradients", "save/", "report_uninitialized", "init")
"""Scopes of TF1's own making: differentiation, the Saver, initialisation."""


def capture_graph(
    graph: tf.Graph,
    feeds: Feeds,
    outputs: Sequence[Any] | None,
    session: Any | None,
    *,
    frozen: bool = False,
) -> Graph:
    """The Graph of a tf.Graph; the arguments are those of `tf_graph.capture`.

    Args:
        graph: The graph, which is not changed.
        feeds: One for each placeholder that the outputs need, in the order of their making.
        outputs: What to return; by default what nobody reads.
        session: Where the variables have their values.
        frozen: Whether the weights are constants, as in a frozen GraphDef.
    """
    wanted, updates = _wanted(graph, outputs)
    ops = reached(graph, [*wanted, *(tensor for op in updates for tensor in op.inputs)])
    fed = [op for op in ops if op.type in _PLACEHOLDERS]
    given = _matched(fed, feeds)
    values = session_values(graph, [op for op in ops if op.type in VARIABLES], session)
    target = Graph(name="tf_graph")
    target.graph["capture"] = "tf.Graph"
    builder = Builder(target)
    frame: Frame = {}
    for index, op in enumerate(fed):
        name = node_name(op.name)
        held = fitted(op.outputs[0], given.get(op.name), name, symbols(feeds.dynamic, index, name))
        frame[op.outputs[0].name] = builder.input(name, held)
    if frozen:
        _weights(ops, builder, frame)
    importer = Importer(builder, _variables(builder, values), node_name)
    results = importer.run(graph, wanted, frame, updates=updates)
    changed = {tensor.name: tensor for op in updates for tensor in changes(op)}
    results += [frame[name] for name in changed]
    names = [node_name(tensor.op.name) for tensor in (*wanted, *changed.values())]
    finish(builder, results, names)
    return target


def finish(builder: Builder, results: Sequence[Any], names: Sequence[str] = ()) -> None:
    """Write the Output, and drop what came to nothing (shapes that were worked out)."""
    builder.scope = ""
    builder.output([materialise(builder, result) for result in results], names)
    graph = builder.graph
    alive: set[str] = set()
    waiting = [graph.output]
    while waiting:
        name = waiting.pop()
        if name not in alive:
            alive.add(name)
            waiting += graph.predecessors(name)
    kept = alive | set(graph.inputs)
    for name in [name for name in graph if name not in kept]:
        graph.remove_node(name)
        graph.weights.pop(name, None)


def node_name(name: str) -> str:
    """A TF op name as ours: dots between the scopes."""
    return name.replace("/", ".")


def _variables(builder: Builder, values: Mapping[str, np.ndarray]) -> Callable[[Any], Value]:
    made: dict[str, Value] = {}

    def variable(op: Any) -> Value:
        if op.name not in made:
            held = type_of(op.outputs[0])
            if op.type == "VarHandleOp":
                shape = tf.TensorShape(op.get_attr("shape"))
                dims = None if shape.rank is None else tuple(d or 0 for d in shape.as_list())
                held = type(held)(op.get_attr("dtype").name, dims)
            builder.scope = node_name(op.name).rpartition(".")[0]
            made[op.name] = builder.param(node_name(op.name), held, values.get(op.name))
        return made[op.name]

    return variable


def _weights(ops: Sequence[Any], builder: Builder, frame: Frame) -> None:
    """The constants that were variables before the graph was frozen: floats of one axis or more."""
    for op in ops:
        if op.type == "Const":
            held = type_of(op.outputs[0])
            if held.is_floating and held.rank:
                array = tf.make_ndarray(op.get_attr("value"))
                frame[op.outputs[0].name] = builder.param(node_name(op.name), held, array)


def _wanted(graph: tf.Graph, outputs: Sequence[Any] | None) -> tuple[list[tf.Tensor], list[Any]]:
    """The tensors to return, and the changes of variables to make and return."""
    if outputs is not None:
        named = [outputs] if isinstance(outputs, str | tf.Tensor | tf.Operation) else outputs
        tensors: list[tf.Tensor] = []
        updates: list[Any] = []
        for output in named:
            op = _operation(graph, output)
            if op is None:
                tensors.append(_tensor(graph, output))
            else:
                updates += _updates(op)
        return tensors, updates
    found = [
        op.outputs[0]
        for op in graph.get_operations()
        if op.outputs and op.type not in _NOT_RETURNED and not _is_technical(op)
    ]
    if not found:
        raise CaptureError(
            "the tf.Graph has no tensor that looks like an output (one that nobody reads and that "
            "does not initialise, save or differentiate): name them by outputs="
        )
    return found, []


def _operation(graph: tf.Graph, output: Any) -> Any | None:
    """The op that is named as an output for what it changes; None if a tensor is meant."""
    op = output
    if isinstance(output, str):
        op = next((op for op in graph.get_operations() if op.name == output), None)
    is_op = isinstance(op, tf.Operation) and op.graph is graph
    return op if is_op and (not op.outputs or is_update(op)) else None


def _updates(op: Any) -> list[Any]:
    """The changes of variables that a step of training is a group of, in the graph's order."""
    found: dict[str, Any] = {}
    waiting = [op]
    while waiting:
        each = waiting.pop()
        if each.name not in found and (each.type == "NoOp" or is_update(each)):
            found[each.name] = each
            waiting += each.control_inputs
    if not any(is_update(each) for each in found.values()):
        raise CaptureError(
            f"outputs= names the op {op.name!r} ({op.type}), which returns nothing and changes no "
            "variable: name tensors, or the op of a training step"
        )
    return [each for each in op.graph.get_operations() if each.name in found and is_update(each)]


def _is_technical(op: Any) -> bool:
    """Whether somebody reads the op's results, or it is a part of TF1's own machinery."""
    read = any(tensor.consumers() for tensor in op.outputs)
    return read or op.name.startswith(_NOT_THE_MODELS) or op.name.endswith("/read")


def _tensor(graph: tf.Graph, output: Any) -> tf.Tensor:
    if not isinstance(output, str):
        if getattr(output, "graph", None) is not graph:
            raise CaptureError(f"outputs= names {output!r}, which is not a tensor of that graph")
        return output
    try:
        return graph.get_tensor_by_name(output if ":" in output else f"{output}:0")
    except (KeyError, ValueError) as error:
        raise CaptureError(f"outputs= names {output!r}, which the graph does not hold") from error


def _matched(fed: Sequence[Any], feeds: Feeds) -> dict[str, Any]:
    names = [op.name for op in fed]
    inputs = feeds.inputs
    if len(inputs) > len(names):
        raise CaptureError(f"{len(inputs)} inputs are given, but the graph is fed {names}")
    given = dict(zip(names, inputs, strict=False))
    for name, value in feeds.named.items():
        if name not in names:
            raise CaptureError(f"input {name!r} is given, but the graph is fed {names}")
        given[name] = value
    return given
