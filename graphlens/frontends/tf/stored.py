"""What the variables and lookup tables of a file hold, read off the ops that would fill them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from graphlens.frontends.tf.bundle import Bundle
from graphlens.frontends.tf.nodes import Nodes, Op, Tensor
from graphlens.frontends.tf.schema import array_of

CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
TABLES = frozenset({"HashTableV2", "MutableHashTableV2", "MutableDenseHashTableV2", "HashTable"})
_ASSIGNS = frozenset({"Assign", "AssignVariableOp"})
_FILLS = frozenset({"LookupTableImportV2", "InitializeTableV2", "InitializeTable"})

Given = Mapping[str, Tensor]
"""The tensors outside that the arguments of a function stand for, by name."""


@dataclass(frozen=True)
class Stored:
    """What is held, by the name of the op that makes the variable or table.

    Attributes:
        variables: Their values.
        tables: Their keys and values.
    """

    variables: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


def stored(graph: Nodes, bundle: Bundle | None = None) -> Stored:
    """What a graph's variables and tables hold.

    A variable holds what the graph's own RestoreV2 would read for it from the checkpoint, without
    one the constant that it is initialised by. Nothing is run.
    """
    found = Stored()
    initial: dict[str, np.ndarray] = {}
    for op, given in _fillers(graph, {}, {}):
        held = _outside(op.inputs[0], given).op.name
        if op.type in _FILLS:
            keys, values = (_constant(_outside(tensor, given)) for tensor in op.inputs[1:3])
            if keys is not None and values is not None:
                found.tables[held] = (keys, values)
            continue
        value = _outside(op.inputs[1], given)
        if value.op.type == "RestoreV2" and bundle is not None:
            array = _restored(value, given, bundle)
            if array is not None:
                found.variables[held] = array
        elif value.op.type == "Const":
            initial[held] = array_of(value.op.get_attr("value"), value.op.name)
    return Stored({**initial, **found.variables}, found.tables)


def read_from_checkpoint(graph: Nodes) -> list[str]:
    """The variables that the graph's own RestoreV2 would read, by the names of their ops."""
    return [
        _outside(op.inputs[0], given).op.name
        for op, given in _fillers(graph, {}, {})
        if op.type in _ASSIGNS and _outside(op.inputs[1], given).op.type == "RestoreV2"
    ]


def _restored(value: Tensor, given: Given, bundle: Bundle) -> np.ndarray | None:
    """What one result of a RestoreV2 is; None where its name is not a constant or not there."""
    named, cut = (_constant(_outside(tensor, given)) for tensor in value.op.inputs[1:3])
    if named is None:
        return None
    name = named.ravel()[value.value_index].decode("utf-8", "surrogateescape")
    return bundle.array(name, b"" if cut is None else cut.ravel()[value.value_index])


def _fillers(graph: Nodes, given: Given, known: dict[str, bool]) -> Iterator[tuple[Op, Given]]:
    """The ops that fill variables and tables, in the functions that are called too."""
    for op in graph.get_operations():
        if op.type in _ASSIGNS | _FILLS:
            yield op, given
        elif op.type in CALLS and _fills(graph, op.get_attr("f").name, known):
            body = graph.body(op.get_attr("f").name)
            outer = [_outside(tensor, given) for tensor in op.inputs]
            inner = {t.name: o for t, o in zip(body.inputs, outer, strict=False)}
            yield from _fillers(body, inner, known)


def _fills(graph: Nodes, name: str, known: dict[str, bool]) -> bool:
    """Whether a function fills variables or tables, itself or by another."""
    if name not in known:
        known[name] = False
        function = graph.library.get(name)
        for node in function.node_def if function is not None else ():
            if node.op in _ASSIGNS | _FILLS or (
                node.op in CALLS and _fills(graph, node.attr["f"].func.name, known)
            ):
                known[name] = True
                break
    return known[name]


def _outside(tensor: Tensor, given: Given) -> Tensor:
    """What a tensor is a copy of, or an argument for."""
    seen: set[str] = set()
    while tensor.name not in seen:
        seen.add(tensor.name)
        if tensor.name in given and tensor.op.type == "Placeholder":
            return given[tensor.name]
        if tensor.op.type == "Identity" and tensor.op.inputs:
            tensor = tensor.op.inputs[0]
    return tensor


def _constant(tensor: Tensor) -> np.ndarray | None:
    op = tensor.op
    return array_of(op.get_attr("value"), op.name) if op.type == "Const" else None
