"""Merging what is computed twice."""

from __future__ import annotations

import numpy as np

from graphlens.ir import Graph, check, parse, to_text
from graphlens.passes.common_subexpressions import common_subexpressions
from graphlens.runtime.prove import prove


def lines(graph: Graph) -> list[str]:
    return [line.strip() for line in to_text(graph).strip().splitlines()[1:]]


def test_equal_operations_on_equal_operands_are_one() -> None:
    graph = parse("""
def net(x: float32[3], y: float32[3]):
    a: float32[3] = Add(x, y)
    b: float32[3] = Add(y, x)
    c: float32[3] = Exp(a)
    d: float32[3] = Exp(b)
    e: float32[3] = Sub(c, d)
    return e, d
""")
    after = check(common_subexpressions(graph))
    assert lines(after) == [
        "a: float32[3] = Add(x, y)",
        "c: float32[3] = Exp(a)",
        "e: float32[3] = Sub(c, c)",
        "return e, c",
    ]
    assert after.node("c").origins == ("c", "d")
    assert prove(graph, after).status == "proven"
    assert common_subexpressions(after) is after


def test_operations_that_differ_stay_apart() -> None:
    graph = parse("""
def net(x: float32[3, 3], y: float32[3, 3]):
    a: float32[3, 3] = Sub(x, y)
    b: float32[3, 3] = Sub(y, x)
    c: float32[3, 3] = Softmax(a)
    d: float32[3, 3] = Softmax(a, axis=0)
    e: float32[3, 3] = RandomNormalLike(x)
    f: float32[3, 3] = RandomNormalLike(x)
    return b, c, d, e, f
""")
    assert common_subexpressions(graph) is graph


def test_equal_consts_are_merged_by_every_bit() -> None:
    graph = parse("""
def net(x: float32[2]):
    a: float32[()] = Const(0.0)
    b: float32[()] = Const(0.0)
    c: float32[()] = Const(-0.0)
    d: float16[()] = Const(0.0)
    p: float32[2] = Add(x, a)
    q: float32[2] = Sub(p, b)
    r: float32[2] = Sub(q, c)
    return r, d
""")
    after = common_subexpressions(graph)
    assert after.consts == ("a", "c", "d")


def test_large_consts_are_merged_by_content_wherever_they_lie() -> None:
    graph = parse("""
def net():
    a: float32[20, 30] = Const(...)
    b: float32[20, 30] = Const(...)
    c: float32[20, 30] = Const(...)
    return a, b, c
""")
    array = np.arange(600, dtype=np.float32).reshape(20, 30)
    graph.weights |= {"a": array, "b": np.asfortranarray(array), "c": array + 1}
    assert common_subexpressions(graph).consts == ("a", "c")


PARAMS = """
def net(x: float32[2]):
    a: float32[2] = Param()
    b: float32[2] = Param()
    c: float32[2] = Param()
    d: float32[2] = Param()
    p: float32[2] = Add(x, a)
    q: float32[2] = Add(p, b)
    r: float32[2] = Add(q, c)
    s: float32[2] = Add(r, d)
    return s
"""


def test_tied_weights_are_one_and_equal_ones_are_not() -> None:
    graph = parse(PARAMS)
    tied = np.ones(2, np.float32)
    graph.weights |= {"a": tied, "b": tied[:], "c": tied.copy()}
    assert common_subexpressions(graph).params == ("a", "c", "d")
    assert common_subexpressions(graph, weights=True).params == ("a", "d")


def test_bodies_of_regions_are_looked_into() -> None:
    graph = parse("""
def net(c: bool[()], x: float32[3]):
    def then_branch(x: float32[3]):
        a: float32[3] = Exp(x)
        b: float32[3] = Exp(x)
        y: float32[3] = Add(a, b)
        return y
    def else_branch(x: float32[3]):
        y: float32[3] = Neg(x)
        return y
    y: float32[3] = If(c, x, then_branch=then_branch, else_branch=else_branch)
    return y
""")
    body = common_subexpressions(graph).node("y").regions["then_branch"]
    assert lines(body)[:2] == ["a: float32[3] = Exp(x)", "y: float32[3] = Add(a, a)"]
