"""Taking data_format out of a graph, and putting it in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphlens.errors import UsageError
from graphlens.ir import Graph, check, to_text
from graphlens.passes.canonicalize import canonicalize
from graphlens.passes.layout import layout
from graphlens.passes.standard_form import difference
from graphlens.runtime.prove import prove
from graphlens.runtime.run import run

Known = Callable[[str], Graph]

NET = """
def net(x: float32[1, 8, 8, 3]):
    half: float32[()] = Const(0.5)
    scaled: float32[1, 8, 8, 3] = Mul(x, half)
    pads: int64[8] = Const([0, 1, 1, 0, 0, 1, 1, 0])
    one: float32[()] = Const(1.0)
    padded: float32[1, 10, 10, 3] = Pad(scaled, pads, one)
    conv.weight: float32[4, 3, 3, 3] = Param()
    conv: float32[1, 8, 8, 4] = Conv(padded, conv.weight, data_format='NHWC')
    gain: float32[4] = Param()
    gained: float32[1, 8, 8, 4] = Mul(conv, gain)
    soft: float32[1, 8, 8, 4] = Softmax(gained)
    both: float32[1, 8, 8, 8] = Concat(soft, gained, axis=3)
    start: int64[1] = Const([1])
    end: int64[1] = Const([5])
    axis: int64[1] = Const([1])
    part: float32[1, 4, 8, 8] = Slice(both, start, end, axis)
    axes: int64[2] = Const([1, 2])
    mean: float32[1, 1, 1, 8] = ReduceMean(part, axes)
    pool: float32[1, 7, 7, 4] = MaxPool(soft, data_format='NHWC', kernel_shape=[2, 2])
    return mean, pool
"""


def ops(graph: Graph) -> list[str]:
    return [graph.op(name) for name in graph.in_order() if "graphlens" not in graph.op(name)]


def test_every_op_follows_and_only_the_boundary_is_transposed(known: Known) -> None:
    graph = known(NET)
    after = canonicalize(check(layout(graph)))
    assert "NHWC" not in to_text(after)
    assert ops(after) == [
        "Mul", "Transpose", "Pad", "Conv", "Mul", "Softmax", "Concat", "Slice", "ReduceMean",
        "MaxPool", "Reshape", "Transpose",
    ]  # fmt: skip
    assert prove(graph, after).status == "proven"
    assert layout(after) is after


def test_absorbing_changes_the_signature_instead(known: Known) -> None:
    graph = known(NET)
    after = canonicalize(check(layout(graph, absorb=True)))
    assert "Transpose" not in ops(after)
    assert to_text(after).startswith("def net(x: float32[1, 3, 8, 8]):")
    image = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    wanted = run(graph, image)
    found = run(after, image.transpose(0, 3, 1, 2))
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine.transpose(0, 2, 3, 1), theirs, rtol=1e-4, atol=1e-6)


def test_there_and_back_is_the_same_function(known: Known) -> None:
    graph = canonicalize(known(NET))
    back = canonicalize(layout(layout(graph), to="NHWC"))
    assert [op for op in ops(back) if op != "Reshape"] == ops(graph)
    assert prove(graph, back).status == "proven"


def test_value_needed_in_both_layouts_is_transposed_once(known: Known) -> None:
    graph = known("""
def net(x: float32[1, 4, 4, 3], w: float32[3, 5]):
    a: float32[1, 4, 4, 3] = LRN(x, size=3, data_format='NHWC')
    b: float32[1, 4, 4, 5] = MatMul(a, w)
    c: float32[1, 4, 4, 5] = MatMul(a, w)
    d: float32[1, 4, 4, 5] = Sub(b, c)
    return d, a
""")
    after = check(layout(graph))
    assert ops(after).count("Transpose") == 2
    assert prove(graph, after).status == "proven"


def test_graph_without_images_is_returned_itself(known: Known) -> None:
    graph = known("""
def net(x: float32[2, 3]):
    w: float32[3, 4] = Param()
    y: float32[2, 4] = MatMul(x, w)
    return y
""")
    assert layout(graph) is graph
    assert layout(graph, to="NHWC") is graph


SAVED = """
def net(x: float32[1, 8, 8, 3]):
    conv.weight: float32[4, 3, 3, 3] = Param()
    other.weight: float32[4, 4, 1, 1] = Param()
    pads: int64[8] = Const([0, 1, 1, 0, 0, 1, 1, 0])
    padded: float32[1, 10, 10, 3] = Pad(x, pads)
    a: float32[1, 3, 10, 10] = Transpose(padded, perm=[0, 3, 1, 2])
    b: float32[1, 4, 8, 8] = Conv(a, conv.weight)
    c: float32[1, 8, 8, 4] = Transpose(b, perm=[0, 2, 3, 1])
    d: float32[1, 8, 8, 4] = Relu(c)
    e: float32[1, 4, 8, 8] = Transpose(d, perm=[0, 3, 1, 2])
    f: float32[1, 4, 8, 8] = Conv(e, other.weight)
    g: float32[1, 8, 8, 4] = Transpose(f, perm=[0, 2, 3, 1])
    h: float32[1, 8, 8, 4] = Add(g, d)
    return h
"""

WRITTEN = """
def net(x: float32[1, 8, 8, 3]):
    conv.weight: float32[4, 3, 3, 3] = Param()
    other.weight: float32[4, 4, 1, 1] = Param()
    b: float32[1, 8, 8, 4] = Conv(x, conv.weight, pads=[1, 1, 1, 1], data_format='NHWC')
    d: float32[1, 8, 8, 4] = Relu(b)
    f: float32[1, 8, 8, 4] = Conv(d, other.weight, data_format='NHWC')
    h: float32[1, 8, 8, 4] = Add(f, d)
    return h
"""


def test_transposes_that_a_file_has_around_its_images_meet_their_inverses(known: Known) -> None:
    graph = canonicalize(known(SAVED))
    after = canonicalize(check(layout(graph)))
    assert ops(after) == ["Transpose", "Conv", "Relu", "Conv", "Add", "Transpose"]
    assert prove(graph, after).status == "proven"
    assert layout(after) is after


def test_channels_last_model_is_itself_saved_channels_first(known: Known) -> None:
    assert difference(known(WRITTEN), known(SAVED)) is None


def test_model_with_a_transpose_at_its_end_is_another_model(known: Known) -> None:
    turned = """
    i: float32[1, 4, 8, 8] = Transpose(h, perm=[0, 3, 1, 2])
    return i
"""
    longer = WRITTEN.replace("    return h\n", turned.lstrip("\n"))
    assert difference(known(WRITTEN), known(longer)) is not None
    square = """
def net(x: float32[1, 4, 4, 4]):
    w: float32[4, 4, 1, 1] = Param()
    y: float32[1, 4, 4, 4] = Conv(x, w)
    z: float32[1, 4, 4, 4] = Transpose(y, perm=[0, 2, 3, 1])
    return z
"""
    assert difference(known(square), known(square.replace("return z", "return y"))) is not None
    last = square.replace("Conv(x, w)", "Conv(x, w, data_format='NHWC')")
    assert difference(known(square), known(last)) is not None


def test_image_mixed_with_what_is_no_image_keeps_its_transpose(known: Known) -> None:
    graph = known("""
def net(x: float32[1, 3, 4, 4], y: float32[1, 4, 4, 5]):
    w: float32[5, 3, 1, 1] = Param()
    a: float32[1, 5, 4, 4] = Conv(x, w)
    b: float32[1, 4, 4, 5] = Transpose(a, perm=[0, 2, 3, 1])
    c: float32[1, 4, 4, 5] = Add(b, y)
    return c
""")
    assert layout(graph) is graph


def test_unknown_layout_is_an_error(known: Known) -> None:
    with pytest.raises(UsageError, match=r"unknown layout 'HWCN' \(must be one of"):
        layout(known(NET), to="HWCN")
