"""The text form: what it looks like, that it comes back, and what is refused."""

import numpy as np
import pytest
from random_graphs import chain, random_graph

from graphlens.errors import FormatError
from graphlens.ir import Graph, Node, Source, Value, check, parse, to_text
from graphlens.tensor import TensorType

HELD = TensorType("float32", (2,))

EVERYTHING = """\
def f(x: float32[1, N, 2 * N, 'N//2', '?'], y: undefined[...], c: bool[()]):
    w: bfloat16[4] = Param()
    k: int64[2] = Const([1, -1])
    e: float32[2] = Const([nan, -inf])
    s: (float32[2], int64[...]) = TopK(x, k, axis=-1, largest=True)
    _['any/name:0']: float32[2] = aten.foo(s @ 1, None, layer1[0].conv, mode='a\\nb', t=float16[3])
    layer1[0].conv: float32[2] = Conv(x, w, strides=[1, 1], scale=0.5, deep=[[1], []], raw=b'\\x00')
    def body(a: float32[2]):
        r: float32[2] = Relu(a)
        return r
    g: float32[2] = Region(layer1[0].conv, body=body)
    nothing: () = aten.print(g)
    return Output(g, _['any/name:0'], names=['out', 'other'])
"""


def test_everything_that_the_form_can_say_comes_back():
    text = EVERYTHING.replace("layer1[0].conv, mode", "e, mode")
    assert to_text(parse(text)) == text


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_come_back_with_detail(seed):
    graph = random_graph(seed)
    text = to_text(graph, detail=True)
    again = parse(text)
    assert to_text(again, detail=True) == text
    assert list(again) == list(graph)
    assert all(again.node(name) == graph.node(name) for name in graph)


def test_what_detail_adds_comes_back():
    graph = Graph(name="f")
    node = Node("Relu", results=(HELD,), scope="a.0", source=Source("nn.ReLU", "m.py", 3),
                origins=("p", "q"))  # fmt: skip
    graph.add(Node("Input", "graphlens", results=(HELD,)), name="x")
    graph.add(node, [Value("x")], "r")
    graph.add(Node("Output", "graphlens"), [Value("r")], "output")
    again = parse(to_text(graph, detail=True))
    assert again.node("r") == node
    assert parse(to_text(graph)).node("r").scope == ""


@pytest.mark.parametrize(
    "name",
    ["layer1.0.conv1", "0", "a b", "class", "x.class", "_", "π", "a..b", ".a", "a.", "a.01",
     "quote'\"", "back\\slash", "new\nline", "x:0", "None", "return", "a.0b", "ﬁ", "\ud800"],
)  # fmt: skip
def test_any_name_comes_back(name):
    graph = Graph(name=name)
    graph.add(Node("Input", "graphlens", results=(HELD,)), name=name)
    graph.add(Node("Relu", results=(HELD,)), [Value(name)], f"{name}.r")
    graph.add(Node("Output", "graphlens"), [Value(f"{name}.r")], "output")
    again = parse(to_text(graph))
    assert list(again) == list(graph)
    assert again.operands(f"{name}.r") == (Value(name),)


@pytest.mark.parametrize("key", ["from", "a-b", "_scope", "_class", "0", "", "π", "__x__"])
def test_any_attribute_comes_back(key):
    graph = Graph(name="f")
    graph.add(Node("Foo", "tf", {key: (1, 2.5), "other": "a"}, (HELD,)), name="y")
    graph.add(Node("Output", "graphlens", {key: True}), [Value("y")], "output")
    again = parse(to_text(graph, detail=True))
    assert again.node("y") == graph.node("y")
    assert again.node("output") == graph.node("output")


def test_two_inputs_whose_words_are_one_keep_their_names():
    graph = Graph(name="f")
    for name in ("a.b", "a_b", "a/b"):
        graph.add(Node("Input", "graphlens", results=(HELD,)), name=name)
    graph.add(Node("Output", "graphlens"), [Value("a.b")], "output")
    assert parse(to_text(graph)).inputs == ("a.b", "a_b", "a/b")


@pytest.mark.parametrize(
    "array",
    [np.array(3, np.int64), np.array([], np.float32), np.array([[True], [False]]),
     np.array([1.5, np.nan, -np.inf], np.float32), np.array([0.1], np.float64),
     np.array([1 + 2j, complex("nan")], np.complex64), np.array(["a", "b'"], object),
     np.arange(6, dtype="bfloat16").reshape(2, 3), np.array([1], "float8_e4m3fn")],
    ids=lambda array: str(array.dtype),
)  # fmt: skip
def test_small_literals_come_back_in_their_dtype_and_shape(array):
    held = TensorType("string" if array.dtype == object else str(array.dtype), array.shape)
    graph = Graph(name="f")
    graph.add(Node("Const", "graphlens", results=(held,)), name="k")
    graph.weights["k"] = array
    graph.add(Node("Output", "graphlens"), [Value("k")], "output")
    again = parse(to_text(graph)).weights["k"]
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    assert str(again.tolist()) == str(array.tolist())


def test_large_literals_are_left_out_but_for_detail():
    graph = Graph(name="f")
    graph.add(Node("Const", "graphlens", results=(TensorType("int64", (99,)),)), name="k")
    graph.weights["k"] = np.arange(99)
    graph.add(Node("Output", "graphlens"), [Value("k")], "output")
    assert "k: int64[99] = Const(...)" in to_text(graph)
    assert parse(to_text(graph)).weights == {}
    assert parse(to_text(graph, detail=True)).weights["k"].tolist() == list(range(99))


def test_a_graph_without_results_returns_nothing():
    graph = parse("def f(x: float32[2]):\n    return\n")
    assert graph.outputs == ()
    assert parse(to_text(graph)).outputs == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one 'def name"),
        ("x = 1", "one 'def name"),
        ("def f(:", "not the text of a graph"),
        ("def f(x: float32[2]):\n    y = Relu(x)", "line 2: expected 'name: type = Op"),
        ("def f(x: float32[2]):\n    y: float32 = Relu(x)", "'float32' is not a type"),
        ("def f(x: float32[2]):\n    y: float32[2] = Relu(z)", "'z', which is not in the graph"),
        ("def f(x: float32[2]):\n    x: float32[2] = Relu(x)", "the name 'x' is taken"),
        ("def f(x: float32[2]):\n    y: float32[2] = Relu(x @ 1)", "which has fewer results"),
        ("def f(x: float32[2]):\n    y: float32[2] = Relu(x + 1)", "is not a name"),
        ("def f(x: float32[2]):\n    y: float32[2] = Relu(x, a=open('f'))", "is not a literal"),
        ("def f(x: float32[2]):\n    k: int64[2] = Const([1])", "cannot reshape"),
        ("def f(x: float32[2]):\n    k: int64[2] = Const([[1], [1, 2]])", "line 2"),
        ("def f(x: float32[2]):\n    k: nonsense[2] = Const([1, 2])", "nonsense"),
        ("def f(x: float32[2]):\n    import os", "line 2: expected"),
        ("def f(*x):\n    return x", "line 1: plain inputs"),
        ("def f(x: float32[2], y: float32[2] = '1 +'):\n    return x", "line 1: invalid syntax"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_form_is_refused_with_its_line(text, said):
    with pytest.raises(FormatError) as caught:
        check(parse(text))
    assert said in str(caught.value)


def test_text_is_never_executed(tmp_path):
    target = tmp_path / "made"
    with pytest.raises(FormatError):
        parse(f"def f(x: float32[2] = open({str(target)!r}, 'w')):\n    return x")
    with pytest.raises(FormatError):
        parse(
            f"def f(x):\n    y: float32[open({str(target)!r}, 'w')] = Relu(x)\n    k\n    return y"
        )
    assert not target.exists()


def test_deep_nesting_is_refused_and_does_not_overflow():
    with pytest.raises(FormatError):
        parse(
            "def f(x: float32[2]):\n    y: float32[2] = Relu(x, a=" + "[" * 5000 + "]" * 5000 + ")"
        )


def test_a_chain_of_5_000_comes_back():
    graph = chain(5_000)
    assert list(parse(to_text(graph))) == list(graph)
