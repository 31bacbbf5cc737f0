"""PyTorch's dtypes, tensors and type promotion in graphlens's terms."""

from __future__ import annotations

from functools import cache
from typing import Any

import ml_dtypes
import numpy as np
import torch

from graphlens.tensor import UNDEFINED, UNKNOWN, Dim, TensorType

_SAME = (
    "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 bfloat16 float32 float64 "
    "complex64 complex128 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz"
)
NAMES: dict[torch.dtype, str] = {getattr(torch, name): name for name in _SAME.split()}
"""Our dtype names by torch's dtypes (they agree)."""
DTYPES = {name: dtype for dtype, name in NAMES.items()}
"""torch's dtypes by our names."""

_THROUGH_BITS = {
    torch.bfloat16: (torch.int16, ml_dtypes.bfloat16),
    torch.float8_e4m3fn: (torch.uint8, ml_dtypes.float8_e4m3fn),
    torch.float8_e4m3fnuz: (torch.uint8, ml_dtypes.float8_e4m3fnuz),
    torch.float8_e5m2: (torch.uint8, ml_dtypes.float8_e5m2),
    torch.float8_e5m2fnuz: (torch.uint8, ml_dtypes.float8_e5m2fnuz),
}
"""Types that numpy lacks: the integer of the same width to view through, and ml_dtypes' type."""


LARGEST_DENSE = 2**30
"""Bytes that a sparse tensor may take when it is made dense."""


def dtype_name(dtype: torch.dtype) -> str:
    """Our name of a torch dtype; `UNDEFINED` for quantised and other odd ones."""
    return NAMES.get(dtype, UNDEFINED)


def type_of(tensor: Any, symbols: dict[str, str] | None = None) -> TensorType:
    """The type of a tensor (real, fake or meta), its symbolic sizes spelt with ``symbols``."""
    if not isinstance(tensor, torch.Tensor):
        return UNKNOWN
    shape = tuple(tensor.shape)
    for size in shape:
        if type(size) is not int:
            shape = tuple(dim_of(one, symbols) for one in shape)
            break
    return TensorType(NAMES.get(tensor.dtype, UNDEFINED), shape)


def dim_of(size: Any, symbols: dict[str, str] | None = None) -> Dim:
    """A size as a `Dim`: an int, or the spelling of a symbolic size (``'2*batch'``)."""
    if isinstance(size, int):
        return size
    expression = size.node.expr
    if expression.is_number:
        return int(expression)
    named = {symbol: (symbols or {}).get(str(symbol)) for symbol in expression.free_symbols}
    renamed = {symbol: _symbol(name) for symbol, name in named.items() if name}
    return str(expression.xreplace(renamed)).replace(" ", "")


def _symbol(name: str) -> Any:
    import sympy  # a dependency of torch's; 0.3 s, needed for symbolic sizes only

    return sympy.Symbol(name, integer=True, positive=True)


def array_of(tensor: torch.Tensor) -> np.ndarray | None:
    """A tensor's values as a numpy array that shares its memory where it lies in the CPU's.

    None where it has none (meta and fake tensors) or no dense form (quantised, nested, or sparse
    and more than `LARGEST_DENSE` bytes when dense).
    """
    if tensor.is_meta or tensor.is_quantized or tensor.is_nested:
        return None
    if tensor.layout != torch.strided:
        if tensor.numel() * tensor.element_size() > LARGEST_DENSE:
            return None
        tensor = tensor.detach().to_dense()
    held = tensor.detach().cpu().resolve_conj().resolve_neg()
    through = _THROUGH_BITS.get(held.dtype)
    if through is None:
        return held.numpy()
    bits, dtype = through
    return held.view(bits).numpy().view(dtype)


def tensor_of(array: np.ndarray) -> torch.Tensor:
    """A numpy array as a tensor that shares its memory where it can."""
    if not array.size:
        return torch.empty(array.shape, dtype=DTYPES[str(array.dtype)])  # with strides like others
    for dtype, (bits, native) in _THROUGH_BITS.items():
        if array.dtype == native:
            whole = np.asarray(array, order="C")
            return torch.from_numpy(whole.view(_numpy_bits(bits))).view(dtype)
    held = np.asarray(array, order="C")
    return torch.from_numpy(held if held.flags.writeable else held.copy())


def _numpy_bits(bits: torch.dtype) -> str:
    return "int16" if bits == torch.int16 else "uint8"


@cache
def promoted(*kinds: tuple[str, bool] | type) -> str:
    """The dtype in which torch computes on these operands together.

    Args:
        kinds: For a tensor, its dtype and whether it has axes; for a Python number, its type.
    """
    made = [
        kind(1)
        if isinstance(kind, type)
        else torch.empty((1,) if kind[1] else (), dtype=DTYPES[kind[0]], device="meta")
        for kind in kinds
    ]
    tensors = [one for one in made if isinstance(one, torch.Tensor)]
    if not tensors:
        return dtype_name(torch.result_type(*(made * 2)[:2]))
    state = tensors[0] if len(made) == 1 else None
    if state is not None:
        return dtype_name(state.dtype)
    # torch.result_type takes two at a time; a stack of all is how its iterator promotes them.
    return dtype_name(_result_type(made))


def _result_type(made: list[Any]) -> torch.dtype:
    """Priority is dimensioned tensors, then scalars, as in c10's ``computeDType``."""
    dtype = torch.result_type(made[0], made[1])
    if len(made) == 2:
        return dtype
    ranked = sorted(made, key=lambda one: -_rank(one))
    held = ranked[0]
    for one in ranked[1:]:
        joined = torch.result_type(held, one)
        held = torch.empty((1,) if _rank(held) == 2 else (), dtype=joined, device="meta")
    return held.dtype


def _rank(one: Any) -> int:
    return 0 if not isinstance(one, torch.Tensor) else 2 if one.dim() else 1
