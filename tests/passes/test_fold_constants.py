"""Constant folding: what becomes a Const, what a Param, what stays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphlens.ir import Graph, Value, check, parse, to_text
from graphlens.ops.build import Builder
from graphlens.passes.fold_constants import fold_constants
from graphlens.passes.fold_kernels import KERNELS, evaluate
from graphlens.runtime.prove import prove
from graphlens.runtime.run import run

Known = Callable[[str], Graph]


def lines(graph: Graph) -> list[str]:
    return [line.strip() for line in to_text(graph).strip().splitlines()[1:]]


def test_what_depends_on_constants_only_becomes_one_const() -> None:
    graph = parse("""
def net(x: float32[2, 3]):
    a: float32[()] = Const(2.0)
    b: float32[()] = Const(3.0)
    c: float32[()] = Add(a, b)
    d: float32[()] = Mul(c, c)
    y: float32[2, 3] = Add(x, d)
    return y
""")
    after = check(fold_constants(graph))
    assert lines(after) == [
        "d: float32[()] = Const(25.0)",
        "y: float32[2, 3] = Add(x, d)",
        "return y",
    ]
    assert set(after.node("d").origins) == {"a", "b", "c", "d"}
    assert prove(graph, after).status == "proven"
    assert fold_constants(after) is after


def test_shape_of_a_static_value_is_a_constant() -> None:
    graph = parse("""
def net(x: float32[n, 3, 4]):
    s: int64[2] = Shape(x, start=1)
    p: int64[1] = Shape(x, end=1)
    y: int64[3] = Concat(p, s, axis=0)
    return y
""")
    assert lines(fold_constants(graph)) == [
        "s: int64[2] = Const([3, 4])",
        "p: int64[1] = Shape(x, end=1)",
        "y: int64[3] = Concat(p, s, axis=0)",
        "return y",
    ]


def test_views_of_a_param_share_its_memory_and_its_name(known: Known) -> None:
    graph = known("""
def net(x: float32[2, 3]):
    w: float32[4, 3] = Param()
    t: float32[3, 4] = Transpose(w)
    y: float32[2, 4] = MatMul(x, t)
    return y
""")
    after = check(fold_constants(graph))
    assert lines(after) == [
        "w: float32[3, 4] = Param()",
        "y: float32[2, 4] = MatMul(x, w)",
        "return y",
    ]
    assert np.shares_memory(after.weights["w"], graph.weights["w"])
    assert prove(graph, after).status == "proven"


def test_param_that_is_read_as_it_is_too_keeps_its_name(known: Known) -> None:
    graph = known("""
def net(x: float32[2, 3], z: float32[2, 4]):
    w: float32[4, 3] = Param()
    t: float32[3, 4] = Transpose(w)
    y: float32[2, 4] = MatMul(x, t)
    u: float32[2, 3] = MatMul(z, w)
    return y, u
""")
    after = check(fold_constants(graph))
    assert after.type_of(Value("w")).shape == (4, 3)
    assert after.type_of(Value("w_1")).shape == (3, 4)


def test_view_of_an_absent_param_is_typed_all_the_same() -> None:
    graph = parse("""
def net(x: float32[2, 3]):
    w: float32[4, 3] = Param()
    t: float32[3, 4] = Transpose(w)
    e: float32[3, 4] = Exp(t)
    y: float32[2, 4] = MatMul(x, e)
    return y
""")
    after = check(fold_constants(graph))
    assert lines(after)[:2] == ["w: float32[3, 4] = Param()", "e: float32[3, 4] = Exp(w)"]
    assert not after.weights


def test_ops_without_a_kernel_of_ours_are_run_in_one_go() -> None:
    graph = parse("""
def net(x: float32[2]):
    a: float32[2] = Const([0.0, 1.0])
    b: float32[2] = Erf(a)
    c: float32[2] = Add(b, b)
    d: float32[2] = Softplus(c)
    y: float32[2] = Add(x, d)
    return y
""")
    after = check(fold_constants(graph))
    assert [after.op(name) for name in after.in_order()] == [
        "graphlens.Input", "graphlens.Const", "Add", "graphlens.Output",
    ]  # fmt: skip
    assert prove(graph, after).status == "proven"


@pytest.mark.parametrize(
    "line",
    [
        "a: float32[3] = RandomNormal(shape=[3])",
        "a: float32[3] = aten.foo()",
        "w: float32[1] = Param()\n    a: float32[3] = Expand(w, three)",
        "big: int64[2] = Const([1000, 1000])\n    a: float32[1000, 1000] = Expand(one, big)",
    ],
)
def test_random_foreign_unknown_and_growing_values_stay(line: str) -> None:
    graph = parse(f"""
def net(x: float32[3]):
    three: int64[1] = Const([3])
    one: float32[1] = Const([1.0])
    {line}
    return a
""")
    assert fold_constants(graph) is graph


def test_bodies_of_regions_are_folded_too() -> None:
    graph = parse("""
def net(c: bool[()], x: float32[3]):
    def then_branch(x: float32[3]):
        a: float32[()] = Const(1.0)
        b: float32[()] = Neg(a)
        y: float32[3] = Add(x, b)
        return y
    def else_branch(x: float32[3]):
        y: float32[3] = Neg(x)
        return y
    y: float32[3] = If(c, x, then_branch=then_branch, else_branch=else_branch)
    return y
""")
    body = fold_constants(graph).node("y").regions["then_branch"]
    assert lines(body)[0] == "b: float32[()] = Const(-1.0)"


def array(*shape: int, dtype: str = "float32") -> np.ndarray:
    numbers = np.random.default_rng(sum(shape)).uniform(0.5, 6, shape)
    return numbers.astype(dtype)


INTS = np.array([-7, 7, -7, 7])
BY = np.array([2, -2, -2, 2])
KERNEL_CASES = [
    ("Reshape", [array(2, 6), np.array([0, -1, 3])], {}),
    ("Transpose", [array(2, 3, 4)], {"perm": (1, 2, 0)}),
    ("Flatten", [array(2, 3, 4)], {"axis": -1}),
    ("Squeeze", [array(1, 3, 1)], {}),
    ("Squeeze", [array(1, 3, 1), np.array([2])], {}),
    ("Unsqueeze", [array(3), np.array([0, 2])], {}),
    ("Cast", [array(3)], {"to": "int32"}),
    ("CastLike", [array(3), INTS], {}),
    ("Gather", [array(3, 4), np.array([[-1, 0]])], {"axis": 1}),
    ("GatherND", [array(3, 4, 2), np.array([[[0, -1]], [[2, 1]]])], {}),
    ("CumSum", [array(2, 5), np.array(-1)], {}),
    ("Slice", [array(5, 6), np.array([-2, 4]), np.array([9, -99]), np.array([0, 1]),
               np.array([1, -2])], {}),
    ("Split", [array(7, 2)], {"num_outputs": 3}),
    ("Split", [array(2, 7), np.array([3, 4])], {"axis": 1}),
    ("Concat", [array(2, 3), array(2, 4)], {"axis": -1}),
    ("Expand", [array(3, 1), np.array([2, 1, 4])], {}),
    ("Tile", [array(2, 3), np.array([2, 1])], {}),
    ("Range", [np.array(7), np.array(0), np.array(-2)], {}),
    ("ConstantOfShape", [np.array([2, 3])], {"value": (5,)}),
    ("Trilu", [array(3, 4)], {"upper": 0}),
    ("Trilu", [array(3, 4), np.array(1)], {}),
    ("Where", [array(3) > 2, array(3), array(3)], {}),
    ("Div", [INTS, BY], {}),
    ("Pow", [array(3), np.array(2)], {}),
    ("Max", [array(3), array(2, 3), array(1)], {}),
    ("Not", [array(3) > 2], {}),
    ("And", [array(3) > 2, array(3) > 3], {}),
    ("Reciprocal", [array(3)], {}),
    ("Identity", [array(3)], {}),
]  # fmt: skip
BINARY = ("Add", "Sub", "Mul", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
UNARY = ("Neg", "Abs", "Sqrt", "Floor", "Ceil", "Sin", "Cos", "Exp", "Log")


@pytest.mark.parametrize(
    ("op", "operands", "attributes"),
    [
        *KERNEL_CASES,
        *((op, [array(2, 3), array(3)], {}) for op in (*BINARY, "Min", "Sum")),
        *((op, [array(2, 3)], {}) for op in UNARY),
        ("Or", [array(3) > 2, array(3) > 3], {}),
    ],
)
def test_kernel_agrees_with_onnx_runtime(op: str, operands, attributes) -> None:
    graph = Graph(name="kernel")
    builder = Builder(graph)
    values = [builder.const(operand, str(operand.dtype)) for operand in operands]
    count = attributes.get("num_outputs", 2 if op == "Split" else 1)
    made = builder.op(op, *values, results=count, name="y", **attributes)
    builder.output([Value(made.node, index) for index in range(count)])
    found = evaluate(op, attributes, operands, graph.node(made.node).results)
    assert found is not None
    for mine, theirs in zip(found, run(graph), strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_every_kernel_is_held_against_onnx_runtime() -> None:
    tried = {case[0] for case in KERNEL_CASES} | {*BINARY, *UNARY, "Min", "Sum", "Or"}
    assert tried == KERNELS.keys()


def test_division_of_integers_by_zero_is_left_to_the_run() -> None:
    graph = parse("""
def net(x: int64[2]):
    a: int64[2] = Const([1, 2])
    z: int64[2] = Const([0, 1])
    d: int64[2] = Div(a, z)
    return d
""")
    assert fold_constants(graph) is graph
