"""ResNet-50 from PyTorch and from Keras with one set of weights is one graph."""

import importlib.util

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")
torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

import graphlens  # noqa: E402

pytestmark = [pytest.mark.tensorflow, pytest.mark.torch]

IMAGE = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pairs(request):
    """Each architecture as (PyTorch model, Keras model), by whose it is."""
    twins = _module(request.config.rootpath / "gallery" / "resnet50_twins.py")
    models = _module(request.config.rootpath / "tests" / "keras_models.py")
    torch.manual_seed(0)
    in_torch = torchvision.models.resnet50().eval()
    in_keras = models.application("ResNet50")
    return {
        "torchvision": (in_torch, twins.keras_resnet50(in_torch)),
        "keras": (twins.torch_resnet50(in_keras), in_keras),
    }


@pytest.mark.parametrize("whose", ["torchvision", "keras"])
def test_twins_compute_the_same(pairs, whose):
    in_torch, in_keras = pairs[whose]
    with torch.no_grad():
        wanted = in_torch(torch.from_numpy(IMAGE)).numpy()
    found = np.asarray(in_keras(IMAGE.transpose(0, 2, 3, 1), training=False))
    assert wanted.std() > 1e-4
    np.testing.assert_allclose(found, wanted, rtol=1e-2, atol=1e-4 * abs(wanted).max())


@pytest.mark.parametrize("whose", ["torchvision", "keras"])
def test_twins_are_one_graph(pairs, whose):
    in_torch, in_keras = pairs[whose]
    static = graphlens.capture(in_keras, via="keras")
    dynamic = graphlens.capture(in_torch, torch.from_numpy(IMAGE), via="torch.fx")
    assert graphlens.equivalent(dynamic, static)


def test_one_weight_changed_makes_two_graphs(pairs):
    in_torch, in_keras = pairs["torchvision"]
    static = graphlens.capture(in_keras, via="keras")
    dynamic = graphlens.capture(in_torch, torch.from_numpy(IMAGE), via="torch.fx")
    name = next(name for name in static.params if name.endswith("conv2.kernel"))
    changed = static.weights[name].copy()
    changed[1, 1, 0, 0] += 1e-3
    static.weights[name] = changed
    assert not graphlens.equivalent(dynamic, static)
