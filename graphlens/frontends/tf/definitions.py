"""Writes the messages and op definitions of the TensorFlow that is installed, for `tf.schema`.

``python -m graphlens.frontends.tf.definitions`` (``make definitions``), with TensorFlow of the
version in constraints.txt.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2, tensor_bundle_pb2
from tensorflow.python.client import pywrap_tf_session

_HERE = Path(__file__).parent


def main() -> None:
    """Write both files beside this one."""
    _write("messages", _messages())
    _write("ops", _ops())


def _write(name: str, message: Any) -> None:
    content = gzip.compress(message.SerializeToString(deterministic=True), 9, mtime=0)
    (_HERE / f"{name}.binpb.gz").write_bytes(content)


def _messages() -> Any:
    """The descriptors of all that a GraphDef, a SavedModel and a checkpoint's index are made of."""
    found: dict[str, Any] = {}

    def add(file: Any) -> None:
        if file.name not in found:
            for other in file.dependencies:
                add(other)
            found[file.name] = descriptor_pb2.FileDescriptorProto()
            file.CopyToProto(found[file.name])
            found[file.name].ClearField("options")

    add(saved_model_pb2.DESCRIPTOR)
    add(tensor_bundle_pb2.DESCRIPTOR)
    return descriptor_pb2.FileDescriptorSet(file=found.values())


def _ops() -> Any:
    """Every op's arguments, results and attributes, without what is written for people."""
    buffer = pywrap_tf_session.TF_GetAllOpList()
    ops = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(buffer))
    for op in ops.op:
        op.ClearField("summary")
        op.ClearField("description")
        for part in (*op.input_arg, *op.output_arg, *op.attr):
            part.ClearField("description")
        for attribute in op.attr:
            attribute.ClearField("allowed_values")
    return ops


if __name__ == "__main__":
    main()
