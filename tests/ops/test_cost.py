"""FLOPs by hand and by torch's counter."""

import pytest

from graphlens.ir import Node, parse
from graphlens.ops.cost import flops, graph_flops
from graphlens.tensor import TensorType


def f32(*shape):
    return TensorType("float32", shape)


@pytest.mark.parametrize(
    ("node", "operands", "count"),
    [
        (Node("MatMul", results=(f32(2, 3, 5),)), [f32(2, 3, 4), f32(4, 5)], 2 * 30 * 4),
        (Node("Gemm", results=(f32(3, 5),)), [f32(3, 4), f32(4, 5), f32(5)], 2 * 60 + 15),
        (
            Node("Gemm", attributes={"transA": 1}, results=(f32(3, 5),)),
            [f32(4, 3), f32(4, 5)],
            120,
        ),
        (Node("Conv", results=(f32(1, 8, 6, 6),)), [f32(1, 4, 8, 8), f32(8, 4, 3, 3)], 288 * 72),
        (
            Node("Conv", attributes={"data_format": "NHWC"}, results=(f32(1, 6, 6, 8),)),
            [f32(1, 8, 8, 4), f32(8, 4, 3, 3), f32(8)],
            288 * 73,
        ),
        (
            Node("ConvTranspose", results=(f32(1, 8, 5, 5),)),
            [f32(1, 4, 3, 3), f32(4, 8, 3, 3)],
            2 * 36 * 72,
        ),
        (Node("Relu", results=(f32(10),)), [f32(10)], 10),
        (Node("ReduceSum", results=(f32(),)), [f32(10)], 10),
        (Node("MaxPool", attributes={"kernel_shape": (2, 2)}, results=(f32(5),)), [f32(20)], 20),
        (Node("Transpose", results=(f32(10),)), [f32(10)], 0),
        (Node("Reshape", results=(f32(10),)), [f32(10)], 0),
        (Node("Param", "graphlens", results=(f32(10),)), [], 0),
        (
            Node("Einsum", attributes={"equation": "bij,bjk->bik"}, results=(f32(2, 3, 5),)),
            [f32(2, 3, 4), f32(2, 4, 5)],
            240,
        ),
        (
            Node("Attention", results=(f32(1, 2, 3, 8),)),
            [f32(1, 2, 3, 8), f32(1, 2, 5, 8), f32(1, 2, 5, 8)],
            2 * 3 * 5 * (16 + 16 + 5),
        ),
        (Node("LSTM", results=(f32(),)), [f32(7, 1, 3), f32(1, 16, 3)], 2 * 7 * 16 * (3 + 4)),
    ],
)
def test_counts_by_hand(node, operands, count):
    assert flops(node, operands) == count


def test_what_is_not_known_is_none_and_never_zero():
    assert flops(Node("foo", "aten", results=(f32(1),)), [f32(1)]) is None
    assert flops(Node("Relu", results=(f32("N"),)), [f32("N")]) is None
    assert flops(Node("MatMul", results=(TensorType("float32"),)), [f32(2), f32(2)]) is None


def test_a_group_is_the_sum_of_its_body():
    graph = parse("""
def graph(x: float32[4, 4]):
    def body(x: float32[4, 4]):
        a: float32[4, 4] = Relu(x)
        b: float32[4, 4] = MatMul(a, a)
        return b
    g: float32[4, 4] = Region(x, kind='MatMul', body=body)
    return g
""")
    assert graph_flops(graph) == 16 + 128


def test_convolutions_and_products_are_counted_as_torch_counts_them():
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        torch.nn.functional.conv2d(torch.ones(2, 4, 9, 9), torch.ones(8, 2, 3, 3), groups=2)
        torch.ones(5, 6) @ torch.ones(6, 7)
    conv = Node("Conv", attributes={"group": 2}, results=(f32(2, 8, 7, 7),))
    ours = flops(conv, [f32(2, 4, 9, 9), f32(8, 2, 3, 3)])
    ours += flops(Node("MatMul", results=(f32(5, 7),)), [f32(5, 6), f32(6, 7)])
    assert ours == counter.get_total_flops()
