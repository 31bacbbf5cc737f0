"""The pattern engine: what matches, what is refused, and what the driver leaves behind."""

from __future__ import annotations

import pytest

from graphlens.errors import PassError
from graphlens.ir import Graph, Value, check, parse, to_text
from graphlens.ops.build import Builder
from graphlens.rewrite import (
    Match,
    Rule,
    apply,
    const,
    either,
    op,
    optional,
    param,
    record,
    rest,
    scalar,
    var,
)
from graphlens.tensor import TensorType


def fused(m: Match, b: Builder) -> Value:
    return b.op("fused", m["x"], m["y"], domain="test", results=[m.type()], name=m.root)


RELU_OF_ADD = Rule(
    "relu-of-add",
    op("Relu", op("Add", var("x"), var("y"), name="sum")),
    fused,
    comment="Relu(Add(x, y)) -> fused(x, y)",
)
IDENTITY = Rule("identity", op("Identity", var("x")), lambda m, _: m["x"])


def lines(graph: Graph) -> list[str]:
    return [line.strip() for line in to_text(graph).strip().splitlines()[1:]]


def test_match_is_replaced_at_its_place_with_scope_and_all_origins() -> None:
    graph = parse("""
def net(x: float32[3], y: float32[3]):
    a: float32[3] = Add(x, y, _scope='layer.add', _origins=['p', 'q'])
    r: float32[3] = Relu(a, _scope='layer.act')
    z: float32[3] = Exp(r)
    return z
""")
    after, log = record(graph, [RELU_OF_ADD])
    assert lines(check(after)) == [
        "r: float32[3] = test.fused(x, y)",
        "z: float32[3] = Exp(r)",
        "return z",
    ]
    assert after.node("r").origins == ("p", "q", "r")
    assert after.node("r").scope == "layer.act"
    assert [(a.rule, a.matched, a.made, a.region) for a in log] == [
        ("relu-of-add", ("a", "r"), ("r",), "")
    ]


def test_no_match_returns_the_graph_itself() -> None:
    graph = parse("def net(x: float32[3]):\n    a: float32[3] = Exp(x)\n    return a\n")
    assert apply(graph, [RELU_OF_ADD, IDENTITY]) is graph


def test_the_graph_given_is_left_as_it_was() -> None:
    graph = parse("def net(x: float32[3]):\n    a: float32[3] = Identity(x)\n    return a\n")
    text = to_text(graph, detail=True)
    apply(graph, [IDENTITY])
    assert to_text(graph, detail=True) == text


@pytest.mark.parametrize("end", ["return r, a", "b: float32[3] = Exp(a)\n    return r, b"])
def test_inner_value_read_outside_refuses_the_match(end: str) -> None:
    graph = parse(f"""
def net(x: float32[3], y: float32[3]):
    a: float32[3] = Add(x, y)
    r: float32[3] = Relu(a)
    {end}
""")
    assert apply(graph, [RELU_OF_ADD]) is graph


def test_kept_value_stays_for_its_other_readers() -> None:
    rule = Rule("kept", op("Relu", op("Add", var("x"), var("y"), kept=True)), fused)
    graph = parse("""
def net(x: float32[3], y: float32[3]):
    a: float32[3] = Add(x, y)
    r: float32[3] = Relu(a)
    return r, a
""")
    assert lines(apply(graph, [rule])) == [
        "a: float32[3] = Add(x, y)",
        "r: float32[3] = test.fused(x, y)",
        "return r, a",
    ]


def test_value_read_twice_inside_the_match_does_not_leak() -> None:
    square = op("Mul", op("Exp", var("x"), name="e"), op("Exp", var("x"), name="e"))
    rule = Rule("twice", square, lambda m, b: b.op("Abs", m["x"], results=[m.type()]))
    graph = parse("""
def net(x: float32[3]):
    e: float32[3] = Exp(x)
    m: float32[3] = Mul(e, e)
    return m
""")
    assert lines(apply(graph, [rule])) == ["abs: float32[3] = Abs(x)", "return abs"]


def test_one_name_is_one_value() -> None:
    rule = Rule(
        "x-minus-x",
        op("Sub", var("x"), var("x")),
        lambda m, b: b.op("Neg", m["x"], results=[m.type()]),
    )
    graph = parse("""
def net(x: float32[3], y: float32[3]):
    a: float32[3] = Sub(x, y)
    return a
""")
    assert apply(graph, [rule]) is graph


@pytest.mark.parametrize("operands", ["c, w", "w, c"])
def test_both_orders_of_a_commutative_op_match(operands: str) -> None:
    rule = Rule(
        "bias",
        op("Add", op("Exp", var("x")), param("w")),
        lambda m, b: b.op("fused", m["x"], m["w"], domain="test", results=[m.type()]),
    )
    graph = parse(f"""
def net(x: float32[3]):
    w: float32[3] = Param()
    c: float32[3] = Exp(x)
    a: float32[3] = Add({operands})
    return a
""")
    assert lines(apply(graph, [rule])) == [
        "w: float32[3] = Param()",
        "fused: float32[3] = test.fused(x, w)",
        "return fused",
    ]


def test_operands_of_other_ops_match_in_their_order_only() -> None:
    rule = Rule("sub", op("Sub", param("w"), var("x")), lambda m, _: m["x"])
    graph = parse("""
def net(x: float32[3]):
    w: float32[3] = Param()
    a: float32[3] = Sub(x, w)
    return a
""")
    assert apply(graph, [rule]) is graph


def test_backtracking_finds_the_order_in_which_all_captures_agree() -> None:
    pattern = op("Add", op("Mul", var("x"), var("y")), op("Mul", var("x"), var("z")))
    rule = Rule(
        "factor",
        pattern,
        lambda m, b: b.op("fused", m["x"], m["y"], m["z"], domain="test", results=[m.type()]),
    )
    graph = parse("""
def net(p: float32[3], q: float32[3], r: float32[3]):
    a: float32[3] = Mul(p, q)
    b: float32[3] = Mul(r, q)
    c: float32[3] = Add(a, b)
    return c
""")
    assert lines(apply(graph, [rule]))[0] == "fused: float32[3] = test.fused(q, p, r)"


def test_attributes_are_looked_up_with_onnx_defaults() -> None:
    rule = Rule("last", op("Softmax", var("x"), axis=-1), lambda m, _: m["x"])
    positive = Rule("first", op("Softmax", var("x"), axis=lambda axis: axis >= 0), rule.replace)
    graph = parse("""
def net(x: float32[3, 3]):
    a: float32[3, 3] = Softmax(x)
    b: float32[3, 3] = Softmax(a, axis=0)
    return b
""")
    assert lines(apply(graph, [rule])) == [
        "b: float32[3, 3] = Softmax(x, axis=0)",
        "return b",
    ]
    assert lines(apply(graph, [positive])) == ["a: float32[3, 3] = Softmax(x)", "return a"]


CLIP = """
def net(x: float32[3]):
    low: float32[()] = Const(0.5)
    a: float32[3] = Clip(x, {operands})
    return a
"""


@pytest.mark.parametrize(
    ("pattern", "operands", "found"),
    [
        (op("Clip", var("x")), "low", False),
        (op("Clip"), "low", True),
        (op("Clip", var("x"), var("low")), "low", True),
        (op("Clip", var("x"), var("low"), optional(var("high"))), "low", True),
        (op("Clip", var("x"), optional(var("low")), var("high")), "None, low", True),
        (op("Clip", var("x"), var("low"), var("high")), "None, low", False),
        (op("Clip", var("x"), rest("bounds")), "None, low", True),
        (op("Clip", var("x"), scalar(0.5)), "low", True),
        (op("Clip", var("x"), scalar(0.25)), "low", False),
        (op("Clip", var("x"), const(when=lambda _, array: array.size == 1)), "low", True),
        (op(("Exp", "Clip"), var("x"), param()), "low", True),
        (op("Clip", param("x"), var()), "low", False),
        (op("Clip", var("x"), either(scalar(0.25), scalar(0.5))), "low", True),
        (op("Clip", var("x"), var(when=lambda held, _: held.rank == 0)), "low", True),
    ],
)
def test_patterns_of_operands(pattern, operands: str, found: bool) -> None:
    def replace(m: Match, b: Builder) -> Value:
        return b.op("Done", Value("x"), domain="test", results=[m.type()])

    graph = parse(CLIP.format(operands=operands))
    assert bool(record(graph, [Rule("clip", pattern, replace)])[1]) is found


def test_absent_captures_are_none_and_wrong_names_an_error() -> None:
    seen: list[object] = []

    def replace(m: Match, _: Builder) -> None:
        seen.extend([m.get("high"), "high" in m, m.all("more"), m.number("low")])
        m["typo"]

    pattern = op("Clip", var("x"), scalar(None, "low"), optional(var("high")))
    with pytest.raises(PassError, match="captures no value 'typo'"):
        apply(parse(CLIP.format(operands="low")), [Rule("clip", pattern, replace)])
    assert seen == [None, False, (), 0.5]


def test_condition_and_replacement_may_decline() -> None:
    graph = parse("def net(x: float32[3]):\n    a: float32[3] = Identity(x)\n    return a\n")
    refused = Rule("refused", IDENTITY.pattern, IDENTITY.replace, when=lambda m: False)
    declined = Rule("declined", IDENTITY.pattern, lambda m, b: None)
    assert apply(graph, [refused, declined]) is graph


def test_second_result_that_is_read_refuses_a_replacement_of_the_first() -> None:
    rule = Rule("dropout", op("Dropout", var("x")), lambda m, _: m["x"])
    graph = parse("""
def net(x: float32[3]):
    d: (float32[3], bool[3]) = Dropout(x)
    return d @ 0, d @ 1
""")
    assert apply(graph, [rule]) is graph


def test_several_results_are_replaced_one_by_one() -> None:
    rule = Rule(
        "split",
        op("Split", var("x")),
        lambda m, b: [m["x"], b.op("Neg", m["x"], results=[m.type("x")])],
    )
    graph = parse("""
def net(x: float32[3]):
    s: (float32[3], float32[3]) = Split(x)
    return s @ 0, s @ 1
""")
    assert lines(apply(graph, [rule])) == ["neg: float32[3] = Neg(x)", "return x, neg"]


@pytest.mark.parametrize("held", ["float32[4]", "float16[3]", "float32[3, 1]"])
def test_replacement_of_another_type_names_the_rule(held: str) -> None:
    rule = Rule("wrong", op("Add", var(), var("y")), lambda m, _: m["y"])
    graph = parse(f"""
def net(x: float32[3], y: {held}):
    a: float32[3] = Add(x, y)
    return a
""")
    with pytest.raises(PassError, match=r"'wrong' replaces 'a' of type float32\[3\] by 'y'"):
        apply(graph, [rule])


def test_known_type_is_kept_where_the_replacement_knows_less() -> None:
    rule = Rule(
        "vague",
        op("Exp", var("x")),
        lambda m, b: b.op("foo", m["x"], domain="test", results=[TensorType("float32", None)]),
    )
    graph = parse("def net(x: float32[3]):\n    a: float32[3] = Exp(x)\n    return a\n")
    assert lines(apply(graph, [rule]))[0] == "foo: float32[3] = test.foo(x)"


def test_rules_that_undo_each_other_stop_with_their_names() -> None:
    there = Rule(
        "there", op("Relu", var("x")), lambda m, b: b.op("Tanh", m["x"], results=[m.type()])
    )
    back = Rule("back", op("Tanh", var("x")), lambda m, b: b.op("Relu", m["x"], results=[m.type()]))
    graph = parse("def net(x: float32[3]):\n    a: float32[3] = Relu(x)\n    return a\n")
    with pytest.raises(PassError, match=r"'(there|back)', '(there|back)'\] undo each other"):
        apply(graph, [IDENTITY, there, back])


def test_rule_that_never_stops_growing_stops() -> None:
    rule = Rule(
        "grow",
        op("Neg", var("x")),
        lambda m, b: b.op("Neg", b.op("Exp", m["x"], results=[m.type()]), results=[m.type()]),
    )
    graph = parse("def net(x: float32[3]):\n    a: float32[3] = Neg(x)\n    return a\n")
    with pytest.raises(PassError, match="grow"):
        apply(graph, [rule])


def test_regions_are_rewritten_inside_and_logged_with_their_path() -> None:
    graph = parse("""
def net(c: bool[()], x: float32[3]):
    def then_branch(x: float32[3]):
        a: float32[3] = Identity(x)
        b: float32[3] = Exp(a)
        return b
    def else_branch(x: float32[3]):
        b: float32[3] = Exp(x)
        return b
    y: float32[3] = If(c, x, then_branch=then_branch, else_branch=else_branch)
    return y
""")
    after, log = record(graph, [IDENTITY])
    assert lines(after.node("y").regions["then_branch"]) == ["b: float32[3] = Exp(x)", "return b"]
    assert [entry.region for entry in log] == ["y.then_branch/"]


def test_what_one_rule_makes_possible_another_finds() -> None:
    graph = parse("""
def net(x: float32[3], y: float32[3]):
    a: float32[3] = Add(x, y)
    i: float32[3] = Identity(a)
    j: float32[3] = Identity(i)
    r: float32[3] = Relu(j)
    return r
""")
    assert lines(apply(graph, [RELU_OF_ADD, IDENTITY]))[0] == "r: float32[3] = test.fused(x, y)"


def test_losing_a_reader_makes_a_match_possible() -> None:
    rule = Rule("forget", op("Where", var(), var("x"), var()), lambda m, _: m["x"])
    graph = parse("""
def net(x: float32[3], y: float32[3], c: bool[3]):
    a: float32[3] = Add(x, y)
    r: float32[3] = Relu(a)
    w: float32[3] = Where(c, r, a)
    return w
""")
    assert lines(apply(graph, [RELU_OF_ADD, rule])) == [
        "r: float32[3] = test.fused(x, y)",
        "return r",
    ]


def test_chain_of_100000_nodes_is_rewritten_without_recursion() -> None:
    graph = Graph(name="chain")
    builder = Builder(graph)
    held = TensorType("float32", (4,))
    value = builder.input("x", held)
    for index in range(100_000):
        value = builder.op("Exp" if index % 10 else "Identity", value, results=[held])
    builder.output([value])
    after, log = record(graph, [RELU_OF_ADD, IDENTITY])
    assert (len(after), len(log)) == (90_002, 10_000)


def test_value_that_many_nodes_read_is_not_looked_at_by_each() -> None:
    graph = Graph(name="fan")
    builder = Builder(graph)
    held = TensorType("float32", (4,))
    x = builder.input("x", held)
    hub = builder.op("Exp", x, results=[held], name="hub")
    builder.output([builder.op("Identity", hub, results=[held]) for _ in range(20_000)])
    after, log = record(graph, [IDENTITY])
    assert (len(after), len(log)) == (3, 20_000)
