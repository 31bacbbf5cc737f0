"""The aten table: which function writes the ONNX nodes of each aten op, for all three ways in."""

from __future__ import annotations

from graphlens.frontends.torch.aten import (
    activation,
    analytic,
    complex_math,
    complex_moves,
    conv,
    create,
    dynamic,
    fft,
    grouped,
    image,
    index,
    linalg,
    math,
    matmul,
    norm,
    pool,
    quantised,
    quantised_rnn,
    random,
    reduce,
    rnn,
    scatter,
    search,
    select,
    shape,
    sparse,
    vision,
)
from graphlens.frontends.torch.call import TABLE, Row

FAMILIES = (
    activation,
    analytic,
    complex_math,
    complex_moves,
    conv,
    create,
    dynamic,
    fft,
    grouped,
    image,
    index,
    linalg,
    math,
    matmul,
    norm,
    pool,
    quantised,
    quantised_rnn,
    random,
    reduce,
    rnn,
    scatter,
    search,
    select,
    shape,
    sparse,
    vision,
)
"""The modules that fill the table."""


def find(op: str, domain: str = "aten") -> Row | None:
    """The row of an op (``'add.Tensor'``): of that overload, else of all of its name."""
    spelt = op if domain == "aten" else f"{domain}::{op}"
    return TABLE.get(spelt) or TABLE.get(spelt.partition(".")[0])
