"""The bodies of If, Loop and Scan are frames of the picture."""

import pytest
from control_graphs import BOOL, HELD, INT, body

import graphlens
from graphlens import view
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.render import svg
from graphlens.view.control import opened


def branched():
    graph = Graph(name="gate")
    build = Builder(graph)
    x, cond = build.input("x", HELD), build.input("cond", BOOL)
    regions = {"then_branch": body("Relu", "Exp"), "else_branch": body("Neg")}
    chosen = build.op("If", cond, x, results=[HELD], regions=regions, name="choose")
    build.output([build.op("Tanh", chosen)])
    return graph


def looped():
    graph = Graph(name="loop")
    build = Builder(graph)
    x, rounds, cond = build.input("x", HELD), build.input("n", INT), build.input("on", BOOL)
    inner = body("Exp", given=("i", "going", "v"), types=(INT, BOOL, HELD), flags=(1,))
    build.output(
        [build.op("Loop", rounds, cond, x, results=[HELD], regions={"body": inner}, captures=0)]
    )
    return graph


def test_each_branch_is_a_frame_with_its_ops_in_it():
    diagram = view.graph(branched())
    frames = {cluster.path: cluster.kind for cluster in diagram.clusters}
    assert {"then": "branch", "else": "branch"}.items() <= frames.items()
    home = {row.text: box.cluster for box in diagram.boxes for row in box.face.rows}
    assert home["Relu"].endswith(".then")
    assert home["Neg"].endswith(".else")


def test_what_a_branch_takes_and_gives_are_arrows():
    diagram = view.graph(branched(), flat=True)
    joins = {(arrow.tail, arrow.head) for arrow in diagram.arrows}
    assert {("x", "choose.then.relu"), ("x", "choose.else.neg"), ("cond", "choose")} <= joins
    assert {("choose.then.exp", "choose"), ("choose.else.neg", "choose")} <= joins
    assert ("x", "choose") not in joins


def test_a_loop_is_drawn_without_its_way_back():
    drawn = opened(looped())
    assert drawn.in_order()
    assert {"loop.body.exp", "loop"} <= set(drawn)
    assert drawn.operands("loop.body.exp") == (("x", 0),)
    assert "captures" not in svg(view.graph(looped()))


def test_a_graph_without_control_flow_is_itself():
    graph = body("Relu")
    assert opened(graph) is graph


@pytest.mark.parametrize("made", [branched, looped])
def test_totals_are_those_of_the_graph(made):
    graph = made()
    assert view.graph(graph).subtitle.startswith(f"{1 + (made is branched)} operation")


def test_bodies_inside_bodies_are_frames_inside_frames():
    outer = Graph(name="nested")
    build = Builder(outer)
    x, cond = build.input("x", HELD), build.input("cond", BOOL)
    inner = Graph()
    held = Builder(inner)
    again, value = held.input("again", BOOL), held.input("v", HELD)
    regions = {"then_branch": body("Relu"), "else_branch": body("Neg")}
    held.output([held.op("If", again, value, results=[HELD], regions=regions, name="inside")])
    both = {"then_branch": inner, "else_branch": body("Exp", given=("c", "x"), types=(BOOL, HELD))}
    build.output([build.op("If", cond, cond, x, results=[HELD], regions=both, name="outside")])
    names = set(opened(outer))
    assert {"outside.then.inside.then.relu", "outside.then.inside", "outside.else.exp"} <= names


def rounds(tail, held="v"):
    """A loop whose body does Exp and then what ``tail`` says."""
    graph = Graph(name="loop")
    build = Builder(graph)
    x, count, cond = build.input("x", HELD), build.input("n", INT), build.input("on", BOOL)
    given = ("i", "going", held)
    inner = body("Exp", *tail, given=given, types=(INT, BOOL, HELD), flags=(1,))
    regions = {"body": inner}
    made = build.op("Loop", count, cond, x, results=[HELD], regions=regions, captures=0)
    build.output([build.op("Tanh", made, name="tanh")])
    return graph


def marks(diagram):
    return {
        (pane, row.text, row.mark)
        for box in diagram.boxes
        for pane, face in enumerate(box.faces)
        if face is not None
        for row in face.rows
        if row.mark
    }


def test_what_a_pass_does_inside_a_loop_is_seen():
    history = graphlens.optimize(rounds(["Identity"]), ["eliminate"])
    assert (0, "Identity", "removed") in marks(view.before_after(history, flat=True))
    assert (0, "Identity", "removed") in marks(view.before_after(history, strip=True, flat=True))


def test_what_differs_inside_a_loop_is_seen_in_one_picture():
    found = graphlens.diff(rounds(["Relu"]), rounds(["Relu", "Sigmoid"]))
    assert [change.what for change in found.changed][:1] == [("body: 1 added, 1 changed",)]
    assert marks(view.difference(found, flat=True)) == {(0, "Sigmoid", "added")}


def test_nodes_of_one_name_in_and_out_of_a_body_are_two():
    graph = rounds(["Tanh"])
    history = graphlens.optimize(graph, ["fuse"])
    faces = [box.faces for box in view.before_after(history, flat=True).boxes]
    texts = [[[row.text for row in face.rows] for face in both] for both in faces]
    assert [["Tanh"], ["Tanh"]] in texts
    assert [["Exp", "Tanh"], ["Exp", "Tanh"]] in texts


def test_what_runs_in_a_body_is_measured_there():
    diagram = view.graph(rounds(["Relu"]), color_by="flops", flat=True)
    measured = {row.text: box.face.measure for box in diagram.boxes for row in box.face.rows}
    assert measured["Exp"] == measured["Relu"] == HELD.elements
