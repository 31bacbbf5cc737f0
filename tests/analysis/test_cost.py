"""Kernels, traffic, FLOPs and parameters by the definitions of the two measures."""

import numpy as np
import pytest
from random_graphs import chain, random_graph

from graphlens.analysis.cost import cost, flops, kernels, parameters, traffic
from graphlens.ir import Graph, Value, parse

CONV = """
def f(x: float32[1, 3, 8, 8]):
    w: float32[4, 3, 3, 3] = Param()
    b: float32[4] = Param()
    k: int64[2] = Const([1, 256])
    conv: float32[1, 4, 8, 8] = Conv(x, w, b, pads=[1, 1, 1, 1])
    relu: float32[1, 4, 8, 8] = Relu(conv)
    flat: float32[1, 256] = Reshape(relu, k)
    v: float32[256, 10] = Param()
    fc: float32[1, 10] = MatMul(flat, v)
    return fc
"""


def test_views_weights_and_structural_nodes_are_no_kernels():
    assert kernels(parse(CONV)) == 3


def test_a_tensor_counts_for_its_write_and_for_each_kernel_that_reads_it():
    """Conv's 1024 bytes are written and read once, Relu's too (through a view); the result's
    own write is apart, and so are input and weights."""
    assert traffic(parse(CONV)) == 2 * 1024 + 2 * 1024


def test_a_kernel_that_reads_a_tensor_twice_reads_it_once():
    graph = parse("""
def f(x: float32[4]):
    y: float32[4] = Relu(x)
    z: float32[4] = Mul(y, y)
    return z
""")
    assert traffic(graph) == 2 * 16


def test_an_output_that_is_also_read_counts_its_readings_only():
    graph = parse("""
def f(x: float32[4]):
    y: float32[4] = Relu(x)
    z: float32[4] = Neg(y)
    return y, z
""")
    assert traffic(graph) == 16


def test_an_output_through_a_view_is_the_output():
    graph = parse("""
def f(x: float32[2, 2]):
    k: int64[1] = Const([4])
    y: float32[2, 2] = Relu(x)
    z: float32[4] = Reshape(y, k)
    return z
""")
    assert (kernels(graph), traffic(graph)) == (1, 0)


def test_what_depends_on_constants_only_is_no_kernel_and_makes_no_traffic():
    graph = parse("""
def f(x: float32[4, 8]):
    w: float32[8, 4] = Param()
    t: float32[4, 8] = Transpose(w)
    n: float32[4, 8] = Neg(t)
    y: float32[4, 8] = Add(x, n)
    return y
""")
    assert (kernels(graph), traffic(graph), flops(graph)) == (1, 0, 32)


def test_a_random_draw_is_computed_at_run_time_though_it_reads_nothing():
    graph = parse("""
def f(x: float32[4]):
    r: float32[4] = RandomNormal(shape=[4])
    y: float32[4] = Add(x, r)
    return y
""")
    assert (kernels(graph), traffic(graph)) == (2, 32)


def test_a_cast_to_its_own_dtype_is_a_view_and_another_is_a_kernel():
    text = "def f(x: float32[4]):\n    y: {0}[4] = Cast(x, to='{0}')\n    return y\n"
    assert kernels(parse(text.format("float32"))) == 0
    assert kernels(parse(text.format("float16"))) == 1


def test_a_group_is_one_kernel_and_its_inner_values_make_no_traffic():
    graph = parse("""
def f(x: float32[1, 3, 8, 8]):
    w: float32[4, 3, 1, 1] = Param()
    def body(a: float32[1, 3, 8, 8], w: float32[4, 3, 1, 1]):
        conv: float32[1, 4, 8, 8] = Conv(a, w)
        relu: float32[1, 4, 8, 8] = Relu(conv)
        return relu
    g: float32[1, 4, 8, 8] = Region(x, w, body=body)
    n: float32[1, 4, 8, 8] = Neg(g)
    return n
""")
    held = cost(graph)
    assert (held.kernels, held.traffic_bytes) == (2, 2 * 1024)
    assert held.flops == 2 * 3 * 256 + 256 + 256


def test_unknown_sizes_are_none_and_not_zero():
    graph = parse("""
def f(x: float32[N, 4]):
    y: float32[N, 4] = Relu(x)
    z: float32[N, 4] = Neg(y)
    return z
""")
    held = cost(graph)
    assert (held.kernels, held.traffic_bytes, held.flops) == (2, None, None)


def test_an_unknown_size_that_nobody_writes_or_reads_does_not_count():
    graph = parse("def f(x: float32[N]):\n    y: float32[N] = Relu(x)\n    return y\n")
    assert traffic(graph) == 0


def test_parameters_are_counted_in_numbers_and_bytes():
    assert parameters(parse(CONV)) == (4 * 27 + 4 + 2560, 4 * (4 * 27 + 4 + 2560))
    assert parameters(parse("def f():\n    w: float32[N] = Param()\n    return w\n")) == (
        None,
        None,
    )


def test_flops_of_conv_and_matmul_count_a_multiply_add_as_two():
    assert flops(parse(CONV)) == 2 * 27 * 256 + 256 + 256 + 2 * 2560


def by_edges(graph: Graph) -> int:
    """The same measure for graphs without views or constant arithmetic, edge by edge."""
    total = 0
    for name in graph:
        for index, held in enumerate(graph.node(name).results):
            if graph.node(name).is_structural:
                continue
            readers = {user.node for user in graph.users(Value(name, index))}
            total += held.nbytes * len(readers - {graph.output})
            total += held.nbytes * (graph.output not in readers)
    return total


@pytest.mark.parametrize("seed", range(30))
def test_traffic_is_the_sum_over_edges_where_there_are_no_views(seed):
    graph = random_graph(seed)
    if any(graph.op(name) == "Reshape" for name in graph):
        graph = chain(seed)
    assert traffic(graph) == by_edges(graph)


def test_nodes_are_those_that_are_not_structural():
    assert cost(parse(CONV)).nodes == 4


def test_params_that_share_their_memory_count_once():
    graph = parse(
        "def f():\n    w: float32[2, 3] = Param()\n    t: float32[3, 2] = Param()\n"
        "    v: float32[2, 3] = Param()\n    return w, t, v\n"
    )
    array = np.zeros((2, 3), np.float32)
    graph.weights.update(w=array, t=array.T, v=array.copy())
    assert parameters(graph) == (12, 48)
