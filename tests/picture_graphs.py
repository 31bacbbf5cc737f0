"""Small graphs that the tests of pictures draw."""

import random

import numpy as np

from graphlens.ir import OURS, Graph, Node
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

F32 = "float32"


def typed(*shape):
    return TensorType(F32, shape)


def residual_net(blocks=3, channels=8, stages=1, name="net"):
    """A ResNet in small: a stem, stages of equal residual blocks, a head; scopes as torch's."""
    graph = Graph(name=name)
    make = Builder(graph)
    value = make.input("x", typed(1, 3, 16, 16))
    value = _unit(make, "stem", value, 3, channels)
    for stage in range(stages):
        wide = channels * 2**stage
        graph.scopes[f"stage{stage}"] = "Sequential"
        if stage:
            value = _unit(make, f"grow{stage}", value, wide // 2, wide)
        for block in range(blocks):
            path = f"stage{stage}.{block}"
            graph.scopes[path] = "Block"
            inner = _unit(make, f"{path}.a", value, wide, wide)
            inner = _unit(make, f"{path}.b", inner, wide, wide)
            make.scope = path
            value = make.op("Add", inner, value, name=f"{path}.add")
    make.scope = ""
    value = make.op("GlobalAveragePool", value, name="pool")
    make.output([value], ["y"])
    return graph


def _unit(make, scope, value, inner, outer):
    make.scope = scope
    weight = make.param(
        f"{scope}.weight", typed(outer, inner, 3, 3), np.zeros((outer, inner, 3, 3), F32)
    )
    value = make.op(
        "Conv", value, weight, kernel_shape=(3, 3), pads=(1, 1, 1, 1), name=f"{scope}.conv"
    )
    return make.op("Relu", value, name=f"{scope}.relu")


def flat_layers(layers=6):
    """A graph without scopes in which a pattern of two MatMuls and an Add repeats."""
    graph = Graph(name="flat")
    make = Builder(graph)
    value = make.input("x", typed(4, 8))
    for layer in range(layers):
        weight = make.param(f"w{layer}", typed(8, 8))
        inner = make.op("MatMul", value, weight, name=f"mm{layer}")
        inner = make.op("MatMul", inner, weight, name=f"nn{layer}")
        value = make.op("Add", inner, value, name=f"add{layer}")
    make.output([value])
    return graph


def fan(readers):
    """One value that many ops read."""
    graph = Graph(name="fan")
    make = Builder(graph)
    first, mask = make.input("x", typed(4, 8)), make.input("mask", typed(4, 8))
    shared = make.op("Exp", mask, name="shared.mask")
    value = first
    for index in range(readers):
        value = make.op("Add", value, shared, name=f"add{index}")
    make.output([value])
    return graph


def grouped():
    """`residual_net` of one block with Conv and Relu of the stem as one group."""
    graph = Graph(name="grouped")
    make = Builder(graph)
    value = make.input("x", typed(1, 3, 16, 16))
    weight = make.param("stem.weight", typed(8, 3, 3, 3))
    body = Graph(name="body")
    inside = Builder(body)
    a, w = inside.input("a", typed(1, 3, 16, 16)), inside.input("w", typed(8, 3, 3, 3))
    out = inside.op("Conv", a, w, kernel_shape=(3, 3), pads=(1, 1, 1, 1), name="stem.conv")
    inside.output([inside.op("Relu", out, name="stem.relu")])
    node = Node(
        "Region",
        OURS,
        {"kind": "Conv+Relu"},
        (typed(1, 8, 16, 16),),
        origins=("stem.conv", "stem.relu"),
        regions={"body": body},
    )
    name = graph.add(node, [value, weight], "stem.conv")
    make.output([make.op("GlobalAveragePool", type(value)(name), name="pool")], ["y"])
    return graph


def ungrouped():
    """What `grouped` was captured as."""
    graph = Graph(name="ungrouped")
    make = Builder(graph)
    value = make.input("x", typed(1, 3, 16, 16))
    weight = make.param("stem.weight", typed(8, 3, 3, 3))
    value = make.op("Conv", value, weight, kernel_shape=(3, 3), pads=(1, 1, 1, 1), name="stem.conv")
    value = make.op("Relu", value, name="stem.relu")
    value = make.op("Identity", value, name="drop")
    make.output([make.op("GlobalAveragePool", value, name="pool")], ["y"])
    return graph


def branches(count, steps=5):
    """Branches side by side, from one input to one Concat: ``count`` chains of ``steps`` ops."""
    graph = Graph(name="branches")
    make = Builder(graph)
    x = make.input("x", typed(4, 8))
    ends = []
    for branch in range(count):
        value = x
        for index in range(steps):
            weight = make.param(f"w{branch}.{index}", typed(8, 8))
            value = make.op("MatMul", value, weight, name=f"b{branch}.{index}")
        ends.append(value)
    joined = make.op("Concat", *ends, axis=0, results=[typed(4 * count, 8)], name="joined")
    make.output([joined])
    return graph


def joined_inputs(count):
    """One Concat of many inputs."""
    graph = Graph(name="joined inputs")
    make = Builder(graph)
    held = [make.input(f"x{index}", typed(4, 8)) for index in range(count)]
    joined = make.op("Concat", *held, axis=0, results=[typed(4 * count, 8)], name="joined")
    make.output([joined])
    return graph


def scattered(count, scoped=False, near=50):
    """``count`` random ops, each of some of the last ``near``, in irregular scopes or in none."""
    draw = random.Random(0)
    graph = Graph(name="scattered")
    make = Builder(graph)
    held = [make.input(f"x{index}", typed(4, 8)) for index in range(3)]
    path = []
    for index in range(count):
        if scoped and draw.random() < 0.08:
            path = (
                [*path, f"s{index}"]
                if not path or (len(path) < 6 and draw.random() < 0.5)
                else path[:-1]
            )
            make.scope = ".".join(path)
        op = draw.choice(("MatMul", "Relu", "Exp", "Tanh", "Neg", "Add", "Mul", "Sub"))
        reads = [draw.choice(held[-near:])]
        if op == "MatMul":
            reads.append(make.param(f"w{index}", typed(8, 8)))
        elif op in ("Add", "Mul", "Sub"):
            reads.append(draw.choice(held[-near:]))
        held.append(make.op(op, *reads, name=f"op{index}"))
    make.scope = ""
    make.output(held[-1:])
    return graph
