"""Tensors that alias: a write through one is seen by all, in a graph where nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphlens.errors import CaptureError
from graphlens.frontends.torch.aten.places import (
    added,
    diagonal_places,
    narrow_places,
    places,
    put_at,
)
from graphlens.frontends.torch.call import TABLE, Call, Symbolic
from graphlens.ir.node import Value
from graphlens.ops.build import Builder

_RESHAPES = frozenset(
    [
        "view",
        "view_as",
        "unsqueeze",
        "squeeze",
        "unflatten",
        "reshape",
        "reshape_as",
        "flatten",
        "ravel",
        "_reshape_alias",
        "_unsafe_view",
        "atleast_1d",
        "atleast_2d",
    ]
)
_PERMUTES = frozenset(
    [
        "transpose",
        "permute",
        "t",
        "numpy_T",
        "mT",
        "mH",
        "adjoint",
        "movedim",
        "swapaxes",
        "swapdims",
    ]
)
_SAME = frozenset(
    ["detach", "alias", "contiguous", "to", "type_as", "lift_fresh", "expand", "expand_as"]
)
_PARTS = frozenset(
    ["slice", "select", "narrow", "split", "chunk", "unbind", "split_with_sizes", "tensor_split"]
)
_OTHERS = frozenset(
    """
    diagonal unfold broadcast_to real imag view_as_real view_as_complex as_strided
    """.split()  # noqa: SIM905
)

MAYBE = frozenset(["reshape", "reshape_as", "flatten", "ravel", "contiguous", "to", "type_as"])
"""Ops that return a view of their operand or a copy, by how it lies in memory."""
SURELY = (_RESHAPES | _PERMUTES | _SAME | _PARTS | _OTHERS) - MAYBE
"""Ops that always return a view."""


@dataclass(slots=True)
class View:
    """How a tensor is a part of another.

    Attributes:
        base: The tensor whose memory it lies in.
        index: Which result of the op it is.
        again: Makes the op's results from a new value of the base.
        op: The op's name.
        arguments: Its arguments by name.
        build: The builder to write with.
        symbolic: Makes values of symbolic sizes.
    """

    base: Ref
    index: int
    again: Callable[[Value], list[Value]]
    op: str
    arguments: dict[str, Any]
    build: Builder
    symbolic: Symbolic | None = None


class Ref:
    """A tensor variable of the program: the value that it holds now.

    A write to a tensor makes a new value of its base too, and every other view of that base is
    made again when it is next read, as torch's functionalization does (arXiv 2112.08429 has the
    idea; the code followed is ``FunctionalStorageImpl``).
    """

    __slots__ = ("_seen", "_value", "_version", "_view")

    def __init__(self, value: Value, view: View | None = None) -> None:
        """A tensor holding ``value``."""
        self._value = value
        self._view = view
        self._version = 0
        self._seen = self._root()._version

    @property
    def is_view(self) -> bool:
        """Whether it lies in the memory of another."""
        return self._view is not None

    def read(self) -> Value:
        """Its value as it is now."""
        view = self._view
        if view is not None and self._seen != self._root()._version:
            self._value = view.again(view.base.read())[view.index]
            self._seen = self._root()._version
        return self._value

    def write(self, value: Value) -> None:
        """Give it, and whatever shares its memory, a new value."""
        view = self._view
        if view is not None:
            view.base.write(_put_back(view, view.base.read(), value))
        else:
            self._version += 1
        self._value = value
        self._seen = self._root()._version

    def bases(self) -> list[Value]:
        """The values now of it and of the tensors that it is a part of."""
        view = self._view
        return [self.read()] if view is None else [self.read(), *view.base.bases()]

    def shows(self, other: Ref) -> bool:
        """Whether both are the same part of the same tensor, so that a copy changes nothing."""
        one, two = self._view, other._view
        if self is other or one is None or two is None:
            return self is other
        if (one.op, one.index) != (two.op, two.index) or not one.base.shows(two.base):
            return False
        return list(one.arguments.values())[1:] == list(two.arguments.values())[1:]

    def _root(self) -> Ref:
        ref = self
        while ref._view is not None:
            ref = ref._view.base
        return ref


def _put_back(view: View, base: Value, part: Value) -> Value:
    """The base with the part that the view shows replaced."""
    held = view.build.type_of(base)
    call = Call(view.build, view.op, f"{part.node}.write", [held], view.symbolic)
    if view.op in _PERMUTES:
        order = _order(view, base)
        return call.emit("Transpose", part, perm=tuple(int(i) for i in np.argsort(order)))
    if view.op in _RESHAPES and held.is_static:
        return call.emit("Reshape", part, call.ints(held.shape or ()))
    if view.op in _RESHAPES:
        return call.emit("Reshape", part, call.step("Shape", base))
    if view.op in _SAME and view.build.type_of(part) == held:
        return part
    if view.op == "diagonal":
        return _put_diagonal(view, call, base, part)
    put = _put_part(view, call, base, part) if view.op in _PARTS else None
    if put is not None and put is not NotImplemented:
        return put
    raise CaptureError(
        f"a write into a view made by aten.{view.op} (into {part.node!r}) cannot be captured; "
        "clone() the view before writing into it"
    )


def _order(view: View, base: Value) -> tuple[int, ...]:
    (made, *_) = view.again(base)
    perm = view.build.graph.node(made.node).attributes.get("perm")
    return tuple(range(len(perm))) if not isinstance(perm, tuple) else perm  # type: ignore[return-value]


def _put_diagonal(view: View, call: Call, base: Value, part: Value) -> Value:
    given = view.arguments
    axes = [call.axis(base, given[name]) for name in ("dim1", "dim2")]
    rest = [axis for axis in range(call.rank(base)) if axis not in axes]
    order = [*axes, *rest]
    where = diagonal_places(call, call.shape(part)[-1], given["offset"])
    last = len(rest)
    turned = call.permuted(part, (last, *range(last)))
    put = call.step("ScatterND", call.permuted(base, order), where, turned)
    return call.emit("Transpose", put, perm=tuple(int(i) for i in np.argsort(order)))


def _put_part(view: View, call: Call, base: Value, part: Value) -> Value:
    given = view.arguments
    dim = given.get("dim", 0)
    axis = call.axis(base, dim if isinstance(dim, int) else 0)
    if view.op == "select":
        return TABLE["select_scatter"](call, base, part, axis, given["index"])
    if view.op == "unbind":
        return TABLE["select_scatter"](call, base, part, axis, view.index)
    if view.op == "slice":
        bounds = given["start"], given["end"], given["step"]
        return TABLE["slice_scatter"](call, base, part, axis, *bounds)
    if view.op == "narrow":
        start, length = given["start"], given["length"]
        if not isinstance(start, int) or start < 0:
            return put_at(call, base, part, axis, narrow_places(call, base, axis, start, length))
        return TABLE["slice_scatter"](call, base, part, axis, start, start + length, 1)
    sizes = [call.shape(one)[axis] for one in (*view.again(base)[: view.index], part)]
    if not all(isinstance(size, int) for size in sizes):
        first, last = added(call, sizes[:-1]), added(call, sizes)
        return put_at(call, base, part, axis, places(call, base, axis, (first, last, 1)))
    end = sum(int(size) for size in sizes)
    start = end - int(sizes[-1])
    return TABLE["slice_scatter"](call, base, part, axis, start, end, 1)
