"""``transformers:TYPE`` or ``transformers:config.json``: a model made by its configuration.

One whose weights would not fit into this machine's memory is made without any, on torch's meta
device: enough to draw it, to plan its memory and to count its work.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers

from graphlens.cli.libraries.named import made, unknown
from graphlens.errors import UsageError
from graphlens.tensor import TensorType

SEQUENCE = 64
"""Length of the example's token sequence."""
META = "meta"
"""The option by which one says whether the model has weights."""


def model(name: str, options: Mapping[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The model in inference mode, and its main input.

    Args:
        name: A model type of transformers (``bert``, ``gpt2``, ``vit``, ``llama`` ...), of which
            the base model is made; or the path of a ``config.json``, which names the class.
        options: Fields of its configuration that are to be others, such as ``num_hidden_layers``;
            and ``meta=True`` to make it without weights, whatever its size, or ``meta=False``.

    Raises:
        UsageError: If there is no such type or file, it takes no such option, or its weights do
            not fit into memory and are asked for.
    """
    fields, kind = _from_file(Path(name)) if name.endswith(".json") else ({}, name)
    known = transformers.CONFIG_MAPPING
    if kind not in known:
        raise unknown("transformers", kind, known.keys())
    chosen = {key: value for key, value in options.items() if key != META}
    plain = {} if "architectures" in fields else {"return_dict": False}
    config = made("transformers", name, known[kind], {**plain, **fields, **chosen})
    if hasattr(config, "use_cache"):
        config.use_cache = False
    torch.manual_seed(0)
    module = _module(name, config, _maker(fields), options.get(META))
    return module.eval(), (), {module.main_input_name: _example(module, config)}


def _from_file(path: Path) -> tuple[dict[str, Any], str]:
    """The fields of a saved configuration, and its model type."""
    try:
        fields = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"{str(path)!r} is no configuration of transformers: {error}") from error
    kind = fields.get("model_type") if isinstance(fields, dict) else None
    if not isinstance(kind, str):
        raise UsageError(
            f"{str(path)!r} names no model: expected the config.json of a model, with 'model_type'"
        )
    return {key: held for key, held in fields.items() if key != "model_type"}, kind


def _maker(fields: Mapping[str, Any]) -> Any:
    """The class that a saved configuration names, else what chooses the base model's."""
    named = (fields.get("architectures") or [""])[0]
    found = getattr(transformers, str(named), None)
    return transformers.AutoModel.from_config if found is None else found._from_config


def _module(name: str, config: Any, maker: Any, meta: Any) -> Any:
    """The model, without weights where they do not fit or are not wanted."""
    with torch.device("meta"):
        module = made("transformers", name, maker, {"config": config})
    wanted = sum(each.numel() * each.element_size() for each in module.parameters())
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if meta is False and wanted > there / 2:
        raise UsageError(
            f"{name!r} has {wanted / 1e9:.0f} GB of weights, this machine {there / 1e9:.0f} GB of "
            "memory: leave out meta=False, or make it smaller, such as "
            f"'transformers:{name}{{num_hidden_layers=4,hidden_size=512,intermediate_size=1024}}'"
        )
    if meta or (meta is None and wanted > there / 2):
        return module
    return made("transformers", name, maker, {"config": config})


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
