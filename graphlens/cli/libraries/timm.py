"""``timm:NAME``: a model of timm with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
import torch

from graphlens.cli.libraries.named import made, unknown
from graphlens.tensor import TensorType


def model(name: str, options: Mapping[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The model in inference mode, and an image of the size that it was made for.

    Raises:
        UsageError: If there is no model of that name, or it takes no such option.
    """
    known = timm.list_models()
    if name not in known:
        raise unknown("timm", name, known)
    torch.manual_seed(0)
    wanted = {"model_name": name, "pretrained": False, **options}
    module = made("timm", name, timm.create_model, wanted).eval()
    channels, *sides = module.pretrained_cfg["input_size"]
    channels = options.get("in_chans", channels)
    if "img_size" in options:
        sides = [options["img_size"]] * 2
    return module, (TensorType("float32", (1, channels, *sides)),), {}
