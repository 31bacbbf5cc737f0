"""Result types, by our own quick rules and by ONNX's inference."""

import random

import numpy as np
import pytest

from graphlens.ir import Graph, Node, Value
from graphlens.ops.build import Builder
from graphlens.ops.infer import _by_onnx, infer
from graphlens.ops.quick import broadcast, quick
from graphlens.ops.values import propagate
from graphlens.tensor import UNKNOWN, TensorType


def f32(*shape):
    return TensorType("float32", shape)


_DIMS = (1, 1, 2, 3, "N")


def _cases(draw):
    """Random nodes that the quick rules know, with the operands that they read."""
    rank = draw.randint(1, 4)
    shape = tuple(draw.choice(_DIMS) for _ in range(rank))
    other = tuple(draw.choice((1, dim)) for dim in shape)[draw.randint(0, rank - 1) :]
    one = f32(*shape)
    axis = draw.randint(-rank, rank - 1)
    order = tuple(draw.sample(range(rank), rank))
    indices = TensorType("int64", tuple(draw.choice(_DIMS) for _ in range(draw.randint(0, 2))))
    ones = [i for i, dim in enumerate(shape) if dim == 1]
    return [
        (Node("Relu"), [one], []),
        (Node("Cast", attributes={"to": "bfloat16"}), [one], []),
        (Node("Add"), [one, f32(*other)], []),
        (Node("Less"), [f32(*other), one], []),
        (Node("Where"), [TensorType("bool", other), one, f32(*other)], []),
        (Node("Transpose", attributes={"perm": order}), [one], []),
        (Node("Transpose"), [one], []),
        (Node("Gather", attributes={"axis": axis}), [one, indices], []),
        (Node("Concat", attributes={"axis": axis}), [one, one], []),
        (Node("Unsqueeze"), [one, TensorType("int64", (2,))], [None, np.array([0, -1])]),
        (
            Node("Squeeze"),
            [one, TensorType("int64", (len(ones),))],
            [None, np.array(ones, np.int64)],
        ),
        (Node("MatMul"), [f32(*other, 4, 5), f32(5, 6)], []),
        (Node("MatMul"), [f32(2, *shape, 4, 5), f32(*shape, 5, "M")], []),
        (Node("Reshape"), [f32(2, 3, 4), TensorType("int64", (2,))], [None, np.array([-1, 6])]),
        (Node("Reshape"), [f32(2, 3, 4), TensorType("int64", (2,))], [None, np.array([0, 12])]),
        (
            Node("Expand"),
            [one, TensorType("int64", (rank + 1,))],
            [None, np.array([2] + [1] * rank)],
        ),
        (Node("Max"), [one, one], []),
        (Node("Softmax"), [one], []),
    ]


@pytest.mark.parametrize("seed", range(40))
def test_a_quick_rule_says_what_onnx_says(seed):
    draw = random.Random(seed)
    for node, operands, values in _cases(draw):
        found = quick(node, operands, values)
        expected = _by_onnx(node, operands, values, 1)
        if found is None:
            continue
        assert expected, (node, operands)
        assert found.dtype == expected[0].dtype, (node, operands)
        assert len(found.shape) == len(expected[0].shape), (node, operands)
        for ours, theirs in zip(found.shape, expected[0].shape, strict=True):
            assert ours == theirs or theirs == "?", (node, operands, found, expected)


def test_quick_rules_answer_the_common_cases():
    """Else the test above would hold of rules that never answer."""
    answers = [
        quick(*case) is not None for seed in range(40) for case in _cases(random.Random(seed))
    ]
    assert np.mean(answers) > 0.8


def test_shapes_that_do_not_fit_have_no_broadcast():
    assert broadcast([(2, 3), (4,)]) is None
    assert broadcast([(2, "N"), (1, 1)]) == (2, "N")
    assert broadcast([("N",), ("M",)]) == ("?",)
    assert broadcast([(), (3,)]) == (3,)


def test_operands_that_do_not_fit_give_an_unknown_type():
    assert infer(Node("MatMul"), [f32(2, 3), f32(4, 5)]) == (UNKNOWN,)
    assert infer(Node("Add"), [f32(2), f32(3)]) == (UNKNOWN,)


def test_a_convolution_in_nhwc_is_typed_in_nhwc():
    node = Node("Conv", attributes={"data_format": "NHWC", "strides": (2, 2)})
    assert infer(node, [f32("N", 9, 9, 3), f32(8, 3, 3, 3)]) == (f32("N", 4, 4, 8),)


def test_a_reshape_to_a_value_with_symbols_keeps_them():
    wanted = np.array(["batch", 12, 64], object)
    held = infer(
        Node("Reshape"), [f32("batch", 12, 8, 8), TensorType("int64", (3,))], [None, wanted]
    )
    assert held == (f32("batch", 12, 64),)


def test_minus_one_cancels_symbols():
    wanted = np.array(["batch", -1], object)
    node = Node("Reshape")
    shape = TensorType("int64", (2,))
    assert infer(node, [f32("batch", 3, 4), shape], [None, wanted]) == (f32("batch", 12),)
    kept = infer(node, [f32("batch", 3), shape], [None, np.array([-1, 3])])
    assert kept == (f32("batch", 3),)
    wanted = np.array([-1, "seq"], object)
    joined = infer(node, [f32("batch", 4, "seq"), shape], [None, wanted])
    assert joined == (f32("4*batch", "seq"),)
    joined = infer(node, [f32("batch", "2*seq", 4), shape], [None, np.array([-1, 4])])
    assert joined == (f32("batch*(2*seq)", 4),)


def test_foreign_ops_and_missing_results_are_unknown():
    assert infer(Node("foo", "aten"), [f32(1)], results=2) == (UNKNOWN, UNKNOWN)
    assert infer(Node("Split", attributes={"num_outputs": 2}), [f32(4)], results=2) == (
        f32(2),
        f32(2),
    )


def _body(*types):
    graph = Graph()
    build = Builder(graph)
    made = [build.input(f"x{i}", held) for i, held in enumerate(types)]
    build.output(made)
    return graph


def test_the_branches_of_an_if_agree_or_the_dim_is_unknown():
    regions = {"then_branch": _body(f32(2, 3)), "else_branch": _body(f32(2, 4))}
    node = Node("If", regions=regions)
    assert infer(node, [TensorType("bool", ()), f32(2, 3)]) == (f32(2, "?"),)


def test_a_loop_stacks_what_it_scans():
    body = _body(TensorType("int64", ()), TensorType("bool", ()), f32(3), f32(5))
    body.remove_node("output")
    names = body.inputs
    Builder(body).output([Value(name) for name in names[1:]])
    node = Node("Loop", regions={"body": body})
    given = [TensorType("int64", ()), TensorType("bool", ()), f32(3)]
    assert infer(node, given, results=2) == (f32(3), f32("?", 5))


def test_a_scan_has_as_many_steps_as_its_input():
    node = Node("Scan", attributes={"num_scan_inputs": 1}, regions={"body": _body(f32(3), f32(4))})
    assert infer(node, [f32(3), f32(7, 4)], results=2) == (f32(3), f32(7, 4))


# -- values --------------------------------------------------------------------------------


def test_shapes_are_known_values_and_symbols_stay_in_them():
    (shape,) = propagate(Node("Shape"), [f32("N", 3, 4)], [None])
    assert list(shape) == ["N", 3, 4]
    (first,) = propagate(Node("Gather"), [None, None], [shape, np.array([0])])
    assert list(first) == ["N"]
    (made,) = propagate(
        Node("Concat", attributes={"axis": 0}), [None, None], [first, np.array([-1])]
    )
    assert list(made) == ["N", -1]
    (area,) = propagate(Node("Mul"), [None, None], [shape[1:2], shape[2:3]])
    assert area.dtype == np.int64
    assert list(area) == [12]
    (double,) = propagate(Node("Mul"), [None, None], [shape[:1], np.array([2])])
    assert list(double) == ["N*2"]


def test_one_symbol_by_itself_is_a_value_too():
    (shape,) = propagate(Node("Shape"), [f32("N", 3)], [None])
    (size,) = propagate(Node("Gather"), [None, None], [shape, np.array(0)])
    assert size.shape == ()
    assert size.item() == "N"
    (double,) = propagate(Node("Mul"), [None, None], [size, np.array(2)])
    assert double.item() == "N*2"
    axes = np.array([0])
    (listed,) = propagate(Node("Unsqueeze"), [None, None], [double, axes])
    assert list(listed) == ["N*2"]


def test_an_unnamed_size_is_not_known():
    assert propagate(Node("Shape"), [f32("?", 3)], [None]) == (None,)


def test_slices_go_forth_and_back():
    value = np.arange(6)
    operands = [value, np.array([4]), np.array([-9]), np.array([0]), np.array([-2])]
    (made,) = propagate(Node("Slice"), [None] * 5, operands)
    assert list(made) == [4, 2, 0]
    (made,) = propagate(Node("Slice"), [None] * 3, [value, np.array([1]), np.array([1 << 62])])
    assert list(made) == [1, 2, 3, 4, 5]


def test_a_value_that_doubles_stops_growing():
    """A hostile file doubles a tensor a hundred times."""
    value = np.arange(40)
    assert propagate(Node("Concat", attributes={"axis": 0}), [None] * 2, [value, value]) == ()
    node = Node("ConstantOfShape")
    assert propagate(node, [None], [np.array([1 << 40, 1 << 40])]) == ()
    numbers = [np.array(0), np.array(1 << 60), np.array(1)]
    assert propagate(Node("Range"), [None] * 3, numbers) == ()


def test_division_rounds_towards_zero_and_by_zero_is_not_known():
    (made,) = propagate(Node("Div"), [None] * 2, [np.array([-7, 7]), np.array([2, 2])])
    assert list(made) == [-3, 3]
    assert propagate(Node("Div"), [None] * 2, [np.array([1]), np.array([0])]) == ()
