"""Training: gradients and optimisers of TensorFlow and Keras, captured whole, run as they do."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from graphlens.errors import CaptureError  # noqa: E402
from graphlens.frontends.tf.graph import capture  # noqa: E402
from graphlens.ir import check, walk  # noqa: E402
from graphlens.ops.schema import in_vocabulary  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = pytest.mark.tensorflow
v1 = tf.compat.v1
L = keras.layers


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


models = _module(Path(__file__).parents[1] / "keras_models.py")

DRAW = np.random.default_rng(0)
IMAGES = DRAW.standard_normal((4, 8, 8, 3), np.float32)
SERIES = DRAW.standard_normal((4, 5, 4), np.float32)
LABELS = np.array([0, 1, 2, 1])


def foreign(graph):
    """The ops outside of the vocabulary."""
    nodes = [held.node(name) for _, held in walk(graph) for name in held]
    return {node.qualified for node in nodes if not in_vocabulary(node.op, node.domain)}


def close(found, wanted):
    for got, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)


def _convolutions():
    return [
        L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="elu"),
        L.SeparableConv2D(4, 3, strides=2, padding="same", activation="selu"),
        L.Conv2D(6, 3, groups=2, dilation_rate=2, padding="same", activation="softplus"),
        L.LeakyReLU(),
        L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu"),
        L.BatchNormalization(),
        L.ReLU(6),
        L.AveragePooling2D(3, 2, padding="same"),
        L.MaxPooling2D(2, 1),
        L.Flatten(),
        L.Dense(3, activation="softmax"),
    ]


def _recurrent():
    return [L.LSTM(6, return_sequences=True), L.GRU(3), L.Dense(3, activation="softmax")]


def _normalised():
    return [
        L.Conv1D(4, 3, activation="tanh"),
        L.LayerNormalization(),
        L.Lambda(lambda x: x[:, 1:, ::2] * tf.nn.softsign(x[:, :-1, 1::2])),
        L.GlobalAveragePooling1D(),
        L.Dense(3, activation="sigmoid"),
    ]


@pytest.mark.parametrize(
    ("layers", "x"), [(_convolutions, IMAGES), (_recurrent, SERIES), (_normalised, SERIES)]
)
def test_gradients_of_a_tape_are_in_the_vocabulary(layers, x):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(x.shape[1:]), *layers()])

    @tf.function
    def gradients(x, y):
        with tf.GradientTape() as tape:
            loss = keras.losses.sparse_categorical_crossentropy(y, model(x, training=True))
        return loss, tape.gradient(loss, model.trainable_variables)

    graph = check(capture(gradients, x, LABELS))
    assert foreign(graph) == set()
    wanted = tf.nest.flatten(gradients(tf.constant(x), tf.constant(LABELS)))
    close(run(graph, x, LABELS), wanted)


def _step(optimizer):
    model = models.classifier()
    models.redraw(model)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
    model.train_on_batch(IMAGES, LABELS)
    return model, tf.function(lambda x, y: model.train_step((x, y)))


@pytest.mark.parametrize(
    "optimizer", ["adam", *(pytest.param(name, marks=pytest.mark.zoo) for name in ("ftrl", "lion"))]
)
def test_step_of_keras_returns_the_loss_and_what_all_variables_become(optimizer):
    model, step = _step(optimizer)
    graph = check(capture(step, IMAGES, LABELS))
    first, *names = graph.node(graph.output).attributes["names"]
    loss, *found = run(graph, IMAGES, LABELS)
    wanted = step(tf.constant(IMAGES), tf.constant(LABELS))
    assert first == "loss"
    assert loss == pytest.approx(wanted["loss"].numpy(), rel=1e-5)
    after = {v.path.replace("/", "."): v for v in (*model.variables, *model.optimizer.variables)}
    after["loss.total"], after["loss.count"] = model.metrics[0].variables
    assert {v.path.replace("/", ".") for v in model.trainable_variables} < set(names)
    close(found, [after[name].numpy() for name in names if name in after])


OPTIMISERS = {
    "descent": (lambda: v1.train.GradientDescentOptimizer(0.1), set()),
    "momentum": (lambda: v1.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True), set()),
    "adam": (lambda: v1.train.AdamOptimizer(0.1), set()),
    "adagrad": (lambda: v1.train.AdagradOptimizer(0.1), {"tf.ResourceApplyAdagrad"}),
    "rms": (lambda: v1.train.RMSPropOptimizer(0.1), {"tf.ResourceApplyRMSProp"}),
}


@pytest.mark.parametrize("resource", [True, False])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_step_of_tf1_is_an_output(name, resource):
    make, own = OPTIMISERS[name]
    definition = tf.Graph()
    with definition.as_default():
        x = v1.placeholder(tf.float32, [4, 3], name="x")
        w = v1.get_variable("w", initializer=np.ones((3, 2), np.float32), use_resource=resource)
        loss = tf.reduce_mean(tf.nn.relu(tf.matmul(x, w)) ** 2, name="loss")
        make().minimize(loss, name="train")
        ready = v1.global_variables_initializer()
    given = DRAW.standard_normal((4, 3), np.float32)
    with v1.Session(graph=definition) as session:
        session.run(ready)
        graph = check(capture(definition, given, outputs=["loss", "train"], session=session))
        names = graph.node(graph.output).attributes["names"]
        wanted = [session.run("loss:0", {"x:0": given})]
        session.run("train", {"x:0": given})
        reads = {op.name.replace("/", "."): _reading(op) for op in definition.get_operations()}
        wanted += session.run([reads[each] for each in names[1:]])
    assert "w" in names
    assert foreign(graph) == own
    close(run(graph, given), wanted)


def _reading(op):
    if op.type != "VarHandleOp":
        return op.outputs[0] if op.outputs else None
    readers = (reader for reader in op.outputs[0].consumers() if reader.type == "ReadVariableOp")
    return next((reader.outputs[0] for reader in readers if not reader.control_inputs), None)


def test_op_that_changes_nothing_is_no_output():
    definition = tf.Graph()
    with definition.as_default():
        tf.no_op(name="nothing")
    with pytest.raises(CaptureError, match="changes no variable"):
        capture(definition, outputs=["nothing"])


def test_inference_that_counts_its_calls_returns_what_it_did():
    calls = tf.Variable(0.0, trainable=False)

    def model(x):
        calls.assign_add(1.0)
        return x + calls

    (found,) = run(capture(model, SERIES[0]), SERIES[0])
    np.testing.assert_array_equal(found, SERIES[0] + 1.0)
