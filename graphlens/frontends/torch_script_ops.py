"""What TorchScript's ops on Python values do: numbers, lists, dicts, types."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch

Function = Callable[..., Any]


def _same(one: Any, *_: Any) -> Any:
    return one


def _int(one: Any) -> Any:
    return one if isinstance(one, torch.SymInt) else int(one)


def _nothing(*_: Any) -> None:
    return None


def _false(*_: Any) -> bool:
    return False


NUMBERS: dict[str, Function] = {
    "Int": _int,
    "IntImplicit": _int,
    "Float": float,
    "FloatImplicit": float,
    "Bool": bool,
    "ScalarImplicit": _same,
    "item": _same,
    "to": _same,
    "detach": _same,
    "clone": _same,
    "add": lambda a, b, alpha=1: a + b * alpha,
    "sub": lambda a, b, alpha=1: a - b * alpha,
    "rsub": lambda a, b, alpha=1: b - a * alpha,
    "mul": operator.mul,
    "neg": operator.neg,
    "floordiv": operator.floordiv,
    "floor_divide": operator.floordiv,
    "div": operator.truediv,
    "true_divide": operator.truediv,
    "remainder": operator.mod,
    "pow": operator.pow,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "__and__": operator.and_,
    "__or__": operator.or_,
    "__not__": operator.not_,
}
NUMBERS |= {
    f"{op}_": NUMBERS[op] for op in ("add", "sub", "mul", "floor_divide", "remainder", "pow")
}
"""aten ops on numbers only: TorchScript spells the arithmetic of sizes with them."""

OBJECTS: dict[str, Function] = {
    "__is__": operator.is_,
    "__isnot__": operator.is_not,
    "__contains__": operator.contains,
    "__getitem__": operator.getitem,
    "_set_item": operator.setitem,
    "__range_length": lambda low, high, step: len(range(low, high, step)),
    "__derive_index": lambda index, low, step: low + index * step,
    "len": len,
    "append": lambda held, one: held.append(one) or held,
    "extend": lambda held, more: held.extend(more),
    "insert": lambda held, index, one: held.insert(index, one),
    "pop": lambda held, index=-1: held.pop(index),
    "reverse": list.reverse,
    "list": list,
    "copy": list,
    "keys": list,
    "values": lambda held: list(held.values()),
    "items": lambda held: list(held.items()),
    "format": lambda text, *rest: text.format(*rest),
    "percentFormat": lambda text, *rest: text % rest,
    "str": str,
    "eq": operator.eq,
    "ne": operator.ne,
    "add": operator.add,
    "slice": lambda held, low=None, high=None, step=1: held[low:high:step],
    "warn": _nothing,
}
"""aten ops on Python objects: lists, dicts, strings."""

WEAK = frozenset(
    """
    add sub rsub mul div true_divide floor_divide remainder fmod pow eq ne lt le gt ge maximum
    minimum where masked_fill add_ sub_ mul_ div_ floor_divide_ remainder_ pow_
    bitwise_and bitwise_or __and__ __or__ clamp full_like fill_ masked_fill_ logical_and logical_or
    """.split()  # noqa: SIM905
)
"""Ops whose constant scalar operands were Python numbers, which a trace keeps as tensors."""

PRIMITIVES: dict[str, Function] = {
    "ListConstruct": lambda *items: list(items),
    "TupleConstruct": lambda *items: items,
    "DictConstruct": lambda *pairs: dict(zip(pairs[::2], pairs[1::2], strict=True)),
    "TupleIndex": operator.getitem,
    "NumToTensor": _same,
    "unchecked_cast": _same,
    "unchecked_unwrap_optional": _same,
    "shallow_copy": _same,
    "data": lambda x: x.detach(),
    "dtype": lambda x: x.dtype,
    "device": lambda x: x.device,
    "layout": lambda x: x.layout,
    "type": str,
    "min": min,
    "max": max,
    "abs": abs,
    "requires_grad": lambda x: x.requires_grad,
    "is_cuda": lambda x: x.is_cuda,
    "is_nested": _false,
    "is_meta": _false,
    "is_sparse": _false,
    "is_quantized": _false,
    "Uninitialized": _nothing,
    "Print": _nothing,
}
"""prim ops without blocks or attributes."""
