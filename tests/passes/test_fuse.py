"""What runs as one kernel: matches, near misses, several readers, no-ops; all run."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from graphlens.analysis.cost import kernels
from graphlens.errors import UsageError
from graphlens.ir import Graph, check, parse, to_text
from graphlens.passes.fuse import fuse
from graphlens.runtime.prove import prove

Known = Callable[[str], Graph]

BLOCK = """
def net(x: float32[1, 4, 8, 8], r: float32[1, 4, 8, 8]):
    w: float32[4, 4, 3, 3] = Param()
    b: float32[4] = Param()
    conv: float32[1, 4, 8, 8] = Conv(x, w, b, pads=[1, 1, 1, 1])
    add: float32[1, 4, 8, 8] = Add(conv, r)
    relu: float32[1, 4, 8, 8] = Relu(add)
    return relu
"""


def kinds(graph: Graph) -> list[str]:
    """The kinds of the groups, in order."""
    return [
        graph.nodes[name]["attributes"]["kind"]
        for name in graph
        if graph.op(name) == "graphlens.Region"
    ]


def fused(known: Known, text: str) -> Graph:
    """The grouped graph, checked and proven."""
    graph = known(text)
    found = check(fuse(graph))
    assert prove(graph, found).status == "proven"
    assert fuse(found) is found
    return found


def test_a_convolution_takes_what_follows_it(known: Known) -> None:
    found = fused(known, BLOCK)
    assert [line.strip() for line in to_text(found).strip().splitlines()] == [
        "def net(x: float32[1, 4, 8, 8], r: float32[1, 4, 8, 8]):",
        "w: float32[4, 4, 3, 3] = Param()",
        "b: float32[4] = Param()",
        "def body(x: float32[1, 4, 8, 8], w: float32[4, 4, 3, 3], b: float32[4], "
        "r: float32[1, 4, 8, 8]):",
        "conv: float32[1, 4, 8, 8] = Conv(x, w, b, pads=[1, 1, 1, 1])",
        "add: float32[1, 4, 8, 8] = Add(conv, r)",
        "relu: float32[1, 4, 8, 8] = Relu(add)",
        "return relu",
        "conv: float32[1, 4, 8, 8] = Region(x, w, b, r, kind='Conv+Add+Relu', body=body)",
        "return conv",
    ]
    assert found.node("conv").origins == ("conv", "add", "relu")


def test_the_graph_given_is_left_as_it_was(known: Known) -> None:
    graph = known(BLOCK)
    text = to_text(graph)
    fuse(graph)
    assert to_text(graph) == text


def test_a_value_that_the_graph_returns_ends_a_group(known: Known) -> None:
    found = fused(known, BLOCK.replace("return relu", "return relu, add"))
    assert kinds(found) == ["Conv+Add"]


def test_inner_value_read_outside_is_not_fused(known: Known) -> None:
    text = BLOCK.replace(
        "return relu",
        "pool: float32[1, 4, 4, 4] = MaxPool(conv, kernel_shape=[2, 2], strides=[2, 2])\n"
        "    return relu, pool",
    )
    assert kinds(fused(known, text)) == ["Add+Relu"]


def test_inner_value_read_twice_inside_is_fused(known: Known) -> None:
    text = BLOCK.replace("add: ", "s: float32[1, 4, 8, 8] = Sigmoid(conv)\n    add: ")
    text = text.replace("Add(conv, r)", "Mul(conv, s)")
    assert kinds(fused(known, text)) == ["Conv+Sigmoid+Mul+Relu"]


def test_a_single_operation_is_no_group(known: Known) -> None:
    graph = known("def net(x: float32[3]):\n    y: float32[3] = Relu(x)\n    return y")
    assert fuse(graph) is graph


def test_views_at_the_ends_stay_outside(known: Known) -> None:
    found = fused(
        known,
        """
        def net(x: float32[2, 3, 4]):
            flat: int64[2] = Const([6, 4])
            back: int64[3] = Const([2, 3, 5])
            w: float32[4, 5] = Param()
            v: float32[6, 4] = Reshape(x, flat)
            m: float32[6, 5] = MatMul(v, w)
            t: float32[6, 5] = Tanh(m)
            o: float32[2, 3, 5] = Reshape(t, back)
            return o
        """,
    )
    assert kinds(found) == ["MatMul+Tanh"]
    assert [found.op(name) for name in found if found.op(name) == "Reshape"] == ["Reshape"] * 2


def test_a_transposed_store_is_part_of_the_product(known: Known) -> None:
    found = fused(
        known,
        """
        def net(x: float32[1, 6, 8]):
            split: int64[4] = Const([1, 6, 2, 4])
            w: float32[8, 8] = Param()
            b: float32[8] = Param()
            m: float32[1, 6, 8] = MatMul(x, w)
            a: float32[1, 6, 8] = Add(m, b)
            v: float32[1, 6, 2, 4] = Reshape(a, split)
            t: float32[1, 2, 6, 4] = Transpose(v, perm=[0, 2, 1, 3])
            return t
        """,
    )
    assert kinds(found) == ["MatMul+Add+Transpose"]


def test_a_sum_with_its_own_transpose_is_no_epilogue(known: Known) -> None:
    found = fused(
        known,
        """
        def net(x: float32[4, 4]):
            w: float32[4, 4] = Param()
            m: float32[4, 4] = MatMul(x, w)
            t: float32[4, 4] = Transpose(m, perm=[1, 0])
            a: float32[4, 4] = Add(m, t)
            return a
        """,
    )
    assert kinds(found) == ["Transpose+Add"]


def test_a_broadcast_result_is_no_epilogue(known: Known) -> None:
    found = fused(
        known,
        """
        def net(x: float32[4, 1], y: float32[4, 4]):
            w: float32[1, 1] = Param()
            m: float32[4, 1] = MatMul(x, w)
            a: float32[4, 4] = Add(m, y)
            r: float32[4, 4] = Relu(a)
            return r
        """,
    )
    assert kinds(found) == ["Add+Relu"]


PRODUCTS = """
def net(x: float32[4, 4], y: float32[4, 4], z: float32[4, 4]):
    w: float32[4, 4] = Param()
    u: float32[4, 4] = Param()
    t: float32[4, 4] = Param()
    m: float32[4, 4] = MatMul(x, w)
    n: float32[4, 4] = MatMul(y, u)
    o: float32[4, 4] = MatMul(z, t)
    a: float32[4, 4] = Add(m, n)
    b: float32[4, 4] = Add(a, o)
    return b
"""


def test_two_products_that_meet_are_summed_up_together_but_not_three(known: Known) -> None:
    found = fused(known, PRODUCTS)
    assert kernels(found) == 2
    assert kinds(found) == ["MatMul x2+Add x2"]


def test_products_that_meet_at_other_places_are_two_kernels(known: Known) -> None:
    found = fused(
        known,
        """
        def net(x: float32[4, 4], y: float32[4, 4]):
            w: float32[4, 4] = Param()
            u: float32[4, 4] = Param()
            m: float32[4, 4] = MatMul(x, w)
            n: float32[4, 4] = MatMul(y, u)
            f: float32[4, 4] = Transpose(n, perm=[1, 0])
            a: float32[4, 4] = Add(m, f)
            return a
        """,
    )
    assert kernels(found) == 2


def test_products_of_one_value_are_a_bundle(known: Known) -> None:
    found = fused(
        known,
        """
        def net(x: float32[2, 4]):
            w: float32[4, 6] = Param()
            q: float32[2, 6] = MatMul(x, w)
            b: float32[6] = Param()
            a: float32[2, 6] = Add(q, b)
            f: float32[2, 6] = Softmax(a)
            u: float32[4, 3] = Param()
            k: float32[2, 3] = MatMul(x, u)
            c: float32[3] = Param()
            d: float32[2, 3] = Add(k, c)
            return f, d
        """,
    )
    assert kinds(found) == ["(MatMul+Add) x2"]
    (name,) = (name for name in found if found.op(name) == "graphlens.Region")
    assert name == "q"
    assert [str(held) for held in found.node(name).results] == ["float32[2, 6]", "float32[2, 3]"]


def test_a_product_that_is_needed_much_later_is_not_made_early(known: Known) -> None:
    early, late = "    k: float32[4, 4] = MatMul(x, u)", "    d: float32[4, 4] = MatMul(k, {})"
    layers = [f"    f{i + 1}: float32[4, 4] = MatMul(f{i}, f{i})" for i in range(10)]
    head = [
        "def net(x: float32[4, 4]):",
        "    w: float32[4, 4] = Param()",
        "    u: float32[4, 4] = Param()",
        "    f0: float32[4, 4] = MatMul(x, w)",
    ]
    last = [early, late.format("f10"), "    return d"]
    assert kinds(fused(known, "\n".join([*head, *layers, *last]))) == []
    last = [early, late.format("f3"), "    return d"]
    assert kinds(fused(known, "\n".join([*head, *layers[:3], *last]))) == ["MatMul x2"]


def test_a_product_that_reads_more_than_the_shared_value_is_in_no_bundle(known: Known) -> None:
    """Else q, then its softmax, then k's Add would close a circle through the bundle."""
    found = fused(
        known,
        """
        def net(x: float32[4, 4]):
            w: float32[4, 4] = Param()
            u: float32[4, 4] = Param()
            q: float32[4, 4] = MatMul(x, w)
            f: float32[4, 4] = Softmax(q)
            k: float32[4, 4] = MatMul(x, u)
            d: float32[4, 4] = Add(k, f)
            return d
        """,
    )
    assert kinds(found) == ["MatMul+Add"]


def test_a_mean_over_few_places_is_taken_in_the_tile_of_the_convolution(known: Known) -> None:
    text = """
        def net(x: float32[1, 4, {0}, {0}]):
            axes: int64[2] = Const([2, 3])
            w: float32[4, 4, 3, 3] = Param()
            c: float32[1, 4, {0}, {0}] = Conv(x, w, pads=[1, 1, 1, 1])
            r: float32[1, 4, {0}, {0}] = Relu(c)
            m: float32[1, 4, 1, 1] = ReduceMean(r, axes)
            s: float32[1, 4, 1, 1] = Sigmoid(m)
            return s
        """
    assert kinds(fused(known, text.format(7))) == ["Conv+Relu+ReduceMean+Sigmoid"]
    assert kinds(fused(known, text.format(9))) == ["Conv+Relu", "ReduceMean+Sigmoid"]


def test_a_norm_written_out_is_one_kernel(known: Known) -> None:
    found = fused(
        known,
        """
        def net(x: float32[2, 8]):
            axes: int64[1] = Const([-1])
            two: float32[()] = Const(2.0)
            tiny: float32[()] = Const(0.001)
            p: float32[2, 8] = Pow(x, two)
            s: float32[2, 1] = ReduceSum(p, axes)
            e: float32[2, 1] = Add(s, tiny)
            q: float32[2, 1] = Sqrt(e)
            d: float32[2, 8] = Div(x, q)
            return d
        """,
    )
    assert kinds(found) == ["Pow+ReduceSum+Add+Sqrt+Div"]


def test_a_product_does_not_read_costly_operands_tile_by_tile(known: Known) -> None:
    text = """
        def net(x: float32[4, 4], y: float32[4, 4]):
            w: float32[4, 4] = Param()
            a: float32[4, 4] = Add(x, y)
            f: float32[4, 4] = {}(a)
            m: float32[4, 4] = MatMul(f, w)
            return m
        """
    assert kinds(fused(known, text.format("Relu"))) == ["Add+Relu+MatMul"]
    assert kinds(fused(known, text.format("Erf"))) == ["Add+Erf"]


def test_only_the_kinds_asked_for_are_grouped(known: Known) -> None:
    graph = known(BLOCK)
    assert fuse(graph, kinds="matmul+norm") is graph
    assert kinds(fuse(graph, kinds=["conv"])) == ["Conv+Add+Relu"]
    with pytest.raises(UsageError, match="unknown kind of group 'cnov'"):
        fuse(graph, kinds="cnov")


def test_unknown_weights_and_symbolic_shapes_are_grouped_too() -> None:
    graph = parse(
        """
        def net(x: float32[N, 4], y: float32[N, 5]):
            w: float32[4, 5] = Param()
            m: float32[N, 5] = MatMul(x, w)
            a: float32[N, 5] = Add(m, y)
            return a
        """
    )
    assert kinds(check(fuse(graph))) == ["MatMul+Add"]
    assert prove(graph, fuse(graph)).status == "unproven"


def test_foreign_operations_stay_alone() -> None:
    graph = parse(
        """
        def net(x: float32[4]):
            a: float32[4] = aten.mystery(x)
            b: float32[4] = aten.mystery(a)
            return b
        """
    )
    assert fuse(graph) is graph


@pytest.mark.parametrize("seed", range(20))
def test_no_group_of_a_random_graph_closes_a_cycle(seed: int) -> None:
    """Any two nodes may be joined; the result must be a DAG and the same function."""
    numbers = np.random.default_rng(seed)
    lines, names = ["def net(x: float32[3, 3], y: float32[3, 3]):"], ["x", "y"]
    for index in range(40):
        op = numbers.choice(["Add", "Mul", "Tanh", "MatMul", "Softmax", "Transpose", "Max"])
        read = [names[-1 - int(numbers.integers(min(len(names), 6)))] for _ in range(2)]
        read = read if op in ("Add", "Mul", "MatMul", "Max") else read[:1]
        given = ", perm=[1, 0]" if op == "Transpose" else ""
        lines.append(f"    v{index}: float32[3, 3] = {op}({', '.join(read)}{given})")
        names.append(f"v{index}")
    lines.append(f"    return {', '.join(names[-3:])}")
    graph = parse("\n".join(lines))
    found = check(fuse(graph))
    assert nx.is_directed_acyclic_graph(found)
    assert kernels(found) < kernels(graph)
    assert prove(graph, found).status == "proven"


def test_bodies_of_control_flow_are_grouped_inside(known: Known) -> None:
    found = fused(
        known,
        """
        def net(c: bool[()], x: float32[3]):
            def then_branch(x: float32[3]):
                a: float32[3] = Relu(x)
                b: float32[3] = Neg(a)
                return b
            def else_branch(x: float32[3]):
                a: float32[3] = Tanh(x)
                return a
            y: float32[3] = If(c, x, then_branch=then_branch, else_branch=else_branch)
            return y
        """,
    )
    assert kinds(found.node("y").regions["then_branch"]) == ["Relu+Neg"]
    assert kinds(found.node("y").regions["else_branch"]) == []
