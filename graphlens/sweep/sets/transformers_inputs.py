"""Example arguments of transformers' models, by the name of the argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from graphlens.sweep.sets.small_config import VOCABULARY
from graphlens.sweep.sets.transformers_config import LENGTH, Example, field, size
from graphlens.sweep.sets.transformers_pixels import PIXELS

_SAMPLES = 4000
"""Samples of a waveform."""
_WHOLE_SAMPLES = 3840
"""Samples of one that is cut into frames of 80, 96 or 256 without a rest."""


def _tokens(config: Any) -> torch.Tensor:
    """Words that are no special tokens, of which the last 64 of a small vocabulary may be some."""
    return _words(size(config, "vocab_size", VOCABULARY))


def _few_words(config: Any) -> torch.Tensor:
    """Words that every part of a model knows, each of which has a vocabulary of its own."""
    parts = (getattr(config, key, None) for key in getattr(config, "sub_configs", ()))
    known = (getattr(each, "vocab_size", None) for each in (config, *parts))
    return _words(min((each for each in known if isinstance(each, int)), default=VOCABULARY))


def _words(vocabulary: int) -> torch.Tensor:
    top = max(min(vocabulary, VOCABULARY) - 65, 2)
    return torch.randint(min(5, top - 1), top, (1, LENGTH))


def _words_and_image(config: Any) -> torch.Tensor:
    """Words after the places of one image."""
    patches = (size(config, "image_size", 64) // size(config, "patch_size", 16)) ** 2
    whole = size(config, "image_seq_length", size(config, "num_query_tokens", patches))
    places = size(config, "mm_tokens_per_image", whole)
    token = size(config, "image_token_id", size(config, "image_token_index", 0))
    return torch.cat([torch.full((1, places), token), _tokens(config)], 1)


def _words_and_clip(config: Any) -> torch.Tensor:
    """Words after the places of a clip of two frames."""
    places = 2 * size(config, "num_query_tokens", LENGTH)
    token = size(config, "video_token_id", size(config, "video_token_index", 0))
    return torch.cat([torch.full((1, places), token), _tokens(config)], 1)


def _mels(config: Any) -> torch.Tensor:
    frames = 2 * size(config, "max_source_positions", 64)
    return torch.rand(1, size(config, "num_mel_bins", 80), frames)


def _frames(config: Any) -> torch.Tensor:
    return _mels(config).transpose(1, 2).contiguous()


def _states(name: str, default: int) -> Example:
    return lambda config: torch.rand(1, LENGTH, size(config, name, default))


def _channels(name: str, default: int) -> Example:
    return lambda config: torch.rand(1, size(config, name, default), LENGTH)


def _past(config: Any) -> int:
    """Length of the past that a model of time series looks at."""
    lags = field(config, "lags_sequence", None) or [0]
    return size(config, "context_length", 32) + max(lags)


def _boxes(config: Any) -> torch.Tensor:
    del config
    return torch.tensor([[[1, 2, 3, 4]] * LENGTH])


def _waveform(config: Any) -> torch.Tensor:
    del config
    return torch.rand(1, _SAMPLES)


def _one_channel(config: Any) -> torch.Tensor:
    del config
    return torch.rand(1, 1, _SAMPLES - _SAMPLES % 512)


def _codes(config: Any) -> torch.Tensor:
    """Words of every codebook, one below the other."""
    return _few_words(config).repeat(size(config, "num_codebooks", 1), 1)


def _one(*number: int) -> Example:
    return lambda config: torch.tensor(number)


def _one_row(*numbers: int) -> Example:
    return lambda config: torch.tensor([numbers])


_WORDS = (_tokens, _few_words)

EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "input_ids": (_tokens, _few_words, _words_and_image, _words_and_clip),
    "decoder_input_ids": (*_WORDS, _codes),
    **PIXELS,
    "input_values": (
        _waveform,
        _one_channel,
        lambda config: torch.rand(
            1, size(config, "max_length", 128), size(config, "num_mel_bins", 80)
        ),
        lambda config: torch.rand(1, _WHOLE_SAMPLES),
        lambda config: torch.rand(1, 1, LENGTH * 320),
    ),
    "input_features": (
        _mels,
        _frames,
        _states("feature_projection_input_dim", 160),
        _states("input_feat_per_channel", 80),
        lambda config: torch.rand(1, LENGTH, 4 * size(config, "num_mel_bins", 80)),
        lambda config: _frames(config)[None],
        _states("input_size", 80),
    ),
    "bbox": (_boxes, lambda config: _boxes(config) / 10),
    "attention_mask": (lambda config: torch.ones(1, LENGTH, dtype=torch.int64),),
    "inputs_embeds": (_states("hidden_size", 64),),
    "hidden_states": (
        _states("hidden_size", 64),
        *PIXELS["pixel_values"][3:4],
        _channels("hidden_size", 64),
        _one_channel,
    ),
    "query_embeds": (_states("hidden_size", 64),),
    "audio_values": (lambda config: torch.rand(1, 1, _SAMPLES),),
    "past_values": (
        lambda config: torch.rand(1, _past(config)),
        lambda config: torch.rand(1, _past(config), size(config, "num_input_channels", 1)),
    ),
    "past_time_features": (
        lambda config: torch.rand(1, _past(config), size(config, "num_time_features", 0)),
    ),
    "past_observed_mask": (lambda config: torch.ones(1, _past(config)),),
    "states": (_states("state_dim", 17),),
    "actions": (_states("act_dim", 4),),
    "rewards": (lambda config: torch.rand(1, LENGTH, 1),),
    "returns_to_go": (lambda config: torch.rand(1, LENGTH, 1),),
    "timesteps": (lambda config: torch.arange(LENGTH)[None],),
    **dict.fromkeys(("qformer_input_ids", "task_inputs"), _WORDS),
    **dict.fromkeys(("classes_input_ids", "tasks_input_ids"), _WORDS),
    **dict.fromkeys(
        ("classes_attention_mask", "tasks_attention_mask"),
        (lambda config: torch.ones(1, LENGTH, dtype=torch.int64),),
    ),
    "classes_structure": (_one(1),),
    "encoder_hidden_states": (_states("encoder_hidden_size", 64),),
    "noise_embeds": (_states("hidden_size", 64),),
    "context_hidden_states": (
        _states("hidden_size", 64),
        lambda config: torch.rand(1, LENGTH, 2 * size(config, "hidden_size", 64)),
    ),
    "action_embeds": (_states("hidden_size", 64),),
    "latents": (_channels("hidden_size", 64), _states("hidden_size", 64)),
    "inputs": (_states("d_model", 64),),
    "visual_feats": (_states("visual_feat_dim", 64),),
    "visual_pos": (_states("visual_pos_dim", 4),),
    "audio_mel": (_states("input_feat_size", 128),),
    "audio_mel_mask": (lambda config: torch.zeros(1, LENGTH, dtype=torch.bool),),
    "past_values_padding": (lambda config: torch.zeros(1, _past(config), dtype=torch.int64),),
    "freq": (lambda config: torch.zeros(1, 1, dtype=torch.int64),),
    "decoder_input_values": (_states("num_mel_bins", 80),),
    "lang_ids": (_one(0),),
    "marks": (_one_row(4, 8),),
    "num_options": (_one_row(2, 2),),
    "question_type_ids": (_one_row(0, 1),),
    "image_attention_mask": (lambda config: torch.ones(1, LENGTH, 2, dtype=torch.int64),),
    "image_embeds_position_mask": (
        lambda config: torch.arange(LENGTH)[None] < size(config, "latent_query_num", 4),
    ),
    "is_longer": (lambda config: torch.zeros(1, 1, dtype=torch.bool),),
}
"""Argument -> what it may be; the first that a model takes is used."""

FOLLOWING: Mapping[str, tuple[str, tuple[Callable[[torch.Tensor], torch.Tensor], ...]]] = {
    "input_features_mask": (
        "input_features",
        (
            lambda given: torch.ones(given.shape[0], given.shape[-1], dtype=torch.int64),
            lambda given: torch.ones(given.shape[0], given.shape[1], dtype=torch.int64),
        ),
    ),
    "prompt_pixel_values": ("pixel_values", (torch.rand_like,)),
    "prompt_masks": ("pixel_values", (torch.rand_like,)),
}
"""Argument -> the argument that it goes with, and what it is for that one."""
