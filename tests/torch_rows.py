"""One or more calls for every row of the aten table: name -> (function, operands).

An operand is spelt by its type and shape: ``f2x3`` float32, ``p`` positive float32, ``h`` float16,
``d`` float64, ``i`` int64 from -4 to 4, ``n`` int64 from 0 to 2 (an index), ``b`` bool.
"""

# ruff: noqa: E501  (a table: one call a line)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

Case = tuple[Callable[..., Any], tuple[str, ...]]
aten = torch.ops.aten
inf = float("inf")

_UNARY_FLOAT = """
acos asin atan acosh asinh atanh cos cosh erf special_erf exp log reciprocal sigmoid special_expit
sin sinh sqrt tan tanh log2 log10 log1p special_log1p expm1 special_expm1 exp2 special_exp2 erfc
special_erfc rsqrt deg2rad rad2deg
""".split()  # noqa: SIM905
_UNARY_ANY = """
neg negative sign sgn relu ceil floor round alias clone contiguous detach lift lift_fresh
lift_fresh_copy positive trunc fix square abs absolute isnan isinf isfinite logical_not resolve_conj
resolve_neg conj conj_physical detach_copy alias_copy ravel t t_copy numpy_T
""".split()  # noqa: SIM905
_BINARY_ANY = """
add sub subtract mul multiply eq ne lt le gt ge less less_equal greater greater_equal not_equal
maximum minimum div divide true_divide rsub logical_and logical_or logical_xor
""".split()  # noqa: SIM905
_BINARY_NUMBER = ("floor_divide", "remainder", "fmod", "float_power")
_BITS = ("bitwise_and", "bitwise_or", "bitwise_xor", "__and__", "__or__", "__xor__")
_ACTIVATIONS = """
gelu silu mish hardswish hardsigmoid hardtanh relu6 leaky_relu elu selu celu softplus logsigmoid
hardshrink softshrink softsign glu
""".split()  # noqa: SIM905


def _op(name: str) -> Any:
    return getattr(aten, name)


def _before(name: str, number: float) -> Callable[..., Any]:
    return lambda x: _op(name)(x, number)


def _shifted(name: str) -> Callable[..., Any]:
    return lambda x, y: _op(name)(x, y + 1)


CASES: dict[str, Case] = {
    **{name: (_op(name), ("p2x3",)) for name in _UNARY_FLOAT if name not in ("acosh",)},
    "acosh": (lambda x: torch.acosh(x + 1), ("p2x3",)),
    **{f"{name}_of_int": (_op(name), ("n2x3",)) for name in ("exp", "cos", "sqrt", "sigmoid")},
    **{name: (_op(name), ("f2x3",)) for name in _UNARY_ANY},
    **{f"{name}_of_int": (_op(name), ("i2x3",)) for name in ("ceil", "round", "trunc", "square", "isinf", "isfinite", "isnan")},
    **{name: (_op(name), ("f2x3", "f3")) for name in _BINARY_ANY},
    **{f"{name}_of_int": (_op(name), ("i2x3", "i3")) for name in _BINARY_ANY if not name.startswith(("div", "true"))},
    **{f"{name}_mixed": (_op(name), ("f2x3", "i3")) for name in ("add", "mul", "lt", "maximum", "true_divide", "float_power")},
    **{f"{name}_with_number": (_before(name, 2), ("i2x3",)) for name in ("add", "mul", "eq", "true_divide", "floor_divide", "remainder")},
    **{f"{name}_with_float": (_before(name, 1.5), ("i2x3",)) for name in ("add", "mul", "lt", "true_divide")},
    **{name: (_op(name), ("f2x3", "p3")) for name in _BINARY_NUMBER if name != "float_power"},
    **{f"{name}_of_int": (_shifted(name), ("i2x3", "n3")) for name in _BINARY_NUMBER if name != "float_power"},
    **{name: (_op(name), ("i2x3", "i3")) for name in _BITS},
    **{f"{name}_of_bool": (_op(name), ("b2x3", "b3")) for name in _BITS},
    **{name: (getattr(F, name), ("f2x4",)) for name in _ACTIVATIONS},
    "bitwise_not": (torch.bitwise_not, ("i2x3",)),
    "bitwise_not_of_bool": (torch.bitwise_not, ("b2x3",)),
    "atan2": (torch.atan2, ("f5x3", "f3")),
    "atan2_of_zeros": (lambda x: torch.atan2(x * 0, x * 0), ("p3",)),
    "frac": (torch.frac, ("f2x3",)),
    "add_alpha": (lambda x, y: torch.add(x, y, alpha=3), ("f2x3", "f2x3")),
    "sub_alpha": (lambda x, y: torch.sub(x, y, alpha=2), ("i2x3", "i2x3")),
    "rsub_number": (lambda x: 3 - x, ("f2x3",)),
    "add_of_bool": (torch.add, ("b2x3", "b2x3")),
    "mul_of_bool": (torch.mul, ("b2x3", "b2x3")),
    "add_scalar_tensor_keeps_dtype": (torch.add, ("h2x3", "f")),
    "div_floor": (lambda x, y: torch.div(x, y, rounding_mode="floor"), ("f2x3", "p3")),
    "div_trunc": (lambda x, y: torch.div(x, y, rounding_mode="trunc"), ("f2x3", "p3")),
    "div_trunc_of_int": (lambda x: torch.div(x, 3, rounding_mode="trunc"), ("i2x3",)),
    "pow": (lambda x: x**2, ("f2x3",)),
    "pow_of_tensors": (torch.pow, ("p2x3", "f3")),
    "pow_of_number": (lambda x: 2**x, ("f2x3",)),
    "float_power": (lambda x: torch.float_power(x, 2), ("i2x3",)),
    "round_decimals": (lambda x: torch.round(x, decimals=2), ("f2x3",)),
    "where": (torch.where, ("b2x3", "f2x3", "f3")),
    "where_numbers": (lambda c, x: torch.where(c, x, 0.5), ("b2x3", "f2x3")),
    "masked_fill": (lambda x, m: x.masked_fill(m, -inf), ("f2x3", "b3")),
    "clamp": (lambda x: x.clamp(-0.5, 0.25), ("f2x3",)),
    "clamp_low": (lambda x: x.clamp(min=0.1), ("f2x3",)),
    "clamp_high": (lambda x: x.clamp(max=0.1), ("f2x3",)),
    "clamp_tensors": (torch.clamp, ("f2x3", "f3", "p3")),
    "clamp_min": (lambda x: torch.clamp_min(x, 0.1), ("f2x3",)),
    "clamp_max": (lambda x: torch.clamp_max(x, 0.1), ("f2x3",)),
    "lerp": (lambda x, y: torch.lerp(x, y, 0.3), ("f2x3", "f2x3")),
    "addcmul": (lambda x, y, z: torch.addcmul(x, y, z, value=2), ("f2x3", "f2x3", "f3")),
    "addcdiv": (lambda x, y, z: torch.addcdiv(x, y, z, value=2), ("f2x3", "f2x3", "p3")),
    "to_half": (lambda x: x.to(torch.float16), ("f2x3",)),
    "to_int": (lambda x: x.to(torch.int32), ("f2x3",)),
    "to_same": (lambda x: x.to(torch.float32), ("f2x3",)),
    "type_as": (lambda x, y: x.type_as(y), ("i2x3", "f3")),
    "dropout": (lambda x: F.dropout(x, 0.5, training=False), ("f2x3",)),
    "native_dropout": (lambda x: aten.native_dropout(x, 0.5, False), ("f2x3",)),
    "copy": (lambda x, y: aten.copy(x, y), ("f2x3", "i3")),
    "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), ("f2x3",)),
    "elu_alpha": (lambda x: F.elu(x, 0.5), ("f2x3",)),
    "selu_spelt_as_elu": (lambda x: aten.elu(x, 1.5, 1.1), ("f2x3",)),
    "softplus_beta": (lambda x: F.softplus(x, 2.0, 1.0), ("f2x3",)),
    "threshold": (lambda x: F.threshold(x, 0.1, 7.0), ("f2x3",)),
    "rrelu": (lambda x: F.rrelu(x), ("f2x3",)),
    "prelu": (F.prelu, ("f2x3x4x4", "f3")),
    "prelu_one": (F.prelu, ("f2x3", "f1")),
    "softmax": (lambda x: F.softmax(x, -1), ("f2x3",)),
    "softmax_dtype": (lambda x: F.softmax(x, 0, dtype=torch.float64), ("f2x3",)),
    "safe_softmax": (lambda x: aten._safe_softmax(x, 1), ("f2x3",)),
    "safe_softmax_all_hidden": (lambda x, m: aten._safe_softmax(x.masked_fill(m | True, -inf), 1), ("f2x3", "b2x3")),
    "log_softmax": (lambda x: F.log_softmax(x, 1), ("f2x3",)),
    "softmin": (lambda x: F.softmin(x, 1), ("f2x3",)),
    "batch_norm": (lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b), ("f2x3x4", "f3", "p3", "f3", "f3")),
    "batch_norm_plain": (lambda x, m, v: F.batch_norm(x, m, v), ("f2x3x4x2", "f3", "p3")),
    "batch_norm_training": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), ("f4x3x2", "f3", "f3")),
    "native_batch_norm": (lambda x, w, b, m, v: aten._native_batch_norm_legit_no_training(x, w, b, m, v, 0.1, 1e-5)[0], ("f2x3x4", "f3", "f3", "f3", "p3")),
    "native_layer_norm": (lambda x, w, b: aten.native_layer_norm(x, [4], w, b, 1e-5)[0], ("f2x3x4", "f4", "f4")),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (3, 4), w, b), ("f2x3x4", "f3x4", "f3x4")),
    "layer_norm_plain": (lambda x: F.layer_norm(x, (4,)), ("f2x3x4",)),
    "rms_norm": (lambda x, w: F.rms_norm(x, (4,), w), ("f2x3x4", "f4")),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), ("f2x4x3", "f4", "f4")),
    "group_norm_plain": (lambda x: F.group_norm(x, 2), ("f2x4x3x2",)),
    "instance_norm": (lambda x, w, b: F.instance_norm(x, weight=w, bias=b), ("f2x3x4x2", "f3", "f3")),
    "instance_norm_running": (lambda x, m, v: F.instance_norm(x, m, v, use_input_stats=False), ("f2x3x4", "f3", "p3")),
    "local_response_norm": (lambda x: F.local_response_norm(x, 2), ("f2x3x4x4",)),
    "attention": (F.scaled_dot_product_attention, ("f2x3x4x8", "f2x3x5x8", "f2x3x5x6")),
    "attention_causal": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), ("f2x3x4x8", "f2x3x4x8", "f2x3x4x8")),
    "attention_mask": (F.scaled_dot_product_attention, ("f2x3x4x8", "f2x3x5x8", "f2x3x5x8", "b4x5")),
    "attention_added_mask": (F.scaled_dot_product_attention, ("f2x3x4x8", "f2x3x5x8", "f2x3x5x8", "f2x1x4x5")),
    "attention_rank_3": (lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, scale=0.3), ("f3x4x8", "f3x5x8", "f3x5x8", "f3x4x5")),
    "attention_rank_5": (F.scaled_dot_product_attention, ("f2x1x3x4x8", "f2x1x3x5x8", "f2x1x3x5x8")),
    "attention_grouped": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True), ("f1x4x3x8", "f1x2x3x8", "f1x2x3x8")),
    "linear": (F.linear, ("f2x3", "f4x3", "f4")),
    "linear_plain": (F.linear, ("f5x2x3", "f4x3")),
    "matmul": (torch.matmul, ("f2x3x4", "f4x5")),
    "matmul_vectors": (torch.matmul, ("f3", "f3")),
    "mm": (torch.mm, ("f2x3", "f3x4")),
    "inner": (torch.inner, ("f2x3", "f4x3")),
    "outer": (torch.outer, ("f2", "f3")),
    "addmm": (lambda x, a, b: torch.addmm(x, a, b, beta=2, alpha=3), ("f4", "f2x3", "f3x4")),
    "addmm_without": (lambda x, a, b: torch.addmm(x, a, b, beta=0), ("f4", "f2x3", "f3x4")),
    "baddbmm": (torch.baddbmm, ("f2x3x5", "f2x3x4", "f2x4x5")),
    "addr": (torch.addr, ("f2x3", "f2", "f3")),
    "addbmm": (torch.addbmm, ("f3x5", "f2x3x4", "f2x4x5")),
    "bilinear": (F.bilinear, ("f2x3", "f2x4", "f5x3x4", "f5")),
    "einsum": (lambda a, b: torch.einsum("b i d, b j d -> b i j", a, b), ("f2x3x4", "f2x5x4")),
    "cdist": (lambda a, b: torch.cdist(a, b, 1.0), ("f2x3", "f4x3")),
}  # fmt: skip
