"""From a Graph to the Diagram that is drawn of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from graphlens.errors import UsageError
from graphlens.ir import Graph
from graphlens.view.alike import told_apart
from graphlens.view.build import flat as flat_diagram
from graphlens.view.build import totals
from graphlens.view.bundle import bundle
from graphlens.view.control import opened
from graphlens.view.dense import told_dense
from graphlens.view.diagram import Arrow, Diagram
from graphlens.view.fit import Fit, fits
from graphlens.view.fold import fold, fold_to
from graphlens.view.gather import gather_inputs
from graphlens.view.link import linked
from graphlens.view.measure import measured, measures, overlaid
from graphlens.view.own import By, checked
from graphlens.view.quotient import reshaped
from graphlens.view.roll import roll
from graphlens.view.shapes import checked as checked_shapes
from graphlens.view.shapes import in_boxes, nowhere, where_new
from graphlens.view.shared import without_lone
from graphlens.view.stack import stack
from graphlens.view.tag import tag_wide
from graphlens.view.trim import trimmed


def graph(
    graph: Graph,
    *,
    depth: int | None = None,
    expand: Collection[str] = (),
    flat: bool = False,
    color_by: By = "",
    profile: Mapping[str, float] | None = None,
    source_url: str = "",
    shapes: str = "changed",
) -> Diagram:
    """The Diagram of a graph.

    By default it is what fits one page: chains in one box, equal blocks rolled up, scopes folded
    as far as is needed.

    Args:
        graph: What to draw.
        depth: How many scopes may stand inside one another, instead of as many as fit.
        expand: Scopes (``'layer1.0'``) to leave open whatever the depth.
        flat: Every operation a box of its own, nothing folded or rolled.
        color_by: What boxes are coloured by instead of the kind of operation: ``'flops'``,
            ``'bytes'``, ``'params'``, ``'memory'``, ``'time'``, ``'dtype'``, ``'scope'`` or
            ``'group'``; or a number of one's own for each node, by its name.
        profile: Seconds of each node (`graphlens.profile`), for ``'time'``.
        source_url: The address that boxes link to, with ``{file}`` and ``{line}`` in it.
        shapes: Where the shapes of tensors are said: on arrows where they change, ``'all'`` (what
            each box reads and gives, in the box) or ``'none'``.

    Raises:
        UsageError: If ``depth`` is below 0, there is no such measure or choice, or ``expand``
            names a scope that the graph has not.
    """
    how = Folding(depth, tuple(expand), flat)
    drawn = opened(graph)
    whole = _linked(flat_diagram(drawn, derived=not flat), drawn, source_url)
    named = {cluster.id for cluster in whole.clusters}  # blocks told by numbers are no scopes
    for scope in expand:
        if scope not in named and not _is_scope(graph, scope):
            raise UsageError(f"no scope {scope!r} in {graph!r}: expected one such as 'layer1.0'")
    whole = replace(whole, subtitle=totals(graph), shapes=checked_shapes(shapes))
    if not color_by:
        return folded(whole, how)
    color_by = checked(color_by, drawn)
    found = measures(drawn, color_by, profile)
    whole = whole.having(measured(whole.boxes, found))
    return overlaid(folded(whole, how), (drawn,), color_by, found)


def _linked(whole: Diagram, graph: Graph, source_url: str) -> Diagram:
    return linked(whole, graph, source_url) if source_url else whole


class Folding(NamedTuple):
    """How much is folded.

    Attributes:
        depth: How many scopes may stand inside one another; None for as many as fit a page.
        expand: Scopes to leave open whatever the depth.
        flat: Whether nothing is folded or rolled.
    """

    depth: int | None = None
    expand: tuple[str, ...] = ()
    flat: bool = False


def folded(
    whole: Diagram, how: Folding, fit: Callable[[Diagram], Diagram] | None = None
) -> Diagram:
    """A flat diagram folded: by default to what fits one page, as ``fit`` or `fitting` has it.

    Raises:
        UsageError: If the depth is below 0.
    """
    if how.depth is not None and how.depth < 0:
        raise UsageError(f"depth is a number of scopes from 0 on, found {how.depth}")
    if how.flat:
        return finished(stack(whole, chains=False))
    rolled = told_dense(roll(stack(gather_inputs(whole))))
    if how.depth is None and not how.expand:
        return (fit or fitting)(rolled)
    return finished(fold_to(rolled, 1 if how.depth is None else how.depth, how.expand))


def _is_scope(graph: Graph, scope: str) -> bool:
    return any(f"{held['scope']}.".startswith(f"{scope}.") for held in graph.nodes.values())


def fitting(rolled: Diagram) -> Diagram:
    """A rolled diagram that explains as much as a page may hold, with others behind it.

    Each of those explains less of the model, or the same in fewer boxes or lines.
    """
    levels = fits(bundle(rolled))
    sparse = bundle(rolled, *_SPARSE) if len(rolled.panes) > 1 else rolled
    if sparse is not rolled:  # a pane has room for few members of a list
        levels = [*fits(sparse), *levels]
    shorter = [
        Fit(less, worth * level.explained)
        for level in levels
        for lines, worth in _SHORTER.items()
        if (less := trimmed(level.diagram, lines)) is not level.diagram
    ]
    ordered = sorted((*shorter, *levels), key=lambda fit: (fit.explained, len(fit.diagram.boxes)))
    coarsest = min((level.diagram for level in levels), key=lambda diagram: len(diagram.boxes))
    return finest(tuple(fit.diagram for fit in ordered), coarsest)


def finest(diagrams: tuple[Diagram, ...], coarsest: Diagram | None = None) -> Diagram:
    """The last of some diagrams, finished, those before it behind it.

    If there is a ``coarsest``, those with fewer boxes than that one are behind them all. Each is
    made when it is asked for.
    """
    *others, last = diagrams
    behind = None
    if others:
        behind = partial(finest, tuple(others), coarsest)
    elif coarsest is not None:
        behind = partial(_least, coarsest)
    return replace(finished(last), behind=behind)


def _least(coarsest: Diagram) -> Diagram:
    return finest(tuple(_fewer(coarsest)))


def _fewer(diagram: Diagram) -> list[Diagram]:
    """Ever coarser diagrams for when the coarsest of all scopes is too much, the last one first."""
    found = [diagram]
    for most in _FEWER:
        bundled = bundle(found[0], most, most)
        frames = {cluster.id for cluster in found[0].clusters}
        smaller = fold(bundled, {cluster.id for cluster in bundled.clusters} - frames)
        if len(smaller.boxes) < len(found[0].boxes):
            found.insert(0, smaller)
    return [*(trimmed(found[0], lines) for lines in sorted(_SHORTER)), *found]


_SPARSE = (8, 5)
"""Members of a cluster that are bundled where there are panes, and in how many bundles."""
_SHORTER = {4: 0.93, 2: 0.85}
"""Lines that a box may be cut to, and what such a picture is worth against the whole."""
_FEWER = (20, 18, 16, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
"""Members of a cluster, and of the page, when twenty of them are too many for it."""


def finished(diagram: Diagram) -> Diagram:
    """The diagram with wide values as tags, and shapes where they are to be said."""
    diagram = told_apart(without_lone(gather_inputs(diagram)))
    if diagram.shapes == "all":
        diagram = in_boxes(diagram)
    diagram = diagram.having(arrows=_bundled(diagram.arrows))
    return tag_wide(where_new(diagram) if diagram.shapes == "changed" else nowhere(diagram))


_LETTERS = 20
"""Letters that the shapes of tensors on one arrow may have."""


def _bundled(arrows: Sequence[Arrow]) -> list[Arrow]:
    """The arrows, those that join the same two boxes in the same panes as one."""
    found: dict[tuple[str, str, tuple[int, ...]], list[Arrow]] = {}
    for arrow in arrows:
        found.setdefault((arrow.tail, arrow.head, arrow.panes), []).append(arrow)
    return [held[0] if len(held) == 1 else _bundle(held) for held in found.values()]


def _bundle(held: list[Arrow]) -> Arrow:
    value = " ".join(arrow.value for arrow in held)
    title = "\n".join(arrow.title for arrow in held)
    mark = held[0].mark if len({arrow.mark for arrow in held}) == 1 else ""
    label = (reshaped(*held) if len(held) == 2 else "") or _carried(held)
    return replace(held[0], value=value, label=label, title=title, mark=mark)


def _carried(held: Sequence[Arrow]) -> str:
    """The shapes of tensors that go the same way, where that is said in few letters."""
    shapes = list(dict.fromkeys(arrow.label for arrow in held))
    said = ", ".join(shapes) if len(shapes) == len(held) else f"{len(held)} of {shapes[0]}"
    told = len(shapes) in (1, len(held)) and len(said) <= _LETTERS and all(shapes)
    return said if told else f"{len(held)} tensors"
