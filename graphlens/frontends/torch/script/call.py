"""Calls in TorchScript: torch's ops on tensors, its own on numbers, lists and strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch

from graphlens.errors import CaptureError
from graphlens.frontends.torch.regions import ScriptRaiseError, is_unknown
from graphlens.frontends.torch.script.ops import NUMBERS, OBJECTS, PRIMITIVES, WEAK, dtype_of

CONTEXTS = "__torch__.torch.autograd.grad_mode."
"""How the names of classes begin whose objects say how gradients are made, nothing of a graph."""


def aten(domain: str, op: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call an op by its name, its overload chosen by the arguments.

    Raises:
        CaptureError: If there is none.
    """
    held = list(args)
    if op in WEAK and domain == "aten":
        first = int(op.endswith("_"))  # what is written to is no number
        held[first:] = map(_number, args[first:])
    if domain == "aten":
        found = plain(op, held, kwargs)
        if found is not NotImplemented:
            return found
    packet = getattr(getattr(torch.ops, domain), op, None)
    if packet is None:
        raise CaptureError(f"TorchScript calls {domain}::{op}, which this torch does not have")
    return packet(*held, **kwargs)


def plain(op: str, held: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """An aten op on Python values, or one that asks what a tensor is; else NotImplemented."""
    if op in _MADE:
        return _MADE[op](*held, **kwargs)
    if op in ("__is__", "__isnot__"):
        return OBJECTS[op](*held)
    if op in _ON_UNKNOWN and any(map(is_unknown, held)):
        return _ON_UNKNOWN[op](*held)
    if not any(map(_has_tensor, held)):
        numbers = all(isinstance(one, int | float | bool | complex) for one in held)
        if op in NUMBERS and numbers:
            return NUMBERS[op](*held)
        if op in OBJECTS:
            return _short(OBJECTS[op](*held))
    elif op in OBJECTS and isinstance(held[0], list | dict | tuple):
        return OBJECTS[op](*held)
    elif op == "__not__":
        return torch.logical_not(held[0])
    return NotImplemented


_LARGEST = 10**6
"""Parts of a list or text up to which a program may make it."""


def _short(made: Any) -> Any:
    if isinstance(made, list | str) and len(made) > _LARGEST:
        raise CaptureError(f"the program makes a {type(made).__name__} of {len(made)} parts")
    return made


def _has_tensor(one: Any) -> bool:
    if isinstance(one, list | tuple):
        return any(map(_has_tensor, one))
    return isinstance(one, torch.Tensor)


def _number(one: Any) -> Any:
    """A constant tensor of one number, which a trace made of it, as the number."""
    plain = isinstance(one, torch.Tensor) and not is_fake(one)
    if not plain or one.dim() or one.dtype not in (torch.int64, torch.float64, torch.bool):
        return one
    with torch._C._DisableTorchDispatch():
        return one.item()


def is_fake(one: Any) -> bool:
    """Whether it is a tensor without values."""
    return isinstance(one, torch._subclasses.fake_tensor.FakeTensor)


def _tensor(
    content: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> torch.Tensor:
    del device, requires_grad
    if isinstance(content, list) and any(map(_has_tensor, content)):
        content = torch.stack([_tensor(one) for one in content])
    if isinstance(content, torch.Tensor):
        return content.detach().clone().to(dtype_of(dtype) or content.dtype)
    return torch.tensor(content, dtype=dtype_of(dtype))


def _size(x: Any, dim: int | None = None) -> Any:
    return list(x.shape) if dim is None else x.shape[dim]


def _device(*parts: Any) -> torch.device:
    return torch.device(*parts)


_MADE: dict[str, Callable[..., Any]] = {
    "tensor": _tensor,
    "as_tensor": _tensor,
    "size": _size,
    "device": _device,
    "warn": lambda *_, **__: None,
    "is_scripting": lambda: True,
    "is_grad_enabled": lambda: False,
    "set_grad_enabled": lambda *_: None,
    "is_autocast_enabled": lambda *_: False,
    "is_autocast_cpu_enabled": lambda *_: False,
    "manual_seed": lambda *_: None,
    "dim": lambda x: x.dim(),
    "numel": lambda x: x.numel(),
    "stride": lambda x: list(x.stride()),
    "is_floating_point": lambda x: x.is_floating_point(),
    "is_complex": lambda x: x.is_complex(),
    "get_device": lambda x: -1,
    "wait": lambda x: x,
    "cpu": lambda x: x,
    "cuda": lambda x: x,
}


def prim(op: str, args: Sequence[Any]) -> Any:
    """Call an op of the language.

    Raises:
        ScriptRaiseError: If it is a raise.
        CaptureError: If it is one that is not known.
    """
    if op == "RaiseException":
        raise ScriptRaiseError(f"the script raises {args[0]!r} on these inputs")
    if op in PRIMITIVES:
        return PRIMITIVES[op](*args)
    raise CaptureError(f"TorchScript's prim::{op} cannot be captured")


_ON_UNKNOWN: dict[str, Callable[..., Any]] = {
    "item": lambda x: x.reshape(()),
    "floordiv": lambda a, b: torch.div(torch.as_tensor(a), b, rounding_mode="floor"),
    "__and__": lambda a, b: torch.bitwise_and(torch.as_tensor(a), torch.as_tensor(b)),
    "__or__": lambda a, b: torch.bitwise_or(torch.as_tensor(a), torch.as_tensor(b)),
    "__xor__": lambda a, b: torch.bitwise_xor(torch.as_tensor(a), torch.as_tensor(b)),
}
"""Ops on numbers where one depends on data, and is a tensor, in what torch has for tensors."""


def is_of_kind(kinds: str, one: Any) -> bool:
    """Whether a value is of one of some types, written as TorchScript's graphs do (``'int[]'``)."""
    return any(_is_of(kind.strip(), one) for kind in _OUTER_COMMA.split(kinds))


_OUTER_COMMA = re.compile(r",\s*(?![^(]*\))")


def _is_of(kind: str, one: Any) -> bool:
    if kind.endswith("?"):
        return one is None or _is_of(kind[:-1], one)
    if kind.endswith("[]"):
        return isinstance(one, list)
    if kind.startswith("("):
        return isinstance(one, tuple)
    return isinstance(one, dict) if kind.startswith("Dict(") else _kind_of(kind, one)


def _kind_of(text: str, one: Any) -> bool:
    """Whether a value is of a type, written as TorchScript does."""
    names = text.strip("()[] ").replace("NoneType", "None")
    if "," in names and "[" not in names:
        return any(_kind_of(part, one) for part in names.split(","))
    kinds: dict[str, Any] = {
        "Tensor": torch.Tensor, "int": int, "float": float, "bool": bool, "str": str,
        "None": type(None), "list": list, "tuple": tuple, "dict": dict, "number": int | float,
    }  # fmt: skip
    base = names.partition("[")[0].strip()
    base = {"List": "list", "Tuple": "tuple", "Dict": "dict"}.get(base, base)
    if base not in kinds:
        return False
    return isinstance(one, kinds[base]) and not (base == "int" and isinstance(one, bool))


def _cast(kind: Callable[[Any], Any], dtype: torch.dtype) -> Callable[[Any], Any]:
    def cast(one: Any) -> Any:
        return one.to(dtype).reshape(()) if is_unknown(one) else kind(one)

    return cast


_TO_INT = _cast(int, torch.int64)


def _attribute(owner: Any, name: str) -> Any:
    return owner.state[name]


BUILTINS: dict[str, Callable[..., Any]] = {
    "int": _TO_INT,
    "float": _cast(float, torch.float64),
    "bool": lambda one: one.to(torch.bool).reshape(()) if is_unknown(one) else bool(one),
    "str": str,
    "complex": complex,
    "len": len,
    "range": lambda *ends: ends[0] if len(ends) == 1 and is_unknown(ends[0]) else range(*ends),
    "list": list,
    "dict": dict,
    "getattr": _attribute,
    "print": lambda *_: None,
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "ord": ord,
    "chr": chr,
    "sorted": sorted,
    "enumerate": enumerate,
    "zip": zip,
    "tuple": tuple,
    "any": any,
    "all": all,
    "device": _device,
    "isinstance": lambda one, kind: _kind_of(kind, one),
}
