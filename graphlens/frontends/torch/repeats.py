"""Calls like one that was translated before: its nodes are written again, without its row.

A model says the same things of the same shapes over and over. What a call gives follows from the
op, its plain arguments and the forms of its tensors; so the nodes of the first such call are kept
as a pattern, and the next one costs a lookup and its nodes.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch._subclasses.fake_tensor import FakeTensor

from graphlens.frontends.torch.signature import Signature
from graphlens.frontends.torch.views import MAYBE, SURELY, Ref
from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, OURS, Attribute, Node, Source, Value
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

_PLAIN = (bool, int, float, str, type(None), torch.dtype, torch.device, torch.memory_format)
_SEVERAL = (list, tuple)
_LEFT = SURELY | MAYBE | frozenset(["copy"])
"""Ops whose results lie in the memory of others, or may."""
_NUMBER = re.compile(r"_\d+$")
_OPERAND, _MADE, _FIXED = range(3)


class Form(NamedTuple):
    """What a fake tensor is like: its sizes, its steps in elements, its dtype, its device."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device


class Call(NamedTuple):
    """One call that may be like another.

    Attributes:
        key: What it is: equal for calls that are alike.
        tensors: The tensors among its arguments, each once.
    """

    key: Hashable
    tensors: list[torch.Tensor]


class Made(NamedTuple):
    """What came of a call.

    Attributes:
        value: The value of its only result.
        form: What the result is like.
        given: Which of the call's tensors the result is; -1 for a new one.
        writes: Whether the first tensor was written.
    """

    value: Value
    form: Form
    given: int
    writes: bool


class _Read(NamedTuple):
    """What a node of a pattern reads: which operand, which step's result, or which literal."""

    kind: int
    index: int
    value: Value


class _Step(NamedTuple):
    """One node of a pattern; ``rest`` is its name after that of the call."""

    op: str
    attributes: Mapping[str, Attribute]
    results: tuple[TensorType, ...]
    framework_op: str
    rest: str
    reads: tuple[_Read | None, ...]


class Pattern(NamedTuple):
    """How the nodes of a call are written; ``made`` is what the first one gave."""

    steps: tuple[_Step, ...]
    result: _Read
    made: Made

    def write(self, build: Builder, operands: Sequence[Value], name: str) -> Value:
        """Add the nodes of a call on other operands, and return the value of its result."""
        graph, scope, (_, file, line) = build.graph, build.scope, build.source
        made: list[str] = []
        for op, attributes, results, framework_op, rest, reads in self.steps:
            node = Node(op, "", attributes, results, scope, Source(framework_op, file, line))
            found = [None if one is None else _value(one, operands, made) for one in reads]
            made.append(graph.add(node, found, name + rest))
        return _value(self.result, operands, made)

    def fits(self, graph: Graph, refs: Sequence[Ref]) -> bool:
        """Whether it can be used: its literals are still there, what it writes is no view."""
        if self.made.writes and refs[0].is_view:
            return False
        reads = (one for step in self.steps for one in step.reads)
        return all(one is None or one.kind != _FIXED or one.value.node in graph for one in reads)


def _value(read: _Read, operands: Sequence[Value], made: Sequence[str]) -> Value:
    if read.kind == _OPERAND:
        return operands[read.index]
    return read.value if read.kind == _FIXED else Value(made[read.index], read.value.result)


def call_of(func: Any, held: Signature, args: Sequence[Any], kwargs: dict[str, Any]) -> Call | None:
    """A call as it is compared with others; None if it is like no other."""
    if held.outs or held.written or held.row is None or held.base in _LEFT:
        return None
    tensors: list[torch.Tensor] = []
    try:
        key = (func, *[_described(one, tensors) for one in args])
        words = [(name, _described(one, tensors)) for name, one in kwargs.items()]
    except _UnlikeError:
        return None
    return Call((key, *words, torch.is_autocast_enabled("cpu")), tensors) if tensors else None


class _UnlikeError(Exception):
    """An argument has more to it than is compared."""


def _described(one: Any, tensors: list[torch.Tensor]) -> Hashable:
    """What an argument is like, and the tensors in it appended to ``tensors``."""
    if isinstance(one, torch.Tensor):
        return _tensor(one, tensors)
    kind = type(one)
    if kind in _PLAIN:
        return kind, one
    if isinstance(one, _SEVERAL):
        return kind, *[_described(part, tensors) for part in one]
    raise _UnlikeError


def _tensor(one: Any, tensors: list[torch.Tensor]) -> Hashable:
    for index, other in enumerate(tensors):
        if other is one:
            return index
    known = type(one) is FakeTensor and one.constant is not None
    if known or one.layout != torch.strided or one.is_complex():
        raise _UnlikeError
    tensors.append(one)
    return tuple(one.shape), one.stride(), one.dtype, one.device


class Repeats:
    """The patterns of the calls in one graph."""

    def __init__(self, graph: Graph) -> None:
        """None yet."""
        self._graph = graph
        self._known: dict[Hashable, Pattern | None] = {}

    def find(self, call: Call, refs: Sequence[Ref]) -> Pattern | None:
        """The pattern of a call like this one, if it can be used on these tensors."""
        found = self._known.get(call.key)
        return found if found is not None and found.fits(self._graph, refs) else None

    def knows(self, call: Call) -> bool:
        """Whether a call like it was seen, with a pattern or without."""
        return call.key in self._known

    def learn(
        self, call: Call, before: int, operands: Sequence[Value], name: str, made: Made | None
    ) -> None:
        """Note how a call was translated; if there is more to it than its nodes, only that.

        Args:
            call: What was called.
            before: How many nodes there were.
            operands: The values that its tensors had.
            name: The name that it asked for.
            made: What came of it; None if that cannot be repeated.
        """
        self._known[call.key] = None
        unclear = len(set(operands)) < len(operands) or any(map(self._is_const, operands))
        if made is None or unclear:
            return
        places = {value: _Read(_OPERAND, index, value) for index, value in enumerate(operands)}
        steps: list[_Step] = []
        for node in self._since(before):
            if self._is_const(Value(node)):
                continue
            step = self._step(node, name, places)
            if step is None:
                return
            steps.append(step)
            for index in range(len(step.results)):
                places[Value(node, index)] = _Read(_MADE, len(steps) - 1, Value(node, index))
        result = self._read(made.value, places)
        if result is not None:
            self._known[call.key] = Pattern(tuple(steps), result, made)

    def _since(self, before: int) -> list[str]:
        """The nodes after the first ``before``, without a walk over those."""
        held = self._graph._node
        return list(islice(reversed(held), len(held) - before))[::-1]

    def _step(self, node: str, name: str, places: Mapping[Value, _Read]) -> _Step | None:
        held = self._graph.nodes[node]
        if held["domain"] or held["regions"] or not node.startswith(name):
            return None
        reads: list[_Read | None] = []
        for value in self._graph.operands(node):
            read = None if value is None else self._read(value, places)
            if value is not None and read is None:
                return None
            reads.append(read)
        rest, op = _NUMBER.sub("", node[len(name) :]), held["source"].op
        return _Step(held["op"], held["attributes"], held["results"], op, rest, tuple(reads))

    def _read(self, value: Value, places: Mapping[Value, _Read]) -> _Read | None:
        found = places.get(value)
        return found or (_Read(_FIXED, 0, value) if self._is_const(value) else None)

    def _is_const(self, value: Value) -> bool:
        held = self._graph.nodes[value.node]
        return held["op"] == CONST and held["domain"] == OURS
