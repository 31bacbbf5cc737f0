"""What a run's tensors are but for data: fake ones beside those whose sizes depend on it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import torch

from graphlens.frontends.torch.dynamic import Symbolic
from graphlens.frontends.torch.views import Ref

Made = TypeVar("Made")
_BY_MASK = (torch.bool, torch.uint8)
_UNTAGGED = frozenset(
    "aten." + name
    for name in (
        "argwhere.default",
        "nonzero_numpy.default",
        "repeat_interleave.self_Tensor",
        "where.default",
    )
)
"""Ops that torch makes of such as are tagged, themselves not."""


class Shadows:
    """Does ops again on fake tensors where sizes depend on data, which are symbols there."""

    def __init__(self, on: bool = True) -> None:
        """No fake tensors yet, and none ever if not ``on``: sizes are as they are seen."""
        self._on = on
        self._held: dict[Ref, torch.Tensor] = {}
        self._symbolic: Symbolic | None = None

    def __bool__(self) -> bool:
        """Whether some size of the run depends on data."""
        return bool(self._held)

    def of_call(
        self,
        func: Any,
        args: Any,
        kwargs: Any,
        ref: Callable[[torch.Tensor], Ref],
        seen: Sequence[Any],
    ) -> list[Any]:
        """What a call gives on fake tensors.

        Args:
            func: The op's overload.
            args: Its arguments by position, real tensors.
            kwargs: And by name.
            ref: The Ref of a tensor.
            seen: What it gave on these.

        Returns:
            For each result its fake twin, or itself where no size depends on data, or where torch
            cannot tell without data how it does.
        """
        makes = _may_make_sizes(func)
        if not self._on or not (makes or self._held):
            return list(seen)  # so for almost every call of almost every model
        tensors = [*_tensors((args, kwargs))]
        shadowed = any(ref(one) in self._held for one in tensors) if self._held else False
        if not shadowed and not (makes and _is_by_data(func, tensors)):
            return list(seen)
        self._symbolic = self._symbolic or Symbolic()  # loads sympy
        mode = self._symbolic.fake

        def faked(one: Any) -> Any:
            if isinstance(one, torch.Tensor):
                twin = self._held.get(ref(one))
                return mode.from_tensor(one.detach(), static_shapes=True) if twin is None else twin
            if isinstance(one, dict):
                return {key: faked(part) for key, part in one.items()}
            return type(one)(map(faked, one)) if isinstance(one, list | tuple) else one

        try:
            with mode, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torchvision's own, of how its nms is declared
                made = func(*faked(args), **faked(kwargs))
        except Exception:  # of any kind: an op asks for data, or has no fake kernel
            return list(seen)
        flat = list(made) if isinstance(made, list | tuple) else [made]
        return flat if len(flat) == len(seen) and all(map(_fits, flat, seen)) else list(seen)

    def keep(self, ref: Ref, twin: Any) -> None:
        """Note the fake twin of a result, or that it has none."""
        if is_sized_by_data(twin):
            self._held[ref] = twin
        else:
            self._held.pop(ref, None)


def sized(record: Callable[[Shadows], Made]) -> Made:
    """What a recording gives, its sizes as they are seen where it fails with symbols.

    (A graph may need a size of which no value of it tells; that of one run does not.)
    """
    shadows = Shadows()
    try:
        return record(shadows)
    except Exception:
        if not shadows:
            raise
        return record(Shadows(on=False))


def is_sized_by_data(tensor: Any) -> bool:
    """Whether a tensor is a fake one some size of which is a symbol."""
    return isinstance(tensor, torch.Tensor) and any(type(size) is not int for size in tensor.shape)


@cache
def _may_make_sizes(func: Any) -> bool:
    """Whether an op's results may be as long as its operands' values say."""
    if func.namespace != "aten":
        return True  # a library's own, which tags nothing: torchvision's nms
    return torch.Tag.dynamic_output_shape in func.tags or str(func) in _UNTAGGED


def _is_by_data(func: Any, tensors: Sequence[torch.Tensor]) -> bool:
    """Whether it is so on these operands: what is indexed by numbers is as long as they are."""
    return func._schema.name != "aten::index" or any(it.dtype in _BY_MASK for it in tensors[1:])


def _tensors(one: Any) -> Iterator[torch.Tensor]:
    if isinstance(one, torch.Tensor):
        yield one
    elif isinstance(one, dict):
        for part in one.values():
            yield from _tensors(part)
    elif isinstance(one, list | tuple):
        for part in one:
            yield from _tensors(part)


def _fits(fake: Any, seen: Any) -> bool:
    """Whether a fake result can be what was seen."""
    if not isinstance(fake, torch.Tensor) or not isinstance(seen, torch.Tensor):
        return not isinstance(fake, torch.Tensor) and not isinstance(seen, torch.Tensor)
    if fake.dtype != seen.dtype or fake.dim() != seen.dim():
        return False
    pairs = zip(fake.shape, seen.shape, strict=True)
    return all(a == b for a, b in pairs if type(a) is int)
