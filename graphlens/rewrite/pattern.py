"""Patterns: what a rule looks for, as plain data made by the small functions of this module.

    op("Add", op("Conv", var("x"), param("w"), name="conv"), param("b"))

is the Add whose one operand (either: the engine knows from `ops.facts` that Add commutes) is a
Conv of two operands, and whose other is a weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphlens.tensor import TensorType

CONST_OP, PARAM_OP = "graphlens.Const", "graphlens.Param"

Predicate = Callable[[TensorType, np.ndarray | None], bool]
"""What a leaf may ask of a value: its type, and its array where that is known."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that the match ends at.

    Attributes:
        name: What it is captured as, ``''`` for nothing.
        producers: Qualified ops that may make it; empty for any.
        when: Asked of its type and array.
    """

    name: str = ""
    producers: frozenset[str] = frozenset()
    when: Predicate | None = None


@dataclass(frozen=True, slots=True)
class OpPattern:
    """A node of one of several ops.

    Attributes:
        ops: Qualified ops (``'Conv'``, ``'aten.foo'``).
        operands: One pattern an operand, None if any operands do.
        attributes: Wanted values, or predicates on the value, by name; ONNX's default is looked
            at where a node has none.
        name: What the value is captured as.
        result: Which result of the node is meant.
        kept: Whether others may read it too: then the node stays for them.
    """

    ops: frozenset[str]
    operands: tuple[Pattern, ...] | None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    result: int = 0
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """The first alternative that matches."""

    alternatives: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Maybe:
    """An operand that may be absent."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Rest:
    """All further operands, captured as a tuple."""

    name: str


Pattern = Leaf | OpPattern | Either | Maybe | Rest


def op(
    ops: str | Iterable[str],
    *operands: Pattern,
    name: str = "",
    result: int = 0,
    kept: bool = False,
    **attributes: Any,
) -> OpPattern:
    """A node of an op (or of any of several), with exactly these operands, or any if none is given.

    Args:
        ops: Its qualified op, or several.
        operands: Patterns of its operands, in order; both orders are tried if the op commutes.
        name: What its value is captured as.
        result: Which of its results is meant.
        kept: Allow readers outside of the match.
        attributes: Wanted attribute values, or predicates.
    """
    found = frozenset((ops,) if isinstance(ops, str) else ops)
    return OpPattern(found, operands or None, attributes, name, result, kept)


def var(name: str = "", *, when: Predicate | None = None) -> Leaf:
    """Any value; the same name twice in a pattern is the same value."""
    return Leaf(name, when=when)


def param(name: str = "", *, when: Predicate | None = None) -> Leaf:
    """A weight: a Param or a Const, whether its value is known or not."""
    return Leaf(name, frozenset({PARAM_OP, CONST_OP}), when)


def const(name: str = "", *, when: Predicate | None = None) -> Leaf:
    """A Param or Const whose value is known."""

    def known(held: TensorType, array: np.ndarray | None) -> bool:
        return array is not None and (when is None or when(held, array))

    return Leaf(name, frozenset({PARAM_OP, CONST_OP}), known)


def scalar(value: float | None = None, name: str = "", *, within: float = 1e-6) -> Leaf:
    """A known constant of one element.

    Args:
        value: What it must be, None for any.
        name: What it is captured as.
        within: How far it may be from ``value``, relative to it.
    """

    def fits(_: TensorType, array: np.ndarray | None) -> bool:
        if array is None or array.size != 1 or array.dtype.kind not in "biufV":
            return False
        held = float(array.reshape(()))
        return value is None or abs(held - value) <= within * abs(value)

    return const(name, when=fits)


def either(*alternatives: Pattern) -> Either:
    """Any of several patterns, tried in order."""
    return Either(alternatives)


def optional(pattern: Pattern) -> Maybe:
    """An operand that may be absent; its captures are then absent too."""
    return Maybe(pattern)


def rest(name: str) -> Rest:
    """All further operands of a node; `Match.all` gives them."""
    return Rest(name)


def depth(pattern: Pattern) -> int:
    """How many nodes deep a pattern looks."""
    match pattern:
        case OpPattern(operands=operands):
            return 1 + max(map(depth, operands or ()), default=0)
        case Either(alternatives=alternatives):
            return max(map(depth, alternatives))
        case Maybe(pattern=inner):
            return depth(inner)
        case _:
            return 0
