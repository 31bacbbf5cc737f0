"""What constant operands say of an operation, in the words of its box."""

import numpy as np
import pytest

from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType
from graphlens.view.build import flat


def said(op, *operands, results=1, shape=(2, 6), dtype="float32", **attributes):
    """The detail of one op that reads x and constants; 'x' among them stands for x."""
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType(dtype, shape))
    reads = [x if held is x or isinstance(held, str) else _const(make, held) for held in operands]
    make.output([make.op(op, *reads, results=results, name="y", **attributes)])
    return {box.id: box.face.rows[0].detail for box in flat(graph).boxes}["y"]


def _const(make, held):
    return None if held is None else make.const(np.asarray(held))


@pytest.mark.parametrize(
    ("wanted", "operands", "attributes"),
    [
        ("≥ 0.5", ("GreaterOrEqual", "x", np.float32(0.5)), {}),
        ("0.5 < x", ("Less", np.float32(0.5), "x"), {}),
        ("2", ("Max", "x", np.float32(2)), {}),
        ("3", ("Mod", "x", np.float32(3)), {"fmod": 1}),
        ("3 mod x", ("Mod", np.float32(3), "x"), {"fmod": 1}),
        ("0 … 6", ("Clip", "x", np.float32(0), np.float32(6)), {}),
        ("[1:4], axis 1", ("Slice", "x", [1], [4], [1]), {}),
        ("[0::2], axis 1", ("Slice", "x", [0], [2**63 - 1], [1], [2]), {}),
        ("[0:1][2:], axis 0 1", ("Slice", "x", [0, 2], [1, 2**63 - 1], [0, 1]), {}),
        ("1 + 2, axis 1", ("Pad", "x", [0, 1, 0, 2]), {}),
        ("1 + 1, axis 0, reflect", ("Pad", "x", [1, 0, 1, 0]), {"mode": "reflect"}),
    ],
)
def test_a_constant_is_said_at_the_op_that_reads_it(wanted, operands, attributes):
    assert said(*operands, **attributes) == wanted


def test_a_topk_says_how_many_it_keeps_and_a_whole_one_that_it_sorts():
    assert said("TopK", "x", [2], results=2) == "k 2"
    assert said("TopK", "x", [2], results=2, largest=0) == "k 2, smallest"
    assert said("TopK", "x", [6], results=2) == "sort, descending"
    assert said("TopK", "x", [6], results=2, largest=0) == "sort"


def attending(mask, *, keys=5, queries=5, computed=False):
    """The detail of an Attention of two heads under a mask."""
    graph = Graph()
    make = Builder(graph)
    held = TensorType("float32", (1, 2, queries, 4)), TensorType("float32", (1, 2, keys, 4))
    q, k, v = (make.input(name, held[name != "q"]) for name in "qkv")
    m = None if mask is None else make.const(np.asarray(mask))
    m = make.op("Not", make.op("Not", m)) if computed else m
    make.output([make.op("Attention", q, k, v, m, name="a")])
    return {box.id: box.face.rows[0].detail for box in flat(graph).boxes}["a"]


LOWER = np.tril(np.ones((5, 5), bool))


@pytest.mark.parametrize("computed", [False, True])
def test_an_attention_says_what_its_mask_hides(computed):
    assert attending(None) == "2 heads"
    assert attending(np.ones((5, 5), bool), computed=computed) == "2 heads"
    assert attending(LOWER, computed=computed) == "2 heads, causal"
    assert attending(LOWER[3:], queries=2, computed=computed) == "2 heads, causal"
    assert attending(np.triu(LOWER, -1), computed=computed) == "2 heads, causal, window 2"
    assert attending(LOWER[::-1], computed=computed) == "2 heads, mask"
    assert attending(np.zeros((5, 5), bool), computed=computed) == "2 heads, mask"


def test_a_mask_that_is_added_hides_or_weighs():
    hides = np.where(LOWER, 0, -np.inf).astype(np.float32)
    assert attending(hides) == "2 heads, causal"
    assert attending(np.where(LOWER, 0.5, -np.inf).astype(np.float32)) == "2 heads, mask"


def test_a_mask_that_is_a_weight_is_called_by_its_module():
    graph = Graph()
    make = Builder(graph)
    q = make.input("q", TensorType("float32", (1, 2, 5, 4)))
    bias = make.param("attn.bias_table.weight", TensorType("float32", (2, 5, 5)))
    make.output([make.op("Attention", q, q, q, bias, name="a")])
    drawn = {box.id: box.face.rows[0].detail for box in flat(graph).boxes}
    assert drawn["a"] == "2 heads, + bias_table"


def test_a_large_constant_is_not_worked_out_for_a_picture():
    graph = Graph()
    make = Builder(graph)
    q = make.input("q", TensorType("float32", (1, 1, 4096, 4)))
    ones = make.op("Expand", make.const(np.ones((1, 1), bool)), make.const(np.array([4096, 4096])))
    make.output([make.op("Attention", q, q, q, ones, name="a")])
    assert {box.id: box.face.rows[0].detail for box in flat(graph).boxes}["a"] == "1 heads, mask"


def test_an_identity_says_what_came_to_nothing():
    torch = pytest.importorskip("torch")
    import graphlens

    layers = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5)).eval()
    for via in ("torch.fx", "torch.jit"):
        graph = graphlens.capture(layers, torch.ones(1, 3), via=via)
        rows = [row for box in flat(graph).boxes for row in box.face.rows]
        assert [row.detail for row in rows if row.text == "Identity"] == ["dropout"]
