"""``torchvision:NAME``: a model of torchvision with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torchvision.models

from graphlens.cli.libraries.named import made, unknown
from graphlens.sweep.sets.torchvision import DETECTION
from graphlens.tensor import TensorType

_FRAMES = 16


def model(name: str, options: Mapping[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The model in inference mode, and an image or clip of the size that it was trained on.

    Models of optical flow take two images; those that detect a list of images, and values rather
    than types, since what they compute depends on what they see.

    Raises:
        UsageError: If there is no model of that name, or it takes no such option.
    """
    known = torchvision.models.list_models()
    if name not in known:
        raise unknown("torchvision", name, known)
    torch.manual_seed(0)
    options = {"name": name, "weights": None, **options}
    if name.startswith(("googlenet", "inception_v3")):
        options = {"init_weights": False, **options}
    if name.startswith(("deeplab", "fcn", "lraspp", *DETECTION)):
        options = {"weights_backbone": None, **options}
    module = made("torchvision", name, torchvision.models.get_model, options).eval()
    if name.startswith(DETECTION):
        return module, ([torch.rand(3, *_IMAGE)],), {}
    return module, (TensorType("float32", _shape(name)),) * (2 if "raft" in name else 1), {}


_IMAGE = (320, 320)
"""Height and width of the image to detect in; the models scale it as they need."""


def _shape(name: str) -> tuple[int, ...]:
    """``[1, channels, (frames,) height, width]``."""
    trained = torchvision.models.get_model_weights(name)
    sizes: Any = next(iter(trained)).transforms() if len(trained) else None
    if name.startswith("raft"):
        return (1, 3, 128, 128)
    side = (getattr(sizes, "crop_size", None) or getattr(sizes, "resize_size", None) or [224])[-1:]
    if name.startswith(("r3d", "mc3", "r2plus1d", "mvit", "s3d", "swin3d")):
        return (1, 3, _FRAMES, *side * 2)
    return (1, 3, *side * 2)
