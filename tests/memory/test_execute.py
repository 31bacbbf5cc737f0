"""A plan is right if a run inside its arena, dead memory poisoned, gives the same bits."""

from dataclasses import replace

import numpy as np
import pytest
from random_graphs import random_graph

from graphlens.errors import RunError
from graphlens.ir import Value, parse
from graphlens.memory.execute import execute
from graphlens.memory.plan import plan_memory
from graphlens.passes.reuse_buffers import reuse_buffers
from graphlens.runtime.inputs import example_inputs
from graphlens.runtime.run import run

pytest.importorskip("onnxruntime")


def same(ones, others) -> bool:
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(ones, others, strict=True)
    )


@pytest.mark.parametrize("seed", range(15))
def test_random_graphs_give_the_same_bits_inside_the_arena(seed):
    graph = random_graph(seed)
    inputs = example_inputs(graph, seed)
    plain = execute(graph, None, *inputs)
    for options in ({}, {"inplace": False}, {"alignment": 64}, {"schedule": False}):
        plan = plan_memory(graph, **options)
        assert same(execute(graph, plan, *inputs), plain), options
    assert all(
        np.allclose(a, b, rtol=1e-5, atol=1e-6)
        for a, b in zip(run(graph, *inputs), plain, strict=True)
    )


@pytest.mark.parametrize("seed", range(15))
def test_the_pass_leaves_the_function_as_it_was(seed):
    graph = random_graph(seed)
    inputs = example_inputs(graph, seed)
    planned = reuse_buffers(graph)
    assert same(execute(planned, None, *inputs), execute(graph, None, *inputs))


THREE = """
def f(x: float32[4]):
    a: float32[4] = Relu(x)
    b: float32[4] = Neg(x)
    c: float32[4] = Add(a, b)
    return c
"""


def test_a_wrong_plan_gives_other_bits():
    """Two live tensors in one place: the later overwrites the earlier."""
    graph = parse(THREE)
    plan = plan_memory(graph, inplace=False)
    wrong = replace(plan, offsets={**plan.offsets, Value("b"): plan.offsets[Value("a")]})
    inputs = [np.array([1, -2, 3, -4], np.float32)]
    assert same(execute(graph, plan, *inputs), execute(graph, None, *inputs))
    assert not same(execute(graph, wrong, *inputs), execute(graph, None, *inputs))


def test_a_lifetime_that_is_too_short_reads_poison():
    graph = parse(THREE)
    plan = plan_memory(graph, inplace=False)
    short = replace(plan.lifetimes[Value("a")], last=plan.order.index("a"))
    wrong = replace(plan, lifetimes={**plan.lifetimes, Value("a"): short})
    inputs = [np.array([1, -2, 3, -4], np.float32)]
    assert not same(execute(graph, wrong, *inputs), execute(graph, None, *inputs))


def test_a_false_view_is_refused():
    graph = parse(THREE)
    plan = plan_memory(graph, inplace=False)
    wrong = replace(plan, lifetimes={v: h for v, h in plan.lifetimes.items() if v.node != "c"})
    with pytest.raises(RunError, match=r"'c'.*view"):
        execute(graph, wrong, np.array([1, -2, 3, -4], np.float32))


def test_sizes_of_symbols_must_be_those_planned_for():
    graph = parse("def f(x: float32[N]):\n    y: float32[N] = Relu(x)\n    return y\n")
    plan = plan_memory(graph, symbols={"N": 4})
    assert execute(graph, plan, np.ones(4, np.float32))[0].tolist() == [1, 1, 1, 1]
    with pytest.raises(RunError, match="12 bytes, 16 were planned"):
        execute(graph, plan, np.ones(3, np.float32))


def test_an_output_may_be_a_weight_or_an_input():
    graph = parse("def f(x: float32[2]):\n    w: float32[2] = Const([1.0, 2.0])\n    return w, x\n")
    got = execute(graph, plan_memory(graph), np.array([3, 4], np.float32))
    assert [array.tolist() for array in got] == [[1, 2], [3, 4]]


def test_what_is_made_of_weights_only_is_kept_beside_the_arena():
    graph = parse("""
def f(x: float32[1, 2]):
    w: float32[3, 2] = Const([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    t: float32[2, 3] = Transpose(w)
    y: float32[1, 3] = MatMul(x, t)
    return y
""")
    got = execute(graph, plan_memory(graph), np.array([[1, 1]], np.float32))
    assert got[0].tolist() == [[3, 7, 11]]
