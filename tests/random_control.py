"""Small random graphs with If, Loop and Scan in them, for properties that hold of every graph."""

import random
from collections.abc import Sequence

import numpy as np
from random_graphs import step

from graphlens.ir import Graph, Value
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

_FLAG, _COUNT = TensorType("bool", ()), TensorType("int64", ())


def random_control(seed: int, size: int = 6, depth: int = 2) -> Graph:
    """A graph of about ``size`` steps, some of which have bodies, nested up to ``depth`` deep.

    Loops end by their count or by their condition or go round not once, carry values that are
    changed, swapped, left alone or computed afresh, and stack others; scans go forwards and
    backwards along either axis; branches return what they make, what they are given, or constants.
    """
    draw = random.Random(seed)
    graph = Graph(name=f"control{seed}")
    build = Builder(graph)
    held = [build.input(f"x{i}", _type(draw)) for i in range(draw.randint(1, 3))]
    for index in range(size):
        held += _step(build, draw, held, index, depth if index != 1 else max(depth, 1))
    returned = draw.sample(held, min(len(held), draw.randint(1, 3)))
    build.output(list(dict.fromkeys([held[-1], *returned])))
    return graph


def _type(draw: random.Random) -> TensorType:
    return TensorType("float32", (draw.choice([1, 2, 4]), draw.choice([4, 8])))


def _step(
    build: Builder, draw: random.Random, held: list[Value], index: int, depth: int
) -> list[Value]:
    kinds = [_if, _loop, _scan] if depth and (index == 1 or draw.random() < 0.3) else []
    kind = draw.choice(kinds) if kinds else None
    return kind(build, draw, held, depth) if kind else step(build, draw, held, index)


def _flag(build: Builder, draw: random.Random, held: list[Value]) -> Value:
    """A condition that depends on what a run brings."""
    total = build.op("ReduceSum", draw.choice(held[-4:]), keepdims=0)
    return build.op(draw.choice(["Greater", "Less"]), total, build.const(draw.uniform(-2, 2)))


def _if(build: Builder, draw: random.Random, held: list[Value], depth: int) -> list[Value]:
    outer = draw.sample(held, min(len(held), draw.randint(1, 3)))
    types = [build.type_of(draw.choice(held)) for _ in range(draw.randint(1, 2))]
    made = build.op(
        "If",
        _flag(build, draw, held),
        *outer,
        results=types,
        regions={
            key: _body(build, draw, [], outer, types, depth)
            for key in ("then_branch", "else_branch")
        },
    )
    return [Value(made.node, i) for i in range(len(types))]


def _loop(build: Builder, draw: random.Random, held: list[Value], depth: int) -> list[Value]:
    outer = draw.sample(held, min(len(held), draw.randint(0, 2)))
    start = [draw.choice(held) for _ in range(draw.randint(1, 3))]
    states = [build.type_of(value) for value in start]
    trips = draw.choice([0, 1, 2, 3])
    stacked = [build.type_of(draw.choice(held)) for _ in range(draw.randint(0, 1))]
    body = _body(build, draw, [_COUNT, _FLAG, *states], outer, [_FLAG, *states, *stacked], depth)
    ends = body.node(body.outputs[0].node).op in ("Greater", "Less")
    stacks = [TensorType(t.dtype, (trips, *t.shape)) for t in stacked]
    made = build.op(
        "Loop",
        build.const(trips),
        draw.choice([None, build.const(True), _flag(build, draw, held)]) if not stacks else None,
        *start,
        *outer,
        results=[*states, *([] if ends else stacks)],
        regions={"body": _trimmed(body, len(states)) if ends else body},
        captures=len(outer),
    )
    return [Value(made.node, i) for i in range(len(states))]


def _trimmed(body: Graph, states: int) -> Graph:
    """The body of a loop that may end early, without stacks, whose sizes would not be known."""
    returned = body.outputs[: 1 + states]
    body.remove_node(body.output)
    Builder(body).output(returned)
    return body


def _scan(build: Builder, draw: random.Random, held: list[Value], depth: int) -> list[Value]:
    outer = draw.sample(held, min(len(held), draw.randint(0, 2)))
    start = [draw.choice(held) for _ in range(draw.randint(0, 2))]
    states = [build.type_of(value) for value in start]
    over, axis = draw.choice(held), draw.choice([0, 1])
    shape = build.type_of(over).shape
    flat = build.const(np.array([1, shape[1 - axis]]), name="shape")
    row = TensorType("float32", (shape[1 - axis],))
    stacked = [build.type_of(draw.choice(held)) for _ in range(draw.randint(0 if states else 1, 2))]

    def widened(inner: Builder, given: Value) -> Value:
        return inner.op("Reshape", given, inner.const(build.graph.weights[flat.node], name="shape"))

    body = _body(build, draw, [*states, row], outer, [*states, *stacked], depth, widened)
    made = build.op(
        "Scan",
        *start,
        over,
        *outer,
        results=[*states, *(TensorType(t.dtype, (shape[axis], *t.shape)) for t in stacked)],
        regions={"body": body},
        captures=len(outer),
        num_scan_inputs=1,
        scan_input_axes=(axis,),
        scan_input_directions=(draw.choice([0, 1]),),
        scan_output_directions=tuple(draw.choice([0, 1]) for _ in stacked) or None,
    )
    return [Value(made.node, i) for i in range(len(states))]


def _body(
    build: Builder,
    draw: random.Random,
    formals: Sequence[TensorType],
    outer: Sequence[Value],
    wanted: Sequence[TensorType],
    depth: int,
    widened=None,
) -> Graph:
    """A body that takes ``formals`` and outer values and returns values of the types ``wanted``."""
    inner = Builder(Graph(name="body"))
    given = [inner.input(f"f{i}", held) for i, held in enumerate(formals)]
    given += [inner.input(f"c{i}", build.type_of(v)) for i, v in enumerate(outer)]
    held = [v for v in given if len(inner.type_of(v).shape) == 2]
    if widened:
        held.append(widened(inner, given[len(formals) - 1]))
    held = held or [inner.const(np.ones((2, 4), np.float32))]
    for index in range(draw.randint(1, 4)):
        held += _step(inner, draw, held, index + 2, depth - 1)
    inner.output([_returned(inner, draw, held, type_) for type_ in wanted])
    return inner.graph


def _returned(inner: Builder, draw: random.Random, held: list[Value], wanted: TensorType) -> Value:
    """A value of a type among those held: made, given, or reached by a broadcast."""
    if wanted == _FLAG:
        going = inner.const(True)
        return draw.choice([going, _flag(inner, draw, held)])
    fitting = [value for value in held if inner.type_of(value) == wanted]
    if not fitting:
        total = inner.op("ReduceMean", draw.choice(held), keepdims=1)
        one = inner.const(np.full(wanted.shape, 0.5, np.float32))
        return inner.op("Mul", one, total)
    if draw.random() < 0.3:
        return draw.choice(fitting)
    one, other = draw.choice(fitting), draw.choice(fitting)
    return inner.op("Tanh", inner.op(draw.choice(["Add", "Mul", "Sub"]), one, other))
