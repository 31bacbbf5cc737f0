"""The second half of the calls: convolutions, images, shapes, indexing, reductions, creation."""

# ruff: noqa: E501  (a table: one call a line)

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812
from torch_rows import Case, aten, inf


def _written(x: torch.Tensor) -> torch.Tensor:
    x = x.clone()
    x[:, 1:3] += 1
    x[0] = 7
    x.view(-1)[::2].mul_(2)
    x.t()[1].fill_(3)
    return x


def _written_parts(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    x = x * 1
    first, second = x.chunk(2, 1)
    first.add_(second)
    x.unbind(0)[1].zero_()
    x.narrow(0, 0, 1).neg_()
    return x, second


def _layer(kind: type[torch.nn.Module], *sizes: int, **options: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return kind(*sizes, **options).eval()


LSTM = _layer(torch.nn.LSTM, 4, 3, 2, batch_first=True, bidirectional=True)
GRU = _layer(torch.nn.GRU, 4, 3)
GRU_PLAIN = _layer(torch.nn.GRU, 4, 3, 2, bias=False)
RNN = _layer(torch.nn.RNN, 4, 3, nonlinearity="relu")


MOVES: dict[str, Case] = {
    "conv1d": (lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1), ("f2x3x9", "f4x3x3", "f4")),
    "conv2d": (lambda x, w: F.conv2d(x, w, stride=(1, 2), padding=(1, 0), dilation=2), ("f1x3x9x9", "f4x3x3x3")),
    "conv2d_same": (lambda x, w: F.conv2d(x, w, padding="same"), ("f1x3x7x7", "f4x3x4x3")),
    "conv2d_depthwise": (lambda x, w: F.conv2d(x, w, groups=3), ("f1x3x7x7", "f6x1x3x3")),
    "conv2d_without_batch": (lambda x, w: F.conv2d(x, w), ("f3x7x7", "f4x3x3x3")),
    "conv3d": (lambda x, w: F.conv3d(x, w, padding=1), ("f1x2x4x4x4", "f3x2x3x3x3")),
    "conv_transpose1d": (lambda x, w: F.conv_transpose1d(x, w, stride=2), ("f1x3x5", "f3x2x3")),
    "conv_transpose2d": (lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1, groups=2), ("f1x4x5x5", "f4x3x3x3", "f6")),
    "convolution": (lambda x, w: aten.convolution(x, w, None, [1], [0], [1], False, [0], 1), ("f1x3x5", "f2x3x3")),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), ("f1x2x8x8",)),
    "max_pool1d_dilated": (lambda x: F.max_pool1d(x, 2, 1, dilation=2), ("f1x2x8",)),
    "max_pool_places": (lambda x: F.max_pool2d(x, 2, return_indices=True), ("f2x2x6x6",)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1), ("f1x2x8x8",)),
    "avg_pool2d_edges": (lambda x: F.avg_pool2d(x, 3, 2, 1, True, False), ("f1x2x8x8",)),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 2), ("f1x2x8",)),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, 1), ("f1x2x5x7",)),
    "adaptive_avg_pool_regular": (lambda x: F.adaptive_avg_pool2d(x, (2, 4)), ("f1x2x8x8",)),
    "adaptive_avg_pool_irregular": (lambda x: F.adaptive_avg_pool2d(x, (3, 2)), ("f1x2x7x5",)),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, 2, True), ("f2x2x6x6",)),
    "pad": (lambda x: F.pad(x, (1, 2, 0, 1), value=2.0), ("f1x2x4x4",)),
    "pad_negative": (lambda x: F.pad(x, (-1, 1)), ("f1x2x4",)),
    "pad_reflect": (lambda x: F.pad(x, (1, 2), mode="reflect"), ("f1x2x4",)),
    "pad_replicate": (lambda x: F.pad(x, (1, 2, 1, 0), mode="replicate"), ("f1x2x4x4",)),
    "pad_circular": (lambda x: F.pad(x, (1, 2), mode="circular"), ("f1x2x4",)),
    "reflection_pad": (lambda x: aten.reflection_pad1d(x, [1, 1]), ("f1x2x4",)),
    "replication_pad": (lambda x: aten.replication_pad1d(x, [1, 1]), ("f1x2x4",)),
    "constant_pad": (lambda x: aten.constant_pad_nd(x, [1, 1], 3), ("i2x4",)),
    "upsample_nearest": (lambda x: F.interpolate(x, scale_factor=2), ("f1x2x4x4",)),
    "upsample_nearest_exact": (lambda x: F.interpolate(x, 7, mode="nearest-exact"), ("f1x2x4",)),
    "upsample_bilinear": (lambda x: F.interpolate(x, (5, 9), mode="bilinear"), ("f1x2x4x4",)),
    "upsample_corners": (lambda x: F.interpolate(x, (5, 9), mode="bilinear", align_corners=True), ("f1x2x4x4",)),
    "upsample_bicubic": (lambda x: F.interpolate(x, scale_factor=1.5, mode="bicubic"), ("f1x2x4x4",)),
    "upsample_antialias": (lambda x: F.interpolate(x, (3, 3), mode="bilinear", antialias=True), ("f1x2x8x8",)),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), ("f1x8x3x3",)),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 2), ("f1x2x4x4",)),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2), ("f1x4x3x3",)),
    "grid_sample": (lambda x, g: F.grid_sample(x, g, align_corners=False), ("f1x2x4x4", "f1x3x3x2")),
    "view": (lambda x: x.view(3, -1), ("f2x3x4",)),
    "view_empty": (lambda x: x[:0].view(0, 12), ("f2x3x4",)),
    "view_as": (lambda x, y: x.view_as(y), ("f2x6", "f3x4")),
    "unflatten": (lambda x: x.unflatten(1, (2, -1)), ("f2x6",)),
    "unsqueeze": (lambda x: x.unsqueeze(-1), ("f2x3",)),
    "squeeze": (lambda x: x.squeeze(1), ("f2x1x3",)),
    "transpose": (lambda x: x.transpose(-1, 0), ("f2x3x4",)),
    "permute": (lambda x: x.permute(2, 0, -2), ("f2x3x4",)),
    "mT": (lambda x: x.mT, ("f2x3x4",)),
    "movedim": (lambda x: x.movedim((0, 1), (-1, 0)), ("f2x3x4",)),
    "expand": (lambda x: x.expand(2, -1, 3), ("f4x1",)),
    "expand_as": (lambda x, y: x.expand_as(y), ("f3", "f2x3")),
    "repeat": (lambda x: x.repeat(2, 1, 3), ("f2x3",)),
    "tile": (lambda x: x.tile(2), ("f2x3",)),
    "repeat_interleave": (lambda x: x.repeat_interleave(2, 1), ("f2x3",)),
    "repeat_interleave_flat": (lambda x: x.repeat_interleave(2), ("f2x3",)),
    "cat": (lambda x, y: torch.cat([x, y], -1), ("f2x3", "i2x1")),
    "stack": (lambda x, y: torch.stack([x, y], -1), ("f2x3", "f2x3")),
    "column_stack": (lambda x, y: torch.column_stack([x, y]), ("f3", "f3x2")),
    "dstack": (lambda x, y: torch.dstack([x, y]), ("f3", "f3")),
    "split": (lambda x: x.split(2, 1), ("f2x5",)),
    "split_sizes": (lambda x: x.split([1, 4], 1), ("f2x5",)),
    "chunk": (lambda x: x.chunk(3, -1), ("f2x5",)),
    "unbind": (lambda x: x.unbind(1), ("f2x3",)),
    "unbind_one": (lambda x: x.unbind(1), ("f2x1",)),
    "flip": (lambda x: x.flip(0, -1), ("f2x3",)),
    "roll": (lambda x: x.roll((1, -2), (0, 1)), ("f2x3",)),
    "roll_flat": (lambda x: x.roll(2), ("f2x3",)),
    "unfold": (lambda x: x.unfold(1, 3, 2), ("f2x8x2",)),
    "meshgrid": (lambda x, y: torch.meshgrid(x, y, indexing="xy"), ("f2", "f3")),
    "broadcast_tensors": (lambda x, y: torch.broadcast_tensors(x, y), ("f2x1", "f3")),
    "diagonal": (lambda x: x.diagonal(1, -2, -1), ("f2x3x4",)),
    "slice": (lambda x: x[:, 1:-1:2], ("f2x6",)),
    "narrow": (lambda x: x.narrow(1, -3, 2), ("f2x6",)),
    "select": (lambda x: x[:, -1], ("f2x6",)),
    "index_select": (lambda x, i: x.index_select(1, i), ("f2x3", "n4")),
    "embedding": (lambda i, w: F.embedding(i, w, padding_idx=0), ("n2x4", "f3x5")),
    "gather": (lambda x, i: x.gather(1, i), ("f2x3", "n2x4")),
    "take_along_dim": (lambda x, i: torch.take_along_dim(x, i, 1), ("f2x3", "n2x2")),
    "take": (torch.take, ("f2x3", "n4")),
    "index": (lambda x, i: x[:, i], ("f2x3", "n2x2")),
    "index_two": (lambda x, i, j: x[i, j], ("f3x3x4", "n2", "n2")),
    "index_inner": (lambda x, i, j: x[:, i, j], ("f2x3x3x4", "n2x1", "n2")),
    "index_apart": (lambda x, i, j: x[i, :, j], ("f3x2x3", "n2", "n2")),
    "scatter": (lambda x, i, y: x.scatter(1, i, y), ("f2x3", "n2x1", "f2x3")),
    "scatter_number": (lambda x, i: x.scatter(0, i, 2.5), ("f3x3", "n1x3")),
    "scatter_add": (lambda x, i, y: x.scatter_add(0, i, y), ("f3x3", "n2x3", "f2x3")),
    "scatter_reduce": (lambda x, i, y: x.scatter_reduce(0, i, y, "amax"), ("f3x3", "n2x3", "f2x3")),
    "index_add": (lambda x, i, y: x.index_add(0, i, y, alpha=2), ("f3x4", "n2", "f2x4")),
    "index_fill": (lambda x, i: x.index_fill(0, i, 3.0), ("f3x4", "n2")),
    "slice_scatter": (lambda x, y: torch.slice_scatter(x, y, 1, 0, 4, 2), ("f2x5", "f2x2")),
    "select_scatter": (lambda x, y: torch.select_scatter(x, y, 1, 2), ("f2x5", "f2")),
    "index_put": (lambda x, i, j: torch.index_put(x, (i, j), x[0, 0]), ("f3x3", "n2", "n2")),
    "index_put_added": (lambda x, i, y: torch.index_put(x, (i,), y, accumulate=True), ("f3x4", "n2", "f2x4")),
    "index_put_mask": (lambda x, m: torch.index_put(x, (m,), torch.tensor(0.5)), ("f3x4", "b3")),
    "tril": (lambda x: x.tril(1), ("f3x4",)),
    "triu_of_bool": (lambda x: x.triu(-1), ("b3x4",)),
    "one_hot": (lambda x: F.one_hot(x, 4), ("n2x3",)),
    "writes": (_written, ("f4x4",)),
    "writes_into_parts": (_written_parts, ("f4x4",)),
    "sum": (lambda x: x.sum(), ("f2x3",)),
    "sum_dims": (lambda x: x.sum((0, -1), keepdim=True), ("b2x3x4",)),
    "mean": (lambda x: x.mean(-1), ("f2x3x4",)),
    "mean_all_dtype": (lambda x: x.mean(dtype=torch.float32), ("i2x3",)),
    "prod": (lambda x: x.prod(1), ("f2x3",)),
    "amax": (lambda x: x.amax((0, 1)), ("f2x3",)),
    "amin_of_bool": (lambda x: x.amin(0), ("b2x3",)),
    "max_all": (lambda x: x.max(), ("f2x3",)),
    "max_dim": (lambda x: x.max(1, keepdim=True), ("f2x5",)),
    "min_dim": (lambda x: x.min(0), ("f4x3",)),
    "argmax": (lambda x: x.argmax(), ("f2x3",)),
    "argmin_kept": (lambda x: x.argmin(keepdim=True), ("f2x3",)),
    "argmax_dim": (lambda x: x.argmax(-1), ("f2x5",)),
    "any": (lambda x: x.any(), ("b2x3",)),
    "all_dim": (lambda x: x.all(1), ("f2x3",)),
    "logsumexp": (lambda x: x.logsumexp(1), ("f2x3",)),
    "norm": (lambda x: x.norm(), ("f2x3",)),
    "norm_inf": (lambda x: torch.linalg.vector_norm(x, inf, 1), ("f2x3",)),
    "norm_three": (lambda x: x.norm(3, 1, keepdim=True), ("f2x3",)),
    "var": (lambda x: x.var(), ("f2x3",)),
    "std_dims": (lambda x: x.std((0, 1), unbiased=False), ("f2x3x4",)),
    "var_mean": (lambda x: torch.var_mean(x, 1, keepdim=True), ("f2x3",)),
    "cumsum": (lambda x: x.cumsum(-1), ("i2x3",)),
    "cumprod": (lambda x: x.cumprod(1), ("f2x3",)),
    "topk": (lambda x: x.topk(2, -1), ("f2x5",)),
    "sort": (lambda x: x.sort(descending=True), ("f2x5",)),
    "argsort": (lambda x: x.argsort(0), ("f5x2",)),
    "diff": (lambda x: torch.diff(x, 2), ("f2x5",)),
    "full": (lambda x: torch.full((2, 3), 7.0) + x, ("f3",)),
    "full_like": (lambda x: torch.full_like(x, 3), ("i2x3",)),
    "new_full": (lambda x: x.new_full((2,), 4), ("f3",)),
    "zeros": (lambda x: torch.zeros(2, 3, dtype=torch.int64) + x, ("i3",)),
    "ones_like": (lambda x: torch.ones_like(x, dtype=torch.bool), ("f2x3",)),
    "new_zeros": (lambda x: x.new_zeros(2, 2), ("f3",)),
    "scalar_tensor": (lambda x: aten.scalar_tensor(2.5) + x, ("f3",)),
    "arange": (lambda x: torch.arange(3) + x, ("i3",)),
    "arange_step": (lambda x: torch.arange(1, 7, 2, dtype=torch.float32) * x, ("f3",)),
    "arange_float": (lambda x: torch.arange(0.5, 2.0, 0.5) * x, ("f3",)),
    "linspace": (lambda x: torch.linspace(0, 1, 3) * x, ("f3",)),
    "eye": (lambda x: torch.eye(3) @ x, ("f3x2",)),
    "tril_indices": (lambda x: x[tuple(torch.tril_indices(3, 3))], ("f3x3",)),
    "lstm": (lambda x: LSTM(x), ("f2x5x4",)),
    "gru": (lambda x, h: GRU(x, h), ("f5x2x4", "f1x2x3")),
    "gru_without_bias": (lambda x: GRU_PLAIN(x), ("f5x2x4",)),
    "rnn_relu": (lambda x: RNN(x), ("f5x2x4",)),
    "made_of_other_ops": (lambda x, y: (F.mse_loss(x, y), F.cosine_similarity(x, y), torch.sinc(x)), ("f2x3", "f2x3")),
}  # fmt: skip
