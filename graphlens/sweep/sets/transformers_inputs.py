"""Example arguments of transformers' models, by the name of the argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from graphlens.sweep.sets.small_config import VOCABULARY

_LENGTH = 16
"""Tokens of the example."""
_SAMPLES = 4000
"""Samples of a waveform."""

Example = Callable[[Any], torch.Tensor]


def field(config: Any, name: str, default: Any) -> Any:
    """A field of the configuration, or of the first of its parts that has it."""
    parts = [getattr(config, key, None) for key in getattr(config, "sub_configs", ())]
    for each in (config, *parts):
        found = getattr(each, name, None)
        if found is not None:
            return found
    return default


def _size(config: Any, name: str, default: int) -> int:
    found = field(config, name, default)
    return found if isinstance(found, int) else default


def _tokens(config: Any) -> torch.Tensor:
    """Words that are no special tokens, of which the last 64 of a small vocabulary may be some."""
    top = max(min(_size(config, "vocab_size", VOCABULARY), VOCABULARY) - 65, 2)
    return torch.randint(min(5, top - 1), top, (1, _LENGTH))


def _image(config: Any) -> torch.Tensor:
    size = field(config, "image_size", 64)
    size = [size, size] if isinstance(size, int) else size
    height, width = size if isinstance(size, list | tuple) else (64, 64)
    return torch.rand(1, _size(config, "num_channels", 3), height, width)


def _large_image(config: Any) -> torch.Tensor:
    """Large enough for detectors, which keep the best 300 places of it."""
    return torch.rand(1, _size(config, "num_channels", 3), 320, 320)


def _patches(config: Any) -> torch.Tensor:
    """The pixels of 4 x 4 patches, a patch a row, as towers take images of any size."""
    depth = _size(config, "in_channels", _size(config, "in_chans", 3))
    side = _size(config, "patch_size", 14)
    return torch.rand(16, depth * _size(config, "temporal_patch_size", 1) * side * side)


def _clip(config: Any) -> torch.Tensor:
    return torch.stack([_image(config)[0]] * _size(config, "num_frames", 2))[None]


def _mels(config: Any) -> torch.Tensor:
    frames = 2 * _size(config, "max_source_positions", 64)
    return torch.rand(1, _size(config, "num_mel_bins", 80), frames)


def _states(name: str, default: int) -> Example:
    return lambda config: torch.rand(1, _LENGTH, _size(config, name, default))


def _past(config: Any) -> int:
    """Length of the past that a model of time series looks at."""
    lags = field(config, "lags_sequence", None) or [0]
    return _size(config, "context_length", 32) + max(lags)


EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "input_ids": (_tokens,),
    "decoder_input_ids": (_tokens,),
    "pixel_values": (_image, _clip, _large_image, _patches),
    "input_values": (
        lambda config: torch.rand(1, _SAMPLES),
        lambda config: torch.rand(1, 1, _SAMPLES - _SAMPLES % 512),
        lambda config: torch.rand(
            1, _size(config, "max_length", 128), _size(config, "num_mel_bins", 80)
        ),
    ),
    "input_features": (
        _mels,
        lambda config: _mels(config).transpose(1, 2).contiguous(),
        _states("feature_projection_input_dim", 160),
        _states("input_feat_per_channel", 80),
    ),
    "bbox": (lambda config: torch.tensor([[[1, 2, 3, 4]] * _LENGTH]),),
    "attention_mask": (lambda config: torch.ones(1, _LENGTH, dtype=torch.int64),),
    "inputs_embeds": (_states("hidden_size", 64),),
    "hidden_states": (_states("hidden_size", 64), _patches),
    "grid_thw": (lambda config: torch.tensor([[1, 4, 4]]),),
    "query_embeds": (_states("hidden_size", 64),),
    "pixel_values_videos": (_clip,),
    "audio_values": (lambda config: torch.rand(1, 1, _SAMPLES),),
    "past_values": (
        lambda config: torch.rand(1, _past(config)),
        lambda config: torch.rand(1, _past(config), _size(config, "num_input_channels", 1)),
    ),
    "past_time_features": (
        lambda config: torch.rand(1, _past(config), _size(config, "num_time_features", 0)),
    ),
    "past_observed_mask": (lambda config: torch.ones(1, _past(config)),),
    "states": (_states("state_dim", 17),),
    "actions": (_states("act_dim", 4),),
    "rewards": (lambda config: torch.rand(1, _LENGTH, 1),),
    "returns_to_go": (lambda config: torch.rand(1, _LENGTH, 1),),
    "timesteps": (lambda config: torch.arange(_LENGTH)[None],),
}
"""Argument -> what it may be; the first that a model takes is used."""
