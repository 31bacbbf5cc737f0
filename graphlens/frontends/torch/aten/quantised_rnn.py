"""Rows of the aten table: recurrent layers and cells quantised as they run (``quantize_dynamic``).

A step quantises the state that it is given by that state's own extremes, so that a layer is no
LSTM or GRU of ONNX's but a Scan over its steps; the products with the sequence are made before it,
as torch makes them (``FullLayer`` and ``QuantizedCellParamsDynamic`` of ATen's RNN.cpp). Weights
kept in float16 are those of an ordinary layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from graphlens.frontends.torch.aten.quantised import dynamic_product
from graphlens.frontends.torch.aten.rnn import recurrent, rows
from graphlens.frontends.torch.call import Call, row
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.build import Builder


@row("quantized_lstm.input")
def _lstm(call: Call, x: Value, states: Sequence[Value], params: Any, *rest: Any) -> Any:
    return _layers(call, "LSTM", x, states, params, rest[:6])


@row("quantized_gru.input")
def _gru(call: Call, x: Value, state: Value, params: Any, *rest: Any) -> Any:
    return _layers(call, "GRU", x, [state], params, rest[:6])


@row("quantized::quantized_lstm_cell_dynamic")
def _lstm_cell(call: Call, x: Value, states: Sequence[Value], *weights: Any) -> list[Value]:
    return _cell(call, "LSTM", x, states, weights)


@row("quantized::quantized_gru_cell_dynamic")
def _gru_cell(call: Call, x: Value, state: Value, *weights: Any) -> list[Value]:
    return _cell(call, "GRU", x, [state], weights)


@row("quantized::quantized_rnn_tanh_cell_dynamic", "quantized::quantized_rnn_relu_cell_dynamic")
def _rnn_cell(call: Call, x: Value, state: Value, *weights: Any) -> list[Value]:
    return _cell(call, "Relu" if "relu" in call.op else "Tanh", x, [state], weights)


def _cell(
    call: Call, op: str, x: Value, states: Sequence[Value], weights: Sequence[Any]
) -> list[Value]:
    """A step by itself; its packed weights have the biases, which are given once more."""
    gates = dynamic_product(call, x, weights[0], reduce_range=True)
    return _STEPS[op](call, gates, states, dynamic_product(call, states[0], weights[1], True))


def _layers(
    call: Call, op: str, x: Value, states: Sequence[Value], params: Sequence[Any], rest: Any
) -> Any:
    cells = [_Cell.of(one) for one in params]
    if any(cell is None for cell in cells) or call.rank(x) != 3:
        return NotImplemented
    if all(cell.is_plain for cell in cells):
        plain = [call.const(one) for cell in cells for one in cell.arrays()]
        return recurrent(call, op, x, states, plain, *rest)
    _, layers, dropout, train, bidirectional, batch_first = rest
    if dropout and train and layers > 1:
        return NotImplemented
    directions = 2 if bidirectional else 1
    x = call.permuted(x, (1, 0, 2)) if batch_first else x
    last: list[list[Value]] = []
    for index, cell in enumerate(cells):
        mine = [_state(call, state, index, len(cells)) for state in states]
        if index % directions == 0:
            given, made = x, []
        sequence, *ends = _scan(call, op, given, mine, cell, index % directions == 1)
        made.append(sequence)
        last.append(ends)
        if len(made) == directions:
            x = made[0] if directions == 1 else call.step("Concat", *made, axis=2)
    joined = [_stacked(call, ends) for ends in zip(*last, strict=True)]
    return call.permuted(x, (1, 0, 2) if batch_first else (0, 1, 2)), *joined


def _state(call: Call, state: Value, index: int, count: int) -> Value:
    """The first state of one direction of one layer, [batch, width]."""
    return call.step("Squeeze", rows(call, state, index, 1, count), call.const([0]))


def _stacked(call: Call, ends: Sequence[Value]) -> Value:
    spread = [call.step("Unsqueeze", one, call.const([0])) for one in ends]
    return spread[0] if len(spread) == 1 else call.step("Concat", *spread, axis=0)


@dataclass(frozen=True, slots=True)
class _Cell:
    """The weights of one direction of one layer.

    Attributes:
        packed: Those for the sequence and for the state, as torch packs them.
        reduce_range: Whether operands are quantised to 7 bits.
        is_plain: Whether they are no integers, but kept in float16.
    """

    packed: Sequence[Any]
    reduce_range: bool
    is_plain: bool

    @classmethod
    def of(cls, params: Any) -> _Cell | None:
        """What an object of torch's holds (``CellParamsBase``, by what it would be pickled as)."""
        with torch._C._DisableTorchDispatch():
            (kind, _, _, numbers, packed), *_ = params.__getstate__()
        if kind == "quantized_dynamic":
            return cls(packed, bool(numbers[0]), False)
        return cls(packed, False, True) if kind == "quantized_fp16" else None

    def arrays(self) -> list[np.ndarray]:
        """Weights and biases, in the order of an ordinary layer's."""
        with torch._C._DisableTorchDispatch():
            pairs = [torch.ops.quantized.linear_unpack_fp16(one) for one in self.packed]
            flat = [pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1]]
            return [one.detach().numpy() for one in flat]


def _scan(
    call: Call, op: str, x: Value, states: Sequence[Value], cell: _Cell, backwards: bool
) -> list[Value]:
    """One direction of a layer: its sequence [length, batch, width] and its last states."""
    gates = dynamic_product(call, x, cell.packed[0], cell.reduce_range)
    body = Graph(name="body")
    build = Builder(body)
    build.scope, build.source = call.build.scope, call.build.source
    inner = Call(build, call.op, "step", ())
    given = [inner.build.input(f"state_{i}", call.type(one)) for i, one in enumerate(states)]
    cut = call.type(gates)
    own = inner.build.input("gates", cut.with_shape((cut.shape or ())[1:]))
    product = dynamic_product(inner, given[0], cell.packed[1], cell.reduce_range)
    ends = _STEPS[op](inner, own, given, product)
    inner.build.output([*ends, ends[0]])
    length = (cut.shape or (0,))[0]
    held = [call.type(one) for one in states]
    sequence = held[0].with_shape((length, *(held[0].shape or ())))
    first = call.build.op(
        "Scan", *states, gates, results=[*held, sequence], regions={"body": body}, name=call.name,
        num_scan_inputs=1, scan_input_directions=(int(backwards),),
        scan_output_directions=(int(backwards),),
    )  # fmt: skip
    return [Value(first.node, len(held)), *(Value(first.node, i) for i in range(len(held)))]


def _parts(call: Call, gates: Value, count: int) -> list[Value]:
    first = call.step("Split", gates, count=count, axis=-1, num_outputs=count)
    return [Value(first.node, index) for index in range(count)]


def _lstm_step(call: Call, x: Value, states: Sequence[Value], h: Value) -> list[Value]:
    taken, forgotten, new, out = _parts(call, call.step("Add", h, x), 4)
    kept = call.step("Mul", call.step("Sigmoid", forgotten), states[1])
    added = call.step("Mul", call.step("Sigmoid", taken), call.step("Tanh", new))
    cell = call.step("Add", kept, added)
    return [call.step("Mul", call.step("Sigmoid", out), call.step("Tanh", cell)), cell]


def _gru_step(call: Call, x: Value, states: Sequence[Value], h: Value) -> list[Value]:
    pairs = zip(_parts(call, x, 3), _parts(call, h, 3), strict=True)
    (reset_x, reset_h), (kept_x, kept_h), (new_x, new_h) = pairs
    reset = call.step("Sigmoid", call.step("Add", reset_h, reset_x))
    kept = call.step("Sigmoid", call.step("Add", kept_h, kept_x))
    new = call.step("Tanh", call.step("Add", new_x, call.step("Mul", new_h, reset)))
    change = call.step("Mul", call.step("Sub", states[0], new), kept)
    return [call.step("Add", change, new)]


def _tanh_step(call: Call, x: Value, states: Sequence[Value], h: Value) -> list[Value]:
    return [call.step("Tanh", call.step("Add", h, x))]


def _relu_step(call: Call, x: Value, states: Sequence[Value], h: Value) -> list[Value]:
    return [call.step("Relu", call.step("Add", h, x))]


_STEPS: dict[str, Callable[[Call, Value, Sequence[Value], Value], list[Value]]] = {
    "LSTM": _lstm_step,
    "GRU": _gru_step,
    "Tanh": _tanh_step,
    "Relu": _relu_step,
}
"""What a step makes of the products with the sequence, the states, and the products with them."""
