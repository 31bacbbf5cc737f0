"""What tells a folded block from the one like it before, and what bundles are called."""

import picture_graphs
import pytest

from graphlens import view
from graphlens.ir import Editor, Value
from graphlens.ops.build import Builder
from graphlens.view.alike import told_apart
from graphlens.view.bundle import stretch
from graphlens.view.diagram import Arrow, Box, Diagram, Face, Row


def lines(diagram):
    """What each folded block says below its title."""
    return {
        box.face.rows[0].text: [row.detail for row in box.face.rows[1:] if row.detail]
        for box in diagram.boxes
        if box.face.kind == "module"
    }


def test_a_block_like_the_one_before_says_what_differs():
    graph = picture_graphs.residual_net(blocks=2, stages=2)
    graph.update_node("stage0.1.b.conv", attributes={"kernel_shape": (3, 3), "group": 2})
    said = lines(view.graph(graph, depth=1))
    assert said["0"] == ["2 Conv · 2 Relu · Add"]
    assert said["1"] == ["2 Conv · 2 Relu · Add", "like 0: 3×3, 8 → 3×3, 8, 2 groups"]


def test_a_block_with_one_operation_more_says_which():
    graph = picture_graphs.residual_net(blocks=2)
    make = Builder(graph)
    make.scope = "stage0.1"
    more = make.op("Tanh", Value("stage0.1.add"), name="stage0.1.tanh")
    editor = Editor(graph)
    editor.rewire("pool", 0, more)
    said = lines(view.graph(editor.finish(), depth=1))
    assert said["1"][-1] == "like 0 + Tanh"


def test_the_first_of_its_kind_is_like_no_other():
    said = lines(view.graph(picture_graphs.residual_net(blocks=2, stages=1), depth=0))
    assert len(said) == 1
    assert not any(line.startswith("like") for line in said["stage0.0–1"])


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (("MatMul 8 → 4", "Reshape → 1×4"), ("MatMul 8 → 6", "Reshape → 1×6"), ": 8 → 6 for 8 → 4"),
        (("MatMul 8 → 4", "Reshape → 1×4"), ("MatMul 8 → 4", "Reshape → 2×2"), ", other shapes"),
        (("MatMul 8 → 4", "MatMul 4 → 6"), ("MatMul 16 → 8", "MatMul 8 → 12"), ", twice as wide"),
        (
            ("Mul × local_inv_freq_of_it", "MatMul 8 → 4"),
            ("Mul × other_inv_freq_of_it", "MatMul 8 → 5"),
            ": 8 → 5 for 8 → 4, …",
        ),
        (("MatMul 8 → 4", "Slice [0:9]"), ("MatMul 8 → 4", "Slice [0:5]"), ", other shapes"),
        (("MatMul 8 → 4", "MatMul 4 → 6"), ("MatMul 4 → 2", "MatMul 2 → 3"), ", half as wide"),
        (("Conv 3×3, 8", "Conv 3×3, 16"), ("Conv 3×3, 16", "Conv 3×3, 32"), ": 8 → 16, 16 → 32"),
    ],
)
def test_what_views_make_of_other_shapes_is_not_named(first, second, said):
    boxes = [
        Box(
            name,
            (Face((Row(name, "Block", style="module"),), "module", details=details),),
            signature=name,
        )
        for name, details in (("a", first), ("b", second))
    ]
    assert lines(told_apart(Diagram("", tuple(boxes))))["b"] == [f"like a{said}"]


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("features.3.conv", "features.5.conv", "features.3–5"),
        ("conv2_block1_1_conv", "conv2_block3_out", "conv2_block1–block3"),
        ("stem", "head", "stem … head"),
        ("layer1", "layer1.0.conv1", "layer1"),
        ("convolution_block_1", "bottleneck_block_2", "convolution … bottleneck"),
    ],
)
def test_a_bundle_is_called_by_what_it_begins_and_ends_with(first, last, said):
    assert stretch(first, last) == said


def projections(names):
    """Boxes of an attention's products, each of a module of its own."""
    rows = [Row("MatMul", "8 → 8", scope=f"self.{name}" if name else "self") for name in names]
    boxes = [
        Box(str(index), (Face((row, Row("Add")), "stack", 2),), cluster="self")
        for index, row in enumerate(rows)
    ]
    arrows = [Arrow("x", box.id, "0") for box in boxes]
    return Diagram("attention", tuple(boxes), tuple(arrows))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("query", "key"), ["query, 8 → 8", "key, 8 → 8"]),
        (("deep.query", "deep.key"), ["query, 8 → 8", "key, 8 → 8"]),
        (("a.dense", "b.dense"), ["8 → 8"] * 2),
        (("", "key"), ["8 → 8"] * 2),
        (("conv1", "conv2"), ["8 → 8"] * 2),
        (("query",), ["8 → 8"]),
        (("a_very_long_name", "key"), ["8 → 8"] * 2),
    ],
)
def test_operations_that_look_alike_are_called_by_their_modules(names, said):
    diagram = told_apart(projections(names))
    assert [box.face.rows[0].detail for box in diagram.boxes] == said
    assert all(len(box.face.rows) == 2 for box in diagram.boxes)


def test_operations_one_after_the_other_need_no_names():
    diagram = projections(("query", "key"))
    chain = (Arrow("x", "0", "0"), Arrow("0", "1", "0"))
    assert told_apart(diagram.having(arrows=chain)).boxes == diagram.boxes
