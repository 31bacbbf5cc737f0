"""ONNX models of more than 2 GB: their weights lie in a file beside them, which is mapped."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

WIDE, TALL = 2**15, 2**15 + 2**14
"""A matrix of 6.4 GB as float32."""

CHILD = """
import re
import sys
from pathlib import Path
import graphlens
graph = graphlens.load(sys.argv[1])
plan = graphlens.plan_memory(graph)
graphlens.draw(graph, sys.argv[2])
held = graph.weights["large"]
most = re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())
print(held.nbytes, float(held[-1, -1]), graph.weights["bias"].tolist(), plan.arena_bytes,
      int(most[1]) // 1024)
"""
"""Its own peak: what ``getrusage`` tells of a child begins with what its parent held."""


def stored(name: str, shape: tuple[int, ...], offset: int) -> onnx.TensorProto:
    """A float32 weight at an offset of ``weights.bin``."""
    held = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    held.data_location = TensorProto.EXTERNAL
    length = 4 * int(np.prod(shape))
    for key, value in (("location", "weights.bin"), ("offset", offset), ("length", length)):
        held.external_data.add(key=key, value=str(value))
    return held


@pytest.mark.zoo
def test_six_gigabytes_of_weights_are_read_drawn_and_planned_in_little_memory(tmp_path):
    """The file has a hole where the zeros are: it takes a page of the disk."""
    size = 4 * WIDE * TALL
    with (tmp_path / "weights.bin").open("wb") as file:
        file.seek(size - 4)
        file.write(np.array([7.0, 1.0, 2.0], "float32").tobytes())
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "large"], ["y"]),
            helper.make_node("ReduceMean", ["y"], ["m"], keepdims=1),
            helper.make_node("Add", ["m", "bias"], ["z"]),
        ],
        "large",
        [helper.make_tensor_value_info("x", floats, [1, TALL])],
        [helper.make_tensor_value_info("z", floats, [1, 2])],
        [stored("large", (TALL, WIDE), 0), stored("bias", (2,), size)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    assert (tmp_path / "weights.bin").stat().st_blocks * 512 < 2**20
    command = [sys.executable, "-c", CHILD, tmp_path / "m.onnx", tmp_path / "m.svg"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    *told, memory = done.stdout.split()
    assert told == [str(size), "7.0", "[1.0,", "2.0]", str(4 * (TALL + WIDE))]
    assert int(memory) < 500
    assert "large" in (tmp_path / "m.svg").read_text()
