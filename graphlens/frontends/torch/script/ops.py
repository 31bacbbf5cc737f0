"""What TorchScript's ops on Python values do: numbers, lists, dicts, types."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch

Function = Callable[..., Any]

CODES = """
uint8 int8 int16 int32 int64 float16 float32 float64 complex32 complex64 complex128 bool
qint8 quint8 qint32 bfloat16 quint4x2 quint2x4 bits1x8 bits2x4 bits4x2 bits8 bits16
float8_e5m2 float8_e4m3fn float8_e5m2fnuz float8_e4m3fnuz uint16 uint32 uint64
""".split()  # noqa: SIM905
"""dtypes by the numbers that TorchScript knows them by (c10's ScalarType)."""


def dtype_of(code: Any) -> Any:
    """A dtype by its number."""
    return getattr(torch, CODES[code]) if type(code) is int else code


def _same(one: Any, *_: Any) -> Any:
    return one


def _int(one: Any) -> Any:
    return one if isinstance(one, torch.SymInt) else int(one)


def _nothing(*_: Any) -> None:
    return None


def _false(*_: Any) -> bool:
    return False


def _plainly(one: Any) -> Any:
    """A dtype as the number that a program has for it."""
    return _code(one) if isinstance(one, torch.dtype) else one


def _code(dtype: torch.dtype) -> int:
    return CODES.index(str(dtype).removeprefix("torch."))


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
    "__xor__": operator.xor,
    "__lshift__": operator.lshift,
    "__rshift__": operator.rshift,
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
    "pop": lambda held, *rest: held.pop(*rest),
    "popitem": lambda held: held.popitem(),
    "get": lambda held, key, other=None: held.get(key, other),
    "setdefault": lambda held, key, other: held.setdefault(key, other),
    "update": lambda held, more: held.update(more),
    "dict": dict,
    "Delete": operator.delitem,
    "remove": lambda held, one: held.remove(one),
    "clear": lambda held: held.clear() or held,
    "index": lambda held, *rest: held.index(*rest),
    "count": lambda held, *rest: held.count(*rest),
    "reverse": list.reverse,
    "sort": lambda held, reverse=False: held.sort(reverse=reverse),
    "sorted": sorted,
    "list": list,
    "copy": lambda held: held.copy(),
    "keys": list,
    "values": lambda held: list(held.values()),
    "items": lambda held: list(held.items()),
    "format": lambda text, *rest: text.format(*rest),
    "percentFormat": lambda text, *rest: text % rest,
    "str": str,
    "eq": lambda one, other: _plainly(one) == _plainly(other),
    "ne": lambda one, other: _plainly(one) != _plainly(other),
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "add": operator.add,
    "add_": lambda held, more: held.extend(more) or held,
    "mul": operator.mul,
    "slice": lambda held, low=None, high=None, step=1: held[low:high:step],
    "warn": _nothing,
}
_TEXT = """
capitalize casefold endswith find isalnum isalpha isdecimal isdigit isidentifier islower isnumeric
isspace istitle isupper join ljust lower lstrip partition replace rfind rindex rjust rpartition
rsplit rstrip split splitlines startswith strip swapcase title upper zfill
"""
OBJECTS |= {name: getattr(str, name) for name in _TEXT.split()}
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
    "dtype": lambda x: _code(x.dtype),
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
    "Enter": _nothing,
    "Exit": _nothing,
}
"""prim ops without blocks or attributes."""
