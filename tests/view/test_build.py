import picture_graphs

from graphlens import view
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType
from graphlens.view.build import flat


def boxes(diagram):
    return {box.id: box for box in diagram.boxes}


def lines(box):
    return [f"{row.text} {row.detail}".strip() for row in box.face.rows]


def test_params_are_counted_in_the_box_that_reads_them():
    drawn = boxes(flat(picture_graphs.residual_net()))
    assert "stem.weight" not in drawn
    assert drawn["stem.conv"].face.params == 8 * 3 * 3 * 3
    assert drawn["stem.conv"].face.rows[0].note == "216"


def test_a_transposed_weight_is_drawn_as_the_weight():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (2, 4)))
    turned = make.op("Transpose", make.param("w", TensorType("float32", (3, 4))), perm=(1, 0))
    make.output([make.op("MatMul", x, turned, name="mm")])
    assert lines(boxes(flat(graph))["mm"]) == ["MatMul 4 → 3"]
    assert "transpose" in boxes(view.graph(graph, flat=True))


def test_attributes_at_their_default_are_not_written():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (1, 8, 9, 9)))
    w = make.param("w", TensorType("float32", (16, 2, 3, 3)))
    x = make.op(
        "Conv", x, w, kernel_shape=(3, 3), strides=(2, 2), group=4, dilations=(1, 1), name="c"
    )
    x = make.op("LeakyRelu", x, alpha=0.01, name="usual")
    x = make.op("LeakyRelu", x, alpha=0.3, name="other")
    make.output([x])
    drawn = boxes(flat(graph))
    assert lines(drawn["c"]) == ["Conv 3×3, 16, /2, 4 groups"]
    assert lines(drawn["usual"]) == ["LeakyRelu"]
    assert lines(drawn["other"]) == ["LeakyRelu alpha 0.3"]


def test_a_number_of_the_program_is_written_at_its_op():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4,)))
    make.output(
        [make.op("Div", make.op("Mul", x, make.const(0.125), name="m"), make.const(8.0), name="d")]
    )
    drawn = boxes(flat(graph))
    assert lines(drawn["m"]) == ["Mul × 0.125"]
    assert lines(drawn["d"]) == ["Div ÷ 8"]


def test_shapes_are_written_only_where_they_change():
    drawn = view.graph(picture_graphs.residual_net(blocks=1), flat=True)
    labels = {(arrow.tail, arrow.head): arrow.label for arrow in drawn.arrows}
    assert labels["x", "stem.conv"] == ""
    assert labels["stem.conv", "stem.relu"] == "1×8×16×16"
    assert labels["stem.relu", "stage0.0.a.conv"] == ""
    assert labels["pool", "output"] == ""


def test_a_group_lists_its_members_with_their_weights():
    face = boxes(flat(picture_graphs.grouped()))["stem.conv"].face
    assert face.kind == "group"
    assert [row.text for row in face.rows] == ["Conv", "Relu"]
    assert face.rows[0].detail == "3×3, 8"
    assert face.params == 216


def test_every_box_says_everything_in_its_title():
    title = boxes(flat(picture_graphs.residual_net()))["stem.conv"].face.rows[0].title
    assert "stem.conv: Conv" in title
    assert "pads = (1, 1, 1, 1)" in title
    assert "1×8×16×16 float32" in title


def test_inputs_and_outputs_carry_name_and_type():
    drawn = boxes(flat(picture_graphs.residual_net()))
    assert lines(drawn["x"]) == ["x 1×3×16×16 float32"]
    assert lines(drawn["output"]) == ["y 1×8×1×1 float32"]


def test_an_unknown_op_is_drawn_under_its_own_name():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4,)))
    make.output([make.op("odd", x, domain="aten", results=[TensorType("float32")], name="n")])
    row = boxes(flat(graph))["n"].face.rows[0]
    assert (row.text, row.style) == ("aten.odd", "other")


def test_many_outputs_are_counted():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4,)))
    make.output([make.op("Relu", x) for _ in range(9)])
    assert lines(boxes(flat(graph))["output"])[-1] == "… 6 more outputs"


def test_a_residual_does_not_come_from_a_cast_inside_the_norm_that_reads_it_first():
    graph = Graph()
    make = Builder(graph)
    held = TensorType("float32", (4, 4))
    x = make.op("Tanh", make.input("x", held), name="before")
    make.scope = "norm"
    cast = make.op("Identity", x, name="cast")
    normed = make.op("Exp", cast, name="exp")
    make.scope = ""
    make.output([make.op("Add", normed, cast, name="add")])
    joins = {(arrow.tail, arrow.head) for arrow in flat(graph).arrows}
    assert {("before", "add"), ("before", "cast"), ("cast", "exp"), ("exp", "add")} <= joins
    assert ("cast", "add") not in joins
