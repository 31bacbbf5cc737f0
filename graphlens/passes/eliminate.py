"""Taking out what does nothing: dead code, identities, dropout, no-op casts, moves and arithmetic.

Every rule here is exact, bit for bit: ``x + 0`` stays for floats, for it turns -0 into 0.
"""

from __future__ import annotations

from graphlens.ir import Editor, Graph
from graphlens.passes.eliminate_moves import MOVES
from graphlens.passes.eliminate_values import VALUES
from graphlens.rewrite import apply
from graphlens.rewrite.regions import inside

RULES = (*VALUES, *MOVES)
"""The rules of this pass."""


def eliminate(graph: Graph) -> Graph:
    """The graph without dead code and without operations that return what they are given.

    Its Inputs stay, read or not: they are its signature.
    """
    return without_dead_code(apply(graph, RULES))


def without_dead_code(graph: Graph) -> Graph:
    """The graph without what no output depends on, inside regions too."""
    graph = inside(graph, without_dead_code)
    needed = {graph.output}
    waiting = [graph.output]
    while waiting:
        for producer in graph.pred[waiting.pop()]:
            if producer not in needed:
                needed.add(producer)
                waiting.append(producer)
    needed.update(graph.inputs)
    if len(needed) == len(graph):
        return graph
    editor = Editor(graph)
    for name in reversed(graph.in_order()):
        if name not in needed:
            editor.erase(name)
    return editor.finish()
