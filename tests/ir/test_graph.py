"""The Graph as a networkx graph and as a computation."""

import copy
import pickle

import networkx as nx
import numpy as np
import pytest
from random_graphs import chain, random_graph

from graphlens.errors import GraphError
from graphlens.ir import Graph, Node, Value, check, parse, to_text, walk
from graphlens.tensor import TensorType

HELD = TensorType("float32", (2,))
SPLIT = """
def f(x: float32[4], y: float32[2]):
    s: (float32[2], float32[2]) = Split(x, num_outputs=2)
    a: float32[2] = Add(s @ 1, y)
    b: float32[2] = Clip(a, None, y)
    return b, s @ 0
"""


def test_it_is_a_networkx_graph_and_its_algorithms_work():
    graph = parse(SPLIT)
    assert isinstance(graph, nx.MultiDiGraph)
    assert nx.is_directed_acyclic_graph(graph)
    assert list(nx.topological_sort(graph))[-1] == "output"
    assert nx.ancestors(graph, "a") == {"x", "y", "s"}
    assert nx.dag_longest_path(graph) == ["x", "s", "a", "b", "output"]
    assert nx.number_weakly_connected_components(graph) == 1
    assert nx.shortest_path_length(graph, "x", "output") == 2
    assert list(nx.dominance.immediate_dominators(graph, "x"))
    assert set(nx.transitive_closure(graph)["x"]) == {"s", "a", "b", "output"}


def test_networkxs_own_names_mean_what_networkx_means():
    """Algorithms call these: order() is the number of nodes there."""
    graph = parse(SPLIT)
    assert (graph.order(), graph.size(), len(graph)) == (6, 7, 6)
    renamed = nx.relabel_nodes(graph, {name: f"other.{name}" for name in graph})
    assert nx.is_isomorphic(graph, renamed)
    assert nx.check_planarity(graph)[0]
    assert nx.load_centrality(nx.DiGraph(graph))["x"] == 0


def test_nodes_and_edges_are_kept_as_networkx_keeps_them():
    """They are put in straight; what networkx would have made is the same, caches among it."""
    graph, own = Graph(), nx.MultiDiGraph()
    for name, above in (("x", ""), ("a", "xx"), ("b", "ax")):
        views = len(graph.adj), len(graph.pred), list(graph.edges)
        assert views == (len(own.adj), len(own.pred), list(own.edges))
        graph.add(Node("Add", results=(HELD,)), [Value(one) for one in above], name)
        own.add_node(name, **graph.nodes[name])
        for operand, one in enumerate(above):
            own.add_edge(one, name, operand, result=0)
    assert nx.utils.graphs_equal(nx.MultiDiGraph(graph), own)
    assert nx.utils.graphs_equal(nx.MultiDiGraph(graph.reverse()), own.reverse())
    graph.remove_edge("x", "a", 1)
    own.remove_edge("x", "a", 1)
    assert (dict(graph.pred["a"]), dict(graph.adj["x"])) == (
        dict(own.pred["a"]),
        dict(own.adj["x"]),
    )


def test_its_views_subgraphs_and_reversal_are_networkxs():
    graph = parse(SPLIT)
    assert set(graph.subgraph(["x", "s"]).edges) == {("x", "s", 0)}
    assert graph.reverse().has_edge("s", "x")
    assert isinstance(graph.to_undirected(), nx.MultiGraph)
    assert set(graph.copy(as_view=True)) == set(graph)
    assert nx.MultiDiGraph(graph).number_of_edges() == graph.number_of_edges()


def test_operands_come_in_operand_order_with_none_for_those_not_given():
    graph = parse(SPLIT)
    assert graph.operands("a") == (Value("s", 1), Value("y"))
    assert graph.operands("b") == (Value("a"), None, Value("y"))
    assert graph.operands("x") == ()


def test_operand_order_does_not_depend_on_the_order_of_edges():
    graph = Graph()
    for name in "xyz":
        graph.add(Node("Input", "graphlens", results=(HELD,)), name=name)
    graph.add(Node("Concat", results=(HELD,)), name="c")
    for index, name in ((2, "x"), (0, "z"), (1, "y"), (3, "z")):
        graph.connect(Value(name), "c", index)
    assert [value.node for value in graph.operands("c")] == ["z", "y", "x", "z"]


def test_users_of_a_result_are_told_apart():
    graph = parse(SPLIT)
    assert graph.users(Value("s", 0)) == (("output", 1),)
    assert graph.users(Value("s", 1)) == (("a", 0),)
    assert graph.users(Value("y")) == (("a", 1), ("b", 2))
    assert graph.users(Value("b")) == (("output", 0),)


def test_a_value_read_twice_by_one_node_has_two_edges():
    graph = parse("def f(x: float32[2]):\n    y: float32[2] = Mul(x, x)\n    return y\n")
    assert graph.number_of_edges("x", "y") == 2
    assert graph.users(Value("x")) == (("y", 0), ("y", 1))


def test_inputs_outputs_params_and_scopes_are_found():
    graph = parse(SPLIT)
    assert graph.inputs == ("x", "y")
    assert graph.outputs == (Value("b"), Value("s", 0))
    assert (graph.params, graph.consts, graph.output) == ((), (), "output")
    graph.scopes["layer1"] = "Block"
    assert graph.graph["scopes"] == {"layer1": "Block"}


def test_no_output_is_an_error():
    with pytest.raises(GraphError, match="has no Output node"):
        _ = Graph(name="empty").output


def test_a_wanted_name_that_is_taken_gets_a_number():
    graph = Graph()
    names = [graph.add(Node("Relu", results=(HELD,)), name="relu") for _ in range(3)]
    assert names == ["relu", "relu_1", "relu_2"]
    assert graph.add(Node("Relu", results=(HELD,)), name="relu_2") == "relu_2_1"
    assert graph.add(Node("Relu", results=(HELD,))) == "relu_3"


def test_many_nodes_of_one_name_are_named_in_little_time():
    graph = Graph()
    for _ in range(20_000):
        graph.add(Node("Relu", results=(HELD,)), name="relu")
    assert "relu_19999" in graph


def test_a_node_added_stands_for_itself_unless_it_says_otherwise():
    graph = Graph()
    graph.add(Node("Relu", results=(HELD,)), name="a")
    graph.add(Node("Relu", results=(HELD,), origins=("p", "q")), name="b")
    assert [graph.node(name).origins for name in "ab"] == [("a",), ("p", "q")]


@pytest.mark.parametrize("value", [Value("nobody"), Value("x", 1), Value("x", -1)])
def test_reading_a_value_that_does_not_exist_is_an_error(value):
    graph = Graph()
    graph.add(Node("Input", "graphlens", results=(HELD,)), name="x")
    with pytest.raises(GraphError, match="operand 0 of 'y'"):
        graph.add(Node("Relu", results=(HELD,)), [value], "y")


def test_an_unknown_node_is_an_error_that_names_it():
    with pytest.raises(GraphError, match="no node 'q'"):
        parse(SPLIT).node("q")


def test_the_order_is_that_of_insertion_where_operands_allow_it():
    graph = parse(SPLIT)
    assert graph.in_order() == list(graph)
    turned = graph.reordered(reversed(list(graph)))
    assert list(turned) == list(reversed(list(graph)))
    order = turned.in_order()
    assert sorted(order) == sorted(graph)
    assert all(order.index(a) < order.index(b) for a, b in graph.edges())
    assert order == ["y", "x", "s", "a", "b", "output"]


@pytest.mark.parametrize("seed", range(10))
def test_a_reordered_graph_has_the_same_edges_weights_and_fields(seed):
    graph = random_graph(seed)
    turned = graph.reordered(sorted(graph))
    assert list(turned) == sorted(graph)
    assert sorted(turned.edges(keys=True)) == sorted(graph.edges(keys=True))
    assert all(turned.operands(name) == graph.operands(name) for name in graph)
    assert turned.weights.keys() == graph.weights.keys()
    assert set(turned.nodes) == set(graph.nodes)


def test_an_order_that_leaves_a_node_out_or_names_one_twice_is_refused():
    graph = parse(SPLIT)
    for names in (list(graph)[1:], [*graph, "x"], ["q", *list(graph)[1:]]):
        with pytest.raises(GraphError, match="exactly once"):
            graph.reorder(names)


def test_a_cycle_is_refused_and_named():
    graph = chain(5)
    graph.remove_edge("x", "r0", 0)
    graph.connect(Value("r3"), "r0", 0)
    with pytest.raises(GraphError, match=r"cycle: .*r0 -> r1 -> r2 -> r3"):
        check(graph)


def test_a_long_cycle_is_named_in_short():
    graph = chain(5_000)
    graph.remove_edge("x", "r0", 0)
    graph.connect(Value("r4999"), "r0", 0)
    with pytest.raises(GraphError, match=r"\.\.\.") as caught:
        graph.in_order()
    assert len(str(caught.value)) < 400


def test_a_copy_is_of_its_own_and_shares_the_arrays():
    graph = parse(SPLIT)
    graph.scopes["a"] = "A"
    graph.add(Node("Param", "graphlens", results=(HELD,)), name="w")
    graph.weights["w"] = np.zeros(2, np.float32)
    twin = graph.copy()
    assert isinstance(twin, Graph)
    assert to_text(twin, detail=True) == to_text(graph, detail=True)
    assert twin.weights["w"] is graph.weights["w"]
    twin.remove_node("b")
    twin.weights.clear()
    twin.update_node("a", scope="moved")
    twin.scopes["b"] = "B"
    assert "b" in graph
    assert graph.node("a").scope == ""
    assert graph.scopes == {"a": "A"}
    assert "w" in graph.weights
    assert graph.adj["x"] is not twin.adj["x"]


def test_networkxs_cached_views_follow_a_copy_and_a_reordering():
    graph = parse(SPLIT)
    assert list(graph.nodes) == list(graph.adj) == list(graph.pred)
    graph.reorder(sorted(graph))
    assert list(graph.nodes) == list(graph.adj) == list(graph.pred) == list(graph.succ)
    graph.remove_node("b")
    assert "b" not in graph.adj
    assert "b" not in graph.pred


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_it_pickles_and_copies_deeply(clone):
    graph = random_graph(4)
    twin = clone(graph)
    assert type(twin) is Graph
    assert to_text(twin, detail=True) == to_text(graph, detail=True)
    assert all(np.array_equal(twin.weights[name], graph.weights[name]) for name in graph.weights)
    twin.add(Node("Relu", results=(HELD,)), name="more")
    assert "more" not in graph


def test_a_chain_of_100_000_is_built_ordered_checked_and_copied():
    graph = chain(100_000)
    assert check(graph) is graph
    assert graph.in_order()[-1] == "output"
    assert graph.copy().number_of_edges() == 100_001


def test_a_long_chain_in_reverse_is_put_in_order():
    graph = chain(5_000)
    assert graph.reordered(reversed(list(graph))).in_order() == list(graph)


def test_walk_finds_the_graphs_inside():
    graph = parse("""
def f(c: bool[()], x: float32[2]):
    def then_branch(x: float32[2]):
        def body(a: float32[2]):
            b: float32[2] = Neg(a)
            return b
        g: float32[2] = Region(x, body=body)
        return g
    def else_branch(x: float32[2]):
        return x
    i: float32[2] = If(c, x, then_branch=then_branch, else_branch=else_branch)
    return i
""")
    found = {path: len(held) for path, held in walk(graph)}
    assert found == {"": 4, "i.then_branch/": 3, "i.else_branch/": 2, "i.then_branch/g.body/": 3}


def test_its_repr_says_what_it_is():
    assert repr(parse(SPLIT)) == "<Graph 'f': 6 nodes, 7 edges>"
