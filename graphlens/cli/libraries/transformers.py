"""``transformers:TYPE``: a model of that type by its default configuration, random weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
import transformers

from graphlens.cli.libraries.named import made, unknown
from graphlens.errors import UsageError
from graphlens.tensor import TensorType

SEQUENCE = 64
"""Length of the example's token sequence."""


def model(name: str, options: Mapping[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The base model in inference mode, and its main input.

    Args:
        name: A model type of transformers: ``bert``, ``gpt2``, ``vit``, ``llama`` ...
        options: Fields of its configuration, such as ``num_hidden_layers``.

    Raises:
        UsageError: If there is no such type, it takes no such option, or its weights do not fit
            into memory.
    """
    known = transformers.CONFIG_MAPPING
    if name not in known:
        raise unknown("transformers", name, known.keys())
    config = made("transformers", name, known[name], {"return_dict": False, **options})
    if hasattr(config, "use_cache"):
        config.use_cache = False
    torch.manual_seed(0)
    _refuse_giants(name, config)
    module = made("transformers", name, transformers.AutoModel.from_config, {"config": config})
    return module.eval(), (), {module.main_input_name: _example(module, config)}


def _refuse_giants(name: str, config: Any) -> None:
    """Default configurations may be those of the largest model of a family."""
    with torch.device("meta"):
        module = made("transformers", name, transformers.AutoModel.from_config, {"config": config})
    wanted = sum(each.numel() * each.element_size() for each in module.parameters())
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted > there / 2:
        raise UsageError(
            f"the default {name!r} of transformers has {wanted / 1e9:.0f} GB of weights, this "
            f"machine {there / 1e9:.0f} GB of memory: make it smaller, such as "
            f"'transformers:{name}{{num_hidden_layers=4,hidden_size=512,intermediate_size=1024}}'"
        )


def _example(module: Any, config: Any) -> TensorType:
    """The type of the main input: tokens, an image, a waveform or a spectrogram."""
    main = module.main_input_name
    if main == "pixel_values":
        side = getattr(config, "image_size", 224)
        sides = tuple(side) if isinstance(side, list | tuple) else (side, side)
        return TensorType("float32", (1, getattr(config, "num_channels", 3), *sides))
    if main == "input_values":
        return TensorType("float32", (1, 16000))
    if main == "input_features":
        mels = getattr(config, "num_mel_bins", 80)
        return TensorType("float32", (1, mels, 2 * getattr(config, "max_source_positions", 1500)))
    return TensorType("int64", (1, SEQUENCE))
