"""A model with ops of a framework in it, run in stretches: ONNX Runtime takes what lies between.

The nodes are put into levels by how many foreign ones lie before them; all ONNX nodes of a level
are one model. An If, Loop or Scan with a foreign op inside runs its body in the same way. So do the
few ONNX ops whose newest version ONNX Runtime lacks: they would make it refuse the whole model; and
those on integers that it rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import onnx

from graphlens.ir.node import Node
from graphlens.ops.proto import array_of, free_names, reads
from graphlens.ops.schema import is_foreign
from graphlens.runtime.control import run_control
from graphlens.runtime.feeds import type_of_feed
from graphlens.runtime.foreign import run as run_foreign
from graphlens.runtime.lowering import Lowered
from graphlens.runtime.stepwise import step
from graphlens.runtime.whole import Whole

_ALONE = frozenset({"GlobalLpPool", "MaxRoiPool", "Multinomial", "RoiAlign"})
"""ONNX ops for whose version of `OPSET` ONNX Runtime has no kernel (`widen.older` has)."""


def is_cut(lowered: Lowered) -> bool:
    """Whether a model has to be run in stretches."""
    context = _Context(lowered, "")
    return any(map(context.is_cut, lowered.model.graph.node))


class Segments:
    """A lowered graph with foreign ops, made ready to run many times."""

    def __init__(self, lowered: Lowered, capture: str) -> None:
        """The graph, and what it was captured by (``'torch.fx'``)."""
        self._outside = lowered.outside
        self._plan = _Plan(lowered.model.graph, _Context(lowered, capture))

    def __call__(self, feeds: Mapping[str, Any]) -> list[Any]:
        """The outputs on the inputs given by name.

        Raises:
            RunError: If the run fails; the message names the node.
        """
        return self._plan({**feeds, **self._outside})


@dataclass(frozen=True)
class _Context:
    """What all parts of one model share."""

    lowered: Lowered
    capture: str

    def model(self) -> onnx.ModelProto:
        """An empty model of the same opsets."""
        whole = self.lowered.model
        made = onnx.ModelProto(ir_version=whole.ir_version, opset_import=whole.opset_import)
        made.graph.name = "part"
        return made

    def is_cut(self, node: onnx.NodeProto) -> bool:
        """Whether the node, or one in its bodies, is a framework's or stands alone."""
        if self.is_alone(node):
            return True
        own = self.node(node)
        if own is not None and is_foreign(own.op, own.domain):
            return True
        bodies = [e.g for e in node.attribute if e.type == onnx.AttributeProto.GRAPH]
        return any(self.is_cut(inner) for body in bodies for inner in body.node)

    def is_alone(self, node: onnx.NodeProto) -> bool:
        """Whether an ONNX op is run by itself."""
        rounded = bool(node.output) and node.output[0] in self.lowered.rounded
        return rounded or (node.op_type in _ALONE and not node.domain)

    def node(self, node: onnx.NodeProto) -> Node | None:
        """Our node behind one that ONNX cannot say whole."""
        return self.lowered.nodes.get(node.output[0]) if node.output else None


class _Plan:
    """One graph or body as a list of steps, each with the values that nobody reads after it."""

    def __init__(self, graph: onnx.GraphProto, context: _Context) -> None:
        self.inputs = [entry.name for entry in graph.input]
        self._outputs = [entry.name for entry in graph.output]
        self._stored = {tensor.name: array_of(tensor) for tensor in graph.initializer}
        self._steps = _steps(graph, context)
        last = {name: i for i, step in enumerate(self._steps) for name in step.reads}
        kept = {*self._outputs}
        self._dying: list[list[str]] = [[] for _ in self._steps]
        for name, index in last.items():
            if name not in kept:
                self._dying[index].append(name)

    def __call__(self, given: Mapping[str, Any]) -> list[Any]:
        """The outputs; ``given`` holds the inputs and the outer values that are read."""
        held = {**given, **self._stored}
        for part, dying in zip(self._steps, self._dying, strict=True):
            held.update(part(held))
            for name in dying:
                held.pop(name, None)
        return [held[name] for name in self._outputs]


def _steps(graph: onnx.GraphProto, context: _Context) -> list[_Stretch | _Foreign]:
    level: dict[str, int] = {}
    plain: dict[int, list[onnx.NodeProto]] = {}
    foreign: dict[int, list[onnx.NodeProto]] = {}
    for node in graph.node:
        own = max((level.get(name, 0) for name in reads(node)), default=0)
        outer = context.is_cut(node)
        (foreign if outer else plain).setdefault(own, []).append(node)
        level.update(dict.fromkeys(node.output, own + outer))
    outputs = {entry.name for entry in graph.output}
    steps: list[_Stretch | _Foreign] = []
    for own in sorted({*plain, *foreign}):
        if own in plain:
            steps.append(_Stretch(plain[own], _read_elsewhere(graph, plain[own], outputs), context))
        steps += [_Foreign(node, context) for node in foreign.get(own, ())]
    return steps


def _read_elsewhere(
    graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto], outputs: set[str]
) -> set[str]:
    own = {id(node) for node in nodes}
    return outputs.union(*(reads(node) for node in graph.node if id(node) not in own))


@dataclass
class _Stretch:
    """ONNX nodes that are run as one model, which is made for the types that come in."""

    nodes: list[onnx.NodeProto]
    wanted: set[str]
    context: _Context
    reads: list[str] = field(init=False)
    writes: list[str] = field(init=False)
    made: dict[tuple[bytes, ...], Whole] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inner = [name for node in self.nodes for name in node.output if name]
        own = {*inner}
        read = dict.fromkeys(name for node in self.nodes for name in reads(node))
        self.reads = [name for name in read if name not in own]
        self.writes = [name for name in inner if name in self.wanted]

    def __call__(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """The values that are read elsewhere, by name."""
        outside = {n: a for n, a in self.context.lowered.outside.items() if n in self.reads}
        feeds = {name: held[name] for name in self.reads}
        types = [type_of_feed(value) for value in feeds.values()]
        key = tuple(held.SerializeToString() for held in types)
        if key not in self.made:
            model = self.context.model()
            model.graph.node.extend(self.nodes)
            model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self.writes)
            for name, held_type in zip(feeds, types, strict=True):
                model.graph.input.add(name=name).type.CopyFrom(held_type)
            self.made[key] = Whole(model, outside)
        varying = {name: value for name, value in feeds.items() if name not in outside}
        return dict(zip(self.writes, self.made[key](varying), strict=True))


class _Foreign:
    """A framework's op, one that stands alone, or an If, Loop or Scan with one inside."""

    def __init__(self, node: onnx.NodeProto, context: _Context) -> None:
        self.reads = reads(node)
        self._proto = node
        self._context = context
        self._node = context.node(node)
        self._bodies = {
            entry.name: (_Plan(entry.g, context), list(free_names(entry.g)))
            for entry in node.attribute
            if entry.type == onnx.AttributeProto.GRAPH
        }

    def __call__(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Its results by name."""
        proto, node = self._proto, self._node
        if self._context.is_alone(proto):
            return step(self._context.model(), proto, held)
        if node is None:  # it makes nothing
            return {}
        operands = [held[name] if name else None for name in proto.input]
        if self._bodies:
            bodies = {
                key: partial(_run_body, plan, {name: held[name] for name in outer})
                for key, (plan, outer) in self._bodies.items()
            }
            made = run_control(proto, operands, bodies, node.results)
        else:
            made = run_foreign(node, operands, proto.name, self._context.capture)
        return {name: result for name, result in zip(proto.output, made, strict=False) if name}


def _run_body(plan: _Plan, outer: Mapping[str, Any], formals: Sequence[Any]) -> list[Any]:
    given = dict(zip(plan.inputs, formals, strict=True))
    return plan({**outer, **{name: _owned(value) for name, value in given.items()}})


def _owned(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, np.generic) else value
