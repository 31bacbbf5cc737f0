"""Graphs of TensorFlow 1: placeholders, variables and sessions."""

import subprocess
import sys

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from graphlens.errors import CaptureError  # noqa: E402
from graphlens.frontends.tf.graph import capture  # noqa: E402
from graphlens.ir import Value, check  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402
from graphlens.tensor import TensorType  # noqa: E402

v1 = tf.compat.v1
pytestmark = pytest.mark.tensorflow

X = np.random.default_rng(0).standard_normal((4, 3), np.float32)


def regression(weights=None, resource=True):
    """The essay's regression as a TF1 graph: X, y -> cost."""
    graph = tf.Graph()
    start = np.ones((3, 1), np.float32) if weights is None else weights
    with graph.as_default():
        x = v1.placeholder(tf.float32, [None, 3], name="X")
        y = v1.placeholder(tf.float32, [None, 1], name="y")
        with v1.variable_scope("layer"):
            w = v1.get_variable("W", initializer=start, use_resource=resource)
        tf.reduce_mean(tf.square(tf.matmul(x, w) - y), name="cost")
    return graph


@pytest.mark.parametrize("resource", [True, False])
def test_tf1_graph_becomes_inputs_params_and_ops(resource):
    graph = check(capture(regression(resource=resource)))
    assert graph.inputs == ("X", "y")
    assert graph.params == ("layer.W",)
    assert graph.type_of(Value("X")) == TensorType("float32", ("N", 3))
    assert graph.node(graph.output).attributes["names"] == ("cost",)
    y = X[:, :1]
    assert run(graph, X, y)[0] == pytest.approx(np.mean((X.sum(1, keepdims=True) - y) ** 2))


def test_iris_regression_costs_what_the_essay_found(request):
    table = np.loadtxt(
        request.config.rootpath / "gallery" / "pages" / "iris.csv",
        np.float32,
        delimiter=",",
        skiprows=1,
    )
    x, y = table[:, :3], table[:, 3:]
    definition = regression()
    with v1.Session(graph=definition) as session:
        session.run([op for op in definition.get_operations() if op.name == "layer/W/Assign"])
        assert session.run("cost:0", {"X:0": x, "y:0": y}) == pytest.approx(134.29327, rel=1e-6)
        graph = capture(definition, x, y, session=session)
    (cost,) = run(graph, x, y)
    assert cost.dtype == np.float32
    assert cost == pytest.approx(134.29327, rel=1e-6)


def test_variables_have_the_values_of_the_session_given():
    definition = regression()
    with v1.Session(graph=definition) as session:
        (assign,) = [op for op in definition.get_operations() if op.name == "layer/W/Assign"]
        session.run(assign, {assign.inputs[1]: np.full((3, 1), 7, np.float32)})
        graph = capture(definition, session=session)
    np.testing.assert_array_equal(graph.weights["layer.W"], np.full((3, 1), 7))


def test_capture_adds_nothing_to_a_tf1_graph():
    definition = regression()
    definition.finalize()
    count = len(definition.get_operations())
    capture(definition)
    assert len(definition.get_operations()) == count


def test_uninitialised_session_is_a_clear_error():
    definition = regression()
    with (
        v1.Session(graph=definition) as session,
        pytest.raises(CaptureError, match=r"layer/W.*initialise them"),
    ):
        capture(definition, session=session)


def test_training_ops_are_not_outputs():
    definition = regression()
    with definition.as_default():
        cost = definition.get_tensor_by_name("cost:0")
        v1.train.GradientDescentOptimizer(0.1).minimize(cost)
        v1.global_variables_initializer()
        v1.train.Saver()
    graph = capture(definition)
    assert graph.node(graph.output).attributes["names"] == ("cost",)


def test_outputs_named_need_only_their_own_inputs():
    graph = capture(regression(), outputs=["MatMul"])
    assert graph.inputs == ("X",)
    np.testing.assert_allclose(run(graph, X)[0], X.sum(1, keepdims=True), rtol=1e-5)


def test_unknown_output_is_a_clear_error():
    with pytest.raises(CaptureError, match="'nowhere'"):
        capture(regression(), outputs=["nowhere"])
    with pytest.raises(CaptureError, match="outputs= names 1, which is not a tensor"):
        capture(regression(), outputs=1)


TF1_PROGRAM = """
import numpy as np
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
import graphlens

images = tf.placeholder(tf.float32, [None, 8, 8, 3], name="images")
keep = tf.placeholder_with_default(1.0, [], name="keep")
with tf.variable_scope("conv"):
    kernel = tf.get_variable("kernel", [3, 3, 3, 4])
    bias = tf.get_variable("bias", [4], initializer=tf.constant_initializer(0.5))
    y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(images, kernel, [1, 2, 2, 1], "SAME"), bias))
    mean, variance = tf.nn.moments(y, [0, 1, 2])
    y = tf.nn.batch_normalization(y, mean, variance, None, None, 1e-3)
y = tf.reshape(y, [-1, np.prod(y.shape[1:])])
y = tf.nn.dropout(y, rate=1.0 - keep)
with tf.variable_scope("dense"):
    logits = tf.matmul(y, tf.get_variable("W", [64, 5])) + tf.get_variable("b", [5])
probabilities = tf.nn.softmax(logits, name="probabilities")
loss = tf.reduce_mean(tf.square(logits))
step = tf.train.AdamOptimizer().minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    x = np.random.default_rng(0).standard_normal((2, 8, 8, 3), np.float32)
    graph = graphlens.capture(
        tf.get_default_graph(), outputs=["probabilities"], session=session
    )
    unknown = [graph.op(name) for name in graph if graph.node(name).domain == "tf"]
    assert not unknown, unknown
    assert set(graph.params) == {"conv.kernel", "conv.bias", "dense.W", "dense.b"}, graph.params
    wanted = session.run(probabilities, {images: x})
    (found,) = graphlens.run(graph, x)
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
print("agreed")
"""


def test_program_of_tensorflow_1_is_captured_with_version_2_switched_off():
    done = subprocess.run(
        [sys.executable, "-c", TF1_PROGRAM], capture_output=True, text=True, timeout=300
    )
    assert done.stdout == "agreed\n", done.stderr


def test_input_of_a_wrong_type_or_shape_is_a_clear_error():
    with pytest.raises(CaptureError, match=r"'X' takes float32\[\?, 3\], not the float32\[4, 2\]"):
        capture(regression(), X[:, :2])
    with pytest.raises(CaptureError, match="int64"):
        capture(regression(), X.astype(np.int64))


def test_read_after_an_assignment_has_no_place_in_a_graph_without_state():
    definition = tf.Graph()
    with definition.as_default():
        w = v1.get_variable("w", initializer=1.0, use_resource=True)
        with tf.control_dependencies([w.assign_add(1.0)]):
            result = w.read_value()
    with pytest.raises(CaptureError, match="has no state"):
        capture(definition, outputs=[result])
