"""Types, attributes and arrays survive the way to ONNX's protobufs and back."""

import ml_dtypes
import numpy as np
import onnx
import pytest

from graphlens.errors import GraphError
from graphlens.ir import Node
from graphlens.ops.node_proto import node_proto
from graphlens.ops.proto import (
    DTYPES,
    NUMBERS,
    array_of,
    plain_attribute,
    tensor_proto,
    tensor_type,
    type_proto,
)
from graphlens.tensor import _BITS, TensorType

NUMERIC = sorted(set(NUMBERS) - {"undefined", "string", "float6_e2m3fn", "float6_e3m2fn"})


@pytest.mark.parametrize("dtype", NUMERIC)
def test_every_dtype_name_is_numpys_and_goes_both_ways(dtype):
    assert np.dtype(dtype).name == dtype
    assert DTYPES[NUMBERS[dtype]] == dtype
    array = np.array([0, 1, 1, 0, 1]).astype(dtype)
    back = array_of(tensor_proto(array, "t"))
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", NUMERIC)
def test_every_dtype_has_a_size(dtype):
    assert TensorType(dtype, (8,)).nbytes == _BITS[dtype]


def test_names_of_all_numbers_are_distinct():
    assert len(NUMBERS) == len(DTYPES) == len(onnx.TensorProto.DataType.items())


@pytest.mark.parametrize(
    "held",
    [
        TensorType("float32", (1, 3, 224, 224)),
        TensorType("int4", ()),
        TensorType("bfloat16", ("batch", "2*N", 0)),
        TensorType("float8_e4m3fn", None),
        TensorType("string", ("?", 4)),
        TensorType("undefined", None),
    ],
)
def test_a_type_comes_back_as_it_was(held):
    assert tensor_type(type_proto(held)) == held


def test_a_negative_size_is_an_unknown_one():
    proto = type_proto(TensorType("float32", (4,)))
    proto.tensor_type.shape.dim[0].dim_value = -1
    assert tensor_type(proto) == TensorType("float32", ("?",))


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Conv", {"pads": (1, 1, 1, 1), "group": 2, "auto_pad": "SAME_UPPER"}),
        ("LeakyRelu", {"alpha": 0.5}),
        ("Cast", {"to": "bfloat16"}),
        ("Cast", {"to": "int4", "saturate": 0}),
        ("Upsampled", {"scales": (1.0, 2.0), "words": ("a", "b"), "flag": True}),
        ("RandomNormalLike", {"dtype": "float16", "seed": 1.0}),
    ],
)
def test_attributes_come_back_as_they_were(op, attributes):
    proto = node_proto(Node(op, attributes=attributes), "n", ["x"], ["y"])
    assert {entry.name: plain_attribute(entry) for entry in proto.attribute} == attributes


def test_a_whole_number_given_for_a_float_is_written_as_a_float():
    proto = node_proto(Node("LeakyRelu", attributes={"alpha": 1}), "n", ["x"], ["y"])
    assert proto.attribute[0].type == onnx.AttributeProto.FLOAT


def test_our_own_attributes_are_not_written():
    proto = node_proto(Node("Relu", attributes={"data_format": "NHWC"}), "n", ["x"], ["y"])
    assert not proto.attribute


def test_an_empty_list_is_written_in_the_schemas_type():
    proto = node_proto(Node("Conv", attributes={"strides": ()}), "n", ["x"], ["y"])
    assert proto.attribute[0].type == onnx.AttributeProto.INTS


@pytest.mark.parametrize("dtype", ["int64", "float64", "bool", "bfloat16"])
def test_the_fill_of_a_constant_of_shape_has_its_results_dtype(dtype):
    node = Node("ConstantOfShape", attributes={"value": (1,)}, results=(TensorType(dtype, None),))
    proto = node_proto(node, "n", ["x"], ["y"])
    assert DTYPES[proto.attribute[0].t.data_type] == dtype


def test_a_value_that_onnx_cannot_hold_is_named():
    with pytest.raises(GraphError, match="attribute to='float99' has no ONNX form"):
        node_proto(Node("Cast", attributes={"to": "float99"}), "cast", ["x"], ["y"])


def test_ml_dtypes_are_registered():
    assert np.dtype("bfloat16") == ml_dtypes.bfloat16
