"""Small random graphs that run, for properties that must hold of every graph."""

import random

import numpy as np

from graphlens.ir import Graph, Node, Value
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

_UNARY = ("Relu", "Sigmoid", "Neg", "Abs", "Tanh")
_BINARY = ("Add", "Mul", "Sub", "Max")


def random_graph(seed: int, size: int = 12) -> Graph:
    """A graph of about ``size`` ops: elementwise with and without broadcast, views, splits,
    concatenations, matmuls with weights, results read twice, never, or returned."""
    draw = random.Random(seed)
    graph = Graph(name=f"random{seed}")
    build = Builder(graph)
    held = [
        build.input(f"x{i}", TensorType("float32", (draw.choice([1, 2, 4]), draw.choice([4, 8]))))
        for i in range(draw.randint(1, 3))
    ]
    for index in range(size):
        held += step(build, draw, held, index)
    returned = draw.sample(held, min(len(held), draw.randint(1, 3)))
    build.output(list(dict.fromkeys([held[-1], *returned])))
    return graph


def step(build: Builder, draw: random.Random, held: list[Value], index: int) -> list[Value]:
    """One more op that reads some of ``held``, all of rank 2; its results."""
    one = draw.choice(held[-6:])
    rows, columns = build.type_of(one).shape
    match draw.randrange(8):
        case 0 | 1:
            return [build.op(draw.choice(_UNARY), one)]
        case 2 | 3:
            fitting = [v for v in held if _broadcasts(build.type_of(v).shape, (rows, columns))]
            return [build.op(draw.choice(_BINARY), one, draw.choice(fitting))]
        case 4:
            shape = build.const(np.array([columns, rows]), name="shape")
            return [build.op("Reshape", one, shape)]
        case 5 if columns % 2 == 0:
            parts = build.op("Split", one, results=2, axis=1, num_outputs=2)
            return [parts, Value(parts.node, 1)]
        case 6 if columns < 64:
            return [build.op("Concat", one, draw.choice([one, one]), axis=1)]
        case _:
            width = draw.choice([4, 8])
            values = np.random.default_rng(index).normal(size=(columns, width)) / columns
            weight = build.param(
                f"w{index}", TensorType("float32", (columns, width)), values.astype(np.float32)
            )
            return [build.op("MatMul", one, weight)]


def _broadcasts(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(a == b or 1 in (a, b) for a, b in zip(one, other, strict=True))


def renamed(graph: Graph, prefix: str = "other.") -> Graph:
    """The same graph under other names, built in another order of insertion where that can be."""
    twin = Graph(name=graph.name)
    names = {name: f"{prefix}{name}" for name in graph}
    order = [*graph.inputs, *(n for n in reversed(list(graph)) if n not in graph.inputs)]
    for name in order:
        node = graph.node(name)
        twin.add(
            Node(node.op, node.domain, node.attributes, node.results, regions=node.regions),
            name=names[name],
        )
        if name in graph.weights:
            twin.weights[names[name]] = graph.weights[name]
    for name in order:
        for index, value in enumerate(graph.operands(name)):
            if value is not None:
                twin.connect(Value(names[value.node], value.result), names[name], index)
    return twin


def chain(length: int) -> Graph:
    """``length`` Relus in a row."""
    held = TensorType("float32", (1, 16))
    graph = Graph(name="chain")
    last = graph.add(Node("Input", "graphlens", results=(held,)), name="x")
    for index in range(length):
        last = graph.add(Node("Relu", results=(held,)), [Value(last)], f"r{index}")
    graph.add(Node("Output", "graphlens"), [Value(last)], "output")
    return graph
