"""Capture of ONNX files: names, types, literals, subgraphs, functions, origins."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from graphlens.errors import CaptureError, FormatError, UsageError
from graphlens.frontends.onnx.file import capture
from graphlens.frontends.onnx.origin import path_of, plain_type
from graphlens.ir import Node, Source, Value, check, parse, to_text
from graphlens.runtime.run import run
from graphlens.tensor import TensorType

F = TensorProto.FLOAT


def model(text, **weights):
    """A model from ONNX's own text form, with weights by name."""
    made = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]>\n{text}')
    made.graph.initializer.extend(numpy_helper.from_array(w, name) for name, w in weights.items())
    return made


def same(proto, graph, *inputs):
    """Whether our run of the graph is ONNX Runtime's of the file."""
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    feeds = dict(zip((entry.name for entry in session.get_inputs()), inputs, strict=True))
    for theirs, ours in zip(session.run(None, feeds), run(graph, *inputs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    return True


def test_a_small_model_reads_as_it_is_written():
    proto = model(
        """
m (float[N, 4] x) => (float[N, 2] y) {
    t = MatMul (x, weight)
    two = Constant <value_float = 2.0> ()
    p = Pow (t, two)
    y = LeakyRelu <alpha = 0.1> (p)
}""",
        weight=np.ones((4, 2), "float32"),
    )
    graph = check(capture(proto))
    assert to_text(graph) == to_text(
        parse("""
def m(x: float32[N, 4]):
    weight: float32[4, 2] = Param()
    t: float32[N, 2] = MatMul(x, weight)
    two: float32[()] = Const(2.0)
    p: float32[N, 2] = Pow(t, two)
    y: float32[N, 2] = LeakyRelu(p, alpha=0.1)
    return Output(y, names=['y'])
""")
    )
    assert graph.graph["capture"] == "onnx"


def test_weights_share_the_files_memory(tmp_path):
    weight = np.arange(512, dtype="float32").reshape(128, 4)
    proto = model("m (float[1, 128] x) => (float[1, 4] y) { y = MatMul (x, w) }", w=weight)
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="m.data")
    graph = capture(tmp_path / "m.onnx")
    held = graph.weights["w"]
    np.testing.assert_array_equal(held, weight)
    assert not held.flags.owndata
    assert not held.flags.writeable


def test_literals_and_weights_are_told_apart():
    proto = model(
        "m (float[2, 3] x) => (float[3, 2] y) { s = Reshape (x, shape) y = Mul (s, scale) }",
        shape=np.array([3, 2]),
        scale=np.array(2.0, "float32"),
        **{"head.logit_scale": np.array(2.0, "float32"), "codes": np.zeros(100, "int64")},
    )
    graph = capture(proto)
    assert graph.consts == ("shape", "scale")
    assert graph.params == ("head.logit_scale", "codes")


def test_initializers_that_are_inputs_too_are_weights_as_in_the_oldest_files():
    proto = model("m (float[2] x, float[2] w) => (float[2] y) { y = Add (x, w) }")
    proto.graph.initializer.append(numpy_helper.from_array(np.ones(2, "float32"), "w"))
    graph = capture(proto)
    assert graph.inputs == ("x",)
    assert graph.params == ("w",)


def test_types_are_worked_out_where_the_file_has_none():
    proto = model(
        """
m (float[batch, 3, 8, 8] x) => (y) {
    c = Conv <pads = [1, 1, 1, 1]> (x, w)
    s = Shape (c)
    zero = Constant <value_ints = [0]> ()
    b = Gather <axis = 0> (s, zero)
    rest = Constant <value_ints = [-1]> ()
    to = Concat <axis = 0> (b, rest)
    y = Reshape (c, to)
}""",
        w=np.ones((4, 3, 3, 3), "float32"),
    )
    graph = check(capture(proto))
    assert graph.type_of(Value("c")) == TensorType("float32", ("batch", 4, 8, 8))
    assert graph.type_of(Value("y")) == TensorType("float32", ("batch", 256))


def test_inputs_given_fix_the_symbols():
    proto = model("m (float[N, 4] x) => (float[N, 4] y) { t = Relu (x) y = Neg (t) }")
    proto.graph.value_info.append(helper.make_tensor_value_info("t", F, ["N", 4]))
    graph = capture(proto, np.zeros((7, 4), "float32"))
    assert str(graph.type_of(Value("y"))) == "float32[7, 4]"
    graph = capture(proto, TensorType("float32", (9, 4)))
    assert str(graph.type_of(Value("t"))) == "float32[9, 4]"
    with pytest.raises(CaptureError, match=r"takes 1 inputs \['x'\], given 2"):
        capture(proto, np.zeros(1), np.zeros(1))
    with pytest.raises(UsageError, match="dynamic_shapes has no use here"):
        capture(proto, dynamic_shapes={"x": {0: "N"}})


def test_inputs_are_given_by_name_too_and_any_of_them():
    proto = model("m (float[N, 4] x, float[M, 4] z) => (float[K, 4] y) { y = Add (x, z) }")
    graph = capture(proto, kwargs={"x": TensorType("float32", (5, 4))})
    assert [str(graph.type_of(Value(name))) for name in "xz"] == ["float32[5, 4]", "float32[M, 4]"]
    with pytest.raises(CaptureError, match=r"takes 2 inputs \['x', 'z'\], given 'y'"):
        capture(proto, kwargs={"y": TensorType("float32", (5, 4))})
    with pytest.raises(CaptureError, match=r"inputs \['x'\] are given by place and by name"):
        capture(proto, *2 * [np.zeros((5, 4), "float32")], kwargs={"x": np.zeros((5, 4))})
    with pytest.raises(CaptureError, match=r"'x' of the model is float32\[N, 4\], given int64"):
        capture(proto, kwargs={"x": TensorType("int64", (5, 4))})


CONTROL = """
m (float[3] x, int64 n, bool yes) => (last, trace) {
    one = Constant <value_float = 1.0> ()
    picked = If (yes) <
        then_branch = a () => (float[3] t) { t = Add (x, one) },
        else_branch = b () => (float[3] e) { e = Neg (x) }
    >
    last, trace = Loop (n, , picked) <
        body = c (int64 i, bool go, float[3] v) => (bool on, float[3] next, float[3] seen) {
            on = Identity (go)
            f = Cast <to = 1> (i)
            inner = If (yes) <
                then_branch = d () => (float[3] p) { p = Add (v, f) },
                else_branch = g () => (float[3] q) { q = Mul (v, one) }
            >
            next = Add (inner, x)
            seen = Identity (next)
        }
    >
}"""


@pytest.mark.parametrize("yes", [True, False])
def test_subgraphs_are_closed_and_read_what_they_capture(yes):
    proto = model(CONTROL)
    graph = check(capture(proto))
    loop = graph.node("last")
    assert loop.attributes["captures"] == 3
    assert [value.node for value in graph.operands("last")[-3:]] == ["yes", "one", "x"]
    assert graph.type_of(Value("last", 1)) == TensorType("float32", ("?", 3))
    assert same(proto, graph, np.arange(3, dtype="float32"), np.array(4), np.array(yes))


def test_a_scan_reads_its_states_slices_and_what_it_captures():
    proto = model("""
m (float[2] start, float[4, 2] steps) => (last, trace) {
    bias = Constant <value_floats = [0.5, 1.0]> ()
    last, trace = Scan <num_scan_inputs = 1,
        body = b (float[2] state, float[2] step) => (float[2] next, float[2] seen) {
            sum = Add (state, step)
            next = Mul (sum, bias)
            seen = Sub (next, start)
        }> (start, steps)
}""")
    graph = check(capture(proto))
    assert graph.node("last").attributes["captures"] == 2
    assert graph.type_of(Value("last", 1)) == TensorType("float32", (4, 2))
    steps = np.arange(8, dtype="float32").reshape(4, 2)
    assert same(proto, graph, np.ones(2, "float32"), steps)


def test_functions_are_inlined_and_weights_stay():
    proto = onnx.parser.parse_model("""
<ir_version: 10, opset_import: ["" : 21, "own" : 1]>
m (float[4] x) => (float[4] y) { a = own.twice (x) y = own.twice (a) }
<opset_import: ["" : 21, "own" : 1], domain: "own"> twice (v) => (w) { w = own.add (v, v) }
<opset_import: ["" : 21], domain: "own"> add (a, b) => (c) { c = Add (a, b) }
""")
    proto.graph.initializer.append(numpy_helper.from_array(np.ones(500, "float32"), "unused"))
    graph = check(capture(proto))
    assert [graph.op(name) for name in graph if "." not in graph.op(name)] == ["Add", "Add"]
    assert graph.params == ("unused",)
    assert run(graph, np.ones(4, "float32"))[0].tolist() == [4, 4, 4, 4]
    assert len(proto.functions) == 2, "the model given is not changed"


def test_foreign_domains_stay_as_they_are():
    proto = onnx.parser.parse_model("""
<ir_version: 10, opset_import: ["" : 21, "com.microsoft" : 1, "acme" : 1]>
m (float[4] x) => (float[4] y) { g = com.microsoft.QuickGelu (x) y = acme.foo <k = 3> (g) }""")
    graph = capture(proto)
    assert graph.op("g") == "com.microsoft.QuickGelu"
    assert graph.node("y").attributes == {"k": 3}
    assert graph.type_of(Value("y")) == TensorType("float32", (4,))
    microsoft = onnx.parser.parse_model("""
<ir_version: 10, opset_import: ["" : 21, "com.microsoft" : 1]>
m (float[4] x) => (float[4] y) { y = com.microsoft.QuickGelu (x) }""")
    assert same(microsoft, capture(microsoft), np.arange(4, dtype="float32"))


def test_trees_of_older_exporters_run():
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_falsenodeids=[2, 0, 0],
        nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_nodeids=[0, 1, 2],
        nodes_treeids=[0, 0, 0],
        nodes_truenodeids=[1, 0, 0],
        nodes_values=[0.5, 0.0, 0.0],
        target_ids=[0, 0],
        target_nodeids=[1, 2],
        target_treeids=[0, 0],
        target_weights=[10.0, 20.0],
    )
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("x", F, [2, 1])],
        [helper.make_tensor_value_info("y", F, [2, 1])],
    )
    imports = [helper.make_opsetid("", 12), helper.make_opsetid("ai.onnx.ml", 2)]
    proto = helper.make_model(graph, opset_imports=imports, ir_version=7)
    assert same(proto, capture(proto), np.array([[0.0], [1.0]], "float32"))


def test_nodes_out_of_order_are_put_in_order():
    proto = model("m (float[2] x) => (float[2] y) { a = Relu (x) b = Neg (a) y = Abs (b) }")
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend(reversed(nodes))
    graph = check(capture(proto))
    assert list(graph) == ["x", "a", "b", "y", "output"]


def test_names_are_kept_and_made_where_there_are_none():
    proto = model("m (float[2] x) => (float[2] y) { a = Relu (x) b = Neg (a) y = Abs (b) }")
    proto.graph.node[0].name = "first"
    proto.graph.node[1].name = "first"
    assert list(capture(proto)) == ["x", "first", "first_1", "y", "output"]


def test_scopes_come_from_slashes_and_from_torchs_older_exporter():
    assert path_of(["", "layer1", "layer1.0", "layer1.0.conv"]) == "layer1.0.conv"
    assert path_of(["", "model", "layers.0", "attn"]) == "model.layers.0.attn"
    proto = model("m (float[2] x) => (float[2] y) { y = Relu (x) }")
    proto.graph.node[0].name = "/layer1/layer1.0/Relu"
    assert capture(proto).node("/layer1/layer1.0/Relu").scope == "layer1.0"


def test_symbols_become_names_or_expressions():
    dims = ("batch", "batch-size", "s0 - 1", "2*N", 'x"]; <b>', "", -1, "unk__6")
    held = plain_type(TensorType("float32", dims))
    assert held.shape == ("batch", "batch_size", "s0-1", "2*N", "x_____b_", "?", "?", "unk__6")


def test_origins_of_torchs_exporter_are_read():
    proto = model("m (float[2] x) => (float[2] y) { y = Relu (x) }")
    for key, value in {
        "pkg.torch.onnx.name_scopes": "['', 'layers', 'layers.0', 'relu_3']",
        "pkg.torch.onnx.class_hierarchy": "['my.Net', 'torch.nn.modules.container.Sequential', "
        "'my.Block', 'aten.relu.default']",
        "pkg.torch.onnx.stack_trace": 'File "/home/me/net.py", line 12, in forward\n  x\n'
        'File "/lib/torch/nn/functional.py", line 99, in relu\n',
    }.items():
        proto.graph.node[0].metadata_props.add(key=key, value=value)
    graph = capture(proto)
    node = graph.node("layers.0.relu_3")
    assert node.scope == "layers.0"
    assert node.source == Source("aten.relu.default", "/home/me/net.py", 12)
    assert graph.scopes == {"": "Net", "layers": "Sequential", "layers.0": "Block"}


@pytest.mark.parametrize("text", ["[", "__import__('os')", "1", "[[1]]", "x" * 20_000, ""])
def test_origins_that_make_no_sense_are_passed_over(text):
    proto = model("m (float[2] x) => (float[2] y) { y = Relu (x) }")
    for key in ("name_scopes", "class_hierarchy", "stack_trace"):
        proto.graph.node[0].metadata_props.add(key=f"pkg.torch.onnx.{key}", value=text)
    proto.graph.node[0].metadata_props.add(key="graphlens.origins", value="{")
    graph = capture(proto)
    assert graph.op("y") == "Relu"
    assert isinstance(graph.node("y"), Node)


def test_paths_bytes_and_models_give_the_same(tmp_path):
    proto = model("m (float[2] x) => (float[2] y) { y = Relu (x) }")
    path = tmp_path / "m.onnx"
    onnx.save(proto, path)
    texts = {to_text(capture(it)) for it in (proto, path, str(path), path.read_bytes())}
    assert len(texts) == 1


def test_a_chain_of_10000_nodes_is_read_in_order():
    graph = helper.make_graph(
        [helper.make_node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(10_000)],
        "chain",
        [helper.make_tensor_value_info("v0", F, [4])],
        [helper.make_tensor_value_info("v10000", F, [4])],
    )
    made = capture(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]))
    assert len(made) == 10_002
    assert made.type_of(Value("v10000")) == TensorType("float32", (4,))


def test_every_constant_has_its_type():
    proto = model("""
m () => (a, b, c, d) {
    a = Constant <value_ints = [1, 2]> ()
    b = Constant <value_floats = [1.0]> ()
    c = Constant <value_strings = ["x", "y"]> ()
    d = Constant <value = int8[2] {3, 4}> ()
}""")
    graph = check(capture(proto))
    held = {name: str(graph.type_of(Value(name))) for name in graph.consts}
    assert held == {"a": "int64[2]", "b": "float32[1]", "c": "string[2]", "d": "int8[2]"}
    assert graph.weights["d"].tolist() == [3, 4]


def sparse(indices, dims=(2, 3)):
    values = numpy_helper.from_array(np.array([5, 7], "float32"), "w")
    held = numpy_helper.from_array(np.array(indices), "places")
    return helper.make_sparse_tensor(values, held, dims)


@pytest.mark.parametrize("indices", [[1, 5], [[0, 1], [1, 2]]])
@pytest.mark.parametrize("where", ["initializer", "constant"])
def test_sparse_tensors_are_read_with_their_zeros(indices, where):
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 3])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2, 3])
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    if where == "constant":
        nodes.insert(0, helper.make_node("Constant", [], ["w"], sparse_value=sparse(indices)))
    made = helper.make_graph(nodes, "g", [x], [y])
    if where == "initializer":
        made.sparse_initializer.append(sparse(indices))
    graph = check(capture(helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)])))
    found = run(graph, np.zeros((2, 3), "float32"))[0]
    np.testing.assert_array_equal(found, [[0, 5, 0], [0, 0, 7]])


@pytest.mark.parametrize(("indices", "dims"), [([1, 9], (2, 3)), ([0, 1], (2**30, 2**30))])
def test_sparse_tensors_that_do_not_fit_are_refused(indices, dims):
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    node = helper.make_node("Constant", [], ["y"], sparse_value=sparse(indices, dims))
    model = helper.make_model(helper.make_graph([node], "g", [], [y]))
    with pytest.raises(FormatError, match="tensor 'w' is sparse"):
        capture(model)
