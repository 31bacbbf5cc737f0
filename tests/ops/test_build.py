"""Building graphs with their types worked out."""

import numpy as np

from graphlens.ir import Editor, Graph, Source, Value, check, parse, to_text
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType


def test_types_are_worked_out_and_constants_seen():
    graph = Graph(name="built")
    build = Builder(graph)
    x = build.input("x", TensorType("float32", ("N", 4)))
    weight = build.param("w", TensorType("float32", (4, 6)), np.ones((4, 6), "float32"))
    shape = build.const([0, 2, 3])
    y = build.op("Reshape", build.op("MatMul", x, weight), shape, name="y")
    build.output([y], ["result"])
    assert to_text(check(graph)) == to_text(
        parse("""
def built(x: float32[N, 4]):
    w: float32[4, 6] = Param()
    const: int64[3] = Const([0, 2, 3])
    matmul: float32[N, 6] = MatMul(x, w)
    y: float32[N, 2, 3] = Reshape(matmul, const)
    return Output(y, names=['result'])
""")
    )


def test_small_equal_literals_are_one_node():
    build = Builder(Graph())
    assert build.const(1.0) == build.const(1.0)
    assert build.const(1.0) != build.const(1.0, "float64")
    assert build.const([1, 2]) != build.const([[1, 2]])
    large = np.zeros(100)
    assert build.const(large) != build.const(large)


def test_python_numbers_are_onnxs_usual_types():
    build = Builder(Graph())
    held = [build.type_of(build.const(it)).dtype for it in (1, 1.0, True, np.float64(1), 1j)]
    assert held == ["int64", "float32", "bool", "float64", "complex128"]


def test_what_is_added_carries_the_context():
    graph = Graph()
    build = Builder(graph)
    x = build.input("x", TensorType("float32", (4,)))
    build.scope, build.source, build.origins = "layer", Source("aten.relu", "m.py", 3), ("a", "b")
    node = graph.node(build.op("Relu", x).node)
    assert (node.scope, node.source.line, node.origins) == ("layer", 3, ("a", "b"))


def test_several_results_are_values_of_one_node():
    build = Builder(Graph())
    x = build.input("x", TensorType("float32", (6, 2)))
    first = build.op("Split", x, results=3, num_outputs=3, axis=0)
    assert [str(build.type_of(Value(first.node, i))) for i in range(3)] == ["float32[2, 2]"] * 3


def test_an_editor_gets_new_nodes_in_their_place():
    graph = parse("""
def graph(x: float32[2]):
    a: float32[2] = Relu(x)
    b: float32[2] = Neg(a)
    return b
""")
    editor = Editor(graph)
    build = Builder(editor, at="b", origins=("a",))
    editor.replace(Value("a"), build.op("Abs", Value("x"), name="c"))
    editor.sweep(["a"])
    made = editor.finish()
    assert list(made) == ["x", "c", "b", "output"]
    assert made.node("c").origins == ("a",)
    assert "a" in graph
