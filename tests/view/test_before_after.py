import random

import picture_graphs
import pytest

from graphlens import view
from graphlens.analysis.diff import diff
from graphlens.ir import Graph
from graphlens.passes.eliminate import eliminate
from graphlens.passes.history import Evidence, History, Step
from graphlens.render.head import entries
from graphlens.render.wires import marked
from graphlens.tensor import TensorType
from graphlens.view import Arrow


def history(before, after, status="proven"):
    given = Evidence(nodes=4, kernels=3, traffic_bytes=4000, peak_bytes=800)
    found = Evidence(
        nodes=2, kernels=2, traffic_bytes=1000, peak_bytes=800, status=status, max_abs_error=1e-6
    )
    return History(before, given, (Step("fuse", before, after, found),))


def faces(diagram):
    return {box.id: box.faces for box in diagram.boxes}


def test_nodes_of_one_origin_share_a_box_with_a_face_in_each_pane():
    drawn = view.before_after(history(picture_graphs.ungrouped(), picture_graphs.grouped()))
    before, after = faces(drawn)["stem.conv"]
    assert [row.text for row in before.rows] == ["Conv", "Relu", "Identity"]
    assert [row.text for row in after.rows] == ["Conv", "Relu"]
    assert (before.kind, after.kind) == ("stack", "group")


def test_what_has_no_counterpart_is_marked():
    drawn = view.before_after(history(picture_graphs.ungrouped(), picture_graphs.grouped()))
    before, after = faces(drawn)["stem.conv"]
    assert [row.mark for row in before.rows] == ["", "", "removed"]
    assert [row.mark for row in after.rows] == ["", ""]
    back = view.before_after(history(picture_graphs.grouped(), picture_graphs.ungrouped()))
    assert any(
        row.mark == "added" for both in faces(back).values() if both[1] for row in both[1].rows
    )


def test_what_did_not_change_is_not_marked():
    graph = picture_graphs.residual_net()
    drawn = view.before_after(history(graph, graph))
    rows = [row for box in drawn.boxes for face in box.faces for row in face.rows]
    assert {row.mark for row in rows} == {""}
    assert all(arrow.panes == () for arrow in drawn.arrows)


def test_equal_pairs_of_blocks_roll_up_together():
    graph = picture_graphs.residual_net(blocks=12)
    drawn = view.before_after(history(graph, graph))
    assert 12 in {cluster.repeat for cluster in drawn.clusters}


def test_a_block_that_changed_alone_ends_the_run_on_both_sides():
    before = picture_graphs.residual_net(blocks=6)
    after = before.copy()
    after.update_node("stage0.3.a.conv", attributes={"pads": (1, 1, 1, 1), "group": 1})
    drawn = view.before_after(history(before, after))
    while drawn.coarser is not None and not drawn.clusters:
        drawn = drawn.coarser
    assert max((cluster.repeat for cluster in drawn.clusters), default=1) <= 3


def test_the_head_shows_the_evidence_and_what_it_gained():
    drawn = view.before_after(history(picture_graphs.ungrouped(), picture_graphs.grouped()))
    facts = {fact.name: fact for fact in drawn.panes[1].facts}
    assert facts["kernels"].value == "2"
    assert facts["kernels"].change == "−33 %"
    assert facts["kernels"].good
    assert facts["peak memory"].change == ""
    assert facts["largest error"].value == "1.0e-06"
    assert (facts["same function"].value, facts["same function"].good) == ("proven", True)


def test_what_is_not_proven_is_not_shown_as_good():
    drawn = view.before_after(
        history(picture_graphs.ungrouped(), picture_graphs.grouped(), "unproven")
    )
    fact = next(fact for fact in drawn.panes[1].facts if fact.name == "same function")
    assert (fact.value, fact.good) == ("unproven", False)


def test_one_step_is_drawn_like_a_history():
    step = history(picture_graphs.ungrouped(), picture_graphs.grouped()).steps[0]
    drawn = view.before_after(step)
    assert len(drawn.panes) == 2
    assert "fuse" in drawn.panes[1].title


def finest_marks(drawn):
    return {row.text: row.mark for box in drawn.boxes for row in box.face.rows if row.mark}


def test_two_unrelated_graphs_stand_side_by_side_one_removed_and_one_added():
    one, other = picture_graphs.residual_net(), picture_graphs.flat_layers()
    drawn = view.difference(diff(one, other), flat=True)
    assert drawn.title == "net → flat"
    assert drawn.subtitle.startswith("operations: ")
    assert {len(box.faces) for box in drawn.boxes} == {1}
    assert {cluster.path for cluster in drawn.clusters if not cluster.parent} == {"net", "flat"}
    marks = finest_marks(drawn)
    assert (marks["Conv"], marks["MatMul"]) == ("removed", "added")


def runs(drawn):
    return [cluster.times for cluster in drawn.clusters if cluster.was]


def test_a_longer_model_shows_what_it_has_more_in_one_picture():
    one, other = picture_graphs.residual_net(blocks=1), picture_graphs.residual_net(blocks=2)
    drawn = view.difference(diff(one, other), flat=True)
    assert len(drawn.panes) == 1
    assert {row.mark for box in drawn.boxes for row in box.face.rows} == {"", "added"}
    assert {arrow.mark for arrow in drawn.arrows} >= {"", "added", "removed"}
    facts = {fact.name: fact.value for fact in drawn.panes[0].facts}
    assert facts["operations"] == "8 → 13"


@pytest.mark.parametrize(("few", "many"), [(1, 2), (2, 6), (3, 4)])
def test_blocks_that_one_model_has_more_of_are_one_run(few, many):
    one, other = picture_graphs.residual_net(blocks=few), picture_graphs.residual_net(blocks=many)
    drawn = view.difference(diff(one, other))
    assert runs(drawn) == [f"× {many} for × {few}"]
    assert {row.mark for box in drawn.boxes for row in box.face.rows} == {""}
    assert {arrow.mark for arrow in drawn.arrows} == {""}
    assert runs(view.difference(diff(other, one))) == [f"× {few} for × {many}"]


def test_a_run_of_other_sizes_and_another_number_is_one_run_too():
    one = picture_graphs.residual_net(blocks=2, channels=8)
    other = picture_graphs.residual_net(blocks=5, channels=12)
    drawn = view.difference(diff(one, other))
    assert runs(drawn) == ["× 5 for × 2"]
    assert {row.mark for box in drawn.boxes for row in box.face.rows} <= {"", "changed"}


def test_a_new_block_that_is_not_like_its_neighbours_stands_by_itself():
    one, other = picture_graphs.residual_net(blocks=2), picture_graphs.residual_net(blocks=3)
    other.update_node("stage0.2.a.relu", op="Tanh")
    drawn = view.difference(diff(one, other))
    assert runs(drawn) == []
    assert "added" in {row.mark for box in drawn.boxes for row in box.face.rows}


def test_a_folded_scope_says_how_many_blocks_it_has_and_had():
    one, other = (picture_graphs.residual_net(blocks=n, stages=2) for n in (2, 3))
    drawn = view.difference(diff(one, other))
    while drawn.coarser is not None and runs(drawn):
        drawn = drawn.coarser
    told = {row.detail for box in drawn.boxes for row in box.face.rows if row.mark == "changed"}
    assert any(said.startswith("× 3 for × 2") for said in told)


def test_a_long_stretch_of_equal_operations_can_be_one_box():
    one = picture_graphs.flat_layers(layers=3)
    for name in [*one.in_order()]:
        if one.op(name) == "MatMul":
            one.nodes[name]["scope"] = ""
    other = one.copy()
    other.update_node("add2", op="Sub")
    drawn = view.difference(diff(one, other))
    while drawn.coarser is not None and len(drawn.boxes) > 5:
        drawn = drawn.coarser
    assert any("equal operations" in box.face.rows[0].text for box in drawn.boxes)


def test_a_module_of_another_class_is_called_by_both():
    one = picture_graphs.residual_net(blocks=1)
    other = one.copy()
    other.scopes["stage0.0"] = "Sibling"
    other.update_node("stage0.0.a.relu", op="Tanh")
    drawn = view.difference(diff(one, other), depth=9)
    assert "Block → Sibling" in {cluster.kind for cluster in drawn.clusters}


def test_a_changed_attribute_is_written_as_what_it_was_and_is():
    one = picture_graphs.residual_net(blocks=1)
    other = one.copy()
    other.update_node("stem.conv", attributes={"kernel_shape": (3, 3), "strides": (2, 2)})
    drawn = view.difference(diff(one, other), flat=True)
    changed = [row for box in drawn.boxes for row in box.face.rows if row.mark == "changed"]
    assert [row.detail for row in changed if row.text == "Conv"] == ["3×3, 8, — → /2"]


def test_between_two_models_other_attributes_are_marked_and_shown_first():
    one = picture_graphs.residual_net(blocks=2, stages=6)
    other = one.copy()
    other.update_node("stage4.1.b.conv", attributes={"kernel_shape": (3, 3), "group": 2})
    drawn = view.difference(diff(one, other))
    marks = {row.mark for box in drawn.boxes for row in box.face.rows}
    assert marks == {"", "changed"}
    changed = [box for box in drawn.boxes if box.changed]
    assert [box.id.split(".")[0] for box in changed] == ["stage4"]
    while drawn.coarser is not None:
        drawn = drawn.coarser
    folded = next(box for box in drawn.boxes if box.changed)
    assert folded.face.rows[0].mark == "changed"


def test_what_changed_in_a_folded_scope_is_said_in_it():
    one = picture_graphs.residual_net(blocks=2, stages=2)
    other = one.copy()
    for name in ("stage1.0.b.conv", "stage1.1.b.conv"):
        other.update_node(name, attributes={"kernel_shape": (3, 3), "group": 2})
    shut = view.difference(diff(one, other), depth=0)
    folded = next(box for box in shut.boxes if box.changed)
    told = [row.detail for row in folded.face.rows if row.mark and row.style == "summary"]
    assert told == ["Conv — → 2 groups"]


def test_what_is_equal_is_folded_and_the_one_scope_with_a_change_open():
    one = picture_graphs.residual_net(blocks=2, stages=3)
    other = one.copy()
    other.update_node("stage1.1.b.conv", attributes={"kernel_shape": (3, 3), "group": 2})
    drawn = view.difference(diff(one, other))
    opened = {cluster.path for cluster in drawn.clusters if cluster.repeat == 1}
    assert opened == {"stage1", "1"}


def test_an_arrow_says_what_its_shape_was_and_is():
    one = picture_graphs.residual_net(blocks=1, channels=8)
    other = picture_graphs.residual_net(blocks=1, channels=12)
    drawn = view.difference(diff(one, other), flat=True)
    assert {arrow.mark for arrow in drawn.arrows} == {""}
    assert "1×(8 → 12)×16×16" in {arrow.label for arrow in drawn.arrows}


def test_what_is_gone_stands_where_it_stood():
    one = picture_graphs.residual_net(blocks=1)
    other = one.copy()
    other.update_node("stage0.0.a.relu", op="Identity")
    drawn = view.difference(diff(one, eliminate(other)))
    rows = next(box.face.rows for box in drawn.boxes if box.id == "stage0.0.a.conv")
    assert [(row.text, row.mark) for row in rows[:2]] == [("Conv", ""), ("Relu", "removed")]


def test_the_head_of_a_difference_has_the_costs_of_both():
    one, other = picture_graphs.residual_net(blocks=1), picture_graphs.residual_net(blocks=2)
    facts = {fact.name for fact in view.difference(diff(one, other)).panes[0].facts}
    assert facts >= {"operations", "parameters", "FLOPs", "peak memory"}


def test_a_film_strip_has_a_pane_for_every_pass_that_changed_something():
    one, other = picture_graphs.ungrouped(), picture_graphs.grouped()
    evidence = history(one, other).evidence
    steps = (Step("look", one, one, evidence), Step("fuse", one, other, evidence))
    drawn = view.before_after(History(one, evidence, steps), strip=True, flat=True)
    assert [pane.title for pane in drawn.panes] == ["captured", "fuse"]
    group = next(box for box in drawn.boxes if box.faces[1] and box.faces[1].kind == "group")
    assert [row.text for row in group.faces[0].rows][:2] == ["Conv", "Relu"]


def test_depth_and_flat_hold_for_before_and_after_too():
    graph = picture_graphs.residual_net(blocks=2, stages=2)
    other = graph.copy()
    other.update_node("stem.conv", attributes={"kernel_shape": (3, 3), "group": 1})
    flat = view.before_after(history(graph, other), flat=True)
    shut = view.before_after(history(graph, other), depth=0)
    assert len(flat.boxes) > len(shut.boxes)
    assert shut.coarser is None


def test_empty_graphs_can_be_compared():
    graph = Graph(name="empty")
    graph.add(picture_graphs.Node("Output", "graphlens"), name="output")
    assert len(view.before_after(history(graph, graph)).boxes) == 1


def test_no_line_that_two_models_share_is_marked():
    one, other = Arrow("a", "b", mark="removed"), Arrow("a", "c", mark="added")
    assert marked([one, other]) == ""
    assert marked([one, one]) == "removed"


def test_what_has_an_arrow_of_its_own_says_what_differs_in_brackets():
    one = picture_graphs.flat_layers(layers=1)
    other = one.copy()
    wide = TensorType("float32", (8, 32))
    other.update_node("w0", results=(wide,))
    drawn = view.difference(diff(one, other), flat=True)
    details = {row.detail for box in drawn.boxes for row in box.face.rows if row.text == "MatMul"}
    assert details == {"8 → (8 → 32)"}


def test_the_legend_explains_arrows_that_are_gone_too():
    one, other = picture_graphs.residual_net(blocks=1), picture_graphs.residual_net(blocks=2)
    other.update_node("stage0.1.a.relu", op="Tanh")
    drawn = view.difference(diff(one, other))
    assert "removed" not in {row.mark for box in drawn.boxes for row in box.face.rows}
    assert ("removed", "removed") in entries(drawn)


def test_a_folded_scope_that_changed_says_the_weights_it_had_and_has():
    one = picture_graphs.residual_net(blocks=2, channels=8)
    other = picture_graphs.residual_net(blocks=3, channels=16)
    shut = view.difference(diff(one, other), depth=0)
    notes = [row.note for box in shut.boxes for row in box.face.rows if row.style == "module"]
    assert notes == ["2.3k → 13.8k"]


def test_what_is_gone_is_not_counted_among_what_a_folded_scope_holds():
    one = picture_graphs.residual_net(blocks=2)
    other = one.copy()
    other.update_node("stage0.1.a.relu", op="Identity")
    shut = view.difference(diff(one, eliminate(other)), depth=0)
    rows = next(box.face.rows for box in shut.boxes if box.face.kind == "module")
    assert [row.detail for row in rows if row.style == "summary" and row.detail] == [
        "4 Conv · 3 Relu · 2 Add",
        "− Relu",
    ]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_differs_every_arrow_joins_two_boxes(seed):
    draw = random.Random(seed)
    one, other = (
        picture_graphs.residual_net(
            blocks=draw.randint(1, 5), channels=draw.choice((8, 16)), stages=draw.randint(1, 3)
        )
        for _ in range(2)
    )
    for graph in (one, other):
        for name in draw.sample([n for n in graph if graph.op(n) == "Relu"], 1):
            graph.update_node(name, op=draw.choice(("Tanh", "Sigmoid", "Relu")))
    drawn = view.difference(diff(one, other))
    while drawn is not None:
        names = {box.id for box in drawn.boxes}
        assert all({arrow.tail, arrow.head} <= names for arrow in drawn.arrows)
        drawn = drawn.coarser


def test_a_scope_of_many_changed_members_is_shown_in_stretches_rather_than_not_at_all():
    one, other = (picture_graphs.residual_net(blocks=18) for _ in range(2))
    for block in range(18):  # each unlike the others, before and after
        for graph, size in ((one, 3 + 2 * block), (other, 4 + 3 * block)):
            for conv in (f"stage0.{block}.a.conv", f"stage0.{block}.b.conv"):
                graph.update_node(
                    conv, attributes={"kernel_shape": (3, 3), "dilations": (size,) * 2}
                )
    drawn, sizes = view.difference(diff(one, other)), set[int]()
    while drawn is not None:
        sizes.add(len(drawn.boxes))
        drawn = drawn.coarser
    assert any(8 <= size < 18 for size in sizes)
