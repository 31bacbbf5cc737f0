"""The aten table: which function writes the ONNX nodes of each aten op, for all three ways in."""

from __future__ import annotations

from graphlens.frontends import (
    torch_aten_activation,
    torch_aten_analytic,
    torch_aten_complex,
    torch_aten_complex_moves,
    torch_aten_conv,
    torch_aten_create,
    torch_aten_dynamic,
    torch_aten_fft,
    torch_aten_grouped,
    torch_aten_image,
    torch_aten_index,
    torch_aten_linalg,
    torch_aten_math,
    torch_aten_matmul,
    torch_aten_norm,
    torch_aten_pool,
    torch_aten_quantised,
    torch_aten_random,
    torch_aten_reduce,
    torch_aten_rnn,
    torch_aten_scatter,
    torch_aten_search,
    torch_aten_select,
    torch_aten_shape,
    torch_aten_sparse,
    torch_aten_vision,
)
from graphlens.frontends.torch_call import TABLE, Row

FAMILIES = (
    torch_aten_activation,
    torch_aten_analytic,
    torch_aten_complex,
    torch_aten_complex_moves,
    torch_aten_conv,
    torch_aten_create,
    torch_aten_dynamic,
    torch_aten_fft,
    torch_aten_grouped,
    torch_aten_image,
    torch_aten_index,
    torch_aten_linalg,
    torch_aten_math,
    torch_aten_matmul,
    torch_aten_norm,
    torch_aten_pool,
    torch_aten_quantised,
    torch_aten_random,
    torch_aten_reduce,
    torch_aten_rnn,
    torch_aten_scatter,
    torch_aten_search,
    torch_aten_select,
    torch_aten_shape,
    torch_aten_sparse,
    torch_aten_vision,
)
"""The modules that fill the table."""


def find(op: str, domain: str = "aten") -> Row | None:
    """The row of an op (``'add.Tensor'``): of that overload, else of all of its name."""
    spelt = op if domain == "aten" else f"{domain}::{op}"
    return TABLE.get(spelt) or TABLE.get(spelt.partition(".")[0])
