"""The results of common ops on fake tensors, worked out by rules of our own or by torch's views.

torch's own way takes about a millisecond for each op, most of a capture's time: its kernels for
tensors without memory are written in Python. The rules hold for plain cases only (dense operands of
one dtype on one device, no symbolic sizes); everything else is left to torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import (
    FakeTensor,
    FakeTensorMode,
    in_kernel_invocation_manager,
)

from graphlens.frontends.torch_quick_rules import RULES, Made, arithmetic
from graphlens.frontends.torch_signature import Signature

_NAMES = """
alias chunk detach expand flatten movedim narrow permute reshape select slice split split_with_sizes
squeeze swapaxes t transpose unbind unflatten unsqueeze view
"""
_VIEWS = frozenset(_NAMES.split())
"""Ops that torch does in C++ also where there is no memory, if they do not copy."""


def quick(
    fake: FakeTensorMode, func: Any, held: Signature, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    """What an op returns on fake tensors.

    Args:
        fake: The mode of the tensors.
        func: The op's overload.
        held: Its signature.
        args: Its arguments.
        kwargs: The same by name.

    Returns:
        Fake tensors, or NotImplemented where torch must work it out.
    """
    rule = RULES.get(held.base)
    if (rule is None and held.base not in _VIEWS) or fake.shape_env is not None:
        return NotImplemented
    written = func._schema.is_mutable
    if func.namespace != "aten" or (written and not (held.writes and rule is arithmetic)):
        return NotImplemented
    device = _device([*args, *kwargs.values()], fake)
    if device is None:
        return NotImplemented
    if rule is None:
        return _viewed(fake, func, args, kwargs, device)
    made = rule(*held.bound(args, kwargs))
    if not isinstance(made, Made):
        return made  # an operand as it is, or NotImplemented
    if written:
        fits = (made.shape, made.dtype) == (tuple(args[0].shape), args[0].dtype)
        return args[0] if fits else NotImplemented
    with torch._C._DisableTorchDispatch():
        meta = torch.empty_strided(made.shape, made.strides, dtype=made.dtype, device="meta")
        return FakeTensor(fake, meta, device)


def _viewed(fake: FakeTensorMode, func: Any, args: Any, kwargs: Any, device: Any) -> Any:
    with torch._C._DisablePythonDispatcher(), in_kernel_invocation_manager(fake):
        result = func(*args, **kwargs)
        if isinstance(result, list | tuple):
            return type(result)([_wrapped(fake, one, device) for one in result])
        return _wrapped(fake, result, device)


def _wrapped(fake: FakeTensorMode, one: Any, device: torch.device) -> Any:
    return one if isinstance(one, FakeTensor) else FakeTensor(fake, one, device)


def _device(values: Sequence[Any], fake: FakeTensorMode) -> torch.device | None:
    """The one device of the tensors among some arguments; None if torch must look closer."""
    device: torch.device | None = None
    for one in _tensors(values):
        if type(one) is not FakeTensor or one.fake_mode is not fake or one.constant is not None:
            return None
        if device is None:
            device = one.fake_device
        elif device != one.fake_device:
            return None
    return device


def _tensors(values: Sequence[Any]) -> Iterator[torch.Tensor]:
    for one in values:
        if isinstance(one, torch.Tensor):
            yield one
        elif isinstance(one, list | tuple):
            yield from (part for part in one if isinstance(part, torch.Tensor))
