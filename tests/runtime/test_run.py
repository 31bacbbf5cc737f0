"""Running graphs: by ONNX Runtime as a whole, node by node where it has no kernel."""

import pickle

import ml_dtypes
import numpy as np
import pytest

from graphlens.errors import RunError
from graphlens.ir import Graph, Node, Value, parse
from graphlens.ops.build import Builder
from graphlens.runtime import session as sessions
from graphlens.runtime import whole
from graphlens.runtime.lowering import lower
from graphlens.runtime.prove import prove
from graphlens.runtime.run import Runner, run
from graphlens.runtime.session import NoKernelError, compiled
from graphlens.tensor import TensorType

X = np.random.default_rng(0).uniform(-1, 1, (2, 3)).astype("float32")


def graph(text):
    return parse(text)


def linear():
    made = graph("""
def linear(x: float32[2, 3]):
    w: float32[3, 4] = Param()
    b: float32[4] = Const([1.0, 2.0, 3.0, 4.0])
    product: float32[2, 4] = MatMul(x, w)
    sum: float32[2, 4] = Add(product, b)
    return sum
""")
    made.weights["w"] = np.arange(12, dtype="float32").reshape(3, 4)
    return made


def test_a_graph_computes_what_numpy_computes():
    (made,) = run(linear(), X)
    np.testing.assert_allclose(made, X @ linear().weights["w"] + [1, 2, 3, 4], rtol=1e-6)


def test_kept_values_follow_the_outputs():
    made, product = run(linear(), X, keep=[Value("product")])
    np.testing.assert_allclose(made - product, [[1, 2, 3, 4]] * 2, rtol=1e-5)


def test_large_weights_are_shared_with_onnx_runtime():
    made = linear()
    build = Graph(name="big")
    builder = Builder(build)
    x = builder.input("x", TensorType("float32", (1, 512)))
    weight = np.zeros((512, 512), "float32")
    builder.output(
        [builder.op("MatMul", x, builder.param("w", TensorType("float32", (512, 512)), weight))]
    )
    runner = Runner(build)
    assert runner.lowered.outside["w"] is weight
    assert len(runner.lowered.model.SerializeToString()) < 1000
    ones = np.ones((1, 512), "float32")
    assert runner(ones)[0].sum() == 0
    weight += 1  # seen by the session: it holds no copy
    assert runner(ones)[0].sum() == 512 * 512
    del made


def test_inputs_and_weights_may_be_returned_as_they_are_and_twice():
    made = graph("""
def same(x: float32[2, 3]):
    c: int64[2] = Const([5, 6])
    y: float32[2, 3] = Relu(x)
    return x, y, c, y, x
""")
    first, second, third, fourth, fifth = run(made, X)
    np.testing.assert_array_equal(first, X)
    np.testing.assert_array_equal(fifth, X)
    np.testing.assert_array_equal(second, np.maximum(X, 0))
    np.testing.assert_array_equal(fourth, second)
    np.testing.assert_array_equal(third, [5, 6])


def test_nhwc_ops_compute_in_nhwc():
    text = """
def image({x}):
    w: float32[4, 3, 2, 2] = Param()
    s: float32[4] = Const([1.0, 2.0, 3.0, 4.0])
    conv: {y} = Conv(x, w{nhwc})
    norm: {y} = BatchNormalization(conv, s, s, s, s{nhwc})
    pool: {p} = MaxPool(norm, kernel_shape=[2, 2], strides=[2, 2]{nhwc})
    return pool
"""
    first = graph(text.format(x="x: float32[1, 3, 5, 5]", y="float32[1, 4, 4, 4]",
                              p="float32[1, 4, 2, 2]", nhwc=""))  # fmt: skip
    last = graph(text.format(x="x: float32[1, 5, 5, 3]", y="float32[1, 4, 4, 4]",
                             p="float32[1, 2, 2, 4]", nhwc=", data_format='NHWC'"))  # fmt: skip
    numbers = np.random.default_rng(1)
    weight = numbers.uniform(-1, 1, (4, 3, 2, 2)).astype("float32")
    first.weights["w"] = last.weights["w"] = weight
    image = numbers.uniform(-1, 1, (1, 3, 5, 5)).astype("float32")
    (expected,) = run(first, image)
    (found,) = run(last, image.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), expected, rtol=1e-6)


GROUP = """
def grouped(x: float32[2, 3]):
    c: float32[3] = Const([1.0, 2.0, 3.0])
    def body(a: float32[2, 3], b: float32[3]):
        sum: float32[2, 3] = Add(a, b)
        relu: float32[2, 3] = Relu(sum)
        return relu, sum, a
    group: (float32[2, 3], float32[2, 3], float32[2, 3]) = Region(x, c, kind='Add+Relu', body=body)
    neg: float32[2, 3] = Neg(group @ 0)
    return neg, group @ 1, group @ 2
"""


def test_a_group_runs_as_what_is_in_it():
    neg, added, same = run(graph(GROUP), X)
    np.testing.assert_allclose(added, X + np.array([1, 2, 3]), rtol=1e-6)
    np.testing.assert_array_equal(neg, -np.maximum(added, 0))
    np.testing.assert_array_equal(same, X)


CONTROL = """
def control(x: float32[3], n: int64[()], yes: bool[()]):
    step: float32[3] = Const([1.0, 2.0, 3.0])
    def then_branch(v: float32[3], s: float32[3]):
        r: float32[3] = Add(v, s)
        return r
    def else_branch(v: float32[3], s: float32[3]):
        return v
    chosen: float32[3] = If(yes, x, step, then_branch=then_branch, else_branch=else_branch)
    def body(i: int64[()], go: bool[()], v: float32[3], s: float32[3]):
        r: float32[3] = Add(v, s)
        return go, r, r
    loop: (float32[3], float32[_['?'], 3]) = Loop(n, None, chosen, step, captures=1, body=body)
    return loop @ 0, loop @ 1
"""


@pytest.mark.parametrize("yes", [True, False])
def test_branches_and_loops_read_outer_values(yes):
    made = graph(CONTROL.replace("float32[_['?'], 3]", "float32[N, 3]"))
    x = np.zeros(3, "float32")
    last, trace = run(made, x, np.array(3), np.array(yes))
    np.testing.assert_array_equal(last, np.array([1, 2, 3]) * (3 + yes))
    assert trace.shape == (3, 3)


def test_nodes_that_onnx_runtime_lacks_run_in_the_reference_and_the_others_do_not(monkeypatch):
    made = graph("""
def mixed(x: float32[2, 3]):
    a: float32[2, 3] = Exp(x)
    b: bfloat16[2, 3] = Cast(a, to='bfloat16')
    c: bfloat16[2, 3] = Trilu(b)
    d: float32[2, 3] = Cast(c, to='float32')
    e: float32[2, 3] = Sqrt(d)
    return e
""")
    slow = []
    plain = sessions.Reference.__call__

    def spy(self, feeds):
        slow.append([str(array.dtype) for array in feeds.values()])
        return plain(self, feeds)

    compiled.cache_clear()
    monkeypatch.setattr(sessions.Reference, "__call__", spy)
    (found,) = run(made, X)
    assert slow == [["bfloat16"]]
    np.testing.assert_allclose(found, np.sqrt(np.triu(np.exp(X))), rtol=0.02, atol=0.02)


def test_bfloat16_is_computed_in_float32_and_rounded_once():
    made = graph("""
def half(x: bfloat16[4, 600], w: bfloat16[600, 5]):
    y: bfloat16[4, 5] = MatMul(x, w)
    g: bool[4, 5] = Greater(y, y)
    return y, g
""")
    numbers = np.random.default_rng(0)
    x, w = (numbers.uniform(-1, 1, it).astype("bfloat16") for it in ((4, 600), (600, 5)))
    compiled.cache_clear()
    y, greater = run(made, x, w)
    exact = x.astype("float32") @ w.astype("float32")
    np.testing.assert_array_equal(y, exact.astype("bfloat16"))
    assert greater.dtype == bool
    assert not greater.any()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float8_e4m3fn", "float8_e5m2", "int4"])
def test_small_dtypes_go_in_and_come_out(dtype):
    made = graph(f"""
def small(x: {dtype}[4]):
    y: float32[4] = Cast(x, to='float32')
    z: {dtype}[4] = Cast(y, to='{dtype}')
    return y, z
""")
    given = np.array([-2, 0, 1, 4]).astype(dtype)
    y, z = run(made, given)
    assert y.tolist() == [-2, 0, 1, 4]
    assert z.dtype == given.dtype
    assert z.tobytes() == given.tobytes()


def test_strings_run():
    made = graph("""
def words(x: string[2]):
    y: string[2] = StringConcat(x, x)
    return y
""")
    assert run(made, ["a", "bc"])[0].tolist() == ["aa", "bcbc"]


def test_without_onnx_runtime_the_reference_runs_it_all(monkeypatch):
    monkeypatch.setattr(sessions, "onnxruntime", None)
    compiled.cache_clear()
    (made,) = run(linear(), X)
    compiled.cache_clear()
    np.testing.assert_allclose(made, X @ linear().weights["w"] + [1, 2, 3, 4], rtol=1e-6)


# -- what cannot be run --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ((), r"takes 1 inputs \(x: float32\[2, 3\]\), given 0"),
        ((X.astype("float64"),), r"'x' is float64\[2, 3\], expected float32\[2, 3\]"),
        ((X[0],), "another number of axes"),
        ((X[:, :2],), r"'x' is float32\[2, 2\], expected float32\[2, 3\]: axis 1"),
        ((object(),), "object is no array"),
        (([["a"] * 3] * 2,), "list is no array"),
    ],
)
def test_inputs_that_do_not_fit_are_named(inputs, told):
    with pytest.raises(RunError, match=told):
        run(linear(), *inputs)


def test_plain_lists_take_the_inputs_dtype():
    assert run(linear(), [[0, 0, 0], [0, 0, 0]])[0][0].tolist() == [1, 2, 3, 4]


def test_one_symbol_is_one_size():
    made = graph("""
def two(a: float32[N, 2], b: float32[N, 2]):
    c: float32[N, 2] = Add(a, b)
    return c
""")
    assert run(made, np.ones((3, 2), "f"), np.ones((3, 2), "f"))[0].shape == (3, 2)
    with pytest.raises(RunError, match=r"axis 0 \(N is 3 in another input\)"):
        run(made, np.ones((3, 2), "f"), np.ones((1, 2), "f"))


def test_weights_without_values_are_named():
    made = linear()
    del made.weights["w"]
    with pytest.raises(NoKernelError, match="no values for its weights 'w': capture it from"):
        run(made, X)


def test_a_weight_that_nobody_reads_may_have_no_value():
    made = linear()
    Builder(made).param("unused", TensorType("float32", (1,)))
    assert len(run(made, X)) == 1


def test_a_foreign_op_is_named():
    made = graph("""
def foreign(x: float32[2, 3]):
    y: float32[2, 3] = mine.foo(x)
    return y
""")
    with pytest.raises(NoKernelError, match=r"y is a mine.foo, an op that graphlens does not know"):
        run(made, X)


def test_a_node_that_fails_is_named_with_what_it_read():
    made = graph("""
def wrong(x: float32[2, N], y: float32[M, 2]):
    z: float32[2, 2] = MatMul(x, y)
    return z
""")
    with pytest.raises(RunError, match=r"'z' \(MatMul\) on float32\[2, 3\], float32\[2, 2\]"):
        run(made, X, X[:, :2])


def test_an_outputs_name_is_kept_where_it_is_free():
    made = linear()
    made.update_node("output", attributes={"names": ("logits",)})
    lowered = lower(made)
    assert [entry.name for entry in lowered.model.graph.output] == ["logits"]
    made.update_node("output", attributes={"names": ("product",)})
    assert [entry.name for entry in lower(made).model.graph.output] == ["sum"]


def test_what_fills_the_memory_is_not_started():
    made = graph("""
def fill(x: float32[2]):
    shape: int64[2] = Const([1048576, 1048576])
    y: float32[1048576, 1048576] = ConstantOfShape(shape)
    return y
""")
    with pytest.raises(NoKernelError, match=r"y \(ConstantOfShape\) makes 4398046511104 bytes"):
        run(made, np.ones(2, "float32"))


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint32"])
def test_powers_of_integers_are_exact_and_go_round(dtype):
    made = graph(f"""
def power(x: {dtype}[4], y: {dtype}[4]):
    a: {dtype}[4] = Pow(x, y)
    b: {dtype}[4] = Add(a, x)
    return b
""")
    x, y = np.array([3, 7, 1000000007, 5], dtype), np.array([39, 5, 4, 0], dtype)
    (found,) = run(made, x, y)
    assert found.dtype == dtype
    assert found.tolist() == (np.power(x, y) + x).tolist()


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceProd", "ReduceL1", "ReduceSumSquare"])
@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_reductions_of_large_integers_are_exact_and_go_round(op, dtype):
    made = graph(
        f"""
def reduce(x: {dtype}[2, 3]):
    axes: int64[1] = Const([1])
    a: {dtype}[2, 3] = Mul(x, x)
    b: {dtype}[2, 3] = Reshape(a, c)
    d: {dtype}[2, 1] = {op}(b, axes)
    return d
""".replace("    a:", "    c: int64[2] = Const([2, 3])\n    a:")
    )
    x = np.array([[3037000499, 3037000498, 12345678901], [1, 2, 3]]).astype(dtype)
    (found,) = run(made, x)
    square = x * x
    exact = {
        "ReduceSum": square.sum(1, keepdims=True, dtype=dtype),
        "ReduceProd": square.prod(1, keepdims=True, dtype=dtype),
        "ReduceL1": np.abs(square).sum(1, keepdims=True, dtype=dtype),
        "ReduceSumSquare": (square * square).sum(1, keepdims=True, dtype=dtype),
    }
    assert found.dtype == dtype
    assert found.tolist() == exact[op].tolist()


COUNT = """
def count(x: {0}[2, 3]):
    axes: int64[1] = Const([1])
    a: {0}[2, 1] = ReduceSum(x, axes)
    return a
"""


@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_a_plain_sum_of_large_integers_is_exact_in_onnx_runtime_itself(dtype):
    bits = 62 if dtype == "int64" else 30
    rows = [[1 << bits, (1 << bits - 1) + 9, -7], [-(1 << bits), -(1 << bits), 1 - (1 << bits)]]
    runner = Runner(graph(COUNT.format(dtype)))
    (found,) = runner(np.array(rows, dtype))
    assert not runner.lowered.rounded  # no node is taken out of the model
    expected = np.array(rows, dtype).sum(1, keepdims=True, dtype=dtype)
    assert found.tolist() == expected.tolist()
    assert found[1, 0] > 0  # it went round


def test_a_sum_of_a_mask_stays_one_node():
    made = graph("""
def count(x: bool[2, 3]):
    a: int64[2, 3] = Cast(x, to='int64')
    b: int64[1, 1] = ReduceSum(a)
    return b
""")
    assert [node.op_type for node in Runner(made).lowered.model.graph.node] == ["Cast", "ReduceSum"]


def test_a_sum_of_more_integers_than_halves_can_hold_is_the_reference_evaluators():
    made = graph("""
def total(x: int64[2, 2000000]):
    a: int64[1, 1] = ReduceSum(x)
    return a
""")
    assert Runner(made).lowered.rounded


def test_a_negative_power_of_integers_is_as_onnx_runtime_has_it():
    made = graph("""
def power(x: int64[2], y: int64[2]):
    a: int64[2] = Pow(x, y)
    return a
""")
    (found,) = run(made, np.array([1, 2]), np.array([-1, -1]))
    assert found.tolist() == [1, 0]


def doubled(times):
    make = Builder(Graph())
    value = make.input("x", TensorType("float32", ("N",)))
    for index in range(times):
        value = make.op("Concat", value, value, name=f"c{index}", axis=0)
    make.output([value], ["y"])
    return make.graph


def test_sizes_that_the_inputs_make_too_large_are_refused_before_anything_runs(monkeypatch):
    runner = Runner(doubled(60))
    monkeypatch.setattr(runner, "_run", lambda feeds: pytest.fail("it was run"))
    with pytest.raises(NoKernelError, match=r"\(Concat\) makes \d+ bytes of these inputs"):
        runner(np.ones(2, np.float32))


def test_sizes_of_symbols_that_fit_are_run():
    (made,) = run(doubled(3), np.ones(2, np.float32))
    assert made.shape == (16,)


def test_a_loop_without_end_is_not_started():
    made = graph("""
def spin(x: float32[2]):
    n: int64[()] = Const(1152921504606846976)
    def body(i: int64[()], go: bool[()], v: float32[2]):
        w: float32[2] = Neg(v)
        return go, w
    y: float32[2] = Loop(n, None, x, body=body)
    return y
""")
    with pytest.raises(NoKernelError, match=r"y \(Loop\) goes round 1152921504606846976 times"):
        run(made, np.ones(2, "float32"))


@pytest.mark.parametrize(("ends", "first"), [("go", "None"), ("same", "None"), ("yes", "start")])
def test_a_loop_whose_condition_stays_is_not_started(ends, first):
    text = f"""
def spin(x: float32[2], start: bool[()]):
    def body(i: int64[()], go: bool[()], v: float32[2]):
        yes: bool[()] = Const(True)
        same: bool[()] = Identity(go)
        w: float32[2] = Neg(v)
        return {ends}, w
    y: float32[2] = Loop(None, {first}, x, body=body)
    return y
"""
    with pytest.raises(NoKernelError, match=r"y \(Loop\) has no end"):
        run(graph(text), np.ones(2, "float32"), np.array(True))
    counted = text.replace("Loop(None", "Loop(n").replace("(x:", "(n: int64[()], x:")
    trips = np.array(3)
    (found,) = run(graph(counted), trips, np.ones(2, "float32"), np.array(True))
    np.testing.assert_array_equal(found, [-1, -1])


def test_an_op_without_an_nhwc_form_is_refused_and_not_run_as_nchw():
    made = graph("""
def odd(x: float32[1, 4, 4, 2]):
    s: float32[2] = Const([1.0, 1.0])
    y: float32[1, 4, 4, 2] = InstanceNormalization(x, s, s, data_format='NHWC')
    return y
""")
    with pytest.raises(NoKernelError, match="InstanceNormalization has no NHWC form"):
        run(made, np.ones((1, 4, 4, 2), "float32"))


def test_a_domain_of_ours_that_has_no_form_is_refused():
    made = Graph(name="odd")
    made.add(Node("Collective", "graphlens", results=(TensorType("float32", ()),)), name="c")
    Builder(made).output([Value("c")])
    with pytest.raises(RunError, match="Collective"):
        run(made)
    assert ml_dtypes.bfloat16 == np.dtype("bfloat16")


SEQUENCE = """
def sequence(xs: sequence_of_float32[...], maybe: optional_of_float32[2]):
    i: int64[()] = Const(0)
    first: float32[...] = SequenceAt(xs, i)
    more: sequence_of_float32[...] = SequenceInsert(xs, first)
    there: bool[()] = OptionalHasElement(maybe)
    return more, there
"""


def test_sequences_and_optionals_go_in_and_come_out():
    xs = [np.ones(2, "float32"), np.zeros(3, "float32")]
    more, there = run(graph(SEQUENCE), xs, None)
    assert [each.tolist() for each in more] == [[1, 1], [0, 0, 0], [1, 1]]
    assert not there
    assert run(graph(SEQUENCE), xs, np.ones(2, "float32"))[1]
    with pytest.raises(RunError, match=r"'xs\[1\]' is float64\[3\], expected float32"):
        run(graph(SEQUENCE), [xs[0], np.zeros(3)], None)
    with pytest.raises(RunError, match="input 'xs' is a ndarray, expected sequence_of_float32"):
        run(graph(SEQUENCE), xs[0], None)


def test_graphs_of_sequences_are_proven_by_their_tensors():
    text = SEQUENCE.replace("sequence_of_float32[...]", "sequence_of_float32[2]")
    made = graph(text)
    assert prove(made, graph(text)).status == "proven"
    other = graph(text.replace("SequenceInsert(xs, first)", "SequenceErase(xs, i)"))
    assert prove(made, other).status == "refuted"


def test_an_op_whose_newest_version_has_no_kernel_runs_at_an_older_one(monkeypatch):
    """RoiAlign of opset 22 differs from that of 16 by bfloat16 only."""
    monkeypatch.setattr(sessions, "Reference", None)  # it would be slow, and is not needed
    made = graph("""
def regions(x: float32[1, 1, 4, 4], r: float32[1, 4], i: int64[1]):
    y: float32[1, 1, 2, 2] = RoiAlign(x, r, i, output_height=2, output_width=2)
    z: float32[1, 1, 2, 2] = Neg(y)
    return z
""")
    opened: list[str] = []
    plain = whole.Session

    def spy(model, *more):
        opened.append(" ".join(node.op_type for node in model.graph.node))
        return plain(model, *more)

    monkeypatch.setattr(whole, "Session", spy)
    image = np.arange(16, dtype="float32").reshape(1, 1, 4, 4)
    (found,) = run(made, image, np.array([[0, 0, 4, 4]], "float32"), np.array([0]))
    np.testing.assert_allclose(found[0, 0], [[-2.5, -4.5], [-10.5, -12.5]])
    assert opened == ["Neg"]  # what is around it is one model


def test_an_unpickled_graph_runs():
    text = "def net(x: float32[3]):\n    w: float32[3] = Param()\n    y: float32[3] = Add(x, w)\n"
    graph = parse(text + "    return y\n")
    graph.weights["w"] = np.full(3, 2, np.float32)
    again = pickle.loads(pickle.dumps(graph))
    np.testing.assert_array_equal(run(again, np.ones(3, np.float32))[0], [3, 3, 3])


def test_ops_without_a_kernel_run_inside_of_bodies_too():
    """ONNX Runtime has no Swish: a body that it does not take is run node by node."""
    graph = parse("""
def f(x: float32[2, 3], go: bool[()]):
    trips: int64[()] = Const(2)
    def body(i: int64[()], on: bool[()], h: float32[2, 3], c: float32[2, 3]):
        s: float32[2, 3] = Swish(h)
        def then_branch(a: float32[2, 3]):
            t: float32[2, 3] = Swish(a)
            return t
        def else_branch(a: float32[2, 3]):
            t: float32[2, 3] = Neg(a)
            return t
        t: float32[2, 3] = If(on, s, then_branch=then_branch, else_branch=else_branch)
        u: float32[2, 3] = Add(t, c)
        return on, u, s
    y: (float32[2, 3], float32[2, 2, 3]) = Loop(trips, None, x, x, captures=1, body=body)
    return y @ 0, y @ 1
""")
    x = np.array([[1, -2, 3], [0, 0.5, -4]], np.float32)

    def swish(value):
        return value / (1 + np.exp(-value))

    first = swish(swish(x)) + x
    state, stack = run(graph, x, np.array(True))
    np.testing.assert_allclose(state, swish(swish(first)) + x, rtol=1e-5)
    np.testing.assert_allclose(stack, np.stack([swish(x), swish(first)]), rtol=1e-5)


@pytest.mark.parametrize("inverse", [0, 1])
@pytest.mark.parametrize("length", [17, 1000, 1920, 2048])
def test_a_fourier_transform_is_as_exact_as_its_dtype(length, inverse):
    made = parse(f"""
    def spectrum(x: float32[2, {length}, 2]):
        axis: int64[()] = Const(1)
        y: float32[2, {length}, 2] = DFT(x, None, axis, inverse={inverse})
        return y
    """)
    x = np.random.default_rng(0).normal(size=(2, length, 2)).astype(np.float32)
    transform = np.fft.ifft if inverse else np.fft.fft
    wanted = transform(x[..., 0] + 1j * x[..., 1].astype(np.float64), axis=1)
    (got,) = run(made, x)
    assert got.dtype == np.float32
    error = abs(got[..., 0] + 1j * got[..., 1] - wanted).max()
    assert error < 2e-6 * abs(wanted).max()
