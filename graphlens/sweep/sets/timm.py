"""The smallest model of every module of timm, on images as small as it takes."""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch

from graphlens.sweep.subject import Subject

_SIDE = 64


def names() -> list[str]:
    """One model of every module, as ``module/model`` would name it: the one with fewest weights."""
    found: list[tuple[int, str]] = []
    for module in timm.list_modules():
        known = timm.list_models(module=module)
        if known:
            found.append(_smallest(known))
    return [name for _, name in sorted(found)]


def _smallest(known: Sequence[str]) -> tuple[int, str]:
    """The model with fewest elements of weights, made without memory, and how many."""
    sized: list[tuple[int, str]] = []
    for name in known:
        try:
            with torch.device("meta"):
                model = timm.create_model(name, pretrained=False)
        except Exception:  # a model that cannot be made without memory is tried last
            sized.append((10**12, name))
        else:
            sized.append((sum(each.numel() for each in model.parameters()), name))
    return min(sized)


def build(name: str) -> Subject:
    """The model in inference mode with seeded weights, and an image."""
    torch.manual_seed(0)
    model, side = _small(name)
    model.eval()
    channels = model.pretrained_cfg["input_size"][0]
    image = torch.rand(1, channels, *side)
    return Subject(model, (image,), about=f"{'x'.join(map(str, side))} px")


def _small(name: str) -> tuple[torch.nn.Module, tuple[int, ...]]:
    """The model and the sides of a small image where it takes one, else of its own."""
    model = timm.create_model(name, pretrained=False)
    own = tuple(model.pretrained_cfg["input_size"][1:])
    if model.pretrained_cfg.get("fixed_input_size"):
        return model, own
    image = torch.rand(1, model.pretrained_cfg["input_size"][0], _SIDE, _SIDE)
    try:
        with torch.no_grad():
            model.eval()(image)
    except Exception:  # it says so in many ways that the image is too small
        return model, own
    return model, (_SIDE, _SIDE)
