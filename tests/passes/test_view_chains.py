"""Chains of Reshapes and Transposes: every spelling of one move becomes one, and no other move."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from random import Random

import pytest

from graphlens.analysis.equivalent import isomorphic
from graphlens.ir import Graph, check
from graphlens.ops.build import Builder
from graphlens.passes.standard_form import standard_form
from graphlens.passes.view_chains import VIEW_CHAINS
from graphlens.rewrite import apply
from graphlens.runtime.prove import prove
from graphlens.tensor import TensorType

Known = Callable[[str], Graph]

HEADS = """
def net(x: float32[17, 1, 6]):
    s: int64[3] = Const([17, 3, 2])
    a: float32[17, 3, 2] = Reshape(x, s)
    b: float32[3, 17, 2] = Transpose(a, perm=[1, 0, 2])
    t: int64[4] = Const([1, 3, 17, 2])
    c: float32[1, 3, 17, 2] = Reshape(b, t)
    return c
"""

KEYS = """
def net(x: float32[17, 1, 6]):
    s: int64[3] = Const([17, 3, 2])
    a: float32[17, 3, 2] = Reshape(x, s)
    b: float32[3, 2, 17] = Transpose(a, perm=[1, 2, 0])
    t: int64[4] = Const([1, 3, 2, 17])
    c: float32[1, 3, 2, 17] = Reshape(b, t)
    d: float32[1, 3, 17, 2] = Transpose(c, perm=[0, 1, 3, 2])
    return d
"""


def settled(graph: Graph) -> Graph:
    return check(apply(graph, VIEW_CHAINS))


def ops(graph: Graph) -> list[str]:
    return [graph.op(n) for n in graph.in_order() if graph.op(n) in ("Reshape", "Transpose")]


def test_two_spellings_of_one_move_are_one_graph(known: Known) -> None:
    one, other = settled(known(HEADS)), settled(known(KEYS))
    assert ops(one) == ["Reshape", "Transpose"]
    assert isomorphic(standard_form(one), standard_form(other)) is None
    assert prove(known(KEYS), other).status == "proven"


def test_another_move_of_the_same_types_is_another_graph(known: Known) -> None:
    text = KEYS.replace("[17, 3, 2]", "[17, 2, 3]").replace("perm=[1, 2, 0]", "perm=[2, 1, 0]")
    other = known(text.replace("b: float32[3, 2, 17]", "b: float32[3, 2, 17]"))
    assert prove(known(HEADS), other).status == "refuted"
    assert isomorphic(standard_form(known(HEADS)), standard_form(other)) is not None


def test_chain_in_its_form_is_left_alone(known: Known) -> None:
    graph = settled(known(HEADS))
    assert settled(graph) is graph


def test_transpose_that_others_read_is_not_done_twice(known: Known) -> None:
    graph = known("""
def net(x: float32[2, 3, 4]):
    a: float32[4, 2, 3] = Transpose(x, perm=[2, 0, 1])
    b: float32[3, 4, 2] = Transpose(a, perm=[2, 0, 1])
    return a, b
""")
    assert settled(graph) is graph


def test_symbolic_sizes_are_factors_of_their_own(known: Known) -> None:
    graph = known("""
def net(x: float32['n', 6, 4]):
    a: float32[6, 'n', 4] = Transpose(x, perm=[1, 0, 2])
    s: int64[4] = Const([2, 3, -1, 4])
    b: float32[2, 3, 'n', 4] = Reshape(a, s)
    c: float32['n', 2, 3, 4] = Transpose(b, perm=[2, 0, 1, 3])
    return c
""")
    assert ops(settled(graph)) == ["Reshape"]


@pytest.mark.parametrize("seed", range(12))
def test_random_chain_is_the_same_move(seed: int) -> None:
    numbers = Random(seed)
    graph = Graph(name="net")
    build = Builder(graph)
    shape = tuple(numbers.choice((1, 2, 3, 4, 6)) for _ in range(numbers.randint(1, 4)))
    value = build.input("x", TensorType("int64", shape))
    for _ in range(numbers.randint(2, 6)):
        if numbers.random() < 0.5:
            order = list(range(len(shape)))
            numbers.shuffle(order)
            shape = tuple(shape[axis] for axis in order)
            value = build.op(
                "Transpose", value, perm=tuple(order), results=[TensorType("int64", shape)]
            )
        else:
            shape = another_shape(shape, numbers)
            target = build.const(shape, "int64")
            value = build.op("Reshape", value, target, results=[TensorType("int64", shape)])
    build.output([value])
    after = settled(check(graph))
    assert len(ops(after)) <= len(ops(graph))
    assert prove(graph, after).status == "proven"


def another_shape(shape: tuple[int, ...], numbers: Random) -> tuple[int, ...]:
    """A random shape of as many elements."""
    left, found = prod(shape), list[int]()
    while left > 1 and len(found) < 4:
        found.append(numbers.choice([size for size in range(1, left + 1) if left % size == 0]))
        left //= found[-1]
    return (*found, left)


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ([(1,), ()], ["Reshape"]),
        ([(), (1,), ()], ["Reshape"]),
        ([(1,)], ["Reshape"]),
        ([(1, 1)], []),
    ],
)
def test_chain_to_a_scalar_comes_to_an_end(steps: list[tuple[int, ...]], wanted: list[str]) -> None:
    graph = Graph()
    build = Builder(graph)
    value = build.input("x", TensorType("float32", (1, 1)))
    for shape in steps:
        target = build.const(shape, "int64")
        held = [TensorType("float32", shape)]
        value = build.op("Reshape", value, target, results=held)
    build.output([build.op("Neg", value)])
    after = settled(graph)
    assert [op for op in ops(after) if op == "Reshape"] == wanted
    assert prove(graph, after)
