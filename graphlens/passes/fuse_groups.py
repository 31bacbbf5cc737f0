"""Which nodes run together: a linear, deterministic partition of a graph into kernels.

A group has one exit: of all its nodes only the last is read from outside. So no cycle can run
through a group (a path that leaves by the exit and comes back to a member would, with the path
from that member to the exit, be a cycle of the graph itself), nor through several: no search for
cycles is needed. TVM's FuseOps (Chen et al., arXiv:1802.04799; src/relax/transform/fuse_ops.cc)
finds the same sets by post-dominators; here two sweeps against the order of execution do, because
every reader of a node has found its group before the node is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graphlens.analysis.dataflow import Dataflow
from graphlens.ir import Graph, User, Value
from graphlens.passes.fuse_roles import MOVES_ONLY, Extent, Role, extent, role, rows

LIMIT = 48
"""Nodes of one group: a kernel's code and its operands do not grow without end."""

_TILE = 64
"""Numbers of a row up to which a contraction's own tile holds it whole, to reduce it there."""

_REACH = 8
"""Nodes that are looked at above one that may be the end of an epilogue."""

TILED = frozenset({"conv", "matmul"})
"""Families whose kernels hold the sums of a tile of the result until they are written."""


@dataclass(slots=True, eq=False)
class Group:
    """Nodes that run as one kernel.

    Attributes:
        exit: The one node that others read.
        members: Its nodes, readers before operands while it is formed.
        extent: Elements of what it makes.
        anchor: The node that shapes the kernel: the first heavy or row-wise one found.
        second: Another contraction whose result meets the anchor's element by element: both are
            summed up tile by tile (CUTLASS, examples/45_dual_gemm).
        part: The anchor's part; ``''`` for a group of light nodes only.
        family: The anchor's family.
        rows: What a row-wise anchor reads at once.
        before: Members computed before the anchor, tile by tile.
        cheap: Whether every member may be computed again at each place that reads it.
        path: For each member after the anchor, the moves between it and the exit; absent if
            the way there is not one to one.
    """

    exit: str
    extent: Extent | None
    members: list[str] = field(default_factory=list)
    anchor: str = ""
    second: str = ""
    part: str = ""
    family: str = "elementwise"
    rows: tuple[Extent, tuple[int, ...]] | None = None
    before: set[str] = field(default_factory=set)
    cheap: bool = True
    path: dict[str, tuple[str, ...]] = field(default_factory=dict)


def groups(graph: Graph, flow: Dataflow) -> list[Group]:
    """Every group of the graph, those of a single node too, in order of their exits."""
    return _Grouping(graph, flow).run()


class _Grouping:
    """The two sweeps and what they know of each node."""

    def __init__(self, graph: Graph, flow: Dataflow) -> None:
        self._graph = graph
        self._names = [
            name
            for name in flow.order
            if name not in flow.constant and not graph.node(name).is_structural
        ]
        self._roles: dict[str, Role] = {name: role(graph, name) for name in self._names}
        self._group: dict[str, Group] = {}

    def run(self) -> list[Group]:
        formed: list[Group] = []
        for name in reversed(self._names):
            if not self._follow(name):
                formed.append(self._found(name))
        for group in formed:
            self._absorb(group)
        return [group for group in reversed(formed) if group.members]

    # -- first sweep: what comes after an anchor -----------------------------------------------

    def _found(self, name: str) -> Group:
        """A new group of which ``name`` is the exit."""
        own = self._roles[name]
        group = Group(name, self._extent(name))
        self._group[name] = group
        if own.part in ("light", "view"):
            group.path[name] = (name,) if own.moves else ()
            if not own.onto:
                del group.path[name]
            group.cheap = own.cheap
        else:
            self._anchor(group, name)
        group.members.append(name)
        return group

    def _follow(self, name: str) -> bool:
        """Put a node into the group of its readers, where what follows it is an epilogue."""
        own = self._roles[name]
        group = self._reader(name)
        if not own.part or group is None or len(group.members) >= LIMIT:
            return False
        readers = self._graph.succ[name]
        if not all(self._roles[reader].part in ("light", "view") for reader in readers):
            return False
        size = self._extent(name)
        if size is None or size != group.extent:
            return False
        paths = {group.path.get(reader) for reader in readers}
        path = paths.pop() if len(paths) == 1 else None
        if own.part in ("light", "view"):
            if path is not None and own.onto:
                group.path[name] = (*path, name) if own.moves else path
            elif own.onto and self._ends_product(name):
                return False
            group.cheap = group.cheap and own.cheap
        elif path is None or (group.part and not self._is_second(group, name, path)):
            return False
        elif group.part:
            group.second = name
        else:
            self._anchor(group, name)
            group.path[name] = path
        group.members.append(name)
        self._group[name] = group
        return True

    def _ends_product(self, name: str) -> bool:
        """Whether a node may be the epilogue of a contraction by itself.

        In a group that puts it at places that are not one to one it could not be.
        """
        for _ in range(_REACH):
            source = next(iter(self._graph.operands(name)), None)
            if source is None or source.node not in self._roles:
                return False
            name, own = source.node, self._roles[source.node]
            if len(self._graph.succ[name]) != 1:
                return False
            if not own.onto:
                return own.part == "heavy"
        return False

    def _is_second(self, group: Group, name: str, path: tuple[str, ...]) -> bool:
        """Whether a contraction can be summed up beside the one that a group has."""
        own = self._roles[name]
        return (
            own.part == group.part == "heavy"
            and own.family == group.family
            and own.family in TILED
            and not group.second
            and group.path.get(group.anchor) == path
        )

    def _anchor(self, group: Group, name: str) -> None:
        own = self._roles[name]
        group.anchor, group.part, group.family = name, own.part or "alone", own.family
        group.cheap = False
        if own.part in ("row", "reduce"):
            group.rows = rows(self._graph, name)

    def _reader(self, name: str) -> Group | None:
        """The one group that holds every reader of a node, None if there is no such group."""
        found: Group | None = None
        for reader in self._graph.succ[name]:
            group = self._group.get(reader)
            if group is None or (found is not None and group is not found):
                return None
            found = group
        return found

    def _extent(self, name: str) -> Extent | None:
        return extent(self._graph.type_of(Value(name)))

    # -- second sweep: what comes before one ----------------------------------------------------

    def _absorb(self, group: Group) -> None:
        """Merge a group into the one group that reads it, where one kernel can do both."""
        into = self._reader(group.exit)
        if into is None or into is group or len(into.members) + len(group.members) > LIMIT:
            return
        results = self._graph.nodes[group.exit]["results"]
        edges = [
            user
            for index in range(len(results))
            for user in self._graph.users(Value(group.exit, index))
        ]
        fits = {"": self._light_fits, "row": self._rows_fit, "reduce": self._rows_fit}
        fits["heavy"] = self._tile_fits
        if group.part in fits and fits[group.part](group, into, edges):
            self._merge(group, into, [reader for reader, _ in edges])

    def _tile_fits(self, group: Group, into: Group, edges: Sequence[User]) -> bool:
        """Whether all that reads a contraction is a reduction of rows that its tiles hold."""
        if group.family not in TILED or into.part != "reduce" or into.rows is None:
            return False
        if [reader for reader, _ in edges] != [into.anchor] or into.before:
            return False
        (size, symbols), axes = into.rows
        shape = self._graph.type_of(Value(group.exit)).shape or ()
        row = 1
        for axis in axes:
            dim = shape[axis]
            row *= dim if isinstance(dim, int) else _TILE + 1
        return size > 0 and not symbols and row <= _TILE

    def _light_fits(self, group: Group, into: Group, edges: Sequence[User]) -> bool:
        return all(self._edge_fits(group, into, reader, operand) for reader, operand in edges)

    def _edge_fits(self, group: Group, into: Group, reader: str, operand: int) -> bool:
        """Whether a light group may be computed where ``reader`` reads it."""
        own = self._roles[reader]
        if own.part in ("light", "view"):
            return reader not in into.before or self._free(group, into)
        if operand not in own.prologue:
            return False
        masks = own.family == "attention" and operand == 3
        return own.part != "heavy" or masks or self._free(group, into)

    def _free(self, group: Group, into: Group) -> bool:
        """Whether a light group costs nothing to speak of while a heavy kernel reads its tiles."""
        if into.family != "attention":
            return group.cheap
        return all(self._graph.nodes[name]["op"] in MOVES_ONLY for name in group.members)

    def _rows_fit(self, group: Group, into: Group, edges: Sequence[User]) -> bool:
        """Whether a row-wise group reads and its reader makes the same rows."""
        if group.rows is None or any(
            operand not in self._roles[reader].prologue
            for reader, operand in edges
            if self._roles[reader].part not in ("light", "view")
        ):
            return False
        if into.part in ("row", "reduce"):
            return into.rows == group.rows
        return not into.part and into.extent == group.rows[0]

    def _merge(self, group: Group, into: Group, readers: Iterable[str]) -> None:
        anchors = (into.anchor, into.second)
        if into.part == "heavy" and any(
            reader in anchors or reader in into.before for reader in readers
        ):
            into.before.update(group.members)
        if group.part == "heavy" or (group.part and not into.part):
            into.anchor, into.second = group.anchor, group.second
            into.part, into.family, into.rows = group.part, group.family, group.rows
        into.cheap = into.cheap and group.cheap
        into.members += group.members
        for name in group.members:
            self._group[name] = into
        group.members = []
