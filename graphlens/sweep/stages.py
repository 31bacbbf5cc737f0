"""The later stages of a sweep's model: one graph, optimise, plan, draw."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from graphlens import api
from graphlens.passes.standard_form import differences
from graphlens.sweep.row import EQUAL, ONE_AT_SIZES, Row, one_line, told
from graphlens.sweep.spec import Task

if TYPE_CHECKING:
    import numpy as np

    from graphlens.ir.graph import Graph


@dataclass(frozen=True, slots=True)
class Captured:
    """A model's graphs.

    Attributes:
        graphs: By front end.
        best: The front end whose graph is optimised, planned and drawn.
        arrays: What the model was captured with, in the order of a graph's Inputs.
    """

    graphs: Mapping[str, Graph]
    best: str
    arrays: Sequence[np.ndarray]

    @property
    def graph(self) -> Graph:
        """The graph of the best front end."""
        return self.graphs[self.best]

    def at_sizes(self, via: str) -> Graph:
        """A front end's graph with the sizes of the run that the model was captured with."""
        return api.specialize(self.graphs[via], *self.arrays)


def later(
    row: Row,
    graphs: Mapping[str, Graph],
    arrays: Sequence[np.ndarray],
    task: Task,
    emit: Callable[[Row], None],
) -> None:
    """Whatever stages after running are asked for, each into its own field of the row."""
    if not graphs:
        return
    best = next(
        (via for via in graphs if row.frontends[via]["status"] in EQUAL), next(iter(graphs))
    )
    held = Captured(graphs, best, arrays)
    for stage, do in _STAGES.items():
        if stage not in task.stages:
            continue
        found: dict[str, Any] = {"reason": "it was being done"}
        setattr(row, stage, found)
        emit(row)
        try:
            setattr(row, stage, do(held))
        except Exception as error:  # a pass or picture that fails is the row's reason
            setattr(row, stage, {"reason": told(error)})
        emit(row)


def _one_graph(held: Captured) -> dict[str, Any]:
    """Whether all front ends gave one graph, else the first difference from the best one's."""
    if len(held.graphs) < 2:
        return {"status": "single"}
    unlike = _unlike(held.graph, {via: it for via, it in held.graphs.items() if via != held.best})
    if not unlike:
        return {"status": "one"}
    if not _unlike(held.at_sizes(held.best), {via: held.at_sizes(via) for via in unlike}):
        return {"status": ONE_AT_SIZES, "against": held.best, "difference": unlike}
    return {"status": "several", "against": held.best, "difference": unlike}


def _unlike(graph: Graph, others: Mapping[str, Graph]) -> dict[str, str]:
    """The first difference of each other graph that is not one with this."""
    found = zip(others, differences(graph, others.values()), strict=True)
    return {via: one_line(first) for via, first in found if first is not None}


def _optimize(held: Captured) -> dict[str, Any]:
    since = time.perf_counter()
    history = api.optimize(held.graph, inputs=held.arrays)
    found: dict[str, Any] = {"seconds": round(time.perf_counter() - since, 2)}
    first, last = history.evidence, history.result
    doubtful = [step for step in history.steps if step.evidence.status == "unproven"]
    found["status"] = "unproven" if doubtful else "proven"
    found["why"] = doubtful[0].evidence.reason if doubtful else ""
    found["kernels"] = [first.kernels, last.kernels]
    found["traffic_bytes"] = [first.traffic_bytes, last.traffic_bytes]
    found["peak_bytes"] = [first.peak_bytes, last.peak_bytes]
    return found


def _plan(held: Captured) -> dict[str, Any]:
    since = time.perf_counter()
    known = all(type.is_static for it in held.graph.nodes.values() for type in it["results"])
    plan = api.plan_memory(held.graph if known else held.at_sizes(held.best))
    return {
        "arena_bytes": plan.arena_bytes,
        "peak_bytes": plan.peak_live_bytes,
        "total_bytes": plan.total_bytes,
        "seconds": round(time.perf_counter() - since, 2),
    }


def _draw(held: Captured) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.svg"
        since = time.perf_counter()
        api.draw(held.graph, path)
        seconds = time.perf_counter() - since
        head = ElementTree.parse(path).getroot().attrib
        return {
            "seconds": round(seconds, 2),
            "width": head.get("width", ""),
            "height": head.get("height", ""),
            "bytes": path.stat().st_size,
        }


_STAGES: dict[str, Callable[[Captured], dict[str, Any]]] = {
    "one_graph": _one_graph,
    "optimize": _optimize,
    "plan": _plan,
    "draw": _draw,
}
