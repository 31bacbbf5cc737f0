"""Lowering: every node of a Graph, and of the regions inside it, as ONNX nodes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper

from graphlens.errors import GraphError
from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, INPUT, OURS, OUTPUT, PARAM, REGION, Node, Value
from graphlens.ops.facts import facts
from graphlens.ops.infer import channels_first, channels_last_order
from graphlens.ops.node_proto import node_proto
from graphlens.ops.proto import is_known, tensor_proto
from graphlens.ops.schema import OPSET, is_foreign, opset_of
from graphlens.runtime.entries import declare, identity, may_stay_outside, put, transpose
from graphlens.runtime.origin import METADATA, node_metadata
from graphlens.runtime.rounding import is_in_parts, may_round, sum_in_parts
from graphlens.tensor import UNKNOWN, TensorType

HELD_OUTSIDE = 1024
"""Bytes from which a weight may stay outside of the protobuf."""


@dataclass(frozen=True)
class Lowered:
    """A Graph as an ONNX model, and how the two belong together.

    Attributes:
        model: The model.
        names: ONNX's name of every value of the graph itself (not of its regions).
        outside: Weights that are not in the model but inputs of it, after the graph's own, by
            name: to be fed without a copy, or written where they belong.
        nodes: Our nodes of foreign ops and of those with bodies, by the name of their first
            result: ONNX cannot say the first whole, nor the types of the second.
        rounded: First results of the nodes that ONNX Runtime may round (`rounding.may_round`).
    """

    model: onnx.ModelProto
    names: dict[Value, str] = field(default_factory=dict)
    outside: dict[str, np.ndarray] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    rounded: frozenset[str] = frozenset()


def lower(
    graph: Graph, *, keep: Iterable[Value] = (), outside: bool = False, typed: bool = True
) -> Lowered:
    """The graph as an ONNX model and the names of its values.

    Args:
        graph: What to lower.
        keep: Values to return after the graph's own outputs.
        outside: Leave weights of `HELD_OUTSIDE` bytes and more out of the protobuf.
        typed: Also write the types of all values.
    """
    lowering = _Lowering(outside, typed)
    return lowering.finish(graph, list(keep))


class _Lowering:
    """One lowering: the names taken so far, domains met and weights left outside."""

    def __init__(self, outside: bool, typed: bool) -> None:
        self._leave = outside
        self._typed = typed
        self._taken: dict[str, int] = {}
        self._domains = {"": OPSET}
        self._outside: dict[str, np.ndarray] = {}
        self._nodes: dict[str, Node] = {}
        self._rounded: set[str] = set()
        self._main = onnx.GraphProto()

    def finish(self, graph: Graph, keep: list[Value]) -> Lowered:
        main = self._main
        main.name = graph.name or "graph"
        names: dict[Value, str] = {}
        for name in graph.inputs:
            names[Value(name)] = self._fresh(name)
            declare(main.input, names[Value(name)], graph.type_of(Value(name)))
        wanted = self._wanted(graph, names)
        self.fill(graph, main, names)
        self._outputs(graph, main, names, wanted, keep)
        model = onnx.ModelProto(producer_name="graphlens", graph=main)
        domains = sorted(self._domains.items())
        model.opset_import.extend(helper.make_opsetid(*entry) for entry in domains)
        model.ir_version = helper.find_min_ir_version_for(
            [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx.ml")]
        )
        about = {key: value for key, value in graph.graph.items() if _is_plain(value)}
        if about:
            put(model.metadata_props, METADATA, json.dumps(about))
        return Lowered(model, names, self._outside, self._nodes, frozenset(self._rounded))

    def fill(self, graph: Graph, sink: onnx.GraphProto, names: dict[Value, str]) -> None:
        """Write a graph's nodes into ``sink``; ``names`` has its Inputs, and gets all values."""
        for name in graph.in_order():
            node = graph.node(name)
            if node.domain != OURS:
                self._operation(graph, name, node, sink, names)
            elif node.op in (PARAM, CONST):
                self._constant(graph, name, node, sink, names)
            elif node.op == REGION:
                self._region(graph, name, node, sink, names)
            elif node.op not in (INPUT, OUTPUT):
                raise GraphError(f"{name}: {node.qualified} has no ONNX form")

    # -- nodes ------------------------------------------------------------------------------

    def _constant(
        self, graph: Graph, name: str, node: Node, sink: onnx.GraphProto, names: dict[Value, str]
    ) -> None:
        title = self._result(Value(name), names)
        array = graph.weights.get(name)
        held = node.results[0]
        if array is None:
            declare(self._main.input, title, held)
            return
        if self._leave and array.nbytes >= HELD_OUTSIDE and may_stay_outside(array):
            self._outside[title] = array
            entry = declare(self._main.input, title, TensorType(str(array.dtype), array.shape))
        else:
            entry = tensor_proto(array, title)
            sink.initializer.append(entry)
            entry = sink.initializer[-1]
        for key, value in node_metadata(name, node).items():
            put(entry.metadata_props, key, value)

    def _operation(
        self, graph: Graph, name: str, node: Node, sink: onnx.GraphProto, names: dict[Value, str]
    ) -> None:
        version = opset_of(node.op, node.domain)
        self._domains[node.domain] = max(version, self._domains.get(node.domain, 1))
        operands = ["" if value is None else names[value] for value in graph.operands(name)]
        results = [self._result(Value(name, i), names) for i in range(len(node.results))]
        made = list(results)
        after: list[onnx.NodeProto] = []
        foreign = is_foreign(node.op, node.domain)
        if node.attributes.get("data_format") == "NHWC" and not foreign:
            if not facts(node.op, node.domain).layout[0]:
                raise GraphError(f"{name}: {node.op} has no NHWC form")
            for index in facts(node.op, node.domain).layout[0]:
                held = graph.type_of(_given(graph, name, index))
                order = channels_first(_rank(name, held.rank))
                operands[index] = self._transposed(operands[index], name, order, sink)
            for index in facts(node.op, node.domain).layout[1]:
                order = channels_last_order(_rank(name, node.results[index].rank))
                made[index] = self._fresh(f"{name}.nchw")
                after.append(transpose(f"{made[index]}.back", made[index], results[index], order))
        proto = node_proto(node, name, operands, made)
        if results and (node.regions or foreign):
            self._nodes[results[0]] = node
        if may_round(graph, name):
            self._rounded.add(made[0])
        if node.regions:
            self._bodies(node, proto)
        for key, value in node_metadata(name, node).items():
            put(proto.metadata_props, key, value)
        exact = not self._typed and is_in_parts(graph, name)  # it is to be run, not written
        parts = sum_in_parts(proto, node.results[0].dtype, self._fresh) if exact else [proto]
        sink.node.extend([*parts, *after])
        self._write_types(node, results, sink)

    def _transposed(
        self, operand: str, name: str, order: tuple[int, ...], sink: onnx.GraphProto
    ) -> str:
        moved = self._fresh(f"{name}.nhwc")
        sink.node.append(transpose(moved, operand, moved, order))
        return moved

    def _region(
        self, graph: Graph, name: str, node: Node, sink: onnx.GraphProto, names: dict[Value, str]
    ) -> None:
        """Inline a fused group: its nodes stand where it stood."""
        body = node.regions["body"]
        operands = [value for value in graph.operands(name) if value is not None]
        inner = {Value(formal): names[v] for formal, v in zip(body.inputs, operands, strict=True)}
        for index, value in enumerate(body.outputs):
            given = inner.get(value)
            if given is not None or body.op(value.node) in _STORED:
                continue
            inner[value] = self._result(Value(name, index), names)
        self.fill(body, sink, inner)
        for index, value in enumerate(body.outputs):
            outer = Value(name, index)
            if outer not in names:
                names[outer] = inner[value]
            elif names[outer] != inner[value]:
                sink.node.append(identity(inner[value], names[outer]))

    def _bodies(self, node: Node, proto: onnx.NodeProto) -> None:
        """Write If / Loop / Scan bodies, which in ONNX read outer values by their names."""
        count = captures(node, len(proto.input))
        outer = list(proto.input)[len(proto.input) - count :]
        del proto.input[len(proto.input) - count :]
        for key, body in node.regions.items():
            sink = onnx.GraphProto(name=body.name or key)
            names: dict[Value, str] = {}
            formals = len(body.inputs) - count
            for index, formal in enumerate(body.inputs):
                if index >= formals:
                    names[Value(formal)] = outer[index - formals]
                    continue
                names[Value(formal)] = self._fresh(formal)
                declare(sink.input, names[Value(formal)], body.type_of(Value(formal)))
            self.fill(body, sink, names)
            self._outputs(body, sink, names, {}, [])
            if node.op == "Scan":  # ONNX Runtime makes room for what is stacked by these shapes
                titles = [entry.name for entry in sink.output]
                del sink.output[:]
                for title, value in zip(titles, body.outputs, strict=True):
                    declare(sink.output, title, body.type_of(value))
            proto.attribute.append(helper.make_attribute(key, sink))

    # -- names and types --------------------------------------------------------------------

    def _wanted(self, graph: Graph, names: dict[Value, str]) -> dict[int, str]:
        """Output names as the graph asks for them; a computed value takes its name at once."""
        asked = graph.nodes[graph.output]["attributes"].get("names", ())
        wanted: dict[int, str] = {}
        for index, (value, name) in enumerate(zip(graph.outputs, asked, strict=False)):
            if name in self._taken or (name in graph and name != value.node):
                continue
            wanted[index] = name
            if value not in names and graph.op(value.node) not in _STORED:
                names[value] = self._fresh(name)
        return wanted

    def _outputs(
        self,
        graph: Graph,
        sink: onnx.GraphProto,
        names: dict[Value, str],
        wanted: Mapping[int, str],
        keep: list[Value],
    ) -> None:
        used = {entry.name for entry in sink.input} | {entry.name for entry in sink.initializer}
        made = {title for node in sink.node for title in node.output}
        for index, value in enumerate([*graph.outputs, *keep]):
            title = names[value]
            if title in used or title not in made:
                hint = wanted.get(index, f"{title}.out")
                source, title = title, self._fresh(hint)
                sink.node.append(identity(source, title))
            used.add(title)
            declare(sink.output, title, graph.type_of(value) if self._typed else UNKNOWN)

    def _result(self, value: Value, names: dict[Value, str]) -> str:
        """The name of a value that is made now, unless an output's name was given to it before."""
        if value not in names:
            hint = f"{value.node}:{value.result}" if value.result else value.node
            names[value] = self._fresh(hint)
        return names[value]

    def _fresh(self, hint: str) -> str:
        title, number = hint, self._taken.get(hint, 0)
        while title in self._taken:
            number += 1
            title = f"{hint}#{number}"
        self._taken[hint] = number
        self._taken.setdefault(title, 0)
        return title

    def _write_types(self, node: Node, results: list[str], sink: onnx.GraphProto) -> None:
        if not self._typed:
            return
        for title, held in zip(results, node.results, strict=True):
            if is_known(held):
                declare(sink.value_info, title, held)


_STORED = frozenset(f"{OURS}.{op}" for op in (INPUT, PARAM, CONST))


def captures(node: Node, operands: int) -> int:
    """How many of a node's last operands are outer values that its regions read."""
    count = node.attributes.get("captures", operands - 1 if node.op == "If" else 0)
    return count if isinstance(count, int) else 0


def _given(graph: Graph, name: str, index: int) -> Value:
    value = graph.operands(name)[index]
    if value is None:
        raise GraphError(f"{name}: operand {index} is missing")
    return value


def _rank(name: str, rank: int | None) -> int:
    if rank is None:
        raise GraphError(f"{name}: an NHWC operation of unknown rank cannot be lowered")
    return rank


def _is_plain(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
