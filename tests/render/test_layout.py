"""Geometry: nothing overlaps, labels are inside their boxes, the picture fits a page."""

from itertools import combinations

import picture_graphs
import pytest

from graphlens import view
from graphlens.analysis.diff import diff
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.render import layout as layout_module
from graphlens.render.columns import fits
from graphlens.render.draw import draw
from graphlens.render.frame import badge, title_lacks
from graphlens.render.layout import LEGIBLE, layout
from graphlens.render.measure import evened, shapes
from graphlens.render.metrics import width
from graphlens.render.ranks import WIDEST, Item, Link, ranks
from graphlens.render.scene import Group, Text
from graphlens.tensor import TensorType
from graphlens.view import Cluster

GRAPHS = {
    "residual": lambda: picture_graphs.residual_net(blocks=3, stages=3),
    "different": lambda: picture_graphs.residual_net(blocks=1, stages=8),
    "flat": lambda: picture_graphs.flat_layers(9),
    "fan": lambda: picture_graphs.fan(12),
    "grouped": picture_graphs.grouped,
}


@pytest.fixture(params=GRAPHS, name="placed")
def placed_graph(request):
    return layout(view.graph(GRAPHS[request.param]()))


def apart(one, other):
    return (
        one.x + one.width <= other.x + 0.5
        or other.x + other.width <= one.x + 0.5
        or one.y + one.height <= other.y + 0.5
        or other.y + other.height <= one.y + 0.5
    )


def test_no_two_boxes_overlap(placed):
    assert all(apart(one, other) for one, other in combinations(placed.frames.values(), 2))


def test_every_box_is_on_the_page(placed):
    for frame in placed.frames.values():
        assert frame.x >= -0.5
        assert frame.y >= -0.5
        assert frame.x + frame.width <= placed.width + 0.5
        assert frame.y + frame.height <= placed.height + 0.5


def test_every_box_is_inside_its_cluster(placed):
    for box in placed.diagram.boxes:
        if box.cluster:
            frame = placed.frames[box.id]
            around = [held for cluster, held, _ in placed.clusters if cluster.id == box.cluster]
            assert any(
                held.x <= frame.x
                and held.y <= frame.y
                and held.x + held.width >= frame.x + frame.width
                and held.y + held.height >= frame.y + frame.height
                for held in around
            )


def along(points, steps=12):
    """Points on a path of cubic curves."""
    for index in range(0, len(points) - 3, 3):
        a, b, c, d = points[index : index + 4]
        for step in range(steps):
            t = step / steps
            u = 1 - t
            yield tuple(
                u**3 * a[k] + 3 * u * u * t * b[k] + 3 * u * t * t * c[k] + t**3 * d[k]
                for k in (0, 1)
            )


def test_no_arrow_passes_through_a_box(placed):
    for line in placed.lines:
        others = [
            frame
            for name, frame in placed.frames.items()
            if name not in (line.arrow.tail, line.arrow.head)
        ]
        for x, y in along(line.points):
            for frame in others:
                across = frame.x + 2 < x < frame.x + frame.width - 2
                assert not (across and frame.y + 2 < y < frame.y + frame.height - 2), line.arrow


def test_every_arrow_is_drawn_or_named(placed):
    drawn = {(line.arrow.tail, line.arrow.value) for line in placed.lines}
    assert {(arrow.tail, arrow.value) for arrow in placed.diagram.arrows} <= drawn


def texts(group):
    for shape in group.shapes:
        if isinstance(shape, Group):
            yield from texts(shape)
        elif isinstance(shape, Text):
            yield shape


def test_every_label_is_inside_its_box(placed):
    sizes = evened(placed.diagram.boxes)
    for box in placed.diagram.boxes:
        for text in texts(shapes(box, 0, 0.0, 0.0, sizes[box.id])):
            wide = width(text.text, text.size, text.bold)
            left = text.x - (wide if text.anchor == "end" else 0.0)
            assert left >= 0.0
            assert left + wide <= sizes[box.id].width + 0.5
            assert 0.0 < text.y <= sizes[box.id].height


def test_the_default_picture_is_legible_on_a_page(placed):
    assert fits(placed.width + 50.0, placed.height + 130.0) >= LEGIBLE


def test_a_long_chain_is_wrapped_into_columns():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    for index in range(20):
        weight = make.param(f"w{index}", TensorType("float32", (4, 4 + index % 2)))
        x = make.op("MatMul", x, weight) if not index % 2 else make.op("Add", x, x)
        x = make.op("Slice", x, make.const([0]), make.const([4]), make.const([1]))
    make.output([x])
    scene = draw(view.graph(graph, flat=True))
    assert 1 / 3 <= scene.width / scene.height <= 3


def test_panes_have_each_box_at_the_same_place():
    drawn = view.difference(diff(picture_graphs.ungrouped(), picture_graphs.grouped()))
    placed = layout(drawn)
    assert set(placed.frames) == {box.id for box in placed.diagram.boxes}


def test_an_empty_graph_and_one_of_one_node_can_be_drawn():
    empty = Graph(name="empty")
    Builder(empty).output([])
    assert draw(view.graph(empty)).width > 0
    assert draw(view.graph(Graph(name="nothing at all"))).width > 0
    one = Graph(name="one")
    make = Builder(one)
    make.output([make.op("RandomNormal", shape=(2,), results=[TensorType("float32", (2,))])])
    assert draw(view.graph(one)).width > 0


def test_the_same_graph_gives_the_same_picture():
    scenes = [draw(view.graph(picture_graphs.residual_net(blocks=3, stages=3))) for _ in range(2)]
    assert scenes[0] == scenes[1]


def test_a_flat_picture_of_many_boxes_is_wide_and_quick_to_lay_out():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    for index in range(700):
        x = make.op("Add" if index % 3 else "MatMul", x, x, results=[TensorType("float32", (4, 4))])
    make.output([x])
    placed = layout(view.graph(graph, flat=True))
    assert len(placed.frames) == 702
    assert 1 / 3 <= placed.width / placed.height <= 3


def dense(blocks):
    """Blocks that read all before them, as in DenseNet."""
    graph = Graph()
    make = Builder(graph)
    held = [make.input("x", TensorType("float32", (4, 4)))]
    for _ in range(blocks):
        wide = TensorType("float32", (4, 4 * len(held)))
        joined = make.op("Concat", *held, axis=1, results=[wide]) if len(held) > 1 else held[0]
        weight = make.param(f"w{len(held)}", TensorType("float32", (4 * len(held), 4)))
        held.append(make.op("Relu", make.op("MatMul", joined, weight)))
    make.output(held[-1:])
    return graph


def test_a_long_flat_picture_that_nothing_can_be_cut_out_of_is_no_needle():
    placed = layout(view.graph(dense(110), flat=True))
    assert len(placed.frames) > 300
    assert 1 / 3 <= placed.width / placed.height <= 3


def test_branches_too_many_for_a_rank_stand_in_rows_of_whole_branches():
    items = [Item(100.0, 20.0) for _ in range(30 * 4)]
    links = [Link(i, i + 1, str(i)) for i in range(len(items)) if i % 4 < 3]
    found = ranks(items, links, widest=1100.0)
    assert [found[i : i + 4] for i in range(0, 44, 4)] == [[0, 1, 2, 3]] * 11
    assert [found[i : i + 4] for i in range(44, 88, 4)] == [[4, 5, 6, 7]] * 11
    assert set(found[88:]) == {8, 9, 10, 11}


@pytest.mark.parametrize("steps", [1, 6])
def test_lines_of_a_large_flat_picture_are_in_proportion_to_its_boxes(steps):
    placed = layout(view.graph(picture_graphs.branches(900 // steps, steps), flat=True))
    assert len(placed.frames) > 900
    assert sum(len(line.points) for line in placed.lines) <= 30 * len(placed.frames)
    assert 1 / 3 <= placed.width / placed.height <= 3
    drawn = {(line.arrow.tail, line.arrow.value) for line in placed.lines}
    told = {tag.text for box in placed.diagram.boxes for tag in box.tags if tag.outgoing}
    ends = [f"b{branch}.{steps - 1}" for branch in range(900 // steps)]
    assert all((end, "0") in drawn or any(end.endswith(text) for text in told) for end in ends)


def test_branches_of_one_op_stand_in_full_rows_of_columns_of_one_height():
    placed = layout(view.graph(picture_graphs.branches(1250, 1), flat=True))
    counts = [len(piece) for piece in placed.pieces]
    assert len(counts) > 2
    assert max(counts) < 1.3 * min(counts)
    assert placed.width < 1.4 * len(counts) * WIDEST


def test_few_lines_pass_the_end_of_many_branches_side_by_side():
    placed = layout(view.graph(picture_graphs.branches(900, 1), flat=True))
    joined = next(box for box in placed.diagram.boxes if box.name == "joined")
    lines = [line for line in placed.lines if line.arrow.head == joined.id]
    assert 8 < len(lines) < 40  # those of the last rank, and at most 24 that pass it
    assert any("more" in tag.text for tag in joined.tags)


def test_a_picture_too_high_for_a_page_is_not_tried_with_narrower_ranks(monkeypatch):
    tried = []
    laid_out = layout_module._laid_out

    def counted(diagram, pieces, room=layout_module._USUAL):
        tried.append(room.widest)
        return laid_out(diagram, pieces, room)

    monkeypatch.setattr(layout_module, "_laid_out", counted)
    layout(view.graph(picture_graphs.branches(300, 1), flat=True))
    assert tried == [WIDEST]


@pytest.mark.parametrize("at", [20.0, 90.0, 118.0])
def test_a_frame_is_wide_enough_for_arrows_to_come_in_beside_its_number_of_blocks(at):
    run = Cluster("run", repeat=12)
    wide = 120.0
    lacking = title_lacks(run, wide, [at])
    wide, at = wide + 2 * lacking, at + lacking
    _, span = badge(run)
    assert at < wide - span - 7.0
    assert title_lacks(run, wide, [at]) == pytest.approx(0.0)
