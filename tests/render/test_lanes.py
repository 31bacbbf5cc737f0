"""Tensors that are read in a later column: led over the columns between, or by name."""

import picture_geometry as geometry
import pytest
import torch_models

import graphlens
from graphlens import render, view
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.render import layout
from graphlens.render.columns import even_columns
from graphlens.render.measure import evened
from graphlens.tensor import TensorType


def bridged(levels):
    """Encoder and decoder of some levels, and a bridge from each to each."""
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (1, 64)))
    weight = make.param("w", TensorType("float32", (64, 64)))
    held = []
    for _ in range(levels):
        x = _steps(make, x, weight)
        held.append(x)
    x = _steps(make, x, weight)
    for saved in reversed(held):
        x = make.op("Mul", _steps(make, x, weight), saved)
    make.output([x])
    return graph


def _steps(make, x, weight):
    for op in ("Sin", "Erf"):
        x = make.op(op, make.op("MatMul", x, weight))
    return x


def in_columns(graph, count):
    diagram = view.graph(graph, flat=True)
    pieces = even_columns(diagram, evened(diagram.boxes), count)
    return layout._laid_out(diagram, pieces)


@pytest.mark.parametrize(("levels", "columns"), [(2, 3), (2, 4), (3, 4)])
def test_bridges_over_columns_are_led_and_cross_nothing(levels, columns):
    placed = in_columns(bridged(levels), columns)
    column = {box.id: index for index, piece in enumerate(placed.pieces) for box in piece}
    far = {
        line.arrow for line in placed.lines if column[line.arrow.head] > column[line.arrow.tail] + 1
    }
    assert far
    assert (placed.named, placed.crossings) == (0, 0)
    assert not any(box.tags for box in placed.boxes.values())


def test_where_very_many_go_far_they_come_by_name():
    placed = in_columns(bridged(9), 6)
    assert placed.named >= 5
    tags = [tag for box in placed.boxes.values() for tag in box.tags]
    assert len(tags) == 2 * placed.named


def test_a_lane_that_would_cross_another_is_left_out():
    """What is read first in the next column cannot pass what is read there after it."""
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (1, 64)))
    weight = make.param("w", TensorType("float32", (64, 64)))
    first = _steps(make, x, weight)
    second = _steps(make, first, weight)
    x = _steps(make, _steps(make, second, weight), weight)
    x = make.op("Mul", _steps(make, x, weight), first)
    make.output([make.op("Mul", _steps(make, x, weight), second)])
    placed = in_columns(graph, 4)
    assert placed.crossings == 0
    assert placed.named


def test_all_four_bridges_of_a_unet_are_arrows():
    model, inputs = torch_models.unet()
    drawn = render.svg(view.graph(graphlens.capture(model, *inputs)))
    found = geometry.read(drawn)
    assert "italic" not in drawn  # no tag
    assert geometry.crossings(found) == 0
    assert geometry.type_size(found) >= 7.0
