"""``transformers:TYPE`` or ``transformers:config.json``: a model made by its configuration.

One whose weights would not fit into this machine's memory is made without any, on torch's meta
device: enough to draw it, to plan its memory and to count its work.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers

from graphlens.cli.libraries.named import made, unknown
from graphlens.errors import UsageError
from graphlens.sweep.sets.transformers_inputs import field
from graphlens.tensor import TensorType

SEQUENCE = 64
"""Length of the example's token sequence."""
META = "meta"
"""The option by which one says whether the model has weights."""


def model(name: str, options: Mapping[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The model in inference mode, and its main input with what else it asks for.

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
    config = made("transformers", name, known[kind], {**fields, **chosen})
    maker = _maker(fields)
    with torch.device("meta"):
        bare = made("transformers", name, maker, {"config": config}).eval()
    inputs = _inputs(bare)
    for each in (config, *(getattr(config, part, None) for part in config.sub_configs)):
        if each is not None:
            each.use_cache = False
    torch.manual_seed(0)
    with torch.device("meta" if _is_bare(name, bare, options.get(META)) else "cpu"):
        return maker(config=config).eval(), (), inputs


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


def _is_bare(name: str, bare: torch.nn.Module, meta: Any) -> bool:
    """Whether the model is to have no weights: they do not fit, or are not wanted."""
    wanted = sum(each.numel() * each.element_size() for each in bare.parameters())
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    fits = wanted <= there / 2
    if meta is False and not fits:
        raise UsageError(
            f"{name!r} has {wanted / 1e9:.0f} GB of weights, this machine {there / 1e9:.0f} GB of "
            "memory: leave out meta=False, or make it smaller, such as "
            f"'transformers:{name}{{num_hidden_layers=4,hidden_size=512,intermediate_size=1024}}'"
        )
    return bool(meta) if meta is not None else not fits


def _inputs(bare: Any) -> dict[str, TensorType]:
    """The fewest inputs that the model takes, beginning with its main one.

    Which they are is tried on the model without weights, which computes nothing, where its
    arguments leave a choice. The main input alone, if none is taken.
    """
    sets = list(_choices(bare))
    taken = (names for names in sets if _takes(bare, names))
    names = next(taken, sets[0]) if len(sets) > 1 else sets[0]
    return {name: TensorType(_dtype(name), _shape(name, bare.config)) for name in names}


def _takes(bare: Any, names: tuple[str, ...]) -> bool:
    given = {
        name: torch.empty(
            _shape(name, bare.config), dtype=getattr(torch, _dtype(name)), device="meta"
        )
        for name in names
    }
    try:
        with torch.no_grad():
            bare(**given)
    except Exception:  # a model refuses in as many ways as there are models
        return False
    return True


_TOGETHER = ("decoder_input_ids", "input_ids", "pixel_values", "input_features", "bbox")
"""Arguments that a model may ask for beside its main one."""


def _choices(bare: Any) -> Iterator[tuple[str, ...]]:
    main = bare.main_input_name
    formals = inspect.signature(bare.forward).parameters
    more = tuple(name for name in _TOGETHER if name in formals and name != main)
    yield (main,)
    yield from ((main, name) for name in more)
    if len(more) > 1:
        yield (main, *more)


def _dtype(name: str) -> str:
    return "float32" if name.startswith(("pixel", "input_values", "input_features")) else "int64"


def _shape(name: str, config: Any) -> tuple[int, ...]:
    """The shape of an input: tokens, boxes of them, an image, a waveform or a spectrogram."""
    if name == "pixel_values":
        side = field(config, "image_size", 224)
        sides = tuple(side) if isinstance(side, list | tuple) else (side, side)
        return (1, field(config, "num_channels", 3), *sides)
    if name == "input_values":
        return (1, 16000)
    if name == "input_features":
        frames = 2 * field(config, "max_source_positions", 1500)
        return (1, field(config, "num_mel_bins", 80), frames)
    return (1, SEQUENCE, 4) if name == "bbox" else (1, SEQUENCE)
