"""Random draws as inputs: two graphs are compared on the same ones.

A node that draws numbers of its own accord (a RandomNormal, a Dropout that trains) is replaced by
an input of what it draws; two graphs that draw the same are then functions that can be run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphlens.ir import Editor, Graph, Node, Value
from graphlens.ir.node import INPUT, OURS
from graphlens.ops.build import Builder
from graphlens.ops.facts import is_random
from graphlens.tensor import TensorType


@dataclass(frozen=True, slots=True)
class Draw:
    """What a node draws.

    Attributes:
        op: How: ``'RandomNormal'``, ``'RandomUniform'``, ``'Dropout'``.
        type: Dtype and sizes of what is drawn.
        first: The mean, the lower end, or the ratio of what is dropped.
        second: The standard deviation, the upper end; of a Dropout 0.
    """

    op: str
    type: TensorType
    first: float
    second: float

    def example(self, numbers: np.random.Generator) -> np.ndarray:
        """Numbers as the node may draw them; of a Dropout, the factor of each element."""
        shape: Any = self.type.shape
        if self.op == "RandomNormal":
            made = numbers.normal(self.first, self.second, shape)
        elif self.op == "RandomUniform":
            made = numbers.uniform(self.first, self.second, shape)
        else:
            made = (numbers.random(shape) >= self.first) / (1 - self.first)
        return made.astype(self.type.dtype)


def draws(graph: Graph) -> dict[str, Draw]:
    """What each node of the graph draws, of those that `without` can take out."""
    found = {name: _draw(graph, name) for name in graph if is_random(graph, name)}
    return {name: draw for name, draw in found.items() if draw is not None}


def examples(drawn: Mapping[str, Draw], seed: int) -> list[np.ndarray]:
    """Numbers for each draw, in the order of `without`'s inputs."""
    return [
        draw.example(np.random.default_rng((seed, index)))
        for index, draw in enumerate(drawn.values())
    ]


def without(graph: Graph, drawn: Mapping[str, Draw]) -> Graph:
    """The graph with an Input more, after its own, for each of these draws.

    One that the graph does not make is an Input that nobody reads, and one that it makes
    otherwise stays as it is.
    """
    editor = Editor(graph)
    for name, draw in drawn.items():
        new = editor.add(Node(INPUT, OURS, {}, (draw.type,)), (), f"draw.{name}", at=graph.output)
        if name in graph and is_random(graph, name) and _draw(graph, name) == draw:
            _replace(editor, name, draw, Value(new))
    return editor.finish()


def _replace(editor: Editor, name: str, draw: Draw, drawn: Value) -> None:
    if draw.op != "Dropout":
        editor.replace(Value(name), drawn)
    else:
        graph, build = editor.graph, Builder(editor, at=name)
        held = editor.graph.nodes[name]["results"]
        scaled = build.op("Mul", graph.operands(name)[0], drawn, results=[held[0]])
        editor.replace(Value(name), scaled)
        if len(held) > 1:
            zero = build.const(np.zeros((), held[0].dtype))
            editor.replace(Value(name, 1), build.op("Greater", drawn, zero, results=[held[1]]))
    editor.sweep([name])


def _draw(graph: Graph, name: str) -> Draw | None:
    """What a node draws; None of one that draws by what it reads, or so much as data say."""
    held = graph.nodes[name]
    type: TensorType = held["results"][0]
    find = None if held["domain"] else _FOUND.get(held["op"])
    if find is None or not type.is_static or not type.is_floating:
        return None
    ends = find(graph, name)
    return None if ends is None else Draw(held["op"], type, *ends)


def _ends(*names: str, otherwise: Sequence[float]) -> Callable[[Graph, str], Any]:
    def found(graph: Graph, name: str) -> tuple[float, ...]:
        held = graph.nodes[name]["attributes"]
        pairs = zip(names, otherwise, strict=True)
        return tuple(float(held.get(key, default)) for key, default in pairs)

    return found


def _ratio(graph: Graph, name: str) -> tuple[float, float] | None:
    """How much a Dropout drops, where that is known and not all."""
    operand = graph.operands(name)[1]
    array = None if operand is None else graph.value_of(operand)
    if operand is not None and array is None:
        return None
    ratio = 0.5 if array is None else float(array.item())
    return (ratio, 0.0) if ratio < 1 else None


_FOUND: Mapping[str, Callable[[Graph, str], Any]] = {
    "RandomNormal": _ends("mean", "scale", otherwise=(0.0, 1.0)),
    "RandomUniform": _ends("low", "high", otherwise=(0.0, 1.0)),
    "Dropout": _ratio,
}
