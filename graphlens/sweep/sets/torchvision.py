"""All of torchvision's models, on inputs as small as each takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torchvision.models

from graphlens.sweep.sets.weights import with_noise, with_signal
from graphlens.sweep.subject import Subject

_FRAMES = 16
_SIDES = {
    "inception_v3": 96, "googlenet": 64, "vit": 224, "maxvit": 224, "swin3d": 64, "mvit": 224,
    "s3d": 224, "raft": 128, "ssd300": 300, "ssdlite": 320, "alexnet": 64, "squeezenet": 64,
    "fasterrcnn": 128, "maskrcnn": 128, "keypointrcnn": 128, "retinanet": 128, "fcos": 128,
}  # fmt: skip
_SMALL = 64


def names() -> list[str]:
    """Every model that it registers, those with few weights first."""
    return sorted(torchvision.models.list_models(), key=lambda name: (_parameters(name), name))


def _parameters(name: str) -> int:
    """Elements of the weights that were trained for the model."""
    trained = list(torchvision.models.get_model_weights(name))
    return min((each.meta["num_params"] for each in trained), default=0)


def build(name: str) -> Subject:
    """The model in inference mode with seeded weights, and an example."""
    torch.manual_seed(0)
    options: dict[str, Any] = {"weights": None}
    plain = name.removeprefix("quantized_")
    if plain.startswith(("googlenet", "inception_v3")):
        options["init_weights"] = False
    if name.startswith(("deeplab", "fcn", "lraspp", *DETECTION)):
        options["weights_backbone"] = None
    options |= next((held for key, held in _FEW.items() if name.startswith(key)), {})
    model = with_noise(torchvision.models.get_model(name, **options).eval())
    side = next((size for key, size in _SIDES.items() if plain.startswith(key)), _SMALL)
    inputs, about = _inputs(name, side), f"{side} px"
    if name.startswith(DETECTION):
        with_signal(model, lambda: model(*inputs))
        about += ", weights scaled to unit variance so that there are detections"
    return Subject(model, inputs, about=about)


_AS_GIVEN = {"min_size": 128, "max_size": 128}
_PROPOSALS = {
    "rpn_pre_nms_top_n_test": 40,
    "rpn_post_nms_top_n_test": 20,
    "box_score_thresh": 0.1,
    **_AS_GIVEN,
}
_FEW: Mapping[str, Mapping[str, float]] = {
    "fasterrcnn": _PROPOSALS,
    "maskrcnn": _PROPOSALS,
    "keypointrcnn": _PROPOSALS,
    "retinanet": {"topk_candidates": 30, **_AS_GIVEN},
    "fcos": {"topk_candidates": 30, **_AS_GIVEN},
    "ssd": {"topk_candidates": 30, "score_thresh": 0.1},
}
"""What keeps candidates few, as trained weights do, and images small. Of millions of pairs of
random boxes some overlap by the threshold of suppression but for the last digit: which of them is
kept is arbitrary, and so is what is compared."""
DETECTION = tuple(_FEW)
"""How the names of models begin that detect objects in a list of images."""


def _inputs(name: str, side: int) -> tuple[Any, ...]:
    """``[1, channels, (frames,) height, width]``; a list of images to detect in; two to flow."""
    if name.startswith(DETECTION):
        return ([torch.rand(3, side, side)],)
    if name.startswith("raft"):
        return torch.rand(1, 3, side, side), torch.rand(1, 3, side, side)
    if name.startswith(("r3d", "mc3", "r2plus1d", "mvit", "s3d", "swin3d")):
        return (torch.rand(1, 3, _FRAMES, side, side),)
    return (torch.rand(1, 3, side, side),)
