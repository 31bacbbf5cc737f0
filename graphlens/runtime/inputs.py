"""Example inputs for a graph: seeded, of the right types, and valid as what they are used for."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from graphlens.errors import RunError
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.runtime.limits import LARGEST
from graphlens.tensor import Dim, TensorType

KINDS = ("ordinary", "edges", "zeros", "wide")
"""What `example_inputs` can make of floats: uniform in [-1, 1); with special values among them;
all zero; normal with a standard deviation of 30."""

_WIDTH = 4
"""How often an example is in memory while it is made: as float64, with special values ..."""

_SMALLEST = 2
"""Size given to the first symbol; the next ones get 3, 4 ... so that no two are mixed up."""

_EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1e-3, -1e-3, 1e-30, -1e-30, 10.0, -10.0, 100.0, -100.0)

_PASSES_ON = frozenset({"Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"}) | {
    *("Transpose", "Slice", "Concat", "Expand", "Split", "Tile", "Gather", "Where", "Min", "Max")
}
"""Ops whose results hold values of their operand as they were."""

_INDICES = {"Gather": 1, "GatherElements": 1, "ScatterElements": 1, "GatherND": 1, "ScatterND": 1}


SIZES = (0, 16, 64, 224)
"""Sizes of symbols to try in turn, for images have a smallest size that nothing tells; 0 is 2, 3,
4 ..., so that no two symbols are mixed up."""


def example_inputs(graph: Graph, seed: int = 0, kind: str = "ordinary", size: int = 0) -> list[Any]:
    """An array for each Input of the graph; the same for the same seed and types.

    A sequence is a list of two. Integers that index something stay inside of it; those called a
    mask, and booleans, are 0 or 1 with a 1 at the start of each row, so that no row is masked out
    as a whole. A symbol is the same small size wherever it stands.

    Args:
        graph: What will be run.
        seed: Chooses the numbers.
        kind: One of `KINDS`.
        size: The size of symbols that are no first axis (a batch), one of `SIZES`.

    Raises:
        RunError: If the type of an Input is not known, or it is too large for this machine.
    """
    types = [graph.type_of(Value(name)) for name in graph.inputs]
    sizes = symbol_sizes(types, size)
    made: list[Any] = []
    for index, (name, held) in enumerate(zip(graph.inputs, types, strict=True)):
        if held.shape is None and held.dtype.startswith("optional_of_"):
            made.append(None)
            continue
        if held.shape is None or held.dtype == "undefined":
            raise RunError(f"input {name!r} is {held}: no example can be made of an unknown type")
        shape = tuple(size_of(dim, sizes) for dim in held.shape)
        if size:
            shape = tuple(size if i and held.shape[i] == "?" else it for i, it in enumerate(shape))
        if (held.with_shape(shape).nbytes or 0) * _WIDTH > LARGEST:
            raise RunError(f"input {name!r} is {held}: an example does not fit into the memory")
        numbers = np.random.default_rng((seed, index))
        bound = _bound(graph, Value(name), sizes) if held.dtype.startswith(("int", "uint")) else 0
        made.append(_example(name, held.with_shape(shape), numbers, kind, bound))
    return made


def symbol_sizes(types: list[TensorType], size: int = 0) -> dict[str, int]:
    """A size for each symbol in the types, in order of appearance (see `example_inputs`)."""
    sizes: dict[str, int] = {}
    for held in types:
        for axis, dim in enumerate(held.shape or ()):
            for symbol in _symbols(dim) if isinstance(dim, str) else ():
                small = _SMALLEST + len(sizes)
                sizes.setdefault(symbol, size if size and axis else small)
    return sizes


def size_of(dim: Dim, sizes: Mapping[str, int]) -> int:
    """A dimension with its symbols replaced; 2 where it is no expression that can be worked out."""
    if isinstance(dim, int):
        return dim
    try:
        return max(1, int(_evaluate(ast.parse(dim, mode="eval").body, sizes)))
    except (SyntaxError, ValueError, KeyError, TypeError, ZeroDivisionError, RecursionError):
        return sizes.get(dim, _SMALLEST)


def _symbols(dim: str) -> list[str]:
    try:
        names = [n.id for n in ast.walk(ast.parse(dim, mode="eval")) if isinstance(n, ast.Name)]
    except (SyntaxError, ValueError, RecursionError):
        return [dim] if dim != "?" else []
    return names


_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.floordiv,
    ast.Mod: operator.mod,
}


def _evaluate(tree: ast.expr, sizes: Mapping[str, int]) -> int:
    match tree:
        case ast.Constant(value=int(number)):
            return number
        case ast.Name(id=name):
            return sizes[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_evaluate(inner, sizes)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _ARITHMETIC[type(op)](_evaluate(left, sizes), _evaluate(right, sizes))
        case ast.Call(func=ast.Name(id="max" | "Max"), args=arguments):
            return max(_evaluate(item, sizes) for item in arguments)
        case ast.Call(func=ast.Name(id="min" | "Min"), args=arguments):
            return min(_evaluate(item, sizes) for item in arguments)
        case _:
            raise ValueError(ast.unparse(tree))


def _example(
    name: str, given: TensorType, numbers: np.random.Generator, kind: str, bound: int
) -> Any:
    wrapper, _, inner = given.dtype.partition("_of_")
    if inner:
        made = _example(name, given.with_dtype(inner), numbers, kind, bound)
        return made if wrapper == "optional" else [made, made]
    dtype, shape = given.dtype, tuple(dim for dim in given.shape or () if isinstance(dim, int))
    if dtype == "string":
        return numbers.choice(np.array(["a", "b", "c"], object), shape)
    held = np.dtype(dtype)
    if dtype == "bool" or (not bound and "mask" in name.lower() and held.kind in "iu"):
        return _mask(shape, numbers).astype(held)
    if dtype.startswith(("int", "uint")):
        high = bound or _high(dtype)
        ones = np.zeros(shape) if kind == "zeros" else numbers.integers(0, high, shape)
        return ones.astype(held)
    real = _floats(shape, numbers, kind)
    if held.kind == "c":
        return (real + 1j * _floats(shape, numbers, kind)).astype(held)
    return real.astype(held)


def _high(dtype: str) -> int:
    """One more than the largest example of an integer that indexes nothing we know of."""
    return {"uint8": 256, "int8": 128, "int2": 2, "uint2": 4}.get(dtype, 8)


def _mask(shape: tuple[int, ...], numbers: np.random.Generator) -> np.ndarray:
    made = np.asarray(numbers.integers(0, 2, shape))
    if made.ndim:
        made[..., :1] = 1
    return made


def _floats(shape: tuple[int, ...], numbers: np.random.Generator, kind: str) -> np.ndarray:
    if kind == "zeros":
        return np.zeros(shape)
    if kind == "wide":
        return numbers.normal(0.0, 30.0, shape)
    made = np.asarray(numbers.uniform(-1.0, 1.0, shape))
    if kind == "edges":
        chosen = numbers.random(shape) < 0.2
        made = np.where(chosen, numbers.choice(np.array(_EDGES), shape), made)
    return made


def _bound(graph: Graph, value: Value, sizes: Mapping[str, int]) -> int:
    """The smallest axis that the value indexes, through ops that pass it on; 0 if none."""
    found: list[int] = []
    waiting, seen = [(graph, value)], set[tuple[int, Value]]()
    while waiting:
        held, reading = waiting.pop()
        if (id(held), reading) in seen:
            continue
        seen.add((id(held), reading))
        for reader, operand in held.users(reading):
            op = held.op(reader)
            if _INDICES.get(op) == operand:
                found += [size_of(dim, sizes) for dim in _indexed(held, reader)]
            elif held.nodes[reader]["regions"]:
                waiting += _inside(held, reader, operand)
            elif op in _PASSES_ON:
                results = range(len(held.nodes[reader]["results"]))
                waiting += [(held, Value(reader, index)) for index in results]
    return min(found, default=0)


def _inside(graph: Graph, reader: str, operand: int) -> Iterator[tuple[Graph, Value]]:
    """The inputs of a node's bodies that take one of its operands; an If's own is its first."""
    place = operand - (graph.op(reader) == "If")
    for body in graph.nodes[reader]["regions"].values():
        if 0 <= place < len(body.inputs):
            yield body, Value(body.inputs[place])


def _indexed(graph: Graph, reader: str) -> Iterator[Dim]:
    """The axes of a node's first operand that its second one indexes."""
    data = graph.operands(reader)[0]
    shape = graph.type_of(data).shape if data is not None else None
    if not shape:
        return
    if graph.op(reader).endswith("ND"):
        yield from shape
        return
    axis = graph.nodes[reader]["attributes"].get("axis", 0)
    if isinstance(axis, int) and -len(shape) <= axis < len(shape):
        yield shape[axis]
