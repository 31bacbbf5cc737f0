"""Example images, clips and patches of transformers' models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from graphlens.sweep.sets.transformers_config import Example, field, size

_SIDE = 4
"""Patches along each side of an image that comes as patches."""
_PATCHES = _SIDE * _SIDE


def _image(config: Any) -> torch.Tensor:
    sides = field(config, "image_size", 64)
    sides = [sides, sides] if isinstance(sides, int) else sides
    height, width = sides if isinstance(sides, list | tuple) else (64, 64)
    return torch.rand(1, size(config, "num_channels", 3), height, width)


def _half_image(config: Any) -> torch.Tensor:
    """The half of an image that is an example and what is asked of it, one above the other."""
    return _image(config)[:, :, : _image(config).shape[2] // 2]


def _large_image(config: Any) -> torch.Tensor:
    """Large enough for detectors, which keep the best 300 places of it."""
    return torch.rand(1, size(config, "num_channels", 3), 320, 320)


def _patches(config: Any) -> torch.Tensor:
    """The pixels of 4 x 4 patches, a patch a row, as towers take images of any size."""
    return torch.rand(_PATCHES, _pixels(config) * size(config, "temporal_patch_size", 1))


def _pixels(config: Any) -> int:
    """Numbers in one patch of one image."""
    depth = size(config, "in_channels", size(config, "in_chans", size(config, "num_channels", 3)))
    return depth * _patch(config) ** 2


def _patch(config: Any) -> int:
    return size(config, "patch_size", 14)


def _patches_twice(config: Any) -> torch.Tensor:
    """Patches of two frames each, where no field of the configuration says so."""
    return torch.rand(_PATCHES, 2 * _pixels(config))


def _small_images(config: Any) -> torch.Tensor:
    """Each patch as an image of its own."""
    return torch.rand(_PATCHES, size(config, "num_channels", 3), _patch(config), _patch(config))


def _merged_images(config: Any) -> torch.Tensor:
    """Each square of patches that become one, channels last."""
    side = _patch(config) * size(config, "spatial_merge_size", 1)
    return torch.rand(_PATCHES, side, side, size(config, "num_channels", 3))


def _strip(config: Any) -> torch.Tensor:
    """The patches side by side, as one image one patch high."""
    side = _patch(config)
    return torch.rand(1, size(config, "num_channels", 3), side, side * _PATCHES)


def _clip(config: Any) -> torch.Tensor:
    return torch.stack([_image(config)[0]] * size(config, "num_frames", 2))[None]


def _places(config: Any) -> torch.Tensor:
    """Column and row of each patch."""
    del config
    rows, columns = torch.meshgrid(torch.arange(_SIDE), torch.arange(_SIDE), indexing="ij")
    return torch.stack([columns, rows], -1).reshape(1, _PATCHES, 2)


def _placed_patches(config: Any) -> torch.Tensor:
    """Row and column of each patch from 1, then its pixels."""
    pixels = torch.rand(1, _PATCHES, size(config, "patch_embed_hidden_size", _pixels(config)))
    return torch.cat([_places(config).flip(-1) + 1.0, pixels], -1)


def _grid(*counts: int) -> Example:
    return lambda config: torch.tensor([counts])


PIXELS: Mapping[str, tuple[Example, ...]] = {
    "pixel_values": (
        _image,
        _clip,
        _large_image,
        _patches,
        _patches_twice,
        lambda config: _patches(config)[None],
        _small_images,
        _strip,
        _half_image,
        _merged_images,
    ),
    "pixel_values_videos": (_clip,),
    **dict.fromkeys(("grid_thw", "image_grid_thw"), (_grid(1, _SIDE, _SIDE),)),
    **dict.fromkeys(("spatial_shapes", "target_sizes", "image_grid_hw"), (_grid(_SIDE, _SIDE),)),
    "merge_sizes": (lambda config: torch.tensor([1]),),
    "pixel_position_ids": (_places,),
    "pixel_attention_mask": (
        lambda config: torch.ones(1, _PATCHES, dtype=torch.int64),
        lambda config: torch.ones(1, size(config, "num_frames", 2), dtype=torch.int64),
    ),
    "flattened_patches": (_placed_patches,),
}
"""Argument -> what it may be; the first that a model takes is used."""
