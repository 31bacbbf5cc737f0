"""The sets of models: what they hold, and that what they make is small and runs."""

from __future__ import annotations

import numpy as np
import pytest

from graphlens.errors import UsageError
from graphlens.sweep import Choice, Spec, asked, sets


def test_an_unknown_set_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match=r"unknown set of models 'zoo' .*'timm'"):
        sets.named("zoo")


def test_files_are_told_from_code_that_makes_a_model():
    found = asked(["a/b.onnx", "mine.py:net"], Choice())
    assert found == [Spec("file", "a/b.onnx"), Spec("model", "mine.py:net")]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")  # the library's own
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("bert", {"input_ids"}),
        ("t5", {"input_ids", "decoder_input_ids"}),
        ("clip", {"input_ids", "pixel_values"}),
        ("qwen2_vl", {"input_ids"}),
        ("deepseek_v3", {"input_ids"}),
        ("time_series_transformer", {"past_values", "past_time_features", "past_observed_mask"}),
    ],
)
def test_an_architecture_of_transformers_is_made_small(name, arguments):
    pytest.importorskip("transformers")
    subject = sets.build(Spec("transformers", name))
    assert subject.kwargs.keys() == arguments
    assert subject.about.startswith("small")
    assert sum(each.numel() for each in subject.model.parameters()) < 1_000_000


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_timm_has_one_model_of_every_family_the_small_ones_first():
    timm = pytest.importorskip("timm")
    found = [spec.model for spec in sets.specs("timm")]
    modules = {name: module for module in timm.list_modules()
               for name in timm.list_models(module=module)}  # fmt: skip
    assert {modules[name] for name in found} == set(modules.values())
    assert found[0].startswith("test_")
    subject = sets.build(Spec("timm", found[0]))
    assert subject.about == "64x64 px"


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_a_detector_is_given_a_list_of_images():
    pytest.importorskip("torchvision")
    subject = sets.build(Spec("torchvision", "ssdlite320_mobilenet_v3_large"))
    assert [image.shape for image in subject.inputs[0]] == [(3, 320, 320)]


@pytest.mark.tensorflow
def test_every_layer_of_keras_can_be_made():
    pytest.importorskip("keras")
    missing = {}
    for spec in sets.specs("keras-layers"):
        try:
            sets.build(spec)
        except ImportError:
            continue  # a layer that needs a package which is not there
        except Exception as error:
            missing[spec.model] = str(error)
    assert missing == {}


@pytest.mark.torch
def test_torch_widens_a_model_and_its_inputs_and_leaves_its_own_alone():
    torch = pytest.importorskip("torch")
    from graphlens.sweep.subject import Subject
    from graphlens.sweep.torch_side import SIDE

    model = torch.nn.EmbeddingBag(4, 3, mode="sum")
    bag, scale = torch.tensor([[1, 3]]), torch.rand(1, 2)
    wide = SIDE.wide(Subject(model, (bag,), {"per_sample_weights": scale}))
    assert wide.inputs[0].dtype == torch.int64
    (found,) = SIDE.reference(wide, 0)
    assert found.dtype == "float64"
    assert abs(found - model(bag, None, scale).detach().numpy()).max() < 1e-6
    assert model.weight.dtype == torch.float32


@pytest.mark.tensorflow
def test_keras_widens_a_model_by_its_config() -> None:
    keras = pytest.importorskip("keras")
    from graphlens.sweep.keras_side import SIDE
    from graphlens.sweep.subject import Subject

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()]
    )
    image = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    narrow = Subject(model, (keras.ops.convert_to_tensor(image),))
    (found,) = SIDE.reference(SIDE.wide(narrow), 0)
    assert found.dtype == "float64"
    (wanted,) = SIDE.reference(narrow, 0)
    assert 0 < abs(found - wanted).max() < 1e-5
    assert model.weights[0].dtype == "float32"
    bare = Subject(keras.ops.sin, (image,))
    assert SIDE.wide(bare) is None
