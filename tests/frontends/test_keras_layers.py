"""Every layer of Keras by itself, on both backends: graphlens runs what Keras computes."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

from graphlens.errors import CaptureError  # noqa: E402
from graphlens.frontends.keras import model as keras_model  # noqa: E402
from graphlens.ir import check, walk  # noqa: E402
from graphlens.ops.schema import in_vocabulary  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

TESTS = Path(__file__).parents[1]


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


table = _module(TESTS / "keras_layers.py")

TENSORFLOWS = {"HashedCrossing", "Hashing", "MelSpectrogram", "TextVectorization"}
"""Layers with ops that ONNX has not: hashes, complex numbers, ragged tensors."""

SAMPLED = {"ContrastLimitedAdaptiveHistogramEqualization", "Resizing"}
"""Layers on which TensorFlow itself rounds: it reads the weights of a cubic from a table."""


def agree(name):
    """Capture and run a layer on two inputs, so that nothing of the first is left in the graph."""
    make, given = table.LAYERS[name]
    keras.utils.set_random_seed(0)
    layer = make()
    words = {"training": False} if layer._call_has_training_arg else {}
    layer(*given, **words)
    graph = check(keras_model.capture(layer, *given))
    tolerance = 3e-3 if name in SAMPLED else 1e-4
    for inputs in (given, keras.tree.map_structure(_turned, given)):
        wanted = keras.tree.flatten(layer(*inputs, **words))
        found = run(graph, *keras.tree.flatten(inputs))
        for expected, got in zip(map(keras.ops.convert_to_numpy, wanted), found, strict=True):
            assert got.shape == expected.shape
            if expected.dtype.kind == "O":
                assert got.tolist() == [text.decode() for text in expected]
            else:
                np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    return graph


def _turned(array):
    return np.ascontiguousarray(array[::-1])


def foreign(graph):
    """The ops outside of the vocabulary."""
    nodes = [(held, name) for _, held in walk(graph) for name in held]
    found = (held.node(name) for held, name in nodes)
    return {node.qualified for node in found if not in_vocabulary(node.op, node.domain)}


def test_every_layer_of_keras_is_in_the_table():
    assert table.every() == table.LAYERS.keys() | table.NOT_BY_THEMSELVES.keys()


SLOW = ("Random", "Adaptive", "ConvLSTM", "RandAugment", "AugMix", "ContrastLimited")


def _mark(name):
    slow = name.startswith(SLOW) or name.endswith("3D")
    return pytest.param(name, marks=pytest.mark.zoo) if slow else name


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", [_mark(name) for name in table.LAYERS])
def test_layer_agrees_on_tensorflow(name):
    graph = agree(name)
    assert bool(foreign(graph)) == (name in TENSORFLOWS)


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from frontends import test_keras_layers as here
assert here.keras.backend.backend() == {backend!r}
for name in {names!r}:
    try:
        here.agree(name)
        print(name, "agrees")
    except here.CaptureError as error:
        print(name, "refused", error)
    except Exception as error:
        print(name, "failed", type(error).__name__, str(error).replace(chr(10), " ")[:300])
"""


def on(backend, names):
    """What each layer does in a process where Keras runs on that backend."""
    program = PROGRAM.format(tests=str(TESTS), backend=backend, names=list(names))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    lines = [line.partition(" ") for line in done.stdout.splitlines()]
    found = {name: what for name, _, what in lines if name in names}
    assert found.keys() == set(names), done.stderr
    return found


FEW = ("Conv2DTranspose", "LSTM", "MultiHeadAttention", "SeparableConv1D", "IntegerLookup")


@pytest.mark.torch
def test_layers_agree_on_torch():
    pytest.importorskip("torch")
    found = on("torch", FEW)
    assert found.pop("IntegerLookup").startswith("refused Keras runs the layer 'integer_lookup'")
    assert set(found.values()) == {"agrees"}, found


@pytest.mark.torch
@pytest.mark.zoo
def test_every_layer_agrees_on_torch_that_keras_runs_by_torch():
    found = on("torch", table.LAYERS)
    refused = {name for name, what in found.items() if what.startswith("refused")}
    assert refused == table.TENSORFLOW_ONLY
    assert {name: w for name, w in found.items() if name not in refused and w != "agrees"} == {}


def test_other_backends_are_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(keras_model, "_BACKEND", None)
    with pytest.raises(CaptureError, match=r"Keras runs on 'jax'.*set KERAS_BACKEND"):
        keras_model.capture(keras.layers.Dense(2), np.zeros((1, 2), np.float32))
