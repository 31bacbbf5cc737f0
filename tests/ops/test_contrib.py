"""ONNX Runtime's own ops: types as it finds them when it runs, categories, costs."""

import numpy as np
import pytest

from graphlens.ir import Graph, Node
from graphlens.ops.build import Builder
from graphlens.ops.cost import flops
from graphlens.ops.facts import facts
from graphlens.ops.infer import infer
from graphlens.runtime.run import run
from graphlens.tensor import UNKNOWN, TensorType

F = TensorType("float32", ())
MS = "com.microsoft"


def f(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


B = np.array
U8, SCALE = np.zeros((1, 4, 5, 5), "uint8"), np.array(0.1, "float32")
ZERO = np.array(3, "uint8")

CASES = {
    "FusedConv": ([f(1, 3, 5, 5), f(4, 3, 3, 3), f(4), f(1, 4, 3, 3)],
                  {"activation": "Relu", "strides": (2, 2), "pads": (1, 1, 1, 1)}),
    "FusedGemm": ([f(2, 3), f(4, 3), f(4)], {"transB": 1, "activation": "Relu"}),
    "FusedMatMul": ([f(2, 3, 4), f(2, 5, 4)], {"transB": 1, "alpha": 0.5}),
    "Gelu": ([f(2, 3)], {}),
    "FastGelu": ([f(2, 3), f(3)], {}),
    "QuickGelu": ([f(2, 3)], {"alpha": 1.7}),
    "BiasGelu": ([f(2, 3), f(3)], {}),
    "SkipLayerNormalization": ([f(1, 2, 4), f(1, 2, 4), f(4), f(4), f(4)], {}),
    "Attention": ([f(1, 2, 8), f(8, 24), f(24)], {"num_heads": 2}),
    "MultiHeadAttention": ([f(1, 2, 8), f(1, 3, 8), f(1, 3, 8)], {"num_heads": 2}),
    "EmbedLayerNormalization": (
        [B([[1, 2]], "int32"), B([[0, 1]], "int32"), f(5, 4), f(3, 4), f(2, 4), f(4), f(4)], {}),
    "QLinearAdd": ([U8, SCALE, ZERO, U8, SCALE, ZERO, SCALE, ZERO], {}),
    "QLinearGlobalAveragePool": ([U8, SCALE, ZERO, SCALE, ZERO], {"channels_last": 0}),
    "QLinearSigmoid": ([U8, SCALE, ZERO, SCALE, ZERO], {}),
    "QuantizeLinear": ([f(2, 3), SCALE, ZERO], {}),
    "DequantizeLinear": ([U8, SCALE, ZERO], {}),
    "DynamicQuantizeMatMul": ([f(2, 3), np.ones((3, 4), "uint8"), SCALE, ZERO], {}),
    "MatMulIntegerToFloat": (
        [np.ones((2, 3), "uint8"), np.ones((3, 4), "uint8"), SCALE, SCALE, ZERO, ZERO], {}),
    "MatMulNBits": ([f(2, 32), np.ones((4, 1, 16), "uint8"), f(4)],
                    {"K": 32, "N": 4, "bits": 4, "block_size": 32}),
    "nchwc.Conv": ([f(1, 3, 8, 8), f(16, 3, 3, 3)], {"pads": (1, 1, 1, 1), "activation": "Relu"}),
    "nchwc.MaxPool": ([f(1, 16, 8, 8)], {"kernel_shape": (2, 2), "strides": (2, 2)}),
    "nchwc.GlobalAveragePool": ([f(1, 16, 8, 8)], {}),
    "nchwc.ReorderOutput": ([f(1, 16, 8, 8)], {"channels": 13}),
}  # fmt: skip


@pytest.mark.parametrize("title", CASES)
def test_the_types_are_those_of_what_onnx_runtime_makes(title):
    arrays, attributes = CASES[title]
    more, _, op = title.rpartition(".")
    domain = f"{MS}.{more}" if more else MS
    graph = Graph(name="one")
    build = Builder(graph)
    read = [build.input(f"x{i}", TensorType(str(a.dtype), a.shape)) for i, a in enumerate(arrays)]
    count = 2 if op == "EmbedLayerNormalization" else 1
    made = build.op(op, *read, domain=domain, results=count, **attributes)
    build.output([made])
    (found,) = run(graph, *arrays)
    assert graph.type_of(made) == TensorType(str(found.dtype), found.shape)
    assert facts(op, domain).category != "other"


def test_what_is_not_known_has_no_type():
    assert infer(Node("Tokenizer", MS), [F]) == (UNKNOWN,)
    assert infer(Node("FusedMatMul", MS), [F]) == (UNKNOWN,)
    assert infer(Node("GroupQueryAttention", MS), [f32(1, 2, 24), None, None]) == (UNKNOWN,)


def f32(*shape):
    return TensorType("float32", shape)


def test_fused_ops_cost_what_their_main_part_does():
    conv = Node("Conv", results=(f32(1, 4, 6, 6),))
    fused = Node("FusedConv", MS, results=conv.results)
    read = [f32(1, 3, 8, 8), f32(4, 3, 3, 3), f32(4)]
    assert flops(fused, read) == flops(conv, read) == 4 * 36 * (2 * 27 + 1)


@pytest.mark.parametrize(
    ("op", "domain", "random"),
    [
        ("randn.default", "aten", True),
        ("bernoulli_.float", "aten", True),
        ("native_dropout", "aten", True),
        ("normal_functional", "aten", True),
        ("normalize", "aten", False),
        ("RandomStandardNormal", "tf", True),
        ("StatelessRandomUniformV2", "tf", False),
        ("sort", "aten", False),
    ],
)
def test_a_foreign_op_that_draws_numbers_is_known_to(op, domain, random):
    assert facts(op, domain).random == random
