"""Functions of TensorFlow that raise, print, nest, change variables; inputs of every kind."""

import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from graphlens.errors import CaptureError  # noqa: E402
from graphlens.frontends.keras import model as keras_model  # noqa: E402
from graphlens.frontends.tf.graph import capture  # noqa: E402
from graphlens.ir import check  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402
from graphlens.tensor import TensorType  # noqa: E402

pytestmark = pytest.mark.tensorflow

X = np.random.default_rng(0).standard_normal((2, 3), np.float32)


def fails(x):
    raise ValueError(f"no use for {x.shape}")


def test_error_while_traced_ends_in_the_users_lines():
    with pytest.raises(CaptureError) as found:
        capture(tf.function(lambda x: fails(x + 1)), X)
    text = str(found.value)
    assert "no use for (2, 3)" in text
    assert f'"{__file__}", line' in text
    assert "site-packages" not in text


def test_error_of_many_frames_shows_the_innermost_three():
    def deep(x, depth):
        return deep(x, depth - 1) if depth else fails(x)

    with pytest.raises(CaptureError) as found:
        capture(tf.function(lambda x: deep(x, 20)), X)
    text = str(found.value)
    assert text.count(f'"{__file__}", line') == 3
    assert text.splitlines()[-1].strip().startswith("raise ValueError")


def test_error_of_a_model_of_layers_names_no_files_of_frameworks():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(
        CaptureError, match="expected axis -1 of input shape to have value 4"
    ) as found:
        keras_model.capture(model, X)
    assert ".py" not in str(found.value)


@pytest.mark.parametrize("kind", ["tf", "keras"])
def test_model_that_exits_does_not_end_the_program(kind):
    def leaves(*_):
        sys.exit(3)

    class Leaving(keras.layers.Layer):
        def call(self, x):
            return leaves(x)

    with pytest.raises(CaptureError, match="SystemExit: 3"):
        _ = capture(tf.function(leaves), X) if kind == "tf" else keras_model.capture(Leaving(), X)


def test_input_that_is_no_tensor_is_named_by_its_type():
    with pytest.raises(CaptureError, match="an input of type _RangeDataset is no tensor"):
        capture(tf.function(lambda x: x), tf.data.Dataset.range(3))


def test_input_of_a_keras_model_is_given_by_its_name():
    model = keras.Sequential([keras.Input((None,), name="words"), keras.layers.Embedding(9, 2)])
    graph = keras_model.capture(model, kwargs={"words": TensorType("float32", (5, 7))})
    assert graph.type_of(graph.outputs[0]).shape == (5, 7, 2)
    with pytest.raises(CaptureError, match=r"has no input 'wrods', only \['words'\]"):
        keras_model.capture(model, kwargs={"wrods": TensorType("float32", (5, 7))})
    with pytest.raises(
        CaptureError, match=r"'mask' is an argument .* give its value, not its type"
    ):
        keras_model.capture(model, kwargs={"mask": TensorType("bool", (5, 7))})


def test_error_in_a_layer_names_the_users_lines_without_colours():
    class Broken(keras.layers.Layer):
        def call(self, x):
            return fails(x)

    with pytest.raises(CaptureError) as found:
        keras_model.capture(Broken(), X)
    text = str(found.value)
    assert f"{__file__}:{fails.__code__.co_firstlineno + 1} in fails" in text
    assert "\x1b" not in text
    assert "site-packages" not in text


def test_printing_is_no_part_of_what_is_computed(capfd):
    def chatty(x):
        print("traced")
        tf.print("run")
        return x * 2

    (found,) = run(capture(chatty, X), X)
    np.testing.assert_array_equal(found, X * 2)
    assert "run" not in "".join(capfd.readouterr())


def test_nested_inputs_and_outputs_are_flat_in_the_order_of_tensorflow():
    def nested(parts, flag, none):
        assert none is None
        return {"z": parts["a"] + parts["b"][0], "y": [parts["a"], None] if flag else []}

    graph = check(capture(tf.function(nested), {"b": [X], "a": 2 * X}, True, None))
    wanted, total = run(graph, 2 * X, X)
    np.testing.assert_array_equal(wanted, 2 * X)
    np.testing.assert_array_equal(total, 3 * X)


@pytest.mark.parametrize(
    "value",
    [tf.ragged.constant([[1.0], [2.0, 3.0]]), tf.sparse.from_dense(X)],
    ids=["ragged", "sparse"],
)
def test_input_of_several_tensors_is_refused_with_the_way_out(value):
    with pytest.raises(CaptureError, match=r"several tensors: give the model its parts"):
        capture(tf.function(lambda x: x), value)


def test_batch_of_zero_is_a_batch():
    function = tf.function(lambda x: tf.nn.softmax(x @ tf.ones((3, 4))))
    (found,) = run(capture(function, X[:0]), X[:0])
    assert found.shape == (0, 4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "complex64", "complex128"])
def test_dtype_is_kept_from_input_to_output(dtype):
    function = tf.function(lambda x: x * x + x)
    x = tf.cast(X, dtype)
    wanted = function(x).numpy()
    (found,) = run(check(capture(function, x)), x.numpy())
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found.astype(complex), wanted.astype(complex), rtol=1e-2)


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2"])
def test_float8_is_read(dtype):
    function = tf.function(lambda x: tf.cast(x, tf.float32) * 2)
    x = tf.cast(X, dtype)
    np.testing.assert_array_equal(run(capture(function, x), x.numpy())[0], function(x).numpy())


def test_variable_changed_in_a_branch_reads_as_that_after_it():
    variable = tf.Variable(1.0, trainable=False)

    def choose(x):
        if tf.reduce_sum(x) > 0:
            variable.assign(5.0)
        else:
            variable.assign_add(1.0)
        return x * variable

    graph = check(capture(choose, X))
    for x, factor in ((np.abs(X), 5.0), (-np.abs(X), 2.0)):
        np.testing.assert_array_equal(run(graph, x)[0], x * factor)


def test_variable_changed_in_a_loop_is_carried_round():
    variable = tf.Variable(1.0, trainable=False)

    @tf.function
    def add():
        variable.assign_add(2.0)

    def count(x):
        for _ in tf.range(3):
            add()
        return x * variable

    np.testing.assert_array_equal(run(check(capture(count, X)), X)[0], X * 7.0)


def test_variable_changed_in_one_of_many_branches_is_refused():
    variable = tf.Variable(1.0)

    def choose(x):
        ways = [lambda way=way: variable.assign(float(way)) for way in range(3)]
        return x * tf.switch_case(tf.cast(x[0, 0], tf.int32), ways)

    with pytest.raises(CaptureError, match="one of many branches"):
        capture(choose, X)


def test_function_of_python_runs_in_the_graph_that_was_captured_here():
    function = tf.function(lambda x: tf.numpy_function(lambda y: y + 1, [x], tf.float32))
    np.testing.assert_array_equal(run(capture(function, X), X)[0], X + 1)
