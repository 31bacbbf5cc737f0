"""Caffe2's NetDef, as far as a net's picture and run need it, without Caffe2.

The fields and numbers are those of caffe2/proto/caffe2.proto of PyTorch; what is left out here is
kept by protobuf as unknown and not looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
    "float": _FIELD.TYPE_FLOAT,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
}
_MESSAGES = {
    "Argument": (
        ("name", 1, "string"),
        ("f", 2, "float"),
        ("i", 3, "int64"),
        ("s", 4, "bytes"),
        ("floats", 5, "float*"),
        ("ints", 6, "int64*"),
        ("strings", 7, "bytes*"),
        ("n", 8, "NetDef"),
        ("nets", 9, "NetDef*"),
    ),
    "OperatorDef": (
        ("input", 1, "string*"),
        ("output", 2, "string*"),
        ("name", 3, "string"),
        ("type", 4, "string"),
        ("arg", 5, "Argument*"),
        ("engine", 7, "string"),
    ),
    "NetDef": (
        ("name", 1, "string"),
        ("op", 2, "OperatorDef*"),
        ("type", 3, "string"),
        ("arg", 6, "Argument*"),
        ("external_input", 7, "string*"),
        ("external_output", 8, "string*"),
    ),
}


def _classes() -> dict[str, Any]:
    """The message classes, made by protobuf from the table above."""
    package = "graphlens.caffe2"
    file = descriptor_pb2.FileDescriptorProto(
        name="graphlens/caffe2.proto", package=package, syntax="proto2"
    )
    for title, fields in _MESSAGES.items():
        message = file.message_type.add(name=title)
        for name, number, kind in fields:
            plain = kind.rstrip("*")
            made = message.field.add(name=name, number=number)
            made.label = _FIELD.LABEL_REPEATED if kind != plain else _FIELD.LABEL_OPTIONAL
            if plain in _KINDS:
                made.type = _KINDS[plain]
            else:
                made.type, made.type_name = _FIELD.TYPE_MESSAGE, f".{package}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {title: pool.FindMessageTypeByName(f"{package}.{title}") for title in _MESSAGES}
    return {title: message_factory.GetMessageClass(each) for title, each in found.items()}


_CLASSES = _classes()
Argument: Any = _CLASSES["Argument"]
OperatorDef: Any = _CLASSES["OperatorDef"]
NetDef: Any = _CLASSES["NetDef"]

DTYPES = {
    1: "float32",
    2: "int32",
    3: "uint8",
    4: "string",
    5: "bool",
    6: "uint8",
    7: "int8",
    8: "uint16",
    9: "int16",
    10: "int64",
    12: "float16",
    13: "float64",
}
"""Our dtype names by the numbers of Caffe2's TensorProto.DataType."""

_ONE_FLOAT = np.dtype([("tag", "u1"), ("value", "<f4")])


def floats_of(argument: Any) -> np.ndarray:
    """The ``floats`` of an Argument, which hold the weights of a net, as float32.

    A repeated float that is not packed is a tag and four bytes for each (protobuf.dev,
    programming-guides/encoding), all in a row: they are read as an array, not one by one.
    """
    count = len(argument.floats)
    if not count:
        return np.zeros(0, np.float32)
    alone = Argument()
    alone.floats.MergeFrom(argument.floats)
    records = np.frombuffer(alone.SerializeToString(), _ONE_FLOAT)
    return np.ascontiguousarray(records["value"])
