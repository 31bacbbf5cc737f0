"""Running a Graph as it stands, by ONNX Runtime with its optimisations off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.errors import GraphError, RunError
from graphlens.ir.graph import Graph, walk
from graphlens.ir.node import OURS, REGION, STRUCTURAL, Value
from graphlens.ops.schema import is_foreign
from graphlens.runtime.foreign import find
from graphlens.runtime.given import check_inputs
from graphlens.runtime.limits import must_end, must_fit
from graphlens.runtime.lowering import Lowered, lower
from graphlens.runtime.segments import Segments, is_cut
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
        must_end(graph)
        self._graph = graph
        self._fitting: set[tuple[Any, ...]] = set()
        try:
            self.lowered: Lowered = lower(graph, keep=keep, outside=True, typed=False)
        except GraphError as error:
            raise NoKernelError(str(error)) from error
        if is_cut(self.lowered):
            self._run: Whole | Segments = Segments(self.lowered, _capture(graph))
        else:
            self._run = Whole(self.lowered.model, self.lowered.outside)

    def __call__(self, *inputs: Any) -> list[np.ndarray]:
        """The outputs, then the values kept.

        Raises:
            RunError: If the inputs do not fit or the run fails.
        """
        arrays = check_inputs(self._graph, inputs)
        shapes = tuple(getattr(array, "shape", None) for array in arrays)
        if shapes not in self._fitting:
            must_fit(self._graph, arrays)
            self._fitting.add(shapes)
        names = self.lowered.names
        feeds = {names[Value(n)]: a for n, a in zip(self._graph.inputs, arrays, strict=True)}
        try:
            return self._run(feeds)
        except (MemoryError, SystemError) as error:  # what a C library makes of no memory left
            raise RunError(f"{self._graph!r} does not fit into the memory: {error}") from error


def _must_have_weights(graph: Graph) -> None:
    missing = [name for name in graph.params + graph.consts if name not in graph.weights]
    missing = [name for name in missing if graph.out_degree(name)]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise NoKernelError(
            f"{graph!r} has no values for its weights {', '.join(map(repr, missing[:3]))}{more}: "
            "capture it from a model that has its weights, as dense tensors (to_dense())"
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
