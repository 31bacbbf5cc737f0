"""Blocks of modules that each read all before them say so."""

import pytest

from graphlens import view
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType


def block(layers, reads=None):
    """A block of layers; each reads the block's input and all layers before it, or ``reads(k)``."""
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (1, 4)))
    graph.scopes["block"] = "DenseBlock"
    held = [x]
    for index in range(layers):
        make.scope = f"block.layer{index}"
        graph.scopes[make.scope] = "DenseLayer"
        read = held if reads is None else [held[at] for at in reads(index)]
        joined = make.op("Concat", *read, axis=1) if len(read) > 1 else make.op("Exp", *read)
        weight = make.param(
            f"{make.scope}.weight", TensorType("float32", (graph.type_of(joined).shape[1], 4))
        )
        held.append(make.op("MatMul", joined, weight))
    make.scope = "block"
    last = make.op("Concat", *held, axis=1)
    make.scope = ""
    make.output([make.op("Softmax", make.op("MatMul", last, make.op("Transpose", last)))])
    return graph


def said(graph):
    folded = view.graph(graph, depth=0)
    (box,) = [box for box in folded.boxes if box.face.kind == "module"]
    return box.face.rows[1].detail


@pytest.mark.parametrize("layers", [3, 6, 24])
def test_a_block_whose_layers_read_all_before_them_says_so(layers):
    assert said(block(layers)) == f"{layers} DenseLayer, each reads all before it"


def test_it_is_not_said_of_one_that_leaves_out_a_layer():
    left_out = block(5, lambda k: [at for at in range(k + 1) if (k, at) != (4, 2)])
    assert said(left_out) == "5 DenseLayer"


def test_nor_of_a_chain_nor_of_two():
    assert said(block(2)) == "2 DenseLayer"
    chain = view.graph(block(4, lambda k: [k]), depth=0)
    assert not any("reads all" in row.detail for box in chain.boxes for row in box.face.rows)
