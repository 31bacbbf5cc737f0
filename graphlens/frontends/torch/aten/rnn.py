"""Rows of the aten table: recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value

_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""Which of torch's gates stands at each place of ONNX's: torch has i f g o and r z n, ONNX i o f c
and z r h."""


@dataclass(frozen=True, slots=True)
class _Layers:
    """What all layers of one call have in common."""

    call: Call
    op: str
    params: Sequence[Value]
    biased: bool
    directions: int
    attributes: dict[str, Any]

    def weights(self, layer: int) -> list[Value]:
        """ONNX's W, R and B of a layer, its directions stacked."""
        each = 4 if self.biased else 2
        start = layer * self.directions * each
        sides = [self.params[start + d * each :][:each] for d in range(self.directions)]
        stacked = [self._stacked([self._gates(side[i]) for side in sides]) for i in (0, 1)]
        if not self.biased:
            return stacked
        biases = [
            self.call.step("Concat", self._gates(side[2]), self._gates(side[3]), axis=0)
            for side in sides
        ]
        return [*stacked, self._stacked(biases)]

    def _gates(self, weight: Value) -> Value:
        order = _GATES[self.op]
        if len(order) == 1:
            return weight
        first = self.call.step("Split", weight, count=len(order), axis=0, num_outputs=len(order))
        return self.call.step("Concat", *(Value(first.node, i) for i in order), axis=0)

    def _stacked(self, parts: Sequence[Value]) -> Value:
        spread = [self.call.step("Unsqueeze", one, self.call.const([0])) for one in parts]
        return spread[0] if len(spread) == 1 else self.call.step("Concat", *spread, axis=0)

    def run(self, layer: int, x: Value, states: Sequence[Value]) -> list[Value]:
        """A layer's sequence [length, batch, width] and its last states."""
        call = self.call
        weights = [*self.weights(layer), None, None][:3]
        name = f"{call.name}.layer{layer}"
        first = call.build.op(
            self.op, x, *weights, None, *states, results=1 + len(states), name=name,
            direction="bidirectional" if self.directions == 2 else None, **self.attributes,
        )  # fmt: skip
        length, _, batch, width = call.shape(first)
        turned = call.permuted(first, (0, 2, 1, 3))
        joined = int(width) * self.directions
        held = call.type(first).with_shape((length, batch, joined))
        sequence = call.reshape(turned, (length, batch, joined), held)
        return [sequence, *(Value(first.node, 1 + i) for i in range(len(states)))]


def recurrent(call: Call, op: str, x: Value, states: Sequence[Value], *rest: Any) -> Any:
    """The results of a recurrent layer: its sequence, then its last states."""
    params, biased, layers, dropout, train, bidirectional, batch_first = rest
    if (dropout and train and layers > 1) or call.rank(x) != 3 or len(call.types) > len(states) + 1:
        return NotImplemented
    directions = 2 if bidirectional else 1
    hidden = call.shape(states[0])[-1]
    if len(params) != layers * directions * (4 if biased else 2):
        return NotImplemented  # an LSTM with projections
    attributes: dict[str, Any] = {"hidden_size": int(hidden)}
    if op == "GRU":
        attributes["linear_before_reset"] = 1
    if call.op.startswith("rnn_relu"):
        attributes["activations"] = ("Relu",) * directions
    every = _Layers(call, op, params, biased, directions, attributes)
    x = call.permuted(x, (1, 0, 2)) if batch_first else x
    last: list[list[Value]] = []
    for layer in range(layers):
        mine = [rows(call, state, layer * directions, directions, layers) for state in states]
        x, *ends = every.run(layer, x, mine)
        last.append(ends)
    joined = [
        ends[0] if layers == 1 else call.step("Concat", *ends, axis=0)
        for ends in zip(*last, strict=True)
    ]
    order = (1, 0, 2) if batch_first else (0, 1, 2)
    return call.permuted(x, order), *joined


def rows(call: Call, state: Value, start: int, count: int, layers: int) -> Value:
    """Some rows of a state, which has ``count`` for each of so many layers."""
    if layers == 1:
        return state
    return call.step(
        "Slice", state, call.const([start]), call.const([start + count]), call.const([0])
    )


@row("lstm.input")
def _lstm(call: Call, x: Value, states: Sequence[Value], *rest: Any) -> Any:
    return recurrent(call, "LSTM", x, states, *rest)


@row("gru.input")
def _gru(call: Call, x: Value, state: Value, *rest: Any) -> Any:
    return recurrent(call, "GRU", x, [state], *rest)


@row("rnn_tanh.input", "rnn_relu.input")
def _rnn(call: Call, x: Value, state: Value, *rest: Any) -> Any:
    return recurrent(call, "RNN", x, [state], *rest)
