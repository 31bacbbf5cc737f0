"""Doing now what can be done before any input is known: constant folding.

Constant propagation over an acyclic graph in one sweep in order of execution, then one run of the
runtime for what has no kernel in `fold_kernels`. Only what survives is written: of a folded chain
just its last value becomes a node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphlens.errors import GraphlensError
from graphlens.ir import CONST, OURS, PARAM, Editor, Graph, Node, Value
from graphlens.ops.facts import is_random
from graphlens.ops.infer import infer
from graphlens.ops.schema import in_vocabulary
from graphlens.passes.fold_kernels import KERNELS, evaluate
from graphlens.rewrite.regions import inside
from graphlens.runtime.run import run
from graphlens.tensor import TensorType

_VIEWS = frozenset({"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity"}) | {
    "Cast",
    "Slice",
    "Split",
}
"""Ops that make a Param of a Param: the same weights, seen otherwise."""

_LARGE = 1 << 20
_GROWTH = 4
"""A result of more than `_LARGE` bytes and `_GROWTH` times its operands, or times all weights of
the graph, is not folded: a hostile file doubles a tensor sixty times."""

_FAMILY = 256
"""Folded nodes above a constant whose origins it takes over, at most."""


def fold_constants(graph: Graph) -> Graph:
    """The graph with everything that depends on constants only computed.

    A view, transpose, slice or cast of a Param is a Param (a numpy view, where it can be one),
    typed even where its value is not known; all else becomes a Const. Shape and Size of a value of
    static shape are constants. What is random stays, and what would grow the graph by much.
    """
    graph = inside(graph, fold_constants)
    stored = (graph.type_of(Value(name)).nbytes for name in (*graph.params, *graph.consts))
    folding = _Folding(graph, sum(size or 0 for size in stored))
    for name in graph.in_order():
        folding.visit(name)
    folding.run_pending()
    return folding.write()


@dataclass(frozen=True, slots=True)
class _Known:
    """A value known before the run: its array (None if absent) and the Param it is a view of."""

    array: np.ndarray | None
    param: str = ""


@dataclass(slots=True)
class _Folding:
    """What is known of one graph's values so far."""

    graph: Graph
    stored: int
    """Bytes of the graph's own weights: what folds to many times that grows without end."""
    known: dict[Value, _Known] = field(default_factory=dict)
    pending: dict[str, None] = field(default_factory=dict)
    """Nodes that depend on constants only, but wait for the runtime."""

    def visit(self, name: str) -> None:
        """Fold one node if it can be; its operands have been seen."""
        held = self.graph.nodes[name]
        if held["domain"] == OURS:
            if held["op"] in (PARAM, CONST):
                array = self.graph.weights.get(name)
                self.known[Value(name)] = _Known(array, name if held["op"] == PARAM else "")
            return
        if held["regions"] or is_random(self.graph, name):
            return
        operands = self.graph.operands(name)
        if held["domain"] == "" and held["op"] in ("Shape", "Size"):
            self._measured(name, operands)
        elif operands or held["op"] in KERNELS:
            self._computed(name, operands)

    def _measured(self, name: str, operands: tuple[Value | None, ...]) -> None:
        held = self.graph.nodes[name]
        shape = self.graph.type_of(operands[0]).shape if operands and operands[0] else None
        if shape is None:
            return
        if held["op"] == "Shape":
            shape = shape[held["attributes"].get("start", 0) : held["attributes"].get("end")]
        if all(isinstance(dim, int) for dim in shape):
            found = np.array(shape, np.int64)
            self.known[Value(name)] = _Known(found if held["op"] == "Shape" else found.prod())

    def _computed(self, name: str, operands: tuple[Value | None, ...]) -> None:
        given = [value for value in operands if value is not None]
        if not all(value in self.known or value.node in self.pending for value in given):
            return
        held = self.graph.nodes[name]
        results = self._results(name, operands)
        if _grows(results, [self.graph.type_of(v) for v in given], self.stored):
            return
        waits = any(value.node in self.pending for value in given)
        arrays = [None if v is None or waits else self.known[v].array for v in operands]
        absent = not waits and any(a is None for a, v in zip(arrays, operands, strict=True) if v)
        source = self.known[given[0]].param if given and given[0] in self.known else ""
        view = source if held["op"] in _VIEWS and held["domain"] == "" else ""
        if absent:
            if view and all(self.known[value].array is not None for value in given[1:]):
                self._keep(name, [None] * len(held["results"]), view)
        elif waits or held["domain"] != "" or held["op"] not in KERNELS:
            if in_vocabulary(held["op"], held["domain"]):
                self.pending[name] = None
        else:
            self._evaluated(name, arrays, view)

    def _results(self, name: str, operands: tuple[Value | None, ...]) -> tuple[TensorType, ...]:
        """A node's result types, inferred again if they are unknown and its operands are not."""
        results: tuple[TensorType, ...] = self.graph.nodes[name]["results"]
        if all(held.is_static for held in results):
            return results
        known = [self.known.get(value) if value else None for value in operands]
        types = [
            None if v is None else _typed(self.graph.type_of(v), k)
            for v, k in zip(operands, known, strict=True)
        ]
        values = [None if k is None else k.array for k in known]
        return infer(self.graph.node(name), types, values, len(results))

    def _evaluated(self, name: str, arrays: list[np.ndarray | None], view: str) -> None:
        held = self.graph.nodes[name]
        made = evaluate(held["op"], held["attributes"], arrays, held["results"])
        if made is not None:
            self._keep(name, made, view)

    def _keep(self, name: str, arrays: list[Any], view: str = "") -> None:
        """Remember a node's results, if they are of the types that the graph says."""
        results = self.graph.nodes[name]["results"]
        arrays = [None if array is None else np.asarray(array) for array in arrays]
        if len(arrays) >= len(results) and all(
            array is None or _fits(held, array)
            for held, array in zip(results, arrays, strict=False)
        ):
            for index in range(len(results)):
                self.known[Value(name, index)] = _Known(arrays[index], view)

    def run_pending(self) -> None:
        """Evaluate all that waits in one run of the runtime; leave it if that cannot run it."""
        if not self.pending:
            return
        part = Graph(name="constants")
        renamed: dict[Value, Value] = {}
        for name in self.pending:
            operands = self.graph.operands(name)
            for value in operands:
                if value is not None and value not in renamed:
                    array = self.known[value].array
                    held = self.graph.type_of(value)
                    made = part.add(Node(CONST, OURS, results=(held,)), name=value.node)
                    renamed[value] = Value(made)
                    if array is not None:
                        part.weights[made] = array
            read = [None if value is None else renamed[value] for value in operands]
            made = part.add(self.graph.node(name), read, name)
            for index in range(len(self.graph.nodes[name]["results"])):
                renamed[Value(name, index)] = Value(made, index)
        wanted = [value for value in renamed if value.node in self.pending]
        part.add(Node("Output", OURS), [renamed[value] for value in wanted], "output")
        try:
            arrays = run(part)
        except GraphlensError:
            return
        by_value = dict(zip(wanted, arrays, strict=True))
        for name in self.pending:
            count = len(self.graph.nodes[name]["results"])
            self._keep(name, [by_value[Value(name, index)] for index in range(count)])

    def write(self) -> Graph:
        """The graph with the folded values that are still read as Params and Consts."""
        editor = Editor(self.graph)
        renames: list[tuple[str, str]] = []
        folded = {v.node for v in self.known if self.graph.nodes[v.node]["domain"] != OURS}
        for value, known in self.known.items():
            if value.node in folded and self._is_needed(value, folded):
                made = self._constant(editor, value, known)
                editor.replace(value, Value(made))
                renames.append((made, known.param or value.node))
        if renames:
            editor.sweep([name for name in self.graph if name in folded])
        for made, wanted in renames:
            if made != wanted and wanted not in editor.graph:
                editor.rename(made, wanted)
        return editor.finish()

    def _is_needed(self, value: Value, folded: set[str]) -> bool:
        return any(
            edge["result"] == value.result
            for reader, edges in self.graph.succ[value.node].items()
            if reader not in folded
            for edge in edges.values()
        )

    def _constant(self, editor: Editor, value: Value, known: _Known) -> str:
        held = self.graph.nodes[value.node]
        result = held["results"][value.result]
        if known.array is not None:
            result = TensorType(result.dtype, known.array.shape)
        node = Node(
            PARAM if known.param else CONST,
            OURS,
            results=(result,),
            scope=self.graph.nodes[known.param]["scope"] if known.param else held["scope"],
            source=held["source"],
            origins=self._origins(value.node),
        )
        made = editor.add(node, (), known.param or value.node, at=value.node)
        if known.array is not None:
            editor.set_weight(made, known.array)
        return made

    def _origins(self, name: str) -> tuple[str, ...]:
        """The origins of a folded node and of the folded nodes that it was made from."""
        seen = {name: None}
        waiting = [name]
        while waiting and len(seen) < _FAMILY:
            for producer in self.graph.pred[waiting.pop()]:
                if producer not in seen and Value(producer) in self.known:
                    seen[producer] = None
                    waiting.append(producer)
        nodes = self.graph.nodes
        return tuple(dict.fromkeys(o for n in reversed(seen) for o in nodes[n]["origins"]))


def _typed(held: TensorType, known: _Known | None) -> TensorType:
    return held if known is None or known.array is None else held.with_shape(known.array.shape)


def _grows(results: tuple[TensorType, ...], operands: list[TensorType], stored: int) -> bool:
    """Whether folding would store much more than it takes away, or nobody knows how much."""
    made = [held.nbytes for held in results]
    read = sum(held.nbytes or 0 for held in operands)
    if any(size is None for size in made):
        return any(held.shape is None or not held.is_static for held in results)
    total = sum(size for size in made if size is not None)
    return total > _LARGE and total > _GROWTH * min(read, stored)


def _fits(held: TensorType, array: np.ndarray) -> bool:
    known = [d for d in held.shape or () if isinstance(d, int)]
    return held.dtype == str(array.dtype) and (
        held.shape is None
        or (held.rank == array.ndim and (not held.is_static or list(array.shape) == known))
    )
