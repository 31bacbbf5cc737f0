"""Isomorphism: what does not count, what does, and what is said about it."""

import numpy as np
import pytest
from random_graphs import chain, random_graph, renamed

from graphlens.analysis.equivalent import isomorphic
from graphlens.ir import Graph, parse

NET = """
def f(x: float32[1, 3, 8, 8], y: float32[1, 4, 6, 6]):
    w: float32[4, 3, 3, 3] = Param()
    k: int64[2] = Const([1, 144])
    conv: float32[1, 4, 6, 6] = Conv(x, w)
    act: float32[1, 4, 6, 6] = LeakyRelu(conv, alpha=0.1)
    add: float32[1, 4, 6, 6] = Add(act, y)
    flat: float32[1, 144] = Reshape(add, k)
    return flat
"""


def net(*edits: tuple[str, str], weight: float | None = 1.0) -> Graph:
    text = NET
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    graph = parse(text)
    if weight is not None:
        graph.weights["w"] = np.full((4, 3, 3, 3), weight, np.float32)
    return graph


@pytest.mark.parametrize("seed", range(20))
def test_names_and_order_of_insertion_do_not_count(seed):
    graph = random_graph(seed)
    assert isomorphic(graph, renamed(graph)) is None


@pytest.mark.parametrize("seed", range(20))
def test_one_op_changed_anywhere_is_found_and_named(seed):
    graph = random_graph(seed)
    live = [n for n in graph if graph.op(n) in ("Relu", "Sigmoid", "Neg", "Abs", "Tanh")]
    live = [n for n in live if graph.output in _reached(graph, n)]
    for name in live:
        other = renamed(graph)
        other.update_node(f"other.{name}", op="Exp")
        said = isomorphic(graph, other)
        assert said is not None
        assert f"{name!r} against Exp 'other.{name}': another op" in said


def _reached(graph: Graph, name: str) -> set[str]:
    import networkx as nx

    return nx.descendants(graph, name)


def test_operands_of_a_commutative_op_may_be_swapped_and_of_others_not():
    assert isomorphic(net(), net(("Add(act, y)", "Add(y, act)"))) is None
    said = isomorphic(net(("Add(", "Sub(")), net(("Add(act, y)", "Sub(y, act)")))
    assert said is not None


def test_attributes_at_their_default_need_not_be_given():
    assert isomorphic(net(), net(("Conv(x, w)", "Conv(x, w, group=1, strides=[1, 1])"))) is None
    assert isomorphic(net(), net(("Conv(x, w)", "Conv(x, w, pads=[0, 0, 0, 0])"))) is None
    assert isomorphic(net(), net(("Conv(x, w)", "Conv(x, w, auto_pad='NOTSET')"))) is None


def test_floats_are_compared_at_float32():
    assert isomorphic(net(), net(("alpha=0.1", "alpha=0.10000000149011612"))) is None
    assert isomorphic(net(), net(("alpha=0.1", "alpha=0.10001"))) is not None


def test_an_attribute_that_differs_is_said_with_both_values():
    said = isomorphic(net(), net(("Conv(x, w)", "Conv(x, w, group=3)")))
    assert said == (
        "Conv 'conv' against Conv 'conv': attribute group: none against 3 (read by 'act' and 'act')"
    )


def test_the_difference_nearest_to_the_inputs_is_named_and_not_what_follows_from_it():
    said = isomorphic(net(), net(("Conv(x, w)", "Relu(y)"), ("8, 8", "6, 6"), ("1, 3", "1, 4")))
    assert said is not None
    assert "input 'x'" in said
    said = isomorphic(net(), net(("LeakyRelu(conv, alpha=0.1)", "Relu(conv)")))
    assert said is not None
    assert said.startswith("LeakyRelu 'act' against Relu 'act': another op")


def test_weights_are_compared_by_value_however_they_lie_in_memory():
    one, other = net(), net()
    rng = np.random.default_rng(0)
    one.weights["w"] = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    other.weights["w"] = np.asfortranarray(one.weights["w"])
    assert isomorphic(one, other) is None
    assert isomorphic(one, net(weight=2.0)) is not None
    assert "another value" in str(isomorphic(one, net(weight=2.0)))


def test_weights_a_few_last_places_apart_are_one_unless_equal_bytes_are_wanted():
    nearly = net(weight=1.0 + 2e-7)
    assert isomorphic(net(), nearly) is None
    assert "largest difference 2.38e-07" in str(isomorphic(net(), nearly, tolerance=0))
    assert isomorphic(net(), net(weight=1.001)) is not None


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int8", "uint16", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
     "float8_e4m3fn", "float8_e5m2", "int4", "string"],
)  # fmt: skip
def test_weights_of_every_dtype_are_compared_by_value(dtype):
    import ml_dtypes  # noqa: F401  (registers the dtypes with numpy)

    text = f"def f():\n    w: {dtype}[3] = Param()\n    return w\n"
    numpy = object if dtype == "string" else dtype
    values = ["0", "1", "2"] if dtype == "string" else [0, 1, 2]
    one, same, other = parse(text), parse(text), parse(text)
    one.weights["w"] = np.array(values).astype(numpy)
    same.weights["w"] = np.array(values).astype(numpy)
    other.weights["w"] = np.array([values[0], values[0], values[2]]).astype(numpy)
    assert isomorphic(one, same) is None
    assert "another value" in str(isomorphic(one, other))


def test_nan_and_infinity_are_equal_to_themselves_with_a_tolerance():
    text = "def f():\n    w: float32[4] = Param()\n    return w\n"
    one, other = parse(text), parse(text)
    one.weights["w"] = np.array([np.nan, np.inf, 1, -np.inf], np.float32)
    other.weights["w"] = np.array([np.nan, np.inf, 1 + 2e-7, -np.inf], np.float32)
    assert isomorphic(one, other) is None
    other.weights["w"] = np.array([np.nan, np.inf, 1, np.inf], np.float32)
    assert isomorphic(one, other) is not None


def test_absent_weights_are_compared_by_type():
    assert isomorphic(net(weight=None), net()) is None
    assert isomorphic(net(weight=None), net(weight=None)) is None
    other = net(("w: float32[4, 3, 3, 3]", "w: float16[4, 3, 3, 3]"), weight=None)
    assert "float32[4, 3, 3, 3] against float16[4, 3, 3, 3]" in str(
        isomorphic(net(weight=None), other)
    )


def test_a_literal_counts_as_a_weight_of_its_value_whoever_holds_it():
    held = parse("def f(x: float32[2]):\n    w: float32[2] = Const([1.0, 2.0])\n"
                 "    y: float32[2] = Add(x, w)\n    return y\n")  # fmt: skip
    param = parse("def f(x: float32[2]):\n    w: float32[2] = Param()\n"
                  "    y: float32[2] = Add(x, w)\n    return y\n")  # fmt: skip
    param.weights["w"] = np.array([1, 2], np.float32)
    assert isomorphic(held, param) is None


def test_computing_twice_is_not_computing_once():
    once = parse("""
def f(x: float32[2]):
    a: float32[2] = RandomNormalLike(x)
    y: float32[2] = Sub(a, a)
    return y
""")
    twice = parse("""
def f(x: float32[2]):
    a: float32[2] = RandomNormalLike(x)
    b: float32[2] = RandomNormalLike(x)
    y: float32[2] = Sub(a, b)
    return y
""")
    said = isomorphic(once, twice)
    assert said is not None
    assert "1 times in one graph ['a'] and 2 times in the other ['a', 'b']" in said


def test_which_reader_shares_which_absent_weight_counts():
    text = """
def f(x: float32[2]):
    w: float32[2] = Param()
    v: float32[2] = Param()
    a: float32[2] = Sub(x, {0})
    b: float32[2] = Div(a, {1})
    c: float32[2] = Pow(b, {2})
    d: float32[2] = Mod(c, {3})
    return d
"""
    one, other = parse(text.format(*"wwvv")), parse(text.format(*"wvwv"))
    assert isomorphic(one, one) is None
    assert "read elsewhere" in str(isomorphic(one, other))
    assert isomorphic(one, parse(text.format(*"vvww"))) is None


def test_dead_nodes_do_not_count_and_unread_inputs_do():
    dead = net(("    return", "    dead: float32[1, 4, 6, 6] = Neg(add)\n    return"))
    assert isomorphic(net(), dead) is None
    said = isomorphic(net(), net(("6, 6]):", "6, 6], z: float32[1]):")))
    assert said == "2 inputs ['x', 'y'] against 3 ['x', 'y', 'z']"


def test_inputs_are_matched_by_position_and_symbols_by_occurrence():
    text = "def f({0}: float32[{1}, 2], {2}: float32[{1}, 2]):\n    z: float32[{1}, 2] = Sub(a, b)\n    return z\n"  # noqa: E501
    assert (
        isomorphic(parse(text.format("a", "N", "b")), parse(text.format("a", "batch", "b"))) is None
    )
    assert (
        isomorphic(parse(text.format("a", "N", "b")), parse(text.format("b", "N", "a"))) is not None
    )


def test_results_in_another_order_are_another_computation():
    text = """
def f(x: float32[4]):
    s: (float32[2], float32[2]) = Split(x, num_outputs=2)
    return s @ {0}, s @ {1}
"""
    assert isomorphic(parse(text.format(0, 1)), parse(text.format(0, 1))) is None
    said = isomorphic(parse(text.format(0, 1)), parse(text.format(1, 0)))
    assert said is not None
    assert "operand 0: result 0 of 's' against 1" in said


def test_result_types_that_contradict_are_said():
    other = net(("flat: float32[1, 144]", "flat: float32[1, 143]"))
    assert "result 0: float32[1, 144] against float32[1, 143]" in str(isomorphic(net(), other))
    assert isomorphic(net(), net(("flat: float32[1, 144]", "flat: undefined[...]"))) is None


def test_an_operand_given_on_one_side_only_is_said():
    graph = net(
        ("    conv", "    b: float32[4] = Param()\n    conv"), ("Conv(x, w)", "Conv(x, w, b)")
    )
    assert "2 operands against 3" in str(isomorphic(net(), graph))


def test_bodies_are_compared_too():
    text = """
def f(x: float32[2]):
    def body(a: float32[2]):
        b: float32[2] = {0}(a)
        return b
    g: float32[2] = Region(x, kind='{0}', body=body)
    return g
"""
    assert isomorphic(parse(text.format("Relu")), parse(text.format("Relu"))) is None
    same_kind = text.replace("kind='{0}', ", "")
    said = isomorphic(parse(same_kind.format("Relu")), parse(same_kind.format("Neg")))
    assert "another body" in str(said)


def test_experts_that_commute_are_matched_with_a_tolerance_too():
    """Two equal branches under one Add, weights a little off and given in another order."""
    text = """
def f(x: float32[1, 4]):
    w: float32[4, 4] = Param()
    v: float32[4, 4] = Param()
    a: float32[1, 4] = MatMul(x, w)
    b: float32[1, 4] = MatMul(x, v)
    c: float32[1, 4] = Add(a, b)
    return c
"""
    one, other = parse(text), parse(text)
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 4, 4)).astype(np.float32)
    one.weights.update(w=first, v=second)
    other.weights.update(w=second * np.float32(1 + 1e-7), v=first)
    assert isomorphic(one, other) is None


def test_a_chain_of_three_thousand_is_compared_without_recursion():
    one, other = chain(3_000), chain(3_000)
    assert isomorphic(one, other) is None
    other.update_node("r17", op="Neg")
    assert "Relu 'r17' against Neg 'r17'" in str(isomorphic(one, other))
