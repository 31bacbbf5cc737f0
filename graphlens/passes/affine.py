"""Reading scales and shifts by channel, and the linear nodes that can take them, from a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphlens.ir import Graph, Value

Array = np.ndarray[Any, np.dtype[Any]]

_WEIGHTS = frozenset({"graphlens.Param", "graphlens.Const"})
_CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})


@dataclass(frozen=True, slots=True)
class Affine:
    """A node that computes ``scale * source + shift`` by channel.

    Attributes:
        name: The node.
        source: What it reads.
        axis: The axis that the numbers go along; None where one number holds for all.
        scale: float64[C] or a scalar.
        shift: float64[C] or a scalar.
        constants: The Params and Consts behind the numbers.
    """

    name: str
    source: Value
    axis: int | None
    scale: Array
    shift: Array
    constants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Linear:
    """A node that multiplies by known weights, and the bias added to it.

    Attributes:
        name: The Conv, ConvTranspose or MatMul.
        weight: The weights' node.
        axis: The axis of its result that the channels lie along.
        bias: The bias' node, ``''`` without one.
        adder: The Add that adds it, ``''`` where the node does itself.
    """

    name: str
    weight: str
    axis: int
    bias: str = ""
    adder: str = ""


def affine_of(graph: Graph, name: str) -> Affine | None:
    """What a BatchNormalization, Mul, Div, Add or Sub does by channel, None if it is not that."""
    held = graph.nodes[name]
    rank = held["results"][0].rank
    if rank is None or not held["results"][0].is_floating:
        return None
    if held["op"] == "BatchNormalization":
        return _norm(graph, name, rank)
    operands = graph.operands(name)
    for source, constant in (operands, operands[::-1]):
        swapped = source is not operands[0]
        if source is None or constant is None or (swapped and held["op"] in ("Sub", "Div")):
            continue
        array = graph.value_of(constant)
        if array is None or graph.op(source.node) in _WEIGHTS:
            continue
        found = _channels(array.shape, rank)
        if found is None or graph.type_of(source) != held["results"][0]:
            return None
        axis = found[0] if found else None
        scale, shift = _numbers(held["op"], array.astype(np.float64).reshape(-1))
        return Affine(name, source, axis, scale, shift, (constant.node,))
    return None


def _channels(shape: tuple[int, ...], rank: int) -> tuple[int, ...] | None:
    """The one axis, in a result of that rank, along which a constant varies; () for none."""
    if len(shape) > rank:
        return None
    axes = tuple(rank - len(shape) + i for i, size in enumerate(shape) if size != 1)
    return axes if len(axes) <= 1 else None


def _numbers(op: str, constant: Array) -> tuple[Array, Array]:
    """Scale and shift of a binary op with a constant on its right."""
    one, zero = np.ones(1), np.zeros(1)
    with np.errstate(divide="ignore"):
        return {
            "Mul": (constant, zero),
            "Div": (one / constant, zero),
            "Add": (one, constant),
            "Sub": (one, -constant),
        }[op]


def _norm(graph: Graph, name: str, rank: int) -> Affine | None:
    held = graph.nodes[name]
    source, *numbers = graph.operands(name)
    arrays = [graph.value_of(value) for value in numbers]
    if (
        source is None
        or held["attributes"].get("training_mode", 0)
        or len(held["results"]) != 1
        or len(arrays) != 4
    ):
        return None
    known = [array.astype(np.float64) for array in arrays if array is not None]
    if len(known) != 4:
        return None
    gamma, beta, mean, variance = known
    epsilon = float(np.float32(held["attributes"].get("epsilon", 1e-5)))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = gamma / np.sqrt(variance + epsilon)
    axis = rank - 1 if held["attributes"].get("data_format") == "NHWC" else min(1, rank - 1)
    constants = tuple(value.node for value in numbers if value is not None)
    return Affine(name, source, axis, scale, beta - mean * scale, constants)


def linear_of(graph: Graph, name: str) -> Linear | None:
    """The linear node of known weights whose result ``name`` gives, with its bias."""
    operands = graph.operands(name)
    if graph.op(name) == "Add":
        for source, bias in (operands, operands[::-1]):
            if source is None or bias is None or graph.op(source.node) != "MatMul":
                continue
            inner = linear_of(graph, source.node)
            held = graph.value_of(bias)
            if inner is None or held is None or len(graph.users(source)) != 1:
                return None
            flat = _channels(held.shape, inner.axis + 1)
            along = flat is not None and flat in ((), (inner.axis,))
            return Linear(inner.name, inner.weight, inner.axis, bias.node, name) if along else None
        return None
    if graph.op(name) not in _CONVOLUTIONS | {"MatMul"} or len(operands) < 2:
        return None
    weight, bias = operands[1], operands[2] if len(operands) > 2 else None
    held = graph.nodes[name]
    rank = held["results"][0].rank
    array = graph.value_of(weight)
    if weight is None or array is None or rank is None or array.ndim < 2:
        return None
    if bias is not None and graph.value_of(bias) is None:
        return None
    if held["op"] == "MatMul":
        return Linear(name, weight.node, rank - 1) if array.ndim == 2 else None
    axis = rank - 1 if held["attributes"].get("data_format") == "NHWC" else 1
    return Linear(name, weight.node, axis, bias.node if bias else "")
