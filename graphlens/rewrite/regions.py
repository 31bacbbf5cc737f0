"""Applying a pass inside regions: the bodies of control flow and of fused groups."""

from __future__ import annotations

from collections.abc import Callable

from graphlens.ir import Editor, Graph


def inside(graph: Graph, change: Callable[[Graph], Graph]) -> Graph:
    """The graph with ``change`` made to every region right inside it; itself if none changed.

    Args:
        graph: Its own nodes stay as they are.
        change: A pass, which goes further inside by itself.
    """
    editor = Editor(graph)
    for name, held in graph.nodes.items():
        regions = held["regions"]
        if not regions:
            continue
        done = {key: change(body) for key, body in regions.items()}
        if any(done[key] is not regions[key] for key in regions):
            editor.update(name, regions=done)
    return editor.finish()
