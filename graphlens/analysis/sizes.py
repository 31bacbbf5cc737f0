"""Bytes of every value, with sizes given for symbolic dimensions."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping

from graphlens.errors import GraphError
from graphlens.ir.graph import Graph
from graphlens.ir.node import INPUT, OURS, STRUCTURAL, Value
from graphlens.tensor import Dim, TensorType

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_SHOWN = 5
_WORD = re.compile(r"[A-Za-z_]\w*")


def value_sizes(graph: Graph, symbols: Mapping[str, int] | None = None) -> dict[Value, int]:
    """Bytes of every value that a run holds: graph inputs and computed results, weights apart.

    Args:
        graph: The graph.
        symbols: Sizes of symbolic dimensions (``{'N': 1}``); expressions of them are worked out.

    Raises:
        GraphError: Naming the values whose size is not known.
    """
    found: dict[Value, int] = {}
    unknown: dict[str, TensorType] = {}
    for name, held in graph.nodes.items():
        if held["domain"] == OURS and held["op"] in STRUCTURAL - {INPUT}:
            continue
        for index, result in enumerate(held["results"]):
            nbytes = bound(result, symbols or {}).nbytes
            if nbytes is None:
                unknown.setdefault(name, result)
            else:
                found[Value(name, index)] = nbytes
    if unknown:
        raise GraphError(_unknown_sizes(unknown, symbols or {}))
    return found


def _unknown_sizes(unknown: Mapping[str, TensorType], symbols: Mapping[str, int]) -> str:
    shown = "; ".join(f"{name!r}: {held}" for name, held in [*unknown.items()][:_SHOWN])
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    dims = [dim for held in unknown.values() for dim in held.shape or () if isinstance(dim, str)]
    words = sorted({word for dim in dims for word in _WORD.findall(dim)} - symbols.keys())
    given = f"symbols={{{', '.join(f'{word!r}: 1' for word in words)}}}"
    return (
        f"memory cannot be planned: the size is not known of {shown}{more}. "
        + (f"Give sizes of the symbols, as in {given}, or capture" if words else "Capture")
        + " with fixed shapes, or take the sizes of one run: specialize(graph, *inputs)"
    )


def bound(held: TensorType, symbols: Mapping[str, int]) -> TensorType:
    """A type with known symbols replaced by their sizes."""
    if held.shape is None or held.is_static:
        return held
    return held.with_shape(tuple(_dim(dim, symbols) for dim in held.shape))


def _dim(dim: Dim, symbols: Mapping[str, int]) -> Dim:
    if isinstance(dim, int):
        return dim
    try:
        return _evaluated(ast.parse(dim, mode="eval").body, symbols)
    except (SyntaxError, KeyError, ValueError, ZeroDivisionError, RecursionError):
        return dim


def _evaluated(expression: ast.expr, symbols: Mapping[str, int]) -> int:
    match expression:
        case ast.Constant(value=int(number)):
            return number
        case ast.Name(id=word):
            return symbols[word]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluated(operand, symbols)
        case ast.BinOp(left=left, op=made, right=right) if type(made) in _OPERATORS:
            return _OPERATORS[type(made)](_evaluated(left, symbols), _evaluated(right, symbols))
        case _:
            raise ValueError(ast.unparse(expression))
