"""What a box reads stands from left to right in the order of its operands, at no cost."""

import pytest

from graphlens import view
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.render.columns import Room
from graphlens.render.layered import place
from graphlens.render.layout import layout
from graphlens.render.measure import Size
from graphlens.render.order import Knots, ordered
from graphlens.render.wires import wiring
from graphlens.tensor import TensorType
from graphlens.view import Arrow, Box, Cluster, Diagram, Face, Row

F32 = TensorType("float32", (4, 8))


def lefts(diagram, *names):
    """Where some boxes stand, and how many lines cross."""
    placed = layout(diagram)
    return [placed.frames[name].x for name in names], placed.crossings


def read_by_one(order):
    """Three ops of one input, read by a fourth in some order of theirs."""
    graph = Graph(name="three")
    make = Builder(graph)
    x = make.op("Exp", make.input("x", F32), name="first")
    each = [make.op(op, x, name=op) for op in ("Relu", "Tanh", "Neg")]
    read = [each[index] for index in order]
    joined = make.op("Concat", *read, axis=0, results=[TensorType("float32", (12, 8))])
    make.output([joined])
    return view.graph(graph, flat=True), [value.node for value in read]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_operands_stand_in_their_order(order):
    diagram, read = read_by_one(order)
    found, crossings = lefts(diagram, *read)
    assert found == sorted(found)
    assert crossings == 0


def box(name, cluster=""):
    return Box(name, (Face((Row(name),)),), cluster=cluster)


@pytest.mark.parametrize("read", ["qkv", "vkq", "kqv"])
def test_operands_stand_in_their_order_where_their_lines_enter_a_frame(read):
    boxes = (box("x"), *(box(name, "self") for name in "kqv"), box("attention", "self"), box("add"))
    arrows = [Arrow("x", name, "x") for name in "kqv"]
    arrows += [Arrow(name, "attention", name) for name in read]
    arrows += [Arrow("attention", "add", "y"), Arrow("x", "add", "x")]
    found, crossings = lefts(Diagram("", boxes, tuple(arrows), (Cluster("self"),)), *read)
    assert found == sorted(found)
    assert crossings == 0


def test_the_middle_of_three_operands_is_straight_above_its_reader():
    diagram, (left, middle, right) = read_by_one((0, 1, 2))
    frames = layout(diagram).frames
    reader = next(frames[each.id] for each in diagram.boxes if each.face.rows[0].text == "Concat")
    centre = frames[middle].x + frames[middle].width / 2
    assert abs(centre - reader.x - reader.width / 2) < 1.0
    assert frames[left].x < frames[middle].x < frames[right].x


def knots(reads, pins):
    """An item from whose foot two lines leave, at some pins, to two that a fourth reads."""
    down = {0: [(1, pins[0], 25.0, 2.0), (2, pins[1], 25.0, 2.0)]}
    down |= {knot: [(3, 25.0, 50.0, 2.0)] for knot in (1, 2)}
    up = {knot: [(0, 25.0, pins[knot - 1], 2.0)] for knot in (1, 2)}
    up[3] = [(knot, 50.0, 25.0, 2.0) for knot in (1, 2)]
    return Knots([0, 1, 1, 2], [100.0, 50.0, 50.0, 100.0], up, down, 4, {3: reads})


def test_operands_stand_in_their_order_where_no_line_crosses_for_it():
    assert ordered(knots([2, 1], (50.0, 50.0))) == ([[0], [2, 1], [3]], 0)


def test_operands_stay_out_of_order_where_lines_would_cross_for_it():
    assert ordered(knots([2, 1], (10.0, 90.0))) == ([[0], [1, 2], [3]], 0)


def test_operands_give_up_their_order_in_a_frame_where_lines_cross_around_it():
    second, first = Arrow("p", "reader", "p"), Arrow("q", "reader", "q")
    boxes, clusters = [box("reader", "c")], [Cluster("c")]
    entries = [("e0", [second]), ("e1", [first])]  # the lanes between columns fix their order
    wires = wiring(boxes, [], {"c": clusters[0]}, entries, places={first: 0, second: 1})
    placed = place(boxes, clusters, {"reader": Size(88.0, 18.5)}, wires, Room(1100.0, True))
    assert placed.crossings == 0


def test_a_residual_passes_on_the_right_whichever_operand_it_is():
    graph = Graph(name="residual")
    make = Builder(graph)
    x = make.op("Exp", make.input("x", F32), name="first")
    y = make.op("Tanh", make.op("Relu", x), name="last")
    make.output([make.op("Sub", x, y, name="sub")])
    placed = layout(view.graph(graph, flat=True))
    tips = {line.arrow.tail: line.tip[0] for line in placed.lines if line.arrow.head == "sub"}
    assert tips["first"] > tips["last"]
