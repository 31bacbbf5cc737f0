"""Blocks told by the numbers at the ends of names, as in Keras's NASNet."""

import graphlens
from graphlens import view
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType
from graphlens.view.build import flat

OPS = ("MatMul", "Add", "Mul", "Sub", "Max", "Min", "Div", "Pow", "MatMul")
HELD = TensorType("float32", (4, 4))


def cells(count=4):
    """Cells that read the two before them, each with layers that have no number of their own."""
    graph = Graph(name="cells")
    make = Builder(graph)
    before = x = make.input("x", HELD)
    for cell in range(count):
        make.scope = f"activation_{cell}" if cell else "activation"
        graph.scopes[make.scope] = "Activation"
        made = make.op("Relu", x)
        for layer, op in enumerate(OPS):
            make.scope = f"conv_normal_left{layer}_{cell}"
            graph.scopes[make.scope] = "Conv2D"
            made = make.op(op, made, made)
        make.scope = f"add_normal_right_{cell}"
        graph.scopes[make.scope] = "Add"
        before, x = x, make.op("Add", made, before)
    make.scope = ""
    make.output([make.op("Exp", x)])
    return graph


def homes(diagram):
    return [box.cluster.partition(".")[0] for box in diagram.boxes if box.face.kind == "op"]


def test_layers_of_one_number_are_in_one_block_with_those_that_keras_named():
    graph = cells(count=5)
    assert homes(flat(graph)) == [f"block_{i}" for i in range(5) for _ in range(11)] + [""]


def test_a_block_is_called_by_the_word_that_tells_it_from_others():
    graph = cells(count=3)
    make = Builder(graph)
    x = graph.operands(graph.output)[0]
    for layer in range(9):
        make.scope = f"conv_reduction_left{layer}_3"
        x = make.op("MatMul", x, x)
    names = set(homes(flat(graph)))
    assert {"normal_0", "normal_1", "normal_2", "reduction_3"} <= names


def test_names_that_are_numbered_across_the_model_are_no_blocks():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", HELD)
    for number in range(40):
        make.scope = f"layer_{'ab'[number % 2]}{number}_{number % 4}"
        x = make.op("MatMul", x, x)
    make.output([x])
    assert not any(home.startswith("block") for home in homes(flat(graph)))


def test_cells_that_read_two_before_them_are_rolled_into_one():
    diagram = view.graph(cells(count=6))
    assert 4 <= max(cluster.repeat for cluster in diagram.clusters) <= 6


def test_a_kernel_that_reaches_into_the_next_block_leaves_both_whole():
    history = graphlens.optimize(cells(), prove=False)
    whole = view.before_after(history, depth=0)
    said = [box.face.rows[0].text for box in whole.boxes if box.face.kind == "module"]
    assert said == ["block_0–block_1", "block_2", "block_3"]


def test_a_block_told_by_its_number_can_be_left_open():
    graph = cells(count=5)
    block = flat(graph).clusters[1].id
    assert block not in graph.scopes
    opened, shut = (view.graph(graph, depth=0, expand=names) for names in ([block], []))
    assert len(opened.boxes) > len(shut.boxes)
