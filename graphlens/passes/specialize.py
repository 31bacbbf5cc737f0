"""A graph for the sizes of one run: what they are on its inputs, in types and operands alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphlens.ir import Editor, Graph, Value
from graphlens.ops.build import Builder
from graphlens.ops.facts import facts
from graphlens.runtime.inputs import example_inputs
from graphlens.runtime.run import run


def specialize(graph: Graph, *inputs: Any) -> Graph:
    """The graph with every size that is not known as a run on these inputs has it.

    Types are stated in numbers, and an operand that says a size (a Reshape's shape, a Slice's
    ends) is a constant. The graph computes the same for all inputs that lead to these sizes. Two
    captures of a model are one graph then, though one computes the sizes (``torch.export``) that
    the other has as numbers (``torch.fx``, a trace); and its memory can be planned. The bodies
    of If, Loop and Scan are left as they are.

    Args:
        graph: The graph.
        inputs: One array for each Input; by default seeded examples.

    Raises:
        RunError: If the graph cannot be run on them.
    """
    vague, sizes = _vague(graph), _sizes(graph)
    wanted = list(dict.fromkeys([*vague, *sizes.values()]))
    if not wanted:
        return graph
    inputs = inputs or tuple(example_inputs(graph))
    seen = dict(zip(wanted, run(graph, *inputs, keep=wanted)[len(graph.outputs) :], strict=True))
    editor = Editor(graph)
    _retype(editor, {value: seen[value] for value in vague})
    constants: dict[Value, Value] = {}
    for (name, operand), value in sizes.items():
        if value not in constants:
            builder = Builder(editor, at=value.node)
            array = np.asarray(seen[value])
            constants[value] = builder.const(array, str(array.dtype), name=value.node)
        editor.rewire(name, operand, constants[value])
    editor.sweep([value.node for value in constants])
    return editor.finish()


def _vague(graph: Graph) -> list[Value]:
    """Computed values and inputs whose size is not known."""
    return [
        Value(name, index)
        for name, held in graph.nodes.items()
        for index, result in enumerate(held["results"])
        if not result.is_static
    ]


def _sizes(graph: Graph) -> dict[tuple[str, int], Value]:
    """Operands that say a size and that are computed, by node and place."""
    found: dict[tuple[str, int], Value] = {}
    for name, held in graph.nodes.items():
        places = facts(held["op"], held["domain"]).sizes
        if places:
            operands = graph.operands(name)
            for place in places:
                value = operands[place] if place < len(operands) else None
                if value is not None and graph.value_of(value) is None:
                    found[name, place] = value
    return found


def _retype(editor: Editor, seen: Mapping[Value, Any]) -> None:
    """State the sizes seen; a sequence, or a tensor that was not there, has none."""
    for (name, index), array in seen.items():
        if isinstance(array, np.ndarray):
            results = list(editor.graph.nodes[name]["results"])
            results[index] = results[index].with_shape(array.shape)
            editor.update(name, results=tuple(results))
