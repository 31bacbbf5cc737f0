"""Saving and loading: everything comes back, and what is broken is refused with its place."""

import json

import ml_dtypes  # noqa: F401  (registers the dtypes that the arrays below have)
import numpy as np
import pytest
import safetensors
from random_graphs import chain, random_graph
from safetensors.numpy import load_file

from graphlens.errors import FormatError, GraphError, UsageError
from graphlens.ir import Graph, Node, Source, Value, parse, to_text
from graphlens.ir.json_form import dump, from_dict, load, to_dict
from graphlens.tensor import TensorType

HELD = TensorType("float32", (2,))
DTYPES = [
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16",
    "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
    "complex64", "complex128", "int4", "uint4",
]  # fmt: skip


def with_weight(array: np.ndarray) -> Graph:
    dtype = "string" if array.dtype.kind in "OUS" else array.dtype.name
    graph = Graph(name="f")
    graph.add(Node("Param", "graphlens", results=(TensorType(dtype, array.shape),)), name="w")
    graph.weights["w"] = array
    graph.add(Node("Output", "graphlens"), [Value("w")], "output")
    return graph


def same(one: np.ndarray, other: np.ndarray) -> bool:
    alike = one.dtype == other.dtype and one.shape == other.shape
    return alike and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("seed", range(10))
def test_random_graphs_come_back_with_their_weights(seed, tmp_path):
    graph = random_graph(seed)
    dump(graph, tmp_path / "g.json")
    again = load(tmp_path / "g.json")
    assert to_text(again, detail=True) == to_text(graph, detail=True)
    assert list(again) == list(graph)
    assert all(same(again.weights[name], array) for name, array in graph.weights.items())


def test_provenance_metadata_and_regions_come_back(tmp_path):
    graph = parse("""
def net(c: bool[()], x: float32[2, N]):
    def then_branch(x: float32[2, N]):
        k: float32[1] = Const([nan])
        b: float32[2, N] = Add(x, k)
        return b
    def else_branch(x: float32[2, N]):
        return x
    i: float32[2, N] = If(c, x, then_branch=then_branch, else_branch=else_branch)
    f: (undefined[...], float32[2]) = aten.foo(i, None, x, a=inf, b=b'\\x00', t=int8[2])
    return Output(f @ 1, i, names=['p', 'q'])
""")
    graph.update_node("i", scope="a.0", source=Source("if", "m.py", 3), origins=("p", "q"))
    graph.graph |= {"capture": "torch.fx", "arena": {"bytes": 3, "offsets": {"i": 0}}}
    graph.scopes["a.0"] = "Block"
    dump(graph, tmp_path / "g.json")
    again = load(tmp_path / "g.json")
    assert to_text(again, detail=True) == to_text(graph, detail=True)
    assert again.graph == graph.graph
    assert again.node("i").source == Source("if", "m.py", 3)
    assert np.isnan(again.node("i").regions["then_branch"].weights["k"][0])


def test_an_order_of_insertion_that_is_no_order_of_execution_comes_back(tmp_path):
    graph = random_graph(3)
    turned = graph.reordered(reversed(list(graph)))
    dump(turned, tmp_path / "g.json")
    assert list(load(tmp_path / "g.json")) == list(turned)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (40, 40)], ids=["scalar", "small", "large"])
def test_weights_of_every_dtype_come_back(dtype, shape, tmp_path):
    numbers = np.random.default_rng(0).integers(0, 7, shape)
    array = np.asarray(numbers).astype(dtype)
    dump(with_weight(array), tmp_path / "g.json")
    assert (tmp_path / "g.safetensors").exists() == (array.nbytes > 1024)
    assert same(load(tmp_path / "g.json").weights["w"], array)


def test_strings_come_back(tmp_path):
    array = np.array([["a", "ü"], ["", "'\""]], object)
    dump(with_weight(array), tmp_path / "g.json")
    assert load(tmp_path / "g.json").weights["w"].tolist() == array.tolist()


@pytest.mark.parametrize("array", [
    np.arange(2000, dtype=np.float32).reshape(20, 100).T, np.arange(4000, dtype=np.float32)[::2],
    np.broadcast_to(np.float32(3), (30, 30)), np.arange(900, dtype=">f4"),
])  # fmt: skip
def test_weights_that_lie_otherwise_in_memory_come_back(array, tmp_path):
    dump(with_weight(array), tmp_path / "g.json")
    assert np.array_equal(load(tmp_path / "g.json").weights["w"], array)


def test_the_weights_file_is_one_that_safetensors_reads(tmp_path):
    graph = with_weight(np.random.default_rng(0).normal(size=(30, 30)).astype(np.float32))
    graph.add(Node("Param", "graphlens", results=(TensorType("bfloat16", (999,)),)), name="b")
    graph.weights["b"] = np.arange(999).astype("bfloat16")
    dump(graph, tmp_path / "g.json")
    held = load_file(tmp_path / "g.safetensors")
    assert {name: array.dtype.name for name, array in held.items()} == {
        "w": "float32", "b": "bfloat16"
    }  # fmt: skip
    assert all(same(held[name], graph.weights[name]) for name in held)
    with safetensors.safe_open(tmp_path / "g.safetensors", "numpy") as opened:
        assert "graphlens.digest" in opened.metadata()


def test_one_array_of_two_params_is_written_and_read_once(tmp_path):
    graph = with_weight(np.zeros((40, 40), np.float32))
    held = graph.node("w")
    graph.add(held, name="tied")
    graph.weights["tied"] = graph.weights["w"]
    dump(graph, tmp_path / "g.json")
    assert (tmp_path / "g.safetensors").stat().st_size < 2 * 6400
    again = load(tmp_path / "g.json")
    assert again.weights["tied"] is again.weights["w"]


def test_the_same_graph_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        dump(random_graph(6, 30), tmp_path / f"{name}.json")
    one, other = ((tmp_path / f"{name}.json").read_bytes() for name in "ab")
    assert one.replace(b"a.safetensors", b"b.safetensors") == other


def test_without_weights_they_are_absent(tmp_path):
    dump(with_weight(np.zeros((40, 40), np.float32)), tmp_path / "g.json")
    (tmp_path / "g.safetensors").unlink()
    assert load(tmp_path / "g.json", weights=False).weights == {}
    with pytest.raises(FormatError, match=r"cannot read the weights in .*g\.safetensors"):
        load(tmp_path / "g.json")


def test_weights_of_another_graph_are_refused(tmp_path):
    dump(with_weight(np.zeros((40, 40), np.float32)), tmp_path / "g.json")
    dump(with_weight(np.ones((40, 40), np.float32)), tmp_path / "h.json")
    (tmp_path / "h.safetensors").replace(tmp_path / "g.safetensors")
    with pytest.raises(FormatError, match=r"'g\.safetensors' belongs to another graph"):
        load(tmp_path / "g.json")


@pytest.mark.parametrize("damage", [
    lambda held: b"", lambda held: held[:5], lambda held: held[:200],
    lambda held: b"\xff" * 8 + held[8:], lambda held: held[:8] + b"[" * 500 + held[508:],
    lambda held: held[:-100], lambda held: held.replace(b"[40,40]", b"[40,41]"),
    lambda held: held.replace(b'"F32"', b'"F64"'),
    lambda held: held.replace(b"[0,6400]", b"[-1,699]"),
    lambda held: held.replace(b'"w"', b'"v"'),
])  # fmt: skip
def test_damaged_weights_are_refused(damage, tmp_path):
    dump(with_weight(np.zeros((40, 40), np.float32)), tmp_path / "g.json")
    held = (tmp_path / "g.safetensors").read_bytes()
    (tmp_path / "g.safetensors").write_bytes(damage(held))
    with pytest.raises(FormatError):
        load(tmp_path / "g.json")


@pytest.mark.parametrize("name", ["../g.safetensors", "/etc/passwd", "", "..", "a/b"])
def test_weights_are_looked_for_beside_the_graph_only(name, tmp_path):
    dump(with_weight(np.zeros((40, 40), np.float32)), tmp_path / "g.json")
    text = (tmp_path / "g.json").read_text().replace("g.safetensors", name)
    (tmp_path / "g.json").write_text(text)
    with pytest.raises(FormatError, match="file beside the graph"):
        load(tmp_path / "g.json")


def test_a_folder_that_is_not_there_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(UsageError, match="cannot write"):
        dump(with_weight(np.zeros((40, 40), np.float32)), tmp_path / "no" / "g.json")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_cannot_be_saved_leaves_what_was_there(tmp_path):
    dump(random_graph(1), tmp_path / "g.json")
    before = (tmp_path / "g.json").read_bytes()
    graph = random_graph(1)
    graph.graph["framework"] = object()
    with pytest.raises(GraphError, match=r"graph\.framework: .* cannot be saved"):
        dump(graph, tmp_path / "g.json")
    assert (tmp_path / "g.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["g.json"]


def test_a_missing_file_and_one_that_is_no_json_are_refused(tmp_path):
    with pytest.raises(FormatError, match="cannot read"):
        load(tmp_path / "none.json")
    for content in (b"", b"\xff\xfe", b"{", b'{"format": NaN}', b"[" * 100_000, b"PK\x03\x04"):
        (tmp_path / "g.json").write_bytes(content)
        with pytest.raises(FormatError, match="is no JSON"):
            load(tmp_path / "g.json")


PLAIN = {
    "format": "graphlens/1",
    "name": "f",
    "nodes": [
        {"name": "x", "op": "Input", "domain": "graphlens", "results": [["float32", [2]]]},
        {"name": "k", "op": "Const", "domain": "graphlens", "results": [["int64", [1]]],
         "value": {"dtype": "int64", "shape": [1], "values": [2]}},
        {"name": "r", "op": "Relu", "operands": ["x"], "results": [["float32", [2]]]},
        {"name": "output", "op": "Output", "domain": "graphlens", "operands": ["r"]},
    ],
}  # fmt: skip


def changed(path: list, value) -> dict:
    content = json.loads(json.dumps(PLAIN))
    at = content
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return content


def test_the_plain_one_is_read():
    graph = from_dict(PLAIN)
    assert graph.operands("r") == (Value("x"),)
    assert to_dict(graph)["nodes"] == PLAIN["nodes"]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["format"], "graphlens/2", "its format is 'graphlens/2'"),
        (["nodes"], {}, "a table of name and nodes"),
        (["name"], 3, "a table of name and nodes"),
        (["graph"], [], "graph: a table was expected"),
        (["graph"], {"$": "float", "value": "nan"}, "graph: a table was expected"),
        (["graph"], {"name": 3}, "graph: no name"),
        (["graph"], {"scopes": ["a"]}, "table of scopes"),
        (["graph"], {"scopes": {"a": 1}}, "graph.scopes: class names"),
        (["nodes", 2, "attributes"], {"$": "float", "value": "nan"}, "r: a table was expected"),
        (["graph"], {"a": {"$": "code"}}, "graph.a: .* is no value of a known kind"),
        (["nodes", 2], [], "node 2: a table was expected"),
        (["nodes", 2, "name"], "x", "x: two nodes have this name"),
        (["nodes", 2, "name"], "", "node 2: name and op must not be empty"),
        (["nodes", 2, "name"], None, "node 2: name must be a str"),
        (["nodes", 2, "colour"], 1, r"node 2: unknown keys \['colour'\]"),
        (["nodes", 2, "operands"], ["q"], "r: .*'q', which is not in the graph"),
        (["nodes", 2, "operands"], [["x", 1]], "r: .*fewer results"),
        (["nodes", 2, "operands"], [["x", -1]], "r: .*fewer results"),
        (["nodes", 2, "operands"], [7], "r: operand 0 is 7, no value"),
        (["nodes", 2, "operands"], ["r"], "cycle: r -> r"),
        (["nodes", 2, "results"], [["float32", [-1]]], "is no type"),
        (["nodes", 2, "results"], [["float32", [1.5]]], "is no type"),
        (["nodes", 2, "results"], [["float32", [True]]], "is no type"),
        (["nodes", 2, "results"], [["float32", [10**30]]], "is no type"),
        (["nodes", 2, "results"], [["__import__('os')", [2]]], "is no type"),
        (["nodes", 2, "results"], ["float32"], "is no type"),
        (["nodes", 2, "attributes"], [], "attributes must be a dict"),
        (["nodes", 2, "attributes"], {"a": {"$": "bytes", "value": "?"}}, "r.*: not base64"),
        (["nodes", 2, "attributes"], {"a": {"$": "float", "value": "1"}}, "no value of a known"),
        (["nodes", 2, "source"], ["a"], "r: source"),
        (["nodes", 2, "origins"], [1], "r: origins"),
        (["nodes", 2, "regions"], {"body": 3}, "r.body/: a table"),
        (["nodes", 1, "value", "values"], [1, 2], "k: the values do not fit"),
        (["nodes", 1, "value", "values"], [1.5], "k: int64 numbers expected"),
        (["nodes", 1, "value", "values"], [True], "k: int64 numbers expected"),
        (["nodes", 1, "value", "values"], [2**70], "k: "),
        (["nodes", 1, "value", "dtype"], "object", "k: unknown dtype 'object'"),
        (["nodes", 1, "value", "dtype"], "datetime64", "k: unknown dtype"),
        (["nodes", 1, "value", "dtype"], "float33", "k: unknown dtype"),
        (["nodes", 1, "value", "shape"], [2**40], "k: the values do not fit"),
        (["nodes", 1, "value", "shape"], ["N"], "k: .* has no dtype and shape"),
        (["nodes", 1, "value"], {"base64": "AA=="}, "k: .* has no dtype and shape"),
        (["nodes", 1, "value"], {"dtype": "int64", "shape": [1], "base64": "AA=="}, "do not fit"),
        (["nodes", 1, "value"], {"dtype": "int64", "shape": [1], "weight": 3}, "is no name"),
        (["nodes", 1, "value"], {"dtype": "int64", "shape": [3], "values": [1, 2, 3]}, "its value"),
        (["nodes", 3], {"name": "o", "op": "Relu"}, "one Output node is needed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(path, value, said):
    with pytest.raises((FormatError, GraphError), match=said):
        from_dict(changed(path, value))


@pytest.mark.parametrize("content", [None, 3, [], "graph", {}, {"format": None}])
def test_what_is_no_graph_at_all_is_refused(content):
    with pytest.raises(FormatError, match="'format': 'graphlens/1' was expected"):
        from_dict(content)


def test_regions_nested_without_end_are_refused():
    content = PLAIN
    for _ in range(2000):
        node = {"name": "g", "op": "If", "regions": {"body": content}}
        content = {**PLAIN, "nodes": [*PLAIN["nodes"], node]}
    with pytest.raises(FormatError, match="nested too deeply"):
        from_dict(content)


def test_a_small_file_that_claims_a_large_weight_allocates_nothing():
    value = {"dtype": "float32", "shape": [2**30, 2**30], "base64": "AAAA"}
    with pytest.raises(FormatError, match="do not fit"):
        from_dict(changed(["nodes", 1, "value"], value))


def test_five_thousand_nodes_come_back(tmp_path):
    graph = chain(5_000)
    dump(graph, tmp_path / "g.json")
    assert list(load(tmp_path / "g.json")) == list(graph)
