"""A picture as plain data: boxes, arrows and clusters, words for style, no colours, no layout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a box: an operation, or a fact of the thing that the box stands for.

    Attributes:
        text: What it is, in a word: ``'Conv'``.
        detail: What matters of it: ``'3×3, 64, /2'``.
        note: A figure at the right edge: the number of parameters.
        style: A category of `ops.facts`, or ``'input'``, ``'output'``, ``'module'``, ``'more'``.
        mark: ``''``, or what happened to it: ``'removed'``, ``'added'``, ``'changed'``.
        title: Everything, for who points at it.
        link: Where its source is, as an address, if one is given.
        strip: Styles of the operations that a folded scope holds, in order of execution: drawn as
            a strip of colours instead of words.
        bar: Of a line that says a measure: its share of the largest one, drawn as a bar; below 0
            for none.
        goes_on: Whether it goes on with the line above, which was too long.
        scope: Path of the module that the operation is of.
        news: Of a changed operation, the words of its detail that differ: ``'64 → 128'``.
    """

    text: str
    detail: str = ""
    note: str = ""
    style: str = "other"
    mark: str = ""
    title: str = ""
    strip: tuple[str, ...] = ()
    link: str = ""
    bar: float = -1.0
    goes_on: bool = False
    scope: str = ""
    news: str = ""


@dataclass(frozen=True, slots=True)
class Face:
    """How a box looks in one pane.

    Attributes:
        rows: Its lines, in order of execution.
        kind: ``'op'``, ``'stack'`` (ops in a chain), ``'group'`` (ops that run as one kernel),
            ``'module'`` (a folded scope), ``'input'``, ``'output'``.
        ops: How many operations it stands for.
        params: How many parameters they own.
        inside: The operations it stands for, in order of execution, as ``(text, style, times)``,
            where its lines do not say them all.
        tint: A tint of the picture's scale instead of the colours of its lines.
        details: Of a folded scope, the op and the attributes of each operation in it.
        had: Of what stands for two models, the parameters that it had in the first.
        changes: Of a folded scope, what is removed, added and changed in it, and how often.
        measure: How much it costs, in the picture's measure; None where that is not known.
        sort: Which sort it is of, where the picture tells sorts.
    """

    rows: tuple[Row, ...]
    kind: str = "op"
    ops: int = 1
    params: int = 0
    inside: tuple[tuple[str, str, int], ...] = ()
    tint: str = ""
    details: tuple[str, ...] = ()
    changes: tuple[tuple[str, int], ...] = ()
    had: int | None = None
    measure: float | None = None
    sort: str = ""

    @property
    def contents(self) -> tuple[tuple[str, str, int], ...]:
        """The operations it stands for, in order of execution, as ``(text, style, times)``."""
        if self.inside or self.kind in ("input", "output"):
            return self.inside
        return tuple([(row.text, row.style, 1) for row in self.rows])


@dataclass(frozen=True, slots=True)
class Tag:
    """A value that comes or goes by its name instead of by an arrow."""

    text: str
    outgoing: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """Something that is drawn at one place in every pane.

    Attributes:
        id: Unique in the diagram; any text.
        faces: How it looks in each pane; None where it is not there.
        name: What its result is called in a tag.
        cluster: Id of the innermost cluster that holds it, ``''`` for none.
        tags: Values that it reads or gives by name.
        light: Whether it may join the box of its only producer (activations, norms, views ...).
        signature: Equal for boxes that do the same to tensors of the same types; empty for one
            that is like no other.
        changed: Whether its panes show two things that are to be told apart; marked when folded.
        sides: Of what stands for two models, its signature in each; None where it is not there.
    """

    id: str
    faces: tuple[Face | None, ...]
    name: str = ""
    cluster: str = ""
    tags: tuple[Tag, ...] = ()
    light: bool = False
    signature: str = ""
    changed: bool = False
    sides: tuple[str | None, ...] = ()

    @property
    def is_gone(self) -> bool:
        """Whether only the first of two models has it."""
        return len(self.sides) == 2 and self.sides[1] is None

    @property
    def face(self) -> Face:
        """How it looks in the first pane where it is."""
        return next(face for face in self.faces if face is not None)

    @property
    def ops(self) -> int:
        """How many operations it stands for."""
        return max(face.ops for face in self.faces if face is not None)


def tags_of(boxes: Iterable[Box]) -> tuple[Tag, ...]:
    """The tags of several boxes that are drawn as one, each once."""
    return tuple(dict.fromkeys(tag for box in boxes for tag in box.tags))


def moved(box: Box, cluster: str) -> Box:
    """The box in a cluster: the same object if it is there, for most are."""
    return box if box.cluster == cluster else replace(box, cluster=cluster)


@dataclass(frozen=True, slots=True)
class Arrow:
    """A tensor on its way from one box to another.

    Attributes:
        tail: Id of the box that makes it.
        head: Id of the box that reads it.
        value: Which tensor it is; arrows with the same tail and value carry the same tensor.
        label: What is written beside it: its shape, left out where it is no news.
        title: Its name and type.
        panes: Which panes it is in; empty for all.
        mark: ``''``, or what happened to it: ``'removed'``, ``'added'``.
    """

    tail: str
    head: str
    value: str = ""
    label: str = ""
    title: str = ""
    panes: tuple[int, ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A module scope, or a run of equal blocks, around the boxes in it.

    Attributes:
        id: Unique among clusters, not empty.
        path: Its scope, relative to the cluster that holds it.
        kind: The module's class.
        parent: Id of the cluster around it, ``''`` for none.
        repeat: How many equal blocks it stands for; only the first is drawn.
        title: Everything, for who points at it.
        was: How many the other of two models has; 0 where both have as many.
        dense: Whether each of the modules in it reads all before it.
    """

    id: str
    path: str = ""
    kind: str = ""
    parent: str = ""
    repeat: int = 1
    title: str = ""
    was: int = 0
    dense: bool = False

    @property
    def is_run(self) -> bool:
        """Whether it stands for several blocks, in one of two models at least."""
        return max(self.repeat, self.was) > 1

    @property
    def times(self) -> str:
        """``'× 12'``, ``'× 16 for × 12'``; nothing of what is there once."""
        if not self.is_run:
            return ""
        return f"× {self.repeat} for × {self.was}" if self.was else f"× {self.repeat}"

    @property
    def label(self) -> str:
        """``'layer1.0 · Bottleneck'``."""
        return " · ".join(word for word in (self.path, self.kind) if word)


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of a pane's head: ``peak memory 12.8 MB``, perhaps against what it was before."""

    name: str
    value: str
    change: str = ""
    good: bool = False


@dataclass(frozen=True, slots=True)
class Pane:
    """One view of the model: its title, a line under it, and its figures."""

    title: str
    subtitle: str = ""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """What the tints of a picture mean.

    Attributes:
        title: What is measured.
        entries: Each tint with its meaning, the lowest first.
    """

    title: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Diagram:
    """A picture of a graph, or of several states of one graph in panes side by side.

    All panes are laid out as one: a box stands at the same place in each pane that it is in.

    Attributes:
        title: The model's name.
        subtitle: Totals, in a line.
        boxes: In order of execution.
        arrows: In the order of their heads.
        clusters: Outer ones before inner ones.
        panes: At least one; each box has one face for each.
        behind: Makes the same with more folded, for when this is too much for a page; there may be
            many of these, of which few are ever looked at. None if there is no coarser one.
        scale: What tints mean, where boxes are coloured by a measure.
        threads: Whether the groups of a pane are tied to their members in the one before.
        shapes: Where shapes are said: ``'changed'`` (on arrows, where they change), ``'all'`` (in
            every box) or ``'none'``.
    """

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    panes: tuple[Pane, ...] = (Pane(""),)
    subtitle: str = ""
    behind: Callable[[], Diagram] | None = field(default=None, compare=False, repr=False)
    scale: Scale | None = None
    threads: bool = False
    shapes: str = "changed"

    @property
    def coarser(self) -> Diagram | None:
        """The same with more folded, made when it is asked for; None for the coarsest."""
        return self.behind() if self.behind else None

    def having(
        self,
        boxes: Sequence[Box] | None = None,
        arrows: Sequence[Arrow] | None = None,
        clusters: Sequence[Cluster] | None = None,
    ) -> Diagram:
        """The same diagram with other parts."""
        return replace(
            self,
            boxes=self.boxes if boxes is None else tuple(boxes),
            arrows=self.arrows if arrows is None else tuple(arrows),
            clusters=self.clusters if clusters is None else tuple(clusters),
        )


@dataclass(frozen=True, slots=True)
class Span:
    """One tensor of a memory map: alive in the steps ``start`` to ``stop``, both included.

    It takes the bytes from ``offset`` to ``offset + size``.
    """

    label: str
    start: int
    stop: int
    offset: int
    size: int
    style: str = "other"
    title: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """The steps ``start`` to ``stop`` of a memory map in which a body runs, both included."""

    label: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class MemoryMap:
    """A memory plan: time (steps of execution) across, bytes upward.

    Attributes:
        title: The model's name.
        subtitle: Totals, in a line.
        spans: The tensors.
        steps: How many steps there are.
        step_names: What runs at each step.
        live: Bytes alive at each step.
        peak_step: The step with most of them.
        arena: Bytes that the plan takes.
        bound: Bytes of the largest live set: no plan takes less.
        facts: The figures of its head.
        bands: The bodies of control flow.
    """

    title: str
    spans: tuple[Span, ...]
    steps: int
    step_names: tuple[str, ...] = ()
    live: tuple[int, ...] = ()
    peak_step: int = 0
    arena: int = 0
    bound: int = 0
    facts: tuple[Fact, ...] = ()
    subtitle: str = ""
    bands: tuple[Band, ...] = ()


Picture = Diagram | MemoryMap
"""What `render` draws."""
