"""What `roll` asks of runs: where they are, whether they begin alike, what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graphlens.view.diagram import Box, Cluster


class Run(NamedTuple):
    """Equal blocks one after the other among the members of a cluster."""

    start: int
    period: int
    repeats: int


def starts_like(first: list[tuple[int, str, object]], then: list[tuple[int, str, object]]) -> bool:
    """Whether the first block is wired as those after it, but for where the chain comes from."""
    if [read for read in first if read[1] == "self"] != [
        read for read in then if read[1] == "self"
    ]:
        return False
    fed = [index for index, role, _ in then if role in ("prev", "prev2")]
    # A block that reads two before it hands on what the one before it read (NASNet's cells).
    handed = {what for index, role, what in first if role == "else" and index in fed}
    for index, role, what in then:
        if role == "else" and (index, role, what) not in first and what not in handed:
            return False
    others = sorted(index for index, role, _ in first if role != "self")
    return others == sorted(fed + [index for index, role, _ in then if role == "else"])


def stretches(classes: np.ndarray, period: int) -> list[tuple[int, int]]:
    """Where members are of the class of those ``period`` after them, for ``period`` or more.

    Half-open stretches of indices. Every stretch that is long enough has four samples in a row in
    it; where there are none, which is so at most periods, nothing else is looked at.

    Args:
        classes: The class of each member, int[N].
        period: How far those that are compared are apart.
    """
    step = period // 4
    if step > 1:
        sampled = classes[:-period:step] == classes[period::step]
        pairs = sampled[1:] & sampled[:-1]
        if not (pairs[2:] & pairs[:-2]).any():
            return []
    equal = np.zeros(len(classes) - period + 2, np.bool_)
    np.equal(classes[period:], classes[:-period], out=equal[1:-1])
    edges = np.flatnonzero(equal[1:] != equal[:-1])
    starts, stops = edges[::2], edges[1::2]
    long = stops - starts >= period
    return list(zip(starts[long].tolist(), stops[long].tolist(), strict=True))


class Wiring:
    """Which members of a cluster read which, as their places in it, by the place of the reader."""

    def __init__(self, tails: Sequence[int], heads: Sequence[int]) -> None:
        """Of arrows whose heads are in order of execution."""
        self._tails, self._heads = np.array(tails, np.int64), np.array(heads, np.int64)

    def is_chain(self, run: Run) -> bool:
        """Whether some block of a run reads the one before it."""
        inside = self._inside(run)
        block = (self._heads[inside] - run.start) // run.period
        before = (self._tails[inside] - run.start) // run.period
        return bool((block - before == 1).any())

    def roll(self, run: Run) -> None:
        """Take note that a run is one member from now on."""
        gone = self._inside(run)
        shorter = run.period * run.repeats - 1
        for ends in (self._tails, self._heads):
            ends[:] = np.where(ends > run.start, np.maximum(ends - shorter, run.start), ends)
        kept = np.ones(len(self._heads), np.bool_)
        kept[gone] = False
        self._tails, self._heads = self._tails[kept], self._heads[kept]

    def _inside(self, run: Run) -> slice:
        """The arrows into the blocks of a run but for its first."""
        ends = (run.start + run.period, run.start + run.period * run.repeats)
        return slice(*np.searchsorted(self._heads, ends).tolist())


def span(first: str, last: str) -> str:
    """``'layer.0–11'`` for ``'layer.0'`` and ``'layer.11'``."""
    stem, _, number = first.rpartition(".")
    other, _, end = last.rpartition(".")
    return f"{first}–{end}" if stem == other and number != end else f"{first} … {last}"


def root(owner: dict[str, str], name: str) -> str:
    """The box that a box is drawn as in the end."""
    while name in owner:
        name = owner[name]
    return name


def used(boxes: Sequence[Box], clusters: Sequence[Cluster]) -> list[Cluster]:
    """The clusters that still hold a box, outer ones first."""
    known = {cluster.id: cluster for cluster in clusters}
    depth: dict[str, int] = {}
    for box in boxes:
        chain: list[str] = []
        inner = box.cluster
        while inner and inner not in depth:
            chain.append(inner)
            inner = known[inner].parent
        base = depth.get(inner, 0) if inner else 0
        for step, name in enumerate(reversed(chain), 1):
            depth[name] = base + step
    held = [cluster for cluster in clusters if cluster.id in depth]
    return sorted(held, key=lambda cluster: depth[cluster.id])
