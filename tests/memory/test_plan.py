"""Memory plans of small graphs, of graphs whose answer is known, and of random ones."""

import itertools

import networkx as nx
import numpy as np
import pytest
from random_graphs import chain, random_graph

from graphlens.analysis.lifetimes import lifetimes, live_bytes
from graphlens.errors import GraphError, UsageError
from graphlens.ir import Graph, Value, parse
from graphlens.memory.plan import MemoryPlan, plan_memory
from graphlens.runtime.inputs import example_inputs

RESIDUAL = """
def f(x: float32[1, 4, 8, 8]):
    w: float32[4, 4, 1, 1] = Param()
    conv: float32[1, 4, 8, 8] = Conv(x, w)
    relu: float32[1, 4, 8, 8] = Relu(conv)
    add: float32[1, 4, 8, 8] = Add(relu, x)
    return add
"""


def planned(text: str, **options) -> MemoryPlan:
    return plan_memory(parse(text), **options).check()


def test_elementwise_results_are_written_over_operands_that_nobody_reads_any_more():
    plan = planned(RESIDUAL)
    assert plan.inplace == {Value("relu"): Value("conv"), Value("add"): Value("relu")}
    assert plan.arena_bytes == plan.peak_live_bytes == 2048
    assert plan.offsets[Value("conv")] == plan.offsets[Value("add")]


def test_without_inplace_operand_and_result_lie_apart():
    plan = planned(RESIDUAL, inplace=False)
    assert plan.inplace == {}
    assert plan.arena_bytes == plan.peak_live_bytes == 3072
    assert plan.total_bytes == 4096


def test_weights_take_no_place_in_the_arena():
    assert Value("w") not in planned(RESIDUAL).offsets


def test_a_graph_input_is_never_overwritten():
    plan = planned("""
def f(x: float32[8]):
    y: float32[8] = Relu(x)
    z: float32[8] = Neg(y)
    return z
""")
    assert plan.inplace == {Value("z"): Value("y")}


def test_a_graph_output_is_never_overwritten_and_lives_to_the_end():
    plan = planned("""
def f(x: float32[8]):
    y: float32[8] = Relu(x)
    z: float32[8] = Neg(y)
    u: float32[8] = Abs(z)
    return y, u
""")
    assert plan.inplace == {Value("u"): Value("z")}
    assert plan.lifetimes[Value("y")].last == 2


def test_a_view_lies_where_its_operand_lies_and_keeps_it_alive():
    plan = planned("""
def f(x: float32[2, 8]):
    k: int64[1] = Const([16])
    y: float32[2, 8] = Relu(x)
    v: float32[16] = Reshape(y, k)
    a: float32[2, 8] = Sigmoid(x)
    z: float32[16] = Neg(v)
    s: float32[16] = Abs(a)
    return z, s
""", schedule=False)  # fmt: skip
    assert plan.offsets[Value("v")] == plan.offsets[Value("y")]
    assert plan.lifetimes[Value("y")].last == plan.order.index("z")
    assert Value("v") not in plan.lifetimes
    assert plan.inplace[Value("z")] == Value("y")


def test_a_view_of_a_weight_has_no_place():
    plan = planned("""
def f(x: float32[2, 8]):
    k: int64[2] = Const([8, 2])
    w: float32[16] = Param()
    v: float32[8, 2] = Reshape(w, k)
    y: float32[2, 2] = MatMul(x, v)
    return y
""")
    assert set(plan.offsets) == {Value("x"), Value("y")}


def test_an_operand_that_is_broadcast_is_not_overwritten():
    plan = planned("""
def f(x: float32[1, 8], big: float32[4, 8]):
    y: float32[1, 8] = Relu(x)
    z: float32[4, 8] = Add(y, big)
    return z
""")
    assert plan.inplace == {}


def test_an_operand_read_twice_by_one_node_is_overwritten_only_where_each_reading_allows_it():
    both = planned("""
def f(x: float32[8]):
    y: float32[8] = Relu(x)
    z: float32[8] = Mul(y, y)
    return z
""")
    assert both.inplace == {Value("z"): Value("y")}
    turned = planned("""
def f(x: float32[2, 2]):
    k: int64[2] = Const([1, 4])
    c: bool[1, 4] = Const([True, False, True, False])
    y: float32[1, 4] = Relu(x)
    v: float32[4, 1] = Reshape(y, k)
    z: float32[1, 4] = Where(c, y, v)
    return z
""")
    assert turned.inplace == {}


def test_a_result_of_another_size_is_not_written_in_place():
    plan = planned("""
def f(x: float32[8]):
    y: float32[8] = Relu(x)
    z: float16[8] = Cast(y, to='float16')
    u: int32[8] = Cast(y, to='int32')
    return z, u
""")
    assert plan.inplace == {Value("u"): Value("y")}


def test_a_group_is_written_over_what_its_body_adds_and_not_over_what_it_convolves():
    body = """
    def body(a: float32[1, 4, 8, 8], w: float32[4, 4, 1, 1], r: float32[1, 4, 8, 8]):
        conv: float32[1, 4, 8, 8] = Conv(a, w)
        add: float32[1, 4, 8, 8] = Add(conv, r)
        relu: float32[1, 4, 8, 8] = Relu(add)
        return relu
"""
    head = """
def f(x: float32[1, 4, 8, 8]):
    w: float32[4, 4, 1, 1] = Param()
    a: float32[1, 4, 8, 8] = Sigmoid(x)
    r: float32[1, 4, 8, 8] = Relu(x)
"""
    apart = planned(head + body + "    g: float32[1, 4, 8, 8] = Region(a, w, r, body=body)\n"
                    "    return g\n")  # fmt: skip
    assert apart.inplace == {Value("g"): Value("r")}
    same = planned(head + body + "    g: float32[1, 4, 8, 8] = Region(r, w, r, body=body)\n"
                   "    return g, a\n")  # fmt: skip
    assert same.inplace == {}


def test_the_inner_values_of_a_group_have_no_place():
    plan = planned("""
def f(x: float32[8]):
    def body(a: float32[8]):
        inner: float32[8] = Relu(a)
        out: float32[8] = Neg(inner)
        return out
    g: float32[8] = Region(x, body=body)
    return g
""")
    assert set(plan.offsets) == {Value("x"), Value("g")}


def test_an_unknown_size_is_an_error_that_names_the_value():
    text = "def f(x: float32[N, 8]):\n    y: float32[N, 8] = Relu(x)\n    return y\n"
    with pytest.raises(GraphError, match=r"'x': float32\[N, 8\].*symbols="):
        planned(text)
    assert planned(text, symbols={"N": 2}).total_bytes == 128


def test_expressions_of_symbols_are_worked_out():
    plan = planned(
        "def f(x: float32[N, M // 2 + 1]):\n"
        "    y: float32[2*N, M // 2 + 1] = Concat(x, x, axis=0)\n    return y\n",
        symbols={"N": 3, "M": 5},
    )
    assert plan.lifetimes[Value("y")].nbytes == 4 * 6 * 3


def test_offsets_are_multiples_of_the_alignment():
    plan = plan_memory(random_graph(3, 40), alignment=64).check()
    assert {offset % 64 for offset in plan.offsets.values()} == {0}
    with pytest.raises(UsageError, match="alignment"):
        plan_memory(random_graph(3), alignment=0)


def test_a_branch_that_leaves_little_is_computed_first():
    """Two branches blow up to 64 numbers and shrink again: run one after the other, not both."""
    plan = planned("""
def f(x: float32[1, 4]):
    w: float32[4, 64] = Param()
    v: float32[64, 4] = Param()
    a: float32[1, 64] = MatMul(x, w)
    b: float32[1, 64] = MatMul(x, w)
    c: float32[1, 4] = MatMul(a, v)
    d: float32[1, 4] = MatMul(b, v)
    e: float32[1, 4] = Add(c, d)
    return e
""")
    assert plan.order == ("a", "c", "b", "d", "e")
    assert plan.eager_bytes == 16 + 256 + 256
    assert plan.arena_bytes == plan.peak_live_bytes == 16 + 256 + 16


def test_the_order_is_the_graphs_own_where_no_other_is_better():
    graph = parse(RESIDUAL)
    assert plan_memory(graph).order == ("conv", "relu", "add")


@pytest.mark.parametrize("seed", range(40))
def test_no_arena_is_smaller_than_its_bound_and_no_bound_than_the_best_order(seed):
    graph = random_graph(seed, 9)
    for inplace in (False, True):
        plan = plan_memory(graph, inplace=inplace).check()
        assert plan.peak_live_bytes <= plan.arena_bytes <= plan.total_bytes
        assert plan.live[plan.peak_step] == max(plan.live) == plan.peak_live_bytes
        assert plan.peak_live_bytes <= plan.eager_bytes
        assert overlaps_by_bytes(plan) == []
        fixed = plan_memory(graph, inplace=inplace, schedule=False)
        assert plan.peak_live_bytes <= fixed.peak_live_bytes


def overlaps_by_bytes(plan: MemoryPlan) -> list[tuple[Value, Value, int]]:
    """Pairs that share a byte in a step in which both are needed, by looking at every byte."""
    found = []
    for step in range(len(plan.order)):
        live = [v for v, held in plan.lifetimes.items() if held.first <= step <= held.last]
        for one, other in itertools.combinations(live, 2):
            if plan.inplace.get(other) == one and plan.lifetimes[one].last == step:
                continue
            shared = bytes_of(plan, one) & bytes_of(plan, other)
            found += [(one, other, step)] * bool(shared)
    return found


def bytes_of(plan: MemoryPlan, value: Value) -> set[int]:
    start = plan.offsets[value]
    return set(range(start, start + plan.lifetimes[value].nbytes))


@pytest.mark.parametrize("seed", range(12))
def test_a_small_graphs_order_is_close_to_the_best_of_all_orders(seed):
    """Against every topological order: never below, and seldom far above."""
    graph = random_graph(seed, 6)
    orders = itertools.islice(nx.all_topological_sorts(graph), 1000)
    peaks = []
    for order in orders:
        held = lifetimes(graph, order)
        peaks.append(max(live_bytes(held.buffers(), len(held.order)), default=0))
    plan = plan_memory(graph)
    assert min(peaks) <= plan.peak_live_bytes <= 1.5 * min(peaks)


def test_planning_leaves_the_graph_alone():
    graph = random_graph(5, 20)
    before = list(graph), dict(graph.graph)
    plan_memory(graph)
    assert (list(graph), dict(graph.graph)) == before


def test_a_graph_that_computes_nothing_has_its_inputs_only():
    plan = planned("def f(x: float32[4]):\n    return x\n")
    assert (plan.arena_bytes, plan.order, plan.eager_bytes) == (16, (), 16)


def test_a_chain_of_ten_thousand_needs_two_tensors():
    plan = plan_memory(chain(10_000)).check()
    assert plan.arena_bytes == plan.peak_live_bytes == 2 * 64


def test_the_examples_of_a_random_graph_are_deterministic():
    """What the properties above stand on."""
    first, second = random_graph(7), random_graph(7)
    assert isinstance(first, Graph)
    assert list(first) == list(second)
    pairs = zip(example_inputs(first), example_inputs(second), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_what_is_made_of_weights_only_takes_no_place():
    plan = planned("""
def f(x: float32[2, 4]):
    w: float32[8, 4] = Param()
    t: float32[4, 8] = Transpose(w)
    n: float32[4, 8] = Neg(t)
    y: float32[2, 8] = MatMul(x, n)
    return y
""")
    assert set(plan.offsets) == {Value("x"), Value("y")}
    assert plan.total_bytes == 32 + 64
