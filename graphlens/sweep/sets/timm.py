"""The smallest model of every family of timm, on images as small as it takes.

A family is the models of one module whose names begin with the same letters (``resnet``, ``vit``).
Which is the smallest takes minutes to find out, since every model must be made for it: the file
``timm_smallest.txt`` has them, as measured with timm 1.0.31.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import timm
import torch

from graphlens.sweep.sets.weights import with_noise
from graphlens.sweep.subject import Subject

_SIDE = 64
_MEASURED = Path(__file__).with_name("timm_smallest.txt")
"""Lines of a model's name and the elements of its weights, the fewest first."""


def names() -> list[str]:
    """One model of every family, those with few weights first."""
    known = [line.split()[0] for line in _MEASURED.read_text().splitlines()]
    chosen: dict[tuple[str, str], str] = {}
    module_of = {
        name: module for module in timm.list_modules() for name in timm.list_models(module=module)
    }
    for name in [*(name for name in known if name in module_of), *module_of]:
        letters = re.match("[a-z]+", name)
        chosen.setdefault((module_of[name], letters[0] if letters else name), name)
    return list(chosen.values())


def build(name: str) -> Subject:
    """The model in inference mode with seeded weights, and an image."""
    torch.manual_seed(0)
    model, sides = _small(name)
    channels = model.pretrained_cfg["input_size"][0]
    image = torch.rand(1, channels, *sides)
    return Subject(model, (image,), about=f"{'x'.join(map(str, sides))} px")


def _small(name: str) -> tuple[Any, tuple[int, ...]]:
    """The model, and the sides of a small image where it takes one, else of its own."""
    model: Any = with_noise(timm.create_model(name, pretrained=False).eval())
    channels, *own = model.pretrained_cfg["input_size"]
    if not model.pretrained_cfg.get("fixed_input_size"):
        try:
            with torch.no_grad():
                model(torch.rand(1, channels, _SIDE, _SIDE))
        except Exception:  # it says so in many ways that the image is too small
            return model, tuple(own)
        return model, (_SIDE, _SIDE)
    return model, tuple(own)
