"""Loops and branches of TF1 (Switch, Merge, Enter, Exit) are Loop and If, and run as TF does."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from graphlens.errors import CaptureError  # noqa: E402
from graphlens.frontends.tf.graph import capture  # noqa: E402
from graphlens.ir import check, walk  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

v1 = tf.compat.v1
pytestmark = pytest.mark.tensorflow

X = np.random.default_rng(0).standard_normal((4, 3), np.float32)


@pytest.fixture(autouse=True)
def control_flow_of_tf1():
    v1.disable_control_flow_v2()
    yield
    v1.enable_control_flow_v2()


def built(program, *inputs):
    """A TF1 graph of what the program makes of placeholders like the inputs, and its outputs."""
    definition = tf.Graph()
    with definition.as_default():
        fed = [v1.placeholder(x.dtype, x.shape, name="xyz"[i]) for i, x in enumerate(inputs)]
        return definition, tf.nest.flatten(program(*fed))


def agree(program, *inputs):
    """The graph captured, once it is seen to compute what TensorFlow does."""
    definition, outputs = built(program, *inputs)
    assert {"Merge", "TensorArrayV3"} & {op.type for op in definition.get_operations()}
    with v1.Session(graph=definition) as session:
        session.run([op for op in definition.get_operations() if op.type == "AssignVariableOp"])
        feeds = {f"{'xyz'[i]}:0": x for i, x in enumerate(inputs)}
        wanted = session.run(outputs, feeds)
        graph = check(capture(definition, *inputs, outputs=outputs, session=session))
    foreign = [held.op(n) for _, held in walk(graph) for n in held if held.node(n).domain == "tf"]
    assert foreign == []
    for expected, got in zip(wanted, run(graph, *inputs), strict=True):
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    return graph


def ops(graph):
    return [graph.op(name) for name in graph]


def _powers(x):
    kernel = v1.get_variable("kernel", initializer=np.eye(3, dtype=np.float32) / 2)
    step, y, _ = v1.while_loop(
        lambda i, y, z: i < 3,
        lambda i, y, z: (i + 1, tf.matmul(y, kernel) + 1.0, z),
        [tf.constant(0), x, x],
    )
    return step, y


def _nested(x):
    def outer(i, y):
        def inner(j, z):
            return j + 1, z * 1.1 + tf.cast(i, tf.float32)

        return i + 1, v1.while_loop(lambda j, z: j < i, inner, [tf.constant(0), y])[1]

    return v1.while_loop(lambda i, y: i < 4, outer, [tf.constant(0), x])


def _branch_in_loop(x):
    def body(i, y):
        chosen = v1.cond(tf.equal(i % 2, 0), lambda: y * 2.0, lambda: y + tf.reduce_sum(x))
        return i + 1, chosen

    return v1.while_loop(lambda i, y: i < 5, body, [tf.constant(0), x])


def _written(x):
    made = tf.TensorArray(tf.float32, size=4, element_shape=[3], clear_after_read=False)
    read = tf.TensorArray(tf.float32, size=4).unstack(x)
    _, made, total = v1.while_loop(
        lambda i, made, total: i < 4,
        lambda i, made, total: (i + 1, made.write(i, read.read(i) + total), total + 1),
        [tf.constant(0), made, tf.zeros([3])],
    )
    return made.stack(), made.gather([2, 0]), made.size(), total


LOOPS = {
    "until": lambda x: v1.while_loop(lambda y: tf.reduce_sum(y) < 99.0, lambda y: y * y + 2.0, [x]),
    "with a weight": _powers,
    "nested": _nested,
    "with a branch": _branch_in_loop,
    "into an array": _written,
    "of elements": lambda x: tf.map_fn(tf.nn.softmax, x),
    "running sum": lambda x: tf.scan(lambda a, b: a + b * 2, x),
}


@pytest.mark.parametrize("name", LOOPS)
def test_while_frame_is_a_loop(name):
    assert ops(agree(LOOPS[name], X)).count("Loop") == 1


BRANCHES = {
    "of two results": lambda x: v1.cond(
        tf.reduce_sum(x) > 0, lambda: (x * 2.0, tf.constant(1)), lambda: (x - 1.0, tf.constant(2))
    ),
    "nested": lambda x: v1.cond(
        tf.reduce_sum(x) > 0,
        lambda: v1.cond(tf.reduce_max(x) > 1, lambda: x + 1, lambda: x + 2),
        lambda: x * 3,
    ),
    "with a loop": lambda x: v1.cond(
        x[0, 0] > 0,
        lambda: v1.while_loop(lambda y: tf.reduce_sum(y) < 100, lambda y: y + 1.5, [x]),
        lambda: -x,
    ),
    "and its gradient": lambda x: v1.gradients(
        v1.cond(tf.reduce_sum(x) > 0, lambda: x * x, lambda: x - 1.0), x
    ),
}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", BRANCHES)
def test_switch_and_merge_are_an_if(name, sign):
    assert "If" in ops(agree(BRANCHES[name], sign * np.abs(X)))


def test_two_results_of_one_branch_are_one_if():
    assert ops(agree(BRANCHES["of two results"], X)).count("If") == 1


@pytest.mark.parametrize("sign", [1, -1])
def test_two_branches_on_one_predicate_follow_each_other(sign):
    def program(x):
        positive = tf.reduce_sum(x) > 0
        y = v1.cond(positive, lambda: x + 1, lambda: x - 1)
        return v1.cond(positive, lambda: y * 2, lambda: y * 3)

    assert ops(agree(program, sign * np.abs(X))).count("If") == 2


def test_arrays_are_joined_and_cut():
    def program(x):
        joined = tf.TensorArray(tf.float32, size=4).unstack(x).concat()
        return joined, tf.TensorArray(tf.float32, size=2).split(x, [2, 2]).read(1)

    agree(program, X)


W = np.random.default_rng(1).standard_normal((3, 3), np.float32) / 2


def _power(x, w):
    turn = lambda i, y: (i + 1, tf.tanh(y @ w))  # noqa: E731
    return v1.while_loop(lambda i, y: i < 3, turn, [tf.constant(0), x])[1]


def _until(x, w):
    grow = lambda y: y * tf.exp(y) * 0.5 + tf.abs(y @ w)  # noqa: E731
    return v1.while_loop(lambda y: tf.reduce_sum(tf.abs(y)) < 50.0, grow, [x])


def _read_and_written(x, w):
    read, written = tf.TensorArray(tf.float32, 4).unstack(x), tf.TensorArray(tf.float32, 4)

    def turn(i, y, held):
        return i + 1, tf.tanh(tf.linalg.matvec(w, y)) + read.read(i), held.write(i, y * y)

    start = [tf.constant(0), tf.zeros([3]), written]
    _, last, held = v1.while_loop(lambda i, y, held: i < 4, turn, start)
    return tf.reduce_sum(held.stack()) + 2 * tf.reduce_sum(last)


def _scanned(x, w):
    return tf.scan(lambda y, row: tf.tanh(y @ w + row), tf.stack([x, x * 2, x * 3]), x)


@pytest.mark.parametrize("program", [_power, _until, _read_and_written, _scanned])
def test_gradient_of_a_loop_reads_what_the_loop_kept(program):
    def both(x, w):
        y = program(x, w)
        return [y, *v1.gradients(y, [x, w])]

    graph = agree(both, X, W)
    loops = [held.node(name) for _, held in walk(graph) for name in held if held.op(name) == "Loop"]
    assert len(loops) == 2


def test_gradient_of_a_branch_within_a_loop_is_refused_with_the_way_out():
    def program(x):
        def turn(i, y):
            return i + 1, v1.cond(tf.equal(i, 1), lambda: tf.sin(y), lambda: y * y)

        y = v1.while_loop(lambda i, y: i < 3, turn, [tf.constant(0), x])[1]
        return v1.gradients(y, x)

    definition, outputs = built(program, X)
    with pytest.raises(CaptureError, match=r"stack .*enable_control_flow_v2"):
        capture(definition, outputs=outputs)


def test_one_side_of_a_branch_alone_is_refused():
    def program(x):
        return v1.raw_ops.Switch(data=x, pred=tf.reduce_sum(x) > 0)[0] + 1.0

    definition, outputs = built(program, X)
    with pytest.raises(CaptureError, match="outside of the branch"):
        capture(definition, outputs=outputs)
