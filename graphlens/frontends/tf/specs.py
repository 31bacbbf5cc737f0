"""What a TensorFlow graph is fed, by place and by name, and how its calls are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphlens.errors import CaptureError, unknown_name
from graphlens.frontends.input_types import DynamicShapes, named_sizes, type_given, with_symbols
from graphlens.frontends.tf.types import type_of
from graphlens.tensor import TensorType


@dataclass(frozen=True)
class Feeds:
    """What a model is fed, as `tf.graph.capture` takes it.

    Attributes:
        inputs: Values or types by place.
        named: The same by name.
        dynamic: Symbols for axes of the inputs.
        calls: What becomes of calls of functions, one of `CALLS`.
    """

    inputs: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    dynamic: DynamicShapes = None
    calls: str = "scopes"

    def __post_init__(self) -> None:
        """Refuse what is none of `CALLS`."""
        if self.calls not in CALLS:
            raise unknown_name("way to write calls", self.calls, CALLS)


CALLS = ("scopes", "inline")
"""A call's ops in a scope of the function's name, or among the caller's own."""


def fitted(tensor: Any, given: Any | None, name: str, asked: Mapping[int, str]) -> TensorType:
    """The type of a graph's input: that of the input given for it, or its own with symbols.

    Raises:
        CaptureError: If what is given does not fit.
    """
    own = type_of(tensor)
    if given is None:
        return named_sizes(with_symbols(own, asked), name)
    held = type_given(given)
    if held.dtype != own.dtype or not _fits(held, own):
        raise CaptureError(f"input {name!r} takes {own}, not the {held} given")
    return with_symbols(held, asked)


def _fits(held: TensorType, own: TensorType) -> bool:
    """Whether a shape is one that another with open sizes allows."""
    if held.shape is None or own.shape is None:
        return True
    pairs = zip(held.shape, own.shape, strict=False)
    known = ((a, b) for a, b in pairs if isinstance(a, int) and isinstance(b, int))
    return held.rank == own.rank and all(a == b for a, b in known)
