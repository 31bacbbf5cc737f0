"""The results of common ops on fake tensors, by rules of our own or straight by torch's kernels.

torch's own way takes about a millisecond for each op, most of a capture's time: it looks for
decompositions, constants, caches and devices before it asks the kernel for tensors without memory.
The rules hold for plain cases only (dense operands of one dtype on one device, no symbolic sizes);
what they leave is asked of the kernel for ops that have one in C++; the rest is left to torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch._subclasses.fake_tensor import FakeTensor, in_kernel_invocation_manager

from graphlens.frontends.torch.fakes import Fakes
from graphlens.frontends.torch.quick_rules import RULES, Made, Rule, arithmetic
from graphlens.frontends.torch.signature import signature

_VIEWS = """
alias chunk detach expand expand_as flatten movedim narrow permute reshape reshape_as select slice
split split_with_sizes squeeze swapaxes t transpose unbind unflatten unsqueeze view view_as
"""
"""Ops that torch does in C++ also where there is no memory, if they do not copy."""
_KERNELS = """
add addmm bitwise_and bitwise_not bitwise_or bitwise_xor bmm cat clamp clamp_max clamp_min cos
cumsum div eq erf exp floor ge gt le log logical_and logical_not lt masked_fill maximum minimum mm
mul ne neg pow reciprocal relu rsqrt sigmoid silu sin sqrt sub tanh tril triu
"""
"""Ops whose kernels in C++ work out the type also where there is no memory, as is left by RULES."""
_STRAIGHT = frozenset(_VIEWS.split() + _KERNELS.split())


class _Means(NamedTuple):
    """How the results of an op are found.

    Attributes:
        rule: The rule for its plain cases.
        writes: Whether it writes its first operand.
        straight: Whether its kernel may be asked.
    """

    rule: Rule | None
    writes: bool
    straight: bool


@cache
def _means(func: Any) -> _Means | None:
    """How an op's results are found; None if they are left to torch."""
    held = signature(func)
    written = func._schema.is_mutable
    rule = RULES.get(held.base)
    if func.namespace != "aten" or (written and not (held.writes and rule is arithmetic)):
        return None
    straight = held.base in _STRAIGHT and not written
    return _Means(rule, written, straight) if rule or straight else None


def by_rule(fakes: Fakes, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What an op returns on fake tensors, and weights among them, by a rule.

    Args:
        fakes: What makes fake tensors of the mode of the operands.
        func: The op's overload.
        args: Its arguments, tensors fake or real.
        kwargs: The same by name.

    Returns:
        Fake tensors, or NotImplemented where there is no rule for it.
    """
    means = _means(func)
    if means is None or means.rule is None or fakes.mode.shape_env is not None:
        return NotImplemented
    device = _device((*args, *kwargs.values()), fakes, (torch.Tensor, torch.nn.Parameter))
    if device is None:
        return NotImplemented
    made = means.rule(*signature(func).bound(args, kwargs))
    if not isinstance(made, Made):  # an operand as it is, or NotImplemented
        return made if isinstance(made, FakeTensor) else NotImplemented
    if means.writes:
        first = args[0]
        fits = (made.shape, made.dtype) == (tuple(first.shape), first.dtype)
        return first if fits and isinstance(first, FakeTensor) else NotImplemented
    return fakes.empty(made.shape, made.strides, made.dtype, device)


def by_kernel(fakes: Fakes, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What an op returns on fake tensors, by the kernel that torch itself would ask in the end.

    Returns:
        Fake tensors, or NotImplemented where torch must find the way.
    """
    means = _means(func)
    if means is None or not means.straight or fakes.mode.shape_env is not None:
        return NotImplemented
    device = _device((*args, *kwargs.values()), fakes, ())
    if device is None:
        return NotImplemented
    with torch._C._DisablePythonDispatcher(), in_kernel_invocation_manager(fakes.mode):
        result = func(*args, **kwargs)
        if isinstance(result, list | tuple):
            return type(result)([_wrapped(fakes, one, device) for one in result])
        return _wrapped(fakes, result, device)


def _wrapped(fakes: Fakes, one: Any, device: torch.device) -> Any:
    return one if isinstance(one, FakeTensor) else fakes.wrapped(one, device)


def _device(values: Sequence[Any], fakes: Fakes, real: tuple[type, ...]) -> torch.device | None:
    """The one device of the tensors among some arguments; None if torch must look closer.

    Args:
        values: The arguments.
        fakes: Of the mode that fake tensors must have.
        real: The types that other tensors may have.
    """
    device: torch.device | None = None
    for one in _tensors(values):
        kind = type(one)
        if kind is FakeTensor:
            if one.fake_mode is not fakes.mode or one.constant is not None:  # type: ignore[attr-defined]
                return None
            found = one.fake_device  # type: ignore[attr-defined]
        elif kind in real:
            found = one.device
        else:
            return None
        if device is None:
            device = found
        elif device != found:
            return None
    return device


def _tensors(values: Sequence[Any]) -> Iterator[torch.Tensor]:
    for one in values:
        if isinstance(one, torch.Tensor):
            yield one
        elif isinstance(one, list | tuple):
            yield from (part for part in one if isinstance(part, torch.Tensor))
