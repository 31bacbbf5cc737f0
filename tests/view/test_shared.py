"""Weights that several modules read are told by a tag at each reader."""

import numpy as np

from graphlens import view
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType


class Scoped(Builder):
    """A builder that is told the scope of each thing it adds."""

    def param(self, name, held, scope=""):
        self.scope = scope
        return super().param(name, held)

    def op(self, op, *reads, scope="", **said):
        self.scope = scope
        return super().op(op, *reads, **said)


def tied(layers=0):
    """A table that is read first and last, and layers with a weight each between."""
    graph = Graph()
    make = Scoped(graph)
    ids = make.input("ids", TensorType("int64", (1, 4)))
    table = make.param("wte.weight", TensorType("float32", (10, 8)), scope="wte")
    x = make.op("Gather", table, ids, name="embed", scope="wte")
    for index in range(layers):
        scope = f"h.{index}"
        weight = make.param(f"{scope}.weight", TensorType("float32", (8, 8)), scope=scope)
        x = make.op("MatMul", x, weight, name=f"{scope}.matmul", scope=scope)
        x = make.op("Softmax", x, name=f"{scope}.softmax", scope=scope)
    turned = make.op("Transpose", table, perm=(1, 0), name="turned", scope="head")
    make.output([make.op("MatMul", x, turned, name="logits", scope="head")])
    return graph


def tags(diagram):
    return {box.id: [tag.text for tag in box.tags] for box in diagram.boxes if box.tags}


def test_tied_embeddings_are_tagged_at_both_ends():
    drawn = view.graph(tied())
    assert tags(drawn) == {"embed": ["wte"], "logits": ["wte"]}
    title = drawn.boxes[1].tags[0].title
    assert title == "wte.weight: a weight that 2 operations read"


def test_they_are_tagged_where_nothing_is_folded_and_where_all_is():
    assert tags(view.graph(tied(3), flat=True)) == {"embed": ["wte"], "turned": ["wte"]}
    folded = view.graph(tied(3), depth=0)
    assert tags(folded) == {"embed": ["wte"], "logits": ["wte"]}


def test_a_weight_that_one_module_reads_twice_has_no_tag():
    graph = Graph()
    make = Scoped(graph)
    x = make.input("x", TensorType("float32", (8, 8)))
    w = make.param("cell.weight", TensorType("float32", (8, 8)), scope="cell")
    for step in range(2):
        x = make.op("MatMul", x, w, name=f"step{step}", scope="cell")
    make.output([make.op("Mul", x, w, name="outer", scope="")])
    assert tags(view.graph(graph, flat=True)) == {}


def test_where_most_weights_are_read_again_none_has_a_tag():
    graph = Graph()
    make = Scoped(graph)
    x = make.input("x", TensorType("float32", (8, 8)))
    weights = [
        make.param(f"layer{index}.weight", TensorType("float32", (8, 8)), scope=f"layer{index}")
        for index in range(6)
    ]
    for index, weight in enumerate(weights):
        x = make.op("MatMul", x, weight, name=f"forward{index}", scope=f"layer{index}")
    for index, weight in enumerate(weights):
        x = make.op("Mul", x, weight, name=f"backward{index}", scope="gradients")
    make.output([x])
    assert tags(view.graph(graph, flat=True)) == {}


def biased(layers):
    """Layers that add one computed bias, made from a weight of the first."""
    graph = Graph()
    make = Scoped(graph)
    x = make.input("x", TensorType("float32", (1, 4, 8, 8)))
    table = make.param("layer.0.bias.weight", TensorType("float32", (9, 4)), scope="layer.0.bias")
    index = make.const(np.zeros((8, 8), np.int64))
    bias = make.op("Gather", table, index, name="bias", scope="layer.0.bias")
    bias = make.op("Transpose", bias, perm=(2, 0, 1), name="turned", scope="layer.0")
    for number in range(layers):
        scope = f"layer.{number}"
        x = make.op("Add", x, bias, name=f"{scope}.add", scope=scope)
        x = make.op("Softmax", x, name=f"{scope}.softmax", scope=scope)
        x = make.op("MatMul", x, x, name=f"{scope}.square", scope=scope)
    make.output([x])
    return graph


def test_a_computed_weight_that_all_blocks_of_a_run_read_is_tagged_at_the_one_that_is_drawn():
    drawn = view.graph(biased(6))
    assert [cluster.repeat for cluster in drawn.clusters] == [6]
    assert list(tags(drawn).values()) == [["bias"]]


def test_a_folded_scope_with_all_readers_inside_has_no_tag():
    graph = Graph()
    make = Scoped(graph)
    x = make.input("x", TensorType("float32", (8, 8)))
    w = make.param("net.a.weight", TensorType("float32", (8, 8)), scope="net.a")
    for name in ("net.a", "net.b"):
        x = make.op("MatMul", x, w, name=f"{name}.mm", scope=name)
        x = make.op("Softmax", make.op("Exp", x, scope=name), scope=name)
    make.output([make.op("Relu", make.op("Exp", x))])
    assert list(tags(view.graph(graph, depth=2)).values()) == [["a"], ["a"]]
    assert tags(view.graph(graph, depth=0)) == {}
