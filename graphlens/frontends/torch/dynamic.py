"""Which dimensions of a model's inputs are symbolic, and their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from graphlens.errors import CaptureError
from graphlens.frontends.torch.inputs import Arguments

Dims = Mapping[int, str]
"""The name of each symbolic axis of one tensor."""

_LEAST = 2
"""torch takes sizes 0 and 1 for constants, so that a symbol stands for at least this many."""


def dims_of(given: Arguments, dynamic: Any) -> list[Dims]:
    """The symbolic axes of each input tensor, in order.

    Args:
        given: The inputs; those given as types name their axes themselves.
        dynamic: As ``torch.export.export`` takes it, with ``Dim``s or names: for each argument
            (by position or by name) its axes, nested as the argument is.
    """
    if dynamic is None:
        return list(given.dims)
    named = [*zip(given.formals, given.args, strict=True), *given.kwargs.items()]
    found: list[Dims] = []
    for index, (name, one) in enumerate(named):
        found += _walked(one, _child(dynamic, index, name), name)
    return found


def _walked(one: Any, wanted: Any, name: str) -> list[Dims]:
    if isinstance(one, torch.Tensor):
        axes = dict(enumerate(wanted)) if isinstance(wanted, list | tuple) else dict(wanted or {})
        return [{a: _name(dim, f"{name}_{a}") for a, dim in axes.items() if _is_symbol(dim)}]
    if isinstance(one, Mapping):
        pairs: Any = list(one.items())
    elif isinstance(one, list | tuple):
        pairs = list(enumerate(one))
    else:
        return []
    return [
        dims
        for index, (key, part) in enumerate(pairs)
        for dims in _walked(part, _child(wanted, index, key), f"{name}.{key}")
    ]


def _child(wanted: Any, index: int, key: Any) -> Any:
    if isinstance(wanted, Mapping):
        return wanted.get(key)
    if isinstance(wanted, list | tuple):
        return wanted[index] if index < len(wanted) else None
    return None


def _is_symbol(dim: Any) -> bool:
    static = getattr(torch.export.Dim, "STATIC", None)
    return dim is not None and not isinstance(dim, int) and dim is not static


def _name(dim: Any, otherwise: str) -> str:
    return dim if isinstance(dim, str) else getattr(dim, "__name__", otherwise)


def export_dims(given: Arguments, dims: Sequence[Dims]) -> Any:
    """The symbolic axes as torch.export takes them; None if there are none."""
    if not any(dims):
        return None
    places = {
        id(tensor): dict.fromkeys(axes, torch.export.Dim.DYNAMIC)
        for tensor, axes in zip(given.tensors, dims, strict=True)
    }
    args, kwargs = given.mapped(lambda tensor: places[id(tensor)])
    named = [*zip(given.formals, args, strict=True), *kwargs.items()]
    return {name: one if isinstance(one, Mapping | list | tuple) else None for name, one in named}


class Symbolic:
    """Fake tensors whose sizes are symbols, shared by name."""

    def __init__(self) -> None:
        """No symbols yet, in a fake mode of their own."""
        from torch.fx.experimental.symbolic_shapes import ShapeEnv  # loads sympy

        self._env = ShapeEnv()
        self.fake = FakeTensorMode(allow_non_fake_inputs=True, shape_env=self._env)
        self._sizes: dict[str, Any] = {}

    def tensor(self, tensor: torch.Tensor, dims: Dims) -> torch.Tensor:
        """A fake tensor like a real one, the given axes symbolic."""
        sizes = [
            self._size(dims[axis], size) if axis in dims else size
            for axis, size in enumerate(tensor.shape)
        ]
        with self.fake:
            return torch.empty(sizes, dtype=tensor.dtype, device=tensor.device)

    def _size(self, name: str, size: int) -> Any:
        if name not in self._sizes:
            from torch.fx.experimental.symbolic_shapes import DimDynamic, StatelessSymbolicContext

            hint = torch.empty(max(size, _LEAST), device="meta")
            context = StatelessSymbolicContext(dynamic_sizes=[DimDynamic.DYNAMIC])
            made = self.fake.from_tensor(hint, symbolic_context=context)
            self._sizes[name] = made.shape[0]
        return self._sizes[name]

    def check(self) -> None:
        """Fail if the model settled a symbol.

        Raises:
            CaptureError: If it works for one size of a dimension only.
        """
        for name, size in self._sizes.items():
            settled = self._env.replacements.get(size.node._expr)
            if settled is not None and settled.is_number:
                raise CaptureError(
                    f"the dimension {name!r} cannot be symbolic: the model works for {settled} only"
                )
