"""Building nodes with their types worked out: what front ends and rewrite rules write with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, INPUT, OURS, OUTPUT, PARAM, Attribute, Node, Source, Value
from graphlens.ops.infer import infer
from graphlens.ops.values import propagate
from graphlens.tensor import TensorType


class Target(Protocol):
    """What a Builder adds to: an `Editor`, or a Graph that is being made (`Making`)."""

    @property
    def graph(self) -> Graph:
        """The graph as it stands."""
        ...

    def add(self, node: Node, operands: Sequence[Value | None], name: str, at: str) -> str:
        """Add an operation just before the node ``at`` and return its name."""
        ...


class _Making:
    """A Graph under construction as a Target."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.add = graph.add


class Builder:
    """Adds nodes to a graph, working out result types that are not given.

    The public fields are the context that every node added from now on gets; a front end sets
    them as it goes.

    Attributes:
        at: The node of an `Editor`'s draft before which to add; ``''`` is the end.
        scope: Module path of what is added.
        source: Framework op and user's line of what is added.
        origins: Captured nodes that what is added stands for; ``()`` is the node itself.
        known: Values worked out on the way (shapes, and what is computed from them), so that a
            Reshape to them has a type; None where nobody asks for them.
    """

    def __init__(
        self, target: Graph | Target, *, at: str = "", origins: tuple[str, ...] = ()
    ) -> None:
        """A builder that adds to ``target``."""
        self._target: Target = _Making(target) if isinstance(target, Graph) else target
        self.at = at
        self.scope = ""
        self.source = Source()
        self.origins = origins
        self.known: dict[Value, np.ndarray] | None = None
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Value] = {}

    @property
    def graph(self) -> Graph:
        """The graph as built so far."""
        return self._target.graph

    def input(self, name: str, held: TensorType) -> Value:
        """A value that the graph is given when it runs."""
        return self._structural(INPUT, name, held)

    def param(self, name: str, held: TensorType, array: np.ndarray | None = None) -> Value:
        """A trained weight; ``array`` is shared, not copied, and None where it is not known."""
        value = self._structural(PARAM, name, held)
        if array is not None:
            self.graph.weights[value.node] = array
        return value

    def const(self, content: Any, dtype: str | None = None, name: str = "const") -> Value:
        """A literal of the program; small equal ones are the same node.

        Args:
            content: Anything that ``numpy.asarray`` takes; Python ints become int64 and floats
                float32 unless ``dtype`` says otherwise.
            dtype: The wanted dtype name.
            name: The wanted name.
        """
        array = np.asarray(content)
        if dtype is None and not isinstance(content, np.ndarray | np.generic):
            dtype = {"f": "float32", "i": "int64"}.get(array.dtype.kind)
        if dtype is not None:
            array = array.astype(dtype, copy=False)
        key = (str(array.dtype), array.shape, array.tobytes() if array.nbytes <= 64 else b"")
        if key[2] and key in self._constants and self._constants[key].node in self.graph:
            return self._constants[key]
        value = self._structural(CONST, name, TensorType(str(array.dtype), array.shape))
        self.graph.weights[value.node] = array
        if key[2]:
            self._constants[key] = value
        return value

    def op(
        self,
        op: str,
        *operands: Value | None,
        results: Sequence[TensorType] | int = 1,
        domain: str = "",
        name: str = "",
        regions: Mapping[str, Graph] | None = None,
        **attributes: Attribute,
    ) -> Value:
        """Add an operation and return its first result; result i is ``Value(it.node, i)``.

        Args:
            op: Its name in ``domain``.
            operands: What it reads, None for an optional operand not given.
            results: The types of its results, or how many to infer.
            domain: ``''`` is ONNX's.
            name: The wanted name.
            regions: Its bodies.
            attributes: Plain values, lists as tuples; None is left out.
        """
        node = Node(
            op=op,
            domain=domain,
            attributes={key: value for key, value in attributes.items() if value is not None},
            scope=self.scope,
            source=self.source,
            origins=self.origins,
            regions=dict(regions or {}),
        )
        held = self._infer(node, operands, results) if isinstance(results, int) else tuple(results)
        made = Value(self._add(node, held, operands, name))
        if self.known is not None:
            types = [None if value is None else self.type_of(value) for value in operands]
            values = [self.value_of(value) for value in operands]
            for index, found in enumerate(propagate(node, types, values)):
                if found is not None:
                    self.known[Value(made.node, index)] = found
        return made

    def output(self, values: Sequence[Value], names: Sequence[str] = ()) -> None:
        """End the graph: what it returns, in order, with the outputs' names where they have any."""
        attributes: dict[str, Attribute] = {"names": tuple(names)} if names else {}
        self._add(Node(OUTPUT, OURS, attributes), (), values, "output")

    def type_of(self, value: Value) -> TensorType:
        """The type of a value of the graph."""
        return self.graph.type_of(value)

    def value_of(self, value: Value | None) -> np.ndarray | None:
        """A value where it is known, symbols among its elements perhaps; else None."""
        found = self.graph.value_of(value)
        return self.known.get(value) if found is None and self.known and value else found

    def _infer(
        self, node: Node, operands: Sequence[Value | None], count: int
    ) -> tuple[TensorType, ...]:
        types = [None if value is None else self.graph.type_of(value) for value in operands]
        return infer(node, types, [self.value_of(value) for value in operands], count)

    def _structural(self, op: str, name: str, held: TensorType) -> Value:
        return Value(self._add(Node(op, OURS, scope=self.scope), (held,), (), name))

    def _add(
        self,
        node: Node,
        results: tuple[TensorType, ...],
        operands: Sequence[Value | None],
        name: str,
    ) -> str:
        node = Node(
            node.op,
            node.domain,
            node.attributes,
            results,
            node.scope,
            node.source,
            node.origins or self.origins,
            node.regions,
        )
        return self._target.add(node, operands, name, self.at)
