"""Evidence that two graphs compute the same function: both are run on the same inputs.

What was not run is never called equal: a graph that cannot be run here (a weight without a value,
a foreign op) is 'unproven', with the reason. Random draws are inputs of both graphs
(`runtime.draws`); a graph that draws by what it reads, or in a body, is 'unproven' too.

Tolerance. Reordering float arithmetic changes its last bits, and the more so the deeper the graph.
An error is measured against the largest magnitude in the output (at least a thousandth of what that
output reaches on the first inputs: what cancels to nothing is noise); allowed is
``8 * eps * sqrt(depth)``, where eps is the spacing of the dtype at 1 and depth the longest path of
operations of either graph, and never more than ``sqrt(eps)``: half of the digits (float32: 3.4e-4).
Integers, booleans and strings must be equal. NaN equals NaN, and an infinity the same infinity.

Where an error is larger, the graph may amplify rounding. How far is measured
(`runtime.conditioning`): allowed is eight times what moving its weights and inputs by one unit in
the last place changes, again never more than ``sqrt(eps)``. Inputs on which even that is more are
left out, for nothing can be told of them; where the first are such, the graph is 'unproven'.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from graphlens.errors import RunError
from graphlens.ir.graph import Graph, walk
from graphlens.ir.node import OURS, Value
from graphlens.ops.facts import is_random
from graphlens.runtime.compare import magnitude
from graphlens.runtime.conditioning import sensitivity
from graphlens.runtime.draws import draws, examples, without
from graphlens.runtime.feeds import flat, is_plain
from graphlens.runtime.fingerprint import fingerprint
from graphlens.runtime.given import check_inputs
from graphlens.runtime.inputs import KINDS, SIZES, example_inputs
from graphlens.runtime.proof import Proof
from graphlens.runtime.run import Runner
from graphlens.runtime.session import NoKernelError
from graphlens.runtime.verdict import Case, Scale, is_final, judge, together
from graphlens.tensor import TensorType


def prove(
    before: Graph, after: Graph, *, inputs: Sequence[Any] | None = None, seeds: int = 3
) -> Proof:
    """Whether two graphs give the same outputs.

    Args:
        before: The graph that says what is right.
        after: The graph to compare with it.
        inputs: What to run both on, as well as on examples.
        seeds: How many sets of example inputs; edge values and zeros are among the first three.
    """
    return Witness(before, inputs=inputs, seeds=seeds).compare(after)


class Witness:
    """A graph's outputs on several inputs, made once and compared with many other graphs.

    Attributes:
        reason: Why the graph could not be run, or ``''``.
    """

    def __init__(
        self, graph: Graph, *, inputs: Sequence[Any] | None = None, seeds: int = 3
    ) -> None:
        """Run ``graph`` on ``inputs`` (if given) and on ``seeds`` sets of examples."""
        self._given = graph
        self._draws = draws(graph)
        self._graph = graph = without(graph, self._draws)
        self._depth = depth(graph)
        self._cases: list[Case] = []
        self._least: list[float] = []
        self._measured: dict[int, Sequence[float]] = {}
        self._last: tuple[bytes, Runner, Proof] | None = None
        self.reason = _random(graph)
        if not self.reason:
            self._run(inputs, seeds)
            for made in zip(*(case.outputs for case in self._cases), strict=True):
                self._least.append(1e-3 * next(filter(None, map(magnitude, made)), 0.0))

    def compare(self, graph: Graph) -> Proof:
        """Whether another graph gives the same outputs on the same inputs."""
        differs = _signature(self._given, graph)
        if differs:
            return Proof("refuted", reason=differs)
        graph = without(graph, self._draws)
        reason = self.reason or _random(graph)
        if reason:
            return Proof("unproven", reason=reason)
        try:
            runner = Runner(graph)
        except NoKernelError as error:
            return Proof("unproven", reason=str(error))
        same = fingerprint(runner.lowered)
        if same is not None and self._last is not None and self._last[0] == same:
            return self._last[2]  # grouping and reordering lower to what was just run
        proof = self._compare(graph, runner)
        self._last = None if same is None else (same, runner, proof)
        return proof

    def _compare(self, graph: Graph, runner: Runner) -> Proof:
        deep = max(self._depth, depth(graph))
        found: list[Proof] = []
        for place, case in enumerate(self._cases):
            scale = Scale(deep, self._least, partial(self._sensitivity, place))
            found.append(judge(case, runner, scale))
            if is_final(found[-1]):
                return found[-1]
        return together(found)

    def _sensitivity(self, place: int) -> Sequence[float]:
        """How much the outputs of a case hang on rounding; worked out when it is first asked."""
        if place not in self._measured:
            case = self._cases[place]
            self._measured[place] = sensitivity(self._graph, case.inputs, case.outputs, self._least)
        return self._measured[place]

    def _run(self, inputs: Sequence[Any] | None, seeds: int) -> None:
        try:
            runner = Runner(self._graph)
            if inputs is not None:
                given = (*check_inputs(self._given, inputs), *examples(self._draws, 0))
                self._cases.append(Case("the inputs given", given, flat(runner(*given))))
        except RunError as error:
            self.reason = str(error)
            return
        sizes = SIZES if _has_symbols(self._graph) else SIZES[:1]
        for seed in range(seeds):
            for size in sizes:
                try:
                    self._cases.append(self._example(runner, seed, size))
                except RunError as error:  # an example need not suit the model
                    self.reason = str(error)
                else:
                    sizes = (size,)
                    break
        if self._cases:
            self.reason = ""

    def _example(self, runner: Runner, seed: int, size: int) -> Case:
        """Example inputs and outputs; inputs on which this very graph overflows are scaled down.

        What a graph means where it overflows is nobody's to keep: a softmax without its shift
        gives NaN at 100, and every better softmax does not.
        """
        kind = KINDS[seed] if seed < len(KINDS) else KINDS[0]
        first: Case | None = None
        for scale in (1.0, 0.1, 0.01):
            made = [_scaled(it, scale) for it in example_inputs(self._given, seed, kind, size)]
            told = kind if scale == 1 else f"{kind}, times {scale:g}"
            given = (*made, *examples(self._draws, seed))
            case = Case(f"seed {seed} ({told})", given, flat(runner(*given)))
            if all(map(_is_finite, case.outputs)):
                return case
            first = first or case
        return first or case


def _has_symbols(graph: Graph) -> bool:
    return not all(graph.type_of(Value(name)).is_static for name in graph.inputs)


def _scaled(array: Any, scale: float) -> Any:
    if scale == 1 or not is_plain(array):
        return array
    real = array.dtype.kind in "fc" or str(array.dtype).startswith(("bfloat", "float"))
    return (array * scale).astype(array.dtype) if real else array


def _is_finite(array: np.ndarray) -> bool:
    if array.dtype.kind in "OUSbiu":
        return True
    return bool(np.isfinite(array).all())


def depth(graph: Graph) -> int:
    """The number of operations on the longest path from an input or weight to an output."""
    deepest: dict[str, int] = {}
    for name in graph.in_order():
        fields = graph.nodes[name]
        own = 0 if fields["domain"] == OURS and not fields["regions"] else 1
        own = max([own, *(depth(body) for body in fields["regions"].values())])
        deepest[name] = own + max((deepest[it] for it in graph.predecessors(name)), default=0)
    return max(deepest.values(), default=0)


def _signature(before: Graph, after: Graph) -> str:
    """How two graphs' inputs and outputs differ, or ``''``."""
    for what, ours, theirs in (
        ("input", _types(before, before.inputs), _types(after, after.inputs)),
        ("output", _outputs(before), _outputs(after)),
    ):
        if len(ours) != len(theirs):
            return f"{len(theirs)} {what}s, expected {len(ours)}"
        for index, (expected, found) in enumerate(zip(ours, theirs, strict=True)):
            if not _agree(expected, found):
                return f"{what} {index} is {found}, expected {expected}"
    return ""


def _types(graph: Graph, names: Sequence[str]) -> list[TensorType]:
    return [graph.type_of(Value(name)) for name in names]


def _outputs(graph: Graph) -> list[TensorType]:
    return [graph.type_of(value) for value in graph.outputs]


def _agree(one: TensorType, other: TensorType) -> bool:
    """Whether two types can be the same; what is not known may be anything."""
    if one.dtype != other.dtype and "undefined" not in (one.dtype, other.dtype):
        return False
    if one.shape is None or other.shape is None:
        return True
    if len(one.shape) != len(other.shape):
        return False
    pairs = zip(one.shape, other.shape, strict=True)
    return all(a == b for a, b in pairs if isinstance(a, int) and isinstance(b, int))


def _random(graph: Graph) -> str:
    for path, held in walk(graph):
        for name in held:
            if is_random(held, name):
                return f"{path}{name} ({held.op(name)}) is random: two runs differ"
    return ""
