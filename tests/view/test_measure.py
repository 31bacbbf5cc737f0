"""Measures laid over a picture: on every box, kept by folding, said in words and in the scale."""

import numpy as np
import picture_graphs
import pytest

import graphlens
from graphlens import view
from graphlens.errors import RunError, UsageError
from graphlens.ir import Graph, parse
from graphlens.ops.build import Builder
from graphlens.runtime.profile import profile
from graphlens.tensor import TensorType
from graphlens.view.measure import MEASURES


def drawn(by, graph=None, **choices):
    graph = graph or picture_graphs.residual_net(blocks=2, stages=2)
    return view.graph(graph, color_by=by, **choices)


def amounts(diagram):
    return [box.face.measure for box in diagram.boxes if box.face.measure is not None]


@pytest.mark.parametrize("by", sorted(set(MEASURES) - {"time"}))
def test_every_measure_says_what_its_tints_mean(by):
    diagram = drawn(by, flat=True)
    tints = {face.tint for box in diagram.boxes for face in box.faces if face} - {""}
    assert tints
    assert tints <= {tint for tint, _ in diagram.scale.entries}


def test_folding_adds_up_what_boxes_cost():
    graph = picture_graphs.residual_net(blocks=1, stages=3)
    flat, folded = (sum(amounts(drawn("flops", graph, **how))) for how in ({"flat": True}, {}))
    assert flat == folded > 0
    assert sum(amounts(drawn("flops", graph, depth=0))) == flat


def test_the_dearest_box_has_the_strongest_tint_and_the_longest_bar():
    boxes = [box for box in drawn("params", flat=True).boxes if box.face.measure is not None]
    dearest = max(boxes, key=lambda box: box.face.measure)
    assert dearest.face.tint == "heat6"
    assert dearest.face.rows[-1].bar == 1.0
    assert "%" in dearest.face.rows[-1].detail


def test_sorts_have_tints_of_their_own_and_are_counted():
    diagram = drawn("group", picture_graphs.grouped(), flat=True)
    assert dict(diagram.scale.entries) == {"sort0": "Conv+Relu (1)", "sort1": "alone (1)"}


def test_time_is_that_of_a_real_run():
    graph = picture_graphs.residual_net(blocks=1)
    seconds = profile(graph, runs=2)
    assert set(seconds) == {name for name in graph if not graph.node(name).is_structural}
    assert all(each >= 0.0 for each in seconds.values())
    diagram = drawn("time", graph, flat=True, profile=seconds)
    assert sum(amounts(diagram)) == pytest.approx(sum(seconds.values()))


def test_a_group_has_the_time_of_its_members():
    graph = picture_graphs.grouped()
    graph.weights["stem.weight"] = picture_graphs.np.zeros((8, 3, 3, 3), "float32")
    assert set(profile(graph, runs=1)) == {"stem.conv", "pool"}


def test_time_without_a_run_and_an_unknown_measure_are_refused():
    with pytest.raises(UsageError, match="--profile"):
        drawn("time")
    with pytest.raises(UsageError, match="unknown measure 'flopz'"):
        drawn("flopz")


def test_before_and_after_have_one_scale():
    history = graphlens.optimize(picture_graphs.residual_net(blocks=1, stages=1), prove=False)
    diagram = view.before_after(history, color_by="flops", flat=True)
    faces = [face for box in diagram.boxes for face in box.faces if face and face.measure]
    bars = [
        (face.measure, row.bar) for face in faces for row in face.rows if row.style == "measure"
    ]
    most = max(measure for measure, _ in bars)
    assert len(bars) == len(faces) > 4
    assert all(bar == measure / most for measure, bar in bars)
    assert diagram.scale is not None
    assert " in all" in diagram.scale.title


def test_a_film_strip_and_a_difference_are_coloured_too():
    graph = picture_graphs.residual_net(blocks=1, stages=1)
    history = graphlens.optimize(graph, prove=False)
    strip = view.before_after(history, strip=True, color_by="params")
    found = view.difference(graphlens.diff(graph, history.after), color_by="dtype")
    for diagram in (strip, found):
        assert diagram.scale is not None
        assert {face.tint for box in diagram.boxes for face in box.faces if face} - {""}
    with pytest.raises(UsageError, match="'heat'"):
        view.before_after(history, color_by="heat")


def test_an_op_that_onnx_runtime_has_no_kernel_for_has_the_time_of_its_parts():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (64, 64)))
    x = make.op("HardSwish", make.op("MatMul", x, x, name="product"), name="taken apart by it")
    make.output([make.op("Swish", x, name="refused by it")])
    seconds = profile(graph, runs=2)
    assert set(seconds) == {"product", "taken apart by it", "refused by it"}
    assert min(seconds.values()) > 0.0


def test_a_loop_has_the_time_of_its_body():
    graph = parse("""
def net(x: float32[64, 64]):
    def then_branch(x: float32[64, 64]):
        y: float32[64, 64] = Swish(x)
        return y
    def else_branch(x: float32[64, 64]):
        y: float32[64, 64] = Neg(x)
        return y
    c: bool[()] = Const(True)
    z: float32[64, 64] = MatMul(x, x)
    y: float32[64, 64] = If(c, z, then_branch=then_branch, else_branch=else_branch)
    return y
""")
    assert set(profile(graph, runs=2)) == {"z", "y"}


def test_made_up_inputs_that_do_not_fit_are_told_of():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (1, 3, "h", "w")))
    weight = make.param(
        "w", TensorType("float32", (4, 3, 9, 9)), np.zeros((4, 3, 9, 9), np.float32)
    )
    make.output([make.op("Conv", x, weight, kernel_shape=(9, 9))])
    with pytest.raises(RunError, match=r"sizes of its inputs are open.*--input"):
        profile(graph, runs=1)
    assert profile(graph, np.zeros((1, 3, 32, 32), np.float32), runs=1)
