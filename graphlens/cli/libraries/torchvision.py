"""``torchvision:NAME``: a model of torchvision with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torchvision.models

from graphlens.cli.libraries.named import made, unknown
from graphlens.tensor import TensorType

_FRAMES = 16


def model(name: str, options: Mapping[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The model in inference mode, and an image or clip of the size that it was trained on.

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
    if name.startswith(("deeplab", "fcn", "lraspp")):
        options = {"weights_backbone": None, **options}
    module = made("torchvision", name, torchvision.models.get_model, options).eval()
    return module, (TensorType("float32", _shape(name)),), {}


def _shape(name: str) -> tuple[int, ...]:
    """``[1, channels, (frames,) height, width]``."""
    trained = torchvision.models.get_model_weights(name)
    sizes: Any = next(iter(trained)).transforms() if len(trained) else None
    side = (getattr(sizes, "crop_size", None) or getattr(sizes, "resize_size", None) or [224])[-1:]
    if name.startswith(("r3d", "mc3", "r2plus1d", "mvit", "s3d", "swin3d")):
        return (1, 3, _FRAMES, *side * 2)
    return (1, 3, *side * 2)
