"""Running passes one after the other, and proving each step against the captured graph."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from graphlens.analysis.cost import cost
from graphlens.analysis.lifetimes import lifetimes
from graphlens.errors import GraphError, PassError, UsageError
from graphlens.ir import Graph, check
from graphlens.passes.history import Evidence, History, Step
from graphlens.rewrite import Rule, apply
from graphlens.runtime.proof import Proof
from graphlens.runtime.prove import Witness

Pass = Callable[[Graph], Graph]
"""What a pass is: a pure function; the graph given is returned itself if nothing changed."""


def run(
    graph: Graph,
    passes: Sequence[Pass],
    *,
    prove: bool = True,
    inputs: Sequence[Any] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> History:
    """Run passes over a graph, keeping every step with its evidence.

    The captured graph is run once; each changed graph is run on the same inputs and compared
    with it, not with the step before, so that errors cannot add up unseen.

    Args:
        graph: The captured graph; it is left as it is.
        passes: Functions Graph -> Graph, in order.
        prove: Whether to run what the passes return. Without, changed steps are 'unproven'.
        inputs: What to run on, as well as on seeded examples.
        on_step: Called with each step when it is done.

    Raises:
        PassError: If a pass raises, returns something that is no valid Graph, or changes what
            the graph computes. It names the pass, the rule where that can be told, and the
            input with the largest error.
    """
    pipeline = _Pipeline(graph, prove, inputs)
    for function in passes:
        step = pipeline.step(function)
        if on_step is not None:
            on_step(step)
    return History(graph, pipeline.captured, tuple(pipeline.steps))


class _Pipeline:
    """The graph as it stands, and the witness that all graphs are compared with."""

    def __init__(self, graph: Graph, prove: bool, inputs: Sequence[Any] | None) -> None:
        self._graph = self._original = graph
        self._prove, self._inputs = prove, inputs
        self._witness: Witness | None = None
        self.captured = self._evidence = measure(graph)
        self.steps: list[Step] = []

    def step(self, function: Pass) -> Step:
        """Run one pass."""
        name = pass_name(function)
        before = self._graph
        start = time.perf_counter()
        after = self._call(function, name)
        seconds = time.perf_counter() - start
        if after is before:
            evidence = replace(self._evidence, seconds=seconds)
            if evidence.status == "captured":
                evidence = replace(evidence, status="unchanged")
        else:
            evidence = replace(self._judged(function, name, after), seconds=seconds)
        self.steps.append(Step(name, before, after, evidence))
        self._graph, self._evidence = after, evidence
        return self.steps[-1]

    def _call(self, function: Pass, name: str) -> Graph:
        try:
            after = cast(object, function(self._graph))
        except UsageError:
            raise  # an option that does not fit is the caller's mistake, not the pass's
        except Exception as error:
            raise PassError(f"pass {name!r} failed {self._place()}: {error}") from error
        if not isinstance(after, Graph):
            raise PassError(
                f"pass {name!r} returned a {type(after).__name__}, expected a Graph (the one it "
                "was given if it changed nothing)"
            )
        try:
            return after if after is self._graph else check(after)
        except GraphError as error:
            raise PassError(
                f"pass {name!r} returned an invalid graph {self._place()}: {error}"
            ) from error

    def _judged(self, function: Pass, name: str, after: Graph) -> Evidence:
        evidence = measure(after)
        if not self._prove:
            return replace(evidence, status="unproven", reason="proofs were turned off")
        if self._witness is None:
            self._witness = Witness(self._original, inputs=self._inputs)
        proof = self._witness.compare(after)
        if proof.status == "refuted":
            raise PassError(self._refuted(function, name, proof))
        return replace(
            evidence,
            status=proof.status,
            max_abs_error=proof.max_abs_error,
            max_rel_error=proof.max_rel_error,
            reason=proof.reason,
        )

    def _refuted(self, function: Pass, name: str, proof: Proof) -> str:
        rule = self._culprit(function)
        worst = f", worst on {proof.worst}" if proof.worst else ""
        size = "" if proof.max_abs_error is None else f" by up to {proof.max_abs_error:.3g}"
        return (
            f"pass {name!r}{f', rule {rule!r},' if rule else ''} changed what the graph computes"
            f"{size}{worst} ({proof.reason}), {self._place()}"
        )

    def _culprit(self, function: Pass) -> str:
        """Name of the first rule of the pass's own table that by itself breaks the graph.

        Found by halving the table: the shortest beginning of it that is refuted ends with it.
        """
        rules = rules_of(function)
        if not rules or self._witness is None or not self._breaks(rules):
            return ""
        good, bad = 0, len(rules)
        while bad - good > 1:
            middle = (good + bad) // 2
            if self._breaks(rules[:middle]):
                bad = middle
            else:
                good = middle
        return rules[bad - 1].name

    def _breaks(self, rules: Sequence[Rule]) -> bool:
        try:
            after = apply(self._graph, rules)
        except PassError:
            return True
        return self._witness is not None and self._witness.compare(after).status == "refuted"

    def _place(self) -> str:
        done = [step.name for step in self.steps]
        return f"on {self._original!r}, after {done if done else 'no other pass'}"


def measure(graph: Graph) -> Evidence:
    """What a graph costs, without running it."""
    found = cost(graph)
    plan = graph.graph.get("arena")
    return Evidence(
        nodes=found.nodes,
        kernels=found.kernels,
        flops=found.flops,
        traffic_bytes=found.traffic_bytes,
        peak_bytes=_peak(graph),
        arena_bytes=plan.get("bytes") if isinstance(plan, dict) else None,
    )


def _peak(graph: Graph) -> int | None:
    """Bytes of the largest live set in the graph's own order, None where a size is not known."""
    try:
        return lifetimes(graph).peak
    except GraphError:
        return None


def pass_name(function: Pass) -> str:
    """A pass's name: its function's, through `functools.partial`."""
    return getattr(function, "__name__", "") or getattr(_inner(function), "__name__", "pass")


def rules_of(function: Pass) -> tuple[Rule, ...]:
    """The rule table ``RULES`` of the module that a pass is written in, if it has one."""
    module = sys.modules.get(getattr(_inner(function), "__module__", ""))
    return tuple(getattr(module, "RULES", ()))


def _inner(function: Pass) -> Pass:
    """The function behind options that are already set."""
    while isinstance(function, partial):
        function = function.func
    return function
