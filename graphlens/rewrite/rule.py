"""A rule: a row of a table, and the record of one application of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.rewrite.match import Match
from graphlens.rewrite.pattern import OpPattern

Replacement = Value | Sequence[Value] | None
"""What takes the root's place: a value for its result 0, one for each of its results, or None
where the rule declines after all (before it has built anything)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where ``pattern`` is found and ``when`` holds, ``replace`` builds what takes its place.

    Attributes:
        name: One word for errors and logs (``'fold-bias'``).
        pattern: What to look for; its root is the node that is replaced.
        replace: Builds the replacement with a `Builder` that adds at the root's place, in its
            scope, with the origins of all matched nodes.
        when: What else must hold.
        comment: One line: ``Add(Conv(x, w), b) -> Conv(x, w, b)``.
    """

    name: str
    pattern: OpPattern
    replace: Callable[[Match, Builder], Replacement]
    when: Callable[[Match], bool] | None = None
    comment: str = ""


class Applied(NamedTuple):
    """One application of a rule.

    Attributes:
        rule: Its name.
        matched: Names of the nodes that it matched, the root last.
        made: Names of the nodes that it added.
        region: Path of the region that it happened in, ``''`` for the graph itself.
    """

    rule: str
    matched: tuple[str, ...]
    made: tuple[str, ...]
    region: str = ""
