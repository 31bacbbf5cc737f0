"""The aten table: which function writes the ONNX nodes of each aten op, for all three ways in."""

from __future__ import annotations

from graphlens.frontends import (
    torch_aten_activation,
    torch_aten_analytic,
    torch_aten_conv,
    torch_aten_create,
    torch_aten_image,
    torch_aten_index,
    torch_aten_math,
    torch_aten_matmul,
    torch_aten_norm,
    torch_aten_pool,
    torch_aten_reduce,
    torch_aten_rnn,
    torch_aten_scatter,
    torch_aten_select,
    torch_aten_shape,
)
from graphlens.frontends.torch_call import TABLE, Row

FAMILIES = (
    torch_aten_activation,
    torch_aten_analytic,
    torch_aten_conv,
    torch_aten_create,
    torch_aten_image,
    torch_aten_index,
    torch_aten_math,
    torch_aten_matmul,
    torch_aten_norm,
    torch_aten_pool,
    torch_aten_reduce,
    torch_aten_rnn,
    torch_aten_scatter,
    torch_aten_select,
    torch_aten_shape,
)
"""The modules that fill the table."""


def find(op: str) -> Row | None:
    """The row of an op (``'add.Tensor'``): of that overload, else of all of its name."""
    return TABLE.get(op) or TABLE.get(op.partition(".")[0])
