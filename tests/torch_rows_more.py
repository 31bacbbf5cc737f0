"""Calls for the rows of searching, random numbers, algebra, complex tensors, Fourier transforms."""

# ruff: noqa: E501  (a table: one call a line)

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch_rows import Case, aten

inf, nan = float("inf"), float("nan")
Z = torch.complex


def _shift(name: str, count: int):
    return lambda x: getattr(torch, name)(x, count)


def _bag(mode: str, **options: bool):
    ends = [0, 2, 2, 4] if options.get("include_last_offset") else [0, 2, 2]
    index, offsets = torch.tensor([1, 0, 2, 1]), torch.tensor(ends)
    return lambda w: F.embedding_bag(index, w, offsets, mode=mode, **options)


def _written(x: torch.Tensor):
    z = torch.zeros(2, 3, dtype=torch.complex64)
    z[:, -1] = x[:, 0] + 2j
    z[..., -2] += 1j
    return z, z.abs()


def _diagonal_written(x: torch.Tensor) -> torch.Tensor:
    x = x.clone()
    x.diagonal(-1, -1, 0)[:] = 7.0
    x[1].diagonal().add_(1)
    return x


def _vision():
    import torchvision  # registers its ops

    return torch.ops.torchvision if torchvision else None


def _odd(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([x, torch.full_like(x, nan), -x * 0, x * 0])


MORE: dict[str, Case] = {
    "searchsorted": (lambda x, y: torch.searchsorted(x.sort(-1)[0], y), ("f2x5", "f2x3")),
    "searchsorted_right": (lambda x: torch.searchsorted(torch.tensor([0, 1, 1, 2]), x, side="right", out_int32=True), ("n2x3",)),
    "searchsorted_sorter": (lambda x, y: torch.searchsorted(x, y, sorter=x.argsort()), ("f5", "f3")),
    "searchsorted_number": (lambda x: torch.searchsorted(x.sort()[0], 0.1), ("f5",)),
    "bucketize": (lambda x: torch.bucketize(x, torch.tensor([-1.0, 0, 1]), right=True), ("f2x3",)),
    "bucketize_of_nothing": (lambda x: torch.bucketize(x[:0], torch.tensor([-1.0, 0, 1])), ("f2x3",)),
    "isin": (torch.isin, ("i2x3", "i4")),
    "isin_inverted": (lambda x: torch.isin(x, 2, invert=True), ("i2x3",)),
    "isin_nothing": (lambda x: torch.isin(x, x[:0]), ("i3",)),
    "isin_number": (lambda x: torch.isin(2, x), ("i3",)),
    "median": (torch.median, ("f2x3",)),
    "median_dim": (lambda x: torch.median(x, -1, True), ("f2x5",)),
    "kthvalue": (lambda x: torch.kthvalue(x, 2, 0), ("f4x3",)),
    "cummax": (lambda x: torch.cummax(x, -1), ("f2x4",)),
    "cummin_of_int": (lambda x: torch.cummin(x, 0), ("i4x3",)),
    "histc": (lambda x: torch.histc(x, 5, -1, 1), ("f4x5",)),
    "bag_sum": (_bag("sum"), ("f3x4",)),
    "bag_mean": (_bag("mean", include_last_offset=True), ("f3x4",)),
    "bag_max": (_bag("max"), ("f3x4",)),
    "bag_without_offsets": (lambda w, x: F.embedding_bag(x, w), ("f3x4", "n2x5")),
    "bag_weighted": (lambda w, x, s: F.embedding_bag(x, w, per_sample_weights=s, mode="sum"), ("f3x4", "n2x5", "f2x5")),
    "masked_scatter": (lambda x, m, y: x.masked_scatter(m, y), ("f2x3", "b2x3", "f6")),
    "masked_scatter_broadcast": (lambda x, m, y: x.masked_scatter(m[..., None], y), ("f2x3x4", "b2x3", "f24")),
    "put": (lambda x, y: x.put(torch.tensor([[0, 5], [2, 3]]), y), ("f2x3", "f2x2")),
    "put_added": (lambda x, y: x.put(torch.tensor([0, 0, 2]), y, accumulate=True), ("f2x3", "f3")),
    "det": (torch.det, ("f2x3x3",)),
    "logdet": (lambda x: torch.logdet(x @ x.mT + 1e-1 * torch.eye(3)), ("f3x3",)),
    "slogdet": (torch.slogdet, ("f2x3x3",)),
    "matrix_norm": (lambda x: torch.linalg.matrix_norm(x), ("f2x3x4",)),
    "norm_fro": (lambda x: torch.linalg.norm(x, "fro", (0, 2), True), ("f2x3x4",)),
    "frobenius_norm": (lambda x: aten.frobenius_norm(x, [-1], True), ("f2x3",)),
    "matrix_power": (lambda x: torch.matrix_power(x, 3), ("f2x3x3",)),
    "inverse_2": (torch.linalg.inv, ("f4x2x2",)),
    "angle": (lambda x: torch.angle(_odd(x)), ("f3",)),
    "hypot": (torch.hypot, ("f2x3", "f3")),
    "fmax": (lambda x, y: torch.fmax(_odd(x), y), ("f3", "f3")),
    "fmin": (lambda x, y: torch.fmin(_odd(x), y), ("f3", "f3")),
    "fmax_of_int": (torch.fmax, ("i2x3", "i3")),
    "signbit": (lambda x: torch.signbit(_odd(x)), ("f3",)),
    "signbit_of_int": (torch.signbit, ("i2x3",)),
    "copysign": (lambda x, y: torch.copysign(x, _odd(y)), ("f3", "f3")),
    "copysign_number": (lambda x: torch.copysign(x, -2), ("i2x3",)),
    "left_shift": (_shift("bitwise_left_shift", 2), ("i2x3",)),
    "right_shift": (_shift("bitwise_right_shift", 1), ("i2x3",)),
    "shift_of_unsigned": (lambda x: (x.to(torch.uint8) << 2) >> 1, ("n2x3",)),
    "shift_operators": (lambda x, y: aten.__lshift__(x, y) + aten.__rshift__(x, y), ("i2x3", "n3")),
    "neg_view": (lambda x: aten._neg_view(x) + 0, ("f2x3",)),
    "as_strided": (lambda x: x.as_strided((2, 3, 4), (5, 2, 1), 1), ("f4x5",)),
    "as_strided_overlapping": (lambda x: (x + 1).as_strided((3, 3), (1, 1)), ("f6",)),
    "diagonal_scatter": (lambda x, y: torch.diagonal_scatter(x, y, 1, -1, 0), ("f4x3", "f3")),
    "diagonal_written": (_diagonal_written, ("f2x3x3",)),
    "max_dim_of_bool": (lambda x: torch.max(x, 1), ("b2x3",)),
    "argmax_of_number": (lambda x: torch.argmax(x[0], -1, True), ("f3",)),
    "topk_of_number": (lambda x: torch.topk(x[0], 1), ("f3",)),
    "argmax_of_bool": (lambda x: x.long().argmax(1), ("b2x3",)),
    "avg_pool_divided": (lambda x: F.avg_pool2d(x, 2, divisor_override=3), ("f1x2x4x4",)),
    "avg_pool_divided_padded": (lambda x: F.avg_pool2d(x, 3, 2, 1, divisor_override=5), ("f1x2x5x5",)),
    "adaptive_max_irregular": (lambda x: F.adaptive_max_pool2d(x, (3, 2), True), ("f1x2x7x5",)),
    "adaptive_max_unbatched": (lambda x: F.adaptive_max_pool1d(x, 3, True), ("f2x7",)),
    "cdist_p": (lambda a, b: torch.cdist(a, b, 3.0), ("f2x3", "f4x3")),
    "cdist_inf": (lambda a, b: torch.cdist(a, b, inf), ("f2x3", "f4x3")),
    "cdist_0": (lambda a, b: torch.cdist(a.sign(), b.sign(), 0.0), ("f2x3", "f4x3")),
    "nansum": (lambda x: torch.nansum(_odd(x), 0), ("f3",)),
    "scatter_reduce_mean": (lambda x, i, y: x.scatter_reduce(0, i, y, "mean", include_self=False), ("f3x4", "n5x4", "f5x4")),
    "scatter_reduce_sum": (lambda x, i, y: x.scatter_reduce(-1, i, y, "sum", include_self=False), ("f3x4", "n3x2", "f3x2")),
    "scatter_reduce_amax": (lambda x, i, y: x.scatter_reduce(0, i, y, "amax", include_self=False), ("f3x4", "n5x4", "f5x4")),
    "index_put_behind": (lambda x, y: aten.index_put(x, [None, torch.tensor([2, 0])], y), ("f2x3", "f2x2")),
    "index_put_apart": (lambda x, y: aten.index_put(x, [torch.tensor([1, 0]), None, torch.tensor([2, 0])], y), ("f2x3x4", "f2x3")),
    "index_put_mask": (lambda x, m, y: x.clone().index_put((m,), y), ("f2x3", "b2x3", "f")),
    "index_put_accumulate": (lambda x, y: x.index_put((torch.tensor([0, 0, 1]),), y, accumulate=True), ("f2x3", "f3x3")),
    "pdist": (torch.pdist, ("f4x3",)),
    "logcumsumexp": (lambda x: torch.logcumsumexp(x, -1), ("f3x4",)),
    "renorm": (lambda x: torch.renorm(x, 2, 0, 1.0), ("f3x4",)),
    "matmul_of_small_ints": (lambda x: x.to(torch.uint8) @ x.to(torch.uint8).mT, ("n2x3",)),
    "is_all_true": (lambda x: (aten._is_all_true(x), aten._is_any_true(x)), ("b2x3",)),
    "grouped_mm": (lambda x, w: aten._grouped_mm(x.bfloat16(), w.bfloat16(), offs=torch.tensor([3, 3, 8], dtype=torch.int32)).float(), ("f8x16", "f3x16x8")),
    # sparse
    "sparse_layouts": (lambda x: (x.to_sparse().to_dense() * 2, x.to_sparse_csr() @ x.mT), ("f3x4",)),
    "sparse_product": (lambda x, y: (torch.sparse.mm(x.to_sparse().coalesce(), y), torch.sparse.addmm(y, x.to_sparse(), y, beta=2, alpha=3)), ("f3x3", "f3x4")),
    "sparse_made": (lambda v, x: torch.sparse_coo_tensor(torch.tensor([[0, 1, 1], [2, 0, 0]]), v, (4, 3)).coalesce() @ x, ("f3", "f3x2")),
    # complex
    "complex": (lambda x, y: Z(x, y), ("f2x3", "f2x3")),
    "complex_broadcast": (lambda x, y: torch.view_as_real(Z(x, y.expand(2, 3))), ("f2x3", "f3")),
    "complex_parts": (lambda x, y: (Z(x, y).real, Z(x, y).imag, Z(x, y).conj().imag + 0, x.real), ("f2x3", "f2x3")),
    "complex_polar": (lambda x, y: torch.view_as_real(torch.polar(x, y)), ("p2x3", "f2x3")),
    "complex_abs": (lambda x, y: (Z(x, y).abs(), Z(x, y).angle()), ("f2x3", "f2x3")),
    "complex_arithmetic": (lambda x, y: ((Z(x, y) + x) * Z(y, x) - 2j, (1 + 2j) * Z(x, y), 1 - Z(x, y)), ("f2x3", "f2x3")),
    "complex_add_alpha": (lambda x, y: torch.add(Z(x, y), Z(y, x), alpha=2), ("f2x3", "f2x3")),
    "complex_div": (lambda x, y: (Z(x, y) / Z(y, x), Z(x, y) / y, x / Z(y, x), Z(x, y).reciprocal()), ("p2x3", "p2x3")),
    "complex_square": (lambda x, y: Z(x, y) ** 2 + torch.square(Z(y, x)), ("f2x3", "f2x3")),
    "complex_exp": (lambda x, y: torch.exp(Z(x, y)), ("f2x3", "f2x3")),
    "complex_neg": (lambda x, y: (-Z(x, y), Z(x, y).conj().resolve_conj(), Z(x, y).clone()), ("f2x3", "f2x3")),
    "complex_eq": (lambda x, y: (Z(x, y) == Z(x, x * 0), Z(x, y) != x, Z(x, y) == Z(x, y)), ("f2x3", "f2x3")),
    "complex_matmul": (lambda x, y: (Z(x, y) @ Z(x.mT, x.mT), torch.mm(Z(x, y), Z(y, x).mH), torch.vdot(Z(x[0], y[0]), Z(y[0], x[0]))), ("f2x3", "f2x3")),
    "complex_einsum": (lambda x, y: torch.einsum("ij,kj->ik", Z(x, y), Z(y, x)), ("f2x3", "f2x3")),
    "complex_where": (lambda x, y: (torch.where(x > 0, Z(x, y), x), Z(x, y).masked_fill(x > 0, 2.0)), ("f2x3", "f2x3")),
    "complex_to": (lambda x, y: (x.to(torch.complex64) * Z(x, y), Z(x, y).to(torch.complex128).abs()), ("f2x3", "f2x3")),
    "complex_made": (lambda x: (torch.full((2,), 1 + 2j) + torch.ones(2, dtype=torch.complex64) * x, torch.zeros_like(Z(x, x)), Z(x, x).new_ones(3)), ("f2",)),
    "complex_written": (_written, ("f2x3",)),
    "complex_dropout": (lambda x: F.dropout(Z(x, x), 0.5, False), ("f3",)),
    "complex_view": (lambda x, y: (Z(x, y).view(3, -1), Z(x, y).unsqueeze(-1), Z(x, y).flatten()), ("f2x3", "f2x3")),
    "complex_moves": (lambda x, y: (Z(x, y).transpose(-1, -2), Z(x, y).permute(-1, 0), Z(x, y).t(), Z(x, y).movedim(-1, 0), Z(x, y).mH), ("f2x3", "f2x3")),
    "complex_swapped": (lambda x, y: (Z(x, y).swapaxes(-1, 0), Z(x, y).swapdims(0, -1), Z(x, y).tensor_split(2, -1)), ("f2x3", "f2x3")),
    "native_layer_norm_of_double": (lambda x, w: aten.native_layer_norm(x, [4], w, None, 1e-5)[:2], ("d2x3x4", "d4")),
    "upsample_corners_by_factor": (lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear", align_corners=True), ("d1x2x4x4",)),
    "complex_parts_of": (lambda x, y: (Z(x, y)[..., -1], Z(x, y)[:, ::2], Z(x, y).chunk(3, -1), Z(x, y).split([1, 2], -1), Z(x, y).split(2, 1), Z(x, y).unbind(-1), Z(x, y).narrow(-1, 1, 2)), ("f2x3", "f2x3")),
    "complex_index": (lambda x, y: (Z(x, y)[torch.tensor([1, 1])], Z(x, y).index_select(-1, torch.tensor([2, 0]))), ("f2x3", "f2x3")),
    "complex_expand": (lambda x, y: (Z(x, y)[:, None].expand(2, 4, -1), Z(x, y).repeat(2, 1, 2), Z(x[0], y[0]).expand_as(x)), ("f2x3", "f2x3")),
    "complex_joined": (lambda x, y: (torch.cat([Z(x, y), x], -1), torch.stack([Z(x, y), Z(y, x)], -1)), ("f2x3", "f2x3")),
    "complex_turned": (lambda x, y: (Z(x, y).flip(-1), Z(x, y).roll(1, -1), F.pad(Z(x, y), (1, 2))), ("f2x3", "f2x3")),
    "complex_sum": (lambda x, y: (Z(x, y).sum(), Z(x, y).sum(-1), Z(x, y).mean(0, True), Z(x, y).cumsum(-1)), ("f2x3", "f2x3")),
    # Fourier transforms
    "fft": (lambda x: torch.fft.fft(x).abs(), ("f2x5",)),
    "fft_of_double": (lambda x: torch.view_as_real(torch.fft.fft(x, norm="ortho")), ("d2x4",)),
    "fft_cut": (lambda x: torch.fft.fft(x, 4, 0, "forward").real, ("f5x2",)),
    "fft_longer": (lambda x: torch.fft.fft(x, 7).imag, ("f2x5",)),
    "ifft": (lambda x, y: (torch.fft.ifft(Z(x, y)), torch.fft.ifft(x, norm="forward").real), ("f2x5", "f2x5")),
    "fft2": (lambda x: torch.view_as_real(torch.fft.fft2(x)), ("f2x3x4",)),
    "fftn": (lambda x: torch.view_as_real(torch.fft.fftn(x, s=(3, 5), dim=(1, -1), norm="ortho")), ("f2x3x4",)),
    "ifftn": (lambda x, y: torch.view_as_real(torch.fft.ifftn(Z(x, y))), ("f3x4", "f3x4")),
    "rfft": (lambda x: torch.view_as_real(torch.fft.rfft(x, norm="ortho")), ("f2x6",)),
    "rfft_odd": (lambda x: torch.view_as_real(torch.fft.rfft(x, dim=0)), ("f5x2",)),
    "irfft": (lambda x, y: (torch.fft.irfft(Z(x, y)), torch.fft.irfft(Z(x, y), 5, norm="ortho"), torch.fft.irfft(Z(x, y), 1)), ("f2x4", "f2x4")),
    "rfftn": (lambda x: torch.view_as_real(torch.fft.rfftn(x, dim=(0, 2))), ("f2x3x4",)),
    "rfft2": (lambda x: torch.view_as_real(torch.fft.rfft2(x, s=(4, 4))), ("f2x3x4",)),
    "irfftn": (lambda x, y: torch.fft.irfftn(Z(x, y)), ("f3x4", "f3x4")),
    "irfft2": (lambda x, y: torch.fft.irfft2(Z(x, y), s=(3, 5), norm="forward"), ("f3x4", "f3x4")),
    "hfft": (lambda x, y: (torch.fft.hfft(Z(x, y)), torch.fft.hfft(Z(x, y), 5, norm="ortho")), ("f2x4", "f2x4")),
    "ihfft": (lambda x: torch.view_as_real(torch.fft.ihfft(x).resolve_conj()), ("f2x6",)),
    "c2c": (lambda x, y: torch.view_as_real(aten._fft_c2c(Z(x, y), [0, 1], 1, False)), ("f3x4", "f3x4")),
    "r2c": (lambda x: torch.view_as_real(aten._fft_r2c(x, [0, 1], 2, True)), ("f3x4",)),
    "c2r": (lambda x, y: aten._fft_c2r(Z(x, y), [0, 1], 0, 5), ("f3x3", "f3x3")),
    "stft": (lambda x: torch.stft(x, 8, window=torch.ones(8), return_complex=True).abs(), ("f2x20",)),
}  # fmt: skip


def _stored(x: torch.Tensor, zero: int, dtype: torch.dtype) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, that this will go
        return torch.quantize_per_tensor(x, 0.1, zero, dtype)


def _quantised(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    held = _stored(x, 3, torch.quint8)
    return held.dequantize(), held.int_repr()


def _linear_dynamic(x: torch.Tensor) -> torch.Tensor:
    weight = _stored(torch.arange(-9.0, 9).view(3, 6), 0, torch.qint8)
    packed = torch.ops.quantized.linear_prepack(weight, torch.ones(3))
    return torch.ops.quantized.linear_dynamic(x, packed, True)


def _recurrent(layer, **choices):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of where this will move to
        plain = nn.Sequential(layer(4, 5, **choices)).eval()
        return torch.ao.quantization.quantize_dynamic(plain, {layer}, torch.qint8)


DYNAMIC: dict[str, Case] = {
    "masked_select": (torch.masked_select, ("f2x3", "b3")),
    "nonzero": (torch.nonzero, ("b2x3",)),
    "where_only": (torch.where, ("b2x3",)),
    "quantised": (_quantised, ("f2x3",)),
    "linear_dynamic": (_linear_dynamic, ("f2x6",)),
    "unique": (lambda x: torch.unique(x, return_inverse=True, return_counts=True), ("i2x5",)),
    "unique_dim": (lambda x: torch.unique(x, dim=0), ("n6x2",)),
    "repeat_interleave_by": (lambda x, n: x.repeat_interleave(n.abs() % 3, 0), ("f3x2", "i3")),
    "repeat_interleave_places": (lambda n: torch.repeat_interleave(n.abs() % 3), ("i4",)),
    "quantised_lstm": (_recurrent(nn.LSTM), ("f3x2x4",)),
    "quantised_gru": (_recurrent(nn.GRU), ("f3x2x4",)),
    "quantised_lstm_cell": (_recurrent(nn.LSTMCell), ("f3x4",)),
    "quantised_gru_cell": (_recurrent(nn.GRUCell), ("f3x4",)),
    "quantised_rnn_cell": (_recurrent(nn.RNNCell), ("f3x4",)),
    "quantised_relu_cell": (_recurrent(nn.RNNCell, nonlinearity="relu"), ("f3x4",)),
    "bincount": (lambda x: torch.bincount(x, minlength=2), ("n7",)),
    "bincount_weighted": (lambda x, w: torch.bincount(x, w), ("n7", "f7")),
    "nms": (lambda x, s: _vision().nms(torch.cat([x, x + 0.5], 1), s, 0.3), ("p8x2", "f8")),
    "roi_align": (lambda x: _vision().roi_align(x, torch.tensor([[0, 1.0, 1, 5, 6], [1, 0, 0, 4, 3]]), 0.5, 3, 2, 2, True), ("f2x3x8x8",)),
    "roi_align_plain": (lambda x: _vision().roi_align(x, torch.tensor([[0, 1.0, 1, 5, 6]]), 1.0, 2, 2, -1, False), ("f2x3x8x8",)),
}  # fmt: skip
"""Calls whose results have sizes that depend on data, or that fake tensors cannot run."""

RANDOM = {
    "rand": lambda x: torch.rand(2, 3) + x,
    "randn": lambda x: torch.randn(2, 3) + x,
    "rand_like": torch.rand_like,
    "randn_like": torch.randn_like,
    "randint": lambda x: torch.randint(-(10**6), 10**6, (2, 3)) + x,
    "randint_high": lambda x: torch.randint(10**9, (2, 3)) + x,
    "randint_like": lambda x: torch.randint_like(x, 5, 10**6),
    "randint_like_high": lambda x: torch.randint_like(x, 10**6),
    "uniform": lambda x: x.clone().uniform_(-1, 1),
    "normal": lambda x: x.clone().normal_(1, 2),
    "normal_of_tensors": lambda x: torch.normal(x, x + 1),
    "normal_of_numbers": lambda x: torch.normal(0.0, 1.0, (2, 3)) + x,
    "exponential": lambda x: x.clone().exponential_(2.0),
}
"""Calls that draw six different numbers."""
