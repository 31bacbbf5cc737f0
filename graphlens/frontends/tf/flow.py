"""TF1's control flow: loops and branches found again among Switch, Merge, Enter, Exit and the rest.

A loop is a frame: each of its variables goes Enter -> Merge -> Switch -> body -> NextIteration and
back to the Merge, and leaves by an Exit; what stays the same comes by a constant Enter. A branch is
what lies between the Switches and the Merges of one predicate (Yu et al., Dynamic Control Flow in
Large-Scale Machine Learning, arXiv:1805.01772; functionalising as tf2xla's
functionalize_control_flow.cc does it).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphlens.errors import CaptureError
from graphlens.frontends.tf.call import plain

ENTER = frozenset({"Enter", "RefEnter"})
EXIT = frozenset({"Exit", "RefExit"})
MERGE = frozenset({"Merge", "RefMerge"})
SWITCH = frozenset({"Switch", "RefSwitch"})
_NEXT = frozenset({"NextIteration", "RefNextIteration"})

State = frozenset[tuple[str, bool]]
"""Where an op stands: in which branches, each a predicate's tensor and its side."""


@dataclass(frozen=True)
class Variable:
    """One variable of a loop, by the tensors that carry it."""

    start: Any
    merged: Any
    kept: Any
    changed: Any
    exit: Any | None


@dataclass
class Frame:
    """One loop."""

    name: str
    variables: list[Variable] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    condition: Any | None = None

    @property
    def stacks(self) -> list[int]:
        """Which constants are stacks, on which a loop keeps what its gradient reads."""
        return [at for at, enter in enumerate(self.constants) if _is_stack(enter.inputs[0])]

    @property
    def pushes(self) -> list[Any]:
        """The ops that put something on a stack in each round."""
        tensors = [self.constants[at].outputs[0] for at in self.stacks]
        return [op for each in tensors for op in each.consumers() if op.type == "StackPushV2"]

    @property
    def reads(self) -> list[Any]:
        """What it is given from outside: the first values, then what stays the same."""
        return [
            *(variable.start for variable in self.variables),
            *(enter.inputs[0] for enter in self.constants),
        ]


def _is_stack(tensor: Any) -> bool:
    return tensor.op.type == "StackV2"


@dataclass(frozen=True)
class Side:
    """One side of a branch: what it reads from outside, by the tensors that stand for it."""

    reads: list[Any]
    inside: list[tuple[str, str]]


class Flow:
    """The loops and branches of one TF1 graph.

    Attributes:
        frames: The loop that each Exit is of, by the op's name.
    """

    def __init__(self, graph: Any) -> None:
        """Find the loops; branches are found when first asked for."""
        self._ops = graph.get_operations()
        self.frames: dict[str, Frame] = {}
        self._loop_merges: set[str] = set()
        for frame in _frames(self._ops):
            self._loop_merges |= {variable.merged.op.name for variable in frame.variables}
            for variable in frame.variables:
                if variable.exit is not None:
                    self.frames[variable.exit.op.name] = frame
        self._states: dict[str, State] | None = None

    def reads(self, op: Any) -> Sequence[Any]:
        """The tensors that an op depends on, a whole loop or branch being one op.

        Raises:
            CaptureError: If the op is a part of control flow of another shape than TF1 makes.
        """
        if op.type in EXIT:
            return self._frame(op).reads
        if op.type in MERGE:
            predicate, sides = self.sides(op)
            return [predicate, *(tensor for side in sides for tensor in side.reads)]
        if op.type in SWITCH | _NEXT:
            raise CaptureError(
                f"the TF1 op {op.name!r} ({op.type}) is read outside of the branch or loop that it "
                "is a part of; build the graph under tf.compat.v1.enable_control_flow_v2()"
            )
        return op.inputs

    def _frame(self, op: Any) -> Frame:
        try:
            return self.frames[op.name]
        except KeyError:
            raise CaptureError(
                f"the TF1 loop that {op.name!r} leaves is not whole: expected Enter, Merge, "
                "LoopCond, Switch and NextIteration"
            ) from None

    def sides(self, merge: Any) -> tuple[Any, tuple[Side, Side]]:
        """The predicate of a Merge, and its sides if that is true and if it is false.

        Raises:
            CaptureError: If its operands do not come from two sides of one predicate.
        """
        predicate = self.predicate(merge)
        true = self.place(merge, predicate)
        sides = [self._side(merge.inputs[at], predicate, at == true) for at in (true, 1 - true)]
        tensor = merge.graph.get_tensor_by_name(predicate)
        return tensor, (sides[0], sides[1])

    def predicate(self, merge: Any) -> str:
        """The name of the tensor that decides which operand of a Merge there is."""
        if merge.name not in self._loop_merges and len(merge.inputs) == 2:
            first, second = (dict(self._state(tensor)) for tensor in merge.inputs)
            for name in sorted(first):
                if name in second and first[name] != second[name]:
                    return name
        raise CaptureError(
            f"the TF1 op {merge.name!r} merges {[tensor.name for tensor in merge.inputs]}, which "
            "are not the two sides of one Switch: it is no tf.cond"
        )

    def place(self, merge: Any, predicate: str) -> int:
        """Which operand of a Merge is the one if the predicate is true."""
        return 0 if (predicate, True) in self._state(merge.inputs[0]) else 1

    def siblings(self, merge: Any) -> list[Any]:
        """All Merges of the same branch, in the graph's order."""
        predicate, state = self.predicate(merge), self._all()[merge.name]
        return [
            op
            for op in self._ops
            if op.type in MERGE
            and op.name not in self._loop_merges
            and self._all()[op.name] == state
            and self.predicate(op) == predicate
        ]

    def _side(self, wanted: Any, predicate: str, side: bool) -> Side:
        """What one operand of a Merge reads from outside of the branch."""
        found = Side([], [])
        seen: set[str] = set()
        waiting = [wanted]
        while waiting:
            tensor = waiting.pop()
            if tensor.name in seen:
                continue
            seen.add(tensor.name)
            op = tensor.op
            if op.type in SWITCH and _decides(op) == predicate:
                found.reads.append(op.inputs[0])
                found.inside.append((tensor.name, op.inputs[0].name))
            elif (predicate, side) not in self._state(tensor):
                found.reads.append(tensor)
            else:
                waiting += self.reads(op)
        return found

    def _state(self, tensor: Any) -> State:
        op = tensor.op
        state = self._all()[op.name]
        if op.type in SWITCH and op.inputs[1].op.type != "LoopCond":
            return state | {(_decides(op), bool(tensor.value_index))}
        return state

    def _all(self) -> dict[str, State]:
        """The state of every op, operands first; the way back of a loop is not followed."""
        if self._states is None:
            self._states = {}
            for op in _topological(self._ops):
                self._states[op.name] = self._of(op)
        return self._states

    def _of(self, op: Any) -> State:
        given = [self._state(tensor) for tensor in _forward(op)]
        if op.type in MERGE and len(given) == 2:
            return given[0] & given[1]
        known = self._states or {}
        return frozenset().union(*given, *(known[before.name] for before in op.control_inputs))


def _decides(switch: Any) -> str:
    """The name of a Switch's predicate: tf.cond gives its pivots and its data Identities of one."""
    tensor = switch.inputs[1]
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor.name


def flow_of(graph: Any) -> Flow | None:
    """The loops and branches of a graph; None if it has none."""
    parts = ENTER | MERGE | SWITCH
    return Flow(graph) if any(op.type in parts for op in graph.get_operations()) else None


def _forward(op: Any) -> list[Any]:
    return [tensor for tensor in op.inputs if tensor.op.type not in _NEXT]


def _topological(ops: Iterable[Any]) -> list[Any]:
    """Operands (and what an op waits for) before the op, by depth-first search."""
    done: dict[str, Any] = {}
    entered: set[str] = set()
    for first in ops:
        waiting = [(first, False)]
        while waiting:
            op, ready = waiting.pop()
            if op.name in done:
                continue
            if ready:
                done[op.name] = op
                continue
            if op.name in entered:
                raise CaptureError(
                    f"the TF graph has a cycle through {op.name!r}, which is no while loop"
                )
            entered.add(op.name)
            waiting.append((op, True))
            before = [*(tensor.op for tensor in _forward(op)), *op.control_inputs]
            waiting += [(o, False) for o in before if o.name not in done and o.type not in _NEXT]
    return list(done.values())


def _frames(ops: Iterable[Any]) -> list[Frame]:
    found: dict[str, Frame] = {}
    for op in ops:
        if op.type in ENTER:
            name = plain(op.get_attr("frame_name"))
            frame = found.setdefault(name, Frame(name))
            variable = _variable(op)
            if variable is None:
                frame.constants.append(op)
                continue
            frame.variables.append(variable)
            frame.condition = variable.kept.op.inputs[1].op.inputs[0]
    return list(found.values())


def _variable(enter: Any) -> Variable | None:
    """The variable that comes by an Enter; None if it is the same in every round."""
    merge = _reader(enter.outputs[0], MERGE)
    switch = None if merge is None else _reader(merge.outputs[0], SWITCH)
    if merge is None or switch is None or switch.inputs[1].op.type != "LoopCond":
        return None
    back = [tensor for tensor in merge.inputs if tensor.op.type in _NEXT]
    if len(back) != 1:
        return None
    left = _reader(switch.outputs[0], EXIT)
    return Variable(
        enter.inputs[0],
        merge.outputs[0],
        switch.outputs[1],
        back[0].op.inputs[0],
        None if left is None else left.outputs[0],
    )


def _reader(tensor: Any, kinds: frozenset[str]) -> Any | None:
    return next((op for op in tensor.consumers() if op.type in kinds), None)
