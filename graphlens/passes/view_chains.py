"""One form for a chain of Reshapes and Transposes: the fewest of them that move what it moves.

Such a chain cuts the elements of its operand into factors, each a run of equal steps, and puts the
factors into another order. Neighbours that stay neighbours are one factor; what is left is the same
for every chain that moves the elements alike (the argument is that of NumPy's shape and strides,
with an order instead of strides so that a size may be a symbol).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import NamedTuple

from graphlens.ir import Graph, Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize_views import reshaped
from graphlens.passes.eliminate_moves import reshape_target
from graphlens.rewrite import Match, Rule, op, rest, var
from graphlens.tensor import Dim, TensorType

_VIEWS = ("Reshape", "Transpose")


@dataclass(frozen=True, slots=True)
class _Factor:
    """A run of elements: its place among the operand's factors, and how many there are."""

    place: tuple[int, ...]
    size: Dim


class _Plan(NamedTuple):
    """What a chain comes to: a shape, a permutation of it, and the shape in the end.

    A shape that changes nothing is None (a scalar's is ()), such a permutation ().
    """

    first: tuple[Dim, ...] | None
    order: tuple[int, ...]
    last: tuple[Dim, ...] | None


def _chain(graph: Graph, root: str) -> list[str]:
    """The Reshapes and Transposes that lead to a node, itself last.

    A Transpose that others read too is where it begins: it is not done twice.
    """
    found = [root]
    while True:
        value = graph.operands(found[-1])[0]
        if value is None or graph.op(value.node) not in _VIEWS:
            break
        if graph.op(value.node) == "Transpose" and graph.out_degree(value.node) > 1:
            break
        found.append(value.node)
    return found[::-1]


def _moved(graph: Graph, chain: Sequence[str]) -> tuple[list[_Factor], list[_Factor]] | None:
    """The factors of the chain's operand, and in the order of its result; None if unknown."""
    source = graph.operands(chain[0])[0]
    shape = None if source is None else graph.type_of(source).shape
    if shape is None or 0 in shape or "?" in shape:
        return None
    dims = [[_Factor((axis,), size)] for axis, size in enumerate(shape)]
    every = {factor.place: factor for (factor,) in dims}
    for name in chain:
        held = graph.nodes[name]
        made = held["results"][0].shape
        if made is None:
            return None
        if held["op"] == "Transpose":
            order = held["attributes"].get("perm", tuple(reversed(range(len(dims)))))
            dims = [dims[axis] for axis in order]
            continue
        cut = _cut([factor for dim in dims for factor in dim], made, every)
        if cut is None:
            return None
        dims = cut
    result = [factor for dim in dims for factor in dim if factor.size != 1]
    first = sorted((f for f in every.values() if f.size != 1), key=lambda factor: factor.place)
    return first, result


def _cut(
    factors: Sequence[_Factor], shape: Sequence[Dim], every: dict[tuple[int, ...], _Factor]
) -> list[list[_Factor]] | None:
    """The factors that make up each axis of a shape, cut where an axis ends within one."""
    left = [factor for factor in factors if factor.size != 1][::-1]
    found: list[list[_Factor]] = []
    for size in shape:
        group: list[_Factor] = []
        while size != 1:
            if not left:
                return None
            factor = left.pop()
            if factor.size == size:
                size = 1
            elif isinstance(size, str) or isinstance(factor.size, str):
                return None
            elif size % factor.size == 0:
                size //= factor.size
            elif factor.size % size == 0:
                factor, after = _halves(factor, size, every)
                left.append(after)
                size = 1
            else:
                return None
            group.append(factor)
        found.append(group)
    return None if left else found


def _halves(
    factor: _Factor, size: int, every: dict[tuple[int, ...], _Factor]
) -> tuple[_Factor, _Factor]:
    """A factor cut in two, the first of a size; both take its place."""
    rest = int(factor.size) // size
    parts = _Factor((*factor.place, 0), size), _Factor((*factor.place, 1), rest)
    del every[factor.place]
    every.update((part.place, part) for part in parts)
    return parts


def _runs(first: Sequence[_Factor], result: Sequence[_Factor]) -> list[list[_Factor]]:
    """The result's factors, those together that follow each other in the operand too."""
    at = {factor: index for index, factor in enumerate(first)}
    found: list[list[_Factor]] = []
    for factor in result:
        if found and at[found[-1][-1]] + 1 == at[factor]:
            found[-1].append(factor)
        else:
            found.append([factor])
    return found


def _axes_of(shape: Sequence[Dim], runs: Sequence[Sequence[_Factor]]) -> list[list[int]] | None:
    """The axes of a shape that make up each run, None where an axis is part of two runs.

    Leading axes of 1 are in none; others go with the axis before them.
    """
    found: list[list[int]] = []
    axis = 0
    while axis < len(shape) and shape[axis] == 1:
        axis += 1
    for run in runs:
        wanted = _size(run)
        axes: list[int] = []
        while axis < len(shape) and (shape[axis] == 1 or _size_of(shape, axes) != wanted):
            axes.append(axis)
            axis += 1
        if _size_of(shape, axes) != wanted:
            return None
        found.append(axes)
    return found


def _size(run: Sequence[_Factor]) -> tuple[int, tuple[str, ...]]:
    return _product([factor.size for factor in run])


def _size_of(shape: Sequence[Dim], axes: Sequence[int]) -> tuple[int, tuple[str, ...]]:
    return _product([shape[axis] for axis in axes])


def _product(sizes: Sequence[Dim]) -> tuple[int, tuple[str, ...]]:
    """A product of sizes: the known part and the symbols, in order."""
    known = prod(size for size in sizes if isinstance(size, int))
    return known, tuple(size for size in sizes if isinstance(size, str))


def _plan(graph: Graph, chain: Sequence[str]) -> _Plan | None:
    """The fewest steps that move what a chain moves, None where that is not known."""
    moved = _moved(graph, chain)
    source = graph.operands(chain[0])[0]
    shape = graph.nodes[chain[-1]]["results"][0].shape
    if moved is None or source is None or shape is None:
        return None
    read = graph.type_of(source).shape or ()
    runs = _runs(*moved)
    if len(runs) < 2:
        return _Plan(None, (), None if read == shape else shape)
    places = [run[0].place for run in runs]
    before = sorted(range(len(runs)), key=lambda index: places[index])
    axes = _axes_of(shape, runs)
    if axes is not None:
        ones = _leading_ones(shape)
        taken = [*ones, *(axis for index in before for axis in axes[index])]
        first = tuple(shape[axis] for axis in taken)
        order = tuple(taken.index(axis) for axis in range(len(shape)))
        return _Plan(None if first == read else first, order, None)
    axes = _axes_of(read, [runs[index] for index in before])
    if axes is not None:
        ones = _leading_ones(read)
        order = (*ones, *(axis for i in range(len(runs)) for axis in axes[before.index(i)]))
        last = tuple(read[axis] for axis in order)
        return _Plan(None, order, None if last == shape else shape)
    if any(len(run) > 1 and _size(run)[1] for run in runs):
        return None
    first = tuple(_one_size(runs[index]) for index in before)
    order = tuple(before.index(index) for index in range(len(runs)))
    return _Plan(first, order, shape)


def _leading_ones(shape: Sequence[Dim]) -> list[int]:
    count = next((axis for axis, size in enumerate(shape) if size != 1), len(shape))
    return list(range(count))


def _one_size(run: Sequence[_Factor]) -> Dim:
    known, symbols = _size(run)
    return symbols[0] if symbols else known


def _steps(graph: Graph, chain: Sequence[str]) -> Iterator[str]:
    """What a chain does, as a plan would be written."""
    for name in chain:
        held = graph.nodes[name]
        if held["op"] == "Transpose":
            rank = held["results"][0].rank or 0
            yield f"T{held['attributes'].get('perm', tuple(reversed(range(rank))))}"
        else:
            yield f"R{held['results'][0].shape}"


def _unsettled(m: Match) -> bool:
    """Whether a chain ends at the root (no other view reads it) that could be shorter."""
    readers = [m.graph.op(user.node) for user in m.graph.users(Value(m.root))]
    if readers and all(reader in _VIEWS for reader in readers):
        return False
    chain = _chain(m.graph, m.root)
    plan = _plan(m.graph, chain)
    if plan is None:
        return False
    wanted = [f"R{plan.first}"] if plan.first is not None else []
    wanted += [f"T{plan.order}"] if plan.order else []
    wanted += [f"R{plan.last}"] if plan.last is not None else []
    if list(_steps(m.graph, chain)) == wanted:
        return False
    types = _types(m, chain, plan)
    return all(
        reshape_target(new, old) is not None or new.rank == 0
        for old, new in pairwise(types)
        if new.shape != old.shape
    )


def _types(m: Match, chain: Sequence[str], plan: _Plan) -> tuple[TensorType, ...]:
    """The type of the chain's operand, and after each part of the plan."""
    source = m.graph.operands(chain[0])[0]
    held = m.type() if source is None else m.graph.type_of(source)
    first = held.with_shape(plan.first) if plan.first is not None else held
    turned = first.with_shape(tuple((first.shape or ())[axis] for axis in plan.order))
    return held, first, turned if plan.order else first, m.type()


def _settled(m: Match, b: Builder) -> Value | None:
    chain = _chain(m.graph, m.root)
    plan = _plan(m.graph, chain)
    value = m.graph.operands(chain[0])[0]
    if plan is None or value is None:
        return None
    _, first, turned, last = _types(m, chain, plan)
    value = reshaped(b, value, first, m.root) or value
    if plan.order:
        value = b.op("Transpose", value, perm=plan.order, results=[turned], name=m.root)
    return reshaped(b, value, last, m.root)


VIEW_CHAINS = (
    Rule(
        "view-chain",
        op(_VIEWS, var("x"), rest("more")),
        _settled,
        when=_unsettled,
        comment="Transpose(Reshape(Transpose(Reshape(x)))) -> Transpose(Reshape(x))",
    ),
)
"""Chains of views."""
