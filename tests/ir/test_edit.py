"""Editing a draft: the original stays, names stay, the order stays readable."""

import numpy as np
import pytest
from random_graphs import chain, random_graph

from graphlens.errors import GraphError
from graphlens.ir import Editor, Node, Value, check, parse, to_text
from graphlens.tensor import TensorType

HELD = TensorType("float32", (2,))
TEXT = """
def f(x: float32[2]):
    w: float32[2] = Param()
    a: float32[2] = Relu(x)
    b: float32[2] = Add(a, w)
    c: float32[2] = Neg(b)
    return c, b
"""


def test_a_draft_that_was_not_edited_is_the_original_itself():
    graph = parse(TEXT)
    editor = Editor(graph)
    assert not editor.changed
    assert editor.finish() is graph


def test_the_original_stays_as_it_was():
    graph = parse(TEXT)
    graph.weights["w"] = np.zeros(2, np.float32)
    before = to_text(graph, detail=True)
    editor = Editor(graph)
    name = editor.add(Node("Exp", results=(HELD,)), [Value("a")], "exp", at="b")
    editor.replace(Value("b"), Value(name))
    editor.update("c", op="Abs", scope="here")
    editor.set_weight("w", np.ones(2, np.float32))
    editor.erase("b")
    editor.rewire("c", 0, Value("x"))
    after = check(editor.finish())
    assert after is not graph
    assert to_text(graph, detail=True) == before
    assert graph.weights["w"].tolist() == [0, 0]
    assert "w" not in after.successors("exp")


def test_a_node_is_added_in_the_place_of_another():
    editor = Editor(parse(TEXT))
    editor.add(Node("Exp", results=(HELD,)), [Value("a")], "first", at="b")
    editor.add(Node("Log", results=(HELD,)), [Value("first")], "second", at="b")
    editor.add(Node("Sin", results=(HELD,)), [Value("c")], "last")
    assert list(editor.finish()) == [
        "x", "w", "a", "first", "second", "b", "c", "output", "last"
    ]  # fmt: skip


def test_a_node_added_before_its_operand_is_moved_behind_it():
    editor = Editor(parse(TEXT))
    name = editor.add(Node("Exp", results=(HELD,)), [Value("c")], "exp", at="a")
    editor.rewire("output", 1, Value(name))
    after = check(editor.finish())
    assert list(after).index("exp") == list(after).index("c") + 1
    assert after.in_order() == list(after)


def test_replace_moves_every_reading_and_that_of_one_result_only():
    graph = parse("""
def f(x: float32[4]):
    s: (float32[2], float32[2]) = Split(x, num_outputs=2)
    a: float32[2] = Mul(s @ 0, s @ 0)
    b: float32[2] = Add(s @ 1, s @ 0)
    return a, b
""")
    editor = Editor(graph)
    editor.replace(Value("s", 0), Value("s", 1))
    after = editor.finish()
    assert set(after.operands("a") + after.operands("b")) == {Value("s", 1)}
    assert after.users(Value("s", 0)) == ()


def test_rewire_takes_an_operand_away_and_gives_one():
    editor = Editor(parse(TEXT))
    editor.rewire("b", 1, None)
    assert editor.graph.operands("b") == (Value("a"),)
    editor.rewire("b", 3, Value("x"))
    assert editor.finish().operands("b") == (Value("a"), None, None, Value("x"))


def test_a_node_that_is_read_cannot_be_erased():
    editor = Editor(parse(TEXT))
    with pytest.raises(GraphError, match=r"'b' cannot be erased: \['c', 'output'\] still read it"):
        editor.erase("b")


def test_a_sweep_erases_what_nobody_reads_any_more_and_keeps_the_signature():
    editor = Editor(parse(TEXT))
    editor.rewire("output", 0, Value("x"))
    editor.rewire("output", 1, None)
    editor.set_weight("w", np.zeros(2, np.float32))
    editor.sweep(["c", "output", "x"])
    after = editor.finish()
    assert list(after) == ["x", "output"]
    assert after.weights == {}


def test_a_sweep_of_nothing_dead_copies_nothing():
    graph = parse(TEXT)
    editor = Editor(graph)
    editor.sweep(list(graph))
    assert editor.finish() is graph


def test_a_long_dead_chain_is_swept_without_recursion():
    graph = chain(5_000)
    editor = Editor(graph)
    editor.rewire("output", 0, Value("x"))
    editor.sweep(["r4999"])
    assert list(editor.finish()) == ["x", "output"]


def test_an_edit_drops_the_memory_plan_that_the_graph_carries():
    graph = parse(TEXT)
    graph.graph |= {"arena": {"bytes": 1}, "capture": "torch.fx"}
    editor = Editor(graph)
    editor.update("a", op="Abs")
    assert editor.finish().graph == {"name": "f", "capture": "torch.fx"}
    assert graph.graph["arena"] == {"bytes": 1}


def test_an_editor_can_go_on_after_finish():
    editor = Editor(parse(TEXT))
    editor.update("a", op="Abs")
    first = editor.finish()
    editor.update("a", op="Exp")
    second = editor.finish()
    assert (first.op("a"), second.op("a")) == ("Abs", "Exp")


@pytest.mark.parametrize("seed", range(10))
def test_inserting_an_identity_behind_every_value_keeps_the_graph_sound(seed):
    graph = random_graph(seed)
    editor = Editor(graph)
    for name in list(graph):
        for index, held in enumerate(graph.node(name).results):
            value = Value(name, index)
            made = editor.add(Node("Identity", results=(held,)), [], f"{name}.id{index}", at=name)
            editor.replace(value, Value(made))
            editor.rewire(made, 0, value)
    after = check(editor.finish())
    results = sum(len(graph.node(name).results) for name in graph)
    assert len(after) == len(graph) + results
    assert after.in_order() == list(after)
    assert [name for name in after if name in graph] == list(graph)
