"""ONNX Runtime's own optimisations, seen as a pass."""

import numpy as np
import pytest

import graphlens
from graphlens.errors import UsageError
from graphlens.ops.build import Builder

pytest.importorskip("onnxruntime")


def block():
    """Conv, BatchNormalization, Relu: what every optimiser makes less of."""
    draw = np.random.default_rng(0)
    graph = graphlens.Graph(name="block")
    build = Builder(graph)

    def param(name, *shape):
        array = draw.random(shape, dtype=np.float32) + 0.5
        return build.param(name, graphlens.TensorType("float32", shape), array)

    x = build.input("x", graphlens.TensorType("float32", (1, 4, 8, 8)))
    build.scope = "first"
    y = build.op("Conv", x, param("w", 8, 4, 3, 3), name="conv")
    scale, bias, mean, variance = (param(name, 8) for name in ("scale", "bias", "mean", "var"))
    y = build.op("BatchNormalization", y, scale, bias, mean, variance, name="norm")
    build.output([build.op("Relu", y, name="act")])
    return graph


@pytest.mark.parametrize("level", ["basic", "extended", "all"])
def test_what_it_makes_of_a_graph_is_proven_like_a_pass_of_our_own(level):
    history = graphlens.optimize(block(), [f"onnxruntime{{level={level}}}"])
    assert history.result.status == "proven"
    assert history.result.kernels < history.evidence.kernels
    assert "BatchNormalization" not in {history.after.op(name) for name in history.after}


def test_a_node_that_kept_its_name_keeps_its_origins_and_scope():
    history = graphlens.optimize(block(), ["onnxruntime{level=basic}"])
    assert history.after.nodes["conv"]["scope"] == "first"
    assert history.after.nodes["conv"]["origins"] == ("conv",)


def test_an_unknown_level_is_a_usage_error():
    with pytest.raises(UsageError, match="must be one of"):
        graphlens.optimize(block(), ["onnxruntime{level=most}"])
