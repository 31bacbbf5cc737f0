"""Capture of a graph: placeholders in, what nobody reads out, variables as their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphlens.errors import CaptureError
from graphlens.frontends.input_types import symbols
from graphlens.frontends.tf.call import materialise, plain
from graphlens.frontends.tf.flow import SWITCH
from graphlens.frontends.tf.importer import (
    READS,
    VARIABLES,
    Frame,
    Importer,
    reached,
)
from graphlens.frontends.tf.schema import array_of
from graphlens.frontends.tf.specs import Feeds, fitted
from graphlens.frontends.tf.types import type_of
from graphlens.frontends.tf.update import ASSIGNS, REF_ASSIGNS, changes, is_update
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

_PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2"})
_NOT_RETURNED = (
    VARIABLES
    | READS
    | ASSIGNS
    | REF_ASSIGNS
    | _PLACEHOLDERS
    | SWITCH
    | {"LoopCond", "NextIteration", "Enter", "ControlTrigger"}
    | {"Const", "NoOp", "Assert", "VarIsInitializedOp", "IsVariableInitialized"}
)
_NOT_THE_MODELS = ("gradients", "save/", "report_uninitialized", "init")
"""Scopes of TF1's own making: differentiation, the Saver, initialisation."""
_LOWERED = re.compile(r"/_\d+$")
"""How the names of ops end that TensorFlow made Switches and Exits of when it took a loop apart."""


@dataclass(frozen=True)
class Ends:
    """Where a graph begins and ends.

    Attributes:
        fed: What it is fed, by the names of the inputs.
        wanted: What it returns, by the names of the outputs.
        updates: The ops that change variables, of which it returns the new values.
    """

    fed: Sequence[tuple[str, Any]]
    wanted: Sequence[tuple[str, Any]]
    updates: Sequence[Any] = ()


def capture_graph(
    graph: Any,
    feeds: Feeds,
    outputs: Sequence[Any] | None,
    values: Callable[[Sequence[Any]], Mapping[str, np.ndarray]],
    *,
    frozen: bool = False,
) -> Graph:
    """The Graph of a Any, or of what a GraphDef holds.

    Args:
        graph: The graph, which is not changed.
        feeds: One for each placeholder that the outputs need, in the order of their making.
        outputs: What to return; by default what nobody reads.
        values: What the ops of variables hold, by their names.
        frozen: Whether the weights are constants, as in a frozen GraphDef.
    """
    wanted, updates = _wanted(graph, outputs)
    ops = reached(graph, [*wanted, *(tensor for op in updates for tensor in op.inputs)])
    fed = [(node_name(op.name), op.outputs[0]) for op in ops if op.type in _PLACEHOLDERS]
    named = [(node_name(tensor.op.name), tensor) for tensor in wanted]
    target = Graph(name="tf_graph")
    target.graph["capture"] = "Any"
    builder = Builder(target)
    held = values([op for op in ops if op.type in VARIABLES])
    frame = _weights(ops, builder) if frozen else {}
    importer = Importer(builder, parameters(builder, held), node_name, feeds.calls)
    write(importer, graph, feeds, Ends(fed, named, updates), frame)
    return target


def write(
    importer: Importer,
    graph: Any,
    feeds: Feeds,
    ends: Ends,
    frame: Frame,
    trainable: Collection[str] = (),
) -> None:
    """Write what lies between the ends of a graph, and the Output.

    Args:
        importer: What it is written with.
        graph: The graph.
        feeds: What it is fed.
        ends: Where it begins and ends.
        frame: What some of its tensors became.
        trainable: Names of variables; if one of them is changed, the new value of every variable
            that is changed is returned too.
    """
    given = _matched([name for name, _ in ends.fed], feeds)
    for index, (name, tensor) in enumerate(ends.fed):
        held = fitted(tensor, given.get(name), name, symbols(feeds.dynamic, index, name))
        frame[tensor.name] = importer.builder.input(name, held)
    tensors = [tensor for _, tensor in ends.wanted]
    results = importer.run(graph, tensors, frame, updates=ends.updates)
    changed = {tensor.name: tensor for op in ends.updates for tensor in changes(op)}
    changed.update(_changed(graph, frame, trainable))
    results += [frame[name] for name in changed]
    names = [name for name, _ in ends.wanted]
    finish(importer.builder, results, [*names, *(node_name(t.op.name) for t in changed.values())])


def _changed(graph: Any, frame: Frame, trainable: Collection[str]) -> dict[str, Any]:
    """The variables that functions changed, if they train."""
    if not trainable:
        return {}
    made = [op.outputs[0] for op in graph.get_operations() if op.type in VARIABLES]
    found = {
        tensor.name: tensor
        for tensor in made
        if tensor.name in frame and frame[tensor.name] != Value(node_name(tensor.op.name))
    }
    names = {re.sub(r"_\d+$", "", tensor.op.name) for tensor in found.values()}
    names |= {tensor.op.name for tensor in found.values()}
    return found if names & set(trainable) else {}


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


def parameters(builder: Builder, values: Mapping[str, np.ndarray]) -> Callable[[Any], Value]:
    """What makes (once) the Param behind an op that holds a variable."""
    made: dict[str, Value] = {}

    def variable(op: Any) -> Value:
        if op.name not in made:
            held = type_of(op.outputs[0])
            if op.type == "VarHandleOp":
                shape = plain(op.get_attr("shape"))
                dims = None if shape is None else tuple(max(dim, 0) for dim in shape)
                held = TensorType(plain(op.get_attr("dtype")), dims)
            builder.scope = node_name(op.name).rpartition(".")[0]
            made[op.name] = builder.param(node_name(op.name), held, values.get(op.name))
        return made[op.name]

    return variable


def _weights(ops: Sequence[Any], builder: Builder) -> Frame:
    """The constants that were variables before the graph was frozen: floats of one axis or more."""
    frame: Frame = {}
    for op in ops:
        held = type_of(op.outputs[0]) if op.type == "Const" else None
        if held is not None and held.is_floating:
            array = array_of(op.get_attr("value"), op.name)
            if array.ndim:
                held = held.with_shape(array.shape)
                frame[op.outputs[0].name] = builder.param(node_name(op.name), held, array)
    return frame


def _wanted(graph: Any, outputs: Sequence[Any] | None) -> tuple[list[Any], list[Any]]:
    """The tensors to return, and the changes of variables to make and return."""
    if outputs is not None:
        single = not isinstance(outputs, Sequence) or isinstance(outputs, str)
        named = [outputs] if single else outputs
        tensors: list[Any] = []
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
            "the TF graph has no tensor that looks like an output (one that nobody reads and that "
            "does not initialise, save or differentiate): name them by outputs="
        )
    computed = _from_inputs(graph)
    return [tensor for tensor in found if tensor.op.name in computed] or found, []


def _from_inputs(graph: Any) -> set[str]:
    """Names of the ops that depend on an input; the others compute what nobody wanted."""
    waiting = [op for op in graph.get_operations() if op.type in _PLACEHOLDERS]
    found = {op.name for op in waiting}
    while waiting:
        for tensor in waiting.pop().outputs:
            later = [op for op in tensor.consumers() if op.name not in found]
            found.update(op.name for op in later)
            waiting += later
    return found


def _operation(graph: Any, output: Any) -> Any | None:
    """The op that is named as an output for what it changes; None if a tensor is meant."""
    op = output
    if isinstance(output, str):
        op = next((op for op in graph.get_operations() if op.name == output), None)
    is_op = hasattr(op, "control_inputs") and op.graph is graph
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
    pivot = op.type == "Identity" and op.inputs[0].op.type in SWITCH
    return (
        read
        or pivot
        or bool(_LOWERED.search(op.name))
        or op.name.startswith(_NOT_THE_MODELS)
        or op.name.endswith("/read")
    )


def _tensor(graph: Any, output: Any) -> Any:
    if not isinstance(output, str):
        if getattr(output, "graph", None) is not graph:
            raise CaptureError(f"outputs= names {output!r}, which is not a tensor of that graph")
        return output
    try:
        return graph.get_tensor_by_name(output if ":" in output else f"{output}:0")
    except (KeyError, ValueError) as error:
        raise CaptureError(f"outputs= names {output!r}, which the graph does not hold") from error


def _matched(names: Sequence[str], feeds: Feeds) -> dict[str, Any]:
    """The inputs given, by name; placeholders may be named as TF does, with slashes."""
    if len(feeds.inputs) > len(names):
        raise CaptureError(f"{len(feeds.inputs)} inputs are given, but the graph is fed {names}")
    given = dict(zip(names, feeds.inputs, strict=False))
    for name, value in feeds.named.items():
        if node_name(name) not in names:
            raise CaptureError(f"input {name!r} is given, but the graph is fed {names}")
        given[node_name(name)] = value
    return given
