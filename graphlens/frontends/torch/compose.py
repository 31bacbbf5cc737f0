"""Ops that neither ONNX nor torch makes of others, written as others: plain torch functions.

One that returns NotImplemented leaves these operands alone: the call stays as it is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

COMPOSED: dict[str, Callable[..., Any]] = {}
"""``'cdist'`` (all overloads) or ``'max.dim'`` to a function with the op's own arguments."""


def _composed(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        COMPOSED.update(dict.fromkeys(names, function))
        return function

    return put


@_composed("as_strided", "as_strided_copy")
def _as_strided(
    x: torch.Tensor, size: Sequence[int], stride: Sequence[int], offset: int | None = None
) -> Any:
    """The elements at places of the memory, where they are all the tensor's own."""
    order = sorted(range(x.dim()), key=lambda axis: -x.stride(axis))
    dense = x.permute(order)
    if not dense.is_contiguous():
        return NotImplemented
    start = 0 if offset is None else offset - x.storage_offset()
    place = torch.tensor(start)
    for count, step in zip(size, stride, strict=True):
        place = place.unsqueeze(-1) + torch.arange(count) * step
    ends = [(n - 1) * s for n, s in zip(size, stride, strict=True)]
    if start < 0 or (0 not in size and start + sum(ends) >= x.numel()):
        return NotImplemented
    return dense.reshape(-1)[place]


@_composed("diagonal_scatter")
def _diagonal_scatter(
    x: torch.Tensor, source: torch.Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> torch.Tensor:
    first, second = dim1 % x.dim(), dim2 % x.dim()
    rest = [axis for axis in range(x.dim()) if axis not in (first, second)]
    order = [first, second, *rest]
    count = source.shape[-1]
    steps = torch.arange(count)
    places = [steps + max(-offset, 0), steps + max(offset, 0)]
    turned = x.permute(order)
    back = sorted(range(len(order)), key=order.__getitem__)
    return turned.index_put(places, source.movedim(-1, 0)).permute(back)


@_composed("nansum")
def _nansum(x: torch.Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    held = x.masked_fill(x.isnan(), 0) if x.is_floating_point() else x
    return held.sum(dim, keepdim, dtype=dtype) if dim is not None else held.sum(dtype=dtype)


@_composed("scatter_reduce.two")
def _scatter_reduce(
    x: torch.Tensor,
    dim: int,
    index: torch.Tensor,
    source: torch.Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> torch.Tensor:
    """A mean is a sum over a count; what is not included is the reduction's neutral element."""
    corner = tuple(slice(0, size) for size in index.shape)
    source = source[corner].to(x.dtype)
    hit = torch.zeros(x.shape, dtype=torch.int64).scatter_add(dim, index, torch.ones_like(index))
    start = x if include_self else x.masked_fill(hit > 0, _neutral(reduce, x.dtype))
    if reduce != "mean":
        return torch.scatter_reduce(start, dim, index, source, reduce)
    total = torch.scatter_add(start, dim, index, source)
    count = hit + 1 if include_self else hit.clamp(min=1)
    if x.is_floating_point():
        return total / count.to(x.dtype)
    return torch.div(total, count, rounding_mode="floor").to(x.dtype)


def _neutral(reduce: str, dtype: torch.dtype) -> Any:
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if dtype == torch.bool:
        return reduce == "amin"
    if dtype.is_floating_point:
        return float("-inf") if reduce == "amax" else float("inf")
    info = torch.iinfo(dtype)
    return info.min if reduce == "amax" else info.max


@_composed("cdist", "_cdist_forward")
def _cdist(a: torch.Tensor, b: torch.Tensor, p: float = 2.0, _: Any = None) -> torch.Tensor:
    gap = (a.unsqueeze(-2) - b.unsqueeze(-3)).abs()
    return _length(gap, p)


def _length(gap: torch.Tensor, p: float) -> torch.Tensor:
    if p == 0:
        return (gap != 0).to(gap.dtype).sum(-1)
    if p == float("inf"):
        return gap.amax(-1)
    return gap.pow(p).sum(-1).pow(1 / p)


@_composed("pdist", "_pdist_forward")
def _pdist(x: torch.Tensor, p: float = 2.0) -> torch.Tensor:
    rows, columns = torch.triu_indices(x.shape[0], x.shape[0], 1).unbind(0)
    return _length((x[rows] - x[columns]).abs(), p)


@_composed("avg_pool2d", "avg_pool3d")
def _avg_pool(
    x: torch.Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """A pool with a divisor of its own is a mean over whole windows, times their size by it."""
    spatial = len(kernel)
    if ceil_mode or divisor_override is None or not x.is_floating_point():
        return NotImplemented
    pads = list(padding) * (spatial if len(padding) == 1 else 1)
    spread = [pad for one in reversed(pads) for pad in (one, one)]
    x = torch.nn.functional.pad(x, spread) if any(pads) else x
    pool = getattr(torch.nn.functional, f"avg_pool{spatial}d")
    held = pool(x, list(kernel), list(stride) or None)
    return held * (math.prod(kernel) / divisor_override)


def _one_of(name: str) -> Callable[..., Any]:
    def extreme(x: torch.Tensor, dim: int, keepdim: bool = False) -> Any:
        if x.dim() == 0:
            return x.clone(), torch.zeros((), dtype=torch.int64)
        if x.dtype != torch.bool:
            return NotImplemented
        values, places = getattr(torch, name)(x.to(torch.uint8), dim, keepdim)
        return values.to(torch.bool), places

    return extreme


def _place_of(name: str) -> Callable[..., Any]:
    def place(x: torch.Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
        if x.dim() == 0:
            return torch.zeros((), dtype=torch.int64)
        if x.dtype != torch.bool:
            return NotImplemented
        return getattr(torch, name)(x.to(torch.uint8), dim, keepdim)

    return place


COMPOSED |= {
    "max.dim": _one_of("max"),
    "min.dim": _one_of("min"),
    "argmax": _place_of("argmax"),
    "argmin": _place_of("argmin"),
}


@_composed("topk", "sort", "sort.stable", "median.dim", "nanmedian.dim", "mode", "kthvalue")
@_composed("cummax", "cummin")
def _of_number(x: torch.Tensor, *_: Any, **__: Any) -> Any:
    """What ranks along an axis finds a number without axes first."""
    if x.dim():
        return NotImplemented
    return x.clone(), torch.zeros((), dtype=torch.int64)


@_composed("index_put", "_unsafe_index_put", "_index_put_impl")
def _index_put(
    x: torch.Tensor,
    indices: Sequence[torch.Tensor | None],
    values: torch.Tensor,
    accumulate: bool = False,
    *_: Any,
) -> Any:
    """The axes that are indexed brought to the front, a mask made an index of its places."""
    used = [axis for axis, one in enumerate(indices) if one is not None]
    held = [one for one in indices if one is not None]
    if any(one.dtype in (torch.bool, torch.uint8) for one in held):
        return NotImplemented
    rest = [axis for axis in range(x.dim()) if axis not in used]
    if used == list(range(len(used))):
        return NotImplemented
    order = [*used, *rest]
    back = sorted(range(len(order)), key=order.__getitem__)
    shape = torch.broadcast_shapes(*(one.shape for one in held))
    whole = [*shape, *(x.shape[axis] for axis in rest)]
    before = used[0] if used == list(range(used[0], used[0] + len(used))) else 0
    if before:  # then torch puts the index's axes where the indexed ones were
        lead = [x.shape[axis] for axis in rest[:before]]
        spread = values.expand([*lead, *shape, *(x.shape[axis] for axis in rest[before:])])
        values = spread.movedim(list(range(before)), list(range(len(shape), len(shape) + before)))
    turned = x.permute(order).index_put(held, values.expand(whole), accumulate)
    return turned.permute(back)


@_composed("logcumsumexp")
def _logcumsumexp(x: torch.Tensor, dim: int) -> Any:
    """Every prefix by itself, in the memory of the square of the axis."""
    if x.dim() == 0:
        return x.clone()
    if x.shape[dim] > 512 or x.is_complex():
        return NotImplemented
    size, held = x.shape[dim], x.movedim(dim, -1)
    past = torch.ones(size, size, dtype=torch.bool).tril()
    spread = held.unsqueeze(-2).masked_fill(~past, float("-inf"))
    return spread.logsumexp(-1).movedim(-1, dim)


@_composed("renorm")
def _renorm(x: torch.Tensor, p: float, dim: int, largest: float) -> torch.Tensor:
    axes = [axis for axis in range(x.dim()) if axis != dim % x.dim()]
    norm = torch.linalg.vector_norm(x, p, axes, keepdim=True)
    return x * torch.where(norm > largest, largest / (norm + 1e-7), 1.0).to(x.dtype)


_MOST_WINDOWS = 400
"""Windows of an adaptive pool that are written out one by one."""


@_composed("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max_pool(x: torch.Tensor, size: Sequence[int]) -> Any:
    """Windows that overlap or differ, each reduced by itself; places count in the whole image."""
    space = x.shape[-len(size) :]
    counts = [range(count) for count in size]
    if math.prod(size) > _MOST_WINDOWS or 0 in size or 0 in space:
        return NotImplemented
    image = torch.arange(math.prod(space)).reshape(space)
    values: list[torch.Tensor] = []
    places: list[torch.Tensor] = []
    for index in itertools.product(*counts):
        window = tuple(
            slice(at * held // count, -(-(at + 1) * held // count))
            for at, held, count in zip(index, space, size, strict=True)
        )
        part = x[(..., *window)].flatten(-len(size))
        best, where = part.max(-1)
        values.append(best)
        places.append(image[window].flatten()[where])
    shape = [*x.shape[: -len(size)], *size]
    return torch.stack(values, -1).reshape(shape), torch.stack(places, -1).reshape(shape)
