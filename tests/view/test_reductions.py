"""Stacking, rolling, folding, bundling, tags: each makes a Diagram of a Diagram."""

from dataclasses import replace

import picture_graphs
import pytest

from graphlens import view
from graphlens.errors import UsageError
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType
from graphlens.view.build import flat
from graphlens.view.bundle import bundle
from graphlens.view.diagram import Arrow, Box, Cluster, Diagram, Face, Row
from graphlens.view.fit import cost, fits
from graphlens.view.fold import fold, fold_to
from graphlens.view.quotient import quotient, topological
from graphlens.view.roll import roll
from graphlens.view.stack import stack
from graphlens.view.tag import tag_wide
from graphlens.view.trim import trimmed


def clusters(diagram):
    return {cluster.id: cluster for cluster in diagram.clusters}


def texts(diagram):
    return [[row.text for row in box.face.rows if row.text] for box in diagram.boxes]


def is_sound(diagram):
    """Every arrow joins boxes that exist, every box and cluster is in one that exists."""
    ids, known = {box.id for box in diagram.boxes}, {""} | set(clusters(diagram))
    assert len(ids) == len(diagram.boxes)
    assert {box.cluster for box in diagram.boxes} <= known
    assert {cluster.parent for cluster in diagram.clusters} <= known
    assert all(
        {arrow.tail, arrow.head} <= ids and arrow.tail != arrow.head for arrow in diagram.arrows
    )
    place = {box.id: index for index, box in enumerate(diagram.boxes)}
    assert all(place[arrow.tail] < place[arrow.head] for arrow in diagram.arrows)
    return True


# -- stack ----------------------------------------------------------------------------------------


def test_a_light_op_joins_the_box_of_its_only_producer():
    drawn = stack(flat(picture_graphs.residual_net(blocks=1)))
    assert texts(drawn) == [
        ["x"],
        ["Conv", "Relu"],
        ["Conv", "Relu"],
        ["Conv", "Relu"],
        ["Add"],
        ["GlobalAveragePool"],
        ["y"],
    ]
    assert is_sound(drawn)


def test_an_op_whose_producer_has_another_reader_stays_apart():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    y = make.op("MatMul", x, x, name="mm")
    make.output([make.op("Relu", y), y])
    assert texts(stack(flat(graph)))[1:3] == [["MatMul"], ["Relu"]]


def test_a_scope_of_one_box_is_no_cluster():
    drawn = stack(flat(picture_graphs.residual_net(blocks=1)))
    assert "stem" not in clusters(drawn)
    assert clusters(drawn)["stage0.0"].kind == "Block"


def test_nothing_joins_a_group():
    graph = picture_graphs.grouped()
    drawn = stack(flat(graph))
    assert ["Conv", "Relu"] in texts(drawn)
    assert len(drawn.boxes) == 4


# -- scopes ---------------------------------------------------------------------------------------


def test_a_module_that_is_called_twice_does_not_tie_its_calls_together():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    for index in range(2):
        make.scope = "block"
        x = make.op("MatMul", x, x, name=f"mm{index}")
        make.scope = "block.relu"
        x = make.op("Relu", x, name=f"relu{index}")
    make.scope = ""
    make.output([x])
    assert {box.cluster for box in flat(graph).boxes} == {"", "block"}


def test_a_scope_that_is_left_and_entered_again_is_no_frame():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    for scope in ("enc.0", "pool", "enc.1"):
        make.scope = scope
        x = make.op("MatMul", x, x)
        x = make.op("Exp", x)
    make.scope = ""
    make.output([x])
    drawn = flat(graph)
    assert "enc" not in clusters(drawn)
    assert clusters(drawn)["enc.0"].path == "enc.0"
    assert is_sound(fold_to(drawn, 0))


def test_names_of_layers_on_one_level_are_read_as_paths():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    for block in range(4):
        for layer in ("a", "b", "add"):
            make.scope = f"conv2_block{block}_{layer}"
            x = make.op("MatMul", x, x)
    for number in range(2):
        make.scope = f"batch_normalization_{number}"
        x = make.op("Exp", x)
        make.scope = f"other_layer_{number}"
        x = make.op("MatMul", x, x)
    make.scope = ""
    make.output([x])
    found = clusters(flat(graph))
    assert {"conv2", "conv2.block0", "conv2.block3"} <= set(found)
    assert "batch" not in found
    assert 4 in {cluster.repeat for cluster in roll(stack(flat(graph))).clusters}


# -- roll -----------------------------------------------------------------------------------------


def test_equal_blocks_are_drawn_once():
    drawn = roll(stack(flat(picture_graphs.residual_net(blocks=12))))
    cluster = clusters(drawn)["stage0.0"]
    assert cluster.repeat == 12
    assert cluster.path.endswith("–11")
    assert len(drawn.boxes) == 7
    assert is_sound(drawn)


def test_blocks_of_other_sizes_are_not_rolled_together():
    drawn = roll(stack(flat(picture_graphs.residual_net(blocks=3, stages=2))))
    assert sorted(cluster.repeat for cluster in drawn.clusters if cluster.kind == "Block") == [3, 3]


def test_a_repeating_pattern_without_scopes_is_rolled():
    drawn = roll(stack(flat(picture_graphs.flat_layers(6))))
    assert [cluster.repeat for cluster in drawn.clusters] == [6]
    assert texts(drawn) == [["x"], ["MatMul"], ["MatMul"], ["Add"], ["output"]]
    assert is_sound(drawn)


def test_equal_ops_side_by_side_are_not_a_run():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    branches = [
        make.op("MatMul", x, make.param(f"w{i}", TensorType("float32", (4, 4)))) for i in range(3)
    ]
    make.output([make.op("Concat", *branches, axis=0)])
    assert len(roll(flat(graph)).boxes) == 6


def test_a_block_that_is_wired_otherwise_ends_the_run():
    graph = Graph()
    make = Builder(graph)
    first = x = make.input("x", TensorType("float32", (4, 4)))
    for index in range(6):
        y = make.op("MatMul", x, x, name=f"mm{index}")
        x = make.op("Add", y, first if index == 3 else x, name=f"add{index}")
    make.output([x])
    repeats = [cluster.repeat for cluster in roll(flat(graph)).clusters]
    assert max(repeats, default=1) == 3


def test_runs_inside_runs_are_rolled():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    for outer in range(3):
        for inner in range(4):
            make.scope = f"stage.{outer}.layer.{inner}"
            x = make.op("Add", make.op("MatMul", x, x), x)
        make.scope = f"stage.{outer}"
        x = make.op("Softmax", make.op("MatMul", x, x))
        x = make.op("Add", x, x)
    make.scope = ""
    make.output([x])
    drawn = roll(stack(flat(graph)))
    assert sorted(cluster.repeat for cluster in drawn.clusters if cluster.repeat > 1) == [3, 4]
    assert is_sound(drawn)


def test_a_mask_that_every_block_reads_does_not_hinder_the_run():
    graph = Graph()
    make = Builder(graph)
    x, mask = (
        make.input("x", TensorType("float32", (4, 4))),
        make.input("m", TensorType("float32", (4, 4))),
    )
    for index in range(5):
        make.scope = f"layer.{index}"
        x = make.op("Add", make.op("MatMul", x, x), mask)
    make.scope = ""
    make.output([x])
    drawn = roll(flat(graph))
    assert [cluster.repeat for cluster in drawn.clusters if cluster.repeat > 1] == [5]


# -- fold, bundle, fit ----------------------------------------------------------------------------


def test_a_folded_scope_counts_what_it_holds():
    drawn = fold(stack(flat(picture_graphs.residual_net(blocks=4))), {"stage0"})
    box = next(box for box in drawn.boxes if box.face.kind == "module")
    assert box.face.ops == 4 * 5
    assert box.face.params == 4 * 2 * 8 * 8 * 9
    assert "8 Conv" in box.face.rows[1].detail
    assert is_sound(drawn)


def test_a_folded_run_keeps_its_number():
    rolled = roll(stack(flat(picture_graphs.residual_net(blocks=4))))
    drawn = fold(rolled, set(clusters(rolled)))
    box = next(box for box in drawn.boxes if box.face.kind == "module")
    assert clusters(drawn)[box.cluster].repeat == 4
    assert box.face.ops == 5


def test_a_frame_around_one_frame_or_around_everything_is_gone():
    drawn = roll(stack(flat(picture_graphs.residual_net(blocks=4))))
    assert [(cluster.path, cluster.repeat) for cluster in drawn.clusters] == [("stage0.0–3", 4)]
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    for index in range(4):
        make.scope = f"model.part{index // 2}"
        x = make.op("MatMul", x, x)
    make.scope = ""
    make.output([x])
    assert "model" not in clusters(stack(flat(graph)))


def test_a_scope_to_expand_that_does_not_exist_is_an_error():
    with pytest.raises(UsageError, match="no scope 'stage9'"):
        view.graph(picture_graphs.residual_net(), expand=["stage9"])


def test_a_scope_to_expand_is_open_even_if_its_frame_was_merged_into_another():
    graph = picture_graphs.residual_net(blocks=3, stages=2)
    drawn = view.graph(graph, depth=0, expand=["stage1"])
    assert "stage1.0" in clusters(drawn)


def test_depth_zero_folds_every_scope_and_expand_opens_one():
    whole = stack(flat(picture_graphs.residual_net(blocks=2, stages=2)))
    assert [box.face.kind for box in fold_to(whole, 0).boxes].count("module") == 2
    opened = fold_to(whole, 0, ["stage1.0"])
    assert {"stage1", "stage1.0"} <= set(clusters(opened))
    assert "stage1.1" not in clusters(opened)


def test_a_page_is_never_asked_for_more_than_it_holds():
    whole = roll(stack(flat(picture_graphs.residual_net(blocks=2, stages=6))))
    for page in (60.0, 90.0):
        for fit in fits(whole, [page]):
            assert sum(map(cost, fit.diagram.boxes)) <= page


def test_the_first_of_equal_structures_is_opened_first():
    whole = roll(stack(flat(picture_graphs.residual_net(blocks=1, stages=5))))
    for fit in fits(whole, [56.0]):
        opened = {cluster.id for cluster in fit.diagram.clusters}
        assert "stage0.0" in opened
        assert "stage4.0" not in opened


def test_what_explains_most_of_a_model_is_opened_before_what_is_around_little():
    graph = Graph()
    make = Builder(graph)
    held = TensorType("float32", (4, 4))
    x = make.input("x", held)
    for scope, ops in (("prologue", ["Exp"] * 4), ("layer", ["MatMul", "Relu"] * 6)):
        make.scope = scope
        for op in ops:
            x = make.op(op, *[x] * (1 + (op == "MatMul")))
        y = make.op("Neg", x)
        x = make.op("Sub", y, x)
    make.output([x])
    fit = fits(stack(flat(graph)), [38.0])[-1]
    kinds = {box.face.rows[0].text: box.face.kind for box in fit.diagram.boxes}
    assert kinds["prologue"] == "module"
    assert "layer" not in kinds
    assert 0.9 < fit.explained < 1.0


def test_a_graph_without_scopes_or_repetition_is_bundled():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    for index in range(300):
        x = make.op("MatMul" if (index * index) % 7 < 3 else "Add", x, x)
    make.output([x])
    drawn = bundle(flat(graph))
    assert is_sound(drawn)
    assert sum(box.cluster == "" for box in drawn.boxes) == 2
    assert len(view.graph(graph).boxes) < 60


def test_a_module_that_says_more_than_a_bundle_stays_by_itself():
    graph = Graph(name="detector")
    graph.scopes["backbone"] = "Backbone"
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    make.scope = "backbone"
    for _ in range(40):
        x = make.op("MatMul", x, x)
    make.scope = ""
    for index in range(400):
        x = make.op("Reshape" if index % 3 else "Add", x, make.const([4, 4] if index % 3 else 1.0))
    make.output([x])
    drawn = bundle(flat(graph))
    assert is_sound(drawn)
    around = {cluster.id: cluster.parent for cluster in drawn.clusters}
    assert around["backbone"] == ""
    assert len([parent for parent in around.values() if not parent]) > 4


def test_pictures_come_with_coarser_ones_behind_them():
    diagram, sizes = view.graph(picture_graphs.residual_net(blocks=2, stages=6)), []
    while diagram is not None:
        sizes.append(len(diagram.boxes))
        diagram = diagram.coarser
    assert sizes[0] == max(sizes)
    assert sizes[-1] == min(sizes)
    assert len(sizes) > 2


def test_a_folded_scope_says_first_what_learns_and_last_what_is_idle():
    styles = {"Reshape": "view", "Add": "elementwise", "Softmax": "activation", "MatMul": "matmul"}
    boxes = [
        Box(f"{name}{index}", (Face((Row(name, style=style),)),), cluster="attn")
        for name, style in styles.items()
        for index in range(4 if style == "view" else 2 if style == "elementwise" else 1)
    ]
    cluster = Cluster("attn", "attn", "Attention", title="attn: Attention")
    (box,) = fold(Diagram("", tuple(boxes), clusters=(cluster,)), {"attn"}).boxes
    said = [row.detail for row in box.face.rows[1:] if row.detail]
    assert said == ["MatMul · Softmax · 2 Add", "4 Reshape"]


@pytest.mark.parametrize("first", [{"stage1.0"}, {"stage1.0", "stage1.1–2"}, set()])
def test_a_folded_container_says_what_modules_it_holds(first):
    graph = picture_graphs.residual_net(blocks=3, stages=2)
    graph.update_node("stage1.0.b.conv", attributes={"kernel_shape": (3, 3), "group": 2})
    whole = roll(stack(flat(graph)))
    inner = {cluster.id for cluster in whole.clusters if cluster.parent == "stage1"}
    assert len(inner) == 2
    drawn = fold(fold(whole, {name for name in inner if name in first}), {"stage1"})
    heads = {box.face.rows[0].text: box.face.rows[0].detail for box in drawn.boxes}
    assert heads["stage1"] == "3 Block"


# -- tags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("readers", "tagged"), [(5, False), (6, True)])
def test_a_value_with_many_readers_comes_by_its_name(readers, tagged):
    drawn = tag_wide(flat(picture_graphs.fan(readers)))
    arrows = [arrow for arrow in drawn.arrows if arrow.tail == "shared.mask"]
    tags = [tag.text for box in drawn.boxes for tag in box.tags if not tag.outgoing]
    assert (not arrows, tags) == (tagged, ["mask"] * readers if tagged else [])


def test_the_maker_of_a_named_value_says_so_too():
    drawn = tag_wide(flat(picture_graphs.fan(8)))
    maker = next(box for box in drawn.boxes if box.id == "shared.mask")
    assert [(tag.text, tag.outgoing) for tag in maker.tags] == [("mask", True)]


def encoder(*scopes):
    """A box in each scope; the last of ``encoder`` is read by name, by as many as stand outside."""
    names = [f"{scope}.op{index}".lstrip(".") for index, scope in enumerate(scopes)]
    boxes = [
        Box(name, (Face((Row("Exp"),)),), name=name, cluster=scope)
        for name, scope in zip(names, scopes, strict=True)
    ]
    paths = {".".join(scope.split(".")[: depth + 1]) for scope in scopes for depth in range(3)}
    clusters = [
        Cluster(path, path, parent=path.rpartition(".")[0], title=f"{path}: Stack")
        for path in sorted(paths - {""})
    ]
    inside = [name for name, scope in zip(names, scopes, strict=True) if scope]
    outside = [name for name in names if name not in inside]
    arrows = [Arrow(inside[-1], name, "0") for name in outside]
    return Diagram("", tuple(boxes), tuple(arrows), tuple(clusters)), outside


def named(diagram, readers=2):
    return {tag.text for box in tag_wide(diagram, readers).boxes for tag in box.tags}


def test_what_a_module_gives_is_called_by_the_module():
    diagram, _ = encoder("encoder.block", "encoder", "", "")
    assert named(diagram) == {"encoder"}


def test_a_value_of_the_innermost_of_modules_is_called_by_the_outermost_that_gives_it():
    diagram, _ = encoder("encoder.block.0", "", "")
    assert named(diagram) == {"encoder"}


def test_a_long_name_is_told_by_its_ends_where_these_tell_it_apart():
    inner = "block.0.layer.0.SelfAttention.unsqueeze"
    made = [f"{outer}.{inner}" for outer in ("encoder", "decoder")]
    names = [*made, "one", "two"]
    boxes = [Box(name, (Face((Row("Exp"),)),), name=name) for name in names]
    arrows = [Arrow(tail, head, "0") for tail in made for head in ("one", "two")]
    drawn = Diagram("", tuple(boxes), tuple(arrows))
    assert named(drawn) == {"encoder … unsqueeze", "decoder … unsqueeze"}


def test_a_module_that_gives_two_things_names_neither():
    diagram, outside = encoder("encoder", "encoder", "", "")
    more = Arrow("encoder.op0", outside[0], "0")
    assert named(diagram.having(arrows=[*diagram.arrows, more])) == {"op1"}


def test_a_value_that_is_read_in_its_module_too_is_not_called_by_it():
    diagram, _ = encoder("encoder", "encoder.last", "")
    again = Arrow("encoder.last.op1", "encoder.op0", "0")
    assert named(diagram.having(arrows=[*diagram.arrows, again])) == {"last"}


def test_many_inputs_of_one_reader_are_one_box():
    graph = Graph()
    make = Builder(graph)
    inputs = [make.input(f"x{index}", TensorType("float32", (4,))) for index in range(50)]
    make.output([make.op("Concat", *inputs, axis=0)])
    drawn = view.graph(graph, flat=True)
    assert texts(drawn)[0] == ["x0", "x1", "x2", "… 47 more inputs"]
    assert len(drawn.arrows) == 2
    assert is_sound(drawn)


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (((2, 4), (2, 4)), "2 of 2×4"),
        (((1, 4), (3, 4)), "1×4, 3×4"),
        (((1, 4), (1, 4), (2, 4)), "3 tensors"),
        (((1, 512, 7, 7), (1, 2048, 7, 7)), "2 tensors"),
        (((2, 4), None), "2×4, ?"),
    ],
)
def test_tensors_between_the_same_boxes_are_one_arrow(shapes, said):
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    types = [TensorType("float32", shape) for shape in shapes]
    parts = make.op("Split", x, results=types, num_outputs=len(types))
    read = [type(parts)(parts.node, index) for index in range(len(types))]
    kind, op = TensorType("float32", (4, 4)), "MatMul" if len(read) == 2 else "Attention"
    make.output([make.op(op, *read, name="joined", results=[kind])])
    drawn = [arrow for arrow in view.graph(graph).arrows if arrow.head == "joined"]
    assert [arrow.label for arrow in drawn] == [said]
    assert drawn[0].title.count("split") == len(types)


# -- order ----------------------------------------------------------------------------------------


def test_boxes_that_read_each_other_keep_their_order():
    arrows = [view.Arrow("a", "b"), view.Arrow("b", "a"), view.Arrow("b", "c")]
    assert topological(["a", "b", "c"], arrows) == ["a", "b", "c"]


def test_a_long_chain_neither_overflows_nor_hangs():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4,)))
    for _ in range(5_000):
        x = make.op("Exp", x, results=[TensorType("float32", (4,))])
    make.output([x])
    assert len(view.graph(graph).boxes) < 40


def chain(*names):
    """A box that lists operations of these names, the first one a product."""
    styles = ["matmul", *["view"] * (len(names) - 1)]
    rows = tuple(Row(name, style=style) for name, style in zip(names, styles, strict=True))
    return Diagram("", (Box("a", (Face(rows, "stack", len(rows)),)),))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("MatMul", "Reshape", "Add", "Reshape"), "2 Reshape · Add"),
        (("MatMul", "LayerNormalization", "Transpose", "Add"), "LayerNormalization · … 2 more"),
        (("MatMul", "a" * 27, "Transpose"), "… 2 more"),
        (("MatMul", "Add", "Gelu", "Transpose", "Reshape"), "Add · Gelu · … 2 more"),
    ],
)
def test_a_box_with_fewer_lines_names_what_it_leaves_out(names, said):
    box = trimmed(chain(*names), 2).boxes[0]
    assert [(row.text, row.detail) for row in box.face.rows] == [("MatMul", ""), ("", said)]
    assert [text for text, _, _ in box.face.contents] == list(names)


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ((1,), ("BatchNormalization", "· Relu")),
        ((1, 2), ("BatchNormalization · Relu", "")),
        ((2,), ("Relu", "· BatchNormalization")),
    ],
)
def test_what_a_box_leaves_out_says_what_is_gone_after(gone, said):
    (box,) = chain("Conv", "BatchNormalization", "Relu").boxes
    rows = tuple(
        replace(row, mark="removed") if index in gone else row
        for index, row in enumerate(box.face.rows)
    )
    shorter = trimmed(Diagram("", (Box("a", (Face(rows, "stack", 3),)),)), 2).boxes[0]
    assert [(row.text, row.detail) for row in shorter.face.rows][1:] == [said]
    assert shorter.face.rows[1].mark == "removed"


def test_chains_side_by_side_are_all_rolled():
    rolled = roll(flat(picture_graphs.branches(300)))
    assert [cluster.repeat for cluster in rolled.clusters] == [5] * 300
    assert is_sound(rolled)


def test_a_folded_module_says_which_modules_it_holds():
    graph = picture_graphs.residual_net(blocks=3, stages=1)
    graph.scopes["stage0"] = "Stage"
    for index, channels in enumerate((4, 8, 16)):  # no run, for they differ
        graph.update_node(f"stage0.{index}.a.conv", attributes={"kernel_shape": (3, channels)})
    box = next(box for box in view.graph(graph, depth=0).boxes if box.face.kind == "module")
    assert [row.detail for row in box.face.rows[:2]] == ["Stage", "3 Block"]


def test_a_box_may_stand_for_one_that_comes_before_it():
    boxes = tuple(Box(name, (Face((Row(name),)),)) for name in "abc")
    arrows = (Arrow("a", "b"), Arrow("b", "c"))
    small = quotient(Diagram("", boxes, arrows), {"a": "b"}, {})
    assert [box.id for box in small.boxes] == ["b", "c"]
    assert [(arrow.tail, arrow.head) for arrow in small.arrows] == [("b", "c")]
