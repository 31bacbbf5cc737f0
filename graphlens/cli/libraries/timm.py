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
    options = {"model_name": name, "pretrained": False, **options}
    module = made("timm", name, timm.create_model, options).eval()
    return module, (TensorType("float32", (1, *module.pretrained_cfg["input_size"])),), {}
