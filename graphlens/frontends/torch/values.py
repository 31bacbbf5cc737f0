"""The values of a TorchScript program: nested containers flattened, what was never set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class _Unset:
    """A variable that one branch leaves unset."""

    def __repr__(self) -> str:
        return "unset"


UNSET = _Unset()


def leaves_of(one: Any) -> tuple[list[Any], Any]:
    """The leaves of nested lists, tuples and dicts, and the form that they had."""
    if isinstance(one, list | tuple):
        parts = [leaves_of(part) for part in one]
        shape = (type(one).__name__, *(shape for _, shape in parts))
        return [leaf for leaves, _ in parts for leaf in leaves], shape
    if isinstance(one, dict):
        parts = [leaves_of(part) for part in one.values()]
        shape = ("dict", tuple(one), *(shape for _, shape in parts))
        return [leaf for leaves, _ in parts for leaf in leaves], shape
    return [one], "leaf"


def rebuilt(leaves: Sequence[Any], shape: Any) -> Any:
    """What `leaves_of` took apart."""
    return _rebuilt(iter(leaves), shape)


def _rebuilt(leaves: Any, shape: Any) -> Any:
    if shape == "leaf":
        return next(leaves)
    if shape[0] == "dict":
        return {key: _rebuilt(leaves, part) for key, part in zip(shape[1], shape[2:], strict=True)}
    parts = [_rebuilt(leaves, part) for part in shape[1:]]
    return tuple(parts) if shape[0] == "tuple" else parts


def as_number(one: Any) -> bool | int | float | None:
    """A plain number, or None if it is none."""
    return one if isinstance(one, bool | int | float) else None
