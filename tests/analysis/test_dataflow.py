"""Constants, views and kernels."""

import pytest

from graphlens.analysis.dataflow import dataflow
from graphlens.errors import GraphError
from graphlens.ir import Value, parse

TEXT = """
def f(x: float32[2, 4], y: float32[2, 4]):
    w: float32[8] = Param()
    k: int64[2] = Const([2, 4])
    v: float32[2, 4] = Reshape(w, k)
    n: float32[2, 4] = Neg(v)
    a: float32[2, 4] = Add(x, n)
    i: float32[2, 4] = Identity(a)
    f: float32[1, 2, 4] = Unsqueeze(i, z)
    return f
""".replace("    v: float32", "    z: int64[1] = Const([0])\n    v: float32")


def test_a_view_of_a_view_is_a_view_of_the_first():
    flow = dataflow(parse(TEXT))
    assert flow.root == {Value("v"): Value("w"), Value("i"): Value("a"), Value("f"): Value("a")}
    assert flow.storage(Value("f")) == Value("a")
    assert flow.storage(Value("a")) == Value("a")


def test_what_is_made_of_weights_only_is_constant_views_included():
    assert dataflow(parse(TEXT)).constant == {"w", "k", "z", "v", "n"}


def test_kernels_are_what_is_left_in_order():
    assert dataflow(parse(TEXT)).kernels == ("a",)


def test_an_op_without_operands_is_constant_and_a_random_one_is_not():
    text = "def f():\n    r: float32[2] = {0}(shape=[2])\n    return r\n"
    assert dataflow(parse(text.format("Anything"))).constant == {"r"}
    assert dataflow(parse(text.format("RandomNormal"))).kernels == ("r",)


def test_a_cast_of_an_unknown_dtype_is_no_view():
    graph = parse("def f(x: undefined[2]):\n    y: undefined[2] = Cast(x)\n    return y\n")
    assert dataflow(graph).kernels == ("y",)


def test_a_cycle_is_refused():
    graph = parse("def f(x: float32[2]):\n    y: float32[2] = Relu(x)\n    return y\n")
    graph.remove_edge("x", "y", 0)
    graph.connect(Value("y"), "y", 0)
    with pytest.raises(GraphError, match="cycle"):
        dataflow(graph)
