"""Every architecture of transformers that can be made small, with seeded random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import transformers
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from graphlens.sweep.sets.small_config import shallow, small, small_in_three
from graphlens.sweep.sets.small_filled import filled
from graphlens.sweep.sets.small_hints import HINTS, hinted
from graphlens.sweep.sets.transformers_calls import SessionError, arguments
from graphlens.sweep.sets.weights import with_noise
from graphlens.sweep.subject import CannotBuildError, Subject

_MOST = 400_000_000
"""Elements of the weights of a model that could not be made small."""


def names() -> list[str]:
    """Every model type that one of the auto mappings has a model for; base models first."""
    return [name for name in CONFIG_MAPPING if _class_names(name)]


def build(name: str) -> Subject:
    """The base model in inference mode, and the smallest inputs that it takes.

    Where no configuration makes one of its type's classes run, the next class is tried; what was
    made of which class is told where it is not the first.

    Raises:
        CannotBuildError: If no configuration and inputs were found that the library runs.
    """
    reasons: list[str] = []
    kinds = _class_names(name)
    for kind in kinds:
        for about, shrink in _SHRINKERS.items():
            try:
                model = _made(getattr(transformers, kind), _default(name), shrink)
                inputs = arguments(model)
            except SessionError:
                raise
            except Exception as error:  # the library refuses in as many ways as it has models
                reasons.append(f"{about}: {type(error).__name__}: {error}")
            else:
                made = type(model).__name__
                return Subject(model, (), inputs, about if made == kinds[0] else f"{about}, {made}")
    raise CannotBuildError(" | ".join(" ".join(each.split())[:120] for each in reasons))


def _default(name: str) -> Any:
    """The default configuration, with what is known of its type where it is invalid without."""
    try:
        return CONFIG_MAPPING[name]()
    except Exception:  # it says so in many ways
        return CONFIG_MAPPING[name](**HINTS.get(name, {}))


_SHRINKERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "small": small,
    "small, filled": filled,
    "small, rotary in three": small_in_three,
    "shallow": shallow,
    "default": lambda config: {},
}


def _class_names(name: str) -> list[str]:
    """The model classes of a type: of AutoModel if it has one, then of the other auto classes."""
    known = [key for key in vars(modeling_auto) if key.startswith("MODEL_")]
    found: dict[str, None] = {}
    for key in sorted(known, key=lambda key: key != "MODEL_MAPPING_NAMES"):
        held = vars(modeling_auto)[key].get(name, ()) if key.endswith("_NAMES") else ()
        for each in (held,) if isinstance(held, str) else held:
            if hasattr(transformers, each):
                found[each] = None
    return list(found)


def _made(kind: Any, default: Any, shrink: Callable[[Any], dict[str, Any]]) -> torch.nn.Module:
    needed = {"prediction_length": 4} if hasattr(default, "prediction_length") else {}
    config = type(default)(**{**needed, **hinted(default, shrink(default))})
    _keep_no_cache(config)
    with torch.device("meta"):
        size = sum(each.numel() for each in kind(config).parameters())
    if size > _MOST:
        raise CannotBuildError(f"{size / 1e6:.0f} M parameters")
    torch.manual_seed(0)
    return _callable(with_noise(kind(config).eval()))


def _keep_no_cache(config: Any) -> None:
    """Have the model return tensors alone, whichever part of its configuration asks otherwise."""
    config.use_cache = False
    for key in getattr(config, "sub_configs", ()):
        if getattr(config, key, None) is not None:
            _keep_no_cache(getattr(config, key))


def _callable(model: torch.nn.Module) -> torch.nn.Module:
    """The model, or its first part that can be called where it is no more than its parts."""
    own: Any = type(model).forward
    if own is not torch.nn.Module.forward:
        return model
    for part in model.children():
        if isinstance(part, transformers.PreTrainedModel):
            return _callable(part)
    raise CannotBuildError(f"{type(model).__name__} has no forward, nor has any part of it")
