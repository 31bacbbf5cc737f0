"""What a pipeline did: every graph on the way, with the evidence for each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from graphlens.analysis.diff import Diff, diff
from graphlens.display import Shown
from graphlens.ir import Graph

Status = Literal["proven", "unchanged", "unproven", "captured"]
"""How a step is vouched for: by running it; by having changed nothing; not at all (the reason is
beside it); or it is the graph that all others are compared with."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one graph of a history, and how far it is the captured one's function.

    Attributes:
        nodes: Operations, structural nodes apart.
        kernels: Ops and groups that compute at run time.
        flops: Floating-point operations, None where not known.
        traffic_bytes: Intermediate traffic, None where not known.
        peak_bytes: Largest set of intermediate tensors alive at once, None where not known.
        arena_bytes: Size of the planned arena, None before there is a plan.
        status: `Status`.
        max_abs_error: Largest absolute error against the captured graph, None if not run.
        max_rel_error: The same in relation to the largest magnitude of the output.
        reason: Why it is unproven, else on what it was run.
        seconds: Time that the pass took.
    """

    nodes: int
    kernels: int
    flops: int | None = None
    traffic_bytes: int | None = None
    peak_bytes: int | None = None
    arena_bytes: int | None = None
    status: Status = "captured"
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Step(Shown):
    """One pass: the graph that it was given, the graph that it returned, and what is known of it.

    Attributes:
        name: Name of the pass.
        before: The graph given.
        after: The graph returned, the same object if nothing changed.
        evidence: Of ``after``.
    """

    name: str
    before: Graph
    after: Graph
    evidence: Evidence

    @property
    def changed(self) -> bool:
        """Whether the pass changed anything."""
        return self.after is not self.before

    @cached_property
    def diff(self) -> Diff:
        """What was added, removed, changed and fused, worked out from the two graphs."""
        return diff(self.before, self.after, by="origins")

    def __str__(self) -> str:
        """One line: ``fuse: 121 -> 56 kernels, proven``."""
        found = self.evidence
        return f"{self.name}: {found.nodes} nodes, {found.kernels} kernels, {found.status}"


@dataclass(frozen=True)
class History(Shown):
    """Everything that a pipeline did to a graph.

    Attributes:
        before: The captured graph.
        evidence: Of that graph.
        steps: The passes in the order in which they ran.
    """

    before: Graph
    evidence: Evidence
    steps: tuple[Step, ...] = ()

    @property
    def after(self) -> Graph:
        """The graph that the last pass returned."""
        return self.steps[-1].after if self.steps else self.before

    @property
    def result(self) -> Evidence:
        """The evidence of the last graph."""
        return self.steps[-1].evidence if self.steps else self.evidence

    @property
    def max_abs_error(self) -> float | None:
        """The largest absolute error of any step, None if none was run."""
        errors = [step.evidence.max_abs_error for step in self.steps]
        return max((error for error in errors if error is not None), default=None)

    @cached_property
    def diff(self) -> Diff:
        """What the whole pipeline added, removed, changed and fused."""
        return diff(self.before, self.after, by="origins")

    def table(self) -> list[dict[str, Any]]:
        """Plain rows, the captured graph's first: ``step`` and every field of `Evidence`."""
        return [{"step": name, **asdict(evidence)} for name, evidence in self._measured()]

    def report(self) -> dict[str, Any]:
        """The history as plain data that JSON takes, with what each step did to which nodes.

        Nodes are named as in the graphs; ``origins`` are the captured nodes that a node of a
        later graph stands for.
        """
        first, *rest = self.table()
        changes = [_changes(step) for step in self.steps]
        steps = [{**row, **change} for row, change in zip(rest, changes, strict=True)]
        return {"model": self.before.name, "captured": first, "steps": steps}

    def cells(self) -> list[tuple[str, ...]]:
        """The table as text, the names of its columns first."""
        heads = ("step", "nodes", "kernels", "FLOPs", "traffic", "peak", "error", "status")
        return [heads, *(_cells(name, evidence) for name, evidence in self._measured())]

    def __str__(self) -> str:
        """A table, one line a step."""
        rows = self.cells()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if 0 < index < len(row) - 1 else cell.ljust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )

    def _measured(self) -> Iterator[tuple[str, Evidence]]:
        yield "captured", self.evidence
        for step in self.steps:
            yield step.name, step.evidence


def _changes(step: Step) -> dict[str, Any]:
    """Which nodes a step removed and added, and what each group of it holds."""
    if not step.changed:
        return {"removed": [], "added": [], "fused": []}
    before, after = step.before, step.after
    added = [name for name in after if name not in before or after.op(name) != before.op(name)]
    removed = [name for name in before if name not in after or after.op(name) != before.op(name)]
    groups = [name for name in added if after.nodes[name]["regions"]]
    return {
        "removed": [_plain(before, name) for name in removed],
        "added": [_plain(after, name) for name in added],
        "fused": [
            {**_plain(after, name), "members": list(after.nodes[name]["regions"].get("body", ()))}
            for name in groups
        ],
    }


def _plain(graph: Graph, name: str) -> dict[str, Any]:
    origins = list(graph.nodes[name]["origins"])
    return {"name": name, "op": graph.op(name), "origins": origins}


def _cells(name: str, evidence: Evidence) -> tuple[str, ...]:
    error = evidence.max_abs_error
    return (
        name,
        str(evidence.nodes),
        str(evidence.kernels),
        _amount(evidence.flops, ""),
        _amount(evidence.traffic_bytes, "B"),
        _amount(evidence.peak_bytes, "B"),
        "-" if error is None else f"{error:.1e}",
        evidence.status + (f": {evidence.reason}" if evidence.status == "unproven" else ""),
    )


def _amount(number: int | None, unit: str) -> str:
    """``113.0 MB``; decimal prefixes, as in the tables of the field."""
    if number is None:
        return "?"
    size = float(number)
    for prefix in ("", "k", "M", "G"):
        if size < 1000:
            return f"{size:.1f} {prefix}{unit}".replace(".0 ", " ", int(not prefix)).strip()
        size /= 1000
    return f"{size:.1f} T{unit}"
