"""Lifetimes step by step, against a simulation of the run."""

import pytest
from random_graphs import random_graph

from graphlens.analysis.dataflow import dataflow
from graphlens.analysis.lifetimes import Lifetime, lifetimes, live_bytes
from graphlens.ir import Graph, Value, parse

TEXT = """
def f(x: float32[4]):
    a: float32[4] = Relu(x)
    b: float32[4] = Sigmoid(x)
    c: float32[4] = Add(a, b)
    return c, a
"""


def test_each_lives_from_its_making_to_its_last_reading_and_what_is_returned_to_the_end():
    held = lifetimes(parse(TEXT))
    assert held.order == ("a", "b", "c")
    assert held.tensors == {
        Value("x"): Lifetime(0, 1, 16),
        Value("a"): Lifetime(0, 2, 16),
        Value("b"): Lifetime(1, 2, 16),
        Value("c"): Lifetime(2, 2, 16),
    }
    assert held.inplace == {Value("c"): Value("b")}
    assert live_bytes(held.tensors, 3) == [32, 48, 48]


def test_tensors_written_over_one_another_are_one_piece_of_memory():
    buffers = lifetimes(parse(TEXT)).buffers()
    assert buffers[Value("b")] == Lifetime(1, 2, 16)
    assert Value("c") not in buffers
    assert live_bytes(buffers, 3) == [32, 48, 32]


def test_another_order_gives_other_lifetimes():
    held = lifetimes(parse(TEXT), ["x", "b", "a", "c", "output"])
    assert held.order == ("b", "a", "c")
    assert held.tensors[Value("b")] == Lifetime(0, 2, 16)


def test_a_result_that_nobody_reads_lives_for_its_own_step():
    graph = parse("""
def f(x: float32[4]):
    s: (float32[2], float32[2]) = Split(x, num_outputs=2)
    y: float32[2] = Relu(s @ 0)
    z: float32[2] = Neg(y)
    return z
""")
    assert lifetimes(graph).tensors[Value("s", 1)] == Lifetime(0, 0, 8)


def needed(graph: Graph) -> dict[Value, set[int]]:
    """The steps at which each tensor is needed, by asking at each step who still reads it."""
    flow = dataflow(graph)
    order = [name for name in graph.in_order() if not graph.node(name).is_structural]
    step = {name: index for index, name in enumerate(order)}
    found: dict[Value, set[int]] = {}
    for name in (*graph.inputs, *order):
        for index in range(len(graph.node(name).results)):
            value = Value(name, index)
            if value in flow.root or name in flow.constant:
                continue
            shown = {value} | {view for view, root in flow.root.items() if root == value}
            readers = [u.node for one in shown for u in graph.users(one)]
            kernels = [r for r in readers if r in step and Value(r) not in flow.root]
            last = max([step.get(name, 0), *(step[r] for r in kernels)])
            if graph.output in readers:
                last = len(order) - 1
            found[value] = set(range(step.get(name, 0), last + 1))
    return found


@pytest.mark.parametrize("seed", range(25))
def test_random_graphs_agree_with_a_simulation(seed):
    graph = random_graph(seed, 14)
    held = lifetimes(graph, inplace=False)
    found = {value: set(range(s.first, s.last + 1)) for value, s in held.tensors.items()}
    assert found == needed(graph)
    live = live_bytes(held.tensors, len(held.order))
    for step, nbytes in enumerate(live):
        alive = [value for value, steps in found.items() if step in steps]
        assert nbytes == sum(held.tensors[value].nbytes for value in alive)
