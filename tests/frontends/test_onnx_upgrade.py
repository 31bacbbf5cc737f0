"""Old opsets: each rule by running the old model in ONNX Runtime and ours."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from graphlens.errors import FormatError
from graphlens.frontends.onnx.file import capture
from graphlens.frontends.onnx.upgrade import RULES, must_upgrade
from graphlens.ir import check
from graphlens.runtime.lower import save_onnx
from graphlens.runtime.run import run

F = TensorProto.FLOAT
X = np.random.default_rng(0).uniform(-1, 1, (2, 4, 6)).astype("float32")
IMAGE = np.random.default_rng(1).uniform(-1, 1, (1, 4, 5, 5)).astype("float32")
C4 = np.array([1, 2, 3, 4], "float32")


def old(op, opset, inputs, outputs=1, weights=(), **attributes):
    """A model with one node of an old opset; its outputs have no types."""
    names = [f"x{i}" for i in range(len(inputs))]
    stored = [numpy_helper.from_array(it, f"w{i}") for i, it in enumerate(weights)]
    made = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, [*names, *[it.name for it in stored]], made, **attributes)
    entries = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(it.dtype), it.shape)
        for name, it in zip(names, inputs, strict=True)
    ]
    outs = [helper.make_empty_tensor_value_info(name) for name in made]
    graph = helper.make_graph([node], "old", entries, outs, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


CASES = {
    "Clip-6": old("Clip", 7, [X], min=-0.5, max=0.25),
    "Clip-6 one side": old("Clip", 10, [X], max=0.25),
    "Dropout": old("Dropout", 7, [X], ratio=0.5),
    "Pad-2": old("Pad", 7, [X], pads=[0, 1, 0, 0, 0, 2], value=3.0),
    "Slice-1": old("Slice", 7, [X], starts=[1, 0], ends=[4, -2], axes=[1, 2]),
    "Slice-1 all axes": old("Slice", 9, [X], starts=[0, 1], ends=[1, 9]),
    "Softmax-1 inner": old("Softmax", 7, [X], axis=1),
    "Softmax-11 default": old("Softmax", 11, [X]),
    "Softmax-11 last": old("Softmax", 11, [X], axis=2),
    "LogSoftmax-1": old("LogSoftmax", 9, [X], axis=0),
    "Hardmax-1": old("Hardmax", 9, [X]),
    "Split-2": old("Split", 7, [X], 2, axis=1, split=[1, 3]),
    "Split-11 equal": old("Split", 11, [X], 2, axis=1),
    "Split-13 equal": old("Split", 13, [X], 3, axis=2),
    "Squeeze-1": old("Squeeze", 9, [X[:, :1]], axes=[1]),
    "Squeeze-1 all": old("Squeeze", 9, [X[:, :1]]),
    "Unsqueeze-1": old("Unsqueeze", 9, [X], axes=[0, 2]),
    "ReduceSum-11": old("ReduceSum", 11, [X], axes=[1], keepdims=0),
    "ReduceMean-13": old("ReduceMean", 13, [X], axes=[-1]),
    "ReduceMax-11 all": old("ReduceMax", 11, [X]),
    "ReduceL2-13": old("ReduceL2", 13, [X], axes=[0, 1]),
    "TopK-1": old("TopK", 9, [X], 2, k=3, axis=2),
    "BatchNormalization-7": old("BatchNormalization", 8, [IMAGE], 1, [C4] * 4, epsilon=1e-3),
    "BatchNormalization-9": old("BatchNormalization", 9, [IMAGE], 1, [C4] * 4),
    "Upsample-7": old("Upsample", 7, [IMAGE], scales=[1.0, 1.0, 2.0, 3.0]),
    "Upsample-9 linear": old(
        "Upsample", 9, [IMAGE], 1, [np.array([1, 1, 2, 2], "float32")], mode="linear"
    ),
    "Resize-10": old("Resize", 10, [IMAGE], 1, [np.array([1, 1, 2.5, 1.6], "float32")]),
    "Resize-10 linear": old(
        "Resize", 10, [IMAGE], 1, [np.array([1, 1, 1.5, 0.5], "float32")], mode="linear"
    ),
    "Scatter-9": old("Scatter", 9, [X, np.array([[[1]]]), X[:1, :1, :1]], axis=1),
    "GridSample-16": old("GridSample", 16, [IMAGE, IMAGE[:, :, :, :2]], mode="bicubic"),
    "AveragePool-7": old("AveragePool", 7, [IMAGE], kernel_shape=[2, 2], pads=[1, 1, 0, 0]),
    "RoiAlign-10": old(
        "RoiAlign", 10, [IMAGE, np.array([[0, 0, 4, 4]], "float32"), np.array([0])],
        output_height=2, output_width=2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("title", CASES)
def test_an_old_node_means_what_it_meant(title):
    proto = CASES[title]
    graph = check(capture(proto))
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    numbers = np.random.default_rng(3)
    inputs = []
    for entry in session.get_inputs():
        integer = entry.type == "tensor(int64)"
        made = (
            numbers.integers(0, 1, entry.shape) if integer else numbers.uniform(-1, 1, entry.shape)
        )
        inputs.append(made.astype("int64" if integer else "float32"))
    expected = session.run(None, {f"x{i}": it for i, it in enumerate(inputs)})
    for ours, theirs in zip(run(graph, *inputs), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_oldest_broadcasting_is_said_by_axis():
    """ONNX Runtime does not run opset 6: by hand."""
    proto = old("Add", 6, [X], 1, [C4], broadcast=1, axis=1)
    (found,) = run(capture(proto), X)
    np.testing.assert_array_equal(found, X + C4[:, None])
    proto = old("PRelu", 6, [X], 1, [C4])
    (found,) = run(capture(proto), X)
    np.testing.assert_allclose(found, np.where(X < 0, X * C4[:, None], X))


def test_the_oldest_types_and_shapes_are_attributes():
    (found,) = run(capture(old("Cast", 5, [X], to="INT64")), X)
    assert found.dtype == np.int64
    (found,) = run(capture(old("Reshape", 4, [X], shape=[4, -1])), X)
    assert found.shape == (4, 12)
    (found,) = run(capture(old("Relu", 1, [X], consumed_inputs=[0])), X)
    np.testing.assert_array_equal(found, np.maximum(X, 0))


def test_group_normalization_of_opset_18_had_weights_by_group():
    proto = old("GroupNormalization", 18, [IMAGE], 1, [C4[:2], C4[2:]], num_groups=2, epsilon=0.0)
    (found,) = run(capture(proto), IMAGE)
    groups = IMAGE.reshape(1, 2, -1)
    normal = (groups - groups.mean(-1, keepdims=True)) / groups.std(-1, keepdims=True)
    expected = normal.reshape(1, 4, 5, 5)
    expected = expected * np.repeat(C4[:2], 2)[:, None, None] + np.repeat(C4[2:], 2)[:, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_what_cannot_be_said_today_is_refused():
    proto = old("BatchNormalization", 8, [IMAGE], 1, [C4] * 4, spatial=0)
    with pytest.raises(FormatError, match="spatial=0 has no form"):
        capture(proto)


def test_ops_of_a_newer_opset_are_read_by_what_they_share_with_ours():
    proto = old("Cast", 28, [X], to=F, round_mode="up")
    proto.ir_version = onnx.IR_VERSION
    graph = capture(proto)
    assert graph.node("y0").attributes == {"to": "float32"}
    np.testing.assert_array_equal(run(graph, X)[0], X)


def test_the_names_of_what_is_added_are_free_and_the_origin_is_kept():
    proto = old("Clip", 7, [X], min=-0.5, max=0.25)
    proto.graph.node[0].name = "layer/clip"
    graph = capture(proto)
    assert [graph.op(name) for name in graph] == [
        "graphlens.Input",
        "graphlens.Const",
        "graphlens.Const",
        "Clip",
        "graphlens.Output",
    ]
    assert graph.node("layer/clip").scope == "layer"


def test_only_what_changed_is_touched():
    assert not must_upgrade("Relu", 13)
    assert not must_upgrade("Softmax", 13)
    assert must_upgrade("Softmax", 12)
    assert must_upgrade("Relu", 6)
    assert {since for rules in RULES.values() for since, _ in rules} <= {2, *range(4, 22), 27}


CHANNELS = np.array([1, 2, 3, 4], "float32")[:, None, None]
FIRST = {
    "Pad-1": (old("Pad", 1, [X], paddings=[0, 1, 0, 0, 0, 2], mode="constant", value=3.0), X,
              np.pad(X, ((0, 0), (1, 0), (0, 2)), constant_values=3)),
    "Selu-1": (old("Selu", 1, [X]), X,
               1.0507 * np.where(X > 0, X, 1.6732 * np.exp(X) - 1.6732)),
    "Tile-1": (old("Tile", 1, [X], 1, [np.array([3], "float32"), np.array([1], "float32")]), X,
               np.tile(X, (1, 3, 1))),
    "GlobalLpPool-1": (old("GlobalLpPool", 1, [IMAGE], p=2.0), IMAGE,
                       np.sqrt((IMAGE**2).sum((2, 3), keepdims=True))),
    "Affine": (old("Affine", 1, [X], alpha=2.0, beta=0.5), X, 2 * X + 0.5),
    "Scale": (old("Scale", 1, [X], scale=3.0), X, 3 * X),
    "ScaledTanh": (old("ScaledTanh", 7, [X], alpha=2.0, beta=0.5), X, 2 * np.tanh(X / 2)),
    "ImageScaler": (old("ImageScaler", 7, [IMAGE], scale=2.0, bias=[1.0, 2.0, 3.0, 4.0]), IMAGE,
                    2 * IMAGE + CHANNELS),
    "Crop": (old("Crop", 7, [IMAGE], border=[1, 0, 2, 1]), IMAGE, IMAGE[:, :, :4, 1:3]),
    "Crop of a size": (old("Crop", 7, [IMAGE], border=[1, 2, 0, 0], scale=[3, 2]), IMAGE,
                       IMAGE[:, :, 2:5, 1:3]),
}  # fmt: skip
"""What ONNX Runtime runs no more: by hand."""


@pytest.mark.parametrize("title", FIRST)
def test_a_node_of_the_first_opsets_means_what_it_meant(title):
    proto, given, expected = FIRST[title]
    (found,) = run(check(capture(proto)), given)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("opset", range(1, onnx.defs.onnx_opset_version() + 1))
def test_a_model_of_every_opset_computes_the_same(opset):
    weights = {
        "w": np.random.default_rng(2).uniform(-1, 1, (3, 4, 2, 2)).astype("float32"),
        "m": np.random.default_rng(3).uniform(-1, 1, (48, 5)).astype("float32"),
        "b": np.ones((1, 5), "float32"),
        "shape": np.array([1, -1]),
    }
    reshape = {"shape": [1, -1]} if opset < 5 else {}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Reshape", ["r"] if reshape else ["r", "shape"], ["f"], **reshape),
        helper.make_node("Gemm", ["f", "m", "b"], ["g"]),
        helper.make_node("Softmax", ["g"], ["y"], axis=1),
    ]
    stored = [numpy_helper.from_array(each, name) for name, each in weights.items()]
    entry = helper.make_tensor_value_info("x", F, IMAGE.shape)
    made = helper.make_graph(
        nodes, "g", [entry], [helper.make_empty_tensor_value_info("y")], stored
    )
    proto = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)])
    (found,) = run(check(capture(proto)), IMAGE)
    parts = np.lib.stride_tricks.sliding_window_view(IMAGE[0], (2, 2), (1, 2))
    image = np.maximum(np.einsum("cyxij,ocij->oyx", parts, weights["w"]), 0)
    scores = np.exp(image.reshape(1, -1) @ weights["m"] + 1)
    np.testing.assert_allclose(found, scores / scores.sum(), rtol=1e-5)


def test_a_function_of_another_opset_than_its_model_is_read_by_its_own():
    nodes = [
        helper.make_node("Squeeze", ["a"], ["s"], axes=[0]),
        helper.make_node("Softmax", ["s"], ["b"]),
    ]
    function = helper.make_function("own", "f", ["a"], ["b"], nodes, [helper.make_opsetid("", 11)])
    entry = helper.make_tensor_value_info("x", F, (1, 2, 3, 4))
    made = helper.make_graph(
        [helper.make_node("f", ["x"], ["y"], domain="own")],
        "g", [entry], [helper.make_empty_tensor_value_info("y")],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    proto = helper.make_model(made, functions=[function], opset_imports=imports)
    given = np.random.default_rng(4).uniform(-1, 1, (1, 2, 3, 4)).astype("float32")
    (found,) = run(check(capture(proto)), given)
    scores = np.exp(given[0].reshape(2, -1))
    np.testing.assert_allclose(
        found.reshape(2, -1), scores / scores.sum(1, keepdims=True), rtol=1e-5
    )


def test_the_scan_of_opset_8_with_lengths_is_refused():
    body = helper.make_graph(
        [helper.make_node("Add", ["s", "e"], ["t"]), helper.make_node("Identity", ["t"], ["o"])],
        "body",
        [helper.make_tensor_value_info(name, F, [2]) for name in "se"],
        [helper.make_tensor_value_info(name, F, [2]) for name in "to"],
    )
    lengths = np.array([1, 2])
    state, rows = np.zeros((2, 2), "float32"), np.ones((2, 3, 2), "float32")
    proto = old("Scan", 8, [lengths, state, rows], 2, body=body, num_scan_inputs=1)
    with pytest.raises(FormatError, match="sequence_lens has no form"):
        capture(proto)
    proto.graph.node[0].input[0] = ""
    last, steps = run(check(capture(proto)), lengths, state, rows)
    assert last.tolist() == [[3, 3]] * 2
    assert steps.shape == (2, 3, 2)


def test_an_op_that_is_newer_than_ours_is_read_as_onnx_defines_it(tmp_path):
    gate, value = np.random.default_rng(5).uniform(-1, 1, (2, 2, 3)).astype("float32")
    proto = old("SwiGLU", 28, [gate, value])
    proto.ir_version = onnx.IR_VERSION
    before = proto.SerializeToString()
    graph = check(capture(proto))
    assert proto.SerializeToString() == before  # what is not ours is left as it is
    assert "SwiGLU" not in map(graph.op, graph)
    (found,) = run(graph, gate, value)
    np.testing.assert_allclose(found, gate / (1 + np.exp(-gate)) * value, rtol=1e-5)
    save_onnx(graph, tmp_path / "ours.onnx")
    np.testing.assert_array_equal(run(capture(tmp_path / "ours.onnx"), gate, value)[0], found)
