"""Weights of a freshly made torch model in which no signal is dead and nothing ties.

A library fills biases with zeros and scales with ones, some gates and residual branches too. Of
such a model much is constant: whatever a way of capture makes of it compares equal, and where
scores tie, the largest are whichever come first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_NOISE = 0.05
"""Standard deviation of what is added to weights that are all one number."""


def with_noise(model: torch.nn.Module) -> torch.nn.Module:
    """Add seeded noise to each weight that is all one number, in place; and make others finite."""
    seeded = torch.Generator().manual_seed(0)
    buffers = (one for one in model.named_buffers() if one[0].endswith(("mean", "var")))
    with torch.no_grad():
        for _, held in (*model.named_parameters(), *buffers):
            if not held.dtype.is_floating_point or held.is_meta or held.numel() < 2:
                continue
            noise = _NOISE * torch.randn(held.shape, generator=seeded)
            held.copy_(torch.where(held.isfinite(), held, noise.to(held.dtype)))
            if bool((held == held.flatten()[0]).all()):
                held.add_(noise.to(held.dtype))
    return model


def with_signal(model: torch.nn.Module, run: Callable[[], Any]) -> torch.nn.Module:
    """Scale each product's weights, in place, so that its results are of about unit variance.

    The layer-sequential unit variance of Mishkin and Matas (arXiv:1511.06422), in one run.

    Args:
        model: In inference mode.
        run: Calls it on an example.
    """
    done: set[int] = set()

    def scaled(module: Any, inputs: Any, result: torch.Tensor) -> torch.Tensor:
        spread = float(result.std()) if result.numel() > 1 else 0.0
        if id(module.weight) in done or not spread:
            return result
        done.add(id(module.weight))
        module.weight.div_(spread)
        return module.forward(*inputs)

    products = [one for one in model.modules() if isinstance(one, _PRODUCTS)]
    hooks = [one.register_forward_hook(scaled) for one in products]
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return model


_PRODUCTS = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.ConvTranspose2d)
