"""Every architecture of transformers that can be made small, with seeded random weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from typing import Any

import torch
import transformers
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from graphlens.sweep.sets.small_config import shallow, small, small_in_three
from graphlens.sweep.sets.transformers_inputs import EXAMPLES
from graphlens.sweep.sets.weights import with_noise
from graphlens.sweep.subject import CannotBuildError, Subject

_MOST = 400_000_000
"""Elements of the weights of a model that could not be made small."""


def names() -> list[str]:
    """Every model type that one of the auto mappings has a model for; base models first."""
    return [name for name in CONFIG_MAPPING if _class_name(name)]


def build(name: str) -> Subject:
    """The base model in inference mode, and the smallest inputs that it takes.

    Raises:
        CannotBuildError: If no configuration and inputs were found that the library runs.
    """
    kind = getattr(transformers, _class_name(name))
    default = CONFIG_MAPPING[name]()
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
    "small, rotary in three": small_in_three,
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
    needed = {"prediction_length": 4} if hasattr(default, "prediction_length") else {}
    config = type(default)(**{**needed, **shrink(default)})
    parts = [getattr(config, key, None) for key in getattr(config, "sub_configs", ())]
    for each in (config, *parts):
        if each is not None:
            each.use_cache = False
    with torch.device("meta"):
        size = sum(each.numel() for each in kind(config).parameters())
    if size > _MOST:
        raise CannotBuildError(f"{size / 1e6:.0f} M parameters")
    torch.manual_seed(0)
    return with_noise(kind(config).eval())


def _inputs(model: Any) -> dict[str, Any]:
    """The first of the likely arguments that the model runs on."""
    formals = tuple(inspect.signature(model.forward).parameters)
    reasons: list[str] = []
    for keys, variant in _candidates(model.main_input_name, formals):
        try:
            torch.manual_seed(0)
            inputs = {key: _example(key, model.config, variant) for key in keys}
            with torch.no_grad():
                model(**inputs)
        except Exception as error:  # as above
            reasons.append(f"{'+'.join(keys)}: {error}")
        else:
            return inputs
    raise CannotBuildError(" | ".join(reasons))


def _candidates(main: str, formals: tuple[str, ...]) -> Generator[tuple[tuple[str, ...], int]]:
    """Sets of arguments, and which of the shapes of the main one; the plainest first."""
    more = tuple(key for key in EXAMPLES if key in formals and key != main)
    known = (main,) if main in EXAMPLES and main in formals else ()
    if known:
        yield known, 0
    if "decoder_input_ids" in more:
        yield (*known, "decoder_input_ids"), 0
    for variant in range(1, len(EXAMPLES.get(main, ()))):
        yield known, variant
    for key in ("hidden_states", "pixel_values"):
        if "grid_thw" in more and key in formals:
            yield (key, "grid_thw"), len(EXAMPLES[key]) - 1
    for key in more:
        yield (*known, key), 0
    required = tuple(key for key in formals if key in ("bbox", "pixel_values", "input_ids"))
    yield tuple(dict.fromkeys((*known, *required))), 0
    yield (*known, *more), 0


def _example(key: str, config: Any, variant: int) -> torch.Tensor:
    shapes = EXAMPLES[key]
    return shapes[min(variant, len(shapes) - 1)](config)
