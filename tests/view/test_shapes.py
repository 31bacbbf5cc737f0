"""Shapes on arrows where they change, in every box, or nowhere."""

import picture_graphs
import pytest

from graphlens import view
from graphlens.errors import UsageError
from graphlens.ir import Value


def last_line(diagram, name):
    return next(box.face.rows[-1].detail for box in diagram.boxes if box.id == name)


def labels(diagram):
    return {arrow.label for arrow in diagram.arrows} - {""}


def test_each_box_says_what_it_reads_and_gives():
    graph = picture_graphs.residual_net()
    diagram = view.graph(graph, flat=True, shapes="all")
    for name in ("stem.conv", "stem.relu", "pool"):
        read, given = (
            "×".join(map(str, graph.type_of(value).shape))
            for value in (graph.operands(name)[0], Value(name))
        )
        expected = given if read == given else f"{read} → {given}"
        assert last_line(diagram, name) == expected
    assert not labels(diagram)


def test_a_folded_scope_says_what_goes_in_and_comes_out():
    graph = picture_graphs.residual_net(blocks=1)
    plain, told = (view.graph(graph, depth=0, shapes=each) for each in ("changed", "all"))
    modules = [box for box in told.boxes if box.face.kind == "module"]
    assert modules
    for box in modules:
        was = next(other for other in plain.boxes if other.id == box.id)
        assert box.face.rows[:-1] == was.face.rows
        assert "×" in box.face.rows[-1].detail


def test_without_shapes_no_arrow_has_one():
    graph = picture_graphs.residual_net()
    assert labels(view.graph(graph, flat=True))
    none = view.graph(graph, flat=True, shapes="none")
    assert not labels(none)
    assert last_line(none, "stem.conv") == last_line(view.graph(graph, flat=True), "stem.conv")


def test_another_choice_is_told():
    with pytest.raises(UsageError, match=r"unknown choice of shapes 'some'.*'changed'"):
        view.graph(picture_graphs.residual_net(), shapes="some")
