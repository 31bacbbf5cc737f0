"""Running a Graph as it stands, by ONNX Runtime with its optimisations off."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.errors import GraphError
from graphlens.ir.graph import Graph, walk
from graphlens.ir.node import OURS, REGION, STRUCTURAL, Value
from graphlens.ops.schema import is_foreign
from graphlens.runtime.foreign import find
from graphlens.runtime.given import check_inputs
from graphlens.runtime.lowering import Lowered, lower
from graphlens.runtime.segments import Segments
from graphlens.runtime.session import NoKernelError
from graphlens.runtime.whole import Whole


def run(graph: Graph, *inputs: Any, keep: Sequence[Value] = ()) -> list[np.ndarray]:
    """What the graph computes from the inputs.

    Args:
        graph: What to run.
        inputs: One array for each Input, in their order; lists and scalars are converted.
        keep: Inner values to return too, after the outputs.

    Raises:
        RunError: If the inputs do not fit, a weight has no value, an op cannot be run here, or
            the run fails.
    """
    return Runner(graph, keep)(*inputs)


class Runner:
    """A graph made ready to run many times.

    Attributes:
        lowered: The ONNX model that is run.

    Raises:
        NoKernelError: (a RunError) If a weight has no value, or an op cannot be run here.
    """

    def __init__(self, graph: Graph, keep: Sequence[Value] = ()) -> None:
        """Lower ``graph``; its weights are shared, not copied."""
        _must_have_weights(graph)
        _must_be_known(graph)
        _must_end(graph)
        self._graph = graph
        try:
            self.lowered: Lowered = lower(graph, keep=keep, outside=True, typed=False)
        except GraphError as error:
            raise NoKernelError(str(error)) from error
        if self.lowered.is_foreign:
            self._run: Whole | Segments = Segments(self.lowered, _capture(graph))
        else:
            self._run = Whole(self.lowered.model, self.lowered.outside)

    def __call__(self, *inputs: Any) -> list[np.ndarray]:
        """The outputs, then the values kept.

        Raises:
            RunError: If the inputs do not fit or the run fails.
        """
        arrays = check_inputs(self._graph, inputs)
        names = self.lowered.names
        feeds = {names[Value(n)]: a for n, a in zip(self._graph.inputs, arrays, strict=True)}
        return self._run(feeds)


def _must_have_weights(graph: Graph) -> None:
    missing = [name for name in graph.params + graph.consts if name not in graph.weights]
    missing = [name for name in missing if graph.out_degree(name)]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise NoKernelError(
            f"{graph!r} has no values for its weights {', '.join(map(repr, missing[:3]))}{more}: "
            "capture it from a model that has its weights"
        )


def _must_be_known(graph: Graph) -> None:
    for path, held in walk(graph):
        for name, fields in held.nodes.items():
            op, domain = fields["op"], fields["domain"]
            if domain == OURS and op != REGION and op not in STRUCTURAL:
                raise NoKernelError(f"{path}{name} is a {held.op(name)}, which nothing here runs")
            if is_foreign(op, domain):
                find(held.node(name), f"{path}{name}", _capture(graph))


def _capture(graph: Graph) -> str:
    return str(graph.graph.get("capture", ""))


def _must_end(graph: Graph) -> None:
    """Refuse what cannot be run to its end: a file from strangers may fill any memory."""
    for path, held in walk(graph):
        for name, fields in held.nodes.items():
            needed = max((result.nbytes or 0 for result in fields["results"]), default=0)
            if needed > _MEMORY // 2:
                raise NoKernelError(
                    f"{path}{name} ({held.op(name)}) makes {needed} bytes, "
                    f"more than half of this machine's memory ({_MEMORY} bytes)"
                )
            if fields["op"] == "Loop" and not fields["domain"]:
                trips = held.value_of(held.operands(name)[0])
                if trips is not None and trips.size == 1 and trips.item() > _MOST_TRIPS:
                    raise NoKernelError(f"{path}{name} (Loop) goes round {trips.item()} times")


def _memory() -> int:
    """Bytes of memory of this machine; on systems that do not tell, what a model may ask for."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**35


_MEMORY = _memory()
_MOST_TRIPS = 10**7
"""Rounds of a Loop, of a number that stands in the graph, up to which it is run."""
