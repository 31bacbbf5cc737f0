"""Geometry of whole pictures, read from their SVG: real models, and what no model looks like."""

import picture_geometry as geometry
import picture_graphs
import pytest
import torch
import torch_models

import graphlens
from graphlens import render, view
from graphlens.analysis.diff import diff
from graphlens.ir import Graph, Node, Value
from graphlens.ops.build import Builder
from graphlens.render.part import Frame
from graphlens.render.passing import passes
from graphlens.tensor import TensorType

F32 = TensorType("float32", (4, 8))
MODELS = ("unet", "gpt2", "bert_base")


@pytest.fixture(scope="module", params=MODELS, name="history")
def history_of_a_real_model(request):
    with torch.no_grad():
        model, inputs, *rest = getattr(torch_models, request.param)(small=True)
    graph = graphlens.capture(model, *inputs, kwargs=rest[0] if rest else None)
    return graphlens.optimize(graph, prove=False)


def drawn(picture):
    return geometry.read(render.svg(picture))


def is_sound(found):
    assert geometry.over_boxes(found) == 0
    assert geometry.overlapping_texts(found) == []
    assert geometry.texts_over_boxes(found) == []
    assert geometry.texts_over_lines(found) == []
    assert geometry.texts_over_frames(found) == []


def fits_a_page(found):
    is_sound(found)
    assert 1 / 3 <= geometry.aspect(found) <= 3
    assert geometry.type_size(found) >= 7.0


def test_the_default_picture_of_a_real_model_fits_a_page(history):
    for graph in (history.before, history.after):
        found = drawn(view.graph(graph))
        fits_a_page(found)
        assert geometry.crossings(found) == 0
        assert geometry.cut_texts(found) == []


def test_before_and_after_and_the_film_strip_fit_a_page(history):
    for strip in (False, True):
        found = drawn(view.before_after(history, strip=strip))
        fits_a_page(found)
        assert geometry.crossings(found) == 0
        assert geometry.cut_texts(found) == []


def test_nothing_overlaps_in_a_flat_picture_with_a_measure(history):
    is_sound(drawn(view.graph(history.before, flat=True)))
    is_sound(drawn(view.graph(history.before, color_by="bytes")))
    is_sound(drawn(view.graph(history.before, depth=2)))


def test_what_differs_fits_a_page(history):
    other = picture_graphs.residual_net(blocks=4, stages=3)
    fits_a_page(drawn(view.difference(diff(history.before, other))))
    fits_a_page(drawn(view.difference(diff(history.before, history.after))))


def made(build):
    graph = Graph(name="odd")
    make = Builder(graph)
    make.output(build(make))
    return graph


def parallel(make, count=60):
    x = make.input("x", F32)
    many = [make.op("Exp" if i % 2 else "Relu", x, name=f"op{i}") for i in range(count)]
    return [make.op("Concat", *many, axis=0, results=[TensorType("float32", (4 * count, 8))])]


def clique(make, count=30):
    values = [make.input("x", F32)]
    for index in range(count):
        values.append(make.op("Sum", *values, name=f"sum{index}", results=[F32]))
    return values[-1:]


def many_inputs(make, count=5_000):
    values = [make.input(f"x{index}", F32) for index in range(count)]
    return [make.op("Concat", *values, axis=0, results=[TensorType("float32", (4 * count, 8))])]


def many_outputs(make):
    x = make.input("x", F32)
    return [make.op("Relu", x, name=f"relu{index}") for index in range(60)]


def apart(make):
    for index in range(60):
        make.op("RandomNormal", shape=(2,), name=f"r{index}", results=[F32])
    return []


def unknown(make):
    x = make.input("x", TensorType("undefined", None))
    kinds = (TensorType("undefined", None), TensorType("float32", None))
    return [Value(make.graph.add(Node("Foo", "strange", {"a": (1, 2)}, kinds), [x], "foo"), 1)]


def long_names(make):
    x = make.input("i" * 10_000, F32)
    make.scope = ".".join(f"scope{index}" for index in range(60))
    return [make.op("Exp", make.op("Relu", x, name="n" * 10_000), name="a/b:0")]


ODD = (parallel, clique, many_inputs, many_outputs, apart, unknown, long_names)


@pytest.mark.parametrize("build", ODD, ids=lambda build: build.__name__)
def test_a_graph_unlike_any_model_fits_a_page_all_the_same(build):
    graph = made(build)
    fits_a_page(drawn(view.graph(graph)))
    if len(graph) < 1000:
        is_sound(drawn(view.graph(graph, flat=True)))


def encoder_decoder(make, first):
    """A decoder's layer reads what an encoder gave, which is an output too."""
    text, coded = make.input("text", F32), make.input("coded", F32)
    coded = make.op("Sigmoid", make.op("Exp", coded))
    make.scope = "decoder"
    text = make.op("Exp", text)
    text = make.op("Sub", text, make.op("Exp", text))
    make.scope = "decoder.layer"
    text = make.op("Sub", text, coded)
    text = make.op("Sub", text, make.op("Exp", text))
    make.scope = ""
    return [text, coded] if first else [coded, text]


@pytest.mark.parametrize("first", [True, False])
def test_lines_enter_a_frame_in_the_order_in_which_they_do_not_cross(first):
    graph = made(lambda make: encoder_decoder(make, first))
    found = drawn(view.graph(graph, flat=True))
    assert geometry.crossings(found) == 0
    is_sound(found)


def test_a_line_that_passes_by_goes_round_the_side_where_it_crosses_no_other():
    def branches(make):
        x, y = make.input("x", F32), make.input("y", F32)
        x = make.op("Exp", x)
        left = make.op("Sub", make.op("Sigmoid", make.op("Sigmoid", x)), x)
        right = make.op("Sub", make.op("Sigmoid", make.op("Exp", y)), y)
        mixed = make.op("Sub", make.op("Exp", left), right)
        return [make.op("Exp", mixed), mixed, left, x, right, y]

    assert geometry.crossings(drawn(view.graph(made(branches), flat=True))) == 0


def test_a_shape_stands_on_the_side_of_its_arrow_where_no_other_arrow_is():
    def bottleneck(make):
        x = make.op("Exp", make.input("x", TensorType("float32", (1, 64, 56, 56))))
        inner = x
        for name, (outer, wide) in {"narrow": (16, 64), "wide": (64, 16)}.items():
            weight = make.param(name, TensorType("float32", (outer, wide, 1, 1)))
            inner = make.op("Conv", inner, weight, kernel_shape=(1, 1))
        return [make.op("Add", inner, x)]

    found = drawn(view.graph(made(bottleneck), flat=True))
    assert "1×64×56×56" in [text for text, _ in found.loose]
    assert geometry.texts_over_lines(found) == []


def test_a_shape_stands_in_its_frame_and_not_on_its_edge():
    def leaves(make):
        x = make.input("x", TensorType("float32", (1, 64, 56, 56)))
        make.scope = "module"
        weight = make.param("module.weight", TensorType("float32", (32768, 64, 1, 1)))
        x = make.op("Conv", make.op("Exp", x), weight, kernel_shape=(1, 1))
        make.scope = ""
        return [make.op("Exp", x)]

    found = drawn(view.graph(made(leaves), flat=True))
    (frame,) = found.frames
    (label,) = [room for text, room in found.loose if text == "1×32768×56×56"]
    assert label[2] < frame[2]
    assert label[3] < frame[3]


def test_a_frame_is_wide_enough_for_the_shapes_of_what_leaves_one_box_twice():
    def splits(make):
        x = make.input("x", TensorType("float32", (1, 30000, 56, 5600)))
        make.scope = "module"
        half = TensorType("float32", (1, 15000, 56, 5600))
        counts = {"axis": 1, "num_outputs": 2}
        node = Node("Split", "", counts, results=(half, half), scope="module")
        name = make.graph.add(node, [make.op("Exp", x)], "split")
        make.scope = ""
        return [make.op("Exp", Value(name, 0)), make.op("Neg", Value(name, 1))]

    found = drawn(view.graph(made(splits), flat=True))
    assert [text for text, _ in found.loose].count("1×15000×56×5600") == 2
    is_sound(found)


def test_a_shape_stands_clear_of_all_arrows_that_leave_its_box():
    def splits(make):
        x = make.op("Exp", make.input("x", TensorType("float32", (3, 64, 768))))
        third = TensorType("float32", (1, 64, 768))
        node = Node("Split", "", {"axis": 0, "num_outputs": 3}, results=(third,) * 3)
        name = make.graph.add(node, [x], "split")
        each = [make.op(op, Value(name, i)) for i, op in enumerate(("Exp", "Neg", "Tanh"))]
        return [make.op("Concat", *each, axis=0, results=[TensorType("float32", (3, 64, 768))])]

    found = drawn(view.graph(made(splits), flat=True))
    assert "1×64×768" in [text for text, _ in found.loose]
    is_sound(found)


def test_boxes_have_names_for_screen_readers_and_links_only_where_asked_for():
    graph = picture_graphs.residual_net(blocks=1)
    assert "<a " not in render.svg(view.graph(graph))
    graph.update_node("stem.conv", source=graph.node("stem.conv").source._replace(file="net.py"))
    text = render.svg(view.graph(graph, source_url="https://host/{file}#L{line}"))
    assert text.count('<a href="https://host/net.py#L') == 1
    assert text.count('role="group" aria-label=') == text.count('class="box')


def test_a_link_that_would_run_code_is_refused():
    with pytest.raises(graphlens.GraphlensError, match=r"cannot link to .javascript:"):
        view.graph(picture_graphs.residual_net(), source_url="javascript:alert('{file}')")


@pytest.mark.parametrize("top", range(100, 150, 3))
def test_a_long_line_is_seen_behind_a_label_wherever_that_stands(top):
    line = ((50.0, 0.0), (50.0, 200.0), (50.0, 500.0), (50.0, 700.0))
    assert passes(line, Frame(20.0, float(top), 60.0, 11.0))
    assert not passes(line, Frame(60.0, float(top), 60.0, 11.0))


@pytest.mark.parametrize(
    ("way", "crossings"),
    [
        ([(0, 10), (40, 10), (80, 10)], 1),  # straight through
        ([(0, 0), (40, 10), (0, 20)], 0),  # touches it and turns away
        ([(0, 0), (40, 10), (80, 20)], 1),  # bends where it passes
        ([(40, -30), (40, 10), (80, 10)], 0),  # leaves it, as a fork does
        ([(0, 10), (40, 10)], 0),  # ends at it
    ],
)
def test_lines_cross_where_one_passes_to_the_other_side(way, crossings):
    found = geometry.Drawn(100, 100, lines=[[(40, -30), (40, 10), (40, 50)], way])
    assert geometry.crossings(found) == crossings
