"""Plans of graphs with If, Loop and Scan: what their bodies hold is in the arena too."""

from dataclasses import replace

import numpy as np
import pytest
from random_control import random_control

from graphlens.errors import GraphError
from graphlens.ir import Value, parse
from graphlens.memory.execute import execute
from graphlens.memory.plan import MemoryPlan, plan_memory
from graphlens.passes.pipeline import run as run_passes
from graphlens.passes.reuse_buffers import reuse_buffers
from graphlens.runtime.inputs import example_inputs
from graphlens.runtime.run import run

LOOP = """
def f(x: float32[1, 4], y: float32[1, 4]):
    trips: int64[()] = Const(3)
    def body(i: int64[()], on: bool[()], h: float32[1, 4], c: float32[1, 4]):
        wide: float32[1, 64] = Concat(*[c] * 16, axis=1)
        sum: float32[1, 1] = ReduceSum(wide, keepdims=1)
        next: float32[1, 4] = {next}
        return on, next
    start: float32[1, 4] = Relu(x)
    loop: float32[1, 4] = Loop(trips, None, start, y, captures=1, body=body)
    return loop
""".replace("*[c] * 16", ", ".join(["c"] * 16))

BRANCHES = """
def f(go: bool[()], x: float32[8]):
    def then_branch(c: float32[8]):
        a: float32[8] = Relu(c)
        b: float32[16] = Concat(a, a, axis=0)
        s: float32[1] = ReduceSum(b)
        return s
    def else_branch(c: float32[8]):
        d: float32[32] = Concat(c, c, c, c, axis=0)
        s: float32[1] = ReduceSum(d)
        return s
    y: float32[1] = If(go, x, then_branch=then_branch, else_branch=else_branch)
    return y
"""


def looped(following: str, **options) -> MemoryPlan:
    return plan_memory(parse(LOOP.replace("{next}", following)), **options).check()


def same(ones, others) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(ones, others, strict=True))


def test_a_state_that_is_updated_element_by_element_is_one_buffer_from_start_to_result():
    plan = looped("Add(h, sum)")
    body = plan.bodies["loop"]["body"]
    assert plan.inplace[Value("loop")] == Value("start")
    assert body.inplace[Value("next")] == Value("h")
    places = {plan.offsets[Value("start")], plan.offsets[Value("loop")]}
    assert places == {body.offsets[Value("h")], body.offsets[Value("next")]}


def test_a_state_that_cannot_be_updated_in_place_has_a_second_buffer():
    body = looped("Concat(sum, sum, sum, sum, axis=1)").bodies["loop"]["body"]
    assert body.offsets[Value("h")] != body.offsets[Value("next")]
    assert body.lifetimes[Value("h")].last == body.lifetimes[Value("next")].last == 2
    apart = looped("Add(h, sum)", inplace=False)
    assert apart.inplace == apart.bodies["loop"]["body"].inplace == {}


def test_what_a_body_needs_counts_while_its_node_runs():
    """y and the state; in the body the count, the condition and the 256 bytes of `wide`."""
    plan = looped("Add(h, sum)")
    assert plan.live[plan.order.index("loop")] == 16 + 16 + 8 + 1 + 256
    assert plan.peak_live_bytes == plan.live[1] == plan.arena_bytes
    assert plan.tensors == 4 + 6


def test_captured_values_have_no_second_place():
    body = looped("Add(h, sum)").bodies["loop"]["body"]
    assert Value("c") not in body.offsets


def test_branches_lie_in_the_same_bytes_and_the_larger_one_counts():
    plan = plan_memory(parse(BRANCHES)).check()
    then, other = plan.bodies["y"]["then_branch"], plan.bodies["y"]["else_branch"]
    assert (then.arena_bytes, other.arena_bytes) == (32 + 64, 128)
    assert then.offsets[Value("a")] < other.offsets[Value("d")] + 128
    assert plan.arena_bytes == plan.peak_live_bytes == 1 + 32 + 4 + 128
    assert then.offsets[Value("s")] == other.offsets[Value("s")] == plan.offsets[Value("y")]


SWAP = """
def f(x: float32[4], y: float32[4], z: float32[4]):
    trips: int64[()] = Const(3)
    def body(i: int64[()], on: bool[()], a: float32[4], b: float32[4]):
        c: float32[4] = Neg(a)
        return on, b, c
    p: float32[4] = Relu(x)
    q: float32[4] = Sigmoid(y)
    loop: (float32[4], float32[4]) = Loop(trips, None, p, q, captures=0, body=body)
    return loop @ 0, loop @ 1
"""


def test_states_that_change_places_are_not_written_over_one_another():
    """`b` becomes `a` while `c` becomes `b`: one of the two must be copied first."""
    graph = parse(SWAP)
    plan = plan_memory(graph).check()
    body = plan.bodies["loop"]["body"]
    assert body.inplace == {}
    assert body.lifetimes[Value("output", 1)].nbytes == 16
    x = [np.array(row, np.float32) for row in ([1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 0, 0])]
    assert same(execute(graph, plan, *x), run(graph, *x))


@pytest.mark.parametrize("seed", [0, 1, 5, 11, 14, 20])
def test_random_control_flow_gives_the_same_bits_inside_the_arena(seed):
    graph = random_control(seed, 3)
    inputs = example_inputs(graph, seed)
    plain = execute(graph, None, *inputs)
    for options in ({}, {"inplace": False, "alignment": 64, "schedule": False}):
        plan = plan_memory(graph, **options).check()
        assert plan.peak_live_bytes <= plan.arena_bytes
        assert plan.peak_live_bytes <= plan.eager_bytes
        assert same(execute(graph, plan, *inputs), plain), options
    assert all(
        np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)
        for a, b in zip(run(graph, *inputs), plain, strict=True)
    )


def test_a_body_that_lies_over_what_is_needed_outside_is_found():
    graph = parse(LOOP.replace("{next}", "Add(h, sum)"))
    plan = plan_memory(graph)
    body = plan.bodies["loop"]["body"]
    over = {**body.offsets, Value("sum"): plan.offsets[Value("y")]}
    wrong = replace(plan, bodies={"loop": {"body": replace(body, offsets=over)}})
    with pytest.raises(GraphError, match=r"both needed and overlap"):
        wrong.check()
    x = [np.ones((1, 4), np.float32)] * 2
    assert not same(execute(graph, wrong, *x), execute(graph, plan, *x))


def test_the_pass_orders_bodies_too_and_records_their_places():
    graph = parse("""
def f(x: float32[1, 4], w: float32[4, 64], v: float32[64, 4]):
    trips: int64[()] = Const(2)
    def body(i: int64[()], on: bool[()], h: float32[1, 4], w: float32[4, 64], v: float32[64, 4]):
        a: float32[1, 64] = MatMul(h, w)
        b: float32[1, 64] = MatMul(h, w)
        c: float32[1, 4] = MatMul(a, v)
        d: float32[1, 4] = MatMul(b, v)
        e: float32[1, 4] = Add(c, d)
        return on, e
    y: float32[1, 4] = Loop(trips, None, x, w, v, captures=2, body=body)
    return y
""")
    planned = reuse_buffers(graph)
    body = planned.nodes["y"]["regions"]["body"]
    assert [name for name in body.in_order() if name in "abcde"] == ["a", "c", "b", "d", "e"]
    assert reuse_buffers(planned) is planned
    record = planned.graph["arena"]["bodies"]["y"]["body"]
    assert record["offsets"]["a"] == record["offsets"]["b"]
    history = run_passes(graph, [reuse_buffers])
    assert history.steps[0].evidence.peak_bytes < history.evidence.peak_bytes
