"""All of torchvision's models, on inputs as small as each takes."""

from __future__ import annotations

from typing import Any

import torch
import torchvision.models

from graphlens.sweep.subject import Subject

_FRAMES = 16
_SIDES = {
    "inception_v3": 96, "googlenet": 64, "vit": 224, "maxvit": 224, "swin3d": 64, "mvit": 224,
    "s3d": 224, "raft": 128, "ssd300": 300, "ssdlite": 320, "alexnet": 64, "squeezenet": 64,
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
    if name.startswith(("deeplab", "fcn", "lraspp", *_DETECTION)) or "rcnn" in name:
        options["weights_backbone"] = None
    model = torchvision.models.get_model(name, **options).eval()
    side = next((size for key, size in _SIDES.items() if plain.startswith(key)), _SMALL)
    return Subject(model, _inputs(name, side), about=f"{side} px")


_DETECTION = ("fasterrcnn", "maskrcnn", "keypointrcnn", "retinanet", "fcos", "ssd")


def _inputs(name: str, side: int) -> tuple[Any, ...]:
    """``[1, channels, (frames,) height, width]``; a list of images to detect in; two to flow."""
    if name.startswith(_DETECTION):
        return ([torch.rand(3, side, side)],)
    if name.startswith("raft"):
        return torch.rand(1, 3, side, side), torch.rand(1, 3, side, side)
    if name.startswith(("r3d", "mc3", "r2plus1d", "mvit", "s3d", "swin3d")):
        return (torch.rand(1, 3, _FRAMES, side, side),)
    return (torch.rand(1, 3, side, side),)
