"""Diffs through origins, and of graphs that have none in common."""

import json

import numpy as np
import pytest
from random_graphs import chain, random_graph, renamed

from graphlens.analysis.diff import diff
from graphlens.errors import UsageError
from graphlens.ir import Graph, parse
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

BEFORE = """
def f(x: float32[1, 4, 8, 8]):
    w: float32[4, 4, 1, 1] = Param()
    s: float32[4] = Param()
    conv: float32[1, 4, 8, 8] = Conv(x, w)
    bn: float32[1, 4, 8, 8] = BatchNormalization(conv, s, s, s, s)
    drop: float32[1, 4, 8, 8] = Identity(bn)
    relu: float32[1, 4, 8, 8] = Relu(drop)
    add: float32[1, 4, 8, 8] = Add(relu, x)
    return add
"""
AFTER = """
def f(x: float32[1, 4, 8, 8]):
    w: float32[4, 4, 1, 1] = Param()
    bias: float32[4] = Param(_origins=['s'])
    conv: float32[1, 4, 8, 8] = Conv(x, w, bias, _origins=['conv', 'bn'])
    relu: float32[1, 4, 8, 8] = Relu(conv)
    extra: float32[1, 4, 8, 8] = Neg(relu)
    add: float32[1, 4, 8, 8] = Add(extra, x)
    return add
"""


def names(changes) -> list[str]:
    return [change.after for change in changes]


def test_a_history_step_is_told_through_origins():
    held = diff(parse(BEFORE), parse(AFTER))
    assert held.removed == ("drop",)
    assert held.added == ("extra",)
    assert [(c.after, c.before) for c in held.fused] == [("conv", ("conv", "bn"))]
    assert names(held.kept) == ["x", "w", "bias", "relu", "output"]
    assert [(c.after, c.what) for c in held.changed] == [
        ("add", ("operand 0: relu -> extra",)),
    ]


def test_the_text_has_one_line_a_difference():
    assert str(diff(parse(BEFORE), parse(AFTER))).splitlines() == [
        "- Identity drop",
        "+ Neg extra",
        "* Conv conv <- conv, BatchNormalization bn",
        "~ Add add: operand 0: relu -> extra",
        "5 kept",
    ]


def test_every_node_of_both_is_told_of_once():
    before, after = parse(BEFORE), parse(AFTER)
    held = diff(before, after)
    told = [*held.added, *names(held.kept), *names(held.changed), *names(held.fused)]
    assert sorted(told) == sorted(after)
    old = {name for olds in held.matches().values() for name in olds}
    assert old | set(held.removed) == set(before)
    assert not old & set(held.removed)


def test_a_node_whose_operand_was_removed_and_passed_on_is_kept():
    held = diff(parse(BEFORE), parse(AFTER))
    assert "relu" in names(held.kept)


def test_a_node_that_became_several_is_theirs_all():
    before = parse("def f(x: float32[2, 3]):\n    w: float32[3, 4] = Param()\n"
                   "    b: float32[4] = Param()\n"
                   "    g: float32[2, 4] = Gemm(x, w, b)\n    return g\n")  # fmt: skip
    after = parse("def f(x: float32[2, 3]):\n    w: float32[3, 4] = Param()\n"
                  "    b: float32[4] = Param()\n"
                  "    m: float32[2, 4] = MatMul(x, w, _origins=['g'])\n"
                  "    g: float32[2, 4] = Add(m, b, _origins=['g'])\n    return g\n")  # fmt: skip
    held = diff(before, after)
    assert held.removed == held.added == ()
    assert [(c.after, c.before, c.what[0]) for c in held.changed] == [
        ("m", ("g",), "Gemm -> MatMul"),
        ("g", ("g",), "Gemm -> Add"),
    ]


def test_a_graph_and_itself_differ_in_nothing():
    graph = parse(BEFORE)
    held = diff(graph, graph)
    assert not held
    assert str(held) == "9 kept"


@pytest.mark.parametrize("seed", range(15))
def test_two_captures_under_other_names_differ_in_nothing(seed):
    graph = random_graph(seed)
    held = diff(graph, renamed(graph))
    assert not held, str(held)
    assert len(held.kept) == len(graph)


def test_a_layer_inserted_into_another_capture_is_the_one_thing_added():
    before = chain(30)
    text = "def f(x: float32[1, 16]):\n"
    last = "x"
    for index in range(31):
        op = "Sigmoid" if index == 12 else "Relu"
        text += f"    layer{index}: float32[1, 16] = {op}({last})\n"
        last = f"layer{index}"
    held = diff(before, parse(f"{text}    return {last}\n"))
    assert held.added == ("layer12",)
    assert held.removed == ()
    assert len(held.kept) == 31
    assert [c.what for c in held.changed] == [("operand 0: r11 -> layer12",)]


def test_a_group_that_took_its_name_from_what_it_fused_is_still_of_that_history():
    before = chain(6)
    body = """
    def body(a: float32[1, 16]):
        b: float32[1, 16] = Relu(a)
        c: float32[1, 16] = Relu(b)
        return c
"""
    text, last = "def f(x: float32[1, 16]):", "x"
    for index in (0, 2, 4):
        text += body
        text += f"    r{index}: float32[1, 16] = Region({last}, body=body, "
        text += f"_origins=['r{index}', 'r{index + 1}'])\n"
        last = f"r{index}"
    held = diff(before, parse(text + f"    return {last}\n"))
    assert [(c.after, c.before) for c in held.fused] == [
        (f"r{i}", (f"r{i}", f"r{i + 1}")) for i in (0, 2, 4)
    ]
    assert (held.added, held.removed) == ((), ())


def test_a_changed_attribute_of_another_capture_is_one_change():
    before = parse("def f(x: float32[1, 3, 8, 8]):\n    w: float32[4, 3, 3, 3] = Param()\n"
                   "    c: float32[1, 4, 6, 6] = Conv(x, w)\n"
                   "    r: float32[1, 4, 6, 6] = Relu(c)\n    return r\n")  # fmt: skip
    after = parse("def g(q: float32[1, 3, 8, 8]):\n    v: float32[4, 3, 3, 3] = Param()\n"
                  "    d: float32[1, 4, 6, 6] = Conv(q, v, group=3)\n"
                  "    s: float32[1, 4, 6, 6] = Relu(d)\n    return s\n")  # fmt: skip
    held = diff(before, after)
    assert [(c.before, c.after, c.what) for c in held.changed] == [
        (("c",), "d", ("attribute group: none -> 3",))
    ]
    assert (held.added, held.removed) == ((), ())


def test_another_value_of_a_weight_is_a_change():
    before, after = parse(BEFORE), parse(BEFORE)
    before.weights["s"] = np.zeros(4, np.float32)
    after.weights["s"] = np.zeros(4, np.float32)
    assert not diff(before, after)
    after.weights["s"] = np.ones(4, np.float32)
    assert [(c.after, c.what) for c in diff(before, after).changed] == [("s", ("another value",))]


def test_unrelated_graphs_match_in_little():
    held = diff(
        parse(BEFORE), parse("def g(a: int64[3]):\n    b: int64[3] = Neg(a)\n    return b\n")
    )
    assert "b" in held.added
    assert {"conv", "bn", "relu", "add"} <= set(held.removed)


def test_the_diff_can_be_written_as_json():
    plain = diff(parse(BEFORE), parse(AFTER)).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["fused"][0]["before"] == ["conv", "bn"]


def test_an_unknown_way_to_match_is_an_error():
    with pytest.raises(UsageError, match="unknown way to match nodes 'names'"):
        diff(parse(BEFORE), parse(AFTER), by="names")


def test_three_thousand_nodes_are_compared_in_either_way():
    one, other = chain(3_000), chain(3_000)
    other.update_node("r1500", op="Neg")
    for by in ("origins", "structure"):
        held = diff(one, other, by=by)
        assert [c.after for c in held.changed] == ["r1500"] or held.added == ("r1500",)
        assert len(held.kept) >= 3_000


PLAIN = """
def f(x: float32[4, 8]):
    one.weight: float32[8, 8] = Param()
    two.weight: float32[8, 8] = Param()
    one: float32[4, 8] = MatMul(x, one.weight)
    act: float32[4, 8] = Relu(one)
    two: float32[4, 8] = MatMul(act, two.weight)
    return two
"""


def test_two_captures_of_equal_names_are_matched_by_what_they_compute():
    after = PLAIN.replace("two", "head").replace("MatMul(act", "MatMul(new")
    after = after.replace("    head:", "    new: float32[4, 8] = Sigmoid(act)\n    head:")
    found = diff(parse(PLAIN), parse(after))
    assert found.removed == ()
    assert found.added == ("new",)
    assert found.matches()["head"] == ("two",)


def test_weights_of_one_type_stay_with_the_layers_that_read_them():
    after = parse(
        PLAIN.replace("Relu", "Tanh").replace("f(x: float32[4, 8])", "f(x: float32[2, 8])")
    )
    held = diff(parse(PLAIN), after).matches()
    assert held["one.weight"] == ("one.weight",)
    assert held["two.weight"] == ("two.weight",)


HEADS = """
def f(x: float32[4, 8]):
    q.weight: float32[8, 8] = Param()
    k.weight: float32[8, 8] = Param()
    q: float32[4, 8] = MatMul(x, q.weight)
    k: float32[4, 8] = MatMul(x, k.weight)
    left: float32[4, 8] = Relu(q)
    right: float32[4, 8] = Relu(k)
    both: float32[4, 8] = Sub(right, left)
    return both
"""


@pytest.mark.parametrize("turned", [False, True])
def test_of_operations_that_compute_the_like_those_of_one_name_are_matched(turned):
    narrow = HEADS.replace("k.weight: float32[8, 8]", "k.weight: float32[8, 2]")
    narrow = narrow.replace("k: float32[4, 8]", "k: float32[4, 2]")
    narrow = narrow.replace("right: float32[4, 8]", "right: float32[4, 2]")
    narrow = narrow.replace("right: float32[4, 2] = Relu(k)", "right: float32[4, 2] = Elu(k)")
    graphs = [parse(HEADS), parse(narrow)][:: -1 if turned else 1]
    held = diff(*graphs).matches()
    assert {name: held[name] for name in ("q", "k", "left")} == {
        name: (name,) for name in ("q", "k", "left")
    }


@pytest.mark.parametrize("turned", [False, True])
def test_what_a_block_gives_is_not_what_one_more_layer_of_it_reads(turned):
    def model(layers):
        graph = Graph(name="dense")
        make = Builder(graph)
        held = [make.input("x", TensorType("float32", (4, 8)))]
        for layer in range(layers):
            make.scope = f"block.{layer}"
            value = make.op("Concat", *held, axis=1, name=f"block.{layer}.cat")
            held.append(make.op("Relu", value, name=f"block.{layer}.act"))
        make.scope = "last"
        value = make.op("Concat", *held, axis=1, name="last.cat")
        make.output([make.op("Relu", value, name="last.act")])
        return graph

    found = diff(*(model(layers) for layers in ((3, 2) if turned else (2, 3))))
    assert found.matches()["last.cat"] == ("last.cat",)
    assert found.matches()["last.act"] == ("last.act",)
    assert (found.removed if turned else found.added) == ("block.2.cat", "block.2.act")


def numbered(norms: bool) -> Graph:
    """Convolutions of several widths, each with an activation; every layer has a number."""
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (1, 3, 16, 16)))
    layer, inner = 0, 3
    for wide in (8, 8, 16, 16, 16, 32):
        make.scope = f"features.{layer}"
        weight = make.param(f"{make.scope}.weight", TensorType("float32", (wide, inner, 3, 3)))
        x = make.op("Conv", x, weight, kernel_shape=(3, 3), pads=(1,) * 4, name=make.scope)
        for op in ("BatchNormalization", "Relu") if norms else ("Relu",):
            layer += 1
            make.scope = f"features.{layer}"
            held = TensorType("float32", (wide,))
            more = [make.param(f"{make.scope}.{word}", held) for word in "abcd" if op != "Relu"]
            x = make.op(op, x, *more, name=make.scope)
        layer, inner = layer + 1, wide
    make.scope = ""
    make.output([x])
    return graph


@pytest.mark.parametrize("turned", [False, True])
def test_layers_put_in_among_numbered_ones_are_all_that_is_new(turned):
    plain, normed = numbered(norms=False), numbered(norms=True)
    held = diff(normed, plain) if turned else diff(plain, normed)
    new = held.removed if turned else held.added
    assert (held.added if turned else held.removed) == ()
    ops = [normed.op(name) for name in new]
    assert ops.count("BatchNormalization") == 6
    assert set(ops) == {"BatchNormalization", "graphlens.Param"}


def test_sequences_too_long_to_compare_are_matched_by_name_alone(monkeypatch):
    monkeypatch.setattr("graphlens.analysis.matching._PAIRS", 4)
    held = diff(numbered(norms=False), numbered(norms=True))
    assert held.removed
