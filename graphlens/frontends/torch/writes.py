"""Which tensors a call writes into, said by its op's schema or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch

_STATISTICS = ("running_mean", "running_var")
_OBSERVED = ("running_min", "running_max", "scale", "zero_point")
_UNSAID = {
    "batch_norm": _STATISTICS,
    "instance_norm": _STATISTICS,
    "native_batch_norm": _STATISTICS,
    "cudnn_batch_norm": _STATISTICS,
    "_batch_norm_impl_index": _STATISTICS,
    "fused_moving_avg_obs_fake_quant": _OBSERVED,
    "_fused_moving_avg_obs_fq_helper": _OBSERVED,
    "rrelu_with_noise": ("noise",),
}
"""Operands that an op writes into without its schema saying so."""


@cache
def _places(func: Any) -> tuple[tuple[int, str], ...]:
    formals = func._schema.arguments
    unsaid = _UNSAID.get(func._schema.name.partition("::")[2], ())
    return tuple(
        (index, one.name)
        for index, one in enumerate(formals)
        if one.name in unsaid or (one.alias_info is not None and one.alias_info.is_write)
    )


def touched(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[torch.Tensor]:
    """The tensors that a call of an op overload writes into."""
    found: list[torch.Tensor] = []
    for index, name in _places(func):
        held = args[index] if index < len(args) else kwargs.get(name)
        parts = held if isinstance(held, list | tuple) else [held]
        found += [one for one in parts if isinstance(one, torch.Tensor)]
    return found
