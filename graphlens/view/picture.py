"""From a Graph to the Diagram that is drawn of it."""

from __future__ import annotations

from collections.abc import Collection

from graphlens.ir import Graph
from graphlens.view.build import flat as flat_diagram
from graphlens.view.diagram import Diagram
from graphlens.view.fit import PAGE, fit
from graphlens.view.fold import fold_to
from graphlens.view.roll import roll
from graphlens.view.stack import stack
from graphlens.view.tag import tag_wide


def graph(
    graph: Graph,
    *,
    depth: int | None = None,
    expand: Collection[str] = (),
    flat: bool = False,
) -> Diagram:
    """The Diagram of a graph.

    By default it is what fits one page: chains in one box, equal blocks rolled up, scopes folded
    as far as is needed.

    Args:
        graph: What to draw.
        depth: How many scopes may stand inside one another, instead of as many as fit.
        expand: Scopes (``'layer1.0'``) to leave open whatever the depth.
        flat: Every operation a box of its own, nothing folded or rolled.
    """
    whole = flat_diagram(graph)
    if flat:
        return tag_wide(stack(whole, chains=False))
    rolled = roll(stack(whole))
    return tag_wide(shown(rolled, depth, expand))


def shown(
    rolled: Diagram, depth: int | None, expand: Collection[str], page: float = PAGE
) -> Diagram:
    """A rolled diagram folded to a depth, or to what fits a page."""
    if depth is None and not expand:
        return fit(rolled, page)
    return fold_to(rolled, 1 if depth is None else depth, expand)
