"""What examples for transformers' models ask of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

LENGTH = 16
"""Tokens of the example."""

Example = Callable[[Any], torch.Tensor]


def field(config: Any, name: str, default: Any) -> Any:
    """A field of the configuration, or of the first of its parts that has it."""
    parts = [getattr(config, key, None) for key in getattr(config, "sub_configs", ())]
    for each in (config, *parts):
        found = getattr(each, name, None)
        if found is not None:
            return found
    return default


def size(config: Any, name: str, default: int) -> int:
    """A field as above if it is one number."""
    found = field(config, name, default)
    return found if isinstance(found, int) else default
