"""Layers and functions of torch that are one aten call: which, without running their Python.

torch.fx names such a layer in one node. Running it leads through the layer's Python, the function
that it calls and torch's dispatcher, which takes longer than recording the call does. What is
said here of a layer is what its ``forward`` does; where an attribute, an argument or a hook makes
it do anything else, nothing is said, and it is run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

_aten = torch.ops.aten
_global = nn.modules.module

Said = tuple[Any, tuple[Any, ...], dict[str, Any]] | None
"""An op's overload and its arguments by position and by name; None if it is not said."""


def of_layer(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Said:
    """The call that a layer makes of one tensor."""
    says = _LAYERS.get(type(module))
    if says is None or len(args) != 1 or kwargs or type(args[0]) is not FakeTensor:
        return None
    if _is_hooked(module) or "forward" in vars(module):
        return None
    return says(module, args[0])


def of_function(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Said:
    """The call that a function makes."""
    try:
        says = _FUNCTIONS.get(function)
    except TypeError:  # it cannot be looked up
        return None
    return None if says is None or kwargs else says(*args)


def _is_hooked(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or _global._global_forward_hooks
        or _global._global_forward_pre_hooks
        or _global._global_backward_hooks
        or _global._global_backward_pre_hooks
    )


def _linear(module: Any, x: torch.Tensor) -> Said:
    return _aten.linear.default, (x, module.weight, module.bias), {}


def _conv(func: Any) -> Callable[[Any, torch.Tensor], Said]:
    def says(module: Any, x: torch.Tensor) -> Said:
        if module.padding_mode != "zeros" or isinstance(module.padding, str):
            return None
        window = [list(one) for one in (module.stride, module.padding, module.dilation)]
        return func, (x, module.weight, module.bias, *window, module.groups), {}

    return says


def _batch_norm(ranks: tuple[int, ...]) -> Callable[[Any, torch.Tensor], Said]:
    def says(module: Any, x: torch.Tensor) -> Said:
        mean, variance, momentum = module.running_mean, module.running_var, module.momentum
        if module.training or mean is None or variance is None or x.dim() not in ranks:
            return None
        return _normalised(x, mean, variance, module.weight, module.bias, momentum, module.eps)

    return says


def _normalised(
    x: torch.Tensor,
    mean: Any,
    variance: Any,
    weight: Any,
    bias: Any,
    momentum: float | None,
    eps: float,
) -> Said:
    by_library = torch.backends.cudnn.enabled
    held = (x, weight, bias, mean, variance)
    return _aten.batch_norm.default, (*held, False, momentum or 0.0, eps, by_library), {}


def _layer_norm(module: Any, x: torch.Tensor) -> Said:
    args = (x, list(module.normalized_shape), module.weight, module.bias, module.eps)
    return _aten.layer_norm.default, (*args, torch.backends.cudnn.enabled), {}


def _plainly(func: Any, inplace: Any = None) -> Callable[[Any, torch.Tensor], Said]:
    def says(module: Any, x: torch.Tensor) -> Said:
        return (inplace if inplace is not None and module.inplace else func), (x,), {}

    return says


def _gelu(module: Any, x: torch.Tensor) -> Said:
    return _aten.gelu.default, (x,), {"approximate": module.approximate}


def _dropout(module: Any, x: torch.Tensor) -> Said:
    if module.training or module.inplace:
        return None
    return _aten.dropout.default, (x, module.p, False), {}


def _two(func: Any) -> Callable[..., Said]:
    """An operator of two tensors."""

    def says(*args: Any) -> Said:
        if len(args) != 2 or any(not _is_tensor(one) for one in args):
            return None
        return func, args, {}

    return says


def _cat(*args: Any) -> Said:
    if len(args) != 2 or type(args[1]) is not int or not isinstance(args[0], list | tuple):
        return None
    if not args[0] or any(not _is_tensor(one) for one in args[0]):
        return None
    return _aten.cat.default, (list(args[0]), args[1]), {}


def _flatten(*args: Any) -> Said:
    if not 1 < len(args) < 4 or type(args[0]) is not FakeTensor:
        return None
    if any(type(one) is not int for one in args[1:]):
        return None
    return _aten.flatten.using_ints, args, {}


def _is_tensor(one: Any) -> bool:
    return type(one) is FakeTensor or type(one) is nn.Parameter


_LAYERS: dict[type[nn.Module], Callable[[Any, torch.Tensor], Said]] = {
    nn.Linear: _linear,
    nn.Conv1d: _conv(_aten.conv1d.default),
    nn.Conv2d: _conv(_aten.conv2d.default),
    nn.Conv3d: _conv(_aten.conv3d.default),
    nn.BatchNorm1d: _batch_norm((2, 3)),
    nn.BatchNorm2d: _batch_norm((4,)),
    nn.BatchNorm3d: _batch_norm((5,)),
    nn.LayerNorm: _layer_norm,
    nn.ReLU: _plainly(_aten.relu.default, _aten.relu_.default),
    nn.SiLU: _plainly(_aten.silu.default, _aten.silu_.default),
    nn.Hardswish: _plainly(_aten.hardswish.default, _aten.hardswish_.default),
    nn.Hardsigmoid: _plainly(_aten.hardsigmoid.default, _aten.hardsigmoid_.default),
    nn.Sigmoid: _plainly(_aten.sigmoid.default),
    nn.Tanh: _plainly(_aten.tanh.default),
    nn.GELU: _gelu,
    nn.Dropout: _dropout,
}
_FUNCTIONS: dict[Any, Callable[..., Said]] = {
    operator.add: _two(_aten.add.Tensor),
    operator.mul: _two(_aten.mul.Tensor),
    operator.iadd: _two(_aten.add_.Tensor),
    torch.cat: _cat,
    torch.flatten: _flatten,
}
