"""Weights taken out of a file's bytes: what is parsed and what stays where it is."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from graphlens.errors import FormatError
from graphlens.frontends.onnx.file import capture
from graphlens.frontends.onnx.wire import without_weights
from graphlens.runtime.run import run

F = TensorProto.FLOAT
LARGE = np.random.default_rng(0).uniform(-1, 1, (64, 64)).astype("float32")


def proto(*tensors):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["t"]),
        helper.make_node("Add", ["t", "b"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", F, [1, 64])],
        [helper.make_tensor_value_info("y", F, [1, 64])],
        list(tensors),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def usual():
    return proto(
        numpy_helper.from_array(LARGE, "w"), numpy_helper.from_array(np.ones(64, "float32"), "b")
    )


def test_only_large_weights_are_left_out():
    content = usual().SerializeToString()
    light, places = without_weights(memoryview(content))
    assert list(places) == ["w"]
    place = places["w"]
    assert content[place.offset : place.offset + place.length] == LARGE.tobytes()
    assert len(light) < 1000
    parsed = onnx.ModelProto.FromString(light)
    assert [tensor.name for tensor in parsed.graph.initializer] == ["w", "b"]
    expected = usual()
    expected.graph.initializer[0].ClearField("raw_data")
    assert parsed == expected


def test_the_arrays_are_views_of_the_file(tmp_path):
    onnx.save(usual(), tmp_path / "m.onnx")
    graph = capture(tmp_path / "m.onnx")
    np.testing.assert_array_equal(graph.weights["w"], LARGE)
    assert not graph.weights["w"].flags.owndata
    x = np.ones((1, 64), "float32")
    np.testing.assert_allclose(run(graph, x)[0], x @ LARGE + 1, rtol=1e-4, atol=1e-5)


def test_a_file_replaced_after_capture_does_not_change_the_graph(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(usual(), path)
    graph = capture(path)
    path.unlink()
    path.write_bytes(b"other")
    np.testing.assert_array_equal(graph.weights["w"], LARGE)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e5m2", "int4", "complex64", "bool"])
def test_large_weights_of_every_dtype(dtype, tmp_path):
    array = np.tile(np.arange(-2, 2), 20_000).astype(dtype)
    onnx.save(proto(numpy_helper.from_array(LARGE, "w"), numpy_helper.from_array(array, "b")),
              tmp_path / "m.onnx")  # fmt: skip
    held = capture(tmp_path / "m.onnx").weights["b"]
    assert held.dtype == array.dtype
    assert held.tobytes() == array.tobytes()


def test_two_initializers_of_one_name_are_refused(tmp_path):
    made = proto(*(numpy_helper.from_array(LARGE, name) for name in "wwb"))
    with pytest.raises(FormatError, match="made twice"):
        capture(made.SerializeToString())


def test_a_weight_whose_size_does_not_fit_its_shape_is_refused():
    made = usual()
    made.graph.initializer[0].dims[0] = 63
    with pytest.raises(FormatError, match="tensor 'w'"):
        capture(made.SerializeToString())


def test_a_file_of_several_graph_fields_is_parsed_whole():
    """A protobuf may give a message in pieces, which a parser merges."""
    whole = usual()
    first, second = onnx.ModelProto(), onnx.ModelProto()
    first.CopyFrom(whole)
    del first.graph.initializer[:]
    second.graph.initializer.extend(whole.graph.initializer)
    graph = capture(first.SerializeToString() + second.SerializeToString())
    np.testing.assert_array_equal(graph.weights["w"], LARGE)


@pytest.mark.parametrize("seed", range(100))
def test_flipped_bytes_between_large_weights(seed):
    numbers = np.random.default_rng(seed)
    content = bytearray(usual().SerializeToString())
    place = content.find(LARGE.tobytes())
    outside = [*range(place), *range(place + LARGE.nbytes, len(content))]
    for index in numbers.choice(outside, 2):
        content[index] = numbers.integers(0, 256)
    try:
        captured = capture(bytes(content))
    except FormatError:
        return
    assert captured.output
