"""Somebody's own numbers over a picture: by name, summed by folding and fusing, looked over."""

import json

import picture_graphs
import pytest

import graphlens
from graphlens import view
from graphlens.errors import UsageError
from graphlens.view import page
from graphlens.view.own import Own, read


def faces(diagram):
    return {box.id: box.face for box in diagram.boxes}


def test_boxes_take_the_colour_of_their_own_number_and_the_scale_says_what_it_is():
    numbers = Own({"stem.conv": 4.0, "pool": 1}, "loss when pruned")
    diagram = view.graph(picture_graphs.residual_net(), color_by=numbers, flat=True)
    drawn = faces(diagram)
    assert (drawn["stem.conv"].tint, drawn["pool"].tint) == ("heat6", "heat1")
    assert drawn["stem.relu"].tint == ""
    assert drawn["pool"].rows[-1].detail == "1"
    assert diagram.scale.title == "loss when pruned"
    assert (diagram.scale.entries[0][1], diagram.scale.entries[-1][1]) == ("0", "4")


def test_numbers_below_zero_begin_the_scale():
    diagram = view.graph(
        picture_graphs.residual_net(), color_by={"stem.conv": -2.0, "pool": 2.0}, flat=True
    )
    drawn = faces(diagram)
    assert (drawn["stem.conv"].tint, drawn["pool"].tint) == ("heat0", "heat6")
    assert diagram.scale.entries[0][1] == "-2"
    assert diagram.scale.title == "own data"


def test_a_folded_scope_has_the_sum_of_what_is_in_it():
    numbers = {"stage0.0.a.conv": 1.0, "stage0.0.b.conv": 2.0}
    graph = picture_graphs.residual_net(blocks=1)
    drawn = view.graph(graph, color_by=numbers, depth=0)
    assert [face.measure for face in faces(drawn).values() if face.measure] == [3.0]


def test_a_group_after_a_pass_has_the_sum_of_what_it_stands_for():
    before = picture_graphs.residual_net(blocks=1)
    history = graphlens.optimize(before, ["fuse"], prove=False)
    numbers = {"stem.conv": 1.0, "stem.relu": 0.5}
    drawn = view.before_after(history, color_by=numbers, flat=True)
    group = next(box for box in drawn.boxes if box.id == "stem.conv")
    assert group.faces[1].measure == 1.5
    difference = view.difference(graphlens.diff(before, history.after), color_by=numbers)
    assert difference.scale.title == "own data"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"conv": 1.0}, "no operation is called 'conv': expected names of the graph, such as 'x'"),
        ({f"n{i}": 1 for i in range(9)}, "'n0', 'n1', 'n2' and 6 more"),
        ({"stem.weight": 1.0}, "no operation is called 'stem.weight'"),
        ({"stem.conv": float("nan")}, "expected a finite number for 'stem.conv', found nan"),
        ({"stem.conv": float("inf")}, "found inf"),
        ({"stem.conv": "high"}, "found 'high'"),
        ({"stem.conv": True}, "found True"),
        ({"stem.conv": None}, "found None"),
    ],
)
def test_what_is_no_number_of_an_operation_is_refused(numbers, said):
    graph = picture_graphs.residual_net()
    with pytest.raises(UsageError) as found:
        view.graph(graph, color_by=numbers)
    assert said in str(found.value)
    with pytest.raises(UsageError):
        page.of_graph(graph, color_by=numbers)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[1, 2]", "holds a list: expected an object"),
        ('{"a": "b"}', "expected a finite number for 'a'"),
        ('{"a": NaN}', "found nan"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, text, said):
    path = tmp_path / "heat.json"
    path.write_text(text)
    with pytest.raises(UsageError) as found:
        read(path)
    assert said in str(found.value)


def test_a_file_gives_its_name_to_the_scale(tmp_path):
    path = tmp_path / "sensitivity.json"
    path.write_text(json.dumps({"pool": 1.5}))
    assert read(path) == Own({"pool": 1.5}, "sensitivity")
