"""Broken and hostile files: one clear message each, in seconds."""

import contextlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from graphlens.errors import FormatError, UsageError
from graphlens.frontends.onnx.file import capture
from graphlens.ir import check
from graphlens.passes.canonicalize import canonicalize
from graphlens.tensor import TensorType

F = TensorProto.FLOAT


def proto(nodes=None, inputs=("x",), outputs=("y",), initializers=(), opset=21):
    nodes = [helper.make_node("Relu", ["x"], ["y"])] if nodes is None else nodes
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, F, [2]) for name in inputs],
        [helper.make_tensor_value_info(name, F, [2]) for name in outputs],
        list(initializers),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def external(location, tmp_path, offset=0, dims=(2,)):
    tensor = TensorProto(name="w", data_type=F, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset)):
        tensor.external_data.add(key=key, value=str(value))
    made = proto([helper.make_node("Add", ["x", "w"], ["y"])], initializers=[tensor])
    folder = tmp_path / "model"
    folder.mkdir(exist_ok=True)
    (folder / "m.onnx").write_bytes(made.SerializeToString())
    return folder / "m.onnx"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read .*none.onnx': No such file"):
        capture(tmp_path / "none.onnx")
    with pytest.raises(UsageError, match="Is a directory"):
        capture(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04 a zip file", "not an ONNX model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not an ONNX model"),
        (b"def forward(self, x): pass", "not an ONNX model"),
        (proto().SerializeToString()[:-20], "not an ONNX model, or truncated"),
        (onnx.ModelProto(ir_version=10).SerializeToString(), "it has no graph"),
        (proto(opset=99).SerializeToString(), "written for opset 99"),
        (proto(opset=0).SerializeToString(), "written for opset 0"),
    ],
)
def test_a_file_that_is_no_model(content, told, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=told) as caught:
        capture(path)
    assert "model.onnx" in str(caught.value)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (
            proto([helper.make_node("Add", ["x", "b"], ["a"]),
                   helper.make_node("Relu", ["a"], ["b"]),
                   helper.make_node("Neg", ["b"], ["y"])]),
            "the graph has a cycle, through or before",
        ),
        (proto([helper.make_node("Add", ["x", "gone"], ["y"])]), "reads 'gone', which nothing"),
        (proto(outputs=["z"]), "the graph's output reads 'z', which nothing makes"),
        (
            proto([helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["y"])]),
            "the value 'y' is made twice",
        ),
        (proto(inputs=["x", "x"]), "two inputs are called 'x'"),
        (proto(initializers=[TensorProto(name="w", data_type=F, dims=[-4])]), r"dims \[-4\]"),
        (proto(initializers=[TensorProto(name="w", data_type=77, dims=[4])]), "element type 77"),
        (
            proto(initializers=[TensorProto(name="w", data_type=F, dims=[4], raw_data=b"123")]),
            "tensor 'w'",
        ),
        (
            proto(initializers=[TensorProto(name="w", data_type=F, dims=[1 << 60, 1 << 60])]),
            "tensor 'w'",
        ),
        (proto([helper.make_node("Constant", [], ["y"])]), "must have one value"),
    ],
)  # fmt: skip
def test_a_graph_that_makes_no_sense(made, told):
    with pytest.raises(FormatError, match=told):
        capture(made)


@pytest.mark.parametrize(
    "location",
    ["../secret", "/etc/passwd", "a/../../secret", "", ".", "link", "\0", "x" * 5000, "folder"],
)
def test_data_outside_of_the_folder_is_not_read(location, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(64))
    path = external(location, tmp_path)
    (path.parent / "link").symlink_to(tmp_path / "secret")
    (path.parent / "folder").mkdir()
    with pytest.raises(FormatError, match="tensor 'w' has its data"):
        capture(path)


def test_data_that_is_missing_or_too_short(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        capture(external("w.data", tmp_path))
    (tmp_path / "model" / "w.data").write_bytes(bytes(6))
    with pytest.raises(FormatError, match=r"wants bytes 0 to 8 of 'w.data', which has 6"):
        capture(external("w.data", tmp_path))
    for offset in (-8, 1 << 70):
        with pytest.raises(FormatError, match="wants bytes"):
            capture(external("w.data", tmp_path, offset))
    with pytest.raises(FormatError, match="tensor 'w'"):
        capture(external("w.data", tmp_path, "many"))


def test_data_beside_a_model_in_memory_cannot_be_found(tmp_path):
    made = onnx.load(external("w.data", tmp_path), load_external_data=False)
    with pytest.raises(FormatError, match="give the path of the model"):
        capture(made)


def function(name, *called):
    nodes = [helper.make_node(op, ["a"], ["a1"], domain="own") for op in called[:1]]
    for index, op in enumerate(called[1:]):
        nodes.append(helper.make_node(op, [f"a{index + 1}"], [f"a{index + 2}"], domain="own"))
    nodes.append(helper.make_node("Relu", [f"a{len(called)}" if called else "a"], ["b"]))
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, ["a"], ["b"], nodes, imports)


def test_functions_that_call_each_other_or_unfold_without_end_are_refused():
    made = proto([helper.make_node("f0", ["x"], ["y"], domain="own")])
    made.opset_import.append(helper.make_opsetid("own", 1))
    made.functions.extend([function("f0", "f1"), function("f1", "f0")])
    with pytest.raises(FormatError, match="calls itself"):
        capture(made)
    del made.functions[:]
    made.functions.extend(function(f"f{i}", *[f"f{i + 1}"] * 10) for i in range(12))
    made.functions.append(function("f12"))
    with pytest.raises(FormatError, match="unfold to"):
        capture(made)


def test_a_tensor_that_doubles_a_hundred_times_is_read_at_once():
    nodes = [helper.make_node("Constant", [], ["c0"], value_ints=[1, 2])]
    nodes += [
        helper.make_node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(60)
    ]
    nodes.append(helper.make_node("ConstantOfShape", ["c60"], ["y"]))
    assert len(capture(proto(nodes))) == 64


def test_fills_and_ranges_of_any_size_are_not_made():
    huge = helper.make_node("Constant", [], ["s"], value_ints=[1 << 40, 1 << 40])
    capture(proto([huge, helper.make_node("ConstantOfShape", ["s"], ["y"])]))
    limits = [
        helper.make_node("Constant", [], [name], value_int=value)
        for name, value in (("a", 0), ("b", 1 << 62), ("c", 1))
    ]
    capture(proto([*limits, helper.make_node("Range", ["a", "b", "c"], ["y"])]))


def test_attributes_that_are_wrong_do_not_stop_the_reading():
    node = helper.make_node("Conv", ["x", "w"], ["y"], strides=[0, -1], pads=[1 << 62] * 4)
    weight = numpy_helper.from_array(np.ones((1, 1, 3, 3), "float32"), "w")
    assert capture(proto([node], initializers=[weight])).op("y") == "Conv"


def test_every_truncation_of_a_file_is_refused():
    content = proto().SerializeToString()
    for length in range(len(content)):
        with pytest.raises(FormatError):
            capture(content[:length])


@pytest.mark.parametrize("seed", range(200))
def test_flipped_bytes_give_a_graph_or_a_clear_error(seed, tmp_path):
    numbers = np.random.default_rng(seed)
    weight = numpy_helper.from_array(np.ones((2,), "float32"), "w")
    nodes = [
        helper.make_node("Add", ["x", "w"], ["a"], name="add"),
        helper.make_node("Softmax", ["a"], ["b"], axis=0),
        helper.make_node("Cast", ["b"], ["y"], to=1),
    ]
    content = bytearray(proto(nodes, initializers=[weight], opset=11).SerializeToString())
    for place in numbers.integers(0, len(content), 3):
        content[place] = numbers.integers(0, 256)
    with contextlib.suppress(FormatError):  # whatever else is raised fails the test
        check(capture(bytes(content)))


def test_a_tensor_that_doubles_is_neither_folded_nor_flattened_without_end():
    """Folding it would fill the memory, joining its Concats would make 2**60 operands."""
    nodes = [helper.make_node("Constant", [], ["c0"], value_ints=[1, 2])]
    nodes += [
        helper.make_node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(60)
    ]
    nodes.append(helper.make_node("Cast", ["c60"], ["y"], to=F))
    graph = canonicalize(capture(proto(nodes)))
    assert len(graph) < 70
    assert graph.type_of(graph.outputs[0]) == TensorType("float32", (2**61,))


def test_a_value_that_is_not_what_it_is_said_to_be():
    """A shape is put right, as ONNX Runtime does; a dtype cannot be."""
    made = proto([helper.make_node("Concat", ["x", "x"], ["y"], axis=0)])
    graph = capture(made)
    assert graph.type_of(graph.outputs[0]) == TensorType("float32", (4,))
    made = proto([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT8)])
    told = r"'y' \(Cast\): a value is said to be float32\[2\], and what makes it gives int8\[2\]"
    with pytest.raises(FormatError, match=told):
        capture(made)
