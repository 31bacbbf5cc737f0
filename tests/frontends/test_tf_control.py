"""Branches, loops and TensorLists of TensorFlow, captured as If and Loop, run as TF does."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

from graphlens.frontends.keras import model as keras_model  # noqa: E402
from graphlens.frontends.tf.graph import capture  # noqa: E402
from graphlens.ir import check, walk  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = pytest.mark.tensorflow

X = np.random.default_rng(0).standard_normal((2, 5, 4), np.float32)


def agree(graph, wanted, *inputs):
    assert [
        held.op(n) for _, held in walk(graph) for n in held if held.node(n).domain == "tf"
    ] == []
    found = run(check(graph), *inputs)
    assert len(found) == len(wanted)
    for expected, got in zip(wanted, found, strict=True):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def ops(graph):
    return {graph.op(name) for name in graph}


@pytest.mark.parametrize("sign", [1, -1])
def test_branch_runs_the_side_that_tensorflow_runs(sign):
    scale = tf.Variable(3.0)

    @tf.function
    def choose(x):
        if tf.reduce_sum(x) > 0:
            y, count = x * scale, 1
        else:
            y, count = x - 1.0, 2
        return y, count

    x = sign * np.abs(X)
    graph = capture(choose, x)
    assert "If" in ops(graph)
    agree(graph, [tensor.numpy() for tensor in choose(x)], x)


def test_branch_on_a_number_asks_whether_it_is_zero():
    choose = tf.function(lambda n, x: tf.cond(tf.cast(n, tf.bool), lambda: x + 1, lambda: -x))
    for number in (0, 3):
        n = np.int32(number)
        agree(capture(choose, n, X), [choose(n, X).numpy()], n, X)


@pytest.mark.parametrize("index", [-1, 0, 1, 2, 3, 9])
def test_choice_among_many_takes_the_last_out_of_range(index):
    kernel = tf.Variable(2.0)

    @tf.function
    def choose(index, x):
        ways = [lambda: x, lambda: x * kernel, lambda: -x, lambda: x + 3.0]
        return tf.switch_case(index, ways) + 1.0

    n = np.int32(index)
    agree(capture(choose, n, X), [choose(n, X).numpy()], n, X)


def test_loop_carries_what_changes_and_reads_the_rest_from_outside():
    kernel = tf.Variable(np.eye(4, dtype=np.float32) * 0.5)

    @tf.function
    def power(x, count):
        step = tf.constant(0)
        while step < count:
            x = tf.matmul(x, kernel) + 1.0
            step += 1
        return x, step

    graph = capture(power, X[0], np.int32(3))
    (loop,) = [graph.node(name) for name in graph if graph.op(name) == "Loop"]
    assert loop.attributes["captures"] == 2
    for count in (0, 3):
        n = np.int32(count)
        agree(graph, [tensor.numpy() for tensor in power(X[0], n)], X[0], n)


def test_tensor_array_written_in_a_loop_is_a_tensor():
    @tf.function
    def squares(x):
        made = tf.TensorArray(tf.float32, size=5, element_shape=[2, 4])
        for step in tf.range(5):
            made = made.write(step, x[:, step] ** 2)
        return made.stack()

    agree(capture(squares, X), [squares(X).numpy()], X)


def test_array_without_a_shape_has_that_of_what_is_written():
    @tf.function
    def rows(x):
        made = tf.TensorArray(tf.float32, size=tf.shape(x)[0])
        for step in tf.range(2):
            made = made.write(step, tf.reduce_sum(x[step], 0))
        return made.stack(), tf.map_fn(lambda row: tf.reduce_max(row), x)

    agree(capture(rows, X), [tensor.numpy() for tensor in rows(X)], X)


def test_array_of_no_fixed_size_grows_as_it_is_written():
    @tf.function
    def rows(x):
        made = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        for step in tf.range(tf.shape(x)[0]):
            made = made.write(step, x[step] * 2.0)
        return made.stack()

    agree(capture(rows, X), [rows(X).numpy()], X)


def test_loop_inside_a_branch_inside_a_function():
    @tf.function
    def inner(x):
        while tf.reduce_sum(x) < 100.0:
            x = x * 2.0
        return x

    @tf.function
    def outer(x):
        return inner(x) if tf.reduce_sum(x) > 0 else x

    for x in (np.abs(X), -np.abs(X)):
        agree(capture(outer, x), [outer(x).numpy()], x)


LAYERS = {
    "lstm": lambda: keras.layers.LSTM(3, return_sequences=True),
    "gru": lambda: keras.layers.GRU(3),
    "rnn": lambda: keras.layers.SimpleRNN(3, return_sequences=True, go_backwards=True),
    "both ways": lambda: keras.layers.Bidirectional(keras.layers.LSTM(2)),
    "unrolled": lambda: keras.layers.LSTM(3, unroll=True),
    "images": lambda: keras.layers.TimeDistributed(keras.layers.Dense(2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_recurrent_layers_of_keras_agree(name):
    layer = LAYERS[name]()
    wanted = layer(X, training=False).numpy()
    assert wanted.std() > 0
    agree(keras_model.capture(layer, X), [wanted], X)


def test_cells_in_a_loop_keep_the_names_of_their_layers():
    graph = keras_model.capture(keras.layers.LSTM(3, name="memory"), X)
    assert "lstm_cell.recurrent_kernel" in graph.params
    (loop,) = [graph.node(name) for name in graph if graph.op(name) == "Loop"]
    body = loop.regions["body"]
    assert "recurrent_kernel" in body.inputs
    assert "while.lstm_cell" in {body.node(name).scope for name in body}
