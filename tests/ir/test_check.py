"""Every invariant of a Graph, broken one at a time."""

import numpy as np
import pytest
from random_graphs import random_graph

from graphlens.errors import GraphError
from graphlens.ir import Graph, Node, Value, check, parse
from graphlens.tensor import TensorType

HELD = TensorType("float32", (2,))
TEXT = """
def f(x: float32[2]):
    w: float32[2] = Param()
    a: float32[2] = Add(x, w)
    return a
"""


@pytest.mark.parametrize("seed", range(10))
def test_a_sound_graph_is_returned_itself(seed):
    graph = random_graph(seed)
    assert check(graph) is graph


def refused(graph: Graph, match: str) -> None:
    with pytest.raises(GraphError, match=match):
        check(graph)


def test_a_node_that_networkx_made_by_itself_is_refused():
    graph = parse(TEXT)
    graph.add_edge("a", "ghost", 0, result=0)
    refused(graph, "ghost: fields missing")


def test_an_unknown_field_is_refused():
    graph = parse(TEXT)
    graph.nodes["a"]["colour"] = "red"
    refused(graph, r"a: fields missing \[\], unknown \['colour'\]")


def test_a_name_that_is_no_str_is_refused():
    graph = parse(TEXT)
    graph.add_node(7, **graph.nodes["a"])
    refused(graph, "node 7: a name is a str")


@pytest.mark.parametrize("op", ["Input", "Param", "Const"])
@pytest.mark.parametrize("count", [0, 2])
def test_what_is_given_has_one_result(op, count):
    graph = parse(TEXT)
    graph.add(Node(op, "graphlens", results=(HELD,) * count), name="z")
    refused(graph, f"z: {op} has one result, found {count}")


def test_a_result_that_is_no_type_is_refused():
    graph = parse(TEXT)
    graph.nodes["a"]["results"] = ("float32",)
    refused(graph, "a: results must be TensorTypes")


def test_an_operand_given_twice_is_refused():
    graph = parse(TEXT)
    graph.add_edge("w", "a", 0, result=0)
    refused(graph, "a: operand 0 is given twice")


@pytest.mark.parametrize("key", [-1, "first"])
def test_an_operand_that_is_no_index_is_refused(key):
    graph = parse(TEXT)
    graph.add_edge("w", "a", key, result=0)
    refused(graph, "is not an index")


@pytest.mark.parametrize("edge", [{"result": 1}, {"result": -1}, {}, {"result": 0, "weight": 2}])
def test_an_edge_that_carries_no_result_is_refused(edge):
    graph = parse(TEXT)
    graph.remove_edge("w", "a", 1)
    graph.add_edge("w", "a", 1, **edge)
    refused(graph, "a: operand 1 carries .* of 'w', no such result")


def test_one_output_is_needed_and_nobody_reads_it():
    graph = parse(TEXT)
    graph.add(Node("Output", "graphlens"), [Value("x")], "output2")
    refused(graph, "one Output node is needed, found .*'output', 'output2'")
    graph.remove_nodes_from(["output", "output2"])
    refused(graph, "one Output node is needed")
    read = parse(TEXT)
    read.update_node("output", results=(HELD,))
    read.add(Node("Relu", results=(HELD,)), [Value("output")], "late")
    refused(read, "output: an Output has no readers")


def test_a_weight_of_nobody_or_of_another_shape_is_refused():
    graph = parse(TEXT)
    graph.weights["w"] = np.zeros(3, np.float32)
    refused(graph, r"w: its type is float32\[2\], its value has shape \(3,\)")
    graph.weights = {"a": np.zeros(2, np.float32)}
    refused(graph, "weight 'a' belongs to no Param or Const")
    graph.weights = {"gone": np.zeros(2, np.float32)}
    refused(graph, "weight 'gone' belongs")


def test_a_breach_inside_a_region_is_found_and_its_place_told():
    body = parse(TEXT)
    body.remove_node("output")
    graph = Graph(name="outer")
    graph.add(Node("Input", "graphlens", results=(HELD,)), name="x")
    graph.add(
        Node("Region", "graphlens", results=(HELD,), regions={"body": body}), [Value("x")], "g"
    )
    graph.add(Node("Output", "graphlens"), [Value("g")], "output")
    refused(graph, "^g.body/one Output node is needed")
