"""Every architecture of transformers that can be made small, with seeded random weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from typing import Any

import torch
import transformers
import transformers.modeling_utils
from transformers.models.auto import configuration_auto, modeling_auto

from graphlens.sweep.sets.small_config import VOCABULARY, shallow, small
from graphlens.sweep.subject import CannotBuildError, Subject

_LENGTH = 16
"""Tokens of the example."""
_MOST = 400_000_000
"""Elements of the weights of a model that could not be made small."""


def names() -> list[str]:
    """Every model type that one of the auto mappings has a model for; base models first."""
    return [name for name in configuration_auto.CONFIG_MAPPING_NAMES if _class_name(name)]


def build(name: str) -> Subject:
    """The base model in inference mode, and the smallest inputs that it takes.

    Raises:
        CannotBuildError: If no configuration and inputs were found that the library runs.
    """
    kind = getattr(transformers, _class_name(name))
    default = configuration_auto.CONFIG_MAPPING[name]()
    reasons: list[str] = []
    for about, shrink in _SHRINKERS.items():
        try:
            model = _made(kind, default, shrink)
            inputs = _inputs(model)
        except Exception as error:  # the library refuses in as many ways as it has models
            reasons.append(f"{about}: {type(error).__name__}: {error}")
        else:
            return Subject(model, (), inputs, about)
    raise CannotBuildError(" | ".join(" ".join(each.split())[:120] for each in reasons))


_SHRINKERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "small": small,
    "shallow": shallow,
    "default": lambda config: {},
}


def _class_name(name: str) -> str:
    """The model class of a type: of AutoModel if it has one, else of any other auto class."""
    known = [key for key in vars(modeling_auto) if key.startswith("MODEL_")]
    for key in sorted(known, key=lambda key: key != "MODEL_MAPPING_NAMES"):
        if not key.endswith("_NAMES"):
            continue
        found = vars(modeling_auto)[key].get(name, "")
        found = found if isinstance(found, str) else found[0]
        if hasattr(transformers, found or "?"):
            return found
    return ""


def _made(kind: Any, default: Any, shrink: Callable[[Any], dict[str, Any]]) -> torch.nn.Module:
    config = type(default)(**shrink(default))
    for each in [
        config,
        *(getattr(config, key, None) for key in getattr(config, "sub_configs", ())),
    ]:
        if each is not None:
            each.use_cache = False
    with torch.device("meta"):
        size = sum(each.numel() for each in kind(config).parameters())
    if size > _MOST:
        raise CannotBuildError(f"{size / 1e6:.0f} M parameters")
    torch.manual_seed(0)
    return kind(config).eval()


def _inputs(model: Any) -> dict[str, Any]:
    """The first of the likely arguments that the model runs on."""
    formals = inspect.signature(model.forward).parameters
    reasons: list[str] = []
    for keys in _candidates(model.main_input_name, tuple(formals)):
        try:
            torch.manual_seed(0)
            inputs = {key: _EXAMPLES[key](model.config) for key in keys}
            with torch.no_grad():
                model(**inputs)
        except Exception as error:  # as above
            reasons.append(f"{'+'.join(keys)}: {error}")
        else:
            return inputs
    raise CannotBuildError(" | ".join(reasons))


def _candidates(main: str, formals: tuple[str, ...]) -> Generator[tuple[str, ...]]:
    """Sets of arguments, the plainest first."""
    more = [key for key in _EXAMPLES if key in formals and key != main]
    known = (main,) if main in _EXAMPLES else ()
    if known:
        yield known
    if "decoder_input_ids" in more:
        yield (*known, "decoder_input_ids")
    for key in more:
        yield (*known, key)
    required = tuple(key for key in formals if key in ("bbox", "pixel_values", "input_ids"))
    yield tuple(dict.fromkeys((*known, *required)))
    yield tuple(dict.fromkeys((*known, *more)))


def _tokens(config: Any) -> torch.Tensor:
    top = min(_size(config, "vocab_size", VOCABULARY), VOCABULARY) - 65
    return torch.randint(min(5, max(top - 1, 0)), max(top, 2), (1, _LENGTH))


def _image(config: Any) -> torch.Tensor:
    side = _field(config, "image_size", 64)
    side = side if isinstance(side, int) else (side[0] if isinstance(side, list | tuple) else 64)
    channels = _size(config, "num_channels", 3)
    return torch.rand(1, channels, side, side)


_EXAMPLES: Mapping[str, Callable[[Any], torch.Tensor]] = {
    "input_ids": _tokens,
    "decoder_input_ids": _tokens,
    "pixel_values": _image,
    "input_values": lambda config: torch.rand(1, 4000),
    "input_features": lambda config: torch.rand(
        1, _size(config, "num_mel_bins", 80), 2 * _size(config, "max_source_positions", 64)
    ),
    "bbox": lambda config: torch.tensor([[[1, 2, 3, 4]] * _LENGTH]),
    "attention_mask": lambda config: torch.ones(1, _LENGTH, dtype=torch.int64),
    "inputs_embeds": lambda config: torch.rand(1, _LENGTH, _size(config, "hidden_size", 64)),
    "hidden_states": lambda config: torch.rand(1, _LENGTH, _size(config, "hidden_size", 64)),
    "pixel_values_videos": lambda config: _image(config)[None],
    "audio_values": lambda config: torch.rand(1, 1, 4000),
    "past_values": lambda config: torch.rand(1, _size(config, "context_length", 32), 1),
}


def _field(config: Any, name: str, default: Any) -> Any:
    """A field of the configuration, or of the first of its parts that has it."""
    for each in [
        config,
        *(getattr(config, key, None) for key in getattr(config, "sub_configs", ())),
    ]:
        found = getattr(each, name, None)
        if found is not None:
            return found
    return default


def _size(config: Any, name: str, default: int) -> int:
    found = _field(config, name, default)
    return found if isinstance(found, int) else default
