"""Evidence that two graphs are equal: what is proven, refuted and left unproven."""

import numpy as np
import pytest

from graphlens.ir import parse
from graphlens.passes.common_subexpressions import common_subexpressions
from graphlens.passes.eliminate import eliminate
from graphlens.runtime import prove as proving
from graphlens.runtime.compare import errors, tolerance
from graphlens.runtime.prove import Witness, depth, prove


def graph(body, returned="y", formals="x: float32[4, 8]"):
    made = parse(f"def graph({formals}):\n{body}\n    return {returned}\n")
    for name in made.params:
        held = made.nodes[name]["results"][0]
        size = int(np.prod(held.shape))
        made.weights[name] = np.linspace(-1, 1, size).reshape(held.shape).astype(held.dtype)
    return made


SOFTMAX = "    y: float32[4, 8] = Softmax(x)"
DECOMPOSED = """
    axis: int64[1] = Const([-1])
    e: float32[4, 8] = Exp(x)
    s: float32[4, 1] = ReduceSum(e, axis)
    y: float32[4, 8] = Div(e, s)"""
STABLE = """
    axis: int64[1] = Const([-1])
    m: float32[4, 1] = ReduceMax(x, axis)
    d: float32[4, 8] = Sub(x, m)
    e: float32[4, 8] = Exp(d)
    s: float32[4, 1] = ReduceSum(e, axis)
    y: float32[4, 8] = Div(e, s)"""


def test_equal_functions_are_proven_with_the_error_that_was_seen():
    proof = prove(graph(SOFTMAX), graph(STABLE))
    assert proof
    assert proof.status == "proven"
    assert 0 <= proof.max_abs_error < 1e-6
    assert proof.max_rel_error <= proof.tolerance < 1e-5


def test_a_function_that_overflows_where_the_other_does_not_is_refuted_by_edge_values():
    proof = prove(graph(SOFTMAX), graph(DECOMPOSED))
    assert proof.status == "refuted"
    assert proof.worst == "seed 1 (edges)"
    assert proof.inputs[0].max() == 100
    assert proof.max_rel_error == np.inf


def test_inputs_on_which_the_first_graph_itself_overflows_are_scaled_down():
    proof = prove(graph(DECOMPOSED), graph(SOFTMAX))
    assert proof
    reference = Witness(graph(DECOMPOSED))
    assert [case.title for case in reference._cases][1] == "seed 1 (edges, times 0.1)"


def test_division_by_zero_is_found_by_zeros():
    mean = "    y: float32[4, 8] = Identity(x)"
    scaled = """
    n: float32[4, 8] = Abs(x)
    r: float32[4, 8] = Div(x, n)
    y: float32[4, 8] = Mul(r, n)"""
    proof = prove(graph(mean), graph(scaled))
    assert proof.status == "refuted"
    assert "edges" in proof.worst or "zeros" in proof.worst


@pytest.mark.parametrize("change", [1e-3, 1e-4, 2e-5])
def test_a_small_but_real_change_is_refuted(change):
    before = graph("    c: float32[()] = Const(1.0)\n    y: float32[4, 8] = Mul(x, c)")
    after = before.copy()
    after.weights["c"] = np.array(1 + change, "float32")
    proof = prove(before, after)
    assert proof.status == "refuted"
    assert proof.max_rel_error == pytest.approx(change, rel=0.1)
    assert "relative error" in proof.reason


def test_integers_must_be_equal():
    before = graph("    y: int64[4] = ArgMax(x, axis=1, keepdims=0)")
    after = graph("    y: int64[4] = ArgMin(x, axis=1, keepdims=0)")
    assert prove(before, before.copy()).max_abs_error == 0
    assert prove(before, after).status == "refuted"


def test_nan_equals_nan_and_only_nan():
    before = graph("    y: float32[4, 8] = Sqrt(x)")
    assert prove(
        before, graph("    z: float32[4, 8] = Sqrt(x)\n    y: float32[4, 8] = Identity(z)")
    )
    relu = graph("    z: float32[4, 8] = Relu(x)\n    y: float32[4, 8] = Sqrt(z)")
    assert prove(before, relu).max_rel_error == np.inf


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (graph(SOFTMAX, formals="x: float32[4, 8], z: float32[1]"), "2 inputs, expected 1"),
        (graph(SOFTMAX, "y, y"), "2 outputs, expected 1"),
        (graph("    y: float32[4, 8] = Relu(x)", formals="x: float16[4, 8]"), "input 0 is float16"),
        (graph("    y: float32[8, 4] = Transpose(x)"), "output 0 is float32"),
    ],
)
def test_another_signature_is_refuted_without_running(after, told):
    proof = prove(graph(SOFTMAX), after)
    assert proof.status == "refuted"
    assert told in proof.reason
    assert proof.max_abs_error is None


def test_what_cannot_be_run_is_unproven_with_the_reason():
    foreign = graph("    y: float32[4, 8] = other.foo(x)")
    assert prove(foreign, graph(SOFTMAX)).status == "unproven"
    proof = prove(graph(SOFTMAX), foreign)
    assert proof.status == "unproven"
    assert "other.foo" in proof.reason
    absent = graph("    w: float32[8] = Param()\n    y: float32[4, 8] = Mul(x, w)")
    absent.weights.clear()
    assert "no values for its weights 'w'" in prove(absent, absent.copy()).reason


def test_images_of_any_size_are_tried_in_sizes_that_the_model_takes():
    text = """
    pool: float32[N, 3, H, W] = MaxPool(x, kernel_shape=[9, 9], strides=[8, 8])
    y: float32[N, 3, H, W] = MaxPool(pool, kernel_shape=[5, 5])"""
    formals = "x: float32[N, 3, height, width]"
    proof = prove(graph(text, formals=formals), graph(text, formals=formals))
    assert proof
    assert proof.inputs[0].shape == (2, 3, 64, 64)


def test_a_random_op_is_unproven():
    random = graph("    y: float32[4, 8] = RandomNormalLike(x)")
    proof = prove(random, random.copy())
    assert proof.status == "unproven"
    assert "y (RandomNormalLike) is random" in proof.reason


def test_a_graph_that_fails_where_the_other_runs_is_refuted():
    before = graph("    w: float32[8, 2] = Param()\n    y: float32[4, 2] = MatMul(x, w)")
    after = graph("    w: float32[9, 2] = Param()\n    y: float32[4, 2] = MatMul(x, w)")
    proof = prove(before, after)
    assert proof.status == "refuted"
    assert "fails on inputs that the other graph takes" in proof.reason


def test_the_inputs_given_are_tried_too():
    before = graph("    y: float32[4, 8] = Relu(x)")
    after = graph("    c: float32[()] = Const(500.0)\n    z: float32[4, 8] = Relu(x)\n"
                  "    y: float32[4, 8] = Min(z, c)")  # fmt: skip
    assert prove(before, after)
    proof = prove(before, after, inputs=[np.full((4, 8), 1000, "float32")])
    assert proof.status == "refuted"
    assert proof.worst == "the inputs given"


def test_the_first_graph_runs_once_however_many_are_compared(monkeypatch):
    made = []
    plain = proving.Runner.__call__

    def spy(self, *inputs):
        made.append(self._graph.name)
        return plain(self, *inputs)

    monkeypatch.setattr(proving.Runner, "__call__", spy)
    before, after = graph(SOFTMAX), graph(STABLE)
    before.graph["name"], after.graph["name"] = "before", "after"
    witness = Witness(before, seeds=2)
    assert all(witness.compare(it) for it in (after, graph(SOFTMAX), after))
    assert made.count("before") == 2
    assert made.count("after") == 4


def test_what_lowers_to_the_same_computation_is_not_run_again(monkeypatch):
    made = []
    plain = proving.Runner.__call__
    monkeypatch.setattr(proving.Runner, "__call__", lambda *it: made.append(1) or plain(*it))
    witness = Witness(graph(SOFTMAX), seeds=1)
    first = witness.compare(graph(STABLE))
    grouped = """
    axis: int64[1] = Const([-1])
    def body(a: float32[4, 8], axis: int64[1]):
        m: float32[4, 1] = ReduceMax(a, axis)
        d: float32[4, 8] = Sub(a, m)
        return d
    g: float32[4, 8] = Region(x, axis, kind='any', body=body)
    f: float32[4, 8] = Exp(g)
    s: float32[4, 1] = ReduceSum(f, axis)
    y: float32[4, 8] = Div(f, s)"""
    made.clear()
    assert witness.compare(graph(grouped)) is first
    assert made == []
    assert witness.compare(graph(grouped.replace("[-1]", "[0]"))).status == "refuted"
    assert made != []


def test_the_same_computation_on_other_weights_is_run_and_refuted():
    product = "    w: float32[8, 64] = Param()\n    y: float32[4, 64] = MatMul(x, w)"
    before, after, again = graph(product), graph(product), graph(product)
    after.weights["w"] = before.weights["w"].copy()
    after.weights["w"][3, 5] += 0.125
    witness = Witness(before)
    statuses = [witness.compare(each).status for each in (again, after, again)]
    assert statuses == ["proven", "refuted", "proven"]


def test_depth_is_the_longest_path_through_groups():
    assert depth(graph(STABLE)) == 5
    assert depth(graph(SOFTMAX)) == 1


def test_tolerances_grow_with_depth_and_end_at_half_of_the_digits():
    single = np.dtype("float32")
    assert tolerance(single, 1) < tolerance(single, 100) < tolerance(single, 10**9)
    assert tolerance(single, 10**9) == pytest.approx(2**-11.5)
    assert tolerance(np.dtype("float64"), 100) < tolerance(single, 100)
    assert tolerance(single, 100) < tolerance(np.dtype("bfloat16"), 1)
    assert tolerance(np.dtype("int64"), 100) == 0


def test_errors_are_told_of_complex_and_infinite_numbers():
    assert errors(np.array([1 + 1j]), np.array([1 + 1j])) == (0, 0)
    assert errors(np.array([np.inf, 1]), np.array([np.inf, 1.5])) == (0.5, 0.5)
    assert errors(np.array([np.inf]), np.array([-np.inf])) == (np.inf, np.inf)
    assert errors(np.array([np.nan]), np.array([0.0])) == (np.inf, np.inf)
    assert errors(np.array(["a"], object), np.array(["b"], object)) == (1.0, np.inf)
    assert errors(np.zeros(0), np.zeros(0)) == (0, 0)


DRAWN = """
    keep: float32[()] = Const(0.25)
    train: bool[()] = Const({train})
    noise: float32[4, 8] = RandomNormal(shape=[4, 8], mean=1.0, scale=2.0)
    sum: float32[4, 8] = Add(x, noise)
    drop: (float32[4, 8], bool[4, 8]) = Dropout(sum, keep, train)
    other: (float32[4, 8], bool[4, 8]) = Dropout(sum, keep, train)
    both: float32[4, 8] = Sub(drop, other)
    cast: float32[4, 8] = Cast(drop @ 1, to='float32')
    y: float32[4, 8] = {op}(both, cast)"""


def drawn(train=True, op="Add"):
    return graph(DRAWN.format(train=train, op=op))


def test_graphs_that_draw_alike_are_compared_on_the_same_draws():
    proof = prove(drawn(), eliminate(drawn()))
    assert proof
    assert proof.max_abs_error == 0.0
    assert prove(drawn(), drawn(op="Sub")).status == "refuted"
    assert prove(drawn(), drawn(train=False)).status == "refuted", "what is dropped is seen"


def test_graphs_that_draw_otherwise_are_unproven():
    another = graph(DRAWN.format(train=True, op="Add").replace("2.0", "3.0"))
    proof = prove(drawn(), another)
    assert proof.status == "unproven"
    assert "noise (RandomNormal) is random" in proof.reason


@pytest.mark.parametrize(("train", "left"), [(True, 2), (False, 1)])
def test_two_dropouts_that_train_are_not_one(train, left):
    found = common_subexpressions(drawn(train))
    assert [found.op(name) for name in found].count("Dropout") == left
